-- Runs take over from strategies: each strategy becomes a run of the same id, so ticks and locks keep their reference
-- under another name. Then rules, keys and rights of all of the runner's tables, wherever they came from: an older
-- installation's tables are brought to the same shape, its rows kept.
--
-- While this file runs the runner stands still; its tables hold one row per run, and the ticks of an older
-- installation at most.

-- --- what an older installation had ------------------------------------------------------------------------------------

-- Where the two files before this one made the tables, or met them, that is done already.
CALL public.installation_take_over('strategy_runs');
CALL public.installation_take_over('strategy_events');
CALL public.installation_take_over('strategies');
CALL public.installation_take_over('strategy_tick_runs');
CALL public.installation_take_over('strategy_locks');
CALL public.installation_take_over('strategy_risk_state');

DO $$
DECLARE
    v_object record;
BEGIN
    -- Rules over one column, whatever they are called: they come again below.
    FOR v_object IN
        SELECT c.conrelid::regclass AS relation, c.conname AS name
        FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
        WHERE c.contype = 'c'
          AND (c.conrelid IN ('public.strategy_runs'::regclass, 'public.strategy_events'::regclass)
               OR (c.conrelid = 'public.strategies'::regclass
                   AND a.attname IN ('exchange', 'market_type', 'timeframe', 'leverage')))
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', v_object.relation, v_object.name);
    END LOOP;
END $$;

-- --- runs --------------------------------------------------------------------------------------------------------------

SET ROLE tradewire_owner;

-- migrate:ignore disallowed-unique-constraint a few rows per user
-- migrate:ignore adding-foreign-key-constraint a few rows per user, and the column is new
-- migrate:ignore contract-directive the id alone is unique already, and the column is new
ALTER TABLE user_exchange_connections
    ADD COLUMN IF NOT EXISTS broker_connection_id UUID,
    ADD CONSTRAINT user_exchange_connections_id_user_key UNIQUE (id, user_id),
    ADD CONSTRAINT user_exchange_connections_broker_connection_fkey
        FOREIGN KEY (broker_connection_id, user_id) REFERENCES broker_connections (id, user_id)
        ON DELETE SET NULL (broker_connection_id);
COMMENT ON COLUMN user_exchange_connections.broker_connection_id IS 'The account, and so the agent, that runs of this connection trade on; NULL: their ticks are blocked: connection_not_supported.';
COMMENT ON CONSTRAINT user_exchange_connections_id_user_key ON user_exchange_connections IS 'Lets foreign keys demand that the connection is the same user''s.';
COMMENT ON CONSTRAINT user_exchange_connections_broker_connection_fkey ON user_exchange_connections IS 'The account is the same user''s.';
-- migrate:ignore require-concurrent-index-creation a few rows per user
CREATE INDEX user_exchange_connections_broker_connection_idx ON user_exchange_connections (broker_connection_id)
    WHERE broker_connection_id IS NOT NULL;
COMMENT ON INDEX user_exchange_connections_broker_connection_idx IS 'Deleting a connection.';
GRANT SELECT (broker_connection_id) ON user_exchange_connections TO authenticated;

ALTER TABLE strategy_runs
    ADD COLUMN IF NOT EXISTS name TEXT,
    ADD COLUMN IF NOT EXISTS last_run_at TIMESTAMPTZ,
    ALTER COLUMN exchange_connection_id DROP NOT NULL,
    ALTER COLUMN order_size_pct DROP NOT NULL,
    ALTER COLUMN initial_capital_usdt DROP NOT NULL,
    ALTER COLUMN take_profit_pct DROP NOT NULL,
    ALTER COLUMN stop_loss_pct DROP NOT NULL,
    ALTER COLUMN direction SET DEFAULT 'both',
    ALTER COLUMN leverage SET DEFAULT 1,
    DROP CONSTRAINT IF EXISTS strategy_runs_exchange_connection_id_fkey;
COMMENT ON COLUMN strategy_runs.name IS 'The user''s name for it.';
COMMENT ON COLUMN strategy_runs.last_run_at IS 'When it was last ticked; NULL: never; UTC.';

