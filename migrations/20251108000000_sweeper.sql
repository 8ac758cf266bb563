-- What time ends: jobs that may not start any more, and leases of whoever is gone.
SET ROLE tradewire_owner;

CREATE FUNCTION expire_jobs(p_limit int)
RETURNS TABLE (job_id uuid, user_id uuid, signal_id uuid, code text, traceparent text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_jobs uuid[];
BEGIN
    PERFORM require_read_committed();
    -- Whoever deletes the ready row decides the job's next step: one that a claim holds is the claim's.
    WITH past AS MATERIALIZED (
        SELECT r.job_id FROM job_ready r WHERE r.expires_at <= v_now
        ORDER BY r.expires_at LIMIT p_limit FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM job_ready r USING past p WHERE r.job_id = p.job_id RETURNING r.job_id
    ), expired AS (
        UPDATE jobs j
        SET status = 'expired', completed_at = clock_timestamp(), updated_at = clock_timestamp(),
            timeline = j.timeline || jsonb_build_object('resolved', unix_us(clock_timestamp())),
            error_message = CASE
                -- Away all the time: no session since before the job was made.
                WHEN j.target_agent_id IS NOT NULL AND EXISTS (
                    SELECT FROM mt5_agents a LEFT JOIN gateways g ON g.id = a.gateway_id
                    WHERE a.id = j.target_agent_id
                      AND (a.session_no = 0 OR a.session_ended_at <= j.created_at
                           OR g.id IS NULL OR g.seen_at + interval '6 s' <= j.created_at))
                THEN 'agent_offline: the account''s agent was not connected until it expired'
                ELSE 'stale: it could not start before it expired' END
        FROM gone g WHERE j.id = g.job_id AND j.status = 'pending'
        RETURNING j.id
    )
    SELECT array_agg(e.id) INTO v_jobs FROM expired e;
    IF v_jobs IS NULL THEN
        RETURN;
    END IF;
    PERFORM settle_signals(v_jobs);
    RETURN QUERY SELECT j.id, j.user_id, j.signal_id, error_code(j.error_message), j.traceparent
                 FROM jobs j WHERE j.id = ANY (v_jobs) ORDER BY j.seq;
END $$;
COMMENT ON FUNCTION expire_jobs IS 'Ends pending jobs past their limit: stale, or agent_offline. At most p_limit.';

-- Unknown jobs have lapsed already. Session 0 is nobody's: only time ends such a lease.
CREATE VIEW lapsed WITH (security_invoker = true) AS
    SELECT l.job_id, l.lease_epoch, l.lane, l.agent_id
    FROM job_leases l
    LEFT JOIN live_sessions s ON s.agent_id = l.agent_id AND s.session_no = l.session_no
    WHERE NOT l.is_unknown
      AND (l.until_at <= clock_timestamp() OR (l.session_no > 0 AND s.agent_id IS NULL));
COMMENT ON VIEW lapsed IS 'Leases that are over: the longest run time passed, or the session is not live any more.';
COMMENT ON COLUMN lapsed.job_id IS 'The job.';
COMMENT ON COLUMN lapsed.lease_epoch IS 'The epoch that lapsed.';
COMMENT ON COLUMN lapsed.lane IS 'As jobs.lane.';
COMMENT ON COLUMN lapsed.agent_id IS 'Who held it.';

CREATE FUNCTION lapsed_leases() RETURNS TABLE (job_id uuid, lease_epoch bigint)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT l.job_id, l.lease_epoch FROM lapsed l
$$;
COMMENT ON FUNCTION lapsed_leases IS 'Leases that are over now; act on what two looks 2 s apart have both seen.';

CREATE FUNCTION lapse_jobs(p_jobs uuid[], p_epochs bigint[])
RETURNS TABLE (job_id uuid, user_id uuid, status text, signal_id uuid, traceparent text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_effects uuid[];
    v_others uuid[];
    v_epochs bigint[];
    v_agents uuid[];
    v_strategies uuid[];
    v_symbols text[];
BEGIN
    PERFORM require_read_committed();
    -- The agents' rows: no hello, question or close's planning moves anything between the look and the act.
    PERFORM FROM mt5_agents a
    WHERE a.id IN (SELECT l.agent_id FROM job_leases l WHERE l.job_id = ANY (p_jobs))
    ORDER BY a.id FOR NO KEY UPDATE;
    PERFORM lock_entries(array_agg(l.agent_id), array_agg(l.strategy_id), array_agg(l.symbol), TRUE)
    FROM job_leases l WHERE l.job_id = ANY (p_jobs) AND l.lane = 1 HAVING count(*) > 0;
    PERFORM FROM jobs j WHERE j.id = ANY (p_jobs) ORDER BY j.seq FOR NO KEY UPDATE;

    -- An effect that was handed out may have been executed: it becomes unknown, never pending.
    WITH over AS MATERIALIZED (
        SELECT l.job_id FROM lapsed l
        JOIN unnest(p_jobs, p_epochs) AS u (job_id, lease_epoch) USING (job_id, lease_epoch)
        WHERE l.lane = 1
    ), leases AS (
        UPDATE job_leases l SET is_unknown = TRUE, asked_session = NULL FROM over o WHERE l.job_id = o.job_id
    ), doubted AS (
        UPDATE jobs j
        SET status = 'unknown', updated_at = clock_timestamp(),
            error_message = 'unknown_outcome: the agent was lost while it worked on the job; it will be asked'
        FROM over o WHERE j.id = o.job_id AND j.status = 'claimed'
        RETURNING j.id, j.target_agent_id, j.strategy_id, j.symbol
    )
    SELECT array_agg(d.id), array_agg(d.target_agent_id), array_agg(d.strategy_id), array_agg(d.symbol)
    INTO v_effects, v_agents, v_strategies, v_symbols FROM doubted d;
    IF v_effects IS NOT NULL THEN
        PERFORM settle_signals(v_effects);
        PERFORM supersede_entries(v_agents, v_strategies, v_symbols);
        RETURN QUERY SELECT j.id, j.user_id, j.status::text, j.signal_id, j.traceparent
                     FROM jobs j WHERE j.id = ANY (v_effects) ORDER BY j.seq;
    END IF;

    SELECT array_agg(l.job_id), array_agg(l.lease_epoch) INTO v_others, v_epochs
    FROM lapsed l JOIN unnest(p_jobs, p_epochs) AS u (job_id, lease_epoch) USING (job_id, lease_epoch)
    WHERE l.lane <> 1;
    IF v_others IS NOT NULL THEN
        RETURN QUERY SELECT * FROM requeue_jobs(v_others, v_epochs);
    END IF;
END $$;
COMMENT ON FUNCTION lapse_jobs IS 'Acts on lapsed leases, where they still are at the same epoch: effects become unknown, reads and builds pending again.';

RESET ROLE;
