-- What the Supabase CLI recorded, in the order of versions. Leading zeros, or more digits than a version of ours has:
-- not ours.
--   version     bigint
--   name        text; NULL: not kept
--   statements  text, joined by a semicolon on a line of its own, so that a comment at a statement's end does not hide
--               it; NULL: not kept
-- A column that the table does not have is found one level further out: in `absent`.
SELECT theirs.version::bigint AS version, nullif(theirs.name, '') AS name,
       nullif(array_to_string(theirs.statements, E'\n;\n'), '') AS statements
FROM (SELECT NULL::text AS name, NULL::text[] AS statements) absent
CROSS JOIN LATERAL (SELECT version, name, statements
                    FROM supabase_migrations.schema_migrations
                    WHERE version ~ '^[1-9][0-9]{0,17}$') theirs
ORDER BY theirs.version::bigint
