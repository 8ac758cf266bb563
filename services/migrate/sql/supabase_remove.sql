-- Version $1 goes from the Supabase CLI's table.
DELETE FROM supabase_migrations.schema_migrations WHERE version = $1
