-- migrate:no-transaction
-- Jobs of an older installation. There, every claim failed on the status check, so the table may be full of old
-- trades: none of them is ever executed. What ran may have been executed and is not known; what waited is stale;
-- other work begins again. What a row was is written down. Rows that ended long ago keep the defaults, unless they
-- were effects or reads. 2,000 keys at a time, each batch its own transaction: a writer waits for one batch at most.
-- A row that is brought forward has a seq other than 0, so this is safe to repeat from the start.

DO $$
DECLARE
    v_from uuid := '00000000-0000-0000-0000-000000000000';
    v_to uuid;
BEGIN
    LOOP
        v_to := (SELECT j.id FROM public.jobs j WHERE j.id >= v_from ORDER BY j.id OFFSET 2000 LIMIT 1);
        WITH old AS MATERIALIZED (
            SELECT j.id, j.status, j.error_message, j.completed_at, j.agent_id, j.claimed_at,
                   j.status IN ('pending', 'running', 'claimed') AS is_open
            FROM public.jobs j
            WHERE j.id >= v_from AND (v_to IS NULL OR j.id < v_to) AND j.seq = 0
              AND (j.status IN ('pending', 'running', 'claimed') OR public.job_lane(j.job_type) <> 3)
            ORDER BY j.id FOR NO KEY UPDATE
        ), kept AS (
            INSERT INTO public.installation_rows (version, relation, row_id, before)
            SELECT 20251105020000, 'jobs', o.id, jsonb_build_object('status', o.status, 'error_message', o.error_message,
                'completed_at', o.completed_at, 'agent_id', o.agent_id, 'claimed_at', o.claimed_at)
            FROM old o WHERE o.is_open
            ON CONFLICT (version, relation, row_id) DO NOTHING
        ), brought AS (
            UPDATE public.jobs j
            SET lane = public.job_lane(j.job_type),
                -- Before every new one, in the order in which they were made.
                seq = (extract(epoch FROM coalesce(j.created_at, 'epoch')) * 1000000)::bigint - 10000000000000000,
                symbol = coalesce(j.symbol, j.input_data ->> 'symbol'),
                is_entry = j.job_type = 'trade' AND coalesce(j.input_data ->> 'op', 'open') = 'open',
                status = CASE WHEN NOT o.is_open THEN o.status
                              WHEN public.job_lane(j.job_type) <> 1 THEN 'pending'
                              WHEN o.status = 'pending' THEN 'expired' ELSE 'failed' END,
                error_message = CASE WHEN NOT o.is_open OR public.job_lane(j.job_type) <> 1 THEN o.error_message
                                     WHEN o.status = 'pending' THEN 'stale: was pending (migrated)'
                                     ELSE 'unknown_outcome: was running (migrated)' END,
                completed_at = CASE WHEN o.is_open AND public.job_lane(j.job_type) = 1 THEN now()
                                    ELSE o.completed_at END,
                target_agent_id = CASE WHEN o.is_open AND public.job_lane(j.job_type) <> 1 THEN
                    (SELECT a.id FROM public.mt5_agents a WHERE a.id = o.agent_id AND a.user_id = j.user_id) END,
                agent_id = CASE WHEN o.is_open AND public.job_lane(j.job_type) <> 1 THEN NULL ELSE o.agent_id END,
                claimed_at = CASE WHEN o.is_open AND public.job_lane(j.job_type) <> 1 THEN NULL ELSE o.claimed_at END,
                expires_at = CASE WHEN o.is_open AND public.job_lane(j.job_type) <> 1 THEN now() + interval '1 h' END
            FROM old o WHERE j.id = o.id
            RETURNING j.id, j.target_agent_id, j.user_id, j.lane, j.seq, j.expires_at, j.status
        )
        INSERT INTO public.job_ready (job_id, agent_id, user_id, lane, seq, expires_at)
        SELECT b.id, b.target_agent_id, b.user_id, b.lane, b.seq, b.expires_at FROM brought b WHERE b.status = 'pending'
        ON CONFLICT DO NOTHING;
        COMMIT;
        EXIT WHEN v_to IS NULL;
        v_from := v_to;
    END LOOP;
END $$;

-- A signal that waited for one of these ends with it. Ours carry the time when they were received.
DO $$
DECLARE
    v_from uuid := '00000000-0000-0000-0000-000000000000';
    v_to uuid;
BEGIN
    LOOP
        v_to := (SELECT s.id FROM public.tv_signals s WHERE s.id >= v_from ORDER BY s.id OFFSET 2000 LIMIT 1);
        WITH old AS MATERIALIZED (
            SELECT s.id, s.error_message, s.resolved_at FROM public.tv_signals s
            WHERE s.id >= v_from AND (v_to IS NULL OR s.id < v_to) AND s.status = 'pending' AND s.received_at IS NULL
            ORDER BY s.id FOR NO KEY UPDATE
        ), kept AS (
            INSERT INTO public.installation_rows (version, relation, row_id, before)
            SELECT 20251105020000, 'tv_signals', o.id, jsonb_build_object('status', 'pending', 'error_message',
                o.error_message, 'resolved_at', o.resolved_at)
            FROM old o ON CONFLICT (version, relation, row_id) DO NOTHING
        )
        UPDATE public.tv_signals s
        SET status = 'discarded', resolved_at = now(), error_message = 'stale: was pending (migrated)'
        FROM old o WHERE s.id = o.id;
        COMMIT;
        EXIT WHEN v_to IS NULL;
        v_from := v_to;
    END LOOP;
END $$;
