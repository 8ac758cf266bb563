-- What time ends.

-- Views: how they read, and their columns.
SELECT 'view ' || w.name AS object, w.expected,
       (SELECT concat_ws(' ', array_to_string(c.reloptions, ','), (SELECT string_agg(a.attname, ',' ORDER BY a.attnum)
                FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0))
         FROM pg_class c WHERE c.oid = to_regclass(format('public.%I', w.name)) AND c.relkind = 'v') AS found
FROM (VALUES
    ('lapsed', 'security_invoker=true job_id,lease_epoch,lane,agent_id')
) w (name, expected);

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
    ('expire_jobs', 'p_limit integer', 'returns TABLE(job_id uuid, user_id uuid, signal_id uuid, code text, traceparent text), definer, search_path=pg_catalog, public, pg_temp'),
    ('lapsed_leases', '', 'returns TABLE(job_id uuid, lease_epoch bigint), definer, search_path=pg_catalog, public, pg_temp'),
    ('lapse_jobs', 'p_jobs uuid[], p_epochs bigint[]', 'returns TABLE(job_id uuid, user_id uuid, status text, signal_id uuid, traceparent text), definer, search_path=pg_catalog, public, pg_temp')
) w (name, arguments, expected);

-- Owners, and row level security.
SELECT 'owner of ' || w.relation AS object, w.expected,
       (SELECT pg_get_userbyid(c.relowner) || CASE WHEN c.relkind = 'v' THEN '' WHEN c.relrowsecurity AND NOT c.relforcerowsecurity
                THEN ', row level security' ELSE ', no row level security' END
         FROM pg_class c WHERE c.oid = to_regclass(format('public.%I', w.relation))) AS found
FROM (VALUES
    ('lapsed', 'tradewire_owner')
) w (relation, expected);
