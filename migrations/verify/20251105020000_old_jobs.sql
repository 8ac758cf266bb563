-- Nothing of the older queue is left open.

SELECT 'jobs of the older queue that are running' AS object, '0' AS expected,
       (SELECT count(*)::text FROM public.jobs j WHERE j.status = 'running') AS found
UNION ALL
SELECT 'effects that wait without having been brought forward', '0',
       (SELECT count(*)::text FROM public.jobs j
        WHERE j.job_type IN ('trade', 'close_position') AND j.status = 'pending' AND j.seq = 0)
UNION ALL
SELECT 'signals of the older installation that still wait', '0',
       (SELECT count(*)::text FROM public.tv_signals s WHERE s.status = 'pending' AND s.received_at IS NULL);
