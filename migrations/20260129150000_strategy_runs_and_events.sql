-- Strategy runs, and what happened to each, in order. 20260129170000_unify_runner_strategy_runs.sql says who may read
-- and write them, and brings an older installation's own tables of these names, kept here as they are, to this shape.

CREATE TABLE IF NOT EXISTS public.strategy_runs (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL CONSTRAINT strategy_runs_user_id_fkey REFERENCES public.user_profiles ON DELETE CASCADE,
    exchange_connection_id UUID,
    exchange TEXT NOT NULL,
    market_type TEXT NOT NULL DEFAULT 'futures',
    symbol TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    direction TEXT NOT NULL DEFAULT 'both',
    leverage INTEGER NOT NULL DEFAULT 1,
    margin_mode TEXT NOT NULL DEFAULT 'isolated',
    position_mode TEXT NOT NULL DEFAULT 'one_way',
    order_size_pct NUMERIC,
    initial_capital_usdt NUMERIC,
    take_profit_pct NUMERIC,
    stop_loss_pct NUMERIC,
    strategy_template TEXT NOT NULL,
    strategy_params JSONB DEFAULT '{}',
    status TEXT NOT NULL DEFAULT 'draft',
    last_signal_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CALL public.installation_take_over('strategy_runs');
CALL public.installation_small_rule('strategy_runs', 'user_id', 'strategy_runs_user_id_fkey',
    'FOREIGN KEY (user_id) REFERENCES user_profiles(id) ON DELETE CASCADE');
REVOKE ALL ON public.strategy_runs FROM PUBLIC, anon, authenticated, service_role; -- Supabase's default privileges
ALTER TABLE public.strategy_runs OWNER TO tradewire_owner;
ALTER TABLE public.strategy_runs ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE public.strategy_runs IS 'A rule at work on one symbol: the runner evaluates it once per bar and turns buy and sell into trade jobs.';
COMMENT ON COLUMN public.strategy_runs.id IS 'The row''s id.';
COMMENT ON COLUMN public.strategy_runs.user_id IS 'The user it belongs to, user_profiles.id.';
COMMENT ON COLUMN public.strategy_runs.exchange_connection_id IS 'The connection that it trades through; NULL: none, its ticks are blocked.';
COMMENT ON COLUMN public.strategy_runs.exchange IS 'binance, bybit or mt5.';
COMMENT ON COLUMN public.strategy_runs.market_type IS 'spot, futures or forex.';
COMMENT ON COLUMN public.strategy_runs.symbol IS 'Canonical symbol.';
COMMENT ON COLUMN public.strategy_runs.timeframe IS 'Length of a bar: one of the 21 names from M1 to MN1, or 1m, 5m, 15m, 1h.';
COMMENT ON COLUMN public.strategy_runs.direction IS 'What it may open: long, short or both.';
COMMENT ON COLUMN public.strategy_runs.leverage IS 'Times; 1 = none.';
COMMENT ON COLUMN public.strategy_runs.margin_mode IS 'isolated or cross.';
COMMENT ON COLUMN public.strategy_runs.position_mode IS 'one_way or hedge.';
COMMENT ON COLUMN public.strategy_runs.order_size_pct IS 'Size of one order, percent of equity (1.00 = one percent); NULL: the user''s default.';
COMMENT ON COLUMN public.strategy_runs.initial_capital_usdt IS 'Capital that it was tested with, USDT.';
COMMENT ON COLUMN public.strategy_runs.take_profit_pct IS 'Distance of the target from the entry, percent of the price; NULL: none.';
COMMENT ON COLUMN public.strategy_runs.stop_loss_pct IS 'Distance of the stop from the entry, percent of the price; NULL: none.';
COMMENT ON COLUMN public.strategy_runs.strategy_template IS 'Which rule it follows; legacy: a row of the older table strategies.';
COMMENT ON COLUMN public.strategy_runs.strategy_params IS 'The rule''s parameters; members by template.';
COMMENT ON COLUMN public.strategy_runs.status IS 'draft, active (it is ticked), paused or stopped.';
COMMENT ON COLUMN public.strategy_runs.last_signal_at IS 'When a tick last gave buy or sell; UTC.';
COMMENT ON COLUMN public.strategy_runs.created_at IS 'When the row was made.';
COMMENT ON COLUMN public.strategy_runs.updated_at IS 'When the row last changed.';
-- migrate:ignore require-concurrent-index-creation made above; an older installation has a few runs per user
CREATE INDEX IF NOT EXISTS idx_strategy_runs_user_id ON public.strategy_runs (user_id);
COMMENT ON INDEX public.idx_strategy_runs_user_id IS 'A user''s runs; deleting a user.';
-- migrate:ignore require-concurrent-index-creation made above; an older installation has a few runs per user
CREATE INDEX IF NOT EXISTS idx_strategy_runs_exchange_connection_id ON public.strategy_runs (exchange_connection_id);
COMMENT ON INDEX public.idx_strategy_runs_exchange_connection_id IS 'The runs of a connection; deleting a connection.';
-- migrate:ignore require-concurrent-index-creation made above; an older installation has a few runs per user
CREATE INDEX IF NOT EXISTS idx_strategy_runs_status ON public.strategy_runs (status);
COMMENT ON INDEX public.idx_strategy_runs_status IS 'The runner''s look at what is active, every tick.';

CREATE TABLE IF NOT EXISTS public.strategy_events (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    strategy_run_id UUID NOT NULL
        CONSTRAINT strategy_events_strategy_run_id_fkey REFERENCES public.strategy_runs ON DELETE CASCADE,
    user_id UUID NOT NULL CONSTRAINT strategy_events_user_id_fkey REFERENCES public.user_profiles ON DELETE CASCADE,
    event_type TEXT NOT NULL,
    payload JSONB NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CALL public.installation_take_over('strategy_events');
CALL public.installation_small_rule('strategy_events', 'strategy_run_id', 'strategy_events_strategy_run_id_fkey',
    'FOREIGN KEY (strategy_run_id) REFERENCES strategy_runs(id) ON DELETE CASCADE');
CALL public.installation_small_rule('strategy_events', 'user_id', 'strategy_events_user_id_fkey',
    'FOREIGN KEY (user_id) REFERENCES user_profiles(id) ON DELETE CASCADE');
REVOKE ALL ON public.strategy_events FROM PUBLIC, anon, authenticated, service_role; -- Supabase's default privileges
ALTER TABLE public.strategy_events OWNER TO tradewire_owner;
ALTER TABLE public.strategy_events ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE public.strategy_events IS 'What happened to a run, in order: signals, orders, refusals, changes of its status. Only added to.';
COMMENT ON COLUMN public.strategy_events.id IS 'The row''s id.';
COMMENT ON COLUMN public.strategy_events.strategy_run_id IS 'The run.';
COMMENT ON COLUMN public.strategy_events.user_id IS 'The run''s user, user_profiles.id.';
COMMENT ON COLUMN public.strategy_events.event_type IS 'A stable word: signal, order_submit, order_fill, risk_block, error and the like.';
COMMENT ON COLUMN public.strategy_events.payload IS 'What it was, without secrets; members by event_type.';
COMMENT ON COLUMN public.strategy_events.created_at IS 'When it happened; UTC.';
-- migrate:ignore require-concurrent-index-creation made above; an older installation's runner is stopped meanwhile
CREATE INDEX IF NOT EXISTS idx_strategy_events_user_id ON public.strategy_events (user_id);
COMMENT ON INDEX public.idx_strategy_events_user_id IS 'Deleting a user.';
