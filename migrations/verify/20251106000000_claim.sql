-- The claim.

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
    ('claim_ready', 'p_agents uuid[], p_sessions bigint[], p_effects integer[], p_reads integer[], p_builds integer[]', 'returns SETOF jobs, invoker, search_path=pg_catalog, public, pg_temp'),
    ('require_read_committed', '', 'returns void, invoker'),
    ('claim_jobs', 'p_agents uuid[], p_sessions bigint[], p_effects integer[], p_reads integer[], p_builds integer[]', 'returns SETOF jobs, definer, search_path=pg_catalog, public, pg_temp')
) w (name, arguments, expected);
