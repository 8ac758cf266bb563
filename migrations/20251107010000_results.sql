-- What agents report is applied to jobs, legs and signals.
--
-- A *fact* (done, of an effect) counts at any epoch while the job is open: an executed order is executed, whatever
-- anybody believed meanwhile. Everything else is an answer to one claim or question, and must carry its epoch.
SET ROLE tradewire_owner;

-- One row of a call, judged. Only the judging reads what was recorded before; the changes follow from it.
CREATE TYPE result_judged AS (
    ord int, job_id uuid, agent_id uuid, outcome text, error_message text, output jsonb, fill_price numeric,
    filled_volume numeric, order_id text, ready_at timestamptz, timeline jsonb, payload bytea,
    user_id uuid, signal_id uuid, traceparent text, lane smallint, status text, verdict text, next_status text
);
COMMENT ON TYPE result_judged IS 'A reported result beside the job that it names, with the verdict on it.';
REVOKE ALL ON TYPE result_judged FROM PUBLIC;

-- The verdict on each result, from rows that the caller has locked.
CREATE FUNCTION judge_results(
    p_job uuid[], p_agent uuid[], p_epoch bigint[], p_outcome text[], p_error text[], p_output text[],
    p_fill_price text[], p_filled_volume text[], p_order_id text[], p_ready_at timestamptz[], p_timeline text[],
    p_raw bytea[])
RETURNS SETOF result_judged
LANGUAGE sql VOLATILE SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
    WITH reported AS MATERIALIZED (
        SELECT u.ord, u.job_id, u.agent_id, u.epoch, u.outcome, u.error_message, u.output::jsonb AS output,
               u.fill_price::numeric AS fill_price, u.filled_volume::numeric AS filled_volume, u.order_id,
               u.ready_at, coalesce(u.timeline::jsonb, '{}') AS timeline, coalesce(u.payload, '') AS payload
        FROM unnest(p_job, p_agent, p_epoch, p_outcome, p_error, p_output, p_fill_price, p_filled_volume, p_order_id,
                    p_ready_at, p_timeline, p_raw) WITH ORDINALITY
             AS u (job_id, agent_id, epoch, outcome, error_message, output, fill_price, filled_volume, order_id,
                   ready_at, timeline, payload, ord)
    ), beside AS (
        SELECT r.*, j.user_id, j.signal_id, j.traceparent, j.lane, j.status, j.strategy_id, j.symbol, j.seq,
            j.job_type, j.attempt,
            j.id IS NOT NULL AS is_known,
            coalesce(j.agent_id, j.target_agent_id, r.agent_id) IS DISTINCT FROM r.agent_id AS is_foreign,
            j.lease_epoch = r.epoch AS is_current,
            j.status IN ('claimed', 'unknown') AS is_held,
            j.status IN ('pending', 'claimed', 'unknown') AS is_open,
            -- The same order, as far as both sides say; a number's trailing zeros say nothing.
            (j.broker_order_id IS NULL OR r.order_id IS NULL OR j.broker_order_id = r.order_id)
                AND (j.fill_price IS NULL OR r.fill_price IS NULL OR j.fill_price = r.fill_price)
                AND (j.filled_volume IS NULL OR r.filled_volume IS NULL OR j.filled_volume = r.filled_volume)
                AS is_same_order,
            j.expires_at <= clock_timestamp() AS is_expired
        FROM reported r LEFT JOIN jobs j ON j.id = r.job_id
    ), judged AS (
        SELECT b.*,
            CASE
                -- It waits for its job, unless 1000 of its agent wait already: nobody may fill the table. What one
                -- call brings is not counted among them.
                WHEN NOT b.is_known THEN
                    CASE WHEN (SELECT count(*) FROM (SELECT FROM unmatched_results u WHERE u.agent_id = b.agent_id
                                                     LIMIT 1000) w) < 1000 THEN 'unmatched' ELSE 'dropped' END
                WHEN b.is_foreign THEN 'foreign'
                WHEN b.outcome = 'done' AND b.lane = 1 THEN
                    CASE WHEN b.is_open THEN 'applied'
                         WHEN b.status = 'completed' AND b.is_same_order THEN 'repeated'
                         ELSE 'conflict' END
                WHEN NOT b.is_current THEN 'stale'
                WHEN b.outcome = 'done' THEN
                    CASE WHEN b.is_held THEN 'applied' WHEN b.status = 'completed' THEN 'repeated' ELSE 'stale' END
                WHEN b.outcome = 'failed' THEN
                    CASE WHEN b.is_held THEN 'applied' WHEN b.status = 'failed' THEN 'repeated' ELSE 'stale' END
                WHEN b.outcome = 'void' THEN
                    CASE WHEN b.is_held THEN 'applied' WHEN b.status IN ('pending', 'failed') THEN 'repeated'
                         ELSE 'stale' END
                WHEN b.outcome = 'unknown' THEN
                    CASE WHEN b.status = 'claimed' THEN 'applied' WHEN b.status = 'unknown' THEN 'repeated'
                         ELSE 'stale' END
            END AS verdict
        FROM beside b
    )
    SELECT g.ord::int, g.job_id, g.agent_id, g.outcome,
        CASE WHEN g.verdict = 'applied' AND g.outcome = 'void' AND g.lane = 1 AND n.status = 'failed'
                 THEN 'not_executed: no order was executed, and it may not start any more'
             WHEN g.outcome = 'unknown' AND g.lane = 1 AND error_code(g.error_message) IS DISTINCT FROM 'unknown_outcome'
                 THEN 'unknown_outcome: ' || coalesce(g.error_message, 'the agent cannot tell')
             ELSE g.error_message END,
        g.output, g.fill_price, g.filled_volume, g.order_id, g.ready_at, g.timeline, g.payload,
        g.user_id, g.signal_id, g.traceparent, g.lane, g.status, g.verdict, n.status
    FROM judged g
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN g.verdict <> 'applied' THEN g.status
            WHEN g.outcome = 'done' THEN 'completed'
            WHEN g.outcome = 'failed' THEN 'failed'
            WHEN g.lane <> 1 THEN CASE WHEN g.attempt < 3 THEN 'pending' ELSE 'failed' END
            WHEN g.outcome = 'unknown' THEN 'unknown'
            WHEN g.is_expired
                 OR later_close_exists(g.agent_id, g.strategy_id, g.symbol, g.seq, g.job_type = 'close_position')
                 THEN 'failed'
            ELSE 'pending'
        END AS status) n
    ORDER BY g.ord
