-- The eight indexes of the coordination, and its rules validated.

SELECT 'index ' || e.name AS object, e.definition AS expected,
    (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
     FROM pg_index i WHERE i.indexrelid = to_regclass('public.' || e.name)) AS found
FROM (VALUES
        ('idx_jobs_blocked_by', 'btree (blocked_by_job_id, queued_at, seq) WHERE (blocked_by_job_id IS NOT NULL)'),
        ('idx_jobs_user_queue', 'btree (user_id, queued_at, seq) WHERE (blocked_by_job_id IS NOT NULL)'),
        ('idx_jobs_required_models', 'gin (required_models) WHERE (blocked_by_job_id IS NOT NULL)'),
        ('jobs_blocked_expires_idx', 'btree (expires_at) WHERE (blocked_by_job_id IS NOT NULL)'),
        ('idx_workflow_executions_blocked_by', 'btree (blocked_by_job_id) WHERE (blocked_by_job_id IS NOT NULL)'),
        ('idx_workflow_executions_user', 'btree (user_id, created_at DESC)')) e (name, definition);

SELECT 'purpose of index ' || e.name AS object, 'said' AS expected,
    (SELECT 'said' WHERE obj_description(to_regclass('public.' || e.name), 'pg_class') IS NOT NULL) AS found
FROM (VALUES ('idx_jobs_blocked_by'), ('idx_jobs_user_queue'), ('idx_jobs_required_models'), ('jobs_blocked_expires_idx'), ('idx_workflow_executions_blocked_by'),
             ('idx_workflow_executions_user'), ('idx_job_queue_log_job'), ('idx_job_queue_log_order'),
             ('idx_job_queue_log_snapshot')) e (name);

SELECT 'rule validated: ' || e.name AS object, 'yes' AS expected,
    (SELECT CASE WHEN n.convalidated THEN 'yes' ELSE 'no' END FROM pg_constraint n
     WHERE n.conrelid = to_regclass('public.' || e.relation) AND n.conname = e.name) AS found
FROM (VALUES
        ('jobs', 'jobs_models_check'),
        ('jobs', 'jobs_blocked_check'),
        ('workflow_executions', 'workflow_executions_models_check')) e (relation, name);
