-- Drops the view of the queue.
DROP VIEW public.job_queue;
