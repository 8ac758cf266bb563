-- Drops settings, switches, further accounts and aliases.
DROP TABLE public.symbol_aliases, public.strategy_targets, public.kill_switches, public.user_settings;
ALTER TABLE public.tv_strategies DROP CONSTRAINT tv_strategies_id_user_key;
