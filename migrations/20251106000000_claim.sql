-- The claim: the one way a job becomes claimed.
--
-- Locks are taken in one order everywhere: mt5_agents (ascending id) → job_ready → jobs (ascending seq)
-- → tv_signals (ascending id). job_leases rows are only written by who holds the jobs row (or, at a claim, the
-- job_ready row). A pending job's job_ready row is its master: whoever deletes it owns the job's next step.
SET ROLE tradewire_owner;

-- For agents whose rows the caller has locked. One claimer per account at a time is what keeps an account's
-- effects in order, so effects need no SKIP LOCKED: a row of job_ready that somebody holds is just being expired,
-- superseded or completed, and is waited for. Reads and builds may be taken around a locked row.
--
-- The caller locked in an earlier statement: this one has a snapshot of its own, taken after the locks, and so
-- sees what the previous claimer committed. In one statement it would not.
--
-- Plans must not depend on statistics that were gathered while a table was empty (a plan is cached, and tables
-- grow by a million rows before they are analysed): for a set of keys the only way offered is to probe an index
-- for each. The same in the other functions that have such SET clauses.
CREATE FUNCTION claim_ready(p_agents uuid[], p_sessions bigint[], p_effects int[], p_reads int[], p_builds int[])
RETURNS SETOF jobs
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off AS $$
DECLARE
    v_jobs jobs[];
    v_picked bigint;
    v_taken bigint;
    v_leased bigint;
BEGIN
    WITH wanted AS MATERIALIZED (
        SELECT w.agent_id, a.user_id, w.session_no, w.effects, w.reads, w.builds
        FROM unnest(p_agents, p_sessions, p_effects, p_reads, p_builds)
             AS w (agent_id, session_no, effects, reads, builds)
        JOIN mt5_agents a ON a.id = w.agent_id
    ), effects AS MATERIALIZED (
        SELECT r.*, w.agent_id AS claimer, w.session_no
        FROM wanted w CROSS JOIN LATERAL (
            SELECT q.job_id, q.seq, q.lane FROM job_ready q
            WHERE q.agent_id = w.agent_id AND q.lane = 1
              AND (q.expires_at IS NULL OR q.expires_at > clock_timestamp())
              AND (q.ready_at IS NULL OR q.ready_at <= clock_timestamp())
              -- Asked of jobs: one that waits for a model is in neither of the two tables. A scalar, which is looked up
              -- by key, never hashed.
              AND (q.after_job_id IS NULL
                   OR (SELECT b.status FROM jobs b WHERE b.id = q.after_job_id)
                      IN ('pending', 'claimed', 'unknown') IS NOT TRUE)
              -- Entries wait for an unknown job of their strategy and symbol; closes never.
              AND (q.symbol IS NULL
                   OR NOT EXISTS (SELECT FROM job_leases l
                                  WHERE l.agent_id = q.agent_id AND l.is_unknown AND l.symbol = q.symbol
                                    AND l.strategy_id IS NOT DISTINCT FROM q.strategy_id))
            ORDER BY q.seq LIMIT w.effects
            FOR UPDATE) r
        WHERE w.effects > 0
    ), others AS MATERIALIZED (
        SELECT r.*, w.agent_id AS claimer, w.session_no, l.most
        FROM wanted w
        CROSS JOIN LATERAL (VALUES (2::smallint, w.reads), (3::smallint, w.builds)) l (lane, most)
        CROSS JOIN LATERAL (
            SELECT q.job_id, q.seq, q.lane FROM job_ready q
            WHERE q.agent_id = w.agent_id AND q.lane = l.lane
              AND (q.expires_at IS NULL OR q.expires_at > clock_timestamp())
              AND (q.ready_at IS NULL OR q.ready_at <= clock_timestamp())
              AND (q.after_job_id IS NULL
                   OR (SELECT b.status FROM jobs b WHERE b.id = q.after_job_id)
                      IN ('pending', 'claimed', 'unknown') IS NOT TRUE)
            ORDER BY q.seq LIMIT l.most
            FOR UPDATE SKIP LOCKED) r
        WHERE l.most > 0
    ), anybodys AS MATERIALIZED (
        SELECT r.*, w.agent_id AS claimer, w.session_no, l.most
        FROM wanted w
        CROSS JOIN LATERAL (VALUES (2::smallint, w.reads), (3::smallint, w.builds)) l (lane, most)
        CROSS JOIN LATERAL (
            SELECT q.job_id, q.seq, q.lane FROM job_ready q
            WHERE q.user_id = w.user_id AND q.agent_id IS NULL AND q.lane = l.lane
              AND (q.expires_at IS NULL OR q.expires_at > clock_timestamp())
              AND (q.ready_at IS NULL OR q.ready_at <= clock_timestamp())
              AND (q.after_job_id IS NULL
                   OR (SELECT b.status FROM jobs b WHERE b.id = q.after_job_id)
                      IN ('pending', 'claimed', 'unknown') IS NOT TRUE)
            ORDER BY q.seq LIMIT l.most
            FOR UPDATE SKIP LOCKED) r
        WHERE l.most > 0
    ), shared AS MATERIALIZED (
        -- A row that is anybody's was offered to every agent of the user in this call: one gets it.
        SELECT DISTINCT ON (job_id) job_id, seq, lane, claimer, session_no, most FROM anybodys
        ORDER BY job_id, claimer
    ), ranked AS (
        SELECT *, row_number() OVER (PARTITION BY claimer, lane ORDER BY seq) AS place
        FROM (SELECT * FROM others UNION ALL SELECT job_id, seq, lane, claimer, session_no, most FROM shared) b
    ), picked AS MATERIALIZED (
        SELECT job_id, lane, claimer, session_no FROM effects
        UNION ALL
        SELECT job_id, lane, claimer, session_no FROM ranked WHERE place <= most
    ), taken AS (
        DELETE FROM job_ready r USING picked p WHERE r.job_id = p.job_id RETURNING r.job_id
    ), claimed AS (
        UPDATE jobs j
        SET status = 'claimed', agent_id = p.claimer, claimed_at = clock_timestamp(),
            started_at = coalesce(j.started_at, clock_timestamp()), updated_at = clock_timestamp(),
            lease_epoch = j.lease_epoch + 1, attempt = j.attempt + 1, lease_session = p.session_no
        FROM picked p WHERE j.id = p.job_id AND j.status = 'pending'
        RETURNING j AS job, j.id, j.seq, j.agent_id, j.lane, j.lease_session, j.lease_epoch, j.claimed_at,
                  j.job_type, j.strategy_id, j.symbol
    ), leased AS (
        INSERT INTO job_leases (job_id, agent_id, lane, session_no, lease_epoch, until_at, strategy_id, symbol)
        SELECT c.id, c.agent_id, c.lane, c.lease_session, c.lease_epoch,
               c.claimed_at + job_longest_run(c.job_type), c.strategy_id, c.symbol
        FROM claimed c RETURNING job_id
    )
    SELECT (SELECT array_agg(c.job ORDER BY c.seq) FROM claimed c), (SELECT count(*) FROM picked),
           (SELECT count(*) FROM taken), (SELECT count(*) FROM leased)
    INTO v_jobs, v_picked, v_taken, v_leased;

    IF v_picked <> v_taken OR v_picked <> v_leased THEN
        -- A job_ready row whose job is not pending: somebody wrote jobs without the functions of this folder.
        RAISE data_exception USING MESSAGE = format(
            'broken_invariant: %s jobs picked, %s ready rows deleted, %s leased', v_picked, v_taken, v_leased);
    END IF;
    RETURN QUERY SELECT c.* FROM unnest(v_jobs) c;
