-- Runs become strategies again where they were, and ticks and locks name strategies. A run that was none, but has ticks
-- or a lock, gets a strategy of its id beside it, so that these keep their reference. What only runs know is
-- dropped: risk per run, events of runs that were strategies, names of fields that strategies lack.

-- Rights, policies and rules of this file.
DO $$
DECLARE
    v_table text;
    v_policy text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['strategy_runs', 'strategy_events', 'strategies', 'strategy_tick_runs',
                                   'strategy_locks', 'strategy_risk_state'] LOOP
        EXECUTE format('REVOKE ALL ON public.%I FROM authenticated, service_role, tradewire_dispatcher, tradewire_operator',
                       v_table);
        FOREACH v_policy IN ARRAY ARRAY['own', 'service', 'operator', 'dispatcher'] LOOP
            EXECUTE format('DROP POLICY %I ON public.%I', v_policy, v_table);
        END LOOP;
    END LOOP;
END $$;
DROP TABLE public.strategy_run_risk;
DROP TRIGGER strategy_tick_runs_need_run ON public.strategy_tick_runs;
DROP FUNCTION public.strategy_tick_runs_need_run();
ALTER TABLE public.strategy_tick_runs DROP CONSTRAINT strategy_tick_runs_run_scheduled_key,
    DROP CONSTRAINT strategy_tick_runs_run_user_fkey;
ALTER TABLE public.strategy_events DROP CONSTRAINT strategy_events_run_user_fkey;
CALL public.installation_drop_columns('strategy_locks', 'fence');
CALL public.installation_drop_columns('strategy_risk_state', 'open_exposure', 'cooldown_until');
DROP INDEX public.strategy_events_run_idx;
CALL public.installation_drop_columns('strategy_events', 'seq');
CALL public.installation_restore_constraints('strategy_events', 'event_type');

UPDATE public.strategy_tick_runs t SET scheduled_at = (k.before ->> 'scheduled_at')::timestamptz
FROM public.installation_rows k
WHERE k.version = 20260129170000 AND k.relation = 'strategy_tick_runs' AND k.row_id = t.id AND k.before ? 'scheduled_at';
UPDATE public.strategy_tick_runs t SET user_id = p.id
FROM public.installation_rows k JOIN public.user_profiles p ON p.id = (k.before ->> 'user_id')::uuid
WHERE k.version = 20260129170000 AND k.relation = 'strategy_tick_runs' AND k.row_id = t.id;
UPDATE public.strategy_events e SET user_id = p.id
FROM public.installation_rows k JOIN public.user_profiles p ON p.id = (k.before ->> 'user_id')::uuid
WHERE k.version = 20260129170000 AND k.relation = 'strategy_events' AND k.row_id = e.id;

-- An installation whose ticks named runs already keeps that, and its strategies are as they were.
DO $$
DECLARE
    v_has_strategies boolean := NOT public.installation_had('strategy_tick_runs', 'column', 'strategy_run_id');
    v_table text;
    v_rules jsonb;
    v_rule record;
    v_columns text[];
