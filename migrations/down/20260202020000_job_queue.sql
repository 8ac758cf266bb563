-- Drops the view of the queue, and the rights that it needed.
DROP POLICY operator ON public.workflow_executions;
DROP POLICY dispatcher ON public.workflow_executions;
REVOKE SELECT (id) ON public.workflow_executions FROM tradewire_dispatcher, tradewire_operator;
DROP VIEW public.job_queue;
