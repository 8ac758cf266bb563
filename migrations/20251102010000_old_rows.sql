-- migrate:no-transaction
-- Rows of an older installation that the first document's rules do not admit, and the rules that were NOT VALID
-- until now. Nothing here keeps a writer away for longer than one batch has its rows. On a new installation there
-- is nothing to do but the two indexes. Safe to repeat from the start.

-- `test` was never one of the nine types: such rows are kept, ended, under a type that is. An agent that is gone is
-- nobody's.
DO $$
DECLARE
    v_from uuid := '00000000-0000-0000-0000-000000000000';
    v_to uuid;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint n WHERE n.conrelid = 'public.jobs'::regclass AND NOT n.convalidated) THEN
        RETURN;
    END IF;
    LOOP
        -- By key, 2,000 rows at a time: a batch is read by the primary key whatever other indexes there are.
        v_to := (SELECT j.id FROM public.jobs j WHERE j.id >= v_from ORDER BY j.id OFFSET 2000 LIMIT 1);
        WITH old AS MATERIALIZED (
            SELECT j.id, j.job_type, j.status, j.completed_at, j.error_message, j.agent_id, j.job_type = 'test' AS is_test
            FROM public.jobs j
            WHERE j.id >= v_from AND (v_to IS NULL OR j.id < v_to)
              AND (j.job_type = 'test'
                   OR (j.agent_id IS NOT NULL AND NOT EXISTS (SELECT FROM public.mt5_agents a WHERE a.id = j.agent_id)))
            ORDER BY j.id FOR NO KEY UPDATE
        ), kept AS (
            INSERT INTO public.installation_rows (version, relation, row_id, before)
            SELECT 20251102010000, 'jobs', o.id, jsonb_build_object('job_type', o.job_type, 'status', o.status,
                'completed_at', o.completed_at, 'error_message', o.error_message, 'agent_id', o.agent_id)
            FROM old o ON CONFLICT (version, relation, row_id) DO NOTHING
        )
        UPDATE public.jobs j
        SET job_type = CASE WHEN o.is_test THEN 'run' ELSE o.job_type END,
            status = CASE WHEN o.is_test THEN 'cancelled' ELSE o.status END,
            completed_at = CASE WHEN o.is_test THEN coalesce(o.completed_at, now()) ELSE o.completed_at END,
            error_message = CASE WHEN o.is_test THEN 'cancelled: was a job of type test (migrated)' ELSE o.error_message END,
            agent_id = (SELECT a.id FROM public.mt5_agents a WHERE a.id = o.agent_id)
        FROM old o WHERE j.id = o.id;
        COMMIT;
        EXIT WHEN v_to IS NULL;
        v_from := v_to;
    END LOOP;
END $$;

-- Whose rows they are: after a rollback also people's who never had a profile.
DO $$
DECLARE
    v_table text;
BEGIN
    IF NOT public.installation_had('auth.users', 'made') THEN
        RETURN;
    END IF;
    FOREACH v_table IN ARRAY ARRAY['jobs', 'trades'] LOOP
        IF EXISTS (SELECT FROM pg_constraint n WHERE n.conrelid = format('public.%I', v_table)::regclass
                   AND n.conname = v_table || '_user_id_fkey' AND NOT n.convalidated) THEN
            EXECUTE format('INSERT INTO auth.users (id) SELECT DISTINCT t.user_id FROM public.%I t ON CONFLICT DO NOTHING',
                           v_table);
        END IF;
    END LOOP;
END $$;

CALL public.installation_validate(20251102010000, 'jobs');
CALL public.installation_validate(20251102010000, 'trades');
CALL public.installation_validate(20251102010000, 'tv_signals');

CREATE INDEX CONCURRENTLY IF NOT EXISTS tv_signals_user_idx ON public.tv_signals (user_id, created_at DESC);
CREATE INDEX CONCURRENTLY IF NOT EXISTS tv_signals_strategy_idx ON public.tv_signals (strategy_id)
    WHERE strategy_id IS NOT NULL;
DO $$
BEGIN
    COMMENT ON INDEX public.tv_signals_user_idx IS 'A user''s signals, newest first; deleting a user.';
    COMMENT ON INDEX public.tv_signals_strategy_idx IS 'Deleting a strategy.';
END $$;