-- What an older installation's rules let through and these don't: a run through somebody else's connection loses it and
-- waits for its user; `4h` becomes H4; a timeframe that no terminal has becomes D1, a size that is no percentage of
-- anything the user's default, and the run waits, too. The old values are written down.
RESET ROLE;
WITH judged AS (
    SELECT r.id, c.user_id IS NOT NULL AND c.user_id <> r.user_id AS is_foreign, n.name AS timeframe,
           n.name = ANY (string_to_array('M1 M2 M3 M4 M5 M6 M10 M12 M15 M20 M30 H1 H2 H3 H4 H6 H8 H12 D1 W1 MN1 '
                                         '1m 5m 15m 1h', ' ')) AS is_known,
           coalesce(r.order_size_pct <= 0 OR r.order_size_pct > 100, FALSE) AS is_wrong_size
    FROM public.strategy_runs r
    LEFT JOIN public.user_exchange_connections c ON c.id = r.exchange_connection_id
    CROSS JOIN LATERAL (SELECT CASE WHEN r.timeframe IN ('1m', '5m', '15m', '1h') THEN r.timeframe
                                    WHEN r.timeframe = '1M' THEN 'MN1'
                                    WHEN r.timeframe ~ '^[0-9]{1,2}[mhdw]$'
                                        THEN upper(right(r.timeframe, 1)) || rtrim(r.timeframe, 'mhdw')
                                    ELSE r.timeframe END AS name) n
), kept AS (
    INSERT INTO public.installation_rows (version, relation, row_id, before)
    SELECT 20260129170000, 'strategy_runs', r.id, jsonb_build_object('exchange_connection_id', r.exchange_connection_id,
               'timeframe', r.timeframe, 'became', CASE WHEN j.is_known THEN j.timeframe ELSE 'D1' END,
               'leverage', r.leverage, 'status', r.status)
               || CASE WHEN j.is_wrong_size THEN jsonb_build_object('order_size_pct', r.order_size_pct) ELSE '{}' END
    FROM public.strategy_runs r JOIN judged j USING (id)
    WHERE j.is_foreign OR NOT j.is_known OR j.timeframe <> r.timeframe OR r.leverage < 1 OR j.is_wrong_size
    RETURNING row_id
)
UPDATE public.strategy_runs r
SET exchange_connection_id = CASE WHEN NOT j.is_foreign THEN r.exchange_connection_id END,
    timeframe = CASE WHEN j.is_known THEN j.timeframe ELSE 'D1' END,
    leverage = greatest(r.leverage, 1),
    order_size_pct = CASE WHEN NOT j.is_wrong_size THEN r.order_size_pct END,
    status = CASE WHEN j.is_foreign OR NOT j.is_known OR j.is_wrong_size THEN 'draft' ELSE r.status END
FROM judged j JOIN kept k ON k.row_id = j.id
WHERE r.id = j.id;
SET ROLE tradewire_owner;

-- The older table knows no connection: a strategy traded through the user's connection of its exchange. Where there is
-- exactly one, that is it; otherwise the run is a draft until its user names one.
INSERT INTO strategy_runs (id, user_id, exchange_connection_id, exchange, market_type, symbol, timeframe, direction,
                           leverage, order_size_pct, take_profit_pct, stop_loss_pct, strategy_template, name, status,
                           last_run_at, created_at, updated_at)
SELECT s.id, s.user_id, c.id, s.exchange, s.market_type, s.symbol, s.timeframe, s.side_mode, s.leverage,
       CASE WHEN s.order_size_pct > 0 AND s.order_size_pct <= 100 THEN s.order_size_pct END, s.take_profit_pct,
       s.stop_loss_pct, 'legacy', s.name,
       CASE WHEN c.id IS NULL OR s.order_size_pct <= 0 OR s.order_size_pct > 100 THEN 'draft' ELSE s.status END,
       s.last_run_at, s.created_at, s.updated_at
