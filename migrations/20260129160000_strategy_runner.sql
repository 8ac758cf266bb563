-- The runner's first shape: strategies with their ticks, locks and the users' risk figures. The next file turns each
-- strategy into a run of the same id. An older installation's own tables of these names are kept as they are; one
-- whose ticks name runs already has the later shape, and gets no strategy_id.

CREATE TABLE IF NOT EXISTS public.strategies (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL CONSTRAINT strategies_user_id_fkey REFERENCES public.user_profiles ON DELETE CASCADE,
    name TEXT NOT NULL,
    exchange TEXT NOT NULL CONSTRAINT strategies_exchange_check CHECK (exchange IN ('binance', 'bybit', 'mt5')),
    market_type TEXT NOT NULL DEFAULT 'futures'
        CONSTRAINT strategies_market_type_check CHECK (market_type IN ('spot', 'futures', 'forex')),
    symbol TEXT NOT NULL,
    timeframe TEXT NOT NULL DEFAULT '5m'
        CONSTRAINT strategies_timeframe_check CHECK (timeframe IN (
            'M1', 'M2', 'M3', 'M4', 'M5', 'M6', 'M10', 'M12', 'M15', 'M20', 'M30',
            'H1', 'H2', 'H3', 'H4', 'H6', 'H8', 'H12', 'D1', 'W1', 'MN1', '1m', '5m', '15m', '1h')),
    status TEXT NOT NULL DEFAULT 'active'
        CONSTRAINT strategies_status_check CHECK (status IN ('active', 'paused', 'stopped')),
    side_mode TEXT NOT NULL DEFAULT 'both'
        CONSTRAINT strategies_side_mode_check CHECK (side_mode IN ('long', 'short', 'both')),
    leverage INTEGER NOT NULL DEFAULT 1
        CONSTRAINT strategies_leverage_check CHECK (leverage >= 1),
    order_size_pct NUMERIC NOT NULL DEFAULT 10
        CONSTRAINT strategies_order_size_pct_check CHECK (order_size_pct > 0 AND order_size_pct <= 100),
    take_profit_pct NUMERIC,
    stop_loss_pct NUMERIC,
    last_run_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CALL public.installation_take_over('strategies');
CALL public.installation_small_rule('strategies', 'user_id', 'strategies_user_id_fkey',
    'FOREIGN KEY (user_id) REFERENCES user_profiles(id) ON DELETE CASCADE');
CALL public.installation_small_rule('strategies', 'status', 'strategies_status_check',
    'CHECK ((status = ANY (ARRAY[''active''::text, ''paused''::text, ''stopped''::text])))');
CALL public.installation_small_rule('strategies', 'side_mode', 'strategies_side_mode_check',
    'CHECK ((side_mode = ANY (ARRAY[''long''::text, ''short''::text, ''both''::text])))');
CALL public.installation_small_rule('strategies', 'order_size_pct', 'strategies_order_size_pct_check',
    'CHECK (((order_size_pct > (0)::numeric) AND (order_size_pct <= (100)::numeric)))');
REVOKE ALL ON public.strategies FROM PUBLIC, anon, authenticated, service_role; -- Supabase's default privileges
ALTER TABLE public.strategies OWNER TO tradewire_owner;
ALTER TABLE public.strategies ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE public.strategies IS 'Older form of strategy_runs; each row lives on as the run of the same id.';
COMMENT ON COLUMN public.strategies.id IS 'The row''s id, and the run''s.';
COMMENT ON COLUMN public.strategies.user_id IS 'The user it belongs to, user_profiles.id.';
COMMENT ON COLUMN public.strategies.name IS 'The user''s name for it.';
COMMENT ON COLUMN public.strategies.exchange IS 'binance, bybit or mt5.';
COMMENT ON COLUMN public.strategies.market_type IS 'spot, futures or forex.';
COMMENT ON COLUMN public.strategies.symbol IS 'Canonical symbol.';
COMMENT ON COLUMN public.strategies.timeframe IS 'Length of a bar: one of the 21 names from M1 to MN1, or 1m, 5m, 15m, 1h.';
COMMENT ON COLUMN public.strategies.status IS 'active, paused or stopped.';
COMMENT ON COLUMN public.strategies.side_mode IS 'What it may open: long, short or both.';
COMMENT ON COLUMN public.strategies.leverage IS 'Times; 1 = none.';
COMMENT ON COLUMN public.strategies.order_size_pct IS 'Size of one order, percent of equity.';
COMMENT ON COLUMN public.strategies.take_profit_pct IS 'Distance of the target from the entry, percent of the price.';
COMMENT ON COLUMN public.strategies.stop_loss_pct IS 'Distance of the stop from the entry, percent of the price.';
COMMENT ON COLUMN public.strategies.last_run_at IS 'When it was last ticked; UTC.';
COMMENT ON COLUMN public.strategies.created_at IS 'When the row was made.';
COMMENT ON COLUMN public.strategies.updated_at IS 'When the row last changed.';
-- migrate:ignore require-concurrent-index-creation made above; an older installation has a few rows per user
CREATE INDEX IF NOT EXISTS idx_strategies_user_id ON public.strategies (user_id);
COMMENT ON INDEX public.idx_strategies_user_id IS 'A user''s strategies; deleting a user.';

CREATE TABLE IF NOT EXISTS public.strategy_tick_runs (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    strategy_id UUID NOT NULL
        CONSTRAINT strategy_tick_runs_strategy_id_fkey REFERENCES public.strategies ON DELETE CASCADE,
    user_id UUID NOT NULL CONSTRAINT strategy_tick_runs_user_id_fkey REFERENCES public.user_profiles ON DELETE CASCADE,
    scheduled_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    finished_at TIMESTAMPTZ,
    status TEXT NOT NULL
        CONSTRAINT strategy_tick_runs_status_check CHECK (status IN ('ok', 'skipped', 'blocked', 'error')),
    reason TEXT,
    signal TEXT CONSTRAINT strategy_tick_runs_signal_check CHECK (signal IN ('buy', 'sell', 'hold')),
    latency_ms INTEGER,
    meta JSONB NOT NULL DEFAULT '{}'
);
CALL public.installation_take_over('strategy_tick_runs');
CALL public.installation_small_rule('strategy_tick_runs', 'user_id', 'strategy_tick_runs_user_id_fkey',
    'FOREIGN KEY (user_id) REFERENCES user_profiles(id) ON DELETE CASCADE');
CALL public.installation_small_rule('strategy_tick_runs', 'status', 'strategy_tick_runs_status_check',
    'CHECK ((status = ANY (ARRAY[''ok''::text, ''skipped''::text, ''blocked''::text, ''error''::text])))');
CALL public.installation_small_rule('strategy_tick_runs', 'signal', 'strategy_tick_runs_signal_check',
    'CHECK ((signal = ANY (ARRAY[''buy''::text, ''sell''::text, ''hold''::text])))');
REVOKE ALL ON public.strategy_tick_runs FROM PUBLIC, anon, authenticated, service_role; -- Supabase's default privileges
ALTER TABLE public.strategy_tick_runs OWNER TO tradewire_owner;
ALTER TABLE public.strategy_tick_runs ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE public.strategy_tick_runs IS 'One row per scheduled tick: what came of it, whatever came of it.';
COMMENT ON COLUMN public.strategy_tick_runs.id IS 'The row''s id.';
COMMENT ON COLUMN public.strategy_tick_runs.user_id IS 'The user it belongs to, user_profiles.id.';
COMMENT ON COLUMN public.strategy_tick_runs.scheduled_at IS 'The bar''s boundary that it was due at; UTC.';
COMMENT ON COLUMN public.strategy_tick_runs.started_at IS 'When it began; UTC.';
COMMENT ON COLUMN public.strategy_tick_runs.finished_at IS 'When it ended; UTC.';
COMMENT ON COLUMN public.strategy_tick_runs.status IS 'ok, skipped, blocked (by risk, switches or its connection) or error.';
COMMENT ON COLUMN public.strategy_tick_runs.reason IS 'Why it was not ok: a stable word, e.g. connection_not_supported, daily_max_loss.';
COMMENT ON COLUMN public.strategy_tick_runs.signal IS 'What the rule said: buy, sell or hold; NULL: it was not asked.';
COMMENT ON COLUMN public.strategy_tick_runs.latency_ms IS 'From scheduled to finished, milliseconds.';
COMMENT ON COLUMN public.strategy_tick_runs.meta IS 'Further facts, e.g. the job that it led to.';
-- migrate:ignore require-concurrent-index-creation made above; an older installation's runner is stopped meanwhile
CREATE INDEX IF NOT EXISTS idx_strategy_tick_runs_user_id ON public.strategy_tick_runs (user_id);
COMMENT ON INDEX public.idx_strategy_tick_runs_user_id IS 'Deleting a user.';
-- migrate:ignore require-concurrent-index-creation made above; an older installation's runner is stopped meanwhile
CREATE INDEX IF NOT EXISTS idx_strategy_tick_runs_scheduled_at ON public.strategy_tick_runs (scheduled_at DESC);
COMMENT ON INDEX public.idx_strategy_tick_runs_scheduled_at IS 'All ticks, newest first: the admin''s list, retention.';

CREATE TABLE IF NOT EXISTS public.strategy_locks (
    strategy_id UUID PRIMARY KEY CONSTRAINT strategy_locks_strategy_id_fkey REFERENCES public.strategies ON DELETE CASCADE,
    locked_until TIMESTAMPTZ NOT NULL,
    lock_owner TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CALL public.installation_take_over('strategy_locks');
REVOKE ALL ON public.strategy_locks FROM PUBLIC, anon, authenticated, service_role; -- Supabase's default privileges
ALTER TABLE public.strategy_locks OWNER TO tradewire_owner;
ALTER TABLE public.strategy_locks ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE public.strategy_locks IS 'Which runner is at work on what.';
COMMENT ON COLUMN public.strategy_locks.locked_until IS 'Nobody else may take it before; UTC.';
COMMENT ON COLUMN public.strategy_locks.lock_owner IS 'The runner''s name, unique per process.';
COMMENT ON COLUMN public.strategy_locks.updated_at IS 'When it was last taken or renewed; UTC.';

-- migrate:ignore require-concurrent-index-creation made above; an older installation's runner is stopped meanwhile
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'public.strategy_tick_runs'::regclass
               AND attname = 'strategy_id' AND NOT attisdropped) THEN
        COMMENT ON COLUMN public.strategy_tick_runs.strategy_id IS 'The strategy.';
        CALL public.installation_small_rule('strategy_tick_runs', 'strategy_id', 'strategy_tick_runs_strategy_id_fkey',
            'FOREIGN KEY (strategy_id) REFERENCES strategies(id) ON DELETE CASCADE');
        CREATE INDEX IF NOT EXISTS idx_strategy_tick_runs_strategy_id ON public.strategy_tick_runs (strategy_id);
        COMMENT ON INDEX public.idx_strategy_tick_runs_strategy_id IS 'A strategy''s ticks.';
    END IF;
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'public.strategy_locks'::regclass
               AND attname = 'strategy_id' AND NOT attisdropped) THEN
        COMMENT ON COLUMN public.strategy_locks.strategy_id IS 'The strategy.';
        CALL public.installation_small_rule('strategy_locks', 'strategy_id', 'strategy_locks_strategy_id_fkey',
            'FOREIGN KEY (strategy_id) REFERENCES strategies(id) ON DELETE CASCADE');
    END IF;
