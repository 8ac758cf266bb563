-- Who may do what.

-- Policies.
SELECT format('policy %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT concat_ws(' ', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                 WHEN 'd' THEN 'DELETE' ELSE 'ALL' END, CASE WHEN NOT p.polpermissive THEN 'restrictive' END,
                'to', (SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r) END, ',') FROM unnest(p.polroles) r),
                'using ' || pg_get_expr(p.polqual, p.polrelid), 'check ' || pg_get_expr(p.polwithcheck, p.polrelid))
         FROM pg_policy p WHERE p.polrelid = to_regclass(format('public.%I', w.relation)) AND p.polname = w.name) AS found
FROM (VALUES
    ('user_profiles', 'own', 'SELECT to authenticated using (( SELECT auth.uid() AS uid) = id)'),
    ('user_profiles', 'service', 'SELECT to service_role using true'),
    ('broker_connections', 'own', 'SELECT to authenticated using (( SELECT auth.uid() AS uid) = user_id)'),
    ('broker_connections', 'service', 'SELECT to service_role using true'),
    ('broker_connections', 'dispatcher', 'SELECT to tradewire_dispatcher using true'),
    ('broker_connections', 'gateway', 'SELECT to tradewire_gateway using true'),
    ('broker_connections', 'operator', 'SELECT to tradewire_operator using true'),
    ('mt5_agents', 'own', 'SELECT to authenticated using (( SELECT auth.uid() AS uid) = user_id)'),
    ('mt5_agents', 'service', 'SELECT to service_role using true'),
    ('mt5_agents', 'dispatcher', 'SELECT to tradewire_dispatcher using true'),
    ('mt5_agents', 'gateway', 'SELECT to tradewire_gateway using true'),
    ('mt5_agents', 'operator', 'SELECT to tradewire_operator using true'),
    ('ea_projects', 'own', 'SELECT to authenticated using (( SELECT auth.uid() AS uid) = user_id)'),
    ('ea_projects', 'service', 'SELECT to service_role using true'),
    ('ea_versions', 'own', 'SELECT to authenticated using (EXISTS ( SELECT
   FROM ea_projects p
  WHERE ((p.id = ea_versions.ea_project_id) AND (p.user_id = ( SELECT auth.uid() AS uid)))))'),
    ('ea_versions', 'service', 'SELECT to service_role using true'),
    ('ea_artifacts', 'own', 'SELECT to authenticated using (EXISTS ( SELECT
   FROM (ea_versions v
     JOIN ea_projects p ON ((p.id = v.ea_project_id)))
  WHERE ((v.id = ea_artifacts.ea_version_id) AND (p.user_id = ( SELECT auth.uid() AS uid)))))'),
    ('ea_artifacts', 'service', 'SELECT to service_role using true'),
    ('ea_deployments', 'own', 'SELECT to authenticated using (EXISTS ( SELECT
   FROM (ea_versions v
     JOIN ea_projects p ON ((p.id = v.ea_project_id)))
  WHERE ((v.id = ea_deployments.ea_version_id) AND (p.user_id = ( SELECT auth.uid() AS uid)))))'),
    ('ea_deployments', 'service', 'SELECT to service_role using true'),
    ('trading_accounts', 'own', 'SELECT to authenticated using (( SELECT auth.uid() AS uid) = user_id)'),
    ('trading_accounts', 'service', 'SELECT to service_role using true'),
    ('user_exchange_connections', 'own', 'SELECT to authenticated using (( SELECT auth.uid() AS uid) = user_id)'),
    ('user_exchange_connections', 'service', 'SELECT to service_role using true'),
    ('workflow_executions', 'own', 'SELECT to authenticated using (( SELECT auth.uid() AS uid) = user_id)'),
    ('workflow_executions', 'service', 'SELECT to service_role using true'),
    ('trades', 'own', 'SELECT to authenticated using (( SELECT auth.uid() AS uid) = user_id)'),
    ('trades', 'service', 'SELECT to service_role using true'),
    ('jobs', 'own', 'SELECT to authenticated using (( SELECT auth.uid() AS uid) = user_id)'),
    ('jobs', 'service_read', 'SELECT to service_role using true'),
    ('jobs', 'service_plan', 'INSERT to service_role check true'),
    ('jobs', 'dispatcher_read', 'SELECT to tradewire_dispatcher using true'),
    ('jobs', 'dispatcher_plan', 'INSERT to tradewire_dispatcher check true'),
    ('jobs', 'operator', 'SELECT to tradewire_operator using true'),
    ('workflow_steps', 'own', 'SELECT to authenticated using (EXISTS ( SELECT
   FROM workflow_executions w
  WHERE ((w.id = workflow_steps.execution_id) AND (w.user_id = ( SELECT auth.uid() AS uid)))))'),
    ('workflow_steps', 'service', 'SELECT to service_role using true'),
    ('tv_strategies', 'service', 'ALL to service_role using true check true'),
    ('tv_strategies', 'ingester', 'SELECT to tradewire_ingester using true'),
    ('tv_strategies', 'dispatcher', 'SELECT to tradewire_dispatcher using true'),
    ('tv_strategies', 'operator', 'SELECT to tradewire_operator using true'),
    ('tv_signals', 'service', 'SELECT to service_role using true'),
    ('tv_signals', 'dispatcher', 'SELECT to tradewire_dispatcher using true'),
    ('tv_signals', 'operator', 'SELECT to tradewire_operator using true'),
    ('gateways', 'operator', 'SELECT to tradewire_operator using true'),
    ('strategy_rates', 'dispatcher', 'SELECT to tradewire_dispatcher using true'),
    ('consumer_offsets', 'dispatcher', 'ALL to tradewire_dispatcher using true check true'),
    ('consumer_offsets', 'operator', 'SELECT to tradewire_operator using true'),
    ('unmatched_results', 'dispatcher', 'SELECT to tradewire_dispatcher using true'),
    ('unmatched_results', 'operator', 'SELECT to tradewire_operator using true'),
    ('audit_log', 'operator', 'SELECT to tradewire_operator using true'),
    ('job_ready', 'dispatcher', 'SELECT to tradewire_dispatcher using true'),
    ('job_ready', 'operator', 'SELECT to tradewire_operator using true'),
    ('job_leases', 'dispatcher', 'SELECT to tradewire_dispatcher using true'),
    ('job_leases', 'operator', 'SELECT to tradewire_operator using true'),
    ('signal_legs', 'own', 'SELECT to authenticated using (( SELECT auth.uid() AS uid) = user_id)'),
    ('signal_legs', 'service', 'SELECT to service_role using true'),
    ('signal_legs', 'dispatcher', 'SELECT to tradewire_dispatcher using true'),
    ('signal_legs', 'operator', 'SELECT to tradewire_operator using true')
) w (relation, name, expected);

