-- Invalid indexes that nobody is building. Not those of a partitioned index, which is invalid until all its parts are
-- there.
--   index, on_table, quoted  text; the last with its schema
SELECT c.relname AS index, t.relname AS on_table, format('%I.%I', n.nspname, c.relname) AS quoted
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