END $$;

CREATE TABLE IF NOT EXISTS public.strategy_risk_state (
    user_id UUID NOT NULL CONSTRAINT strategy_risk_state_user_id_fkey REFERENCES public.user_profiles ON DELETE CASCADE,
    day DATE NOT NULL,
    realized_pnl_usdt NUMERIC NOT NULL DEFAULT 0,
    trades_count INTEGER NOT NULL DEFAULT 0,
    consecutive_losses INTEGER NOT NULL DEFAULT 0,
    is_paused BOOLEAN NOT NULL DEFAULT FALSE,
    paused_reason TEXT,
    paused_until TIMESTAMPTZ,
    last_trade_at TIMESTAMPTZ,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, day)
);
CALL public.installation_take_over('strategy_risk_state');
CALL public.installation_small_rule('strategy_risk_state', 'user_id', 'strategy_risk_state_user_id_fkey',
    'FOREIGN KEY (user_id) REFERENCES user_profiles(id) ON DELETE CASCADE');
REVOKE ALL ON public.strategy_risk_state FROM PUBLIC, anon, authenticated, service_role; -- Supabase's default privileges
ALTER TABLE public.strategy_risk_state OWNER TO tradewire_owner;
ALTER TABLE public.strategy_risk_state ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE public.strategy_risk_state IS 'A user''s risk figures of one day, over all runs.';
COMMENT ON COLUMN public.strategy_risk_state.user_id IS 'The user, user_profiles.id.';
COMMENT ON COLUMN public.strategy_risk_state.day IS 'The day, UTC.';
COMMENT ON COLUMN public.strategy_risk_state.realized_pnl_usdt IS 'Profit of the day''s closed trades, USDT or the account''s currency; negative: the daily loss.';
COMMENT ON COLUMN public.strategy_risk_state.trades_count IS 'Trades of the day.';
COMMENT ON COLUMN public.strategy_risk_state.consecutive_losses IS 'Losing trades in a row.';
COMMENT ON COLUMN public.strategy_risk_state.is_paused IS 'Whether the user''s runs may not trade.';
COMMENT ON COLUMN public.strategy_risk_state.paused_reason IS 'Why: a stable word, e.g. daily_max_loss.';
COMMENT ON COLUMN public.strategy_risk_state.paused_until IS 'When the pause ends by itself; UTC.';
COMMENT ON COLUMN public.strategy_risk_state.last_trade_at IS 'When the last trade was: the cool-down begins here; UTC.';
COMMENT ON COLUMN public.strategy_risk_state.updated_at IS 'When the row last changed.';
