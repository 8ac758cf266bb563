-- Drops the operator's functions; what they made stays.
DROP FUNCTION public.job_resolve, public.strategy_add, public.broker_add, public.agent_rotate, public.agent_pair,
    public.user_add, public.require_name, public.require_user;
