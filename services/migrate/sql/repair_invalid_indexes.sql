-- `repair`: indexes of schema public that a failed or interrupted concurrent build left behind. Extensions' are not
-- ours.
--   index      text, schema-qualified
--   statement  text, what makes it right: a new build, or away with what a failed REINDEX made beside the old one
SELECT format('%I.%I', n.nspname, c.relname) AS index,
       format(CASE WHEN c.relname ~ '_cc(new|old)[0-9]*$' THEN 'DROP INDEX CONCURRENTLY %I.%I'
                   ELSE 'REINDEX INDEX CONCURRENTLY %I.%I' END, n.nspname, c.relname) AS statement
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname = 'public'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
                                                       AND d.objid = i.indrelid AND d.deptype = 'e')
ORDER BY 1
