-- Nothing is claimed any more. Whatever is claimed now stays so.
DROP FUNCTION public.claim_jobs, public.require_read_committed, public.claim_ready;
SET ROLE tradewire_owner;
CREATE OR REPLACE FUNCTION claim_next_job(p_agent_id uuid) RETURNS SETOF jobs
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT j.* FROM jobs j WHERE false
$$;
COMMENT ON FUNCTION claim_next_job(uuid) IS 'Nothing is claimed while the installation is brought forward.';
CREATE FUNCTION jobs_upgrade() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE object_not_in_prerequisite_state USING
        MESSAGE = 'upgrade_in_progress: an effect of the old queue is not executed any more';
END $$;
COMMENT ON FUNCTION jobs_upgrade IS 'Keeps the old queue''s effects from being claimed while the installation is brought forward.';
CREATE TRIGGER jobs_upgrade BEFORE UPDATE OF status ON jobs FOR EACH ROW
    WHEN (NEW.status = 'claimed' AND OLD.status = 'pending') EXECUTE FUNCTION jobs_upgrade();
COMMENT ON TRIGGER jobs_upgrade ON jobs IS 'Until old rows are brought forward; 20251106000000_claim.sql takes it away.';
RESET ROLE;
