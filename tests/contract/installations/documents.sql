-- A database made by hand from the five documents: nine job types, agents that were paired, account sync with its log and
-- two views, the runner's tables in their last shape, coordination with its state and log; rows in all of them. Names
-- are the documents', definitions this installation's own: foreign keys without a rule for deletion, and indexes on
-- other columns than ours. Needs schema auth and its users.
CREATE TABLE user_profiles (
    id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
    email text,
    role text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    risk_percent numeric,
    risk_max_percent numeric,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE broker_connections (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    broker_type varchar(20) NOT NULL CHECK (broker_type IN ('OANDA', 'MT5_AGENT')),
    name text NOT NULL,
    credentials jsonb NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON CONSTRAINT broker_connections_broker_type_check ON broker_connections IS 'two kinds so far';
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
    pairing_key_prefix text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE ea_projects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    name text NOT NULL,
    description text,
    default_settings jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE ea_versions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ea_project_id uuid NOT NULL REFERENCES ea_projects ON DELETE CASCADE,
    version_number integer NOT NULL,
    source_code text,
    config jsonb,
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'compiling', 'compiled', 'failed')),
    compilation_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (ea_project_id, version_number)
);
ALTER TABLE ea_projects ADD COLUMN current_version_id uuid REFERENCES ea_versions (id);
COMMENT ON CONSTRAINT ea_projects_current_version_id_fkey ON ea_projects IS 'the version that runs';
CREATE TABLE tv_strategies (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    broker_connection_id uuid REFERENCES broker_connections,
    name text NOT NULL,
    webhook_secret text NOT NULL UNIQUE,
    risk_override_pct numeric(5,2),
    allowed_pairs text[],
    is_enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON CONSTRAINT tv_strategies_webhook_secret_key ON tv_strategies IS 'one strategy per secret';
ALTER TABLE tv_strategies ENABLE ROW LEVEL SECURITY;
CREATE POLICY "Users manage own strategies" ON tv_strategies FOR ALL USING (auth.uid() = user_id);
CREATE TABLE tv_signals (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    strategy_id uuid REFERENCES tv_strategies ON DELETE SET NULL,
    -- A word is missing.
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'executed', 'failed')),
    symbol text,
    action text,
    volume numeric(10,2),
    fill_price numeric(18,5),
    broker_order_id text,
    error_message text,
    raw_payload jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz
);
COMMENT ON CONSTRAINT tv_signals_status_check ON tv_signals IS 'how it ended';
ALTER TABLE tv_signals ENABLE ROW LEVEL SECURITY;
CREATE POLICY "Users see own signals" ON tv_signals FOR SELECT USING (auth.uid() = user_id);
CREATE TABLE jobs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    job_type varchar(20) NOT NULL CONSTRAINT jobs_job_type_check CHECK (job_type IN
        ('compile', 'deploy', 'run', 'stop', 'trade', 'get_positions', 'get_account', 'get_candles', 'close_position')),
    status varchar(20) NOT NULL DEFAULT 'pending'
        CONSTRAINT jobs_status_check CHECK (status IN ('pending', 'running', 'claimed', 'completed', 'failed', 'cancelled')),
    entity_type varchar(20) NOT NULL,
    entity_id uuid NOT NULL,
    input_data jsonb,
    output_data jsonb,
    error_message text,
    started_at timestamptz,
    completed_at timestamptz,
    agent_id uuid REFERENCES mt5_agents (id) ON DELETE SET NULL,
    claimed_at timestamptz,
    required_models jsonb DEFAULT '[]',
    queue_position integer,
    blocked_by_job_id text,
    conflict_reason text,
    queued_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON CONSTRAINT jobs_job_type_check ON jobs IS 'nine of them';
