-- Version $1, name $2, with its statements $3, an array, in the Supabase CLI's table.
INSERT INTO supabase_migrations.schema_migrations (version, name, statements)
VALUES ($1, $2, $3::text[])
ON CONFLICT (version) DO UPDATE SET name = excluded.name, statements = excluded.statements
