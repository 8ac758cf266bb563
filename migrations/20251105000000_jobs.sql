-- migrate:contract
-- Jobs: order, lane, target, lease and expiry; the two narrow tables that say what can be claimed and what is
-- held; the legs of a signal.
--
-- A claim and a completion change jobs.status, agent_id, claimed_at, lease_*, completed_at and the like. NO index
-- on jobs may mention one of these: then each such update stays on its page (HOT) and writes no index entry.
-- What must be found by state is found through job_ready (exactly the pending jobs) and job_leases (exactly
-- the claimed and unknown ones).
--
-- The table may be large and busy. Nothing here reads it: columns come with constant defaults that fit an ended build,
-- which is what nearly all old rows are; checks are NOT VALID; 20251105020000_old_jobs.sql fills the rest of the old rows
-- and 20251105030000_job_rules.sql looks at the checks and builds the indexes, both without keeping writers away.
-- From this file on the older backend can still plan and finish jobs, but starts none.
SET ROLE tradewire_owner;

-- The rules of the nine types, in one place each.
CREATE FUNCTION job_lane(p_job_type text) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (CASE WHEN p_job_type IN ('trade', 'close_position') THEN 1
                 WHEN p_job_type IN ('get_positions', 'get_account', 'get_candles') THEN 2
                 ELSE 3 END)::smallint
$$;
COMMENT ON FUNCTION job_lane IS '1 effects, 2 reads, 3 builds.';
-- migrate:ignore function-executable-by-public a CHECK runs with the rights of whoever writes the row
GRANT EXECUTE ON FUNCTION job_lane TO PUBLIC; -- a CHECK runs with the rights of whoever writes the row

CREATE FUNCTION job_longest_run(p_job_type text) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE p_job_type
        WHEN 'trade' THEN interval '60 s'
        WHEN 'close_position' THEN interval '60 s'
        WHEN 'get_positions' THEN interval '10 s'
        WHEN 'get_account' THEN interval '10 s'
        WHEN 'get_candles' THEN interval '20 s'
        WHEN 'compile' THEN interval '300 s'
        WHEN 'deploy' THEN interval '120 s'
        WHEN 'run' THEN interval '60 s'
        WHEN 'stop' THEN interval '60 s'
    END
$$;
COMMENT ON FUNCTION job_longest_run IS 'How long a claimed job may take before its lease lapses.';

CREATE FUNCTION unix_us(p_at timestamptz) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT (extract(epoch FROM p_at) * 1000000)::bigint
$$;
COMMENT ON FUNCTION unix_us IS 'µs UTC since 1970, as timelines hold them.';

