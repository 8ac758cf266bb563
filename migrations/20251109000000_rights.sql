-- Who may do what. Everything is taken away first; then each role gets exactly its part.
-- Functions were closed when they were made (default privileges, 20251103000000_roles.sql).

--
-- Who migrates acts here as a member of the owner, whose grants these are: a policy that asks auth.uid() is read with
-- the rights of who makes it, and on Supabase the owner may not look into that schema.

-- First the tables whose writers go on to look at others: a policy locks its table.
LOCK TABLE public.jobs, public.trades IN ACCESS EXCLUSIVE MODE;

-- Rights and policies of an older installation are written down and put aside, whoever has them: who may still UPDATE
-- jobs could take one without a lease. Supabase's default privileges gave some, too.
DO $$
DECLARE
    v_relation record;
    v_name text;
BEGIN
    INSERT INTO public.installation_before (relation, kind, name, before)
    SELECT g.relname, 'acl', '', jsonb_build_object('grants', jsonb_agg(g.entry))
    FROM (SELECT c.relname, e.grantee, jsonb_build_object('grantee',
                     CASE e.grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(e.grantee) END,
                     'privilege', e.privilege_type, 'grantable', e.is_grantable, 'column', x.part) AS entry
          FROM pg_class c
          CROSS JOIN LATERAL (SELECT c.relacl AS acl, NULL AS part
                              UNION ALL SELECT a.attacl, a.attname FROM pg_attribute a
                                        WHERE a.attrelid = c.oid AND NOT a.attisdropped) x
          CROSS JOIN LATERAL aclexplode(x.acl) e
          WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
            AND c.relowner = 'tradewire_owner'::regrole AND e.grantee <> c.relowner) g
    GROUP BY g.relname;
    FOR v_relation IN
        SELECT DISTINCT b.relation, coalesce(quote_ident(g.entry ->> 'grantee'), 'PUBLIC') AS grantee,
               CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS word
        FROM public.installation_before b CROSS JOIN LATERAL jsonb_array_elements(b.before -> 'grants') g (entry)
        JOIN pg_class c ON c.relnamespace = 'public'::regnamespace AND c.relname = b.relation
        WHERE b.kind = 'acl' AND b.name = ''
    LOOP
        EXECUTE format('REVOKE ALL ON %s public.%I FROM %s', v_relation.word, v_relation.relation, v_relation.grantee);
    END LOOP;
    FOREACH v_name IN ARRAY ARRAY['user_profiles', 'broker_connections', 'mt5_agents', 'ea_projects', 'ea_versions',
        'ea_artifacts', 'ea_deployments', 'trading_accounts', 'user_exchange_connections', 'workflow_executions',
        'workflow_steps', 'trades', 'jobs']
    LOOP
        CALL public.installation_drop_policies(v_name);
    END LOOP;
    IF public.installation_had('user_profiles', 'renamed') THEN
        GRANT SELECT ON public.profiles TO authenticated, service_role;
    END IF;
END $$;

-- Users, through SQL as Supabase offers it: own rows, and keys never.
GRANT SELECT ON user_profiles, ea_projects, ea_versions, ea_artifacts, ea_deployments, jobs, workflow_executions,
    workflow_steps, trading_accounts, trades, tv_signals, signal_legs, tv_strategies TO authenticated;
GRANT SELECT (id, user_id, exchange, label, last_synced_at, created_at, updated_at) ON user_exchange_connections
    TO authenticated;
GRANT SELECT (id, user_id, broker_type, name, is_active, created_at, updated_at, symbol_prefix, symbol_suffix,
              symbol_map, max_lots, max_leverage, server, login, currency, margin_mode, is_real)
    ON broker_connections TO authenticated;
GRANT SELECT (id, user_id, broker_connection_id, agent_name, pairing_key_prefix, terminal_server, login, is_connected,
              last_heartbeat, session_started_at, session_ended_at, capabilities, revoked_at, trade_disabled_reason,
              created_at, updated_at)
    ON mt5_agents TO authenticated;
GRANT INSERT (user_id, broker_connection_id, name, risk_override_pct, allowed_pairs, is_enabled, settings),
      UPDATE (broker_connection_id, name, risk_override_pct, allowed_pairs, is_enabled, settings), DELETE
    ON tv_strategies TO authenticated;

