-- Old rows get their type and state back, where nothing became of them since.
DO $$
DECLARE
    v_has_new_key boolean;
BEGIN
    CALL public.installation_drop_indexes('tv_signals', 'tv_signals_user_idx', 'tv_signals_strategy_idx');
    CALL public.installation_unvalidate(20251102010000, 'tv_signals');
    CALL public.installation_unvalidate(20251102010000, 'trades');
    CALL public.installation_unvalidate(20251102010000, 'jobs');
    IF EXISTS (SELECT FROM public.installation_rows r WHERE r.version = 20251102010000) THEN
        -- A key that was there before, or came with its column, never let a row name an agent that is gone.
        v_has_new_key := EXISTS (SELECT FROM pg_constraint n WHERE n.conrelid = 'public.jobs'::regclass
                                 AND n.conname = 'jobs_agent_id_fkey' AND NOT n.convalidated);
        ALTER TABLE public.jobs DROP CONSTRAINT jobs_job_type_check;
        IF v_has_new_key THEN
            ALTER TABLE public.jobs DROP CONSTRAINT jobs_agent_id_fkey;
        END IF;
        UPDATE public.jobs j
        SET job_type = r.before ->> 'job_type', status = r.before ->> 'status',
            completed_at = (r.before ->> 'completed_at')::timestamptz, error_message = r.before ->> 'error_message',
            agent_id = CASE WHEN v_has_new_key THEN (r.before ->> 'agent_id')::uuid
                            ELSE (SELECT a.id FROM public.mt5_agents a WHERE a.id = (r.before ->> 'agent_id')::uuid) END
        FROM public.installation_rows r
        WHERE r.version = 20251102010000 AND r.relation = 'jobs' AND r.row_id = j.id
          AND (j.status = 'cancelled' OR r.before ->> 'job_type' <> 'test');
        DELETE FROM public.installation_rows r WHERE r.version = 20251102010000;
        ALTER TABLE public.jobs ADD CONSTRAINT jobs_job_type_check CHECK (job_type::text IN
            ('compile', 'deploy', 'run', 'stop', 'trade', 'get_positions', 'get_account', 'get_candles',
             'close_position')) NOT VALID;
        IF v_has_new_key THEN
            ALTER TABLE public.jobs ADD CONSTRAINT jobs_agent_id_fkey
                FOREIGN KEY (agent_id) REFERENCES public.mt5_agents (id) NOT VALID;
        END IF;
        COMMENT ON CONSTRAINT jobs_job_type_check ON public.jobs IS 'The nine types.';
    END IF;
END $$;
