-- The statement that makes database $1 with encoding and collation as here: they may show in definitions.
SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L', $1::text,
              pg_encoding_to_char(encoding), datcollate, datctype)
FROM pg_catalog.pg_database
WHERE datname = current_database()
