-- An installation that has half of the first document's additions: nine job types, agent_id without claimed_at,
-- current_version_id, strategies without a secret's key, signals; a queue full of trades that nobody could claim;
-- rights and policies that were once thought enough. Needs schema auth and its users.
CREATE TABLE user_profiles (
    id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
    email text,
    role text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE broker_connections (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    broker_type varchar(20) NOT NULL,
    name text NOT NULL,
    credentials jsonb NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    symbol_suffix text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE mt5_agents (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    broker_connection_id uuid REFERENCES broker_connections ON DELETE SET NULL,
    agent_name text NOT NULL,
    terminal_server text,
    login text,
    password_encrypted text,
    is_connected boolean NOT NULL DEFAULT false,
    last_heartbeat timestamptz,
    pairing_key_hash text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN mt5_agents.pairing_key_hash IS 'hash';
CREATE TABLE ea_projects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    name text NOT NULL,
    description text,
    default_settings jsonb,
    current_version_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE ea_versions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ea_project_id uuid NOT NULL REFERENCES ea_projects ON DELETE CASCADE,
    version_number integer NOT NULL,
    source_code text,
    config jsonb,
    status text NOT NULL DEFAULT 'draft',
    compilation_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (ea_project_id, version_number)
);
CREATE TABLE jobs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    job_type varchar(20) NOT NULL CONSTRAINT jobs_job_type_check CHECK (job_type IN
        ('compile', 'deploy', 'run', 'stop', 'trade', 'get_positions', 'get_account', 'get_candles', 'close_position')),
    status varchar(20) NOT NULL DEFAULT 'pending'
        CONSTRAINT jobs_status_check CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    entity_type varchar(20) NOT NULL,
    entity_id uuid NOT NULL,
    input_data jsonb,
    output_data jsonb,
    error_message text,
    agent_id uuid,
    started_at timestamptz,
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN jobs.agent_id IS 'who took it';
CREATE TABLE trading_accounts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    platform text NOT NULL,
    broker_name text,
    server text,
    login_number text,
    account_name text,
    currency text,
    balance numeric,
    equity numeric,
    margin numeric,
    free_margin numeric,
    margin_level numeric,
    is_active boolean NOT NULL DEFAULT true,
    connection_status text NOT NULL DEFAULT 'disconnected'
        CONSTRAINT trading_accounts_connection_status_check CHECK (connection_status IN ('connected', 'disconnected', 'error')),
    last_sync_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE tv_strategies (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    broker_connection_id uuid REFERENCES broker_connections,
    name text NOT NULL,
    webhook_secret text NOT NULL,
    risk_override_pct numeric(5,2),
    is_enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE tv_strategies ENABLE ROW LEVEL SECURITY;
CREATE POLICY "everybody reads" ON tv_strategies FOR SELECT USING (true);
CREATE TABLE tv_signals (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    strategy_id uuid REFERENCES tv_strategies ON DELETE SET NULL,
    status text NOT NULL DEFAULT 'pending',
    symbol text,
    action text,
    raw_payload jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE FUNCTION claim_next_job(p_agent_id uuid) RETURNS SETOF jobs LANGUAGE sql AS $$
    UPDATE jobs SET status = 'claimed', agent_id = p_agent_id
    WHERE id = (SELECT id FROM jobs WHERE status = 'pending' ORDER BY created_at LIMIT 1) RETURNING *
$$;
COMMENT ON FUNCTION claim_next_job IS 'their own';

ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
CREATE POLICY "all may see all" ON jobs FOR ALL USING (true) WITH CHECK (true);
COMMENT ON POLICY "all may see all" ON jobs IS 'for now';
CREATE POLICY only_mine ON jobs AS RESTRICTIVE FOR DELETE TO authenticated USING (auth.uid() = user_id);
GRANT SELECT, INSERT, UPDATE ON jobs TO authenticated, service_role;
GRANT SELECT (id, email) ON user_profiles TO PUBLIC;
GRANT UPDATE (name) ON ea_projects TO authenticated WITH GRANT OPTION;

INSERT INTO auth.users (id, email) VALUES
    ('00000000-0000-4000-8000-000000000001', 'ada@test.example'), ('00000000-0000-4000-8000-000000000002', 'ben@test.example');
INSERT INTO user_profiles (id, email, role) VALUES ('00000000-0000-4000-8000-000000000001', 'ada@test.example', 'admin');
INSERT INTO broker_connections (id, user_id, broker_type, name, credentials, symbol_suffix) VALUES
    ('10000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 'MT5_AGENT', 'one', '{}', '.m'),
    ('10000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000002', 'MT5_AGENT', 'two', '{}', NULL);
INSERT INTO mt5_agents (id, user_id, broker_connection_id, agent_name, pairing_key_hash) VALUES
    ('20000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', 'home', 'abc');
INSERT INTO ea_projects (id, user_id, name, current_version_id) VALUES
    ('30000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 'gone version', '31000000-0000-4000-8000-00000000dead');
INSERT INTO tv_strategies (id, user_id, broker_connection_id, name, webhook_secret, risk_override_pct) VALUES
    ('50000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', 's1', 'secret one', 1.25),
    ('50000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000002', 'on ben''s account', 'secret two', NULL);
INSERT INTO tv_signals (user_id, strategy_id, status, symbol, action, raw_payload) VALUES
    ('00000000-0000-4000-8000-000000000001', '50000000-0000-4000-8000-000000000001', 'pending', 'EURUSD', 'buy', '{"a": 1}'),
    ('00000000-0000-4000-8000-000000000001', NULL, 'executed', 'EURUSD', 'sell', NULL);
INSERT INTO trading_accounts (id, user_id, platform, balance, connection_status) VALUES
    ('40000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 'MT5', 12.5, 'connected'),
    ('40000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000002', 'MT4', NULL, 'error');
INSERT INTO jobs (user_id, job_type, status, entity_type, entity_id, input_data, created_at)
SELECT '00000000-0000-4000-8000-000000000001', 'trade', 'pending', 'tv_signal', gen_random_uuid(),
       jsonb_build_object('symbol', 'EURUSD', 'side', 'buy', 'volume', '0.10'), now() - n * interval '1 min'
FROM generate_series(1, 1000) n;
INSERT INTO jobs (user_id, job_type, status, entity_type, entity_id, input_data, agent_id, started_at, completed_at)
SELECT '00000000-0000-4000-8000-000000000001', t.job_type, s.status, 'x', gen_random_uuid(), '{"symbol": "EURUSD"}',
       CASE WHEN s.status <> 'pending' THEN '20000000-0000-4000-8000-000000000001'::uuid END,
       CASE WHEN s.status <> 'pending' THEN now() - interval '1 h' END,
       CASE WHEN s.status = 'completed' THEN now() END
FROM unnest(ARRAY['compile', 'get_candles', 'trade', 'close_position']) t (job_type),
     unnest(ARRAY['pending', 'running', 'completed']) s (status);
-- A row of an agent that was deleted.
INSERT INTO jobs (user_id, job_type, status, entity_type, entity_id, agent_id) VALUES
    ('00000000-0000-4000-8000-000000000002', 'compile', 'completed', 'x', gen_random_uuid(), '20000000-0000-4000-8000-00000000dead');