BEGIN
    -- Whatever an installation's own strategies had to be, its later runs need not: aside while runs become strategies.
    IF public.installation_had('strategies', 'table') THEN
        SELECT jsonb_agg(jsonb_build_object('name', n.conname, 'definition', pg_get_constraintdef(n.oid),
                                            'comment', obj_description(n.oid, 'pg_constraint')))
        INTO v_rules FROM pg_constraint n
        WHERE n.conrelid = 'public.strategies'::regclass
          AND (n.contype = 'c' OR (n.contype = 'u' AND NOT EXISTS (SELECT FROM pg_constraint f
                                                                   WHERE f.contype = 'f' AND f.conindid = n.conindid)));
        FOR v_rule IN SELECT r ->> 'name' AS name FROM jsonb_array_elements(v_rules) r LOOP
            EXECUTE format('ALTER TABLE public.strategies DROP CONSTRAINT %I', v_rule.name);
        END LOOP;
        v_columns := ARRAY(SELECT a.attname FROM pg_attribute a
                           WHERE a.attrelid = 'public.strategies'::regclass AND a.attnotnull AND a.attnum > 0
                             AND NOT EXISTS (SELECT FROM pg_constraint n WHERE n.conrelid = a.attrelid
                                             AND n.contype = 'p' AND a.attnum = ANY (n.conkey)));
        FOR v_rule IN SELECT c AS name FROM unnest(v_columns) c LOOP
            EXECUTE format('ALTER TABLE public.strategies ALTER COLUMN %I DROP NOT NULL', v_rule.name);
        END LOOP;
    END IF;

    FOREACH v_table IN ARRAY ARRAY['strategy_tick_runs', 'strategy_locks'] LOOP
        IF v_has_strategies THEN
            EXECUTE format('ALTER TABLE public.%I DROP CONSTRAINT %I', v_table, v_table || '_strategy_run_id_fkey');
            EXECUTE format('ALTER TABLE public.%I RENAME COLUMN strategy_run_id TO strategy_id', v_table);
            EXECUTE format('COMMENT ON COLUMN public.%I.strategy_id IS %L', v_table, 'The strategy.');
        ELSE
            EXECUTE format('COMMENT ON COLUMN public.%I.strategy_run_id IS %L', v_table,
                (SELECT b.before ->> 'comment' FROM public.installation_before b
                 WHERE b.relation = v_table AND b.kind = 'column' AND b.name = 'strategy_run_id'));
            CALL public.installation_restore_constraints(v_table, 'strategy_run_id');
        END IF;
    END LOOP;

    UPDATE public.strategies s
    SET name = coalesce(r.name, s.name), symbol = r.symbol, timeframe = r.timeframe, side_mode = r.direction,
        status = CASE WHEN r.status = 'draft' THEN s.status ELSE r.status END, leverage = r.leverage,
        order_size_pct = coalesce(r.order_size_pct, s.order_size_pct), take_profit_pct = r.take_profit_pct,
        stop_loss_pct = r.stop_loss_pct, last_run_at = r.last_run_at, updated_at = r.updated_at
    FROM public.strategy_runs r WHERE r.id = s.id AND r.strategy_template = 'legacy';

    IF v_has_strategies THEN
        DELETE FROM public.strategy_runs r USING public.strategies s WHERE s.id = r.id AND r.strategy_template = 'legacy';
        INSERT INTO public.strategies (id, user_id, name, exchange, market_type, symbol, timeframe, status, side_mode,
                                       leverage, order_size_pct, take_profit_pct, stop_loss_pct, last_run_at, created_at,
                                       updated_at)
        SELECT r.id, r.user_id, coalesce(r.name, r.symbol || ' ' || r.timeframe), r.exchange, r.market_type, r.symbol,
               r.timeframe, CASE r.status WHEN 'draft' THEN 'stopped' ELSE r.status END, r.direction, r.leverage,
               coalesce(r.order_size_pct, 10), r.take_profit_pct, r.stop_loss_pct, r.last_run_at, r.created_at, r.updated_at
        FROM public.strategy_runs r
        WHERE EXISTS (SELECT FROM public.strategy_tick_runs t WHERE t.strategy_id = r.id)
           OR EXISTS (SELECT FROM public.strategy_locks l WHERE l.strategy_id = r.id)
        ON CONFLICT (id) DO NOTHING;
        ALTER TABLE public.strategy_tick_runs
            ADD CONSTRAINT strategy_tick_runs_strategy_id_fkey
                FOREIGN KEY (strategy_id) REFERENCES public.strategies ON DELETE CASCADE;
        IF coalesce((SELECT (b.before ->> 'not_null')::boolean FROM public.installation_before b
                     WHERE b.relation = 'strategy_tick_runs' AND b.kind = 'column' AND b.name = 'strategy_id'), TRUE) THEN
            CALL public.installation_set_not_null('strategy_tick_runs', 'strategy_id');
        END IF;
        ALTER TABLE public.strategy_locks
            ADD CONSTRAINT strategy_locks_strategy_id_fkey
                FOREIGN KEY (strategy_id) REFERENCES public.strategies ON DELETE CASCADE;
        CREATE INDEX idx_strategy_tick_runs_strategy_id ON public.strategy_tick_runs (strategy_id);
        COMMENT ON INDEX public.idx_strategy_tick_runs_strategy_id IS 'A strategy''s ticks.';
    ELSE
        DELETE FROM public.strategy_runs r USING public.strategies s WHERE s.id = r.id AND r.strategy_template = 'legacy'
            AND NOT EXISTS (SELECT FROM public.strategy_tick_runs t WHERE t.strategy_run_id = r.id);
    END IF;

    FOR v_rule IN SELECT r ->> 'name' AS name, r ->> 'definition' AS definition, r ->> 'comment' AS comment
                  FROM jsonb_array_elements(v_rules) r LOOP
        CALL public.installation_add_constraint('strategies', v_rule.name, public.installation_definition(v_rule.definition),
                                                v_rule.comment);
    END LOOP;
    FOR v_rule IN SELECT c AS name FROM unnest(v_columns) c LOOP
        CALL public.installation_set_not_null('strategies', v_rule.name);
    END LOOP;