$$;
COMMENT ON FUNCTION judge_results IS 'The verdict on each reported result, and the state that follows from it.';

CREATE FUNCTION apply_results(
    p_job uuid[], p_agent uuid[], p_epoch bigint[], p_outcome text[], p_error text[], p_output text[],
    p_fill_price text[], p_filled_volume text[], p_order_id text[], p_ready_at timestamptz[], p_timeline text[],
    p_raw bytea[])
RETURNS TABLE (ord int, verdict text, user_id uuid, status text, signal_id uuid, agent_id uuid, traceparent text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    v_judged result_judged[];
    v_ready uuid[];
    v_applied uuid[];
    v_agents uuid[];
    v_strategies uuid[];
    v_symbols text[];
    v_count bigint;
BEGIN
    PERFORM require_read_committed();
    IF cardinality(p_job) <> (SELECT count(DISTINCT u) FROM unnest(p_job) u)
       OR NOT p_outcome <@ ARRAY['done', 'failed', 'void', 'unknown'] THEN
        RAISE data_exception USING MESSAGE = 'broken_invariant: a job comes once per call, its outcome is one of four words';
    END IF;

    -- A void asks whether a later close was planned, and an unknown holds entries back: both must not race with the
    -- planning of a close, which locks the agent's row too. The others are the many, and need no agent's lock,
    -- so results do not keep claims away.
    IF p_outcome && ARRAY['void', 'unknown'] THEN
        PERFORM FROM mt5_agents a
        WHERE a.id IN (SELECT j.target_agent_id FROM jobs j
                       JOIN unnest(p_job, p_outcome) AS u (id, outcome) ON u.id = j.id
                       WHERE j.lane = 1 AND u.outcome IN ('void', 'unknown'))
        ORDER BY a.id FOR NO KEY UPDATE;
        PERFORM lock_entries(array_agg(j.target_agent_id), array_agg(j.strategy_id), array_agg(j.symbol), TRUE)
        FROM jobs j JOIN unnest(p_job, p_outcome) AS u (id, outcome) ON u.id = j.id
        WHERE j.lane = 1 AND u.outcome = 'unknown' HAVING count(*) > 0;
    END IF;
    WITH locked AS MATERIALIZED (
        SELECT r.job_id FROM job_ready r WHERE r.job_id = ANY (p_job) ORDER BY r.seq FOR UPDATE SKIP LOCKED)
    SELECT array_agg(l.job_id) INTO v_ready FROM locked l;
    PERFORM FROM jobs j WHERE j.id = ANY (p_job) ORDER BY j.seq FOR NO KEY UPDATE;

    SELECT array_agg(g) INTO v_judged
    FROM judge_results(p_job, p_agent, p_epoch, p_outcome, p_error, p_output, p_fill_price, p_filled_volume,
                       p_order_id, p_ready_at, p_timeline, p_raw) g;

    -- A fact about a job that is pending again, at the very moment when it is claimed again: its ready row is in
    -- the claim's hands, and waiting for it here would be a deadlock. The caller tries again.
    IF EXISTS (SELECT FROM unnest(v_judged) g WHERE g.verdict = 'applied' AND g.status = 'pending'
               AND g.job_id <> ALL (coalesce(v_ready, '{}'))) THEN
        RAISE serialization_failure USING MESSAGE = 'claim_in_progress: the job is just being claimed; try again';
    END IF;

    WITH judged AS MATERIALIZED (
        SELECT g.* FROM unnest(v_judged) g
    ), applied AS MATERIALIZED (
        SELECT g.* FROM judged g WHERE g.verdict = 'applied'
    ), changed AS (
        UPDATE jobs j
        SET status = a.next_status,
            output_data = CASE WHEN a.next_status = 'completed' THEN a.output ELSE coalesce(a.output, j.output_data) END,
            error_message = CASE WHEN a.next_status <> 'completed' THEN a.error_message END,
            fill_price = a.fill_price, filled_volume = a.filled_volume, broker_order_id = a.order_id,
            ready_at = CASE WHEN a.next_status = 'pending' THEN a.ready_at ELSE j.ready_at END,
            completed_at = CASE WHEN a.next_status IN ('completed', 'failed') THEN clock_timestamp() END,
            -- Whose it was is kept, but a pending job is nobody's.
            agent_id = CASE WHEN a.next_status = 'pending' THEN NULL ELSE coalesce(j.agent_id, a.agent_id) END,
            claimed_at = CASE WHEN a.next_status = 'pending' THEN NULL ELSE j.claimed_at END,
            updated_at = clock_timestamp(),
            timeline = j.timeline || a.timeline || jsonb_strip_nulls(jsonb_build_object(
                'claimed', unix_us(j.claimed_at),
                'resolved', CASE WHEN a.next_status IN ('completed', 'failed') THEN unix_us(clock_timestamp()) END))
        FROM applied a WHERE j.id = a.job_id
        RETURNING j.id, j.status, j.target_agent_id, j.user_id, j.lane, j.seq, j.expires_at, j.ready_at,
                  j.after_job_id, j.is_entry, j.strategy_id, j.symbol
    ), unready AS (
        DELETE FROM job_ready r USING applied a WHERE r.job_id = a.job_id
    ), released AS (
        DELETE FROM job_leases l USING applied a WHERE l.job_id = a.job_id AND a.next_status <> 'unknown'
    ), doubted AS (
        UPDATE job_leases l SET is_unknown = TRUE FROM applied a
        WHERE l.job_id = a.job_id AND a.next_status = 'unknown'
    ), again AS (
        INSERT INTO job_ready (job_id, agent_id, user_id, lane, seq, expires_at, ready_at, after_job_id, strategy_id,
                               symbol, is_voided)
        SELECT c.id, c.target_agent_id, c.user_id, c.lane, c.seq, c.expires_at, c.ready_at, c.after_job_id,
               CASE WHEN c.is_entry THEN c.strategy_id END, CASE WHEN c.is_entry THEN c.symbol END, TRUE
        FROM changed c WHERE c.status = 'pending'
    ), conflicts AS (
        INSERT INTO audit_log (user_id, actor, action, object, before, after)
        SELECT j.user_id, 'agent:' || g.agent_id, 'result_conflict', 'job:' || g.job_id,
               jsonb_build_object('status', j.status, 'error_message', j.error_message,
                   'broker_order_id', j.broker_order_id, 'fill_price', j.fill_price::text,
                   'filled_volume', j.filled_volume::text),
               jsonb_build_object('outcome', g.outcome, 'broker_order_id', g.order_id,
                   'fill_price', g.fill_price::text, 'filled_volume', g.filled_volume::text, 'output', g.output)
        FROM judged g JOIN jobs j ON j.id = g.job_id WHERE g.verdict = 'conflict'
    ), unmatched AS (
        INSERT INTO unmatched_results (job_id, agent_id, payload)
        SELECT g.job_id, g.agent_id, g.payload FROM judged g WHERE g.verdict = 'unmatched' ORDER BY g.ord
    )
    SELECT array_agg(c.id), count(*),
           array_agg(c.target_agent_id) FILTER (WHERE c.status = 'unknown'),
           array_agg(c.strategy_id) FILTER (WHERE c.status = 'unknown'),
           array_agg(c.symbol) FILTER (WHERE c.status = 'unknown')
    INTO v_applied, v_count, v_agents, v_strategies, v_symbols
    FROM changed c;

    IF v_applied IS NOT NULL THEN
        PERFORM settle_signals(v_applied);
    END IF;
    IF v_agents IS NOT NULL THEN
        PERFORM supersede_entries(v_agents, v_strategies, v_symbols);
    END IF;
    RETURN QUERY SELECT g.ord, g.verdict, g.user_id, g.next_status, g.signal_id, g.agent_id, g.traceparent
                 FROM unnest(v_judged) g ORDER BY g.ord;
END $$;
COMMENT ON FUNCTION apply_results IS 'Applies reported results, each with a verdict: applied, repeated, conflict, stale, foreign, unmatched, dropped.';

-- A look costs p_limit rows, however many wait: the caller goes round.
CREATE FUNCTION unmatched_ready(p_after bigint, p_limit int) RETURNS TABLE (id bigint, payload bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
    WITH looked AS MATERIALIZED (
        SELECT u.id, u.job_id FROM unmatched_results u WHERE u.id > p_after ORDER BY u.id LIMIT p_limit
    )
    SELECT l.id, CASE WHEN j.id IS NOT NULL
                      THEN (SELECT u.payload FROM unmatched_results u WHERE u.id = l.id) END
    FROM looked l LEFT JOIN jobs j ON j.id = l.job_id ORDER BY l.id
$$;
COMMENT ON FUNCTION unmatched_ready IS 'The next p_limit kept results after this id; with their payload where the job exists now.';

CREATE FUNCTION unmatched_done(p_ids bigint[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DELETE FROM unmatched_results u WHERE u.id = ANY (p_ids)
$$;
COMMENT ON FUNCTION unmatched_done IS 'These kept results were applied.';

-- As long as results.v1 keeps its records. Ids are in order of arrival, so the oldest are enough to look at.
CREATE FUNCTION unmatched_forget(p_limit int) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
    WITH oldest AS MATERIALIZED (
        SELECT u.id, u.received_at FROM unmatched_results u ORDER BY u.id LIMIT p_limit
    ), forgotten AS (
        DELETE FROM unmatched_results u USING oldest o
        WHERE u.id = o.id AND o.received_at < clock_timestamp() - interval '7 days' RETURNING u.id
    )
    SELECT count(*) FROM forgotten
$$;
COMMENT ON FUNCTION unmatched_forget IS 'Deletes kept results older than 7 days, among the p_limit oldest; says how many.';

RESET ROLE;