FROM strategies s
LEFT JOIN LATERAL (
    SELECT min(x.id::text)::uuid AS id FROM user_exchange_connections x
    WHERE x.user_id = s.user_id AND x.exchange = s.exchange HAVING count(*) = 1) c ON TRUE
ON CONFLICT (id) DO NOTHING;

-- migrate:ignore constraint-missing-not-valid a few rows per user
-- migrate:ignore adding-foreign-key-constraint a few rows per user
-- migrate:ignore disallowed-unique-constraint a few rows per user
-- migrate:ignore contract-directive no program of an earlier release writes here
ALTER TABLE strategy_runs
    ADD CONSTRAINT strategy_runs_id_user_key UNIQUE (id, user_id),
    ADD CONSTRAINT strategy_runs_exchange_connection_fkey
        FOREIGN KEY (exchange_connection_id, user_id) REFERENCES user_exchange_connections (id, user_id)
        ON DELETE SET NULL (exchange_connection_id),
    ADD CONSTRAINT strategy_runs_exchange_check CHECK (exchange IN ('binance', 'bybit', 'mt5')),
    ADD CONSTRAINT strategy_runs_market_type_check CHECK (market_type IN ('spot', 'futures', 'forex')),
    ADD CONSTRAINT strategy_runs_timeframe_check CHECK (timeframe IN (
        'M1', 'M2', 'M3', 'M4', 'M5', 'M6', 'M10', 'M12', 'M15', 'M20', 'M30',
        'H1', 'H2', 'H3', 'H4', 'H6', 'H8', 'H12', 'D1', 'W1', 'MN1', '1m', '5m', '15m', '1h')),
    ADD CONSTRAINT strategy_runs_direction_check CHECK (direction IN ('long', 'short', 'both')),
    ADD CONSTRAINT strategy_runs_leverage_check CHECK (leverage >= 1),
    ADD CONSTRAINT strategy_runs_order_size_pct_check CHECK (order_size_pct > 0 AND order_size_pct <= 100),
    ADD CONSTRAINT strategy_runs_margin_mode_check CHECK (margin_mode IN ('isolated', 'cross')),
    ADD CONSTRAINT strategy_runs_position_mode_check CHECK (position_mode IN ('one_way', 'hedge')),
    ADD CONSTRAINT strategy_runs_status_check CHECK (status IN ('draft', 'active', 'paused', 'stopped'));
COMMENT ON CONSTRAINT strategy_runs_id_user_key ON strategy_runs IS 'Lets foreign keys demand that the run is the same user''s.';
COMMENT ON CONSTRAINT strategy_runs_exchange_connection_fkey ON strategy_runs IS 'The connection is the same user''s.';
COMMENT ON CONSTRAINT strategy_runs_order_size_pct_check ON strategy_runs IS 'A part of the equity, as of strategies: each run can go back to them.';
COMMENT ON CONSTRAINT strategy_runs_timeframe_check ON strategy_runs IS 'MetaTrader''s 21 names; 1m, 5m, 15m and 1h are the older ones for M1, M5, M15 and H1.';

-- The older table takes any run, so that each can go back to it.
-- migrate:ignore constraint-missing-not-valid a few rows per user
-- migrate:ignore contract-directive no program of an earlier release writes here
ALTER TABLE strategies
    ADD CONSTRAINT strategies_exchange_check CHECK (exchange IN ('binance', 'bybit', 'mt5')),
    ADD CONSTRAINT strategies_market_type_check CHECK (market_type IN ('spot', 'futures', 'forex')),
    ADD CONSTRAINT strategies_timeframe_check CHECK (timeframe IN (
        'M1', 'M2', 'M3', 'M4', 'M5', 'M6', 'M10', 'M12', 'M15', 'M20', 'M30',
        'H1', 'H2', 'H3', 'H4', 'H6', 'H8', 'H12', 'D1', 'W1', 'MN1', '1m', '5m', '15m', '1h')),
    ADD CONSTRAINT strategies_leverage_check CHECK (leverage >= 1);

