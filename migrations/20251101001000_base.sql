-- migrate:contract
-- The base: every table that the product's documents take for granted, as existing installations have them.
--
-- On Supabase the schema `auth`, auth.users and auth.uid() are there already; on plain Postgres stand-ins are made, only
-- where they are missing. A table that an installation has is kept, and gets the columns that it lacks;
-- 20251101010000_older_shapes.sql and the later files bring what is in it to the same shape.
--
-- What was there before is written down first.

-- --- users -----------------------------------------------------------------------------------------------------------

-- migrate:ignore writes-platform-schema a stand-in, made only where the platform's own is missing
DO $$
BEGIN
    IF to_regnamespace('auth') IS NULL THEN
        CREATE SCHEMA auth;
        COMMENT ON SCHEMA auth IS 'Stand-in for Supabase''s schema: users and who is asking.';
        GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
        INSERT INTO public.installation_before VALUES ('auth', 'made', '', '{}');
    END IF;
    IF to_regclass('auth.users') IS NULL THEN
        CREATE TABLE auth.users (
            id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
            email TEXT,
            created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
        );
        CREATE UNIQUE INDEX users_email_key ON auth.users (lower(email));
        INSERT INTO public.installation_before VALUES ('auth.users', 'made', '', '{}');
        COMMENT ON TABLE auth.users IS 'Stand-in for Supabase''s table: one row per person.';
        COMMENT ON COLUMN auth.users.id IS 'The user''s id; user_id everywhere else.';
        COMMENT ON COLUMN auth.users.email IS 'Address as given; unique without regard to case.';
        COMMENT ON COLUMN auth.users.created_at IS 'When the row was made.';
        COMMENT ON COLUMN auth.users.updated_at IS 'When the row last changed.';
    END IF;
    -- Asked of the catalog: to_regprocedure would need a right on the schema.
    IF NOT EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                   WHERE n.nspname = 'auth' AND p.proname = 'uid' AND p.pronargs = 0) THEN
        CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $f$
            SELECT coalesce(
                nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub',
                nullif(current_setting('request.jwt.claim.sub', true), ''))::uuid
        $f$;
        INSERT INTO public.installation_before VALUES ('auth.uid()', 'made', '', '{}');
        COMMENT ON FUNCTION auth.uid() IS 'The user that the present request''s token names, or NULL.';
    END IF;
END $$;


-- Whoever writes a job or a trade goes on to look at the tables that it refers to. Both are locked before any of those, and
-- at once as strongly as needed: otherwise writer and migration could wait for each other.
DO $$
DECLARE
    v_name text;
BEGIN
    FOREACH v_name IN ARRAY ARRAY['jobs', 'trades'] LOOP
        IF to_regclass('public.' || v_name) IS NOT NULL THEN
            EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', v_name);
        END IF;
    END LOOP;
END $$;

-- The first backend's names are brought forward. A `profiles` beside other tables is some other application's.
DO $$
DECLARE
    v_name text;
