-- The base: every table that the product's documents take for granted, as existing installations have them.
--
-- On Supabase the schema `auth`, auth.users, auth.uid() and the three API roles are there already; on plain
-- Postgres stand-ins are made, only where they are missing. Tables are made only where they are missing, too:
-- an existing installation keeps its own, and the later files bring both to the same shape.
-- No file of this folder begins or ends a transaction: the runner wraps each in one.

-- Roles belong to the whole cluster: another database's migration may make them at the same moment.
DO $$
DECLARE
    v_name text;
    v_bypass text := CASE WHEN (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
                          THEN 'BYPASSRLS' ELSE '' END;
BEGIN
    FOREACH v_name IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = v_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN %s', v_name,
                               CASE v_name WHEN 'service_role' THEN v_bypass ELSE '' END);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- made by somebody else meanwhile
            END;
        END IF;
    END LOOP;
END $$;

DO $$
BEGIN
    IF to_regnamespace('auth') IS NULL THEN
        CREATE SCHEMA auth;
        COMMENT ON SCHEMA auth IS 'Stand-in for Supabase''s schema: users and who is asking.';
        GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
    END IF;
    IF to_regclass('auth.users') IS NULL THEN
        CREATE TABLE auth.users (
            id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
            email TEXT,
            created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
        );
        CREATE UNIQUE INDEX users_email_key ON auth.users (lower(email));
        COMMENT ON TABLE auth.users IS 'Stand-in for Supabase''s table: one row per person.';
        COMMENT ON COLUMN auth.users.id IS 'The user''s id; user_id everywhere else.';
        COMMENT ON COLUMN auth.users.email IS 'Address as given; unique without regard to case.';
        COMMENT ON COLUMN auth.users.created_at IS 'When the row was made.';
        COMMENT ON COLUMN auth.users.updated_at IS 'When the row last changed.';
    END IF;
    IF to_regprocedure('auth.uid()') IS NULL THEN
        CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $f$
            SELECT coalesce(
                nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub',
                nullif(current_setting('request.jwt.claim.sub', true), ''))::uuid
        $f$;
        COMMENT ON FUNCTION auth.uid() IS 'The user that the present request''s token names, or NULL.';
    END IF;
END $$;