-- In order: times of one transaction are equal. An older installation's events keep the order that they lie in.
-- migrate:ignore adding-field-with-default the runner stands still
ALTER TABLE strategy_events
    ADD COLUMN IF NOT EXISTS seq BIGINT GENERATED ALWAYS AS IDENTITY;
COMMENT ON COLUMN strategy_events.seq IS 'The order of events.';
DO $$
BEGIN
    IF NOT installation_had('strategy_events', 'column', 'seq') THEN
        COMMENT ON SEQUENCE strategy_events_seq_seq IS 'strategy_events.seq: the order of events.';
    END IF;
END $$;
-- migrate:ignore constraint-missing-not-valid the runner stands still
-- migrate:ignore contract-directive no program of an earlier release writes here
ALTER TABLE strategy_events
    ADD CONSTRAINT strategy_events_event_type_check CHECK (event_type ~ '^[a-z][a-z_]{0,39}$');
-- migrate:ignore require-concurrent-index-creation the runner stands still
CREATE INDEX strategy_events_run_idx ON strategy_events (strategy_run_id, seq);
COMMENT ON INDEX strategy_events_run_idx IS 'What happened to a run, in order; deleting a run.';

-- --- ticks and locks -----------------------------------------------------------------------------------------------------

-- Renamed, not copied: every row keeps the id that it has, which is the run's.
-- migrate:ignore require-concurrent-index-deletion the runner stands still
DO $$
DECLARE
    v_table text;
    v_key text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['strategy_tick_runs', 'strategy_locks'] LOOP
        IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = format('public.%I', v_table)::regclass
                   AND attname = 'strategy_id' AND NOT attisdropped) THEN
            EXECUTE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS %I', v_table, v_table || '_strategy_id_fkey');
            EXECUTE format('ALTER TABLE %I RENAME COLUMN strategy_id TO strategy_run_id', v_table);
        END IF;
        FOR v_key IN
            SELECT c.conname FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
            WHERE c.conrelid = format('public.%I', v_table)::regclass AND c.contype = 'f' AND a.attname = 'strategy_run_id'
        LOOP
            EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', v_table, v_key);
        END LOOP;
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I FOREIGN KEY (strategy_run_id) REFERENCES strategy_runs '
                       'ON DELETE CASCADE', v_table, v_table || '_strategy_run_id_fkey');
    END LOOP;
    IF EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('public.idx_strategy_tick_runs_strategy_id')) THEN
        DROP INDEX idx_strategy_tick_runs_strategy_id; -- the key below begins with the same column
    END IF;
END $$;
-- NULL is what an older installation has that converted its ticks by itself and forgot whose they were.
ALTER TABLE strategy_tick_runs ALTER COLUMN strategy_run_id DROP NOT NULL;
COMMENT ON COLUMN strategy_tick_runs.strategy_run_id IS 'The run; NULL only in rows of older installations.';
COMMENT ON COLUMN strategy_locks.strategy_run_id IS 'The run.';

-- One row per (run, scheduled tick). Older runners could write two: the later ones move by a microsecond each, and
-- their true time is written down.
RESET ROLE;
WITH doubled AS (
    SELECT t.id, t.scheduled_at, row_number() OVER (PARTITION BY t.strategy_run_id, t.scheduled_at
                                                    ORDER BY t.started_at, t.id) - 1 AS place
    FROM public.strategy_tick_runs t WHERE t.strategy_run_id IS NOT NULL
), kept AS (
    INSERT INTO public.installation_rows (version, relation, row_id, before)
    SELECT 20260129170000, 'strategy_tick_runs', d.id, jsonb_build_object('scheduled_at', d.scheduled_at)
    FROM doubled d WHERE d.place > 0
)
UPDATE public.strategy_tick_runs t SET scheduled_at = d.scheduled_at + d.place * interval '1 microsecond'
FROM doubled d WHERE t.id = d.id AND d.place > 0;