BEGIN
    IF to_regclass('public.user_profiles') IS NULL AND to_regclass('public.mt5_agents') IS NOT NULL
       AND (SELECT count(*) = 3 FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
            WHERE c.oid = to_regclass('public.profiles') AND c.relkind = 'r' AND a.attname IN ('id', 'email', 'role'))
    THEN
        ALTER TABLE public.profiles RENAME TO user_profiles;
        INSERT INTO public.installation_before VALUES ('user_profiles', 'renamed', '', '{"name": "profiles"}');
    END IF;
    IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass('public.ea_versions')
               AND a.attname = 'project_id' AND NOT a.attisdropped)
       AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass('public.ea_versions')
                       AND a.attname = 'ea_project_id' AND NOT a.attisdropped)
    THEN
        ALTER TABLE public.ea_versions RENAME COLUMN project_id TO ea_project_id;
        INSERT INTO public.installation_before VALUES ('ea_versions', 'renamed', 'ea_project_id', '{"name": "project_id"}');
    END IF;
    CALL public.installation_drop_views('recent_sync_failures', 'account_sync_health', 'job_queue');

    -- An index of one of our names makes way, unless it is what a later file would make (as the server prints it; NULL:
    -- it is on columns that no installation has). CREATE INDEX IF NOT EXISTS would take it for ours.
    FOR v_name IN
        SELECT c.relname
        FROM (VALUES
            ('workflow_steps_job_idx', 'workflow_steps USING btree (job_id) WHERE (job_id IS NOT NULL)'),
            ('ea_projects_user_idx', 'ea_projects USING btree (user_id)'),
            ('ea_artifacts_version_idx', 'ea_artifacts USING btree (ea_version_id)'),
            ('ea_deployments_version_idx', 'ea_deployments USING btree (ea_version_id)'),
            ('ea_deployments_agent_idx', 'ea_deployments USING btree (mt5_agent_id)'),
            ('trading_accounts_user_idx', 'trading_accounts USING btree (user_id)'),
            ('user_exchange_connections_user_idx', 'user_exchange_connections USING btree (user_id)'),
            ('ea_projects_current_version_idx',
             'ea_projects USING btree (current_version_id) WHERE (current_version_id IS NOT NULL)'),
            ('mt5_agents_pairing_key_prefix_idx', 'mt5_agents USING btree (pairing_key_prefix)'),
            ('mt5_agents_user_idx', 'mt5_agents USING btree (user_id)'),
            ('mt5_agents_connection_key', NULL),
            ('broker_connections_user_idx', 'broker_connections USING btree (user_id)'),
            ('tv_strategies_user_idx', 'tv_strategies USING btree (user_id)'),
            ('tv_strategies_broker_connection_idx',
             'tv_strategies USING btree (broker_connection_id) WHERE (broker_connection_id IS NOT NULL)'),
            ('tv_strategies_updated_idx', NULL),
            ('tv_signals_user_idx', 'tv_signals USING btree (user_id, created_at DESC)'),
            ('tv_signals_strategy_idx', 'tv_signals USING btree (strategy_id) WHERE (strategy_id IS NOT NULL)'),
            ('trades_account_position_key', NULL),
            ('trades_user_idx', 'trades USING btree (user_id)'),
            ('jobs_user_idx', 'jobs USING btree (user_id, created_at DESC)'),
            ('jobs_signal_idx', NULL), ('jobs_target_idx', NULL), ('jobs_close_idx', NULL),
            ('idx_trading_accounts_sync_status',
             'trading_accounts USING btree (is_active, connection_status, last_sync_at)'),
            ('idx_sync_logs_account', 'sync_logs USING btree (account_id, started_at DESC)'),
            ('idx_sync_logs_started_at', 'sync_logs USING btree (started_at DESC)'),
            ('idx_strategy_runs_user_id', 'strategy_runs USING btree (user_id)'),
            ('idx_strategy_runs_exchange_connection_id', 'strategy_runs USING btree (exchange_connection_id)'),
            ('idx_strategy_runs_status', 'strategy_runs USING btree (status)'),
            ('idx_strategy_events_user_id', 'strategy_events USING btree (user_id)'),
            ('strategy_events_run_idx', NULL),
            ('idx_strategies_user_id', 'strategies USING btree (user_id)'),
            ('idx_strategy_tick_runs_user_id', 'strategy_tick_runs USING btree (user_id)'),
            ('idx_strategy_tick_runs_scheduled_at', 'strategy_tick_runs USING btree (scheduled_at DESC)'),
            ('idx_strategy_tick_runs_strategy_id', 'strategy_tick_runs USING btree (strategy_id)'),
            ('user_exchange_connections_broker_connection_idx', NULL),
            ('idx_jobs_blocked_by', NULL), ('idx_jobs_user_queue', NULL), ('jobs_blocked_expires_idx', NULL),
            ('idx_jobs_required_models', 'jobs USING gin (required_models) WHERE (blocked_by_job_id IS NOT NULL)'),
            ('idx_workflow_executions_blocked_by',
             'workflow_executions USING btree (blocked_by_job_id) WHERE (blocked_by_job_id IS NOT NULL)'),
            ('idx_workflow_executions_user', 'workflow_executions USING btree (user_id, created_at DESC)')
        ) w (name, definition)
        JOIN pg_class c ON c.relnamespace = 'public'::regnamespace AND c.relname = w.name
        JOIN pg_index i ON i.indexrelid = c.oid
        WHERE i.indisunique OR NOT i.indisvalid
           OR pg_get_indexdef(c.oid) IS DISTINCT FROM format('CREATE INDEX %I ON public.%s', w.name, w.definition)
    LOOP
        EXECUTE format('ALTER INDEX public.%I RENAME TO %I', v_name, 'older_' || v_name);
        INSERT INTO public.installation_before VALUES (v_name, 'renamed_index', '', jsonb_build_object('name', 'older_' || v_name));
    END LOOP;

    FOREACH v_name IN ARRAY ARRAY['user_profiles', 'broker_connections', 'mt5_agents', 'ea_projects', 'ea_versions',
        'ea_artifacts', 'ea_deployments', 'jobs', 'trading_accounts', 'trades', 'user_exchange_connections',
        'workflow_executions', 'workflow_steps', 'tv_strategies', 'tv_signals', 'sync_logs', 'strategy_runs',
        'strategy_events', 'strategies', 'strategy_risk_state', 'strategy_tick_runs', 'strategy_locks',
        'job_queue_state', 'job_queue_log']
    LOOP
        CALL public.installation_remember(v_name);
    END LOOP;
    IF public.installation_had('user_profiles', 'renamed') THEN
        -- What still says `profiles`, Supabase's usual trigger for new users above all, goes on.
        EXECUTE (SELECT format('CREATE VIEW public.profiles WITH (security_invoker = true) AS SELECT %s FROM public.user_profiles',
                       string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum))
                 FROM pg_attribute a
                 JOIN public.installation_before b ON b.relation = 'user_profiles' AND b.kind = 'column' AND b.name = a.attname
                 WHERE a.attrelid = 'public.user_profiles'::regclass);
        COMMENT ON VIEW public.profiles IS 'user_profiles under the name of older installations, with their columns.';
        REVOKE ALL ON public.profiles FROM PUBLIC, anon, authenticated, service_role;
    END IF;
