-- What is known of agents right now, and what was answered to a request that may come again.

-- As whoever migrates: on Supabase the owner of our tables may not name what is in auth.
CREATE TABLE public.idempotency_keys (
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    key TEXT NOT NULL CONSTRAINT idempotency_keys_key_check CHECK (length(key) BETWEEN 1 AND 255),
    request_hash BYTEA NOT NULL CONSTRAINT idempotency_keys_hash_check CHECK (octet_length(request_hash) = 32),
    answer_status INTEGER,
    answer JSONB,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at TIMESTAMPTZ NOT NULL DEFAULT now() + interval '24 hours',
    PRIMARY KEY (user_id, key)
);
REVOKE ALL ON public.idempotency_keys FROM PUBLIC, anon, authenticated, service_role; -- Supabase's defaults
ALTER TABLE public.idempotency_keys OWNER TO tradewire_owner;

SET ROLE tradewire_owner;

COMMENT ON TABLE idempotency_keys IS 'Requests that carried an Idempotency-Key: the same again gets the same answer, another one under the same key is refused (422). Kept 24 h.';
COMMENT ON COLUMN idempotency_keys.user_id IS 'Who asked.';
COMMENT ON COLUMN idempotency_keys.key IS 'The header''s value, 1 to 255 characters.';
COMMENT ON COLUMN idempotency_keys.request_hash IS 'SHA-256 of method, path and body.';
COMMENT ON COLUMN idempotency_keys.answer_status IS 'HTTP status of the answer; NULL: the first request is still at work.';
COMMENT ON COLUMN idempotency_keys.answer IS 'Body of the answer.';
COMMENT ON COLUMN idempotency_keys.created_at IS 'When the first request came.';
COMMENT ON COLUMN idempotency_keys.expires_at IS 'After this the key may be used for something else; UTC.';
CREATE INDEX idempotency_keys_expires_idx ON idempotency_keys (expires_at);
COMMENT ON INDEX idempotency_keys_expires_idx IS 'Maintenance: keys past their time are deleted.';

-- Unlogged: it is written all the time and reported anew after a crash. Fillfactor: no index covers what changes.
CREATE UNLOGGED TABLE agent_state (
    agent_id UUID NOT NULL,
    kind TEXT NOT NULL CONSTRAINT agent_state_kind_check CHECK (kind IN ('account', 'positions', 'symbols', 'quotes')),
    user_id UUID NOT NULL,
    data JSONB NOT NULL,
    as_of TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (agent_id, kind),
    CONSTRAINT agent_state_agent_fkey
        FOREIGN KEY (agent_id, user_id) REFERENCES mt5_agents (id, user_id) ON DELETE CASCADE
) WITH (fillfactor = 50);
COMMENT ON TABLE agent_state IS 'What each agent last reported of its account, one row per kind; no history, empty after a crash of the database.';
COMMENT ON COLUMN agent_state.agent_id IS 'The agent.';
COMMENT ON COLUMN agent_state.kind IS 'account, positions, symbols (with their specifications) or quotes.';
COMMENT ON COLUMN agent_state.user_id IS 'The agent''s user.';
COMMENT ON COLUMN agent_state.data IS 'As reported, numbers as exact text; members by kind.';
COMMENT ON COLUMN agent_state.as_of IS 'When it was so; what is older than 60 s is not judged by; UTC.';

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE agent_state ENABLE ROW LEVEL SECURITY;

-- Keys are the dispatcher's own; nobody else needs to see them.
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO tradewire_dispatcher;
CREATE POLICY dispatcher ON idempotency_keys FOR ALL TO tradewire_dispatcher USING (true) WITH CHECK (true);

GRANT SELECT ON agent_state TO authenticated, service_role, tradewire_dispatcher, tradewire_operator;
GRANT INSERT, UPDATE ON agent_state TO tradewire_dispatcher;
CREATE POLICY service ON agent_state FOR SELECT TO service_role USING (true);
CREATE POLICY operator ON agent_state FOR SELECT TO tradewire_operator USING (true);
CREATE POLICY dispatcher ON agent_state FOR ALL TO tradewire_dispatcher USING (true) WITH CHECK (true);

RESET ROLE;

-- As whoever migrates, for the same reason as above.
CREATE POLICY own ON public.agent_state FOR SELECT TO authenticated USING (user_id = (SELECT auth.uid()));