-- What happened to a run is its user's. Where an older runner wrote somebody else, that is written down.
DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['strategy_tick_runs', 'strategy_events'] LOOP
        EXECUTE format('INSERT INTO public.installation_rows (version, relation, row_id, before)
                        SELECT 20260129170000, %1$L, t.id, jsonb_build_object(''user_id'', t.user_id)
                        FROM public.%1$I t JOIN public.strategy_runs r ON r.id = t.strategy_run_id
                        WHERE r.user_id <> t.user_id
                        ON CONFLICT (version, relation, row_id)
                        DO UPDATE SET before = installation_rows.before || excluded.before', v_table);
        EXECUTE format('UPDATE public.%I t SET user_id = r.user_id FROM public.strategy_runs r
                        WHERE r.id = t.strategy_run_id AND r.user_id <> t.user_id', v_table);
    END LOOP;
END $$;
SET ROLE tradewire_owner;
-- migrate:ignore adding-foreign-key-constraint the runner stands still
-- migrate:ignore contract-directive no program of an earlier release writes here
ALTER TABLE strategy_events
    ADD CONSTRAINT strategy_events_run_user_fkey FOREIGN KEY (strategy_run_id, user_id)
        REFERENCES strategy_runs (id, user_id) ON DELETE CASCADE;
COMMENT ON CONSTRAINT strategy_events_run_user_fkey ON strategy_events IS 'An event is its run''s user''s.';
-- migrate:ignore adding-foreign-key-constraint the runner stands still
-- migrate:ignore contract-directive no program of an earlier release writes here
ALTER TABLE strategy_tick_runs
    ADD CONSTRAINT strategy_tick_runs_run_user_fkey FOREIGN KEY (strategy_run_id, user_id)
        REFERENCES strategy_runs (id, user_id) ON DELETE CASCADE;
COMMENT ON CONSTRAINT strategy_tick_runs_run_user_fkey ON strategy_tick_runs IS 'A tick is its run''s user''s.';

-- Not a CHECK: old ticks without a run stay, and no rule that they break may be left behind.
CREATE FUNCTION strategy_tick_runs_need_run() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE not_null_violation USING MESSAGE = 'broken_invariant: a tick belongs to a run';
END $$;
COMMENT ON FUNCTION strategy_tick_runs_need_run IS 'Refuses a tick that names no run: the key over run and time would not hold it.';
CREATE TRIGGER strategy_tick_runs_need_run BEFORE INSERT OR UPDATE OF strategy_run_id ON strategy_tick_runs
    FOR EACH ROW WHEN (NEW.strategy_run_id IS NULL) EXECUTE FUNCTION strategy_tick_runs_need_run();
COMMENT ON TRIGGER strategy_tick_runs_need_run ON strategy_tick_runs IS 'A new tick names its run; only those of older installations may have none.';
-- migrate:ignore disallowed-unique-constraint the runner stands still
-- migrate:ignore contract-directive no program of an earlier release writes here
ALTER TABLE strategy_tick_runs
    ADD CONSTRAINT strategy_tick_runs_run_scheduled_key UNIQUE (strategy_run_id, scheduled_at);
COMMENT ON CONSTRAINT strategy_tick_runs_run_scheduled_key ON strategy_tick_runs IS 'No scheduled tick of a run is recorded twice.';

ALTER TABLE strategy_locks
    ADD COLUMN IF NOT EXISTS fence BIGINT NOT NULL DEFAULT 0;
COMMENT ON COLUMN strategy_locks.fence IS 'Raised by every taking: a runner that lost its lock sees it.';

-- --- risk ------------------------------------------------------------------------------------------------------------------

ALTER TABLE strategy_risk_state
    ADD COLUMN IF NOT EXISTS open_exposure NUMERIC NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS cooldown_until TIMESTAMPTZ;
COMMENT ON COLUMN strategy_risk_state.open_exposure IS 'Value of the open positions of the user''s runs, in the unit of realized_pnl_usdt.';
COMMENT ON COLUMN strategy_risk_state.cooldown_until IS 'No entry before; NULL: none runs; UTC.';

CREATE TABLE strategy_run_risk (
    strategy_run_id UUID NOT NULL,
    day DATE NOT NULL,
    user_id UUID NOT NULL,
    realized_pnl NUMERIC NOT NULL DEFAULT 0,
    open_exposure NUMERIC NOT NULL DEFAULT 0,
    trades_count INTEGER NOT NULL DEFAULT 0,
    consecutive_losses INTEGER NOT NULL DEFAULT 0,
    last_trade_at TIMESTAMPTZ,
    cooldown_until TIMESTAMPTZ,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (strategy_run_id, day),
    CONSTRAINT strategy_run_risk_run_fkey FOREIGN KEY (strategy_run_id, user_id)
        REFERENCES strategy_runs (id, user_id) ON DELETE CASCADE
);
COMMENT ON TABLE strategy_run_risk IS 'A run''s risk figures of one day.';
COMMENT ON COLUMN strategy_run_risk.strategy_run_id IS 'The run.';
COMMENT ON COLUMN strategy_run_risk.day IS 'The day, UTC.';
COMMENT ON COLUMN strategy_run_risk.user_id IS 'The run''s user, user_profiles.id.';
COMMENT ON COLUMN strategy_run_risk.realized_pnl IS 'Profit of the day''s closed trades, account currency; negative: the daily loss.';
COMMENT ON COLUMN strategy_run_risk.open_exposure IS 'Value of its open positions, account currency.';
COMMENT ON COLUMN strategy_run_risk.trades_count IS 'Trades of the day.';
COMMENT ON COLUMN strategy_run_risk.consecutive_losses IS 'Losing trades in a row.';
COMMENT ON COLUMN strategy_run_risk.last_trade_at IS 'When the last trade was; UTC.';
COMMENT ON COLUMN strategy_run_risk.cooldown_until IS 'No entry before; NULL: none runs; UTC.';
COMMENT ON COLUMN strategy_run_risk.updated_at IS 'When the row last changed.';
ALTER TABLE strategy_run_risk ENABLE ROW LEVEL SECURITY;

-- --- who may do what ---------------------------------------------------------------------------------------------------------

GRANT SELECT ON strategy_runs, strategy_events, strategies, strategy_tick_runs, strategy_locks, strategy_risk_state,
    strategy_run_risk TO authenticated, service_role, tradewire_dispatcher, tradewire_operator;

-- The runner and the API of runs are the dispatcher's. Nothing is deleted: a lock's fence must not begin again.
GRANT INSERT, UPDATE ON strategy_runs, strategy_tick_runs, strategy_locks, strategy_risk_state, strategy_run_risk
    TO tradewire_dispatcher;
GRANT INSERT ON strategy_events TO tradewire_dispatcher;

RESET ROLE;

-- As whoever migrates: on Supabase the owner of our tables may not name what is in auth.
DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['strategy_runs', 'strategy_events', 'strategies', 'strategy_tick_runs',
                                   'strategy_locks', 'strategy_risk_state', 'strategy_run_risk'] LOOP
        EXECUTE format('CREATE POLICY own ON public.%I FOR SELECT TO authenticated USING (%sEXISTS (
            SELECT FROM public.user_profiles p WHERE p.id = (SELECT auth.uid()) AND p.role = ''admin''))', v_table,
            CASE v_table WHEN 'strategy_locks' THEN '' ELSE 'user_id = (SELECT auth.uid()) OR ' END);
        EXECUTE format('CREATE POLICY service ON public.%I FOR SELECT TO service_role USING (true)', v_table);
        EXECUTE format('CREATE POLICY operator ON public.%I FOR SELECT TO tradewire_operator USING (true)', v_table);
        EXECUTE format('CREATE POLICY dispatcher ON public.%I FOR ALL TO tradewire_dispatcher USING (true) WITH CHECK (true)',
                       v_table);
        EXECUTE format('COMMENT ON POLICY own ON public.%I IS %L', v_table,
            CASE v_table WHEN 'strategy_locks' THEN 'Admins only.' ELSE 'Own rows; admins see all.' END);
    END LOOP;
END $$;
