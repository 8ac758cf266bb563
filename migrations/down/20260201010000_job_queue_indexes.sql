-- Drops the six indexes and lets the three rules be unvalidated again, as the file before this one made them.
-- In one transaction, so that a longer way down can be rehearsed; none of it reads a table.
LOCK TABLE public.jobs IN ACCESS EXCLUSIVE MODE;
CALL public.installation_drop_indexes('workflow_executions', 'idx_workflow_executions_user',
                                      'idx_workflow_executions_blocked_by');
CALL public.installation_drop_indexes('jobs', 'idx_jobs_required_models');
DROP INDEX IF EXISTS public.idx_jobs_user_queue;
DROP INDEX IF EXISTS public.idx_jobs_blocked_by;
DROP INDEX IF EXISTS public.jobs_blocked_expires_idx;
DO $$
BEGIN
    ALTER TABLE public.workflow_executions
        DROP CONSTRAINT workflow_executions_models_check,
        ADD CONSTRAINT workflow_executions_models_check CHECK (public.models_ok(required_models)) NOT VALID;
    ALTER TABLE public.jobs
        DROP CONSTRAINT jobs_models_check,
        DROP CONSTRAINT jobs_blocked_check,
        ADD CONSTRAINT jobs_models_check
            CHECK (required_models IS NULL
                   OR (job_type::text NOT IN ('trade', 'close_position') AND public.models_ok(required_models))) NOT VALID,
        ADD CONSTRAINT jobs_blocked_check
            CHECK (blocked_by_job_id IS NULL
                   OR (required_models IS NOT NULL AND status = 'pending'
                       AND blocked_by_job_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')) NOT VALID;
    COMMENT ON CONSTRAINT jobs_models_check ON public.jobs IS 'Trades and closes never wait for a model.';
    COMMENT ON CONSTRAINT jobs_blocked_check ON public.jobs IS 'Only a pending job that names models waits, and for an id: a claim of one that waits fails.';
END $$;
