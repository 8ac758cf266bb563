-- Who holds the session's advisory lock $1 in this database? A role that may not see others' queries gets what the
-- server shows it. The columns are read by place, in lock.c.
SELECT a.pid, a.application_name, coalesce(host(a.client_addr), 'local'), a.usename, a.state,
       extract(epoch FROM clock_timestamp() - a.backend_start)::int,
       extract(epoch FROM clock_timestamp() - a.state_change)::int,
       left(regexp_replace(a.query, '\s+', ' ', 'g'), 120)
FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.classid::bigint << 32) | l.objid::bigint = $1::bigint