CREATE POLICY own ON user_profiles FOR SELECT TO authenticated USING ((SELECT auth.uid()) = id);
CREATE POLICY own ON broker_connections FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);
CREATE POLICY own ON mt5_agents FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);
CREATE POLICY own ON ea_projects FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);
CREATE POLICY own ON ea_versions FOR SELECT TO authenticated USING (EXISTS (
    SELECT FROM ea_projects p WHERE p.id = ea_project_id AND p.user_id = (SELECT auth.uid())));
CREATE POLICY own ON ea_artifacts FOR SELECT TO authenticated USING (EXISTS (
    SELECT FROM ea_versions v JOIN ea_projects p ON p.id = v.ea_project_id
    WHERE v.id = ea_version_id AND p.user_id = (SELECT auth.uid())));
CREATE POLICY own ON ea_deployments FOR SELECT TO authenticated USING (EXISTS (
    SELECT FROM ea_versions v JOIN ea_projects p ON p.id = v.ea_project_id
    WHERE v.id = ea_version_id AND p.user_id = (SELECT auth.uid())));
CREATE POLICY own ON jobs FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);
CREATE POLICY own ON user_exchange_connections FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);
CREATE POLICY own ON workflow_executions FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);
CREATE POLICY own ON workflow_steps FOR SELECT TO authenticated USING (EXISTS (
    SELECT FROM workflow_executions w WHERE w.id = execution_id AND w.user_id = (SELECT auth.uid())));
CREATE POLICY own ON trading_accounts FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);
CREATE POLICY own ON trades FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);
CREATE POLICY own ON signal_legs FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);

-- Another backend of the same installation: reads, plans jobs through the table, claims.
GRANT SELECT ON user_profiles, broker_connections, mt5_agents, ea_projects, ea_versions, ea_artifacts, ea_deployments,
    trading_accounts, trades, user_exchange_connections, workflow_executions, workflow_steps, jobs, tv_signals,
    signal_legs TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON tv_strategies TO service_role;
GRANT INSERT ON jobs TO service_role;
GRANT EXECUTE ON FUNCTION claim_next_job(uuid) TO service_role;
DO $$
DECLARE
    v_table text;
BEGIN
    -- service_role passes row level security on Supabase; a stand-in made by an ordinary user does not.
    FOREACH v_table IN ARRAY ARRAY['user_profiles', 'broker_connections', 'mt5_agents', 'ea_projects', 'ea_versions',
        'ea_artifacts', 'ea_deployments', 'trading_accounts', 'trades', 'user_exchange_connections',
        'workflow_executions', 'workflow_steps', 'tv_signals', 'signal_legs']
    LOOP
        EXECUTE format('CREATE POLICY service ON %I FOR SELECT TO service_role USING (true)', v_table);
    END LOOP;
    CREATE POLICY service ON tv_strategies FOR ALL TO service_role USING (true) WITH CHECK (true);
    CREATE POLICY service_read ON jobs FOR SELECT TO service_role USING (true);
    CREATE POLICY service_plan ON jobs FOR INSERT TO service_role WITH CHECK (true);
END $$;

-- webhook-ingester: which secret is whose, and no more.
GRANT SELECT (id, user_id, webhook_secret, is_enabled, updated_at) ON tv_strategies TO tradewire_ingester;
CREATE POLICY ingester ON tv_strategies FOR SELECT TO tradewire_ingester USING (true);

-- job-dispatcher: reads what it plans with, never a secret; writes through its functions.
GRANT SELECT (id, user_id, broker_connection_id, name, risk_override_pct, allowed_pairs, is_enabled, settings,
              arm_state, magic_tag, created_at, updated_at)
    ON tv_strategies TO tradewire_dispatcher;
GRANT SELECT (id, user_id, broker_type, name, is_active, symbol_prefix, symbol_suffix, symbol_map, max_lots,
              max_leverage, server, login, currency, margin_mode, is_real)
    ON broker_connections TO tradewire_dispatcher;
GRANT SELECT (id, user_id, broker_connection_id, agent_name, is_connected, last_heartbeat, session_no,
              session_started_at, session_ended_at, gateway_id, capabilities, revoked_at, trade_disabled_reason)
    ON mt5_agents TO tradewire_dispatcher;
GRANT SELECT ON tv_signals, signal_legs, jobs, job_ready, job_leases, unmatched_results, strategy_rates
    TO tradewire_dispatcher;