END $$;

-- --- the tables ------------------------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS public.user_profiles (
    id UUID PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE
);
-- migrate:ignore constraint-missing-not-valid only where the column is missing: then every row has its default
ALTER TABLE public.user_profiles
    ADD COLUMN IF NOT EXISTS email TEXT,
    ADD COLUMN IF NOT EXISTS role TEXT NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    ADD COLUMN IF NOT EXISTS risk_percent NUMERIC
        CONSTRAINT user_profiles_risk_percent_range_check CHECK (risk_percent BETWEEN 0 AND 100),
    ADD COLUMN IF NOT EXISTS risk_max_percent NUMERIC
        CONSTRAINT user_profiles_risk_max_percent_range_check CHECK (risk_max_percent BETWEEN 0 AND 100),
    ADD COLUMN IF NOT EXISTS day_start TEXT,
    ADD COLUMN IF NOT EXISTS created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS updated_at TIMESTAMPTZ NOT NULL DEFAULT now();
COMMENT ON TABLE public.user_profiles IS 'What a user set about themselves; one row per user.';
COMMENT ON COLUMN public.user_profiles.id IS 'The user, auth.users.id.';
COMMENT ON COLUMN public.user_profiles.email IS 'Address for people to read; auth.users decides.';
COMMENT ON COLUMN public.user_profiles.role IS 'user, or admin: may use the admin routes.';
COMMENT ON COLUMN public.user_profiles.risk_percent IS 'Default risk of one trade, percent of equity (1.00 = one percent).';
COMMENT ON COLUMN public.user_profiles.risk_max_percent IS 'Upper limit of any trade''s risk, percent of equity.';
COMMENT ON COLUMN public.user_profiles.day_start IS 'When the user''s trading day begins: time and zone, e.g. 17:00 America/New_York.';
DO $$
DECLARE
    v_name text;
BEGIN
    FOREACH v_name IN ARRAY ARRAY['risk_percent', 'risk_max_percent'] LOOP
        IF NOT public.installation_had('user_profiles', 'column', v_name) THEN
            EXECUTE format('COMMENT ON CONSTRAINT %I ON public.user_profiles IS %L', 'user_profiles_' || v_name || '_range_check',
                           'A percentage of equity.');
        END IF;
    END LOOP;
