-- Databases that runs with names after prefix $1 left behind. A run that still works has a session whose
-- application_name (migrate.c) ends with its id, as the database's name does.
SELECT d.datname
FROM pg_catalog.pg_database d
WHERE d.datname ~ ('^' || $1::text || '[0-9a-f-]{36}$') AND pg_has_role(d.datdba, 'USAGE')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE right(a.application_name, 36) = right(d.datname, 36))
