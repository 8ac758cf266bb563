-- The first backend, on plain Postgres: `profiles` are the users (there is no schema auth), versions belong to a
-- `project_id`, source is JSONB, times have no zone, passwords are mandatory, a trade's key is its ticket.
CREATE TABLE profiles (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    role text DEFAULT 'user',
    risk_percent numeric,
    created_at timestamp DEFAULT now(),
    updated_at timestamp DEFAULT now()
);
COMMENT ON TABLE profiles IS 'Users of the first backend';
COMMENT ON COLUMN profiles.email IS 'as typed';

CREATE TABLE broker_connections (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES profiles (id),
    broker_type varchar(20) NOT NULL CHECK (broker_type IN ('OANDA', 'MT5_AGENT', 'METAAPI')),
    name text NOT NULL,
    credentials jsonb NOT NULL,
    is_active boolean,
    created_at timestamp DEFAULT now()
);

CREATE TABLE mt5_agents (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES profiles (id),
    broker_connection_id uuid REFERENCES broker_connections (id),
    agent_name text NOT NULL,
    terminal_server text NOT NULL,
    login text NOT NULL,
    password_encrypted text NOT NULL,
    is_connected boolean NOT NULL DEFAULT false,
    last_heartbeat timestamp,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE ea_projects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
    name text NOT NULL,
    description text,
    default_settings jsonb DEFAULT '{}',
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE ea_versions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id uuid NOT NULL REFERENCES ea_projects (id) ON DELETE CASCADE,
    version_number integer NOT NULL,
    source_code jsonb NOT NULL,
    status varchar(20) NOT NULL DEFAULT 'draft',
    created_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE ea_artifacts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ea_version_id uuid NOT NULL REFERENCES ea_versions (id) ON DELETE CASCADE,
    artifact_type text NOT NULL,
    storage_path text NOT NULL,
    file_size integer,
    created_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE ea_deployments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ea_version_id uuid NOT NULL REFERENCES ea_versions (id) ON DELETE CASCADE,
    mt5_agent_id uuid NOT NULL REFERENCES mt5_agents (id) ON DELETE CASCADE,
    status text NOT NULL DEFAULT 'pending',
    deployed_at timestamp,
    stopped_at timestamp,
    runtime_config jsonb,
    error_message text,
    created_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE jobs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES profiles (id),
    job_type varchar(20) NOT NULL CONSTRAINT jobs_type_known CHECK (job_type IN ('compile', 'deploy', 'run', 'stop', 'test')),
    status varchar(20) NOT NULL DEFAULT 'pending'
        CONSTRAINT jobs_state_known CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    entity_type varchar(20) NOT NULL,
    entity_id uuid NOT NULL,
    input_data jsonb NOT NULL DEFAULT '{}',
    output_data jsonb,
    error_message text,
    started_at timestamp,
    completed_at timestamp,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
) WITH (fillfactor = 90);
COMMENT ON COLUMN jobs.status IS 'state of the job';
CREATE INDEX jobs_waiting ON jobs (status, created_at);
CREATE INDEX jobs_of_user ON jobs (user_id);