END $$;

CREATE TABLE IF NOT EXISTS public.broker_connections (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE
);
-- migrate:ignore adding-not-nullable-field whoever has the table has the column
-- migrate:ignore constraint-missing-not-valid only where the column is missing: then every row has its default
-- migrate:ignore prefer-text-field the type that installations have
-- ::text: a list that a VARCHAR is looked for in prints otherwise once a dump of it was restored.
ALTER TABLE public.broker_connections
    ADD COLUMN IF NOT EXISTS broker_type VARCHAR(20) NOT NULL CHECK (broker_type::text IN ('OANDA', 'MT5_AGENT', 'METAAPI')),
    ADD COLUMN IF NOT EXISTS name TEXT NOT NULL,
    ADD COLUMN IF NOT EXISTS credentials JSONB NOT NULL,
    ADD COLUMN IF NOT EXISTS is_active BOOLEAN NOT NULL DEFAULT TRUE,
    ADD COLUMN IF NOT EXISTS created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS updated_at TIMESTAMPTZ NOT NULL DEFAULT now();
COMMENT ON TABLE public.broker_connections IS 'A user''s trading account and the way to reach it.';
COMMENT ON COLUMN public.broker_connections.broker_type IS 'How it is reached; MT5_AGENT is the one that trades here.';
COMMENT ON COLUMN public.broker_connections.name IS 'The user''s name for it.';
COMMENT ON COLUMN public.broker_connections.credentials IS 'Secrets of other broker types; {} for MT5_AGENT, whose password stays in the terminal.';
COMMENT ON COLUMN public.broker_connections.is_active IS 'Whether jobs may be planned for it.';

CREATE TABLE IF NOT EXISTS public.mt5_agents (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE
);
-- migrate:ignore adding-foreign-key-constraint only where the column is missing: then it is empty
-- migrate:ignore adding-not-nullable-field whoever has the table has the column
ALTER TABLE public.mt5_agents
    ADD COLUMN IF NOT EXISTS broker_connection_id UUID REFERENCES public.broker_connections ON DELETE SET NULL,
    ADD COLUMN IF NOT EXISTS agent_name TEXT NOT NULL,
    ADD COLUMN IF NOT EXISTS terminal_server TEXT,
    ADD COLUMN IF NOT EXISTS login TEXT,
    ADD COLUMN IF NOT EXISTS password_encrypted TEXT NOT NULL,
    ADD COLUMN IF NOT EXISTS is_connected BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN IF NOT EXISTS last_heartbeat TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS updated_at TIMESTAMPTZ NOT NULL DEFAULT now();
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
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE
);
-- migrate:ignore adding-not-nullable-field whoever has the table has the column
ALTER TABLE public.ea_projects
    ADD COLUMN IF NOT EXISTS name TEXT NOT NULL,
    ADD COLUMN IF NOT EXISTS description TEXT,
    ADD COLUMN IF NOT EXISTS default_settings JSONB,
    ADD COLUMN IF NOT EXISTS created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS updated_at TIMESTAMPTZ NOT NULL DEFAULT now();
COMMENT ON TABLE public.ea_projects IS 'An expert advisor that a user develops.';
COMMENT ON COLUMN public.ea_projects.name IS 'The user''s name for it.';
COMMENT ON COLUMN public.ea_projects.description IS 'What it does, in words.';
COMMENT ON COLUMN public.ea_projects.default_settings IS 'Inputs that a deployment starts from.';

CREATE TABLE IF NOT EXISTS public.ea_versions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    ea_project_id UUID NOT NULL REFERENCES public.ea_projects ON DELETE CASCADE,
    version_number INTEGER NOT NULL,
    UNIQUE (ea_project_id, version_number)
);
-- migrate:ignore constraint-missing-not-valid only where the column is missing: then every row has its default
ALTER TABLE public.ea_versions
    ADD COLUMN IF NOT EXISTS source_code TEXT,
    ADD COLUMN IF NOT EXISTS config JSONB,
    ADD COLUMN IF NOT EXISTS status TEXT NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'compiling', 'compiled', 'failed')),
    ADD COLUMN IF NOT EXISTS compilation_error TEXT,
    ADD COLUMN IF NOT EXISTS created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS updated_at TIMESTAMPTZ NOT NULL DEFAULT now();