END $$;

CALL public.installation_restore_constraints('strategy_runs', 'exchange_connection_id', 'user_id');
CALL public.installation_restore_constraints('strategy_runs', 'exchange_connection_id');
CALL public.installation_restore_constraints('strategy_runs', 'id', 'user_id');
CALL public.installation_restore_constraints('strategy_runs', 'exchange');
CALL public.installation_restore_constraints('strategy_runs', 'market_type');
CALL public.installation_restore_constraints('strategy_runs', 'timeframe');
CALL public.installation_restore_constraints('strategy_runs', 'direction');
CALL public.installation_restore_constraints('strategy_runs', 'leverage');
CALL public.installation_restore_constraints('strategy_runs', 'order_size_pct');
CALL public.installation_restore_constraints('strategy_runs', 'margin_mode');
CALL public.installation_restore_constraints('strategy_runs', 'position_mode');
CALL public.installation_restore_constraints('strategy_runs', 'status');
-- What was not changed since.
UPDATE public.strategy_runs r
SET timeframe = CASE WHEN r.timeframe = k.before ->> 'became' THEN k.before ->> 'timeframe' ELSE r.timeframe END,
    leverage = CASE WHEN r.leverage = 1 THEN (k.before ->> 'leverage')::integer ELSE r.leverage END,
    order_size_pct = CASE WHEN r.order_size_pct IS NULL THEN (k.before ->> 'order_size_pct')::numeric
                          ELSE r.order_size_pct END,
    status = CASE WHEN r.status = 'draft' THEN k.before ->> 'status' ELSE r.status END,
    exchange_connection_id = coalesce(r.exchange_connection_id, (
        SELECT c.id FROM public.user_exchange_connections c
        WHERE c.id = (k.before ->> 'exchange_connection_id')::uuid))
FROM public.installation_rows k
WHERE k.version = 20260129170000 AND k.relation = 'strategy_runs' AND k.row_id = r.id;
DELETE FROM public.installation_rows WHERE version = 20260129170000;
CALL public.installation_drop_columns('strategy_runs', 'name', 'last_run_at');

DROP INDEX public.user_exchange_connections_broker_connection_idx;
CALL public.installation_restore_constraints('user_exchange_connections', 'broker_connection_id', 'user_id');
CALL public.installation_restore_constraints('user_exchange_connections', 'id', 'user_id');
CALL public.installation_drop_columns('user_exchange_connections', 'broker_connection_id');

-- An installation's own rules: those of its strategies were narrower, and its runs always had a connection.
CALL public.installation_restore_columns('strategy_runs', 'exchange_connection_id', 'order_size_pct',
    'initial_capital_usdt', 'take_profit_pct', 'stop_loss_pct', 'direction', 'leverage');
DO $$
BEGIN
    IF public.installation_had('strategies', 'table') THEN
        CALL public.installation_restore_constraints('strategies', 'exchange');
        CALL public.installation_restore_constraints('strategies', 'market_type');
        CALL public.installation_restore_constraints('strategies', 'timeframe');
        CALL public.installation_restore_constraints('strategies', 'leverage');
    END IF;
END $$;
