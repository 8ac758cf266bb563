-- Drops the two tables of the coordination and its eight columns, and nothing else. Jobs that wait may be claimed at once:
-- without coordination nobody holds them back. An older installation's own columns and tables stay.
DROP FUNCTION public.expire_jobs(int), public.release_expired(int);
ALTER FUNCTION public.expire_ready_jobs(int) RENAME TO expire_jobs;
GRANT EXECUTE ON FUNCTION public.expire_jobs(int) TO tradewire_dispatcher;
COMMENT ON FUNCTION public.expire_jobs(int) IS 'Ends pending jobs past their limit: stale, or agent_offline. At most p_limit.';
DROP TRIGGER jobs_unblocked_start ON public.jobs;
UPDATE public.jobs SET blocked_by_job_id = NULL WHERE blocked_by_job_id IS NOT NULL; -- each gets its job_ready row
DROP TRIGGER jobs_blocked ON public.jobs;
DROP FUNCTION public.jobs_unblocked_start(), public.jobs_blocked();
ALTER TABLE public.jobs DROP CONSTRAINT jobs_models_check, DROP CONSTRAINT jobs_blocked_check;
ALTER TABLE public.workflow_executions DROP CONSTRAINT workflow_executions_models_check;

UPDATE public.jobs j
SET required_models = nullif(k.before -> 'required_models', 'null'),
    queue_position = (k.before ->> 'queue_position')::integer,
    blocked_by_job_id = k.before ->> 'blocked_by_job_id', conflict_reason = k.before ->> 'conflict_reason'
FROM public.installation_rows k
WHERE k.version = 20260201000000 AND k.relation = 'jobs' AND k.row_id = j.id;
UPDATE public.workflow_executions w
SET required_models = nullif(k.before -> 'required_models', 'null'), blocked_by_job_id = k.before ->> 'blocked_by_job_id'
FROM public.installation_rows k
WHERE k.version = 20260201000000 AND k.relation = 'workflow_executions' AND k.row_id = w.id;
DELETE FROM public.installation_rows WHERE version = 20260201000000;

CALL public.installation_restore_columns('jobs', 'required_models', 'queue_position', 'blocked_by_job_id',
    'conflict_reason', 'queued_at');
CALL public.installation_restore_columns('workflow_executions', 'required_models', 'current_step_model',
    'blocked_by_job_id');
CALL public.installation_drop_columns('jobs', 'required_models', 'queue_position', 'blocked_by_job_id',
    'conflict_reason', 'queued_at');
CALL public.installation_drop_columns('workflow_executions', 'required_models', 'current_step_model',
    'blocked_by_job_id');

DROP TABLE public.job_queue_log, public.job_queue_state;
DROP SEQUENCE public.job_queue_log_seq;
DROP FUNCTION public.models_ok(jsonb);

DO $$
DECLARE
    v_table text;
    v_index text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['job_queue_state', 'job_queue_log'] LOOP
        IF public.installation_had(v_table, 'table') THEN
            EXECUTE format('ALTER TABLE public.%I RENAME TO %I', 'older_' || v_table, v_table);
            FOR v_index IN SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                           WHERE i.indrelid = format('public.%I', v_table)::regclass LOOP
                EXECUTE format('ALTER INDEX public.%I RENAME TO %I', v_index, substr(v_index, length('older_') + 1));
            END LOOP;
            CALL public.installation_give_back(v_table);
        END IF;
    END LOOP;
END $$;
