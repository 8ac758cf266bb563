-- What the backend with pid $1 is at.
--   progress, blockers  text; what its index build does, who is in its way; either may be NULL
SELECT (SELECT format('%s%s%s', p.phase,
                      CASE WHEN p.blocks_total > 0
                           THEN format(', %s of %s blocks', p.blocks_done, p.blocks_total) END,
                      CASE WHEN p.tuples_total > 0
                           THEN format(', %s of %s rows', p.tuples_done, p.tuples_total) END)
        FROM pg_stat_progress_create_index p
        WHERE p.pid = $1::int) AS progress,
       (SELECT string_agg(format('pid %s, application %s, %s for %s s', b.pid,
                                 coalesce(nullif(b.application_name, ''), '-'), b.state,
                                 extract(epoch FROM clock_timestamp() - b.state_change)::int), '; ')
        FROM pg_stat_activity b
        WHERE b.pid = ANY (pg_blocking_pids($1::int))) AS blockers
