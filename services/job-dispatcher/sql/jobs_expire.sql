-- End pending jobs whose time is over.
-- $1 int  at most so many
-- → job_id uuid, user_id uuid, signal_id uuid, code text, traceparent text
SELECT job_id, user_id, signal_id, code, traceparent FROM expire_jobs($1::int)
