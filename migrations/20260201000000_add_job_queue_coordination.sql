-- Coordination of jobs and workflows that need a model for themselves: what they need, who holds what, and the log that
-- tells how it came to be. The functions that move these states come with the dispatcher's part; here is what
-- they write, and the guarantee that no claim returns a job that waits for another.
--
-- `jobs` may hold a million rows and is always in use. So everything about it comes last and takes its lock for a moment:
-- columns without default, rules NOT VALID. 20260201010000_job_queue_indexes.sql validates and indexes without
-- keeping anybody from writing.

-- An older installation's state and log, of whatever shape, are kept under another name: they tell of a process that is
-- gone, and its log has no partitions.
DO $$
DECLARE
    v_table text;
    v_index text;
    v_column text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['job_queue_state', 'job_queue_log'] LOOP
        IF public.installation_had(v_table, 'table') THEN
            CALL public.installation_take_over(v_table);
            FOR v_index IN SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                           WHERE i.indrelid = format('public.%I', v_table)::regclass LOOP
                EXECUTE format('ALTER INDEX public.%I RENAME TO %I', v_index, 'older_' || v_index);
            END LOOP;
            EXECUTE format('ALTER TABLE public.%I RENAME TO %I', v_table, 'older_' || v_table);
            IF obj_description(format('public.%I', 'older_' || v_table)::regclass, 'pg_class') IS NULL THEN
                EXECUTE format('COMMENT ON TABLE public.%I IS %L', 'older_' || v_table,
                               'What the older installation''s ' || v_table || ' held; nothing reads it.');
            END IF;
            FOR v_column IN SELECT a.attname FROM pg_attribute a
                            WHERE a.attrelid = format('public.%I', 'older_' || v_table)::regclass AND a.attnum > 0
                              AND NOT a.attisdropped AND col_description(a.attrelid, a.attnum) IS NULL LOOP
                EXECUTE format('COMMENT ON COLUMN public.%I.%I IS %L', 'older_' || v_table, v_column,
                               'As the older installation wrote it.');
            END LOOP;
        END IF;
    END LOOP;
END $$;

SET ROLE tradewire_owner;

