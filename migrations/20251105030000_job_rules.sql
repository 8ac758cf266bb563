-- migrate:no-transaction
-- What holds for every job, old ones included, and the ways to find one. The table is read and indexed while others
-- write to it. Safe to repeat from the start.
CALL public.installation_validate(20251105030000, 'jobs');

CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_user_idx ON public.jobs (user_id, created_at DESC);
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_signal_idx ON public.jobs (signal_id) WHERE signal_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_target_idx ON public.jobs (target_agent_id, seq) WHERE target_agent_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_close_idx ON public.jobs (strategy_id, seq) WHERE job_type = 'close_position' AND strategy_id IS NOT NULL;
DO $$
BEGIN
    COMMENT ON INDEX public.jobs_user_idx IS 'A user''s jobs, newest first; deleting a user.';
    COMMENT ON INDEX public.jobs_signal_idx IS 'The jobs of a signal.';
    COMMENT ON INDEX public.jobs_target_idx IS 'An agent''s jobs in order.';
    COMMENT ON INDEX public.jobs_close_idx IS 'Was a later close of this strategy planned?';
END $$;