GRANT INSERT ON jobs TO tradewire_dispatcher;
GRANT SELECT, INSERT, UPDATE ON consumer_offsets TO tradewire_dispatcher;
CREATE POLICY dispatcher ON tv_strategies FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY dispatcher ON broker_connections FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY dispatcher ON mt5_agents FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY dispatcher ON tv_signals FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY dispatcher ON signal_legs FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY dispatcher_read ON jobs FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY dispatcher_plan ON jobs FOR INSERT TO tradewire_dispatcher WITH CHECK (true);
CREATE POLICY dispatcher ON job_ready FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY dispatcher ON job_leases FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY dispatcher ON unmatched_results FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY dispatcher ON strategy_rates FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY dispatcher ON consumer_offsets FOR ALL TO tradewire_dispatcher USING (true) WITH CHECK (true);
GRANT EXECUTE ON FUNCTION take_signal_keys(bytea[], uuid[], timestamptz[], interval[]), write_signals, count_duplicates(uuid[]), apply_results, unmatched_ready(bigint, int), unmatched_done(bigint[]),
    unmatched_forget(int), expire_jobs(int), lapsed_leases(), lapse_jobs(uuid[], bigint[])
    TO tradewire_dispatcher;

-- mt5-agent-gateway: sessions, claims and questions through functions; reads what an agent compares itself with.
GRANT SELECT (id, user_id, broker_connection_id, journal_id, journal_bound_at, session_no, session_started_at,
              session_ended_at, gateway_id, capabilities, revoked_at, trade_disabled_reason)
    ON mt5_agents TO tradewire_gateway;
GRANT SELECT (id, user_id, is_active, symbol_prefix, symbol_suffix, symbol_map, max_lots, max_leverage, server, login,
              currency, margin_mode, is_real)
    ON broker_connections TO tradewire_gateway;
CREATE POLICY gateway ON mt5_agents FOR SELECT TO tradewire_gateway USING (true);
CREATE POLICY gateway ON broker_connections FOR SELECT TO tradewire_gateway USING (true);
GRANT EXECUTE ON FUNCTION claim_next_job(uuid), claim_jobs(uuid[], bigint[], int[], int[], int[]),
    agent_hello, question_jobs(uuid[], bigint[]), session_end(uuid[], bigint[]), sessions_seen(uuid[], bigint[]),
    gateway_beat(uuid, text), agent_bind_account, ready_agents(int), job_longest_run(text)
    TO tradewire_gateway;

-- tradewirectl: sees states, never a key; acts through functions.
GRANT SELECT ON tv_signals, jobs, signal_legs, gateways, job_ready, job_leases, consumer_offsets, unmatched_results,
    audit_log TO tradewire_operator;
GRANT SELECT (id, user_id, broker_connection_id, name, risk_override_pct, allowed_pairs, is_enabled, settings,
              arm_state, magic_tag, created_at, updated_at)
    ON tv_strategies TO tradewire_operator;
GRANT SELECT (id, user_id, broker_type, name, is_active, symbol_prefix, symbol_suffix, symbol_map, max_lots,
              max_leverage, server, login, currency, margin_mode, is_real, created_at, updated_at)
    ON broker_connections TO tradewire_operator;
GRANT SELECT (id, user_id, broker_connection_id, agent_name, pairing_key_prefix, is_connected, last_heartbeat,
              journal_id, journal_bound_at, session_no, session_started_at, session_ended_at, gateway_id, capabilities,
              revoked_at, trade_disabled_reason, created_at, updated_at)
    ON mt5_agents TO tradewire_operator;
DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['tv_signals', 'jobs', 'signal_legs', 'gateways', 'job_ready', 'job_leases',
        'consumer_offsets', 'unmatched_results', 'audit_log', 'tv_strategies', 'broker_connections', 'mt5_agents']
    LOOP
        EXECUTE format('CREATE POLICY operator ON %I FOR SELECT TO tradewire_operator USING (true)', v_table);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION user_add(text), agent_pair(uuid, text, text, text), agent_rotate(uuid, text, text),
    broker_add(uuid, uuid, text), strategy_add(uuid, text, uuid, text[], numeric, jsonb),
    job_resolve(uuid, text, numeric, text, numeric, text, text)
    TO tradewire_operator;

-- Only the functions of this folder change a job from here on.
DROP TRIGGER jobs_upgrade_ready ON jobs;
DROP FUNCTION jobs_upgrade_ready();