-- What each role needs of a relation, columns included; later files may give more.
SELECT format('what %s may do with %s', w.grantee, w.relation) AS object, w.expected,
       (SELECT string_agg(g.privilege, ', ' ORDER BY g.privilege) FROM (
             SELECT DISTINCT e.privilege_type AS privilege FROM pg_class c
             CROSS JOIN LATERAL (SELECT c.relacl AS acl UNION ALL SELECT a.attacl FROM pg_attribute a
                                 WHERE a.attrelid = c.oid AND NOT a.attisdropped) x
             CROSS JOIN LATERAL aclexplode(x.acl) e
             WHERE c.oid = to_regclass(format('public.%I', w.relation)) AND e.grantee = to_regrole(w.grantee)) g
         WHERE w.expected IS NULL OR g.privilege = ANY (string_to_array(w.expected, ', '))) AS found
FROM (VALUES
    ('audit_log', 'tradewire_operator', 'SELECT'),
    ('broker_connections', 'authenticated', 'SELECT'),
    ('broker_connections', 'service_role', 'SELECT'),
    ('broker_connections', 'tradewire_dispatcher', 'SELECT'),
    ('broker_connections', 'tradewire_gateway', 'SELECT'),
    ('broker_connections', 'tradewire_operator', 'SELECT'),
    ('consumer_offsets', 'tradewire_dispatcher', 'INSERT, SELECT, UPDATE'),
    ('consumer_offsets', 'tradewire_operator', 'SELECT'),
    ('ea_artifacts', 'authenticated', 'SELECT'),
    ('ea_artifacts', 'service_role', 'SELECT'),
    ('ea_deployments', 'authenticated', 'SELECT'),
    ('ea_deployments', 'service_role', 'SELECT'),
    ('ea_projects', 'authenticated', 'SELECT'),
    ('ea_projects', 'service_role', 'SELECT'),
    ('ea_versions', 'authenticated', 'SELECT'),
    ('ea_versions', 'service_role', 'SELECT'),
    ('gateways', 'tradewire_operator', 'SELECT'),
    ('job_leases', 'tradewire_dispatcher', 'SELECT'),
    ('job_leases', 'tradewire_operator', 'SELECT'),
    ('job_ready', 'tradewire_dispatcher', 'SELECT'),
    ('job_ready', 'tradewire_operator', 'SELECT'),
    ('jobs', 'authenticated', 'SELECT'),
    ('jobs', 'service_role', 'INSERT, SELECT'),
    ('jobs', 'tradewire_dispatcher', 'INSERT, SELECT'),
    ('jobs', 'tradewire_operator', 'SELECT'),
    ('mt5_agents', 'authenticated', 'SELECT'),
    ('mt5_agents', 'service_role', 'SELECT'),
    ('mt5_agents', 'tradewire_dispatcher', 'SELECT'),
    ('mt5_agents', 'tradewire_gateway', 'SELECT'),
    ('mt5_agents', 'tradewire_operator', 'SELECT'),
    ('signal_legs', 'authenticated', 'SELECT'),
    ('signal_legs', 'service_role', 'SELECT'),
    ('signal_legs', 'tradewire_dispatcher', 'SELECT'),
    ('signal_legs', 'tradewire_operator', 'SELECT'),
    ('strategy_rates', 'tradewire_dispatcher', 'SELECT'),
    ('trades', 'authenticated', 'SELECT'),
    ('trades', 'service_role', 'SELECT'),
    ('trading_accounts', 'authenticated', 'SELECT'),
    ('trading_accounts', 'service_role', 'SELECT'),
    ('tv_signals', 'authenticated', 'SELECT'),
    ('tv_signals', 'service_role', 'SELECT'),
    ('tv_signals', 'tradewire_dispatcher', 'SELECT'),
    ('tv_signals', 'tradewire_operator', 'SELECT'),
    ('tv_strategies', 'authenticated', 'DELETE, INSERT, SELECT, UPDATE'),
    ('tv_strategies', 'service_role', 'DELETE, INSERT, SELECT, UPDATE'),
    ('tv_strategies', 'tradewire_dispatcher', 'SELECT'),
    ('tv_strategies', 'tradewire_ingester', 'SELECT'),
    ('tv_strategies', 'tradewire_operator', 'SELECT'),
    ('unmatched_results', 'tradewire_dispatcher', 'SELECT'),
    ('unmatched_results', 'tradewire_operator', 'SELECT'),
    ('user_exchange_connections', 'authenticated', 'SELECT'),
    ('user_exchange_connections', 'service_role', 'SELECT'),
    ('user_profiles', 'authenticated', 'SELECT'),
    ('user_profiles', 'service_role', 'SELECT'),
    ('workflow_executions', 'authenticated', 'SELECT'),
    ('workflow_executions', 'service_role', 'SELECT'),
    ('workflow_steps', 'authenticated', 'SELECT'),
    ('workflow_steps', 'service_role', 'SELECT')
) w (relation, grantee, expected);

