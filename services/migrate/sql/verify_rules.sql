-- What holds for everything of ours, whichever file made it.
--   $1 text[]                  identities of our tables, views and functions, as catalog.sql gives them
--   $2 boolean                 whether all files are applied: between two of them a constraint may wait for its validation
--   object, expected, found    text
-- A rule that is kept everywhere gives one row for all; one that is broken gives a row for each that breaks it.
-- Only schema public: what lies in auth is a stand-in for the platform's, which has its own rules.
WITH RECURSIVE identities AS MATERIALIZED (
    SELECT i AS identity, strpos(i, '(') > 0 AS is_function FROM unnest($1::text[]) i WHERE i LIKE 'public.%'
), ours AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.relowner = to_regrole('tradewire_owner') AS is_owners, c.relrowsecurity,
           c.relforcerowsecurity, c.reloptions, c.relacl, c.relowner
    FROM identities i JOIN pg_class c ON c.oid = to_regclass(CASE WHEN NOT i.is_function THEN i.identity END)
), tables AS (
    -- A partition can be named directly: what holds for the table holds for it.
    SELECT * FROM ours WHERE relkind IN ('r', 'p')
UNION
    SELECT c.oid, c.relkind, c.relowner = to_regrole('tradewire_owner'), c.relrowsecurity, c.relforcerowsecurity,
           c.reloptions, c.relacl, c.relowner
    FROM tables t JOIN pg_inherits i ON i.inhparent = t.oid JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition
), functions AS MATERIALIZED (
    SELECT p.oid, p.prosecdef, p.proacl, p.proowner,
           (SELECT substr(s, 13) FROM unnest(p.proconfig) s WHERE s LIKE 'search\_path=%') AS path
    FROM identities i JOIN pg_proc p ON p.oid = to_regprocedure(CASE WHEN i.is_function THEN i.identity END)
), facts (rule, object, expected, found) AS (
    SELECT 'indexes', format('index %s', i.indexrelid::regclass), 'valid',
           CASE WHEN i.indisvalid AND i.indisready THEN 'valid' ELSE 'invalid: drop it and build it again' END
    FROM tables t JOIN pg_index i ON i.indrelid = t.oid
UNION ALL
    SELECT 'constraints', format('constraint %I of %s', c.conname, t.oid::regclass), 'validated',
           CASE WHEN c.convalidated THEN 'validated' ELSE 'not valid: old rows were never checked' END
    FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid
    WHERE $2::boolean
UNION ALL
    -- The base's tables change hands in a later file: from then on all are the owner's.
    SELECT 'owners', format('table %s', t.oid::regclass), 'owner tradewire_owner, row level security on, not forced',
           format('owner %s, row level security %s, %s', pg_get_userbyid(t.relowner),
                  CASE WHEN t.relrowsecurity THEN 'on' ELSE 'off' END,
                  CASE WHEN t.relforcerowsecurity THEN 'forced' ELSE 'not forced' END)
    FROM tables t WHERE (SELECT bool_or(is_owners) FROM tables)
UNION ALL
    -- Definer functions look into this schema: nobody else's objects may be in the way.
    SELECT 'schema', 'schema public', 'nobody makes objects in it who is not trusted',
           coalesce((SELECT string_agg(CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(e.grantee) END, ', ')
                            || ' may make objects in it'
                     FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) e
                     WHERE n.nspname = 'public' AND e.privilege_type = 'CREATE'
                       AND e.grantee IN (0, to_regrole('anon'), to_regrole('authenticated'))),
                    'nobody makes objects in it who is not trusted')
    WHERE (SELECT bool_or(is_owners) FROM tables)
UNION ALL
    -- Without pg_temp at its end a path finds a caller's temporary table first.
    SELECT 'search paths', format('function %s', f.oid::regprocedure), 'search_path fixed, pg_temp last',
           CASE WHEN f.path IS NULL THEN 'search_path is the caller''s'
                WHEN f.path ~ '\$user' THEN 'search_path has $user: ' || f.path
                WHEN f.path IN ('', '""') OR f.path ~ 'pg_temp"?$' THEN 'search_path fixed, pg_temp last'
                ELSE 'pg_temp is not last: ' || f.path END
    FROM functions f WHERE f.prosecdef
UNION ALL
    -- A definer function is never everybody's. That another one is by nobody's decision is what lint tells: here it
    -- cannot be seen, because a restored dump gives the default rights by giving none.
    SELECT 'rights of PUBLIC', format('function %s', f.oid::regprocedure), 'not everybody''s',
           CASE WHEN EXISTS (SELECT FROM aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) e WHERE e.grantee = 0)
                THEN 'PUBLIC may execute it, with the owner''s rights'
                ELSE 'not everybody''s' END
    FROM functions f WHERE f.prosecdef
UNION ALL
    -- A view reads with its owner's rights, past row level security, unless it is told to use its reader's.
    SELECT 'views', format('view %s', v.oid::regclass), 'security_invoker, or nobody''s but the owner''s',
           CASE WHEN v.reloptions && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1',
                                           'security_invoker=yes']
                  OR NOT EXISTS (SELECT FROM aclexplode(v.relacl) e WHERE e.grantee <> v.relowner)
                THEN 'security_invoker, or nobody''s but the owner''s'
                ELSE 'others may read it with the owner''s rights' END
    FROM ours v WHERE v.relkind IN ('v', 'm')
UNION ALL
    -- Where users write themselves, a reference to a row with a user must name the same user.
    SELECT 'references of users', format('constraint %I of %s', k.conname, t.oid::regclass), 'user_id is part of it',
           CASE WHEN u.attnum = ANY (k.conkey) THEN 'user_id is part of it'
                ELSE format('%s may be another user''s', k.confrelid::regclass) END
    FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
    JOIN pg_attribute u ON u.attrelid = t.oid AND u.attname = 'user_id' AND NOT u.attisdropped
    JOIN pg_attribute o ON o.attrelid = k.confrelid AND o.attname = 'user_id' AND NOT o.attisdropped
    WHERE EXISTS (SELECT FROM unnest(k.conkey) n
                  WHERE n <> u.attnum
                    AND (has_column_privilege('authenticated', t.oid, n, 'INSERT')
                         OR has_column_privilege('authenticated', t.oid, n, 'UPDATE')))
)
SELECT rule AS object, format('all %s right', count(*)) AS expected,
       format('all %s right', count(*)) AS found
FROM facts GROUP BY rule HAVING bool_and(expected = found)
UNION ALL
SELECT object, expected, found FROM facts WHERE expected <> found
ORDER BY 1
