-- One role per program, and one that owns everything and that nobody logs in as. Roles get no password here:
-- the deployment says ALTER ROLE … LOGIN PASSWORD. Their rights are in 20251109000000_rights.sql.
--
-- Roles belong to the whole cluster, so other databases may be migrated at the same moment: whatever fails
-- because somebody else just did it is looked at again.

DO $$
DECLARE
    v_role record;
    v_setting text;
BEGIN
    FOR v_role IN
        SELECT * FROM (VALUES
            -- Timeouts live here and never in a connection string: a pooler would drop them. The dispatcher's
            -- batches are the longest transactions; the gateway and the ingester answer somebody who waits.
            ('tradewire_owner',      ARRAY[]::text[]),
            ('tradewire_ingester',   ARRAY['statement_timeout=2s',  'lock_timeout=1s', 'idle_in_transaction_session_timeout=5s']),
            ('tradewire_dispatcher', ARRAY['statement_timeout=20s', 'lock_timeout=5s', 'idle_in_transaction_session_timeout=10s']),
            ('tradewire_gateway',    ARRAY['statement_timeout=5s',  'lock_timeout=2s', 'idle_in_transaction_session_timeout=5s']),
            ('tradewire_sync',       ARRAY['statement_timeout=20s', 'lock_timeout=5s', 'idle_in_transaction_session_timeout=10s']),
            ('tradewire_operator',   ARRAY['statement_timeout=30s', 'lock_timeout=5s', 'idle_in_transaction_session_timeout=60s'])
        ) AS r (name, settings)
    LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = v_role.name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', v_role.name);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        FOREACH v_setting IN ARRAY v_role.settings LOOP
            FOR v_try IN 1 .. 20 LOOP
                EXIT WHEN EXISTS (
                    SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
                    WHERE r.rolname = v_role.name AND s.setdatabase = 0 AND v_setting = ANY (s.setconfig));
                BEGIN
                    EXECUTE format('ALTER ROLE %I SET %I = %L', v_role.name,
                                   split_part(v_setting, '=', 1), split_part(v_setting, '=', 2));
                EXCEPTION WHEN internal_error OR unique_violation THEN
                    NULL; -- "tuple concurrently updated"
                END;
            END LOOP;
        END LOOP;
    END LOOP;
END $$;

-- Who migrates must be a member of the owner to give it objects and to act as it below.
DO $$
BEGIN
    FOR v_try IN 1 .. 20 LOOP
        EXIT WHEN pg_has_role(current_user, 'tradewire_owner', 'MEMBER');
        BEGIN
            GRANT tradewire_owner TO CURRENT_USER;
        EXCEPTION WHEN internal_error OR unique_violation THEN
            NULL;
        END;
    END LOOP;
END $$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role, tradewire_ingester, tradewire_dispatcher,
    tradewire_gateway, tradewire_sync, tradewire_operator;
GRANT USAGE, CREATE ON SCHEMA public TO tradewire_owner;

-- A new function may be called by everybody unless that is taken away: here it never is given.
ALTER DEFAULT PRIVILEGES FOR ROLE tradewire_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Policies and operator functions look at users. On Supabase the grant may not be ours to give: there users
-- are made by its own service, and reading them needs no grant of ours.
DO $$
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = 'auth.users'::regclass), 'MEMBER') THEN
        GRANT USAGE ON SCHEMA auth TO tradewire_owner;
        GRANT SELECT, INSERT, REFERENCES ON auth.users TO tradewire_owner;
    END IF;
END $$;

DO $$
DECLARE
    v_table regclass;
BEGIN
    FOR v_table IN
        SELECT c.oid FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
          AND c.relname IN ('user_profiles', 'broker_connections', 'mt5_agents', 'ea_projects', 'ea_versions',
                            'ea_artifacts', 'ea_deployments', 'jobs', 'trading_accounts', 'trades',
                            'user_exchange_connections', 'workflow_executions', 'workflow_steps',
                            'tv_strategies', 'tv_signals')
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO tradewire_owner', v_table);
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', v_table);
    END LOOP;
END $$;
ALTER FUNCTION public.claim_next_job(uuid) OWNER TO tradewire_owner;
