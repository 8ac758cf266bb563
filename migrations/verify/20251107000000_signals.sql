-- Signals become rows and jobs.

-- Functions: result, whose rights they run with, and who may call them.
SELECT format('function %s(%s)', w.name, w.arguments) AS object, w.expected,
       (SELECT concat_ws(', ', 'returns ' || regexp_replace(pg_get_function_result(p.oid), '\mpublic\.', '', 'g'),
                CASE WHEN p.prosecdef THEN 'definer' ELSE 'invoker' END,
                (SELECT s FROM unnest(p.proconfig) s WHERE s LIKE 'search_path=%'),
                CASE WHEN EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) e WHERE e.grantee = 0)
                     THEN 'PUBLIC may call it' END)
         FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname = w.name
           AND pg_get_function_identity_arguments(p.oid) = w.arguments) AS found
FROM (VALUES
    ('settle_signals', 'p_jobs uuid[]', 'returns void, invoker, search_path=pg_catalog, public, pg_temp'),
    ('later_close_exists', 'p_agent uuid, p_strategy uuid, p_symbol text, p_seq bigint, p_is_close boolean', 'returns boolean, invoker, search_path=pg_catalog, public, pg_temp'),
    ('lock_entries', 'p_agents uuid[], p_strategies uuid[], p_symbols text[], p_becomes_unknown boolean', 'returns void, invoker, search_path=pg_catalog, public, pg_temp'),
    ('supersede_entries', 'p_agents uuid[], p_strategies uuid[], p_symbols text[]', 'returns void, invoker, search_path=pg_catalog, public, pg_temp'),
    ('take_signal_keys', 'p_keys bytea[], p_signals uuid[], p_received timestamp with time zone[], p_windows interval[]', 'returns TABLE(ord integer, is_new boolean, holder uuid), definer, search_path=pg_catalog, public, pg_temp'),
    ('write_signals', 'p_signal uuid[], p_user uuid[], p_strategy uuid[], p_status text[], p_symbol text[], p_action text[], p_volume numeric[], p_error text[], p_raw text[], p_received timestamp with time zone[], p_durable timestamp with time zone[], p_job uuid[], p_job_type text[], p_agent uuid[], p_connection uuid[], p_expires timestamp with time zone[], p_input text[], p_is_entry boolean[], p_trace text[], p_rate_full timestamp with time zone[]', 'returns integer, definer, search_path=pg_catalog, public, pg_temp'),
    ('count_duplicates', 'p_signals uuid[]', 'returns void, definer, search_path=pg_catalog, public, pg_temp')
) w (name, arguments, expected);
