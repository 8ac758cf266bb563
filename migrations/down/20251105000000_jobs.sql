-- The older queue: states and columns as they were. Jobs and signals stay; what the older queue has no word for gets the
-- nearest one, and its message says what it was. Legs, leases and what could be claimed are dropped.
DROP TABLE public.signal_legs, public.job_leases, public.job_ready;

LOCK TABLE public.jobs IN ACCESS EXCLUSIVE MODE;
DROP TRIGGER jobs_upgrade ON public.jobs;
ALTER TABLE public.jobs DROP CONSTRAINT jobs_status_check, DROP CONSTRAINT jobs_lane_check,
    DROP CONSTRAINT jobs_open_effect_check, DROP CONSTRAINT jobs_unknown_check, DROP CONSTRAINT jobs_traceparent_check,
    DROP CONSTRAINT jobs_target_agent_fkey;
UPDATE public.jobs SET status = CASE status WHEN 'unknown' THEN 'failed' WHEN 'expired' THEN 'cancelled' END
WHERE status IN ('unknown', 'expired');
ALTER TABLE public.jobs ADD CONSTRAINT jobs_status_check CHECK (status::text IN
    ('pending', 'running', 'claimed', 'completed', 'failed', 'cancelled'));
COMMENT ON CONSTRAINT jobs_status_check ON public.jobs IS 'The states of a job.';
CREATE TRIGGER jobs_upgrade BEFORE UPDATE OF status ON public.jobs FOR EACH ROW
    WHEN (NEW.status = 'claimed' AND OLD.status = 'pending' AND NEW.job_type::text IN ('trade', 'close_position'))
    EXECUTE FUNCTION public.jobs_upgrade();

DO $$
DECLARE
    v_column text;
BEGIN
    CALL public.installation_drop_columns('jobs', 'seq', 'lane', 'signal_id', 'leg', 'strategy_id', 'symbol', 'is_entry',
        'target_agent_id', 'after_job_id', 'lease_epoch', 'lease_session', 'attempt', 'expires_at', 'ready_at',
        'broker_order_id', 'fill_price', 'filled_volume', 'timeline', 'traceparent');
    CALL public.installation_restore_options('jobs');
    -- The older queue wants to know what a job is about; ours may be about nothing but themselves.
    FOREACH v_column IN ARRAY ARRAY['entity_type', 'entity_id'] LOOP
        IF coalesce((SELECT (b.before ->> 'not_null')::boolean FROM public.installation_before b
                     WHERE b.relation = 'jobs' AND b.kind = 'column' AND b.name = v_column), true) THEN
            EXECUTE CASE v_column
                WHEN 'entity_type' THEN 'UPDATE public.jobs SET entity_type = ''job'' WHERE entity_type IS NULL'
                ELSE 'UPDATE public.jobs SET entity_id = id WHERE entity_id IS NULL' END;
            EXECUTE format('ALTER TABLE public.jobs ALTER COLUMN %I SET NOT NULL', v_column);
        END IF;
    END LOOP;
END $$;
DROP SEQUENCE public.job_seq;
DROP FUNCTION public.error_code(text), public.unix_us(timestamptz), public.job_longest_run(text), public.job_lane(text);

-- As the first document's file made it.
CREATE OR REPLACE FUNCTION public.claim_next_job(p_agent_id uuid) RETURNS SETOF public.jobs
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    WITH next AS (
        SELECT j.id FROM jobs j JOIN mt5_agents a ON a.user_id = j.user_id
        WHERE a.id = p_agent_id AND j.status = 'pending' AND (j.agent_id IS NULL OR j.agent_id = p_agent_id)
          AND j.job_type IN ('compile', 'deploy', 'run', 'stop', 'get_positions', 'get_account', 'get_candles')
        ORDER BY j.created_at, j.id LIMIT 1
        FOR UPDATE OF j SKIP LOCKED)
    UPDATE jobs j SET status = 'claimed', agent_id = p_agent_id, claimed_at = clock_timestamp()
    FROM next WHERE j.id = next.id AND j.status = 'pending' RETURNING j.*
$$;
COMMENT ON FUNCTION public.claim_next_job(uuid) IS 'Claims the agent''s oldest pending job that is no effect; no row: there is none, or the agent is unknown.';