CREATE FUNCTION models_ok(p_models jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN p_models IS NULL THEN TRUE
                WHEN jsonb_typeof(p_models) <> 'array' THEN FALSE
                ELSE jsonb_array_length(p_models) <= 16 AND NOT jsonb_path_exists(p_models,
                         'strict $[*] ? (@.type() != "string" || !(@ like_regex "^[^\\s].{0,99}$"))') END
$$;
COMMENT ON FUNCTION models_ok IS 'A JSON array of at most 16 names of models, each of 1 to 100 characters; or NULL.';
-- migrate:ignore function-executable-by-public a CHECK runs with the rights of whoever writes the row
GRANT EXECUTE ON FUNCTION models_ok TO PUBLIC;

-- migrate:ignore prefer-bigint-over-int one row
CREATE TABLE job_queue_state (
    id INTEGER PRIMARY KEY DEFAULT 1 CONSTRAINT job_queue_state_one_row CHECK (id = 1),
    active_job_id TEXT,
    active_job_type TEXT CONSTRAINT job_queue_state_type_check CHECK (active_job_type IN ('workflow', 'normal')),
    active_models JSONB NOT NULL DEFAULT '[]' CONSTRAINT job_queue_state_models_check CHECK (jsonb_typeof(active_models) = 'array'),
    started_at TIMESTAMPTZ,
    last_updated TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT job_queue_state_active_check CHECK ((active_job_id IS NULL) = (active_job_type IS NULL))
);
COMMENT ON TABLE job_queue_state IS 'Which models are held now: one row, written by transitions of jobs that name models.';
COMMENT ON COLUMN job_queue_state.id IS 'Always 1.';
COMMENT ON COLUMN job_queue_state.active_job_id IS 'The holder that has been running longest: jobs.id or workflow_executions.id; NULL: nobody holds a model.';
COMMENT ON COLUMN job_queue_state.active_job_type IS 'workflow or normal.';
COMMENT ON COLUMN job_queue_state.active_models IS 'All models that are held, by whomever.';
COMMENT ON COLUMN job_queue_state.started_at IS 'When active_job_id began to hold; UTC.';
COMMENT ON COLUMN job_queue_state.last_updated IS 'When the row last changed; UTC.';
INSERT INTO job_queue_state (id) VALUES (1);

CREATE SEQUENCE job_queue_log_seq AS bigint;
COMMENT ON SEQUENCE job_queue_log_seq IS 'job_queue_log.seq: one order for all events.';
CREATE TABLE job_queue_log (
    id UUID NOT NULL DEFAULT gen_random_uuid(),
    seq BIGINT NOT NULL DEFAULT nextval('job_queue_log_seq'),
    job_id TEXT,
    job_type TEXT CONSTRAINT job_queue_log_type_check CHECK (job_type IN ('workflow', 'normal')),
    user_id UUID,
    event_type TEXT NOT NULL CONSTRAINT job_queue_log_event_check CHECK (event_type ~ '^[a-z][a-z_]{0,39}$'),
    models JSONB,
    blocked_by_job_id TEXT,
    conflict_reason TEXT,
    metadata JSONB,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (id, created_at),
    CONSTRAINT job_queue_log_job_check
        CHECK (event_type = 'snapshot' OR (job_id IS NOT NULL AND job_type IS NOT NULL AND user_id IS NOT NULL))
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE job_queue_log IS 'Every change of coordination, in the transaction that made it; folding it from its newest snapshot gives the present state. One partition per month, made by add_month_partitions.';
COMMENT ON COLUMN job_queue_log.id IS 'The row''s id.';
COMMENT ON COLUMN job_queue_log.seq IS 'The order to fold in: a model''s events are written by whoever holds its lock.';
COMMENT ON COLUMN job_queue_log.job_id IS 'jobs.id or workflow_executions.id; NULL: a snapshot.';
COMMENT ON COLUMN job_queue_log.job_type IS 'workflow or normal; NULL: a snapshot.';
COMMENT ON COLUMN job_queue_log.user_id IS 'Whose job it is: a model is its user''s unless its name begins with shared:.';
COMMENT ON COLUMN job_queue_log.event_type IS 'A stable word: queued, blocked, unblocked, started, completed, failed, snapshot and the like.';
COMMENT ON COLUMN job_queue_log.models IS 'The models that the job names.';
COMMENT ON COLUMN job_queue_log.blocked_by_job_id IS 'The holder that it waits for.';
COMMENT ON COLUMN job_queue_log.conflict_reason IS 'code: text; why it waits.';
COMMENT ON COLUMN job_queue_log.metadata IS 'Further facts; of a snapshot: the whole state.';
COMMENT ON COLUMN job_queue_log.created_at IS 'When; the partition key.';
CREATE INDEX idx_job_queue_log_job ON job_queue_log (job_id, seq);
COMMENT ON INDEX idx_job_queue_log_job IS 'queue log of one job, and job explain: what happened to it, in order.';
CREATE INDEX idx_job_queue_log_order ON job_queue_log (created_at, seq);
COMMENT ON INDEX idx_job_queue_log_order IS 'queue replay and queue log: events since a time, in order.';
CREATE INDEX idx_job_queue_log_snapshot ON job_queue_log (seq) WHERE event_type = 'snapshot';
COMMENT ON INDEX idx_job_queue_log_snapshot IS 'queue replay: the newest snapshot, where the fold begins.';

CREATE TABLE job_queue_log_default PARTITION OF job_queue_log DEFAULT;
COMMENT ON TABLE job_queue_log_default IS 'Months that have no partition of their own: empty, as long as add_month_partitions is called in time.';
ALTER TABLE job_queue_log_default ENABLE ROW LEVEL SECURITY; -- a partition can be named directly
DO $$
BEGIN
    PERFORM add_month_partitions('job_queue_log', 12);
END $$;

ALTER TABLE job_queue_state ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_queue_log ENABLE ROW LEVEL SECURITY;
-- Users see their own waiters in the view job_queue; state and log tell of everybody.
GRANT SELECT ON job_queue_state, job_queue_log TO service_role, tradewire_dispatcher, tradewire_operator;
CREATE POLICY service ON job_queue_state FOR SELECT TO service_role USING (true);
CREATE POLICY service ON job_queue_log FOR SELECT TO service_role USING (true);
CREATE POLICY dispatcher ON job_queue_state FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY dispatcher ON job_queue_log FOR SELECT TO tradewire_dispatcher USING (true);
CREATE POLICY operator ON job_queue_state FOR SELECT TO tradewire_operator USING (true);
CREATE POLICY operator ON job_queue_log FOR SELECT TO tradewire_operator USING (true);

-- --- workflows -----------------------------------------------------------------------------------------------------------

ALTER TABLE workflow_executions
    ADD COLUMN IF NOT EXISTS required_models JSONB,
    ADD COLUMN IF NOT EXISTS current_step_model TEXT,
    ADD COLUMN IF NOT EXISTS blocked_by_job_id TEXT;
-- NULL is what says that there is nothing; an installation's columns may have said it by a default.
ALTER TABLE workflow_executions
    ALTER COLUMN required_models DROP DEFAULT, ALTER COLUMN required_models DROP NOT NULL,
    ALTER COLUMN current_step_model DROP DEFAULT, ALTER COLUMN current_step_model DROP NOT NULL,
    ALTER COLUMN blocked_by_job_id DROP DEFAULT, ALTER COLUMN blocked_by_job_id DROP NOT NULL;
ALTER TABLE workflow_executions
    ADD CONSTRAINT workflow_executions_models_check CHECK (models_ok(required_models)) NOT VALID;
COMMENT ON COLUMN workflow_executions.required_models IS 'Names of all models that its steps need: a JSON array; NULL: none.';
COMMENT ON COLUMN workflow_executions.current_step_model IS 'The model that the step at work holds; NULL: none.';
COMMENT ON COLUMN workflow_executions.blocked_by_job_id IS 'The holder that it waits for: jobs.id or workflow_executions.id; NULL: nobody.';

-- --- jobs, from here on locked --------------------------------------------------------------------------------------------

ALTER TABLE jobs
    ADD COLUMN IF NOT EXISTS required_models JSONB,
    ADD COLUMN IF NOT EXISTS queue_position INTEGER,
    ADD COLUMN IF NOT EXISTS blocked_by_job_id TEXT,
    ADD COLUMN IF NOT EXISTS conflict_reason TEXT,
    ADD COLUMN IF NOT EXISTS queued_at TIMESTAMPTZ;
ALTER TABLE jobs
    ALTER COLUMN required_models DROP DEFAULT, ALTER COLUMN required_models DROP NOT NULL,
    ALTER COLUMN queue_position DROP DEFAULT, ALTER COLUMN queue_position DROP NOT NULL,
    ALTER COLUMN blocked_by_job_id DROP DEFAULT, ALTER COLUMN blocked_by_job_id DROP NOT NULL,
    ALTER COLUMN conflict_reason DROP DEFAULT, ALTER COLUMN conflict_reason DROP NOT NULL,
    ALTER COLUMN queued_at DROP DEFAULT, ALTER COLUMN queued_at DROP NOT NULL;
-- Where these columns were there already: nobody holds a model now, so nobody waits, and what names models against the
-- rules names none. The old values are written down.
RESET ROLE;
DO $$
BEGIN
    IF public.installation_had('jobs', 'column', 'required_models')
       OR public.installation_had('jobs', 'column', 'blocked_by_job_id') THEN
        INSERT INTO public.installation_rows (version, relation, row_id, before)
        SELECT 20260201000000, 'jobs', j.id, jsonb_build_object('required_models', j.required_models,
            'queue_position', j.queue_position, 'blocked_by_job_id', j.blocked_by_job_id,
            'conflict_reason', j.conflict_reason)
        FROM public.jobs j
        WHERE j.blocked_by_job_id IS NOT NULL OR j.queue_position IS NOT NULL
           OR (j.required_models IS NOT NULL
               AND (j.job_type IN ('trade', 'close_position') OR NOT public.models_ok(j.required_models)));
        UPDATE public.jobs j
        SET queue_position = NULL, blocked_by_job_id = NULL, conflict_reason = NULL,
            required_models = CASE WHEN j.job_type NOT IN ('trade', 'close_position')
                                        AND public.models_ok(j.required_models) THEN j.required_models END
        FROM public.installation_rows k
        WHERE k.version = 20260201000000 AND k.relation = 'jobs' AND k.row_id = j.id;
    END IF;
    IF public.installation_had('workflow_executions', 'column', 'required_models')
       OR public.installation_had('workflow_executions', 'column', 'blocked_by_job_id') THEN
        INSERT INTO public.installation_rows (version, relation, row_id, before)
        SELECT 20260201000000, 'workflow_executions', w.id, jsonb_build_object('required_models', w.required_models,
            'blocked_by_job_id', w.blocked_by_job_id)
        FROM public.workflow_executions w
        WHERE w.blocked_by_job_id IS NOT NULL OR NOT public.models_ok(w.required_models);
        UPDATE public.workflow_executions w
        SET blocked_by_job_id = NULL,
            required_models = CASE WHEN public.models_ok(w.required_models) THEN w.required_models END
        FROM public.installation_rows k
        WHERE k.version = 20260201000000 AND k.relation = 'workflow_executions' AND k.row_id = w.id;
    END IF;
END $$;
SET ROLE tradewire_owner;

ALTER TABLE jobs
    ADD CONSTRAINT jobs_models_check
        CHECK (required_models IS NULL
               OR (job_type::text NOT IN ('trade', 'close_position') AND models_ok(required_models))) NOT VALID,
    ADD CONSTRAINT jobs_blocked_check
        CHECK (blocked_by_job_id IS NULL
                   OR (required_models IS NOT NULL AND status = 'pending'
                       AND blocked_by_job_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')) NOT VALID;
COMMENT ON COLUMN jobs.required_models IS 'Names of the models that it needs for itself: a JSON array; NULL: none, and coordination never delays it.';
COMMENT ON COLUMN jobs.queue_position IS 'Its place among the waiters of its model, 1 = next; exact for the first 20, NULL behind (view job_queue has all).';
COMMENT ON COLUMN jobs.blocked_by_job_id IS 'The holder that it waits for: jobs.id or workflow_executions.id; NULL: nobody.';
COMMENT ON COLUMN jobs.conflict_reason IS 'code: text; why it waits.';
COMMENT ON COLUMN jobs.queued_at IS 'When it began to wait for its models; UTC.';
COMMENT ON CONSTRAINT jobs_models_check ON jobs IS 'Trades and closes never wait for a model.';
COMMENT ON CONSTRAINT jobs_blocked_check ON jobs IS 'Only a pending job that names models waits, and for an id: a claim of one that waits fails.';

-- What can be claimed is what job_ready has a row for. Whoever sets or clears jobs.blocked_by_job_id locks the job's
-- job_ready row first (the lock order), and this keeps the two in step. Claims and completions don't name the
-- column, so they don't pay for it.
CREATE FUNCTION jobs_blocked() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.blocked_by_job_id IS NOT NULL THEN
        DELETE FROM job_ready r WHERE r.job_id = NEW.id;
    ELSIF NEW.status = 'pending' THEN
        INSERT INTO job_ready (job_id, agent_id, user_id, lane, seq, expires_at, ready_at, after_job_id)
        VALUES (NEW.id, NEW.target_agent_id, NEW.user_id, NEW.lane, NEW.seq, NEW.expires_at, NEW.ready_at,
                NEW.after_job_id)
        ON CONFLICT (job_id) DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION jobs_blocked IS 'A job that waits for another has no job_ready row, so no claim returns it; one that waits no more has it again.';
CREATE TRIGGER jobs_blocked AFTER UPDATE OF blocked_by_job_id ON jobs
    FOR EACH ROW WHEN ((OLD.blocked_by_job_id IS NULL) <> (NEW.blocked_by_job_id IS NULL))
    EXECUTE FUNCTION jobs_blocked();
COMMENT ON TRIGGER jobs_blocked ON jobs IS 'What waits is not claimable; what waits no more is.';

-- Whatever the writer says: nobody waits before coordination says so.
CREATE FUNCTION jobs_unblocked_start() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.queue_position := NULL;
    NEW.blocked_by_job_id := NULL;
    NEW.conflict_reason := NULL;
    NEW.queued_at := NULL;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION jobs_unblocked_start IS 'Forces the coordination columns of a new job to their start.';
CREATE TRIGGER jobs_unblocked_start BEFORE INSERT ON jobs
    FOR EACH ROW WHEN (NEW.queue_position IS NOT NULL OR NEW.blocked_by_job_id IS NOT NULL
                       OR NEW.conflict_reason IS NOT NULL OR NEW.queued_at IS NOT NULL)
    EXECUTE FUNCTION jobs_unblocked_start();
COMMENT ON TRIGGER jobs_unblocked_start ON jobs IS 'Whoever makes a job, it begins without waiting.';

-- expire_jobs finds what is past its limit in job_ready, where nothing waits for a model. So it first releases what waits
-- and is past its limit: that is then a pending job like any other, which no claim takes any more.
CREATE FUNCTION release_expired(p_limit int) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    WITH past AS MATERIALIZED (
        SELECT j.id, j.blocked_by_job_id FROM jobs j
        WHERE j.blocked_by_job_id IS NOT NULL AND j.expires_at <= v_now
        ORDER BY j.expires_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED
    ), released AS (
        UPDATE jobs j
        SET queue_position = NULL, blocked_by_job_id = NULL, conflict_reason = NULL, updated_at = clock_timestamp()
        FROM past p WHERE j.id = p.id
        RETURNING j.id, j.user_id, j.required_models, p.blocked_by_job_id AS waited_for
    )
    INSERT INTO job_queue_log (job_id, job_type, user_id, event_type, models, blocked_by_job_id)
    SELECT r.id, 'normal', r.user_id, 'expired', r.required_models, r.waited_for FROM released r;
END $$;
COMMENT ON FUNCTION release_expired IS 'Jobs that wait for a model and are past their limit wait no more. At most p_limit.';

ALTER FUNCTION expire_jobs(int) RENAME TO expire_ready_jobs;
-- migrate:ignore contract-directive the function below has its name, and the right
REVOKE EXECUTE ON FUNCTION expire_ready_jobs(int) FROM tradewire_dispatcher;
COMMENT ON FUNCTION expire_ready_jobs IS 'Ends pending jobs past their limit that wait for nobody; the inner function of expire_jobs.';
CREATE FUNCTION expire_jobs(p_limit int)
RETURNS TABLE (job_id uuid, user_id uuid, signal_id uuid, code text, traceparent text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_read_committed();
    PERFORM release_expired(p_limit);
    RETURN QUERY SELECT * FROM expire_ready_jobs(p_limit);
END $$;
COMMENT ON FUNCTION expire_jobs IS 'Ends pending jobs past their limit, those that wait for a model included: stale, or agent_offline. At most p_limit.';
GRANT EXECUTE ON FUNCTION expire_jobs(int) TO tradewire_dispatcher;

RESET ROLE;
