-- The Supabase CLI's table: is it there, has it names, has it statements? By the catalog: to_regclass() would fail
-- where the role may not use the schema.
SELECT coalesce(bool_or(a.attname = 'version'), false), coalesce(bool_or(a.attname = 'name'), false),
       coalesce(bool_or(a.attname = 'statements'), false)
FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = 'supabase_migrations' AND c.relname = 'schema_migrations'
