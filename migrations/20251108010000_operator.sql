-- What an operator does through tradewirectl. Every refusal is `code: text`.
SET ROLE tradewire_owner;

-- On Supabase users are another's table, which the owner may not read: there the foreign key decides, and its refusal
-- is told in the same words.
CREATE FUNCTION require_user(p_user uuid) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM auth.users u WHERE u.id = p_user) THEN
        RAISE no_data_found USING MESSAGE = format('unknown_user: there is no user %s', p_user);
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    IF p_user IS NULL THEN
        RAISE no_data_found USING MESSAGE = 'unknown_user: no user is named';
    END IF;
END $$;
COMMENT ON FUNCTION require_user IS 'Refuses an id that is no user''s.';

CREATE FUNCTION require_name(p_name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF p_name IS NULL OR p_name !~ '\S' OR length(p_name) > 100 THEN
        RAISE check_violation USING MESSAGE = 'bad_argument: a name has 1 to 100 characters';
    END IF;
END $$;
COMMENT ON FUNCTION require_name IS 'Refuses an empty or overlong name.';

CREATE FUNCTION user_add(p_email text) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_id uuid;
BEGIN
    IF p_email IS NULL OR p_email !~ '^[^@\s]+@[^@\s]+$' OR length(p_email) > 320 THEN
        RAISE check_violation USING MESSAGE = 'bad_argument: an e-mail address has one @ and no blanks';
    END IF;
    SELECT u.id INTO v_id FROM auth.users u WHERE lower(u.email) = lower(p_email);
    IF v_id IS NULL THEN
        INSERT INTO auth.users (email) VALUES (p_email) ON CONFLICT DO NOTHING RETURNING id INTO v_id;
    END IF;
    IF v_id IS NULL THEN -- made by somebody else meanwhile
        SELECT u.id INTO v_id FROM auth.users u WHERE lower(u.email) = lower(p_email);
    END IF;
    RETURN v_id;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE insufficient_privilege USING
        MESSAGE = 'forbidden: users of this installation are made by Supabase Auth; make the user there';
END $$;
COMMENT ON FUNCTION user_add IS 'Makes a user on plain Postgres; the existing one''s id for a known address. On Supabase its Auth makes users.';

CREATE FUNCTION agent_pair(p_user uuid, p_name text, p_key_hash text, p_key_prefix text) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_id uuid;
BEGIN
    PERFORM require_user(p_user), require_name(p_name);
    IF coalesce(p_key_hash !~ '^[0-9a-f]{64}$', TRUE) THEN
        RAISE check_violation USING MESSAGE = 'bad_argument: the key''s hash is 64 lower-case hex characters';
    END IF;
    INSERT INTO mt5_agents (user_id, agent_name, pairing_key_hash, pairing_key_prefix)
    VALUES (p_user, p_name, p_key_hash, p_key_prefix) RETURNING id INTO v_id;
    RETURN v_id;
EXCEPTION WHEN foreign_key_violation THEN
    RAISE no_data_found USING MESSAGE = format('unknown_user: there is no user %s', p_user);
END $$;
COMMENT ON FUNCTION agent_pair IS 'Makes an agent with its pairing key''s hash.';

CREATE FUNCTION agent_rotate(p_agent uuid, p_key_hash text, p_key_prefix text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_agent mt5_agents;
BEGIN
    IF coalesce(p_key_hash !~ '^[0-9a-f]{64}$', TRUE) THEN
        RAISE check_violation USING MESSAGE = 'bad_argument: the key''s hash is 64 lower-case hex characters';
    END IF;
    SELECT a.* INTO v_agent FROM mt5_agents a WHERE a.id = p_agent FOR NO KEY UPDATE;
    IF v_agent.id IS NULL THEN
        RAISE no_data_found USING MESSAGE = format('unknown_agent: there is no agent %s', p_agent);
    ELSIF v_agent.revoked_at IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = 'agent_revoked: pair a new agent instead';
    ELSIF EXISTS (SELECT FROM live_sessions s WHERE s.agent_id = p_agent) THEN
        -- Its journal may still learn of orders: bind another one only when nobody writes to it.
        RAISE check_violation USING MESSAGE = 'session_live: the agent is connected; stop it first';
    END IF;
    UPDATE mt5_agents a
    SET pairing_key_hash = p_key_hash, pairing_key_prefix = p_key_prefix, curve_public_key = NULL,
        journal_id = NULL, journal_seq = NULL, journal_bound_at = NULL, updated_at = clock_timestamp()
    WHERE a.id = p_agent;
END $$;
COMMENT ON FUNCTION agent_rotate IS 'Gives an agent a new pairing key and unbinds transport key and journal; refused while it is connected.';

CREATE FUNCTION broker_add(p_user uuid, p_agent uuid, p_name text) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_agent mt5_agents;
    v_id uuid;
BEGIN
    PERFORM require_user(p_user), require_name(p_name);
    SELECT a.* INTO v_agent FROM mt5_agents a WHERE a.id = p_agent AND a.user_id = p_user FOR NO KEY UPDATE;
    IF v_agent.id IS NULL THEN
        RAISE no_data_found USING MESSAGE = format('unknown_agent: the user has no agent %s', p_agent);
    ELSIF v_agent.revoked_at IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = 'agent_revoked: pair a new agent instead';
    ELSIF v_agent.broker_connection_id IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = format('agent_bound: the agent serves connection %s',
                                                     v_agent.broker_connection_id);
    END IF;
    INSERT INTO broker_connections (user_id, broker_type, name) VALUES (p_user, 'MT5_AGENT', p_name)
    RETURNING id INTO v_id;
    UPDATE mt5_agents a SET broker_connection_id = v_id, updated_at = clock_timestamp() WHERE a.id = p_agent;
    RETURN v_id;
END $$;
COMMENT ON FUNCTION broker_add IS 'Makes a connection that this agent serves.';

CREATE FUNCTION strategy_add(p_user uuid, p_name text, p_connection uuid, p_pairs text[], p_risk numeric,
                             p_settings jsonb)
RETURNS TABLE (strategy_id uuid, webhook_secret text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_user(p_user), require_name(p_name);
    IF p_connection IS NOT NULL AND NOT EXISTS (
            SELECT FROM broker_connections c WHERE c.id = p_connection AND c.user_id = p_user) THEN
        RAISE no_data_found USING MESSAGE = format('unknown_broker: the user has no connection %s', p_connection);
    ELSIF p_risk NOT BETWEEN 0 AND 100 THEN
        RAISE check_violation USING MESSAGE = 'bad_argument: risk is a percentage from 0 to 100';
    END IF;
    RETURN QUERY
    INSERT INTO tv_strategies AS s (user_id, name, broker_connection_id, allowed_pairs, risk_override_pct, settings)
    VALUES (p_user, p_name, p_connection, p_pairs, p_risk, coalesce(p_settings, '{}'))
    RETURNING s.id, s.webhook_secret;
EXCEPTION WHEN foreign_key_violation THEN
    RAISE no_data_found USING MESSAGE = format('unknown_user: there is no user %s', p_user);
END $$;
COMMENT ON FUNCTION strategy_add IS 'Makes a strategy; the secret is shown here and to its user.';

CREATE FUNCTION job_resolve(p_job uuid, p_outcome text, p_fill_price numeric, p_order_id text, p_volume numeric,
                            p_actor text, p_reason text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_before jobs;
    v_after jobs;
BEGIN
    IF p_outcome IS NULL OR p_outcome NOT IN ('executed', 'not_executed') THEN
        RAISE check_violation USING MESSAGE = 'bad_argument: the outcome is executed or not_executed';
    END IF;
    PERFORM require_name(p_actor), require_name(p_reason);
    SELECT j.* INTO v_before FROM jobs j WHERE j.id = p_job FOR NO KEY UPDATE;
    IF v_before.id IS NULL THEN
        RAISE no_data_found USING MESSAGE = format('unknown_job: there is no job %s', p_job);
    ELSIF v_before.status <> 'unknown' THEN
        RAISE check_violation USING MESSAGE = format(
            'not_unknown: the job is %s; only one of unknown outcome is resolved by hand', v_before.status);
    END IF;
    DELETE FROM job_leases l WHERE l.job_id = p_job;
    UPDATE jobs j
    SET status = CASE p_outcome WHEN 'executed' THEN 'completed' ELSE 'failed' END,
        error_message = CASE p_outcome WHEN 'not_executed' THEN 'not_executed: resolved by hand' END,
        fill_price = CASE p_outcome WHEN 'executed' THEN p_fill_price END,
        filled_volume = CASE p_outcome WHEN 'executed' THEN p_volume END,
        broker_order_id = CASE p_outcome WHEN 'executed' THEN p_order_id END,
        completed_at = clock_timestamp(), updated_at = clock_timestamp(),
        timeline = j.timeline || jsonb_build_object('resolved', unix_us(clock_timestamp()))
    WHERE j.id = p_job RETURNING j.* INTO v_after;
    PERFORM settle_signals(ARRAY[p_job]);
    INSERT INTO audit_log (user_id, actor, action, object, before, after)
    VALUES (v_after.user_id, 'operator:' || p_actor, 'job_resolve', 'job:' || p_job,
            jsonb_build_object('status', v_before.status, 'error_message', v_before.error_message),
            jsonb_build_object('status', v_after.status, 'reason', p_reason, 'broker_order_id', v_after.broker_order_id,
                'fill_price', v_after.fill_price::text, 'filled_volume', v_after.filled_volume::text));
    RETURN 'applied';
END $$;
COMMENT ON FUNCTION job_resolve IS 'A person says what became of a job of unknown outcome.';

RESET ROLE;
