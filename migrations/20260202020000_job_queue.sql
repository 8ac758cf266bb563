-- The true position of every waiting job.
SET ROLE tradewire_owner;

-- A job's place is that of its slowest model. A model is its user's unless its name begins with `shared:`. Whom a user
-- waits for behind somebody else is not shown, and of a shared model's queue a user sees own jobs only, so there the place
-- that the coordination wrote is shown: it is exact for the first 20, and NULL behind them.
CREATE VIEW job_queue WITH (security_invoker = true) AS
    WITH waiting AS (
        SELECT j.id, j.user_id, j.job_type, j.required_models, j.queued_at, j.seq, j.queue_position, j.blocked_by_job_id,
               j.conflict_reason
        FROM jobs j WHERE j.blocked_by_job_id IS NOT NULL
    ), places AS (
        SELECT w.id, m.name LIKE 'shared:%' AS is_shared,
               row_number() OVER (PARTITION BY CASE WHEN m.name NOT LIKE 'shared:%' THEN w.user_id END, m.name
                                  ORDER BY w.queued_at, w.seq) AS place
        FROM waiting w CROSS JOIN LATERAL (
            SELECT DISTINCT e.name FROM jsonb_array_elements_text(w.required_models) AS e (name)) m
    ), placed AS (
        SELECT p.id, max(p.place) AS place, bool_or(p.is_shared) AS is_shared FROM places p GROUP BY p.id
    )
    SELECT w.id AS job_id, w.user_id, w.job_type, w.required_models, w.queued_at,
           CASE WHEN p.is_shared AND current_user = 'authenticated' THEN w.queue_position
                ELSE p.place::integer END AS position,
           CASE WHEN NOT p.is_shared OR current_user <> 'authenticated'
                     OR EXISTS (SELECT FROM jobs b WHERE b.id = w.blocked_by_job_id::uuid)
                     OR EXISTS (SELECT FROM workflow_executions x WHERE x.id = w.blocked_by_job_id::uuid)
                THEN w.blocked_by_job_id ELSE 'another user' END AS blocked_by,
           w.conflict_reason
    FROM waiting w JOIN placed p ON p.id = w.id;
COMMENT ON VIEW job_queue IS 'Jobs that wait for a model, each with its place; a user sees own jobs.';
COMMENT ON COLUMN job_queue.job_id IS 'The job.';
COMMENT ON COLUMN job_queue.user_id IS 'Its user.';
COMMENT ON COLUMN job_queue.job_type IS 'As jobs.job_type.';
COMMENT ON COLUMN job_queue.required_models IS 'The models that it needs.';
COMMENT ON COLUMN job_queue.queued_at IS 'Since when it waits; UTC.';
COMMENT ON COLUMN job_queue.position IS '1 = next. Of several models the one that keeps it waiting longest counts. NULL: behind the first 20 of a model that users share.';
COMMENT ON COLUMN job_queue.blocked_by IS 'The holder that it waits for: jobs.id or workflow_executions.id; or: another user.';
COMMENT ON COLUMN job_queue.conflict_reason IS 'code: text; why it waits.';

GRANT SELECT ON job_queue TO authenticated, service_role, tradewire_dispatcher, tradewire_operator;
-- The view asks whether a holder is a workflow that its reader may see.
GRANT SELECT (id) ON workflow_executions TO tradewire_dispatcher, tradewire_operator;
CREATE POLICY dispatcher ON workflow_executions FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY operator ON workflow_executions FOR SELECT TO tradewire_operator USING (true);

RESET ROLE;
