-- End those of these leases that are still lapsed at the same epoch.
-- $1 uuid[]   jobs
-- $2 bigint[] their epochs
-- → job_id uuid, user_id uuid, status text, signal_id uuid, traceparent text
SELECT job_id, user_id, status, signal_id, traceparent FROM lapse_jobs($1::uuid[], $2::bigint[])
