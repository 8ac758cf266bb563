-- What the programs write down for themselves and for people: positions in Kafka, results that came too
-- early, and the audit log.
SET ROLE tradewire_owner;

CREATE TABLE consumer_offsets (
    group_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next_offset BIGINT NOT NULL CHECK (next_offset >= 0),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (group_id, topic, partition)
) WITH (fillfactor = 50);
COMMENT ON TABLE consumer_offsets IS 'Where each consumer group goes on; moves in the batch''s own transaction.';
COMMENT ON COLUMN consumer_offsets.group_id IS 'Consumer group, prefix included.';
COMMENT ON COLUMN consumer_offsets.topic IS 'Topic, prefix included.';
COMMENT ON COLUMN consumer_offsets.partition IS 'Partition of the topic.';
COMMENT ON COLUMN consumer_offsets.next_offset IS 'Offset of the next record to process.';
COMMENT ON COLUMN consumer_offsets.updated_at IS 'When it last moved.';

CREATE TABLE unmatched_results (
    id BIGSERIAL PRIMARY KEY,
    job_id UUID NOT NULL,
    payload BYTEA NOT NULL,
    received_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE unmatched_results IS 'Results of jobs that are not known yet; applied when the job appears.';
COMMENT ON COLUMN unmatched_results.id IS 'In order of arrival.';
COMMENT ON COLUMN unmatched_results.job_id IS 'The job that the result names.';
COMMENT ON COLUMN unmatched_results.payload IS 'The record as it came from Kafka.';
COMMENT ON COLUMN unmatched_results.received_at IS 'When it came.';
CREATE INDEX unmatched_results_job_idx ON unmatched_results (job_id);
COMMENT ON INDEX unmatched_results_job_idx IS 'The kept results of a job that appears.';

CREATE TABLE audit_log (
    id UUID NOT NULL DEFAULT gen_random_uuid(),
    at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    user_id UUID,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    before JSONB,
    after JSONB,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
COMMENT ON TABLE audit_log IS 'Who did what, and what did not fit; append-only, one partition per month.';
COMMENT ON COLUMN audit_log.id IS 'The row''s id.';
COMMENT ON COLUMN audit_log.at IS 'When; the partition key.';
COMMENT ON COLUMN audit_log.user_id IS 'Whose object it is; kept when the user is deleted.';
COMMENT ON COLUMN audit_log.actor IS 'agent:ID, operator:NAME and the like.';
COMMENT ON COLUMN audit_log.action IS 'Stable noun_verb, e.g. result_conflict.';
COMMENT ON COLUMN audit_log.object IS 'job:ID, agent:ID and the like.';
COMMENT ON COLUMN audit_log.before IS 'What was recorded.';
COMMENT ON COLUMN audit_log.after IS 'What it became, or what was reported instead.';
CREATE INDEX audit_log_object_idx ON audit_log (object, at);
COMMENT ON INDEX audit_log_object_idx IS 'What happened to an object?';
CREATE INDEX audit_log_user_idx ON audit_log (user_id, at);
COMMENT ON INDEX audit_log_user_idx IS 'What happened to a user''s objects?';

CREATE TABLE audit_log_default PARTITION OF audit_log DEFAULT;
COMMENT ON TABLE audit_log_default IS 'Months that have no partition of their own.';
ALTER TABLE audit_log_default ENABLE ROW LEVEL SECURITY; -- a partition can be named directly
-- This month and the next twelve; partitions come and go with time and are no part of the schema's definition.
DO $$
DECLARE
    v_month timestamp;
    v_name text;
BEGIN
    FOR v_month IN SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month'
                   FROM generate_series(0, 12) n LOOP
        v_name := 'audit_log_' || to_char(v_month, 'YYYYMM');
        EXECUTE format('CREATE TABLE %I PARTITION OF audit_log FOR VALUES FROM (%L) TO (%L)', v_name,
                       v_month AT TIME ZONE 'UTC', (v_month + interval '1 month') AT TIME ZONE 'UTC');
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', v_name);
        EXECUTE format('COMMENT ON TABLE %I IS %L', v_name, 'One month (UTC) of audit_log.');
    END LOOP;
END $$;

CREATE FUNCTION audit_log_refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'forbidden: the audit log is append-only';
END $$;
COMMENT ON FUNCTION audit_log_refuse IS 'Refuses every change of a written row, the owner''s too.';
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_refuse();
COMMENT ON TRIGGER audit_log_append_only ON audit_log IS 'A written row stays as it is.';

ALTER TABLE consumer_offsets ENABLE ROW LEVEL SECURITY;
ALTER TABLE unmatched_results ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;

RESET ROLE;
