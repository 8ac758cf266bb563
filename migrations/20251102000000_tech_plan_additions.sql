-- What the first document asks for: pairing of agents, jobs that are claimed, strategies and signals.
-- Later files widen these objects; nothing that the document names changes its type or goes.

ALTER TABLE public.mt5_agents
    ADD COLUMN IF NOT EXISTS pairing_key_hash TEXT,
    ADD COLUMN IF NOT EXISTS pairing_key_prefix TEXT;
COMMENT ON COLUMN public.mt5_agents.pairing_key_hash IS 'SHA-256 of the pairing key, lower-case hex. The key itself is shown once and stored nowhere.';
COMMENT ON COLUMN public.mt5_agents.pairing_key_prefix IS 'First characters of the pairing key, for people to recognise it.';
CREATE INDEX IF NOT EXISTS mt5_agents_pairing_key_prefix_idx ON public.mt5_agents (pairing_key_prefix);

ALTER TABLE public.ea_projects
    ADD COLUMN IF NOT EXISTS current_version_id UUID REFERENCES public.ea_versions (id) ON DELETE SET NULL;
COMMENT ON COLUMN public.ea_projects.current_version_id IS 'The newest version.';

ALTER TABLE public.jobs
    ADD COLUMN IF NOT EXISTS agent_id UUID REFERENCES public.mt5_agents (id),
    ADD COLUMN IF NOT EXISTS claimed_at TIMESTAMPTZ;
COMMENT ON COLUMN public.jobs.agent_id IS 'The agent that claimed it; NULL while it is pending.';
COMMENT ON COLUMN public.jobs.claimed_at IS 'When it was last claimed.';

-- The old status check knows no `claimed`: with it, every claim of an existing installation fails.
-- `test` was never one of the nine types: such rows are kept, ended, under a type that is.
ALTER TABLE public.jobs DROP CONSTRAINT IF EXISTS jobs_job_type_check;
ALTER TABLE public.jobs DROP CONSTRAINT IF EXISTS jobs_status_check;
UPDATE public.jobs
SET job_type = 'run', status = 'cancelled', completed_at = coalesce(completed_at, now()),
    error_message = 'cancelled: was a job of type test (migrated)'
WHERE job_type = 'test';
ALTER TABLE public.jobs
    ADD CONSTRAINT jobs_job_type_check CHECK (job_type IN
        ('compile', 'deploy', 'run', 'stop', 'trade', 'get_positions', 'get_account', 'get_candles',
         'close_position')),
    ADD CONSTRAINT jobs_status_check CHECK (status IN
        ('pending', 'running', 'claimed', 'completed', 'failed', 'cancelled'));

