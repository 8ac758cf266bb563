-- Leases that look lapsed now. Ordered, so that a cut takes the same ones at the next look.
-- $1 int  at most so many
-- → job_id uuid, lease_epoch bigint
SELECT job_id, lease_epoch FROM lapsed_leases() ORDER BY job_id LIMIT $1::int