-- What each role must be able to call.
SELECT format('%s may call %s', w.grantee, w.name) AS object, w.expected,
       (SELECT 'yes' WHERE EXISTS (SELECT FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) e
                WHERE p.pronamespace = 'public'::regnamespace AND p.proname = w.name AND e.grantee = to_regrole(w.grantee))) AS found
FROM (VALUES
    ('agent_bind_account', 'tradewire_gateway', 'yes'),
    ('agent_hello', 'tradewire_gateway', 'yes'),
    ('agent_pair', 'tradewire_operator', 'yes'),
    ('agent_rotate', 'tradewire_operator', 'yes'),
    ('apply_results', 'tradewire_dispatcher', 'yes'),
    ('broker_add', 'tradewire_operator', 'yes'),
    ('claim_jobs', 'tradewire_gateway', 'yes'),
    ('claim_next_job', 'service_role', 'yes'),
    ('claim_next_job', 'tradewire_gateway', 'yes'),
    ('count_duplicates', 'tradewire_dispatcher', 'yes'),
    ('expire_jobs', 'tradewire_dispatcher', 'yes'),
    ('gateway_beat', 'tradewire_gateway', 'yes'),
    ('job_longest_run', 'tradewire_gateway', 'yes'),
    ('job_resolve', 'tradewire_operator', 'yes'),
    ('lapse_jobs', 'tradewire_dispatcher', 'yes'),
    ('lapsed_leases', 'tradewire_dispatcher', 'yes'),
    ('question_jobs', 'tradewire_gateway', 'yes'),
    ('ready_agents', 'tradewire_gateway', 'yes'),
    ('session_end', 'tradewire_gateway', 'yes'),
    ('sessions_seen', 'tradewire_gateway', 'yes'),
    ('strategy_add', 'tradewire_operator', 'yes'),
    ('take_signal_keys', 'tradewire_dispatcher', 'yes'),
    ('unmatched_done', 'tradewire_dispatcher', 'yes'),
    ('unmatched_forget', 'tradewire_dispatcher', 'yes'),
    ('unmatched_ready', 'tradewire_dispatcher', 'yes'),
    ('user_add', 'tradewire_operator', 'yes'),
    ('write_signals', 'tradewire_dispatcher', 'yes')
) w (name, grantee, expected);

