-- Drops the functions that end what time ends; jobs stay.
DROP FUNCTION public.lapse_jobs, public.lapsed_leases, public.expire_jobs;
DROP VIEW public.lapsed;
