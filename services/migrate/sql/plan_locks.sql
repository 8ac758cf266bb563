-- `plan`, after each file, in its transaction: the strongest lock that it holds so far on each relation that was
-- there before; what it made itself nobody else can want. Our own bookkeeping is left out, and indexes, which are
-- locked with their table.
--   $1  what plan_relations.sql gave
--   relation  text, schema-qualified;  mode  text;  strength  int, 1 to 8;  row_estimate  bigint, NULL: not known
SELECT format('%I.%I', n.nspname, c.relname) AS relation, l.mode, l.strength,
       nullif(($1::jsonb ->> c.oid::text)::bigint, -1) AS row_estimate
FROM (SELECT DISTINCT ON (l.relation) l.relation, l.mode, m.strength
      FROM pg_catalog.pg_locks l
      JOIN unnest(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock',
                        'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'])
           WITH ORDINALITY m (mode, strength) ON m.mode = l.mode
      WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
      ORDER BY l.relation, m.strength DESC) l
JOIN pg_catalog.pg_class c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE $1::jsonb ? c.oid::text AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'supabase_migrations')
  AND c.oid IS DISTINCT FROM to_regclass('public.tradewire_migrations')
ORDER BY l.strength DESC, n.nspname, c.relname
