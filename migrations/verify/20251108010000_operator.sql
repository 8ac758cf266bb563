-- What an operator does.

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
    ('require_user', 'p_user uuid', 'returns void, invoker, search_path=pg_catalog, public, pg_temp'),
    ('require_name', 'p_name text', 'returns void, invoker, search_path=pg_catalog, public, pg_temp'),
    ('user_add', 'p_email text', 'returns uuid, definer, search_path=pg_catalog, public, pg_temp'),
    ('agent_pair', 'p_user uuid, p_name text, p_key_hash text, p_key_prefix text', 'returns uuid, definer, search_path=pg_catalog, public, pg_temp'),
    ('agent_rotate', 'p_agent uuid, p_key_hash text, p_key_prefix text', 'returns void, definer, search_path=pg_catalog, public, pg_temp'),
    ('broker_add', 'p_user uuid, p_agent uuid, p_name text', 'returns uuid, definer, search_path=pg_catalog, public, pg_temp'),
    ('strategy_add', 'p_user uuid, p_name text, p_connection uuid, p_pairs text[], p_risk numeric, p_settings jsonb', 'returns TABLE(strategy_id uuid, webhook_secret text), definer, search_path=pg_catalog, public, pg_temp'),
    ('job_resolve', 'p_job uuid, p_outcome text, p_fill_price numeric, p_order_id text, p_volume numeric, p_actor text, p_reason text', 'returns text, definer, search_path=pg_catalog, public, pg_temp')
) w (name, arguments, expected);
