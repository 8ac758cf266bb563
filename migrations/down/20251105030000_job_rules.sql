-- Drops the indexes; the checks are NOT VALID again where they were.
DO $$
BEGIN
    CALL public.installation_drop_indexes('jobs', 'jobs_user_idx', 'jobs_signal_idx', 'jobs_target_idx', 'jobs_close_idx');
    CALL public.installation_unvalidate(20251105030000, 'jobs');
END $$;