COMMENT ON CONSTRAINT jobs_agent_id_fkey ON jobs IS 'who took it';
CREATE INDEX idx_jobs_blocked_by ON jobs (blocked_by_job_id);
COMMENT ON INDEX idx_jobs_blocked_by IS 'who waits for whom';
CREATE INDEX idx_jobs_required_models ON jobs USING gin (required_models);
CREATE INDEX idx_jobs_queue_position ON jobs (queue_position) WHERE queue_position IS NOT NULL;
CREATE INDEX jobs_user_idx ON jobs (user_id, created_at DESC);
COMMENT ON INDEX jobs_user_idx IS 'as ours';
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
CREATE POLICY "Users see own jobs" ON jobs FOR SELECT USING (auth.uid() = user_id);
GRANT SELECT ON jobs TO authenticated;
CREATE FUNCTION claim_next_job(p_agent_id uuid) RETURNS SETOF jobs LANGUAGE sql AS $$
    UPDATE jobs SET status = 'claimed', agent_id = p_agent_id, claimed_at = now()
    WHERE id = (SELECT j.id FROM jobs j JOIN mt5_agents a ON a.user_id = j.user_id
                WHERE a.id = p_agent_id AND j.status = 'pending' AND (j.agent_id IS NULL OR j.agent_id = p_agent_id)
                ORDER BY j.created_at LIMIT 1 FOR UPDATE OF j SKIP LOCKED) RETURNING *
$$;

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
    connection_status text NOT NULL DEFAULT 'disconnected' CONSTRAINT trading_accounts_connection_status_check
        CHECK (connection_status IN ('connected', 'disconnected', 'error', 'active')),
    last_sync_at timestamp,
    mt5_service_account_id varchar(255),
    last_connection_error text,
    last_successful_sync_at timestamp,
    sync_failure_count integer DEFAULT 0,
    broker_server_time_offset integer DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_trading_accounts_sync_status ON trading_accounts (is_active, connection_status, last_sync_at);
CREATE TABLE trades (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL REFERENCES trading_accounts ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    ticket bigint NOT NULL UNIQUE,
    position_id bigint,
    symbol text,
    type text CHECK (type IN ('buy', 'sell')),
    volume numeric,
    open_price numeric,
    close_price numeric,
    open_time timestamptz,
    close_time timestamptz,
    profit numeric,
    swap numeric,
    commission numeric,
    net_profit numeric,
    pips numeric,
    magic bigint,
    comment text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE sync_logs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL REFERENCES trading_accounts (id),
    sync_type varchar(50) NOT NULL CHECK (sync_type IN ('scheduled', 'manual', 'realtime')),
    started_at timestamp NOT NULL,
    completed_at timestamp,
    status varchar(50) NOT NULL CHECK (status IN ('success', 'failed', 'partial')),
    trades_synced integer DEFAULT 0,
    error_message text,
    duration_ms integer,
    created_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX idx_sync_logs_account ON sync_logs (account_id, started_at DESC);
-- Of another order.
CREATE INDEX idx_sync_logs_started_at ON sync_logs (started_at);
COMMENT ON INDEX idx_sync_logs_started_at IS 'oldest first';
ALTER TABLE sync_logs ENABLE ROW LEVEL SECURITY;
CREATE POLICY "Users see own sync logs" ON sync_logs FOR SELECT USING (
    account_id IN (SELECT id FROM trading_accounts WHERE user_id = auth.uid()));
CREATE POLICY "Service inserts" ON sync_logs FOR INSERT WITH CHECK (true);
CREATE VIEW recent_sync_failures AS
    SELECT l.*, a.login_number FROM sync_logs l JOIN trading_accounts a ON a.id = l.account_id
    WHERE l.status IN ('failed', 'partial') AND l.started_at > now() - interval '24 hours';
COMMENT ON VIEW recent_sync_failures IS 'what went wrong today';
COMMENT ON COLUMN recent_sync_failures.login_number IS 'of the account';
GRANT SELECT ON recent_sync_failures TO service_role;
GRANT SELECT (id, status) ON recent_sync_failures TO PUBLIC;
CREATE VIEW account_sync_health WITH (security_barrier = true, security_invoker = true) AS
    SELECT a.id, a.sync_failure_count, a.last_successful_sync_at,
           count(l.id) FILTER (WHERE l.status = 'failed') AS failed_syncs_24h,
           100.0 * count(l.id) FILTER (WHERE l.status = 'success') / nullif(count(l.id), 0) AS success_rate_pct_24h,
           avg(l.duration_ms) AS avg_duration_ms_24h
    FROM trading_accounts a LEFT JOIN sync_logs l ON l.account_id = a.id AND l.started_at > now() - interval '24 hours'
    GROUP BY a.id, a.sync_failure_count, a.last_successful_sync_at;
COMMENT ON VIEW account_sync_health IS 'our dashboard';
GRANT SELECT ON account_sync_health TO authenticated WITH GRANT OPTION;

CREATE TABLE user_exchange_connections (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES user_profiles (id) ON DELETE CASCADE,
    exchange text NOT NULL,
    label text,
    encrypted_config text,
    secret_ref text,
    last_synced_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE strategy_runs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES user_profiles (id),
    exchange_connection_id uuid NOT NULL REFERENCES user_exchange_connections (id),
    exchange text NOT NULL CHECK (exchange IN ('binance', 'bybit')),
    market_type text NOT NULL DEFAULT 'futures' CHECK (market_type IN ('futures')),
    symbol text NOT NULL,
    timeframe text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('long', 'short', 'both')),
    leverage integer NOT NULL,
    margin_mode text NOT NULL DEFAULT 'isolated',
    position_mode text NOT NULL DEFAULT 'one_way',
    order_size_pct numeric NOT NULL,
    initial_capital_usdt numeric NOT NULL,
    take_profit_pct numeric NOT NULL,
    stop_loss_pct numeric NOT NULL,
    strategy_template text NOT NULL,
    strategy_params jsonb DEFAULT '{}',
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active', 'paused', 'stopped')),
    last_signal_at timestamptz,
    last_run_at timestamptz,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);
