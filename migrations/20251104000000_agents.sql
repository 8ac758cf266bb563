-- migrate:contract
-- Agents, the accounts they are bound to, and the gateways that hold their sessions.
SET ROLE tradewire_owner;

-- migrate:ignore constraint-missing-not-valid the column is new
ALTER TABLE mt5_agents
    ALTER COLUMN password_encrypted DROP NOT NULL,
    ADD COLUMN IF NOT EXISTS curve_public_key BYTEA CHECK (octet_length(curve_public_key) = 32),
    ADD COLUMN IF NOT EXISTS journal_id UUID,
    ADD COLUMN IF NOT EXISTS journal_seq BIGINT,
    ADD COLUMN IF NOT EXISTS journal_bound_at TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS session_no BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS session_started_at TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS session_ended_at TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS gateway_id UUID,
    ADD COLUMN IF NOT EXISTS capabilities JSONB,
    ADD COLUMN IF NOT EXISTS revoked_at TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS trade_disabled_reason TEXT,
    SET (fillfactor = 70); -- presence is written often and touches no index
COMMENT ON COLUMN mt5_agents.curve_public_key IS 'The agent''s CURVE key, bound by its first hello; 32 bytes.';
COMMENT ON COLUMN mt5_agents.journal_id IS 'The agent''s journal, bound by its first hello.';
COMMENT ON COLUMN mt5_agents.journal_seq IS 'Highest number of a flushed journal record that a hello named.';
COMMENT ON COLUMN mt5_agents.journal_bound_at IS 'When journal_id was bound: what was claimed before is not in this journal.';
COMMENT ON COLUMN mt5_agents.session_no IS 'Raised by every hello; 0 = never said hello. Claims and questions name it.';
COMMENT ON COLUMN mt5_agents.session_started_at IS 'When the last hello was.';
COMMENT ON COLUMN mt5_agents.session_ended_at IS 'When the last session ended; NULL while it is open.';
COMMENT ON COLUMN mt5_agents.gateway_id IS 'The gateway that holds the last session.';
COMMENT ON COLUMN mt5_agents.capabilities IS 'What the agent and its terminal can do, as it said.';
COMMENT ON COLUMN mt5_agents.revoked_at IS 'When its access was taken away; it never comes back.';
COMMENT ON COLUMN mt5_agents.trade_disabled_reason IS 'Why its terminal may not trade, as it said.';
ALTER TABLE broker_connections
    ALTER COLUMN credentials SET DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS symbol_prefix TEXT,
    ADD COLUMN IF NOT EXISTS symbol_suffix TEXT,
    ADD COLUMN IF NOT EXISTS symbol_map JSONB,
    ADD COLUMN IF NOT EXISTS max_lots NUMERIC,
    ADD COLUMN IF NOT EXISTS max_leverage NUMERIC,
    ADD COLUMN IF NOT EXISTS server TEXT,
    ADD COLUMN IF NOT EXISTS login TEXT,
    ADD COLUMN IF NOT EXISTS currency TEXT,
    ADD COLUMN IF NOT EXISTS margin_mode TEXT,
    ADD COLUMN IF NOT EXISTS is_real BOOLEAN;
COMMENT ON COLUMN broker_connections.symbol_prefix IS 'What the broker puts in front of a canonical symbol.';
COMMENT ON COLUMN broker_connections.symbol_suffix IS 'What the broker puts behind a canonical symbol.';
COMMENT ON COLUMN broker_connections.symbol_map IS 'Canonical symbol to the broker''s, where prefix and suffix do not do.';
COMMENT ON COLUMN broker_connections.max_lots IS 'Upper limit of one order, lots.';
COMMENT ON COLUMN broker_connections.max_leverage IS 'Upper limit of the account''s exposure, times equity.';
COMMENT ON COLUMN broker_connections.server IS 'Trade server it is bound to; NULL: not bound yet.';
COMMENT ON COLUMN broker_connections.login IS 'Account number it is bound to.';
COMMENT ON COLUMN broker_connections.currency IS 'Account currency it is bound to.';
COMMENT ON COLUMN broker_connections.margin_mode IS 'hedging, netting or exchange, as bound.';
COMMENT ON COLUMN broker_connections.is_real IS 'Real money (true) or demo (false), as bound.';

