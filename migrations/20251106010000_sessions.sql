-- Sessions of agents, questions about their open effects, and the gateways that hold them.
SET ROLE tradewire_owner;

-- Reads and builds whose lease is over: pending again for the same target, at most three times.
-- The caller holds the agents' rows or nothing at all; the jobs' rows are locked here, in seq order. Only rows whose
-- lease still has the epoch that was seen are touched.
CREATE FUNCTION requeue_jobs(p_jobs uuid[], p_epochs bigint[])
RETURNS TABLE (job_id uuid, user_id uuid, status text, signal_id uuid, traceparent text)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM jobs j WHERE j.id = ANY (p_jobs) ORDER BY j.seq FOR NO KEY UPDATE;
    RETURN QUERY
    WITH ended AS (
        DELETE FROM job_leases l USING unnest(p_jobs, p_epochs) AS u (job_id, lease_epoch)
        WHERE l.job_id = u.job_id AND l.lease_epoch = u.lease_epoch AND l.lane <> 1
        RETURNING l.job_id
    ), moved AS (
        UPDATE jobs j
        SET status = CASE WHEN j.attempt < 3 THEN 'pending' ELSE 'failed' END,
            error_message = CASE WHEN j.attempt < 3 THEN 'timeout: the agent gave no answer; it is asked again'
                                 ELSE format('timeout: the agent gave no answer in %s attempts', j.attempt) END,
            completed_at = CASE WHEN j.attempt < 3 THEN NULL ELSE clock_timestamp() END,
            lease_epoch = j.lease_epoch + 1, agent_id = NULL, claimed_at = NULL, lease_session = NULL,
            updated_at = clock_timestamp()
        FROM ended e WHERE j.id = e.job_id
        RETURNING j.*
    ), ready AS (
        INSERT INTO job_ready (job_id, agent_id, user_id, lane, seq, expires_at, after_job_id)
        SELECT m.id, m.target_agent_id, m.user_id, m.lane, m.seq, m.expires_at, m.after_job_id
        FROM moved m WHERE m.status = 'pending'
    )
    SELECT m.id, m.user_id, m.status::text, m.signal_id, m.traceparent FROM moved m ORDER BY m.seq;
END $$;
COMMENT ON FUNCTION requeue_jobs IS 'Lapsed reads and builds: pending again, after three attempts failed (timeout).';

CREATE FUNCTION bind_account(p_agent uuid, p_server text, p_login text, p_currency text, p_margin_mode text,
                             p_is_real boolean) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE broker_connections c
    SET server = p_server, login = p_login, currency = p_currency, margin_mode = p_margin_mode,
        is_real = p_is_real, updated_at = clock_timestamp()
    FROM mt5_agents a
    WHERE a.id = p_agent AND c.id = a.broker_connection_id AND c.server IS NULL AND p_server IS NOT NULL
$$;
COMMENT ON FUNCTION bind_account IS 'Binds the agent''s connection to the account that it reports, where it is not bound yet.';

-- A code in the answer refuses the hello, and nothing has changed then.
CREATE FUNCTION agent_hello(p_agent uuid, p_key_hash text, p_curve_key bytea, p_journal_id uuid, p_journal_seq bigint,
    p_gateway uuid, p_server text, p_login text, p_currency text, p_margin_mode text, p_is_real boolean)