COMMENT ON TABLE public.ea_versions IS 'One version of an expert advisor''s source.';
COMMENT ON COLUMN public.ea_versions.ea_project_id IS 'The expert advisor it belongs to.';
COMMENT ON COLUMN public.ea_versions.version_number IS '1 for the first; unique within the project.';
COMMENT ON COLUMN public.ea_versions.source_code IS 'MQL5 source text.';
COMMENT ON COLUMN public.ea_versions.config IS 'What the source was generated from.';
COMMENT ON COLUMN public.ea_versions.status IS 'draft, compiling, compiled or failed.';
COMMENT ON COLUMN public.ea_versions.compilation_error IS 'The compiler''s errors when status is failed.';

CREATE TABLE IF NOT EXISTS public.ea_artifacts (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    ea_version_id UUID NOT NULL REFERENCES public.ea_versions ON DELETE CASCADE
);
-- migrate:ignore adding-not-nullable-field whoever has the table has the column
-- migrate:ignore constraint-missing-not-valid only where the column is missing: then every row has its default
ALTER TABLE public.ea_artifacts
    ADD COLUMN IF NOT EXISTS artifact_type TEXT NOT NULL CHECK (artifact_type IN ('ex4', 'ex5', 'log', 'config', 'source')),
    ADD COLUMN IF NOT EXISTS storage_path TEXT,
    ADD COLUMN IF NOT EXISTS file_size BIGINT,
    ADD COLUMN IF NOT EXISTS checksum TEXT,
    ADD COLUMN IF NOT EXISTS created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS updated_at TIMESTAMPTZ NOT NULL DEFAULT now();
COMMENT ON TABLE public.ea_artifacts IS 'A file that a version led to: compiled program, log, source.';
COMMENT ON COLUMN public.ea_artifacts.ea_version_id IS 'The version it belongs to.';
COMMENT ON COLUMN public.ea_artifacts.artifact_type IS 'What kind of file it is.';
COMMENT ON COLUMN public.ea_artifacts.storage_path IS 'Where older installations keep the file.';
COMMENT ON COLUMN public.ea_artifacts.file_size IS 'Bytes.';
COMMENT ON COLUMN public.ea_artifacts.checksum IS 'SHA-256 of the file, hex.';

CREATE TABLE IF NOT EXISTS public.ea_deployments (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    ea_version_id UUID NOT NULL REFERENCES public.ea_versions ON DELETE CASCADE,
    mt5_agent_id UUID NOT NULL REFERENCES public.mt5_agents ON DELETE CASCADE
);
-- migrate:ignore constraint-missing-not-valid only where the column is missing: then every row has its default
ALTER TABLE public.ea_deployments
    ADD COLUMN IF NOT EXISTS status TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'deploying', 'running', 'stopped', 'failed')),
    ADD COLUMN IF NOT EXISTS deployed_at TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS stopped_at TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS runtime_config JSONB,
    ADD COLUMN IF NOT EXISTS error_message TEXT,
    ADD COLUMN IF NOT EXISTS created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS updated_at TIMESTAMPTZ NOT NULL DEFAULT now();
COMMENT ON TABLE public.ea_deployments IS 'A version at work in a terminal.';
COMMENT ON COLUMN public.ea_deployments.ea_version_id IS 'The version that is deployed.';
COMMENT ON COLUMN public.ea_deployments.mt5_agent_id IS 'The agent whose terminal runs it.';
COMMENT ON COLUMN public.ea_deployments.status IS 'pending, deploying, running, stopped or failed.';
COMMENT ON COLUMN public.ea_deployments.deployed_at IS 'When it was attached to its chart.';
COMMENT ON COLUMN public.ea_deployments.stopped_at IS 'When it was removed.';
COMMENT ON COLUMN public.ea_deployments.runtime_config IS 'Symbol, timeframe, magic number and inputs.';
COMMENT ON COLUMN public.ea_deployments.error_message IS 'code: text, when status is failed.';

