-- New rows are not filled any more; the rows stay.
LOCK TABLE public.jobs IN ACCESS EXCLUSIVE MODE;
DROP TRIGGER jobs_upgrade_ready ON public.jobs;
DROP TRIGGER jobs_make_ready ON public.jobs;
DROP TRIGGER jobs_fill ON public.jobs;
DROP FUNCTION public.jobs_upgrade_ready(), public.jobs_make_ready(), public.jobs_fill(), public.only_agent(uuid, uuid);
ALTER TABLE public.jobs ALTER COLUMN seq SET DEFAULT 0, ALTER COLUMN lane SET DEFAULT 3;
