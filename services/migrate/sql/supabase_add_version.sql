-- Version $1 alone, in a table that an early Supabase CLI made.
INSERT INTO supabase_migrations.schema_migrations (version) VALUES ($1) ON CONFLICT DO NOTHING
