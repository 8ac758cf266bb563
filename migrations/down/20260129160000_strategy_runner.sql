-- Drops the runner's first tables; an installation that had tables of these names before has them as they were, rows
-- included.
DO $$
DECLARE
    v_name text;
BEGIN
    FOREACH v_name IN ARRAY ARRAY['strategy_risk_state', 'strategy_locks', 'strategy_tick_runs', 'strategies'] LOOP
        CALL public.installation_give_back(v_name);
        IF NOT public.installation_had(v_name, 'table') THEN
            EXECUTE format('DROP TABLE public.%I', v_name);
        END IF;
    END LOOP;
END $$;
