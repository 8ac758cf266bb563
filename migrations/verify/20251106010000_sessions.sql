-- Sessions and questions.

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
    ('requeue_jobs', 'p_jobs uuid[], p_epochs bigint[]', 'returns TABLE(job_id uuid, user_id uuid, status text, signal_id uuid, traceparent text), invoker, search_path=pg_catalog, public, pg_temp'),
    ('bind_account', 'p_agent uuid, p_server text, p_login text, p_currency text, p_margin_mode text, p_is_real boolean', 'returns void, invoker, search_path=pg_catalog, public, pg_temp'),
    ('agent_hello', 'p_agent uuid, p_key_hash text, p_curve_key bytea, p_journal_id uuid, p_journal_seq bigint, p_gateway uuid, p_server text, p_login text, p_currency text, p_margin_mode text, p_is_real boolean', 'returns TABLE(code text, message text, user_id uuid, session_no bigint), definer, search_path=pg_catalog, public, pg_temp'),
    ('question_jobs', 'p_agents uuid[], p_sessions bigint[]', 'returns SETOF jobs, definer, search_path=pg_catalog, public, pg_temp'),
    ('session_end', 'p_agents uuid[], p_sessions bigint[]', 'returns void, definer, search_path=pg_catalog, public, pg_temp'),
    ('sessions_seen', 'p_agents uuid[], p_sessions bigint[]', 'returns void, definer, search_path=pg_catalog, public, pg_temp'),
    ('gateway_beat', 'p_gateway uuid, p_name text', 'returns void, definer, search_path=pg_catalog, public, pg_temp'),
    ('agent_bind_account', 'p_agent uuid, p_session bigint, p_server text, p_login text, p_currency text, p_margin_mode text, p_is_real boolean', 'returns void, definer, search_path=pg_catalog, public, pg_temp'),
    ('ready_agents', 'p_seconds integer', 'returns SETOF uuid, definer, search_path=pg_catalog, public, pg_temp')
) w (name, arguments, expected);