-- What stands in front of the colon of "code: text".
CREATE FUNCTION error_code(p_error text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT split_part(p_error, ':', 1)
$$;
COMMENT ON FUNCTION error_code IS 'The code of a message "code: text".';

CREATE SEQUENCE job_seq AS bigint;
COMMENT ON SEQUENCE job_seq IS 'jobs.seq: one order for all jobs.';

-- As long as old rows are not brought forward nothing is claimed: 20251106000000_claim.sql brings the claim back.
CREATE OR REPLACE FUNCTION claim_next_job(p_agent_id uuid) RETURNS SETOF jobs
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT j.* FROM jobs j WHERE false
$$;
COMMENT ON FUNCTION claim_next_job(uuid) IS 'Nothing is claimed while the installation is brought forward.';

-- From here to the end of the file nobody else writes to jobs. All of the lock at once: a reader that goes on to write
-- would otherwise wait for us while we wait for it.
LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE;
-- migrate:ignore adding-foreign-key-constraint the column is new and empty
ALTER TABLE jobs
    ALTER COLUMN entity_type DROP NOT NULL,
    ALTER COLUMN entity_id DROP NOT NULL,
    ADD COLUMN seq BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN lane SMALLINT NOT NULL DEFAULT 3,
    ADD COLUMN signal_id UUID REFERENCES tv_signals ON DELETE SET NULL,
    ADD COLUMN leg INTEGER NOT NULL DEFAULT 1,
    ADD COLUMN strategy_id UUID,
    ADD COLUMN symbol TEXT,
    ADD COLUMN is_entry BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN target_agent_id UUID,
    ADD COLUMN after_job_id UUID,
    ADD COLUMN lease_epoch BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN lease_session BIGINT,
    ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN expires_at TIMESTAMPTZ,
    ADD COLUMN ready_at TIMESTAMPTZ,
    ADD COLUMN broker_order_id TEXT,
    ADD COLUMN fill_price NUMERIC,
    ADD COLUMN filled_volume NUMERIC,
    ADD COLUMN timeline JSONB NOT NULL DEFAULT '{}',
    ADD COLUMN traceparent TEXT,
    DROP CONSTRAINT jobs_status_check,
    ADD CONSTRAINT jobs_status_check CHECK (status::text IN
        ('pending', 'claimed', 'unknown', 'completed', 'failed', 'cancelled', 'expired')) NOT VALID,
    ADD CONSTRAINT jobs_lane_check CHECK (lane = job_lane(job_type)) NOT VALID,
    ADD CONSTRAINT jobs_open_effect_check CHECK (
        lane <> 1 OR status::text NOT IN ('pending', 'claimed', 'unknown')
        OR (expires_at IS NOT NULL AND target_agent_id IS NOT NULL)) NOT VALID,
    ADD CONSTRAINT jobs_unknown_check CHECK (status <> 'unknown' OR lane = 1) NOT VALID,
    ADD CONSTRAINT jobs_traceparent_check CHECK (
        traceparent ~ '^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$') NOT VALID,
    ADD CONSTRAINT jobs_target_agent_fkey
        FOREIGN KEY (target_agent_id, user_id) REFERENCES mt5_agents (id, user_id) NOT VALID,
    -- A claim, and then a batch of results, rewrites every row of a page in one transaction, when nothing can be pruned
    -- yet, and a completed row is half as long again as a new one: only a page that was filled to a third takes
    -- all the new versions (at 50, 15 % of the updates left their page).
    SET (fillfactor = 35, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
COMMENT ON COLUMN jobs.seq IS 'The order in which an account''s effects start. Not above 0: came from an older installation; negative: by the time it was made.';
COMMENT ON COLUMN jobs.lane IS '1 effects (trade, close_position), 2 reads (get_*), 3 builds (compile, deploy, run, stop).';
COMMENT ON COLUMN jobs.signal_id IS 'The signal that it carries out; NULL: asked for otherwise.';
COMMENT ON COLUMN jobs.leg IS 'Which of the signal''s connections, from 1.';
COMMENT ON COLUMN jobs.strategy_id IS 'The strategy it trades for; kept when that is deleted.';
COMMENT ON COLUMN jobs.symbol IS 'Canonical symbol.';
COMMENT ON COLUMN jobs.is_entry IS 'A trade that opens (op = open); entries can be held back and superseded.';
COMMENT ON COLUMN jobs.target_agent_id IS 'The one agent that may do it; NULL: any of the user''s. Effects always name one.';
COMMENT ON COLUMN jobs.after_job_id IS 'May start when this job has ended.';
COMMENT ON COLUMN jobs.lease_epoch IS 'Raised by every claim, question and rescue; negative answers must name the present one.';
COMMENT ON COLUMN jobs.lease_session IS 'Session of the agent under which it was claimed or last asked about.';
COMMENT ON COLUMN jobs.attempt IS 'How often it was claimed.';
COMMENT ON COLUMN jobs.expires_at IS 'It may not start later; NULL: no limit.';
COMMENT ON COLUMN jobs.ready_at IS 'It may not start earlier; NULL: at once.';
COMMENT ON COLUMN jobs.broker_order_id IS 'Ticket of the order that completed it: what a later report is compared with.';
COMMENT ON COLUMN jobs.fill_price IS 'Exact price of that order, in the symbol''s quote.';
COMMENT ON COLUMN jobs.filled_volume IS 'Exact volume of that order, lots.';
COMMENT ON COLUMN jobs.timeline IS 'µs UTC of: received, durable, stored, claimed, sent, at_agent, order_sent, filled, reported, resolved.';
COMMENT ON COLUMN jobs.traceparent IS 'W3C trace that its signal came with, for the headers of its records; NULL: asked for otherwise.';
COMMENT ON CONSTRAINT jobs_traceparent_check ON jobs IS 'W3C trace context, version 00; ids of zeros only are none.';
COMMENT ON CONSTRAINT jobs_status_check ON jobs IS 'The states of a job.';
COMMENT ON CONSTRAINT jobs_lane_check ON jobs IS 'The lane follows from the type.';
COMMENT ON CONSTRAINT jobs_open_effect_check ON jobs IS 'An effect that may still happen has a limit and one agent.';
COMMENT ON CONSTRAINT jobs_unknown_check ON jobs IS 'Reads and builds are simply done again.';
COMMENT ON CONSTRAINT jobs_target_agent_fkey ON jobs IS 'The target is an agent of the job''s own user.';
DROP TRIGGER jobs_upgrade ON jobs;
CREATE TRIGGER jobs_upgrade BEFORE UPDATE OF status ON jobs FOR EACH ROW
    WHEN (NEW.status = 'claimed' AND OLD.status = 'pending') EXECUTE FUNCTION jobs_upgrade();
COMMENT ON TRIGGER jobs_upgrade ON jobs IS 'Until old rows are brought forward; 20251106000000_claim.sql takes it away.';
DO $$
DECLARE
    v_name text;
BEGIN
    IF EXISTS (SELECT FROM jobs) THEN
        RETURN;
    END IF;
    FOR v_name IN SELECT n.conname FROM pg_constraint n WHERE n.conrelid = 'jobs'::regclass AND NOT n.convalidated LOOP
        EXECUTE format('ALTER TABLE jobs VALIDATE CONSTRAINT %I', v_name);
    END LOOP;
END $$;

CREATE TABLE job_ready (
    job_id UUID PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    agent_id UUID,
    user_id UUID NOT NULL,
    lane SMALLINT NOT NULL,
    seq BIGINT NOT NULL,
    added_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    expires_at TIMESTAMPTZ,
    ready_at TIMESTAMPTZ,
    after_job_id UUID,
    strategy_id UUID,
    symbol TEXT,
    is_voided BOOLEAN NOT NULL DEFAULT FALSE
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
        autovacuum_vacuum_insert_threshold = 100000, autovacuum_analyze_scale_factor = 0,
        autovacuum_analyze_threshold = 20000);
COMMENT ON TABLE job_ready IS 'One narrow row per pending job: what can be claimed. Never updated, only added and deleted.';
COMMENT ON COLUMN job_ready.job_id IS 'The pending job.';
COMMENT ON COLUMN job_ready.agent_id IS 'The agent that may claim it; NULL: any of the user''s.';
COMMENT ON COLUMN job_ready.user_id IS 'The job''s user.';
COMMENT ON COLUMN job_ready.lane IS 'As jobs.lane.';
COMMENT ON COLUMN job_ready.seq IS 'As jobs.seq.';
COMMENT ON COLUMN job_ready.added_at IS 'When it became pending, or pending again.';
COMMENT ON COLUMN job_ready.expires_at IS 'As jobs.expires_at.';
COMMENT ON COLUMN job_ready.ready_at IS 'As jobs.ready_at.';
COMMENT ON COLUMN job_ready.after_job_id IS 'As jobs.after_job_id.';
COMMENT ON COLUMN job_ready.strategy_id IS 'Entries only: the strategy, for holding back and superseding.';
COMMENT ON COLUMN job_ready.symbol IS 'Entries only: the canonical symbol.';
COMMENT ON COLUMN job_ready.is_voided IS 'It was claimed before, and proven not executed.';
CREATE INDEX job_ready_late_idx ON job_ready (agent_id)
    WHERE symbol IS NOT NULL AND (is_voided OR ready_at IS NOT NULL OR after_job_id IS NOT NULL);
COMMENT ON INDEX job_ready_late_idx IS 'Entries that later jobs may pass: a later close supersedes them.';
CREATE INDEX job_ready_agent_idx ON job_ready (agent_id, lane, seq) WHERE agent_id IS NOT NULL;
COMMENT ON INDEX job_ready_agent_idx IS 'Claim: the next of an agent''s lane.';
CREATE INDEX job_ready_user_idx ON job_ready (user_id, lane, seq) WHERE agent_id IS NULL;
COMMENT ON INDEX job_ready_user_idx IS 'Claim: the next that any agent of the user may do.';
CREATE INDEX job_ready_expires_idx ON job_ready (expires_at);
COMMENT ON INDEX job_ready_expires_idx IS 'Sweeper: what is past its limit.';
CREATE INDEX job_ready_added_idx ON job_ready (added_at);
COMMENT ON INDEX job_ready_added_idx IS 'Gateway''s fall-back poll: what was added lately.';
CREATE INDEX job_ready_ready_idx ON job_ready (ready_at) WHERE ready_at IS NOT NULL;
COMMENT ON INDEX job_ready_ready_idx IS 'Gateway''s fall-back poll: what became due lately.';

CREATE TABLE job_leases (
    job_id UUID PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    agent_id UUID NOT NULL,
    lane SMALLINT NOT NULL,
    session_no BIGINT NOT NULL,
    lease_epoch BIGINT NOT NULL,
    until_at TIMESTAMPTZ NOT NULL,
    is_unknown BOOLEAN NOT NULL DEFAULT FALSE,
    asked_session BIGINT,
    strategy_id UUID,
    symbol TEXT
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_threshold = 100000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000);
COMMENT ON TABLE job_leases IS 'One row per claimed or unknown job: who holds it.';
COMMENT ON COLUMN job_leases.job_id IS 'The job.';
COMMENT ON COLUMN job_leases.agent_id IS 'The agent that holds it.';
COMMENT ON COLUMN job_leases.lane IS 'As jobs.lane.';
COMMENT ON COLUMN job_leases.session_no IS 'The session it is held under; 0: none, only until_at ends it.';
COMMENT ON COLUMN job_leases.lease_epoch IS 'As jobs.lease_epoch.';
COMMENT ON COLUMN job_leases.until_at IS 'Claim or question + longest run of the type.';
COMMENT ON COLUMN job_leases.is_unknown IS 'Its outcome is not known: entries of the same strategy and symbol are held back.';
COMMENT ON COLUMN job_leases.asked_session IS 'The session in which the agent was asked about it; NULL: not yet.';
COMMENT ON COLUMN job_leases.strategy_id IS 'As jobs.strategy_id.';
COMMENT ON COLUMN job_leases.symbol IS 'As jobs.symbol.';
CREATE INDEX job_leases_agent_idx ON job_leases (agent_id);
COMMENT ON INDEX job_leases_agent_idx IS 'What an agent holds.';
CREATE INDEX job_leases_unknown_idx ON job_leases (agent_id, symbol) WHERE is_unknown;
COMMENT ON INDEX job_leases_unknown_idx IS 'Claim: is this entry held back? Hardly ever has a row.';

CREATE TABLE signal_legs (
    signal_id UUID NOT NULL REFERENCES tv_signals ON DELETE CASCADE,
    leg INTEGER NOT NULL,
    user_id UUID NOT NULL,
    broker_connection_id UUID,
    job_id UUID UNIQUE REFERENCES jobs ON DELETE CASCADE,
    status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'executed', 'failed', 'discarded')),
    volume NUMERIC,
    filled_volume NUMERIC,
    fill_price NUMERIC,
    broker_order_id TEXT,
    error_message TEXT,
    PRIMARY KEY (signal_id, leg),
    CONSTRAINT signal_legs_job_check CHECK (job_id IS NOT NULL OR status IN ('failed', 'discarded')),
    CONSTRAINT signal_legs_broker_connection_fkey FOREIGN KEY (broker_connection_id, user_id)
        REFERENCES broker_connections (id, user_id) ON DELETE SET NULL (broker_connection_id)
) WITH (fillfactor = 60);
COMMENT ON TABLE signal_legs IS 'One row per signal and connection: the part of the signal that one account carries out.';
COMMENT ON COLUMN signal_legs.signal_id IS 'The signal.';
COMMENT ON COLUMN signal_legs.leg IS 'From 1.';
COMMENT ON COLUMN signal_legs.user_id IS 'The signal''s user.';
COMMENT ON COLUMN signal_legs.broker_connection_id IS 'The account.';
COMMENT ON COLUMN signal_legs.job_id IS 'The job that carries it out; NULL: it was refused when it was planned.';
COMMENT ON COLUMN signal_legs.status IS 'As tv_signals.status, for this account alone.';
COMMENT ON COLUMN signal_legs.volume IS 'Lots asked for, exact; NULL: all (a close).';
COMMENT ON COLUMN signal_legs.filled_volume IS 'Lots executed, exact.';
COMMENT ON COLUMN signal_legs.fill_price IS 'Exact price, in the symbol''s quote.';
COMMENT ON COLUMN signal_legs.broker_order_id IS 'Ticket of the order at the broker.';
COMMENT ON COLUMN signal_legs.error_message IS 'code: text.';
CREATE INDEX signal_legs_connection_idx ON signal_legs (broker_connection_id) WHERE broker_connection_id IS NOT NULL;
COMMENT ON INDEX signal_legs_connection_idx IS 'Deleting a connection.';
COMMENT ON CONSTRAINT signal_legs_job_check ON signal_legs IS 'A leg that no job carries out has ended: nothing would settle it.';
COMMENT ON CONSTRAINT signal_legs_broker_connection_fkey ON signal_legs IS 'A leg is carried out on a connection of its own user.';

ALTER TABLE job_ready ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_leases ENABLE ROW LEVEL SECURITY;
ALTER TABLE signal_legs ENABLE ROW LEVEL SECURITY;

RESET ROLE;
