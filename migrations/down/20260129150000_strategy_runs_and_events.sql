-- Drops runs and events; an installation that had tables of these names before has them as they were, rows included.
CALL public.installation_give_back('strategy_events');
CALL public.installation_give_back('strategy_runs');
DO $$
BEGIN
    IF NOT public.installation_had('strategy_events', 'table') THEN
        DROP TABLE public.strategy_events;
    END IF;
    IF NOT public.installation_had('strategy_runs', 'table') THEN
        DROP TABLE public.strategy_runs;
    END IF;
END $$;
