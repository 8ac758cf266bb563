-- Account sync: what an account's row says of its last syncs, one log row per sync, two views for people and
-- alerts, and the lease that keeps two workers off one account.
--
-- An older installation may have parts of this already: rows and columns are kept, and brought to the same shape.

-- For tables of the documents that an installation may have made itself. The base wrote down what it had
-- (installation_before); the rollback gives that back.
CREATE PROCEDURE public.installation_take_over(p_relation text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_table regclass := to_regclass(format('public.%I', p_relation));
    v_name text;
BEGIN
    IF NOT installation_had(p_relation, 'table') THEN
        RETURN;
    END IF;
    INSERT INTO installation_before (relation, kind, name, before)
    SELECT p_relation, 'acl', '', jsonb_build_object('grants', coalesce(jsonb_agg(jsonb_build_object(
               'grantee', CASE x.grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(x.grantee) END,
               'privilege', x.privilege_type, 'grantable', x.is_grantable)), '[]'))
    FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x
    WHERE c.oid = v_table AND x.grantee <> c.relowner
    ON CONFLICT (relation, kind, name) DO NOTHING;
    -- Two sets of policies would let through what either lets through.
    CALL installation_drop_policies(p_relation);
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, anon, authenticated, service_role', v_table);
    EXECUTE format('ALTER TABLE %s OWNER TO tradewire_owner', v_table);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', v_table);
    FOR v_name IN
        SELECT a.attname FROM pg_attribute a
        WHERE a.attrelid = v_table AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'timestamp'::regtype
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE TIMESTAMPTZ USING %I AT TIME ZONE ''UTC''', v_table, v_name, v_name);
    END LOOP;
    FOR v_name IN
        SELECT a.attname FROM pg_attribute a
        WHERE a.attrelid = v_table AND NOT a.attisdropped AND a.attname IN ('created_at', 'updated_at')
    LOOP
        IF installation_had(p_relation, 'column', 'id') THEN
            EXECUTE format('INSERT INTO installation_rows (version, relation, row_id, before)
                            SELECT 20251113000000, %L, t.id, jsonb_build_object(%L, NULL, ''became'', now())
                            FROM %s t WHERE t.%I IS NULL
                            ON CONFLICT (version, relation, row_id)
                            DO UPDATE SET before = installation_rows.before || excluded.before',
                           p_relation, v_name, v_table, v_name);
        END IF;
        EXECUTE format('UPDATE %s SET %I = now() WHERE %I IS NULL', v_table, v_name, v_name);
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT now(), ALTER COLUMN %I SET NOT NULL',
                       v_table, v_name, v_name);
    END LOOP;
END $$;
COMMENT ON PROCEDURE public.installation_take_over IS 'An installation''s own table becomes ours: owner, row level security, times with a zone. Rights and policies are put aside. Once more changes nothing.';

-- A value that a later rule let in keeps the column as it is, and is named.
CREATE PROCEDURE public.installation_restore_columns(p_relation text, VARIADIC p_columns text[])
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_column record;
BEGIN
    FOR v_column IN
        SELECT b.name, b.before ->> 'default' AS default_text, (b.before ->> 'not_null')::boolean AS is_not_null
        FROM installation_before b
        WHERE b.relation = p_relation AND b.kind = 'column' AND b.name = ANY (p_columns)
    LOOP
        EXECUTE format('ALTER TABLE public.%I ALTER COLUMN %I %s', p_relation, v_column.name,
                       coalesce('SET DEFAULT ' || v_column.default_text, 'DROP DEFAULT'));
        IF v_column.is_not_null THEN
            CALL installation_set_not_null(p_relation, v_column.name::text);
        ELSE
            EXECUTE format('ALTER TABLE public.%I ALTER COLUMN %I DROP NOT NULL', p_relation, v_column.name);
        END IF;
    END LOOP;
END $$;
COMMENT ON PROCEDURE public.installation_restore_columns IS 'For rollbacks: default and NOT NULL of these columns as the installation had them.';

-- Its views and whatever else is new about it were dropped before.
CREATE PROCEDURE public.installation_give_back(p_relation text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_table regclass := to_regclass(format('public.%I', p_relation));
    v_object record;
BEGIN
    IF NOT installation_had(p_relation, 'table') THEN
        RETURN;
    END IF;
    FOR v_object IN SELECT polname AS name FROM pg_policy WHERE polrelid = v_table LOOP
        EXECUTE format('DROP POLICY %I ON %s', v_object.name, v_table);
    END LOOP;

    -- Columns first: a constraint or index goes with a column that was not there.
    FOR v_object IN
        SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, b.before
        FROM pg_attribute a
        LEFT JOIN installation_before b ON b.relation = p_relation AND b.kind = 'column' AND b.name = a.attname
        WHERE a.attrelid = v_table AND a.attnum > 0 AND NOT a.attisdropped
    LOOP
        IF v_object.before IS NULL THEN
            EXECUTE format('ALTER TABLE %s DROP COLUMN %I', v_table, v_object.name);
            CONTINUE;
        END IF;
        IF v_object.type LIKE 'timestamp%with time zone' AND v_object.before ->> 'type' LIKE 'timestamp%without time zone' THEN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE %s USING %I AT TIME ZONE ''UTC''', v_table, v_object.name,
                           v_object.before ->> 'type', v_object.name);
        END IF;
        CALL installation_restore_columns(p_relation, v_object.name::text);
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', v_table, v_object.name, v_object.before ->> 'comment');
        IF v_object.name IN ('created_at', 'updated_at') AND installation_had(p_relation, 'column', 'id') THEN
            EXECUTE format('UPDATE %1$s t SET %2$I = NULL FROM installation_rows r
                            WHERE r.version = 20251113000000 AND r.relation = %3$L AND r.row_id = t.id
                              AND r.before ? %2$L AND t.%2$I = (r.before ->> ''became'')::timestamptz%4$s',
                           v_table, v_object.name, p_relation,
                           CASE WHEN v_object.before ->> 'type' LIKE 'timestamp%without time zone' THEN ' AT TIME ZONE ''UTC''' END);
        END IF;
    END LOOP;
    DELETE FROM installation_rows r WHERE r.version = 20251113000000 AND r.relation = p_relation;

    FOR v_object IN
        SELECT DISTINCT array_agg(a.attname::text ORDER BY a.attname) AS columns
        FROM pg_constraint n JOIN pg_attribute a ON a.attrelid = n.conrelid AND a.attnum = ANY (n.conkey)
        WHERE n.conrelid = v_table AND n.contype IN ('c', 'f', 'u') GROUP BY n.oid
        UNION
        SELECT ARRAY(SELECT jsonb_array_elements_text(b.before -> 'columns') ORDER BY 1)
        FROM installation_before b WHERE b.relation = p_relation AND b.kind = 'constraint'
        ORDER BY 1
    LOOP
        CALL installation_restore_constraints(p_relation, VARIADIC v_object.columns);
    END LOOP;
    FOR v_object IN
        SELECT c.oid::regclass AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indrelid = v_table AND NOT EXISTS (SELECT FROM pg_constraint n WHERE n.conindid = c.oid)
          AND NOT installation_had(p_relation, 'index', c.relname)
    LOOP
        EXECUTE format('DROP INDEX %s', v_object.name);
    END LOOP;
    FOR v_object IN
        SELECT b.name, b.before FROM installation_before b WHERE b.relation = p_relation AND b.kind = 'index'
    LOOP
        IF to_regclass(format('public.%I', v_object.name)) IS NULL THEN
            CALL installation_restore_index(p_relation, v_object.name, v_object.before ->> 'definition');
        END IF;
        EXECUTE format('COMMENT ON INDEX public.%I IS %L', v_object.name, v_object.before ->> 'comment');
    END LOOP;

    FOR v_object IN
        SELECT DISTINCT x.grantee FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x
        WHERE c.oid = v_table AND x.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s', v_table,
                       CASE v_object.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(v_object.grantee)) END);
    END LOOP;
    SELECT b.before INTO v_object FROM installation_before b WHERE b.relation = p_relation AND b.kind = 'table';
    EXECUTE format('COMMENT ON TABLE %s IS %L', v_table, v_object.before ->> 'comment');
    EXECUTE format('ALTER TABLE %s %s ROW LEVEL SECURITY', v_table,
                   CASE WHEN (v_object.before ->> 'rls')::boolean THEN 'ENABLE' ELSE 'DISABLE' END);
    EXECUTE format('ALTER TABLE %s OWNER TO %I', v_table, v_object.before ->> 'owner');
    FOR v_object IN
        SELECT g ->> 'grantee' AS grantee, g ->> 'privilege' AS privilege, (g ->> 'grantable')::boolean AS is_grantable
        FROM installation_before b CROSS JOIN LATERAL jsonb_array_elements(b.before -> 'grants') g
        WHERE b.relation = p_relation AND b.kind = 'acl'
    LOOP
        EXECUTE format('GRANT %s ON %s TO %s%s', v_object.privilege, v_table,
                       coalesce(quote_ident(v_object.grantee), 'PUBLIC'),
                       CASE WHEN v_object.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
    END LOOP;
    DELETE FROM installation_before b WHERE b.relation = p_relation AND b.kind = 'acl';
    CALL installation_restore_policies(p_relation);
END $$;
COMMENT ON PROCEDURE public.installation_give_back IS 'For rollbacks: an installation''s own table as it was, with every row; what it had not is dropped from it.';
REVOKE ALL ON PROCEDURE public.installation_take_over, public.installation_restore_columns, public.installation_give_back
    FROM PUBLIC, anon, authenticated, service_role;
ALTER PROCEDURE public.installation_take_over OWNER TO tradewire_owner;
ALTER PROCEDURE public.installation_restore_columns OWNER TO tradewire_owner;
ALTER PROCEDURE public.installation_give_back OWNER TO tradewire_owner;

-- Before trading_accounts: who writes a trade goes on to look at its account.
LOCK TABLE public.trades IN ACCESS EXCLUSIVE MODE;
CALL public.installation_take_over('sync_logs');
DO $$
DECLARE
    v_name text;
BEGIN
    -- Any check on the status alone, whatever it is called.
    FOR v_name IN
        SELECT c.conname FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
        WHERE c.conrelid = 'public.trading_accounts'::regclass AND c.contype = 'c' AND a.attname = 'connection_status'
    LOOP
        EXECUTE format('ALTER TABLE public.trading_accounts DROP CONSTRAINT %I', v_name);
    END LOOP;
END $$;

-- A word that the rule does not know, and a number that was none, are written down, and the rollback puts them back.
INSERT INTO public.installation_rows (version, relation, row_id, before)
SELECT 20251113000000, 'trading_accounts', a.id, jsonb_object_agg(c.key, c.value)
FROM public.trading_accounts a CROSS JOIN LATERAL jsonb_each(to_jsonb(a)) c
WHERE (c.key = 'connection_status' AND c.value #>> '{}' NOT IN ('connected', 'disconnected', 'error', 'active'))
   OR (c.key IN ('sync_failure_count', 'broker_server_time_offset') AND c.value = 'null')
GROUP BY a.id;
UPDATE public.trading_accounts SET connection_status = 'disconnected'
WHERE connection_status NOT IN ('connected', 'disconnected', 'error', 'active');

SET ROLE tradewire_owner;

-- migrate:ignore prefer-text-field the document says VARCHAR(255)
ALTER TABLE trading_accounts
    ADD COLUMN IF NOT EXISTS mt5_service_account_id VARCHAR(255),
    ADD COLUMN IF NOT EXISTS last_connection_error TEXT,
    ADD COLUMN IF NOT EXISTS last_successful_sync_at TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS sync_failure_count INTEGER DEFAULT 0,
    ADD COLUMN IF NOT EXISTS broker_server_time_offset INTEGER DEFAULT 0,
    ADD COLUMN IF NOT EXISTS broker_connection_id UUID;

-- migrate:ignore prefer-text-field the document says VARCHAR(50)
CREATE TABLE IF NOT EXISTS sync_logs (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id UUID NOT NULL CONSTRAINT sync_logs_account_id_fkey REFERENCES trading_accounts ON DELETE CASCADE,
    sync_type VARCHAR(50) NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    completed_at TIMESTAMPTZ,
    status VARCHAR(50) NOT NULL,
    trades_synced INTEGER DEFAULT 0,
    error_message TEXT,
    duration_ms INTEGER,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- What an older installation has is brought to the same shape; on a new one these find nothing to do.
-- migrate:ignore adding-foreign-key-constraint an older installation's log is short
DO $$
DECLARE
    v_object record;
BEGIN
    UPDATE trading_accounts
    SET sync_failure_count = coalesce(sync_failure_count, 0),
        broker_server_time_offset = coalesce(broker_server_time_offset, 0)
    WHERE sync_failure_count IS NULL OR broker_server_time_offset IS NULL;
    FOR v_object IN
        SELECT c.conname AS name FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid
                                                                        AND c.conkey = ARRAY[a.attnum]
        WHERE c.conrelid = 'public.sync_logs'::regclass
          AND (c.contype = 'c' OR (c.contype = 'f' AND a.attname = 'account_id'))
    LOOP
        EXECUTE format('ALTER TABLE sync_logs DROP CONSTRAINT %I', v_object.name);
    END LOOP;
    ALTER TABLE sync_logs ADD CONSTRAINT sync_logs_account_id_fkey
        FOREIGN KEY (account_id) REFERENCES trading_accounts ON DELETE CASCADE;
END $$;

-- One row per account and, when this file runs, hardly any logs: what is checked here is checked in no time.
-- migrate:ignore adding-not-nullable-field one row per account, and the default is already there
ALTER TABLE trading_accounts
    ALTER COLUMN sync_failure_count SET DEFAULT 0,
    ALTER COLUMN sync_failure_count SET NOT NULL,
    ALTER COLUMN broker_server_time_offset SET DEFAULT 0,
    ALTER COLUMN broker_server_time_offset SET NOT NULL;
-- migrate:ignore constraint-missing-not-valid one row per account
-- migrate:ignore contract-directive it lets in one word more
ALTER TABLE trading_accounts
    ADD CONSTRAINT trading_accounts_connection_status_check
        CHECK (connection_status IN ('connected', 'disconnected', 'error', 'active'));
-- migrate:ignore adding-foreign-key-constraint one row per account, and the column is new
-- migrate:ignore disallowed-unique-constraint one row per account, and the column is new
ALTER TABLE trading_accounts
    DROP CONSTRAINT IF EXISTS trading_accounts_broker_connection_id_key,
    DROP CONSTRAINT IF EXISTS trading_accounts_broker_connection_id_fkey,
    DROP CONSTRAINT IF EXISTS trading_accounts_broker_connection_fkey,
    ADD CONSTRAINT trading_accounts_broker_connection_id_key UNIQUE (broker_connection_id),
    ADD CONSTRAINT trading_accounts_broker_connection_fkey
        FOREIGN KEY (broker_connection_id, user_id) REFERENCES broker_connections (id, user_id)
        ON DELETE SET NULL (broker_connection_id);
-- migrate:ignore require-concurrent-index-creation one row per account
CREATE INDEX IF NOT EXISTS idx_trading_accounts_sync_status
    ON trading_accounts (is_active, connection_status, last_sync_at);

-- migrate:ignore constraint-missing-not-valid made above; an older installation's log is short
ALTER TABLE sync_logs
    ADD CONSTRAINT sync_logs_sync_type_check CHECK (sync_type::text IN ('scheduled', 'manual', 'realtime')),
    ADD CONSTRAINT sync_logs_status_check CHECK (status::text IN ('success', 'failed', 'partial'));
-- migrate:ignore require-concurrent-index-creation made above; an older installation's log is short
CREATE INDEX IF NOT EXISTS idx_sync_logs_account ON sync_logs (account_id, started_at DESC);
-- migrate:ignore require-concurrent-index-creation made above; an older installation's log is short
CREATE INDEX IF NOT EXISTS idx_sync_logs_started_at ON sync_logs (started_at DESC);

COMMENT ON COLUMN trading_accounts.connection_status IS 'How the last attempt went: connected or active, disconnected, error. Story 4.1 (account connection).';
COMMENT ON COLUMN trading_accounts.mt5_service_account_id IS 'The account''s id at the REST source; NULL: its agent reports it. Story 4.1 (account connection).';
COMMENT ON COLUMN trading_accounts.last_connection_error IS 'code: text of the last failed attempt; NULL after a success. Story 4.1 (account connection).';
COMMENT ON COLUMN trading_accounts.last_successful_sync_at IS 'When the last sync of status success ended; UTC. Story 4.2 (trading data sync).';
COMMENT ON COLUMN trading_accounts.sync_failure_count IS 'Failures in a row; 0 again after a success. Story 4.2 (trading data sync).';
COMMENT ON COLUMN trading_accounts.broker_server_time_offset IS 'Trade server''s wall clock minus UTC, seconds; 10800 = UTC+3. Story 4.2 (trading data sync).';
COMMENT ON COLUMN trading_accounts.broker_connection_id IS 'The connection that trades on this account; NULL: it is only synchronised. Story 4.1 (account connection).';
COMMENT ON CONSTRAINT trading_accounts_connection_status_check ON trading_accounts IS 'The four words; active is what the REST source says of a working account.';
COMMENT ON CONSTRAINT trading_accounts_broker_connection_id_key ON trading_accounts IS 'One connection trades on one account.';
COMMENT ON CONSTRAINT trading_accounts_broker_connection_fkey ON trading_accounts IS 'The connection is the same user''s.';
COMMENT ON INDEX idx_trading_accounts_sync_status IS 'Sync: active accounts by how long they have been waiting; alerts on accounts that stopped syncing.';

COMMENT ON TABLE sync_logs IS 'One row per sync of an account, written when it ended. Story 4.2 (trading data sync).';
COMMENT ON COLUMN sync_logs.id IS 'The row''s id.';
COMMENT ON COLUMN sync_logs.account_id IS 'The account.';
COMMENT ON COLUMN sync_logs.sync_type IS 'scheduled, manual (asked for) or realtime (right after a fill).';
COMMENT ON COLUMN sync_logs.started_at IS 'When it began; UTC.';
COMMENT ON COLUMN sync_logs.completed_at IS 'When it ended; UTC.';
COMMENT ON COLUMN sync_logs.status IS 'success; partial: some of account, positions and history were read; failed: none.';
COMMENT ON COLUMN sync_logs.trades_synced IS 'How many rows of trades it added or changed.';
COMMENT ON COLUMN sync_logs.error_message IS 'code: text, unless it was a success.';
COMMENT ON COLUMN sync_logs.duration_ms IS 'How long it took, milliseconds.';
COMMENT ON COLUMN sync_logs.created_at IS 'When the row was made.';
COMMENT ON INDEX idx_sync_logs_account IS 'An account''s syncs, newest first; its last 24 hours in account_sync_health.';
COMMENT ON INDEX idx_sync_logs_started_at IS 'All syncs, newest first: recent_sync_failures, the success rate of the last hour, retention.';

CREATE TABLE sync_leases (
    account_id UUID PRIMARY KEY REFERENCES trading_accounts ON DELETE CASCADE,
    owner TEXT NOT NULL,
    fence BIGINT NOT NULL CHECK (fence > 0),
    until_at TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE sync_leases IS 'Which worker synchronises an account right now. Story 4.2 (trading data sync).';
COMMENT ON COLUMN sync_leases.account_id IS 'The account.';
COMMENT ON COLUMN sync_leases.owner IS 'The worker''s instance name.';
COMMENT ON COLUMN sync_leases.fence IS 'Raised by every taking: the writing transaction checks that it still holds this one.';
COMMENT ON COLUMN sync_leases.until_at IS 'Nobody else may take it before; UTC.';

CREATE VIEW recent_sync_failures WITH (security_invoker = true) AS
    SELECT l.id, l.account_id, a.user_id, a.platform, a.broker_name, a.account_name, l.sync_type, l.status,
           l.error_message, l.started_at, l.completed_at, l.duration_ms, l.trades_synced, a.sync_failure_count
    FROM sync_logs l JOIN trading_accounts a ON a.id = l.account_id
    WHERE l.status::text IN ('failed', 'partial') AND l.started_at > now() - interval '24 hours';
COMMENT ON VIEW recent_sync_failures IS 'Syncs of the last 24 hours that failed or were partial; a user sees those of own accounts. Story 4.2 (trading data sync).';
COMMENT ON COLUMN recent_sync_failures.id IS 'As sync_logs.id.';
COMMENT ON COLUMN recent_sync_failures.account_id IS 'The account.';
COMMENT ON COLUMN recent_sync_failures.user_id IS 'The account''s user.';
COMMENT ON COLUMN recent_sync_failures.platform IS 'As trading_accounts.platform.';
COMMENT ON COLUMN recent_sync_failures.broker_name IS 'As trading_accounts.broker_name.';
COMMENT ON COLUMN recent_sync_failures.account_name IS 'As trading_accounts.account_name.';
COMMENT ON COLUMN recent_sync_failures.sync_type IS 'As sync_logs.sync_type.';
COMMENT ON COLUMN recent_sync_failures.status IS 'failed or partial.';
COMMENT ON COLUMN recent_sync_failures.error_message IS 'code: text.';
COMMENT ON COLUMN recent_sync_failures.started_at IS 'When it began; UTC.';
COMMENT ON COLUMN recent_sync_failures.completed_at IS 'When it ended; UTC.';
COMMENT ON COLUMN recent_sync_failures.duration_ms IS 'How long it took, milliseconds.';
COMMENT ON COLUMN recent_sync_failures.trades_synced IS 'How many rows of trades it added or changed.';
COMMENT ON COLUMN recent_sync_failures.sync_failure_count IS 'The account''s failures in a row, now.';

CREATE VIEW account_sync_health WITH (security_invoker = true) AS
    SELECT a.id AS account_id, a.user_id, a.platform, a.broker_name, a.account_name, a.is_active, a.connection_status,
           a.last_sync_at, a.last_successful_sync_at, a.last_connection_error, a.sync_failure_count,
           d.total AS total_syncs_24h, d.successful AS successful_syncs_24h, d.failed AS failed_syncs_24h,
           d.partial AS partial_syncs_24h,
           round(100.0 * d.successful / nullif(d.total, 0), 2) AS success_rate_pct_24h,
           round(d.duration_ms) AS avg_duration_ms_24h
    FROM trading_accounts a
    CROSS JOIN LATERAL (
        SELECT count(*) AS total,
               count(*) FILTER (WHERE l.status = 'success') AS successful,
               count(*) FILTER (WHERE l.status = 'failed') AS failed,
               count(*) FILTER (WHERE l.status = 'partial') AS partial,
               avg(l.duration_ms) AS duration_ms
        FROM sync_logs l
        WHERE l.account_id = a.id AND l.started_at > now() - interval '24 hours') d;
COMMENT ON VIEW account_sync_health IS 'How syncing goes, one row per account; a user sees own accounts. Story 4.2 (trading data sync).';
COMMENT ON COLUMN account_sync_health.account_id IS 'The account.';
COMMENT ON COLUMN account_sync_health.user_id IS 'Its user.';
COMMENT ON COLUMN account_sync_health.platform IS 'As trading_accounts.platform.';
COMMENT ON COLUMN account_sync_health.broker_name IS 'As trading_accounts.broker_name.';
COMMENT ON COLUMN account_sync_health.account_name IS 'As trading_accounts.account_name.';
COMMENT ON COLUMN account_sync_health.is_active IS 'Whether it is synchronised at all.';
COMMENT ON COLUMN account_sync_health.connection_status IS 'As trading_accounts.connection_status.';
COMMENT ON COLUMN account_sync_health.last_sync_at IS 'When the last attempt was made; UTC.';
COMMENT ON COLUMN account_sync_health.last_successful_sync_at IS 'When the last success ended; UTC.';
COMMENT ON COLUMN account_sync_health.last_connection_error IS 'code: text of the last failed attempt.';
COMMENT ON COLUMN account_sync_health.sync_failure_count IS 'Failures in a row, now.';
COMMENT ON COLUMN account_sync_health.total_syncs_24h IS 'Syncs that began within the last 24 hours.';
COMMENT ON COLUMN account_sync_health.successful_syncs_24h IS 'Of these: success.';
COMMENT ON COLUMN account_sync_health.failed_syncs_24h IS 'Of these: failed.';
COMMENT ON COLUMN account_sync_health.partial_syncs_24h IS 'Of these: partial.';
COMMENT ON COLUMN account_sync_health.success_rate_pct_24h IS 'Successes in percent of all of them; NULL: there was none.';
COMMENT ON COLUMN account_sync_health.avg_duration_ms_24h IS 'Their mean duration, milliseconds; NULL: there was none.';

ALTER TABLE sync_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_leases ENABLE ROW LEVEL SECURITY;

GRANT SELECT ON sync_logs, recent_sync_failures, account_sync_health
    TO authenticated, service_role, tradewire_dispatcher, tradewire_sync, tradewire_operator;
CREATE POLICY service_read ON sync_logs FOR SELECT TO service_role USING (true);
CREATE POLICY dispatcher ON sync_logs FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY operator ON sync_logs FOR SELECT TO tradewire_operator USING (true);

-- The service role of another backend writes logs, too.
GRANT INSERT ON sync_logs TO service_role;
CREATE POLICY service_write ON sync_logs FOR INSERT TO service_role WITH CHECK (true);

-- sync-worker: the four tables are its own.
GRANT SELECT, INSERT, UPDATE ON trading_accounts, trades, sync_leases TO tradewire_sync;
GRANT INSERT ON sync_logs TO tradewire_sync;
CREATE POLICY sync ON trading_accounts FOR ALL TO tradewire_sync USING (true) WITH CHECK (true);
CREATE POLICY sync ON trades FOR ALL TO tradewire_sync USING (true) WITH CHECK (true);
CREATE POLICY sync ON sync_leases FOR ALL TO tradewire_sync USING (true) WITH CHECK (true);
CREATE POLICY sync ON sync_logs FOR ALL TO tradewire_sync USING (true) WITH CHECK (true);

-- The API and tradewirectl show accounts, trades and who is at work on what.
GRANT SELECT ON trading_accounts, trades TO tradewire_dispatcher, tradewire_operator;
GRANT SELECT ON sync_leases TO tradewire_operator;
CREATE POLICY dispatcher ON trading_accounts FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY dispatcher ON trades FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY operator ON trading_accounts FOR SELECT TO tradewire_operator USING (true);
CREATE POLICY operator ON trades FOR SELECT TO tradewire_operator USING (true);
CREATE POLICY operator ON sync_leases FOR SELECT TO tradewire_operator USING (true);

RESET ROLE;

-- As whoever migrates: on Supabase the owner of our tables may not name what is in auth.
CREATE POLICY own ON public.sync_logs FOR SELECT TO authenticated USING (EXISTS (
    SELECT FROM public.trading_accounts a WHERE a.id = account_id AND a.user_id = (SELECT auth.uid())));