CREATE TABLE IF NOT EXISTS public.trading_accounts (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE
);
-- migrate:ignore adding-not-nullable-field whoever has the table has the column
-- migrate:ignore constraint-missing-not-valid only where the column is missing: then every row has its default
ALTER TABLE public.trading_accounts
    ADD COLUMN IF NOT EXISTS platform TEXT NOT NULL,
    ADD COLUMN IF NOT EXISTS broker_name TEXT,
    ADD COLUMN IF NOT EXISTS server TEXT,
    ADD COLUMN IF NOT EXISTS login_number TEXT,
    ADD COLUMN IF NOT EXISTS account_name TEXT,
    ADD COLUMN IF NOT EXISTS currency TEXT,
    ADD COLUMN IF NOT EXISTS balance NUMERIC,
    ADD COLUMN IF NOT EXISTS equity NUMERIC,
    ADD COLUMN IF NOT EXISTS margin NUMERIC,
    ADD COLUMN IF NOT EXISTS free_margin NUMERIC,
    ADD COLUMN IF NOT EXISTS margin_level NUMERIC,
    ADD COLUMN IF NOT EXISTS is_active BOOLEAN NOT NULL DEFAULT TRUE,
    ADD COLUMN IF NOT EXISTS connection_status TEXT NOT NULL DEFAULT 'disconnected'
        CONSTRAINT trading_accounts_connection_status_check
        CHECK (connection_status IN ('connected', 'disconnected', 'error')),
    ADD COLUMN IF NOT EXISTS last_sync_at TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS updated_at TIMESTAMPTZ NOT NULL DEFAULT now();
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

CREATE TABLE IF NOT EXISTS public.user_exchange_connections (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES public.user_profiles ON DELETE CASCADE
);
-- migrate:ignore adding-not-nullable-field whoever has the table has the column
ALTER TABLE public.user_exchange_connections
    ADD COLUMN IF NOT EXISTS exchange TEXT NOT NULL,
    ADD COLUMN IF NOT EXISTS label TEXT,
    ADD COLUMN IF NOT EXISTS encrypted_config TEXT,
    ADD COLUMN IF NOT EXISTS secret_ref TEXT,
    ADD COLUMN IF NOT EXISTS last_synced_at TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS updated_at TIMESTAMPTZ NOT NULL DEFAULT now();
COMMENT ON TABLE public.user_exchange_connections IS 'A connection that strategy runs trade through.';
COMMENT ON COLUMN public.user_exchange_connections.exchange IS 'The exchange''s short name.';
COMMENT ON COLUMN public.user_exchange_connections.label IS 'The user''s name for it.';
COMMENT ON COLUMN public.user_exchange_connections.encrypted_config IS 'Left from older installations; never read here.';
COMMENT ON COLUMN public.user_exchange_connections.secret_ref IS 'Where older installations keep the secret.';
COMMENT ON COLUMN public.user_exchange_connections.last_synced_at IS 'When it was last synchronised.';

CREATE TABLE IF NOT EXISTS public.workflow_executions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE
);
-- migrate:ignore adding-not-nullable-field whoever has the table has the column
-- migrate:ignore constraint-missing-not-valid only where the column is missing: then every row has its default
ALTER TABLE public.workflow_executions
    ADD COLUMN IF NOT EXISTS name TEXT NOT NULL,
    ADD COLUMN IF NOT EXISTS status TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    ADD COLUMN IF NOT EXISTS current_step INTEGER,
    ADD COLUMN IF NOT EXISTS input_data JSONB,
    ADD COLUMN IF NOT EXISTS output_data JSONB,
    ADD COLUMN IF NOT EXISTS error_message TEXT,
    ADD COLUMN IF NOT EXISTS started_at TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS completed_at TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS updated_at TIMESTAMPTZ NOT NULL DEFAULT now();
COMMENT ON TABLE public.workflow_executions IS 'Several jobs that follow each other.';
COMMENT ON COLUMN public.workflow_executions.name IS 'What the workflow does.';
COMMENT ON COLUMN public.workflow_executions.status IS 'pending, running, completed, failed or cancelled.';
COMMENT ON COLUMN public.workflow_executions.current_step IS 'Position of the step at work.';
COMMENT ON COLUMN public.workflow_executions.input_data IS 'What the first step starts from.';
COMMENT ON COLUMN public.workflow_executions.output_data IS 'What the last step gave.';
COMMENT ON COLUMN public.workflow_executions.error_message IS 'code: text of the step that failed.';
COMMENT ON COLUMN public.workflow_executions.started_at IS 'When its first step started.';
COMMENT ON COLUMN public.workflow_executions.completed_at IS 'When it ended, whatever the outcome.';