END $$;
COMMENT ON FUNCTION claim_ready IS 'Claims for agents that the caller has locked; the inner function of both faces.';

-- Under REPEATABLE READ the statement after the lock would still see the world from before it.
CREATE FUNCTION require_read_committed() RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE invalid_transaction_state USING MESSAGE = 'broken_invariant: claims need READ COMMITTED';
    END IF;
END $$;
COMMENT ON FUNCTION require_read_committed IS 'Refuses to run under another isolation level.';

CREATE FUNCTION claim_jobs(p_agents uuid[], p_sessions bigint[], p_effects int[], p_reads int[], p_builds int[])
RETURNS SETOF jobs
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_agents uuid[];
    v_sessions bigint[];
    v_effects int[];
    v_reads int[];
    v_builds int[];
BEGIN
    PERFORM require_read_committed();
    -- A locked agent has another claim, a hello or a close's planning at work on it: nothing of it is taken now.
    WITH locked AS MATERIALIZED (
        SELECT a.id FROM mt5_agents a
        WHERE a.id = ANY (p_agents) AND a.revoked_at IS NULL
        ORDER BY a.id FOR NO KEY UPDATE SKIP LOCKED)
    SELECT array_agg(id) INTO v_agents FROM locked;
    IF v_agents IS NULL THEN
        RETURN;
    END IF;
    -- Read again, under the lock: the session may have changed while the row was being reached.
    SELECT array_agg(w.agent_id), array_agg(w.session_no), array_agg(w.effects), array_agg(w.reads),
           array_agg(w.builds)
    INTO v_agents, v_sessions, v_effects, v_reads, v_builds
    FROM (SELECT DISTINCT ON (agent_id) *
          FROM unnest(p_agents, p_sessions, p_effects, p_reads, p_builds)
               AS u (agent_id, session_no, effects, reads, builds)) w
    JOIN mt5_agents a ON a.id = w.agent_id AND a.session_no = w.session_no AND a.session_ended_at IS NULL
    WHERE a.id = ANY (v_agents);
    RETURN QUERY SELECT * FROM claim_ready(v_agents, v_sessions, v_effects, v_reads, v_builds);
END $$;
COMMENT ON FUNCTION claim_jobs IS 'Claims for many agents at once, at most so many per lane; sessions that are not current get nothing. Ordered by seq.';

CREATE OR REPLACE FUNCTION claim_next_job(p_agent_id uuid) RETURNS SETOF jobs
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_session bigint;
BEGIN
    PERFORM require_read_committed();
    -- One agent, nothing else held: waiting cannot deadlock, and an empty answer means that there is nothing.
    PERFORM FROM mt5_agents a WHERE a.id = p_agent_id AND a.revoked_at IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- Without a live session the lease is nobody's session's, and ends with the longest run time.
    v_session := coalesce((SELECT s.session_no FROM live_sessions s WHERE s.agent_id = p_agent_id), 0);
    FOR v_lane IN 1 .. 3 LOOP
        RETURN QUERY SELECT * FROM claim_ready(ARRAY[p_agent_id], ARRAY[v_session],
            ARRAY[(v_lane = 1)::int], ARRAY[(v_lane = 2)::int], ARRAY[(v_lane = 3)::int]);
        EXIT WHEN FOUND;
    END LOOP;
END $$;
COMMENT ON FUNCTION claim_next_job(uuid) IS 'Claims the agent''s next job, effects first; no row: nothing to claim, or the agent is unknown or revoked.';

-- Every old row is brought forward by now: claims may begin.
DROP TRIGGER jobs_upgrade ON jobs;
DROP FUNCTION jobs_upgrade();

RESET ROLE;
