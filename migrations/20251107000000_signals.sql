-- Signals become rows and jobs: keys are taken, rows written, later closes supersede earlier entries, and what
-- becomes of a job becomes of its signal.
SET ROLE tradewire_owner;

-- Job outcome to signal, in one place. The caller changed these jobs in an earlier statement.
-- A signal is terminal once: one that is not pending is left alone.
CREATE FUNCTION settle_signals(p_jobs uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
BEGIN
    PERFORM FROM tv_signals s
    WHERE s.id IN (SELECT j.signal_id FROM jobs j WHERE j.id = ANY (p_jobs))
    ORDER BY s.id FOR NO KEY UPDATE;
    WITH outcome AS MATERIALIZED (
        SELECT j.id, j.signal_id, j.fill_price, j.filled_volume, j.broker_order_id, j.completed_at,
            CASE WHEN j.status = 'completed' THEN 'executed'
                 WHEN j.status IN ('cancelled', 'expired') THEN 'discarded'
                 WHEN j.status = 'failed' AND error_code(j.error_message) IN ('stale', 'nothing_to_do', 'cancelled')
                     THEN 'discarded'
                 WHEN j.status = 'failed' THEN 'failed'
                 ELSE 'pending' END AS status,
            -- While it is pending a signal shows what it waits for, and nothing that is over.
            CASE WHEN j.status <> 'pending' OR error_code(j.error_message) = 'waiting_market'
                     THEN j.error_message END AS error_message
        FROM jobs j WHERE j.id = ANY (p_jobs) AND j.signal_id IS NOT NULL
    ), legs AS (
        UPDATE signal_legs l
        SET status = o.status, fill_price = o.fill_price, filled_volume = o.filled_volume,
            broker_order_id = o.broker_order_id, error_message = o.error_message
        FROM outcome o WHERE l.job_id = o.id AND l.status = 'pending'
    )
    UPDATE tv_signals s
    SET status = o.status, error_message = o.error_message, broker_order_id = o.broker_order_id,
        -- Rounded for display; a number that does not fit is in the leg only.
        fill_price = CASE WHEN abs(o.fill_price) < 1e12 THEN o.fill_price END,
        resolved_at = CASE WHEN o.status <> 'pending' THEN coalesce(o.completed_at, clock_timestamp()) END
    FROM outcome o WHERE s.id = o.signal_id AND s.status = 'pending';
END $$;
COMMENT ON FUNCTION settle_signals IS 'Brings the signals and legs of these jobs to what the jobs'' states say.';

-- Was a close planned after p_seq that takes away the reason for this job? Without a symbol a close means all.
-- An earlier close is only made needless by one that closes everything it would have closed: dropping it for the
-- sake of a partial close would leave a position open.
CREATE FUNCTION later_close_exists(p_agent uuid, p_strategy uuid, p_symbol text, p_seq bigint, p_is_close boolean)
RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM jobs c
        WHERE c.job_type = 'close_position' AND c.strategy_id = p_strategy AND c.seq > p_seq
          AND c.target_agent_id = p_agent AND (c.symbol IS NULL OR c.symbol = p_symbol)
          AND NOT (p_is_close AND coalesce(c.input_data ?| ARRAY['ticket', 'pct', 'volume'], FALSE)))
$$;
COMMENT ON FUNCTION later_close_exists IS 'True when a later close of the strategy and symbol was planned.';