RETURNS TABLE (code text, message text, user_id uuid, session_no bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_agent mt5_agents;
    v_session bigint;
BEGIN
    PERFORM require_read_committed();
    SELECT a.* INTO v_agent FROM mt5_agents a WHERE a.id = p_agent FOR NO KEY UPDATE;
    -- The key first: a stranger learns nothing but that.
    IF v_agent.pairing_key_hash IS NULL OR v_agent.pairing_key_hash IS DISTINCT FROM p_key_hash THEN
        RETURN QUERY SELECT 'not_paired', 'the agent is unknown or its pairing key is wrong', NULL::uuid, NULL::bigint;
        RETURN;
    ELSIF v_agent.revoked_at IS NOT NULL THEN
        RETURN QUERY SELECT 'agent_revoked', 'the agent''s access was taken away', NULL::uuid, NULL::bigint;
        RETURN;
    ELSIF v_agent.curve_public_key <> p_curve_key THEN
        RETURN QUERY SELECT 'key_mismatch', 'the agent is bound to another transport key; rotate it to bind a new one',
                            NULL::uuid, NULL::bigint;
        RETURN;
    ELSIF v_agent.journal_id <> p_journal_id OR p_journal_seq < v_agent.journal_seq THEN
        -- Another journal does not know what the bound one sent: from it, "never sent" proves nothing.
        RETURN QUERY SELECT 'journal_changed',
            CASE WHEN v_agent.journal_id <> p_journal_id THEN 'the agent is bound to another journal'
                 ELSE 'the journal is older than the one that said hello before' END
            || CASE WHEN EXISTS (SELECT FROM live_sessions s WHERE s.agent_id = p_agent)
                    THEN ', which has a live session; stop that agent first' ELSE '; rotate the agent to bind this one' END,
            NULL::uuid, NULL::bigint;
        RETURN;
    END IF;

    v_session := v_agent.session_no + 1;
    UPDATE mt5_agents a
    SET session_no = v_session, session_started_at = clock_timestamp(), session_ended_at = NULL,
        gateway_id = p_gateway, is_connected = TRUE, last_heartbeat = clock_timestamp(),
        curve_public_key = coalesce(a.curve_public_key, p_curve_key),
        journal_bound_at = CASE WHEN a.journal_id IS NULL AND p_journal_id IS NOT NULL THEN clock_timestamp()
                                ELSE a.journal_bound_at END,
        journal_id = coalesce(a.journal_id, p_journal_id),
        journal_seq = greatest(a.journal_seq, p_journal_seq),
        updated_at = clock_timestamp()
    WHERE a.id = p_agent;
    PERFORM bind_account(p_agent, p_server, p_login, p_currency, p_margin_mode, p_is_real);
    PERFORM requeue_jobs(array_agg(l.job_id), array_agg(l.lease_epoch))
    FROM job_leases l WHERE l.agent_id = p_agent AND l.lane <> 1 HAVING count(*) > 0;
    RETURN QUERY SELECT NULL::text, NULL::text, v_agent.user_id, v_session;
END $$;
COMMENT ON FUNCTION agent_hello IS 'An agent begins a session; code NULL = welcome. Open effects are then asked about by question_jobs.';

-- The agents' rows are locked, so no hello changes a session between the look and the question.
CREATE FUNCTION question_jobs(p_agents uuid[], p_sessions bigint[]) RETURNS SETOF jobs
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_agents uuid[];
    v_jobs uuid[];
BEGIN
    PERFORM require_read_committed();
    -- Most calls end here: every 5 s for all sessions, and hardly ever is anything open.
    SELECT array_agg(DISTINCT l.agent_id) INTO v_agents
    FROM unnest(p_agents, p_sessions) AS u (agent_id, session_no)
    JOIN job_leases l ON l.agent_id = u.agent_id
    WHERE l.lane = 1 AND l.asked_session IS DISTINCT FROM u.session_no
      AND (l.is_unknown OR l.session_no <> u.session_no);
    IF v_agents IS NULL THEN
        RETURN;
    END IF;
    PERFORM FROM mt5_agents a WHERE a.id = ANY (v_agents) ORDER BY a.id FOR NO KEY UPDATE;
    SELECT array_agg(l.job_id) INTO v_jobs
    FROM unnest(p_agents, p_sessions) AS u (agent_id, session_no)
    JOIN mt5_agents a ON a.id = u.agent_id AND a.session_no = u.session_no AND a.session_ended_at IS NULL
                      AND a.revoked_at IS NULL
    JOIN job_leases l ON l.agent_id = a.id
    WHERE a.id = ANY (v_agents) AND l.lane = 1;
    PERFORM FROM jobs j WHERE j.id = ANY (v_jobs) ORDER BY j.seq FOR NO KEY UPDATE;
    RETURN QUERY
    WITH asked AS (
        -- Looked at again under the locks: a result may have ended the lease meanwhile.
        UPDATE job_leases l
        SET lease_epoch = l.lease_epoch + 1, session_no = a.session_no, asked_session = a.session_no,
            until_at = clock_timestamp() + job_longest_run(j.job_type)
        FROM mt5_agents a, jobs j
        WHERE l.job_id = ANY (v_jobs) AND a.id = l.agent_id AND j.id = l.job_id
          AND l.asked_session IS DISTINCT FROM a.session_no
          AND (l.is_unknown OR l.session_no <> a.session_no)
        RETURNING l.job_id, l.lease_epoch, l.session_no
    ), questions AS (
        UPDATE jobs j
        SET lease_epoch = q.lease_epoch, lease_session = q.session_no, updated_at = clock_timestamp()
        FROM asked q WHERE j.id = q.job_id
        RETURNING j.*
    )
    SELECT * FROM questions ORDER BY seq;
END $$;
COMMENT ON FUNCTION question_jobs IS 'The open effects that each current session has not been asked about yet, under a new epoch. Ordered by seq.';

CREATE FUNCTION session_end(p_agents uuid[], p_sessions bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM mt5_agents a WHERE a.id = ANY (p_agents) ORDER BY a.id FOR NO KEY UPDATE;
    UPDATE mt5_agents a
    SET is_connected = FALSE, session_ended_at = clock_timestamp(), updated_at = clock_timestamp()
    FROM unnest(p_agents, p_sessions) AS u (agent_id, session_no)
    WHERE a.id = u.agent_id AND a.session_no = u.session_no AND a.session_ended_at IS NULL;
END $$;
COMMENT ON FUNCTION session_end IS 'Ends these sessions, where they are still the current ones.';

CREATE FUNCTION sessions_seen(p_agents uuid[], p_sessions bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM mt5_agents a WHERE a.id = ANY (p_agents) ORDER BY a.id FOR NO KEY UPDATE;
    UPDATE mt5_agents a SET last_heartbeat = clock_timestamp()
    FROM unnest(p_agents, p_sessions) AS u (agent_id, session_no)
    WHERE a.id = u.agent_id AND a.session_no = u.session_no AND a.session_ended_at IS NULL;
END $$;
COMMENT ON FUNCTION sessions_seen IS 'Presence of many agents in one statement, once a minute.';

CREATE FUNCTION gateway_beat(p_gateway uuid, p_name text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO gateways AS g (id, name) VALUES (p_gateway, p_name)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, seen_at = clock_timestamp()
$$;
COMMENT ON FUNCTION gateway_beat IS 'The gateway is alive; every 2 s.';

CREATE FUNCTION agent_bind_account(p_agent uuid, p_session bigint, p_server text, p_login text, p_currency text,
                                   p_margin_mode text, p_is_real boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM mt5_agents a WHERE a.id = p_agent AND a.session_no = p_session AND a.session_ended_at IS NULL
    FOR NO KEY UPDATE;
    IF FOUND THEN
        PERFORM bind_account(p_agent, p_server, p_login, p_currency, p_margin_mode, p_is_real);
    END IF;
END $$;
COMMENT ON FUNCTION agent_bind_account IS 'The account of an agent whose terminal came after its hello.';

CREATE FUNCTION ready_agents(p_seconds int) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    -- statement_timestamp, because clock_timestamp would keep the indexes from being used.
    WITH recent AS MATERIALIZED (
        SELECT r.agent_id, r.user_id FROM job_ready r
        WHERE r.added_at >= statement_timestamp() - make_interval(secs => p_seconds)
        UNION
        SELECT r.agent_id, r.user_id FROM job_ready r
        WHERE r.ready_at BETWEEN statement_timestamp() - make_interval(secs => p_seconds) AND statement_timestamp())
    SELECT r.agent_id FROM recent r WHERE r.agent_id IS NOT NULL
    UNION
    SELECT a.id FROM recent r JOIN mt5_agents a ON a.user_id = r.user_id AND a.revoked_at IS NULL
    WHERE r.agent_id IS NULL
$$;
COMMENT ON FUNCTION ready_agents IS 'Agents for which something became claimable in the last seconds: the poll behind the hints.';

RESET ROLE;