CREATE TABLE IF NOT EXISTS public.trades (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id UUID NOT NULL REFERENCES public.trading_accounts ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    ticket BIGINT NOT NULL,
    CONSTRAINT trades_ticket_key UNIQUE (ticket)
);
-- migrate:ignore constraint-missing-not-valid only where the column is missing: then every row has its default
ALTER TABLE public.trades
    ADD COLUMN IF NOT EXISTS position_id BIGINT,
    ADD COLUMN IF NOT EXISTS symbol TEXT,
    ADD COLUMN IF NOT EXISTS type TEXT CHECK (type IN ('buy', 'sell')),
    ADD COLUMN IF NOT EXISTS volume NUMERIC,
    ADD COLUMN IF NOT EXISTS open_price NUMERIC,
    ADD COLUMN IF NOT EXISTS close_price NUMERIC,
    ADD COLUMN IF NOT EXISTS open_time TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS close_time TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS profit NUMERIC,
    ADD COLUMN IF NOT EXISTS swap NUMERIC,
    ADD COLUMN IF NOT EXISTS commission NUMERIC,
    ADD COLUMN IF NOT EXISTS net_profit NUMERIC,
    ADD COLUMN IF NOT EXISTS pips NUMERIC,
    ADD COLUMN IF NOT EXISTS magic BIGINT,
    ADD COLUMN IF NOT EXISTS comment TEXT,
    ADD COLUMN IF NOT EXISTS created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS updated_at TIMESTAMPTZ NOT NULL DEFAULT now();
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