COMMENT ON CONSTRAINT strategy_runs_user_id_fkey ON strategy_runs IS 'whose';
COMMENT ON CONSTRAINT strategy_runs_direction_check ON strategy_runs IS 'where to';
CREATE INDEX idx_strategy_runs_status ON strategy_runs (status) WHERE status = 'active';
CREATE INDEX idx_strategy_runs_user_id ON strategy_runs (user_id);
COMMENT ON INDEX idx_strategy_runs_user_id IS 'runs of a user';
CREATE TABLE strategy_events (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    strategy_run_id uuid NOT NULL REFERENCES strategy_runs (id),
    user_id uuid NOT NULL REFERENCES user_profiles (id),
    event_type text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz DEFAULT now()
);
-- Of the same name as ours, on other columns.
CREATE INDEX strategy_events_run_idx ON strategy_events (strategy_run_id);
CREATE TABLE strategies (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES user_profiles (id),
    name text NOT NULL,
    exchange text NOT NULL CONSTRAINT strategies_known_exchange CHECK (exchange IN ('binance', 'bybit')),
    market_type text NOT NULL DEFAULT 'futures' CHECK (market_type IN ('spot', 'futures')),
    symbol text NOT NULL,
    timeframe text NOT NULL DEFAULT '5m' CHECK (timeframe IN ('1m', '5m', '15m', '1h')),
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused')),
    side_mode text NOT NULL DEFAULT 'both' CHECK (side_mode IN ('long', 'short', 'both')),
    leverage integer NOT NULL DEFAULT 1 CHECK (leverage >= 1 AND leverage <= 125),
    order_size_pct numeric NOT NULL DEFAULT 10 CHECK (order_size_pct > 0 AND order_size_pct <= 100),
    take_profit_pct numeric,
    stop_loss_pct numeric,
    last_run_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE strategy_risk_state (
    user_id uuid NOT NULL REFERENCES user_profiles (id),
    day date NOT NULL,
    realized_pnl_usdt numeric NOT NULL DEFAULT 0,
    trades_count integer NOT NULL DEFAULT 0,
    consecutive_losses integer NOT NULL DEFAULT 0,
    is_paused boolean NOT NULL DEFAULT false,
    paused_reason text,
    paused_until timestamptz,
    last_trade_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, day)
);
CREATE TABLE strategy_tick_runs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    strategy_run_id uuid REFERENCES strategy_runs (id),
    user_id uuid NOT NULL REFERENCES user_profiles (id),
    scheduled_at timestamptz NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    status text NOT NULL CHECK (status IN ('ok', 'skipped', 'blocked', 'error')),
    reason text,
    signal text CHECK (signal IN ('buy', 'sell', 'hold')),
    latency_ms integer,
    meta jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX idx_strategy_tick_runs_scheduled_at ON strategy_tick_runs (scheduled_at);
ALTER TABLE strategy_tick_runs ENABLE ROW LEVEL SECURITY;
CREATE POLICY strategy_tick_runs_select ON strategy_tick_runs FOR SELECT USING (auth.uid() = user_id OR EXISTS (
    SELECT 1 FROM user_profiles WHERE id = auth.uid() AND role = 'admin'));