-- An older installation may have several agents on one connection, or one on somebody else's: the one that was heard
-- last keeps it, the others are without; what they had is written down.
WITH ranked AS MATERIALIZED (
    SELECT a.id, a.broker_connection_id, c.id IS NOT NULL AS is_own,
           row_number() OVER (PARTITION BY a.broker_connection_id
                              ORDER BY c.id IS NULL, a.last_heartbeat DESC NULLS LAST, a.created_at DESC, a.id) AS place
    FROM mt5_agents a LEFT JOIN broker_connections c ON c.id = a.broker_connection_id AND c.user_id = a.user_id
    WHERE a.broker_connection_id IS NOT NULL
), kept AS (
    INSERT INTO installation_rows (version, relation, row_id, before)
    SELECT 20251104000000, 'mt5_agents', r.id, jsonb_build_object('broker_connection_id', r.broker_connection_id)
    FROM ranked r WHERE NOT r.is_own OR r.place > 1
)
UPDATE mt5_agents a SET broker_connection_id = NULL
FROM ranked r WHERE r.id = a.id AND (NOT r.is_own OR r.place > 1);

-- A handful of rows per user in both tables: these locks are over at once.
-- migrate:ignore require-concurrent-index-creation a handful of rows per user
CREATE UNIQUE INDEX mt5_agents_connection_key ON mt5_agents (broker_connection_id)
    WHERE broker_connection_id IS NOT NULL AND revoked_at IS NULL;
COMMENT ON INDEX mt5_agents_connection_key IS 'One connection has one active agent.';
-- migrate:ignore require-concurrent-index-creation a handful of rows per user
CREATE INDEX IF NOT EXISTS mt5_agents_user_idx ON mt5_agents (user_id);
COMMENT ON INDEX mt5_agents_user_idx IS 'A user''s agents; deleting a user.';
-- migrate:ignore require-concurrent-index-creation a handful of rows per user
CREATE INDEX IF NOT EXISTS broker_connections_user_idx ON broker_connections (user_id);
COMMENT ON INDEX broker_connections_user_idx IS 'A user''s connections; deleting a user.';
-- migrate:ignore disallowed-unique-constraint a handful of rows per user
ALTER TABLE broker_connections ADD CONSTRAINT broker_connections_id_user_key UNIQUE (id, user_id);
COMMENT ON CONSTRAINT broker_connections_id_user_key ON broker_connections IS 'Lets foreign keys demand that the connection is the same user''s.';
-- migrate:ignore disallowed-unique-constraint a handful of rows per user
ALTER TABLE mt5_agents ADD CONSTRAINT mt5_agents_id_user_key UNIQUE (id, user_id);
COMMENT ON CONSTRAINT mt5_agents_id_user_key ON mt5_agents IS 'Lets foreign keys demand that the agent is the same user''s.';
DO $$
DECLARE
    v_name text;
BEGIN
    FOR v_name IN SELECT n.conname FROM pg_constraint n JOIN pg_attribute a ON a.attrelid = n.conrelid
                  WHERE n.conrelid = 'mt5_agents'::regclass AND n.contype = 'f' AND a.attname = 'broker_connection_id'
                    AND n.conkey = ARRAY[a.attnum] LOOP
        EXECUTE format('ALTER TABLE mt5_agents DROP CONSTRAINT %I', v_name);
    END LOOP;
END $$;
-- migrate:ignore adding-foreign-key-constraint a handful of rows per user
ALTER TABLE mt5_agents ADD CONSTRAINT mt5_agents_broker_connection_fkey
    FOREIGN KEY (broker_connection_id, user_id) REFERENCES broker_connections (id, user_id)
    ON DELETE SET NULL (broker_connection_id);
COMMENT ON CONSTRAINT mt5_agents_broker_connection_fkey ON mt5_agents IS 'An agent serves a connection of its own user.';

CREATE TABLE gateways (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    seen_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
ALTER TABLE gateways ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE gateways IS 'Gateways; a session lives no longer than its gateway''s row is fresh.';
COMMENT ON COLUMN gateways.id IS 'Made by the gateway at start.';
COMMENT ON COLUMN gateways.name IS 'For people.';
COMMENT ON COLUMN gateways.started_at IS 'When it first wrote its row.';
COMMENT ON COLUMN gateways.seen_at IS 'Renewed every 2 s; 6 s old counts as gone.';

-- Where somebody is at the other end right now. The one place that says when a session counts as over.
CREATE VIEW live_sessions WITH (security_invoker = true) AS
    SELECT a.id AS agent_id, a.session_no, a.gateway_id
    FROM mt5_agents a JOIN gateways g ON g.id = a.gateway_id
    WHERE a.session_no > 0 AND a.session_ended_at IS NULL
      AND g.seen_at > clock_timestamp() - interval '6 s';
COMMENT ON VIEW live_sessions IS 'Agents with an open session whose gateway was seen within 6 s.';
COMMENT ON COLUMN live_sessions.agent_id IS 'The agent.';
COMMENT ON COLUMN live_sessions.session_no IS 'Its present session.';
COMMENT ON COLUMN live_sessions.gateway_id IS 'The gateway that holds it.';

RESET ROLE;
