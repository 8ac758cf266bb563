-- A trade without a position takes its ticket, and is its account's user's.

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
    ('trades_position', '', 'returns trigger, invoker, search_path=pg_catalog, public, pg_temp')
) w (name, arguments, expected);

-- Triggers.
SELECT format('trigger %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT regexp_replace(regexp_replace(pg_get_triggerdef(t.oid), '\mpublic\.', '', 'g'), '^CREATE TRIGGER \S+ ', '')
                || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' disabled' END
         FROM pg_trigger t WHERE t.tgrelid = to_regclass(format('public.%I', w.relation)) AND t.tgname = w.name) AS found
FROM (VALUES
    ('trades', 'trades_position', 'BEFORE INSERT ON trades FOR EACH ROW WHEN ((new.position_id IS NULL)) EXECUTE FUNCTION trades_position()')
) w (relation, name, expected);

-- Keys: a trade is made on an account of its own user.
SELECT format('constraint %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT replace(regexp_replace(pg_get_constraintdef(n.oid), '\mpublic\.', '', 'g'), ' NOT VALID', '')
         FROM pg_constraint n WHERE n.conrelid = to_regclass(format('public.%I', w.relation)) AND n.conname = w.name) AS found
FROM (VALUES
    ('trading_accounts', 'trading_accounts_id_user_key', 'UNIQUE (id, user_id)'),
    ('trades', 'trades_account_user_fkey', 'FOREIGN KEY (account_id, user_id) REFERENCES trading_accounts(id, user_id) ON DELETE CASCADE')
) w (relation, name, expected);