CREATE TABLE IF NOT EXISTS public.jobs (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE
);
-- migrate:ignore adding-not-nullable-field whoever has the table has the column
-- migrate:ignore constraint-missing-not-valid only where the column is missing: then every row has its default
-- migrate:ignore prefer-text-field the type that installations have
ALTER TABLE public.jobs
    ADD COLUMN IF NOT EXISTS job_type VARCHAR(20) NOT NULL
        CONSTRAINT jobs_job_type_check CHECK (job_type::text IN ('compile', 'deploy', 'run', 'stop', 'test')),
    ADD COLUMN IF NOT EXISTS status VARCHAR(20) NOT NULL DEFAULT 'pending'
        CONSTRAINT jobs_status_check CHECK (status::text IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    ADD COLUMN IF NOT EXISTS entity_type VARCHAR(20) NOT NULL,
    ADD COLUMN IF NOT EXISTS entity_id UUID NOT NULL,
    ADD COLUMN IF NOT EXISTS input_data JSONB,
    ADD COLUMN IF NOT EXISTS output_data JSONB,
    ADD COLUMN IF NOT EXISTS error_message TEXT,
    ADD COLUMN IF NOT EXISTS started_at TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS completed_at TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS updated_at TIMESTAMPTZ NOT NULL DEFAULT now();
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

CREATE TABLE IF NOT EXISTS public.workflow_steps (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    execution_id UUID NOT NULL REFERENCES public.workflow_executions ON DELETE CASCADE,
    position INTEGER NOT NULL,
    UNIQUE (execution_id, position)
);
-- migrate:ignore adding-foreign-key-constraint only where the column is missing: then it is empty
-- migrate:ignore adding-not-nullable-field whoever has the table has the column
-- migrate:ignore prefer-text-field the type that installations have
ALTER TABLE public.workflow_steps
    ADD COLUMN IF NOT EXISTS job_type VARCHAR(20) NOT NULL,
    ADD COLUMN IF NOT EXISTS input_data JSONB,
    ADD COLUMN IF NOT EXISTS required_models JSONB,
    ADD COLUMN IF NOT EXISTS job_id UUID REFERENCES public.jobs ON DELETE SET NULL,
    ADD COLUMN IF NOT EXISTS status TEXT NOT NULL DEFAULT 'pending',
    ADD COLUMN IF NOT EXISTS created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS updated_at TIMESTAMPTZ NOT NULL DEFAULT now();
-- migrate:ignore require-concurrent-index-creation a workflow has a handful of steps
CREATE INDEX IF NOT EXISTS workflow_steps_job_idx ON public.workflow_steps (job_id) WHERE job_id IS NOT NULL;
COMMENT ON INDEX public.workflow_steps_job_idx IS 'The step that a job does.';
COMMENT ON TABLE public.workflow_steps IS 'One step of a workflow.';
COMMENT ON COLUMN public.workflow_steps.execution_id IS 'The workflow.';
COMMENT ON COLUMN public.workflow_steps.position IS '1 for the first.';
COMMENT ON COLUMN public.workflow_steps.job_type IS 'Type of the job that does it.';
COMMENT ON COLUMN public.workflow_steps.input_data IS 'What that job gets.';
COMMENT ON COLUMN public.workflow_steps.required_models IS 'Names of the models it needs alone.';
COMMENT ON COLUMN public.workflow_steps.job_id IS 'The job that does it, once there is one.';
COMMENT ON COLUMN public.workflow_steps.status IS 'As the job''s.';

-- What a user's deletion looks up, table by table; `trades` and `jobs` have theirs in later files, built beside their writers.
-- migrate:ignore require-concurrent-index-creation a handful of rows per user
CREATE INDEX IF NOT EXISTS ea_projects_user_idx ON public.ea_projects (user_id);
COMMENT ON INDEX public.ea_projects_user_idx IS 'A user''s expert advisors; deleting a user.';
-- migrate:ignore require-concurrent-index-creation a handful of rows per user
CREATE INDEX IF NOT EXISTS ea_artifacts_version_idx ON public.ea_artifacts (ea_version_id);
COMMENT ON INDEX public.ea_artifacts_version_idx IS 'A version''s files; deleting a version.';
-- migrate:ignore require-concurrent-index-creation a handful of rows per user
CREATE INDEX IF NOT EXISTS ea_deployments_version_idx ON public.ea_deployments (ea_version_id);
COMMENT ON INDEX public.ea_deployments_version_idx IS 'Where a version is at work; deleting a version.';
-- migrate:ignore require-concurrent-index-creation a handful of rows per user
CREATE INDEX IF NOT EXISTS ea_deployments_agent_idx ON public.ea_deployments (mt5_agent_id);
COMMENT ON INDEX public.ea_deployments_agent_idx IS 'What an agent''s terminal runs; deleting an agent.';
-- migrate:ignore require-concurrent-index-creation a handful of rows per user
CREATE INDEX IF NOT EXISTS trading_accounts_user_idx ON public.trading_accounts (user_id);
COMMENT ON INDEX public.trading_accounts_user_idx IS 'A user''s accounts; deleting a user.';
-- migrate:ignore require-concurrent-index-creation a handful of rows per user
CREATE INDEX IF NOT EXISTS user_exchange_connections_user_idx ON public.user_exchange_connections (user_id);
COMMENT ON INDEX public.user_exchange_connections_user_idx IS 'A user''s connections; deleting a user.';

-- Four columns mean the same in every table.
DO $$
DECLARE
    v_column record;
BEGIN
    FOR v_column IN
        SELECT c.oid::regclass AS relation, a.attname AS name
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
          AND c.relname IN ('user_profiles', 'broker_connections', 'mt5_agents', 'ea_projects', 'ea_versions',
                            'ea_artifacts', 'ea_deployments', 'jobs', 'trading_accounts', 'trades',
                            'user_exchange_connections', 'workflow_executions', 'workflow_steps')
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

-- Supabase gives every new table to its API roles: until the rights are given, row level security keeps them out.
DO $$
DECLARE
    v_name text;
BEGIN
    FOREACH v_name IN ARRAY ARRAY['user_profiles', 'broker_connections', 'mt5_agents', 'ea_projects', 'ea_versions',
        'ea_artifacts', 'ea_deployments', 'jobs', 'trading_accounts', 'trades', 'user_exchange_connections',
        'workflow_executions', 'workflow_steps']
    LOOP
        IF NOT public.installation_had(v_name, 'table') THEN
            EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', v_name);
        END IF;
    END LOOP;
END $$;
