-- Drops the functions of sessions and questions; agents and gateways stay.
DROP FUNCTION public.ready_agents, public.agent_bind_account, public.gateway_beat, public.sessions_seen,
    public.session_end, public.question_jobs, public.agent_hello, public.bind_account, public.requeue_jobs;