CREATE TABLE public.tv_strategies (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    broker_connection_id UUID
        CONSTRAINT tv_strategies_broker_connection_id_fkey REFERENCES public.broker_connections,
    name TEXT NOT NULL,
    webhook_secret TEXT NOT NULL UNIQUE,
    risk_override_pct NUMERIC(5,2),
    allowed_pairs TEXT[],
    is_enabled BOOLEAN NOT NULL DEFAULT TRUE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON TABLE public.tv_strategies IS 'A TradingView strategy: what its alerts may do, and where.';
COMMENT ON COLUMN public.tv_strategies.id IS 'The row''s id.';
COMMENT ON COLUMN public.tv_strategies.user_id IS 'The user it belongs to.';
COMMENT ON COLUMN public.tv_strategies.broker_connection_id IS 'The account it trades on; NULL: the user''s only one.';
COMMENT ON COLUMN public.tv_strategies.name IS 'The user''s name for it.';
COMMENT ON COLUMN public.tv_strategies.webhook_secret IS 'What an alert proves itself with: 64 hex characters, made by the server.';
COMMENT ON COLUMN public.tv_strategies.risk_override_pct IS 'Risk of one trade in percent of equity (1.00 = one percent); NULL: the user''s default.';
COMMENT ON COLUMN public.tv_strategies.allowed_pairs IS 'Canonical symbols it may trade; NULL: all.';
COMMENT ON COLUMN public.tv_strategies.is_enabled IS 'Off: its signals are recorded and discarded.';
COMMENT ON COLUMN public.tv_strategies.created_at IS 'When the row was made.';
COMMENT ON COLUMN public.tv_strategies.updated_at IS 'When the row last changed; the ingester polls it.';
CREATE INDEX tv_strategies_user_idx ON public.tv_strategies (user_id);
CREATE INDEX tv_strategies_broker_connection_idx ON public.tv_strategies (broker_connection_id)
    WHERE broker_connection_id IS NOT NULL;
ALTER TABLE public.tv_strategies ENABLE ROW LEVEL SECURITY;
CREATE POLICY tv_strategies_own ON public.tv_strategies FOR ALL TO authenticated
    USING ((SELECT auth.uid()) = user_id) WITH CHECK ((SELECT auth.uid()) = user_id);

CREATE TABLE public.tv_signals (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    strategy_id UUID REFERENCES public.tv_strategies ON DELETE SET NULL,
    status TEXT NOT NULL DEFAULT 'pending'
        CONSTRAINT tv_signals_status_check CHECK (status IN ('pending', 'executed', 'failed', 'discarded')),
    symbol TEXT,
    action TEXT,
    volume NUMERIC(10,2),
    fill_price NUMERIC(18,5),
    broker_order_id TEXT,
    error_message TEXT,
    raw_payload JSONB,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    resolved_at TIMESTAMPTZ
);
COMMENT ON TABLE public.tv_signals IS 'One accepted alert and what became of it.';
COMMENT ON COLUMN public.tv_signals.id IS 'Made by the ingester; the id that the webhook''s answer carries.';
COMMENT ON COLUMN public.tv_signals.user_id IS 'The strategy''s user.';
COMMENT ON COLUMN public.tv_signals.strategy_id IS 'The strategy whose secret it carried; NULL when that was deleted.';
COMMENT ON COLUMN public.tv_signals.status IS 'pending, then once: executed, failed or discarded.';
COMMENT ON COLUMN public.tv_signals.symbol IS 'Canonical symbol.';
COMMENT ON COLUMN public.tv_signals.action IS 'buy, sell or close.';
COMMENT ON COLUMN public.tv_signals.volume IS 'Lots, rounded for display; the exact text is in jobs.input_data.';
COMMENT ON COLUMN public.tv_signals.fill_price IS 'Rounded for display; the exact price is in signal_legs.';
COMMENT ON COLUMN public.tv_signals.broker_order_id IS 'Ticket of the order at the broker.';
COMMENT ON COLUMN public.tv_signals.error_message IS 'code: text; why it failed or was discarded, or what it waits for.';
COMMENT ON COLUMN public.tv_signals.raw_payload IS 'The alert as received, secrets masked.';
COMMENT ON COLUMN public.tv_signals.created_at IS 'When the row was made.';
COMMENT ON COLUMN public.tv_signals.resolved_at IS 'When it stopped being pending.';
CREATE INDEX tv_signals_user_idx ON public.tv_signals (user_id, created_at DESC);
CREATE INDEX tv_signals_strategy_idx ON public.tv_signals (strategy_id) WHERE strategy_id IS NOT NULL;
ALTER TABLE public.tv_signals ENABLE ROW LEVEL SECURITY;
CREATE POLICY tv_signals_own ON public.tv_signals FOR SELECT TO authenticated
    USING ((SELECT auth.uid()) = user_id);

-- The claim as the document states it. 20251106000000_claim.sql replaces its body when lanes, targets and
-- leases exist.
CREATE FUNCTION public.claim_next_job(p_agent_id uuid) RETURNS SETOF public.jobs
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    WITH next AS (
        SELECT j.id FROM jobs j JOIN mt5_agents a ON a.user_id = j.user_id
        WHERE a.id = p_agent_id AND j.status = 'pending' AND (j.agent_id IS NULL OR j.agent_id = p_agent_id)
        ORDER BY j.created_at, j.id LIMIT 1
        FOR UPDATE OF j SKIP LOCKED)
    UPDATE jobs j SET status = 'claimed', agent_id = p_agent_id, claimed_at = clock_timestamp()
    FROM next WHERE j.id = next.id AND j.status = 'pending' RETURNING j.*
$$;
REVOKE ALL ON FUNCTION public.claim_next_job(uuid) FROM PUBLIC;
