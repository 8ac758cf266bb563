-- A row that anybody inserts is filled and claimable.

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
    ('only_agent', 'p_user uuid, p_strategy uuid', 'returns uuid, invoker, search_path=pg_catalog, public, pg_temp'),
    ('jobs_fill', '', 'returns trigger, definer, search_path=pg_catalog, public, pg_temp'),
    ('jobs_make_ready', '', 'returns trigger, definer, search_path=pg_catalog, public, pg_temp')
) w (name, arguments, expected);

-- Triggers.
SELECT format('trigger %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT regexp_replace(regexp_replace(pg_get_triggerdef(t.oid), '\mpublic\.', '', 'g'), '^CREATE TRIGGER \S+ ', '')
                || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' disabled' END
         FROM pg_trigger t WHERE t.tgrelid = to_regclass(format('public.%I', w.relation)) AND t.tgname = w.name) AS found
FROM (VALUES
    ('jobs', 'jobs_fill', 'BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION jobs_fill()'),
    ('jobs', 'jobs_make_ready', 'AFTER INSERT ON jobs REFERENCING NEW TABLE AS new_jobs FOR EACH STATEMENT EXECUTE FUNCTION jobs_make_ready()')
) w (relation, name, expected);
