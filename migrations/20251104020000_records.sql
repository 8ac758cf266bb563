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
    agent_id UUID NOT NULL,
    payload BYTEA NOT NULL,
    received_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE unmatched_results IS 'Results of jobs that are not known yet; applied when the job appears, dropped after 7 days. About 1000 per agent.';
COMMENT ON COLUMN unmatched_results.id IS 'In order of arrival.';
COMMENT ON SEQUENCE unmatched_results_id_seq IS 'unmatched_results.id: the order of arrival.';
COMMENT ON COLUMN unmatched_results.job_id IS 'The job that the result names.';
COMMENT ON COLUMN unmatched_results.agent_id IS 'Whose report it is.';
COMMENT ON COLUMN unmatched_results.payload IS 'The record as it came from Kafka.';
COMMENT ON COLUMN unmatched_results.received_at IS 'When it came.';
CREATE INDEX unmatched_results_agent_idx ON unmatched_results (agent_id);
COMMENT ON INDEX unmatched_results_agent_idx IS 'How many wait of an agent.';

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
COMMENT ON TABLE audit_log IS 'Who did what, and what did not fit; append-only, one partition per month, made by add_month_partitions.';
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
COMMENT ON TABLE audit_log_default IS 'Months that have no partition of their own: empty, as long as add_month_partitions is called in time.';
ALTER TABLE audit_log_default ENABLE ROW LEVEL SECURITY; -- a partition can be named directly

-- Partitions come and go with time and are no part of the schema's definition. A migration makes the first ones; who keeps
-- the logs calls this again, at least once a year, with the owner's rights.
CREATE FUNCTION add_month_partitions(p_table text, p_months int) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_key text := (SELECT a.attname FROM pg_partitioned_table t
                   JOIN pg_attribute a ON a.attrelid = t.partrelid AND a.attnum = t.partattrs[0]
                   WHERE t.partrelid = to_regclass(format('public.%I', p_table)));
    v_month timestamp;
    v_name text;
    v_is_late boolean;
    v_made int := 0;
BEGIN
    FOR v_month IN SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month'
                   FROM generate_series(0, p_months) n LOOP
        v_name := p_table || '_' || to_char(v_month, 'YYYYMM');
        CONTINUE WHEN to_regclass(format('public.%I', v_name)) IS NOT NULL;
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I WHERE %I >= $1 AND %I < $2)', p_table || '_default', v_key, v_key)
        INTO v_is_late USING v_month AT TIME ZONE 'UTC', (v_month + interval '1 month') AT TIME ZONE 'UTC';
        IF v_is_late THEN
            RAISE WARNING 'rows of % are in %_default already and stay there', v_name, p_table;
            CONTINUE;
        END IF;
        EXECUTE format('CREATE TABLE public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)', v_name, p_table,
                       v_month AT TIME ZONE 'UTC', (v_month + interval '1 month') AT TIME ZONE 'UTC');
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', v_name); -- it can be named directly
        EXECUTE format('COMMENT ON TABLE public.%I IS %L', v_name, 'One month (UTC) of ' || p_table || '.');
        v_made := v_made + 1;
    END LOOP;
    RETURN v_made;
END $$;
COMMENT ON FUNCTION add_month_partitions IS 'Gives a log the partitions that it lacks of this month and the next p_months (UTC), empty: so no row goes to its default partition. A month that has rows there already is left there, with a warning. Returns how many it made.';
DO $$
BEGIN
    PERFORM add_month_partitions('audit_log', 12);
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
