-- Results are applied.

-- Types.
SELECT 'type ' || w.name AS object, w.expected,
       CASE WHEN to_regtype(format('public.%I', w.name)) IS NOT NULL THEN 'is there' END AS found
FROM (VALUES
    ('result_judged', 'is there')
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
    ('judge_results', 'p_job uuid[], p_agent uuid[], p_epoch bigint[], p_outcome text[], p_error text[], p_output text[], p_fill_price text[], p_filled_volume text[], p_order_id text[], p_ready_at timestamp with time zone[], p_timeline text[], p_raw bytea[]', 'returns SETOF result_judged, invoker, search_path=pg_catalog, public, pg_temp'),
    ('apply_results', 'p_job uuid[], p_agent uuid[], p_epoch bigint[], p_outcome text[], p_error text[], p_output text[], p_fill_price text[], p_filled_volume text[], p_order_id text[], p_ready_at timestamp with time zone[], p_timeline text[], p_raw bytea[]', 'returns TABLE(ord integer, verdict text, user_id uuid, status text, signal_id uuid, agent_id uuid, traceparent text), definer, search_path=pg_catalog, public, pg_temp'),
    ('unmatched_ready', 'p_after bigint, p_limit integer', 'returns TABLE(id bigint, payload bytea), definer, search_path=pg_catalog, public, pg_temp'),
    ('unmatched_done', 'p_ids bigint[]', 'returns void, definer, search_path=pg_catalog, public, pg_temp'),
    ('unmatched_forget', 'p_limit integer', 'returns bigint, definer, search_path=pg_catalog, public, pg_temp')
) w (name, arguments, expected);

-- Nobody builds on the type.
SELECT 'rights of PUBLIC on type result_judged' AS object, 'none' AS expected,
       (SELECT CASE WHEN EXISTS (SELECT FROM aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) e WHERE e.grantee = 0)
                THEN 'some' ELSE 'none' END
         FROM pg_type t WHERE t.oid = to_regtype('public.result_judged')) AS found;