CREATE TABLE trading_accounts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES profiles (id),
    platform text NOT NULL,
    broker_name text NOT NULL,
    server text,
    login_number text,
    account_name text,
    currency text,
    balance numeric(14,2),
    equity numeric(14,2),
    is_active boolean NOT NULL DEFAULT true,
    connection_status text NOT NULL DEFAULT 'disconnected'
        CHECK (connection_status IN ('connected', 'disconnected', 'error')),
    last_sync_at timestamp,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE trades (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL REFERENCES trading_accounts (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES profiles (id),
    ticket integer NOT NULL UNIQUE,
    position_id integer,
    symbol text NOT NULL,
    type text NOT NULL,
    volume numeric NOT NULL,
    open_price numeric,
    close_price numeric,
    open_time timestamp NOT NULL,
    close_time timestamp,
    profit numeric,
    swap numeric,
    commission numeric,
    magic integer,
    comment text,
    created_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX trades_opened ON trades (account_id, open_time);

INSERT INTO profiles (id, email, role, risk_percent, created_at) VALUES
    ('00000000-0000-4000-8000-000000000001', 'ada@test.example', 'admin', 1.5, '2024-03-31 01:30:00'),
    ('00000000-0000-4000-8000-000000000002', 'ben@test.example', 'user', NULL, '2024-10-27 02:30:00.123456'),
    ('00000000-0000-4000-8000-000000000003', 'ADA@test.example', 'trader', NULL, '2024-01-01 00:00:00'),
    ('00000000-0000-4000-8000-000000000004', 'cleo@test.example', NULL, NULL, NULL);
INSERT INTO broker_connections (id, user_id, broker_type, name, credentials, is_active) VALUES
    ('10000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 'MT5_AGENT', 'one', '{}', true),
    ('10000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000002', 'OANDA', 'two', '{"token": "t"}', NULL);
INSERT INTO mt5_agents (id, user_id, broker_connection_id, agent_name, terminal_server, login, password_encrypted, last_heartbeat) VALUES
    ('20000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', 'home', 'Demo-1', '71', 'secret-1', '2025-10-01 12:00:00'),
    -- A second one on the same account, heard earlier; and one on somebody else's account.
    ('20000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', 'old', 'Demo-1', '71', 'secret-2', '2025-01-01 12:00:00'),
    ('20000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000002', '10000000-0000-4000-8000-000000000001', 'strange', 'Demo-1', '71', 'secret-3', NULL);
INSERT INTO ea_projects (id, user_id, name) VALUES
    ('30000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 'scalper');
INSERT INTO ea_versions (id, project_id, version_number, source_code, status, created_at) VALUES
    ('31000000-0000-4000-8000-000000000001', '30000000-0000-4000-8000-000000000001', 1, '"void OnTick() { Print(\"ü\"); }\n"', 'compiled', '2024-05-01'),
    ('31000000-0000-4000-8000-000000000002', '30000000-0000-4000-8000-000000000001', 2, '{"files": {"main.mq5": "int x = 1;", "n": 1.50}}', 'draft', '2024-05-02'),
    ('31000000-0000-4000-8000-000000000003', '30000000-0000-4000-8000-000000000001', 2, 'null', 'draft', '2024-05-03');
INSERT INTO ea_artifacts (ea_version_id, artifact_type, storage_path, file_size) VALUES
    ('31000000-0000-4000-8000-000000000001', 'ex5', 's3://x', 12);
INSERT INTO ea_deployments (ea_version_id, mt5_agent_id, status, deployed_at) VALUES
    ('31000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', 'running', '2024-06-01 10:00:00');
INSERT INTO jobs (user_id, job_type, status, entity_type, entity_id, input_data, error_message, started_at, completed_at, created_at)
SELECT '00000000-0000-4000-8000-000000000001', t.job_type, s.status, 'ea_version', '31000000-0000-4000-8000-000000000001',
       jsonb_build_object('n', 1), CASE WHEN s.status = 'failed' THEN 'boom' END,
       CASE WHEN s.status <> 'pending' THEN timestamp '2024-07-01 09:00:00' END,
       CASE WHEN s.status IN ('completed', 'failed') THEN timestamp '2024-07-01 09:01:00' END,
       timestamp '2024-07-01 08:00:00' + (row_number() OVER ()) * interval '1 s'
FROM unnest(ARRAY['compile', 'deploy', 'run', 'stop', 'test']) t (job_type),
     unnest(ARRAY['pending', 'running', 'completed', 'failed', 'cancelled']) s (status);
INSERT INTO trading_accounts (id, user_id, platform, broker_name, login_number, balance, connection_status, last_sync_at) VALUES
    ('40000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 'MT5', 'Broker', '71', 1000.10, 'connected', '2025-02-03 04:05:06'),
    ('40000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000002', 'MT5', 'Broker', '72', NULL, 'error', NULL);
INSERT INTO trades (account_id, user_id, ticket, position_id, symbol, type, volume, open_time, profit, magic) VALUES
    ('40000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 100, 100, 'EURUSD', 'buy', 0.1, '2025-03-30 02:30:00', 5, 7),
    ('40000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 101, 100, 'EURUSD', 'buy', 0.1, '2025-03-30 03:30:00', -5, NULL),
    ('40000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 102, NULL, 'EURUSD', 'sell', 0.2, '2025-03-31 00:00:00', NULL, NULL),
    ('40000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 103, 102, 'EURUSD', 'sell', 0.2, '2025-03-31 00:00:01', 1, NULL),
    ('40000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000002', 104, 100, 'GBPUSD', 'buy', 1, '2025-04-01', 0, NULL);
