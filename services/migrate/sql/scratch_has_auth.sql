-- Is there a schema auth, whoever made it? One boolean.
SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'auth')