-- Entries that a close planned after them may pass, because they could not start yet, must not start behind it:
-- the position that they open would stay. An entry that may start at once is simply earlier, and runs first.
--
-- This is looked at by both sides of the race, each with the agents' rows locked: where a close is planned (it sees
-- entries that are held or late already), and where a job becomes unknown (it sees closes that are planned
-- already). Each first locks the entries that may be concerned, and waits for them: one that is locked by somebody is
-- not always on its way out (a stale result locks it, too). Waiting is only in order before any job is locked,
-- so locking and superseding are two functions.
CREATE FUNCTION lock_entries(p_agents uuid[], p_strategies uuid[], p_symbols text[], p_becomes_unknown boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    v_jobs uuid[];
BEGIN
    WITH hit AS MATERIALIZED (
        SELECT DISTINCT agent_id, strategy_id, symbol
        FROM unnest(p_agents, p_strategies, p_symbols) AS u (agent_id, strategy_id, symbol)
        WHERE strategy_id IS NOT NULL
    ), entries AS (
        SELECT r.job_id FROM hit h
        JOIN job_ready r ON r.agent_id = h.agent_id AND r.strategy_id = h.strategy_id
             AND (h.symbol IS NULL OR r.symbol = h.symbol)
        WHERE r.symbol IS NOT NULL AND (r.is_voided OR r.ready_at IS NOT NULL OR r.after_job_id IS NOT NULL)
        UNION
        -- All of the account's backlog, but only where something is unknown or becomes so.
        SELECT r.job_id FROM hit h
        JOIN job_ready r ON r.agent_id = h.agent_id AND r.lane = 1 AND r.strategy_id = h.strategy_id
             AND r.symbol IS NOT NULL AND (h.symbol IS NULL OR r.symbol = h.symbol)
        WHERE p_becomes_unknown
           OR EXISTS (SELECT FROM job_leases l WHERE l.agent_id = h.agent_id AND l.is_unknown))
    SELECT array_agg(job_id) INTO v_jobs FROM entries;
    PERFORM FROM job_ready r WHERE r.job_id = ANY (v_jobs) ORDER BY r.seq FOR UPDATE;
END $$;
COMMENT ON FUNCTION lock_entries IS 'Locks the pending entries that supersede_entries may end; before any job is locked.';

CREATE FUNCTION supersede_entries(p_agents uuid[], p_strategies uuid[], p_symbols text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    v_jobs uuid[];
BEGIN
    WITH hit AS MATERIALIZED (
        SELECT DISTINCT agent_id, strategy_id, symbol
        FROM unnest(p_agents, p_strategies, p_symbols) AS u (agent_id, strategy_id, symbol)
        WHERE strategy_id IS NOT NULL
    ), overtaken AS MATERIALIZED (
        SELECT r.job_id FROM hit h
        JOIN job_ready r ON r.agent_id = h.agent_id AND r.strategy_id = h.strategy_id
             AND (h.symbol IS NULL OR r.symbol = h.symbol)
        WHERE r.symbol IS NOT NULL AND (r.is_voided OR r.ready_at IS NOT NULL OR r.after_job_id IS NOT NULL)
          AND later_close_exists(r.agent_id, r.strategy_id, r.symbol, r.seq, FALSE)
        UNION
        SELECT r.job_id FROM hit h
        JOIN job_leases l ON l.agent_id = h.agent_id AND l.is_unknown AND l.strategy_id = h.strategy_id
             AND (h.symbol IS NULL OR l.symbol = h.symbol)
        JOIN job_ready r ON r.agent_id = h.agent_id AND r.lane = 1 AND r.strategy_id = l.strategy_id
             AND r.symbol = l.symbol
        WHERE later_close_exists(r.agent_id, r.strategy_id, r.symbol, r.seq, FALSE)
    ), gone AS (
        DELETE FROM job_ready r USING overtaken o WHERE r.job_id = o.job_id RETURNING r.job_id
    ), cancelled AS (
        UPDATE jobs j
        SET status = 'cancelled', completed_at = clock_timestamp(), updated_at = clock_timestamp(),
            timeline = j.timeline || jsonb_build_object('resolved', unix_us(clock_timestamp())),
            error_message = 'superseded: a later close of the same strategy and symbol overtook this entry'
        FROM gone g WHERE j.id = g.job_id AND j.status = 'pending'
        RETURNING j.id
    )
    SELECT array_agg(id) INTO v_jobs FROM cancelled;
    IF v_jobs IS NOT NULL THEN
        PERFORM settle_signals(v_jobs);
    END IF;
END $$;
COMMENT ON FUNCTION supersede_entries IS 'Cancels entries that may not start yet and have a later close.';

-- A key that comes twice in one call is taken in the call's order: one round per repetition, because one
-- INSERT … ON CONFLICT cannot touch a row twice. Inside a round rows are locked in the order of the keys.
CREATE FUNCTION take_signal_keys(p_keys bytea[], p_signals uuid[], p_received timestamptz[], p_windows interval[])
RETURNS TABLE (ord int, is_new boolean, holder uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    v_round int := 0;
    v_ords int[];
BEGIN
    LOOP
        v_round := v_round + 1;
        SELECT array_agg(n.ord ORDER BY n.key) INTO v_ords
        FROM (SELECT u.key, u.ord, row_number() OVER (PARTITION BY u.key ORDER BY u.ord) AS round
              FROM unnest(p_keys) WITH ORDINALITY AS u (key, ord)) n
        WHERE n.round = v_round;
        EXIT WHEN v_ords IS NULL;

        INSERT INTO signal_keys AS k (dedup_key, signal_id, received_at, valid_until)
        SELECT p_keys[o], p_signals[o], p_received[o], p_received[o] + p_windows[o]
        FROM unnest(v_ords) WITH ORDINALITY AS u (o, place) ORDER BY u.place
        ON CONFLICT (dedup_key) DO UPDATE
            SET signal_id = excluded.signal_id, received_at = excluded.received_at,
                valid_until = excluded.valid_until
            WHERE excluded.received_at > k.valid_until;

        -- Who has the key now. A record that is processed again finds itself, and is new again: its rows decide.
        RETURN QUERY
        SELECT u.o, k.signal_id = p_signals[u.o], k.signal_id
        FROM unnest(v_ords) AS u (o) JOIN signal_keys k ON k.dedup_key = p_keys[u.o]
        ORDER BY u.o;
    END LOOP;
END $$;
COMMENT ON FUNCTION take_signal_keys IS 'Takes keys in order; holder = the signal that has the key. A window of NULL is for ever.';

CREATE FUNCTION write_signals(
    p_signal uuid[], p_user uuid[], p_strategy uuid[], p_status text[], p_symbol text[], p_action text[],
    p_volume numeric[], p_error text[], p_raw text[], p_received timestamptz[], p_durable timestamptz[],
    p_job uuid[], p_job_type text[], p_agent uuid[], p_connection uuid[], p_expires timestamptz[], p_input text[],
    p_is_entry boolean[], p_trace text[], p_rate_full timestamptz[])
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    v_agents uuid[];
    v_strategies uuid[];
    v_symbols text[];
    v_made integer;
    v_wrong text;
BEGIN
    PERFORM require_read_committed();
    IF EXISTS (SELECT FROM unnest(p_status, p_job) AS u (status, job_id)
               WHERE (u.status = 'pending') <> (u.job_id IS NOT NULL)) THEN
        RAISE data_exception USING MESSAGE = 'broken_invariant: a pending signal needs a job, and only that';
    END IF;
    SELECT array_agg(u.agent), array_agg(u.strategy), array_agg(u.symbol)
    INTO v_agents, v_strategies, v_symbols
    FROM unnest(p_agent, p_strategy, p_symbol, p_job_type) AS u (agent, strategy, symbol, job_type)
    WHERE u.job_type = 'close_position';
    IF v_agents IS NOT NULL THEN
        PERFORM FROM mt5_agents a WHERE a.id = ANY (v_agents) ORDER BY a.id FOR NO KEY UPDATE;
        PERFORM lock_entries(v_agents, v_strategies, v_symbols, FALSE);
    END IF;
    -- What is named here may be deleted right now by its user. The signal is recorded all the same.
    PERFORM FROM tv_strategies s WHERE s.id = ANY (p_strategy) ORDER BY s.id FOR KEY SHARE;
    PERFORM FROM broker_connections c WHERE c.id = ANY (p_connection) ORDER BY c.id FOR KEY SHARE;
    -- Nobody else plans for this strategy meanwhile: its user's records are in one partition, whose position moves
    -- in this transaction. The last of the batch is what counts.
    IF num_nonnulls(VARIADIC p_rate_full) > 0 THEN
        INSERT INTO strategy_rates AS r (strategy_id, full_at)
        SELECT DISTINCT ON (s.id) s.id, u.full_at
        FROM unnest(p_strategy, p_rate_full) WITH ORDINALITY AS u (strategy_id, full_at, ord)
        JOIN tv_strategies s ON s.id = u.strategy_id
        WHERE u.full_at IS NOT NULL
        ORDER BY s.id, u.ord DESC
        ON CONFLICT (strategy_id) DO UPDATE SET full_at = excluded.full_at;
    END IF;

    WITH given AS MATERIALIZED (
        SELECT DISTINCT ON (u.signal_id) u.*
        FROM unnest(p_signal, p_user, p_strategy, p_status, p_symbol, p_action, p_volume, p_error, p_raw, p_received,
                    p_durable, p_job, p_job_type, p_agent, p_connection, p_expires, p_input, p_is_entry, p_trace)
             WITH ORDINALITY
             AS u (signal_id, user_id, strategy_id, status, symbol, action, volume, error_message, raw, received_at,
                   durable_at, job_id, job_type, agent_id, connection_id, expires_at, input, is_entry, traceparent, ord)
        ORDER BY u.signal_id, u.ord
    ), written AS (
        INSERT INTO tv_signals (id, user_id, strategy_id, status, symbol, action, volume, error_message, raw_payload,
                                received_at, resolved_at)
        SELECT g.signal_id, g.user_id, s.id, g.status, g.symbol, g.action,
               -- Rounded for display; a number that does not fit is in the raw payload only.
               CASE WHEN abs(g.volume) < 99999999 THEN g.volume END,
               g.error_message, g.raw::jsonb, g.received_at,
               CASE WHEN g.status <> 'pending' THEN clock_timestamp() END
        FROM given g LEFT JOIN tv_strategies s ON s.id = g.strategy_id
        ORDER BY g.ord
        ON CONFLICT (id) DO NOTHING
        RETURNING id
    ), planned AS (
        -- jobs.seq follows the order of this insert.
        INSERT INTO jobs (id, user_id, job_type, entity_type, entity_id, input_data, signal_id, strategy_id, symbol,
                          target_agent_id, expires_at, traceparent, timeline)
        SELECT g.job_id, g.user_id, g.job_type, 'tv_signal', g.signal_id, g.input::jsonb, g.signal_id, g.strategy_id,
               g.symbol, g.agent_id, g.expires_at, g.traceparent,
               jsonb_strip_nulls(jsonb_build_object('received', unix_us(g.received_at),
                   'durable', unix_us(g.durable_at), 'stored', unix_us(clock_timestamp())))
        FROM given g JOIN written w ON w.id = g.signal_id
        WHERE g.job_id IS NOT NULL
        ORDER BY g.ord
        RETURNING id, is_entry
    ), legs AS (
        INSERT INTO signal_legs (signal_id, leg, user_id, broker_connection_id, job_id, volume)
        SELECT g.signal_id, 1, g.user_id, c.id, g.job_id, g.volume
        FROM given g JOIN planned p ON p.id = g.job_id LEFT JOIN broker_connections c ON c.id = g.connection_id
    )
    SELECT count(*), min(p.id::text) FILTER (WHERE p.is_entry <> g.is_entry)
    INTO v_made, v_wrong
    FROM planned p JOIN given g ON g.job_id = p.id;
    IF v_wrong IS NOT NULL THEN
        -- The planner treats as an entry what the table does not, or the other way round: caps would be wrong.
        RAISE data_exception USING MESSAGE = format('broken_invariant: is_entry of job %s does not fit its input', v_wrong);
    END IF;
    IF v_agents IS NOT NULL THEN
        PERFORM supersede_entries(v_agents, v_strategies, v_symbols);
    END IF;
    RETURN v_made;
END $$;
COMMENT ON FUNCTION write_signals IS 'Writes signals with their jobs and legs, in order; a signal that was there already makes none. Returns the number of jobs made.';

CREATE FUNCTION count_duplicates(p_signals uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM tv_signals s WHERE s.id = ANY (p_signals) ORDER BY s.id FOR NO KEY UPDATE;
    UPDATE tv_signals s SET duplicates = s.duplicates + u.times
    FROM (SELECT id, count(*)::int AS times FROM unnest(p_signals) AS p (id) GROUP BY id) u
    WHERE s.id = u.id;
END $$;
COMMENT ON FUNCTION count_duplicates IS 'Adds one to tv_signals.duplicates for each mention.';

RESET ROLE;
