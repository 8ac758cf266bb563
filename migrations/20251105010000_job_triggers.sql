-- migrate:contract
-- A row inserted into jobs by whomever is claimable without help from any program, and safe: these triggers fill
-- what is missing, force the start values, and add the job_ready row in the same statement.
SET ROLE tradewire_owner;

-- The agent of the user's only active connection, for an effect that names none.
CREATE FUNCTION only_agent(p_user uuid, p_strategy uuid) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_agents uuid[];
BEGIN
    -- The strategy's own connection goes before the user's only one.
    SELECT array_agg(a.id) INTO v_agents
    FROM tv_strategies s
    JOIN broker_connections c ON c.id = s.broker_connection_id AND c.is_active
    JOIN mt5_agents a ON a.broker_connection_id = c.id AND a.revoked_at IS NULL
    WHERE s.id = p_strategy AND s.user_id = p_user;
    IF v_agents IS NULL THEN
        SELECT array_agg(a.id) INTO v_agents
        FROM broker_connections c
        JOIN mt5_agents a ON a.broker_connection_id = c.id AND a.revoked_at IS NULL
        WHERE c.user_id = p_user AND c.is_active;
    END IF;
    IF v_agents IS NULL THEN
        RAISE check_violation USING MESSAGE =
            'no_account: the user has no active broker connection with an agent';
    ELSIF cardinality(v_agents) > 1 THEN
        RAISE check_violation USING MESSAGE = format(
            'ambiguous_account: the user has %s accounts; set target_agent_id', cardinality(v_agents));
    END IF;
    RETURN v_agents[1];
END $$;
COMMENT ON FUNCTION only_agent IS 'The one agent that a job without target goes to; else no_account or ambiguous_account.';

CREATE FUNCTION jobs_fill() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.id := coalesce(NEW.id, gen_random_uuid());
    NEW.seq := nextval('job_seq');
    NEW.lane := job_lane(NEW.job_type);
    NEW.leg := coalesce(NEW.leg, 1);
    NEW.symbol := coalesce(NEW.symbol, NEW.input_data ->> 'symbol');
    NEW.is_entry := NEW.job_type = 'trade' AND coalesce(NEW.input_data ->> 'op', 'open') = 'open';
    NEW.timeline := coalesce(NEW.timeline, '{}');

    -- Whatever the writer says: a job begins here, and only a claim makes it claimed.
    NEW.status := 'pending';
    NEW.lease_epoch := 0;
    NEW.attempt := 0;
    NEW.agent_id := NULL;
    NEW.claimed_at := NULL;
    NEW.started_at := NULL;
    NEW.lease_session := NULL;
    NEW.completed_at := NULL;
    NEW.output_data := NULL;
    NEW.error_message := NULL;
    NEW.broker_order_id := NULL;
    NEW.fill_price := NULL;
    NEW.filled_volume := NULL;

    IF NEW.lane = 1 AND NEW.expires_at IS NULL THEN
        NEW.expires_at := clock_timestamp()
            + CASE NEW.job_type WHEN 'close_position' THEN interval '72 h' ELSE interval '30 s' END;
    END IF;
    -- Not the foreign key alone: settling the job would settle another user's signal.
    IF NEW.signal_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM tv_signals s WHERE s.id = NEW.signal_id AND s.user_id = NEW.user_id) THEN
        RAISE check_violation USING MESSAGE = 'unknown_signal: the signal is not one of this user''s';
    END IF;
    IF NEW.target_agent_id IS NOT NULL THEN
        IF NOT EXISTS (SELECT FROM mt5_agents a WHERE a.id = NEW.target_agent_id AND a.user_id = NEW.user_id) THEN
            RAISE check_violation USING MESSAGE = 'unknown_agent: the target agent is not one of this user''s';
        END IF;
    ELSIF NEW.lane = 1 OR NEW.job_type IN ('get_account', 'get_positions') THEN
        NEW.target_agent_id := only_agent(NEW.user_id, NEW.strategy_id);
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION jobs_fill IS 'Fills a new job and forces its start values.';

CREATE FUNCTION jobs_make_ready() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO job_ready (job_id, agent_id, user_id, lane, seq, expires_at, ready_at, after_job_id,
                           strategy_id, symbol)
    SELECT n.id, n.target_agent_id, n.user_id, n.lane, n.seq, n.expires_at, n.ready_at, n.after_job_id,
           CASE WHEN n.is_entry THEN n.strategy_id END, CASE WHEN n.is_entry THEN n.symbol END
    FROM new_jobs n;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION jobs_make_ready IS 'Adds the job_ready rows of new jobs, one statement for all of them.';

-- While the older backend still works it ends jobs, and tries them again, without the functions of this folder: what
-- can be claimed follows. 20251109000000_rights.sql takes this away together with that backend's rights.
CREATE FUNCTION jobs_upgrade_ready() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.status = 'pending' THEN
        INSERT INTO job_ready (job_id, agent_id, user_id, lane, seq, expires_at)
        VALUES (NEW.id, NEW.target_agent_id, NEW.user_id, NEW.lane, NEW.seq, NEW.expires_at) ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM job_ready r WHERE r.job_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION jobs_upgrade_ready IS 'Keeps job_ready in step with an older backend''s updates while the installation is brought forward.';

LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE;
CREATE TRIGGER jobs_fill BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION jobs_fill();
CREATE TRIGGER jobs_make_ready AFTER INSERT ON jobs
    REFERENCING NEW TABLE AS new_jobs FOR EACH STATEMENT EXECUTE FUNCTION jobs_make_ready();
CREATE TRIGGER jobs_upgrade_ready AFTER UPDATE OF status ON jobs FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND (OLD.status = 'pending' OR NEW.status = 'pending'))
    EXECUTE FUNCTION jobs_upgrade_ready();
COMMENT ON TRIGGER jobs_fill ON jobs IS 'A row that anybody inserts is filled, and safe.';
COMMENT ON TRIGGER jobs_make_ready ON jobs IS 'A row that anybody inserts is claimable.';
COMMENT ON TRIGGER jobs_upgrade_ready ON jobs IS 'Until the older backend loses its rights.';
-- They stood for the old rows alone.
ALTER TABLE jobs ALTER COLUMN seq DROP DEFAULT, ALTER COLUMN lane DROP DEFAULT;

RESET ROLE;