CREATE TABLE IF NOT EXISTS public.user_profiles (
    id UUID PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
    email TEXT,
    role TEXT NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    risk_percent NUMERIC,
    risk_max_percent NUMERIC,
    day_start TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON TABLE public.user_profiles IS 'What a user set about themselves; one row per user.';
COMMENT ON COLUMN public.user_profiles.id IS 'The user, auth.users.id.';
COMMENT ON COLUMN public.user_profiles.email IS 'Address for people to read; auth.users decides.';
COMMENT ON COLUMN public.user_profiles.role IS 'user, or admin: may use the admin routes.';
COMMENT ON COLUMN public.user_profiles.risk_percent IS 'Default risk of one trade, percent of equity (1.00 = one percent).';
COMMENT ON COLUMN public.user_profiles.risk_max_percent IS 'Upper limit of any trade''s risk, percent of equity.';
COMMENT ON COLUMN public.user_profiles.day_start IS 'When the user''s trading day begins: time and zone, e.g. 17:00 America/New_York.';

CREATE TABLE IF NOT EXISTS public.broker_connections (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    broker_type VARCHAR(20) NOT NULL CHECK (broker_type IN ('OANDA', 'MT5_AGENT', 'METAAPI')),
    name TEXT NOT NULL,
    credentials JSONB NOT NULL,
    is_active BOOLEAN NOT NULL DEFAULT TRUE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON TABLE public.broker_connections IS 'A user''s trading account and the way to reach it.';
COMMENT ON COLUMN public.broker_connections.broker_type IS 'How it is reached; MT5_AGENT is the one that trades here.';
COMMENT ON COLUMN public.broker_connections.name IS 'The user''s name for it.';
COMMENT ON COLUMN public.broker_connections.credentials IS 'Secrets of other broker types; {} for MT5_AGENT, whose password stays in the terminal.';
COMMENT ON COLUMN public.broker_connections.is_active IS 'Whether jobs may be planned for it.';

CREATE TABLE IF NOT EXISTS public.mt5_agents (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    broker_connection_id UUID REFERENCES public.broker_connections ON DELETE SET NULL,
    agent_name TEXT NOT NULL,
    terminal_server TEXT,
    login TEXT,
    password_encrypted TEXT NOT NULL,
    is_connected BOOLEAN NOT NULL DEFAULT FALSE,
    last_heartbeat TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON TABLE public.mt5_agents IS 'A program beside a MetaTrader 5 terminal that executes jobs. Revoked, never deleted.';
COMMENT ON COLUMN public.mt5_agents.broker_connection_id IS 'The account it trades on.';
COMMENT ON COLUMN public.mt5_agents.agent_name IS 'The user''s name for it.';
COMMENT ON COLUMN public.mt5_agents.terminal_server IS 'Trade server, as entered in older installations; the hello''s is in broker_connections.server.';
COMMENT ON COLUMN public.mt5_agents.login IS 'Account number, as entered in older installations.';
COMMENT ON COLUMN public.mt5_agents.password_encrypted IS 'Left from older installations; never filled here.';
COMMENT ON COLUMN public.mt5_agents.is_connected IS 'Whether a session is open, as last written.';
COMMENT ON COLUMN public.mt5_agents.last_heartbeat IS 'When it was last heard, to the minute.';

CREATE TABLE IF NOT EXISTS public.ea_projects (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT,
    default_settings JSONB,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON TABLE public.ea_projects IS 'An expert advisor that a user develops.';
COMMENT ON COLUMN public.ea_projects.name IS 'The user''s name for it.';
COMMENT ON COLUMN public.ea_projects.description IS 'What it does, in words.';
COMMENT ON COLUMN public.ea_projects.default_settings IS 'Inputs that a deployment starts from.';

CREATE TABLE IF NOT EXISTS public.ea_versions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    ea_project_id UUID NOT NULL REFERENCES public.ea_projects ON DELETE CASCADE,
    version_number INTEGER NOT NULL,
    source_code TEXT,
    config JSONB,
    status TEXT NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'compiling', 'compiled', 'failed')),
    compilation_error TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (ea_project_id, version_number)
);
COMMENT ON TABLE public.ea_versions IS 'One version of an expert advisor''s source.';
COMMENT ON COLUMN public.ea_versions.ea_project_id IS 'The expert advisor it belongs to.';
COMMENT ON COLUMN public.ea_versions.version_number IS '1 for the first; unique within the project.';
COMMENT ON COLUMN public.ea_versions.source_code IS 'MQL5 source text.';
COMMENT ON COLUMN public.ea_versions.config IS 'What the source was generated from.';
COMMENT ON COLUMN public.ea_versions.status IS 'draft, compiling, compiled or failed.';
COMMENT ON COLUMN public.ea_versions.compilation_error IS 'The compiler''s errors when status is failed.';

CREATE TABLE IF NOT EXISTS public.ea_artifacts (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    ea_version_id UUID NOT NULL REFERENCES public.ea_versions ON DELETE CASCADE,
    artifact_type TEXT NOT NULL CHECK (artifact_type IN ('ex4', 'ex5', 'log', 'config', 'source')),
    storage_path TEXT,
    file_size BIGINT,
    checksum TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON TABLE public.ea_artifacts IS 'A file that a version led to: compiled program, log, source.';
COMMENT ON COLUMN public.ea_artifacts.ea_version_id IS 'The version it belongs to.';
COMMENT ON COLUMN public.ea_artifacts.artifact_type IS 'What kind of file it is.';
COMMENT ON COLUMN public.ea_artifacts.storage_path IS 'Where older installations keep the file.';
COMMENT ON COLUMN public.ea_artifacts.file_size IS 'Bytes.';
COMMENT ON COLUMN public.ea_artifacts.checksum IS 'SHA-256 of the file, hex.';

CREATE TABLE IF NOT EXISTS public.ea_deployments (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    ea_version_id UUID NOT NULL REFERENCES public.ea_versions ON DELETE CASCADE,
    mt5_agent_id UUID NOT NULL REFERENCES public.mt5_agents ON DELETE CASCADE,
    status TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'deploying', 'running', 'stopped', 'failed')),
    deployed_at TIMESTAMPTZ,
    stopped_at TIMESTAMPTZ,
    runtime_config JSONB,
    error_message TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON TABLE public.ea_deployments IS 'A version at work in a terminal.';
COMMENT ON COLUMN public.ea_deployments.ea_version_id IS 'The version that is deployed.';
COMMENT ON COLUMN public.ea_deployments.mt5_agent_id IS 'The agent whose terminal runs it.';
COMMENT ON COLUMN public.ea_deployments.status IS 'pending, deploying, running, stopped or failed.';
COMMENT ON COLUMN public.ea_deployments.deployed_at IS 'When it was attached to its chart.';
COMMENT ON COLUMN public.ea_deployments.stopped_at IS 'When it was removed.';
COMMENT ON COLUMN public.ea_deployments.runtime_config IS 'Symbol, timeframe, magic number and inputs.';
COMMENT ON COLUMN public.ea_deployments.error_message IS 'code: text, when status is failed.';

CREATE TABLE IF NOT EXISTS public.jobs (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    job_type VARCHAR(20) NOT NULL
        CONSTRAINT jobs_job_type_check CHECK (job_type IN ('compile', 'deploy', 'run', 'stop', 'test')),
    status VARCHAR(20) NOT NULL DEFAULT 'pending'
        CONSTRAINT jobs_status_check CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    entity_type VARCHAR(20) NOT NULL,
    entity_id UUID NOT NULL,
    input_data JSONB,
    output_data JSONB,
    error_message TEXT,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON TABLE public.jobs IS 'Something that an agent is to do, once. Changed only by the functions of this folder.';
COMMENT ON COLUMN public.jobs.job_type IS 'What is to be done: one of nine words.';
COMMENT ON COLUMN public.jobs.status IS 'pending, claimed, unknown (an effect whose outcome is being asked), completed, failed, cancelled, expired.';
COMMENT ON COLUMN public.jobs.entity_type IS 'What entity_id names: tv_signal, mt5_agent, ea_version, ea_deployment.';
COMMENT ON COLUMN public.jobs.entity_id IS 'What the job is about.';
COMMENT ON COLUMN public.jobs.input_data IS 'What the agent needs; members by job type.';
COMMENT ON COLUMN public.jobs.output_data IS 'What came of it, numbers as exact text; members by job type.';
COMMENT ON COLUMN public.jobs.error_message IS 'code: text; also of the last attempt while the job is pending again.';
COMMENT ON COLUMN public.jobs.started_at IS 'When it was claimed for the first time.';
COMMENT ON COLUMN public.jobs.completed_at IS 'When it ended, whatever the outcome.';

CREATE TABLE IF NOT EXISTS public.trading_accounts (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    platform TEXT NOT NULL,
    broker_name TEXT,
    server TEXT,
    login_number TEXT,
    account_name TEXT,
    currency TEXT,
    balance NUMERIC,
    equity NUMERIC,
    margin NUMERIC,
    free_margin NUMERIC,
    margin_level NUMERIC,
    is_active BOOLEAN NOT NULL DEFAULT TRUE,
    connection_status TEXT NOT NULL DEFAULT 'disconnected'
        CONSTRAINT trading_accounts_connection_status_check
            CHECK (connection_status IN ('connected', 'disconnected', 'error')),
    last_sync_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON TABLE public.trading_accounts IS 'An account''s figures as last synchronised.';
COMMENT ON COLUMN public.trading_accounts.platform IS 'MT5 and the like.';
COMMENT ON COLUMN public.trading_accounts.broker_name IS 'The broker''s company name.';
COMMENT ON COLUMN public.trading_accounts.server IS 'Trade server''s name.';
COMMENT ON COLUMN public.trading_accounts.login_number IS 'Account number at the broker.';
COMMENT ON COLUMN public.trading_accounts.account_name IS 'The account''s name for people.';
COMMENT ON COLUMN public.trading_accounts.currency IS 'Account currency; the unit of the money columns.';
COMMENT ON COLUMN public.trading_accounts.balance IS 'Account currency.';
COMMENT ON COLUMN public.trading_accounts.equity IS 'Account currency.';
COMMENT ON COLUMN public.trading_accounts.margin IS 'Margin in use, account currency.';
COMMENT ON COLUMN public.trading_accounts.free_margin IS 'Account currency.';
COMMENT ON COLUMN public.trading_accounts.margin_level IS 'Equity in percent of margin.';
COMMENT ON COLUMN public.trading_accounts.is_active IS 'Whether it is synchronised.';
COMMENT ON COLUMN public.trading_accounts.connection_status IS 'How the last attempt went.';
COMMENT ON COLUMN public.trading_accounts.last_sync_at IS 'When the last attempt was made.';

CREATE TABLE IF NOT EXISTS public.trades (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id UUID NOT NULL REFERENCES public.trading_accounts ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    ticket BIGINT NOT NULL,
    position_id BIGINT,
    symbol TEXT,
    type TEXT CHECK (type IN ('buy', 'sell')),
    volume NUMERIC,
    open_price NUMERIC,
    close_price NUMERIC,
    open_time TIMESTAMPTZ,
    close_time TIMESTAMPTZ,
    profit NUMERIC,
    swap NUMERIC,
    commission NUMERIC,
    net_profit NUMERIC,
    pips NUMERIC,
    magic BIGINT,
    comment TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT trades_ticket_key UNIQUE (ticket)
);
COMMENT ON TABLE public.trades IS 'A position''s history as the broker tells it.';
COMMENT ON COLUMN public.trades.account_id IS 'The account it was made on.';
COMMENT ON COLUMN public.trades.ticket IS 'The broker''s number of the deal or order.';
COMMENT ON COLUMN public.trades.position_id IS 'The broker''s number of the position.';
COMMENT ON COLUMN public.trades.symbol IS 'The broker''s symbol.';
COMMENT ON COLUMN public.trades.type IS 'Side of the position.';
COMMENT ON COLUMN public.trades.volume IS 'Lots.';
COMMENT ON COLUMN public.trades.open_price IS 'Volume-weighted, in the symbol''s quote.';
COMMENT ON COLUMN public.trades.close_price IS 'Volume-weighted, in the symbol''s quote; NULL while open.';
COMMENT ON COLUMN public.trades.open_time IS 'UTC.';
COMMENT ON COLUMN public.trades.close_time IS 'UTC; NULL while open.';
COMMENT ON COLUMN public.trades.profit IS 'Account currency, without swap and commission.';
COMMENT ON COLUMN public.trades.swap IS 'Account currency.';
COMMENT ON COLUMN public.trades.commission IS 'Account currency.';
COMMENT ON COLUMN public.trades.net_profit IS 'Account currency: profit, swap and commission.';
COMMENT ON COLUMN public.trades.pips IS 'Price difference in pips.';
COMMENT ON COLUMN public.trades.magic IS 'The magic number of its orders.';
COMMENT ON COLUMN public.trades.comment IS 'The comment of its orders, as the broker left it.';

CREATE TABLE IF NOT EXISTS public.user_exchange_connections (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES public.user_profiles ON DELETE CASCADE,
    exchange TEXT NOT NULL,
    label TEXT,
    encrypted_config TEXT,
    secret_ref TEXT,
    last_synced_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON TABLE public.user_exchange_connections IS 'A connection that strategy runs trade through.';
COMMENT ON COLUMN public.user_exchange_connections.exchange IS 'The exchange''s short name.';
COMMENT ON COLUMN public.user_exchange_connections.label IS 'The user''s name for it.';
COMMENT ON COLUMN public.user_exchange_connections.encrypted_config IS 'Left from older installations; never read here.';
COMMENT ON COLUMN public.user_exchange_connections.secret_ref IS 'Where older installations keep the secret.';
COMMENT ON COLUMN public.user_exchange_connections.last_synced_at IS 'When it was last synchronised.';

CREATE TABLE IF NOT EXISTS public.workflow_executions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    name TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    current_step INTEGER,
    input_data JSONB,
    output_data JSONB,
    error_message TEXT,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON TABLE public.workflow_executions IS 'Several jobs that follow each other.';
COMMENT ON COLUMN public.workflow_executions.name IS 'What the workflow does.';
COMMENT ON COLUMN public.workflow_executions.status IS 'pending, running, completed, failed or cancelled.';
COMMENT ON COLUMN public.workflow_executions.current_step IS 'Position of the step at work.';
COMMENT ON COLUMN public.workflow_executions.input_data IS 'What the first step starts from.';
COMMENT ON COLUMN public.workflow_executions.output_data IS 'What the last step gave.';
COMMENT ON COLUMN public.workflow_executions.error_message IS 'code: text of the step that failed.';
COMMENT ON COLUMN public.workflow_executions.started_at IS 'When its first step started.';
COMMENT ON COLUMN public.workflow_executions.completed_at IS 'When it ended, whatever the outcome.';

CREATE TABLE IF NOT EXISTS public.workflow_steps (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    execution_id UUID NOT NULL REFERENCES public.workflow_executions ON DELETE CASCADE,
    position INTEGER NOT NULL,
    job_type VARCHAR(20) NOT NULL,
    input_data JSONB,
    required_models JSONB,
    job_id UUID REFERENCES public.jobs ON DELETE SET NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (execution_id, position)
);
CREATE INDEX IF NOT EXISTS workflow_steps_job_idx ON public.workflow_steps (job_id) WHERE job_id IS NOT NULL;
COMMENT ON TABLE public.workflow_steps IS 'One step of a workflow.';
COMMENT ON COLUMN public.workflow_steps.execution_id IS 'The workflow.';
COMMENT ON COLUMN public.workflow_steps.position IS '1 for the first.';
COMMENT ON COLUMN public.workflow_steps.job_type IS 'Type of the job that does it.';
COMMENT ON COLUMN public.workflow_steps.input_data IS 'What that job gets.';
COMMENT ON COLUMN public.workflow_steps.required_models IS 'Names of the models it needs alone.';
COMMENT ON COLUMN public.workflow_steps.job_id IS 'The job that does it, once there is one.';
COMMENT ON COLUMN public.workflow_steps.status IS 'As the job''s.';

-- Four columns mean the same in every table.
DO $$
DECLARE
    v_column record;
BEGIN
    FOR v_column IN
        SELECT c.oid::regclass AS relation, a.attname AS name
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
          AND a.attname IN ('id', 'user_id', 'created_at', 'updated_at')
          AND col_description(c.oid, a.attnum) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', v_column.relation, v_column.name,
            CASE v_column.name
                WHEN 'id' THEN 'The row''s id.'
                WHEN 'user_id' THEN 'The user it belongs to.'
                WHEN 'created_at' THEN 'When the row was made.'
                ELSE 'When the row last changed.' END);
    END LOOP;
END $$;
