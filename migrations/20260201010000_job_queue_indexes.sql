-- migrate:no-transaction
-- The rules of the coordination are validated, and what its queries look up on tables in use is indexed, while
-- everybody goes on writing.
--
-- An index on `jobs` must not mention a column that a claim or a completion changes, not even in its WHERE
-- (20251105000000_jobs.sql: those updates stay on their page). These name only what coordination itself writes, and
-- only for jobs that wait: a job without models is in none of them.

ALTER TABLE public.jobs VALIDATE CONSTRAINT jobs_models_check;
ALTER TABLE public.jobs VALIDATE CONSTRAINT jobs_blocked_check;
ALTER TABLE public.workflow_executions VALIDATE CONSTRAINT workflow_executions_models_check;

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_jobs_blocked_by ON public.jobs (blocked_by_job_id, queued_at, seq)
    WHERE blocked_by_job_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_jobs_user_queue ON public.jobs (user_id, queued_at, seq)
    WHERE blocked_by_job_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_jobs_required_models ON public.jobs USING gin (required_models)
    WHERE blocked_by_job_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_blocked_expires_idx ON public.jobs (expires_at)
    WHERE blocked_by_job_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_workflow_executions_blocked_by
    ON public.workflow_executions (blocked_by_job_id) WHERE blocked_by_job_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_workflow_executions_user
    ON public.workflow_executions (user_id, created_at DESC);

DO $$
BEGIN
    COMMENT ON INDEX public.idx_jobs_blocked_by IS 'A holder ended: the jobs that wait for it, in queue order. No blocked job''s blocker is finished: all of them.';
    COMMENT ON INDEX public.idx_jobs_user_queue IS 'Positions of the first 20 waiters of a user''s model, and GET /queue: a user''s waiters in queue order.';
    COMMENT ON INDEX public.idx_jobs_required_models IS 'A model became free: the waiters that need one of these models (required_models ?| models), whoever they wait for.';
    COMMENT ON INDEX public.jobs_blocked_expires_idx IS 'Sweeper: what waits and is past its limit.';
    COMMENT ON INDEX public.idx_workflow_executions_blocked_by IS 'A holder ended: the workflows that wait for it.';
    COMMENT ON INDEX public.idx_workflow_executions_user IS 'GET /workflows: a user''s workflows, newest first; deleting a user.';
END $$;
