-- Takes what the server gives a strategy back, and a signal's keys; strategies and signals stay.
DROP TABLE public.signal_keys, public.strategy_rates;
DROP TRIGGER tv_strategies_magic_tag ON public.tv_strategies;
DROP TRIGGER tv_strategies_secret ON public.tv_strategies;
DROP FUNCTION public.tv_strategies_magic_tag(), public.tv_strategies_secret();
DROP INDEX public.tv_strategies_updated_idx;
ALTER TABLE public.tv_strategies
    DROP CONSTRAINT tv_strategies_broker_connection_fkey,
    DROP CONSTRAINT tv_strategies_risk_range_check,
    DROP CONSTRAINT tv_strategies_name_length_check,
    DROP COLUMN magic_tag,
    DROP COLUMN arm_state,
    DROP COLUMN settings;
DROP FUNCTION public.strategy_settings_ok(jsonb), public.strategy_setting_ok(text, jsonb);
DO $$
BEGIN
    UPDATE public.tv_strategies s SET broker_connection_id = (r.before ->> 'broker_connection_id')::uuid
    FROM public.installation_rows r
    WHERE r.version = 20251104010000 AND r.relation = 'tv_strategies' AND r.row_id = s.id
      AND s.broker_connection_id IS NULL
      AND EXISTS (SELECT FROM public.broker_connections c WHERE c.id = (r.before ->> 'broker_connection_id')::uuid);
    -- What was not changed since.
    UPDATE public.tv_strategies s
    SET risk_override_pct = CASE WHEN s.risk_override_pct = (r.before #>> '{became,risk_override_pct}')::numeric
                                 THEN (r.before ->> 'risk_override_pct')::numeric ELSE s.risk_override_pct END,
        name = CASE WHEN s.name = r.before #>> '{became,name}' THEN r.before ->> 'name' ELSE s.name END
    FROM public.installation_rows r
    WHERE r.version = 20251104010000 AND r.relation = 'tv_strategies' AND r.row_id = s.id AND r.before ? 'became';
    DELETE FROM public.installation_rows r WHERE r.version = 20251104010000;
    IF public.installation_had('tv_strategies', 'column', 'broker_connection_id') THEN
        CALL public.installation_restore_constraints('tv_strategies', 'broker_connection_id');
    ELSE
        ALTER TABLE public.tv_strategies ADD CONSTRAINT tv_strategies_broker_connection_id_fkey
            FOREIGN KEY (broker_connection_id) REFERENCES public.broker_connections;
    END IF;
    CALL public.installation_drop_columns('tv_signals', 'duplicates', 'received_at');
    CALL public.installation_restore_options('tv_signals');
END $$;