CREATE TABLE strategy_locks (
    strategy_run_id uuid PRIMARY KEY REFERENCES strategy_runs (id),
    locked_until timestamptz NOT NULL,
    lock_owner text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE workflow_executions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    current_step integer,
    input_data jsonb,
    output_data jsonb,
    error_message text,
    required_models jsonb DEFAULT '[]',
    current_step_model text,
    blocked_by_job_id text,
    started_at timestamptz,
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_workflow_executions_blocked_by ON workflow_executions (blocked_by_job_id);
CREATE INDEX idx_workflow_executions_user ON workflow_executions (user_id);
COMMENT ON INDEX idx_workflow_executions_user IS 'workflows of a user';
CREATE TABLE job_queue_state (
    id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    active_job_id text,
    active_job_type text CHECK (active_job_type IN ('workflow', 'normal')),
    active_models jsonb DEFAULT '[]',
    started_at timestamptz,
    last_updated timestamptz DEFAULT now()
);
CREATE TABLE job_queue_log (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    job_id text NOT NULL,
    job_type text NOT NULL CHECK (job_type IN ('workflow', 'normal')),
    event_type text NOT NULL,
    models jsonb,
    blocked_by_job_id text,
    conflict_reason text,
    metadata jsonb,
    created_at timestamp DEFAULT now()
);
COMMENT ON TABLE job_queue_log IS 'what the queue did';
COMMENT ON COLUMN job_queue_log.event_type IS 'queued, blocked and so on';
CREATE INDEX idx_job_queue_log_job ON job_queue_log (job_id);
COMMENT ON INDEX idx_job_queue_log_job IS 'events of a job';

INSERT INTO auth.users (id, email) VALUES
    ('00000000-0000-4000-8000-000000000001', 'ada@test.example'), ('00000000-0000-4000-8000-000000000002', 'ben@test.example');
INSERT INTO user_profiles (id, email, role) VALUES
    ('00000000-0000-4000-8000-000000000001', 'ada@test.example', 'admin'),
    ('00000000-0000-4000-8000-000000000002', 'ben@test.example', 'user');
INSERT INTO broker_connections (id, user_id, broker_type, name, credentials) VALUES
    ('10000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 'MT5_AGENT', 'one', '{}');
INSERT INTO mt5_agents (id, user_id, broker_connection_id, agent_name, pairing_key_hash, pairing_key_prefix) VALUES
    ('20000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', 'home', repeat('ab', 32), 'abab');
INSERT INTO ea_projects (id, user_id, name) VALUES
    ('30000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 'scalper');
INSERT INTO ea_versions (id, ea_project_id, version_number, source_code, status) VALUES
    ('31000000-0000-4000-8000-000000000001', '30000000-0000-4000-8000-000000000001', 1, 'void OnTick() {}', 'compiled');
UPDATE ea_projects SET current_version_id = '31000000-0000-4000-8000-000000000001';
INSERT INTO tv_strategies (id, user_id, broker_connection_id, name, webhook_secret, allowed_pairs) VALUES
    ('50000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', 's1', 'secret one', '{EURUSD}');
INSERT INTO tv_signals (id, user_id, strategy_id, status, symbol, action, volume, fill_price, broker_order_id, raw_payload, resolved_at) VALUES
    ('51000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', '50000000-0000-4000-8000-000000000001', 'executed', 'EURUSD', 'buy', 0.1, 1.1, '7', '{"a": 1}', now()),
    ('51000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', '50000000-0000-4000-8000-000000000001', 'pending', 'EURUSD', 'sell', 0.1, NULL, NULL, NULL, NULL);
INSERT INTO jobs (user_id, job_type, status, entity_type, entity_id, input_data, agent_id, claimed_at, started_at, completed_at)
SELECT '00000000-0000-4000-8000-000000000001', t.job_type, s.status, 'x', gen_random_uuid(), '{"symbol": "EURUSD"}',
       CASE WHEN s.status <> 'pending' THEN '20000000-0000-4000-8000-000000000001'::uuid END,
       CASE WHEN s.status <> 'pending' THEN now() - interval '1 h' END,
       CASE WHEN s.status <> 'pending' THEN now() - interval '1 h' END,
       CASE WHEN s.status NOT IN ('pending', 'running', 'claimed') THEN now() END
FROM unnest(ARRAY['compile', 'deploy', 'run', 'stop', 'trade', 'get_positions', 'get_account', 'get_candles',
                  'close_position']) t (job_type),
     unnest(ARRAY['pending', 'running', 'claimed', 'completed', 'failed', 'cancelled']) s (status);
INSERT INTO jobs (user_id, job_type, entity_type, entity_id, required_models, queue_position, blocked_by_job_id, conflict_reason, queued_at) VALUES
    ('00000000-0000-4000-8000-000000000001', 'compile', 'x', gen_random_uuid(), '["compiler"]', 1, 'workflow-7', 'busy', now()),
    ('00000000-0000-4000-8000-000000000001', 'trade', 'x', gen_random_uuid(), '["terminal"]', 2, 'workflow-7', 'busy', now());
INSERT INTO trading_accounts (id, user_id, platform, login_number, balance, connection_status, last_sync_at, last_successful_sync_at, sync_failure_count, broker_server_time_offset) VALUES
    ('40000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 'MT5', '71', 1000.10, 'active', '2025-03-30 02:30:00', '2025-03-30 02:30:00', 0, 10800),
    ('40000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000002', 'MT5', '72', NULL, 'error', NULL, NULL, NULL, NULL);
INSERT INTO trades (account_id, user_id, ticket, position_id, symbol, type, volume, open_time) VALUES
    ('40000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 100, 100, 'EURUSD', 'buy', 0.1, '2025-03-30 02:30:00+00'),
    ('40000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000002', 101, NULL, 'EURUSD', 'sell', 0.1, '2025-03-30 02:30:00+00');
INSERT INTO sync_logs (account_id, sync_type, started_at, completed_at, status, trades_synced, duration_ms) VALUES
    ('40000000-0000-4000-8000-000000000001', 'scheduled', '2025-03-30 02:30:00', '2025-03-30 02:30:01', 'success', 1, 1000),
    ('40000000-0000-4000-8000-000000000002', 'manual', '2025-03-30 03:30:00', NULL, 'failed', 0, NULL);
INSERT INTO user_exchange_connections (id, user_id, exchange, label) VALUES
    ('60000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 'bybit', 'main');
INSERT INTO strategy_runs (id, user_id, exchange_connection_id, exchange, symbol, timeframe, direction, leverage, order_size_pct, initial_capital_usdt, take_profit_pct, stop_loss_pct, strategy_template, status) VALUES
    ('70000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', '60000000-0000-4000-8000-000000000001', 'bybit', 'BTCUSDT', '15m', 'both', 3, 10, 100, 2, 1, 'ma_cross', 'active'),
    ('70000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', '60000000-0000-4000-8000-000000000001', 'bybit', 'ETHUSDT', '4h', 'long', 1, 5, 100, 2, 1, 'ma_cross', 'paused');
INSERT INTO strategy_events (strategy_run_id, user_id, event_type, payload) VALUES
    ('70000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 'signal', '{"n": 1}');
INSERT INTO strategies (id, user_id, name, exchange, symbol) VALUES
    ('70000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000001', 'old one', 'bybit', 'BTCUSDT');
INSERT INTO strategy_risk_state (user_id, day, realized_pnl_usdt, trades_count) VALUES
    ('00000000-0000-4000-8000-000000000001', '2026-01-29', -3, 2);
INSERT INTO strategy_tick_runs (strategy_run_id, user_id, scheduled_at, status, signal) VALUES
    ('70000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', '2026-01-29 10:00+00', 'ok', 'buy'),
    ('70000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', '2026-01-29 10:00+00', 'error', NULL),
    (NULL, '00000000-0000-4000-8000-000000000001', '2026-01-29 09:00+00', 'ok', 'hold');
INSERT INTO strategy_locks (strategy_run_id, locked_until, lock_owner) VALUES
    ('70000000-0000-4000-8000-000000000001', now(), 'runner-1');
INSERT INTO workflow_executions (user_id, name, status, required_models, blocked_by_job_id) VALUES
    ('00000000-0000-4000-8000-000000000001', 'build all', 'running', '["compiler", "terminal"]', 'job-7');
INSERT INTO job_queue_state (id, active_job_id, active_job_type, active_models, started_at) VALUES
    (1, 'workflow-7', 'workflow', '["compiler"]', now());
INSERT INTO job_queue_log (job_id, job_type, event_type, models, created_at) VALUES
    ('workflow-7', 'workflow', 'queued', '["compiler"]', '2025-03-30 02:30:00'), ('workflow-7', 'workflow', 'started', '["compiler"]', '2025-03-30 02:31:00'),
    ('workflow-7', 'workflow', 'completed', NULL, NULL);
