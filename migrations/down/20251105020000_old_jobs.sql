-- What waited and what ran in the older installation does so again, where nothing became of it since.
DO $$
BEGIN
    UPDATE public.tv_signals s
    SET status = 'pending', resolved_at = (r.before ->> 'resolved_at')::timestamptz,
        error_message = r.before ->> 'error_message'
    FROM public.installation_rows r
    WHERE r.version = 20251105020000 AND r.relation = 'tv_signals' AND r.row_id = s.id AND s.status = 'discarded';
    DELETE FROM public.installation_rows r WHERE r.version = 20251105020000 AND r.relation = 'tv_signals';

    IF NOT EXISTS (SELECT FROM public.installation_rows r WHERE r.version = 20251105020000) THEN
        RETURN;
    END IF;
    ALTER TABLE public.jobs DROP CONSTRAINT jobs_status_check, DROP CONSTRAINT jobs_open_effect_check,
        DROP CONSTRAINT jobs_lane_check, DISABLE TRIGGER jobs_upgrade_ready, DISABLE TRIGGER jobs_upgrade;
    DELETE FROM public.job_ready q USING public.installation_rows r, public.jobs j
    WHERE r.version = 20251105020000 AND r.row_id = q.job_id AND j.id = q.job_id AND j.status = 'pending';
    UPDATE public.jobs j
    SET status = r.before ->> 'status', error_message = r.before ->> 'error_message',
        completed_at = (r.before ->> 'completed_at')::timestamptz,
        agent_id = (SELECT a.id FROM public.mt5_agents a WHERE a.id = (r.before ->> 'agent_id')::uuid),
        claimed_at = (r.before ->> 'claimed_at')::timestamptz,
        seq = 0, lane = 3, symbol = NULL, is_entry = FALSE, expires_at = NULL, target_agent_id = NULL
    FROM public.installation_rows r
    WHERE r.version = 20251105020000 AND r.relation = 'jobs' AND r.row_id = j.id
      AND (j.status = 'pending' OR j.error_message LIKE '%(migrated)');
    DELETE FROM public.installation_rows r WHERE r.version = 20251105020000;
    UPDATE public.jobs SET seq = 0, lane = 3, symbol = NULL, is_entry = FALSE
    WHERE seq < 0 AND status IN ('completed', 'failed', 'cancelled');
    ALTER TABLE public.jobs
        ENABLE TRIGGER jobs_upgrade_ready, ENABLE TRIGGER jobs_upgrade,
        ADD CONSTRAINT jobs_status_check CHECK (status::text IN
            ('pending', 'claimed', 'unknown', 'completed', 'failed', 'cancelled', 'expired')) NOT VALID,
        ADD CONSTRAINT jobs_lane_check CHECK (lane = public.job_lane(job_type)) NOT VALID,
        ADD CONSTRAINT jobs_open_effect_check CHECK (
            lane <> 1 OR status::text NOT IN ('pending', 'claimed', 'unknown')
            OR (expires_at IS NOT NULL AND target_agent_id IS NOT NULL)) NOT VALID;
    COMMENT ON CONSTRAINT jobs_status_check ON public.jobs IS 'The states of a job.';
    COMMENT ON CONSTRAINT jobs_lane_check ON public.jobs IS 'The lane follows from the type.';
    COMMENT ON CONSTRAINT jobs_open_effect_check ON public.jobs IS 'An effect that may still happen has a limit and one agent.';
END $$;