-- Nobody who is not logged in has anything to do here.
SELECT 'relations that anon or PUBLIC may use' AS object, 'none' AS expected,
       coalesce((SELECT string_agg(DISTINCT c.relname, ', ' ORDER BY c.relname) FROM pg_class c
                 CROSS JOIN LATERAL (SELECT c.relacl AS acl UNION ALL SELECT a.attacl FROM pg_attribute a
                                     WHERE a.attrelid = c.oid AND NOT a.attisdropped) x
                 CROSS JOIN LATERAL aclexplode(x.acl) e
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relowner = to_regrole('tradewire_owner')
                   AND e.grantee IN (0, to_regrole('anon'))), 'none') AS found;

-- Everything that is ours says what it is for.
SELECT 'relations and columns without a comment' AS object, 'none' AS expected,
       coalesce((SELECT string_agg(o.name, ', ' ORDER BY o.name) FROM (
           SELECT format('%s.%s', c.relname, a.attname) AS name
           FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           WHERE c.relnamespace = 'public'::regnamespace AND c.relowner = to_regrole('tradewire_owner')
             AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND c.relname <> 'profiles'
             AND col_description(c.oid, a.attnum) IS NULL
             AND NOT EXISTS (SELECT FROM public.installation_before b WHERE b.relation = c.relname AND b.kind = 'table')
           UNION ALL
           SELECT c.relname FROM pg_class c
           WHERE c.relnamespace = 'public'::regnamespace AND c.relowner = to_regrole('tradewire_owner')
             AND c.relkind IN ('r', 'p', 'v', 'S') AND NOT c.relispartition AND obj_description(c.oid, 'pg_class') IS NULL
             AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0)
       ) o), 'none') AS found
UNION ALL
SELECT 'functions without a comment', 'none',
       coalesce((SELECT string_agg(p.proname, ', ' ORDER BY p.proname) FROM pg_proc p
                 WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = to_regrole('tradewire_owner')
                   AND obj_description(p.oid, 'pg_proc') IS NULL), 'none')
UNION ALL
SELECT 'functions that run with the owner''s rights and an open search_path', 'none',
       coalesce((SELECT string_agg(p.proname, ', ' ORDER BY p.proname) FROM pg_proc p
                 WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = to_regrole('tradewire_owner') AND p.prosecdef
                   AND NOT coalesce('search_path=pg_catalog, public, pg_temp' = ANY (p.proconfig), false)), 'none');
