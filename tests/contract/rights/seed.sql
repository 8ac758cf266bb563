-- One row of user a and one of user b in every table, and an admin c. Run as superuser, in schema rights_test (try.sql).
-- `of('a', 'job')` is a's job, the same in every run. At the end: which row of an object is a's.

CREATE FUNCTION rights_test.of(p_person text, p_thing text) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$ SELECT md5(p_person || ' ' || p_thing)::uuid $$;

-- Written once; every statement below has one row per person.
CREATE VIEW rights_test.people AS SELECT p, rights_test.of(p, 'user') AS user_id FROM (VALUES ('a'), ('b')) v (p);

SET search_path = public, rights_test;

-- Users and accounts
INSERT INTO auth.users (id, email)
    SELECT of(p, 'user'), p || '@rights.example' FROM (VALUES ('a'), ('b'), ('c')) v (p);
INSERT INTO user_profiles (id, email, role)
    SELECT of(p, 'user'), p || '@rights.example', CASE p WHEN 'c' THEN 'admin' ELSE 'user' END
    FROM (VALUES ('a'), ('b'), ('c')) v (p);
INSERT INTO user_settings (user_id) SELECT user_id FROM people;
INSERT INTO broker_connections (id, user_id, broker_type, name, credentials)
    SELECT of(p, 'connection'), user_id, 'MT5_AGENT', 'account', '{"password": "secret"}' FROM people;
INSERT INTO user_exchange_connections (id, user_id, exchange, encrypted_config, broker_connection_id)
    SELECT of(p, 'exchange'), user_id, 'mt5', 'secret', of(p, 'connection') FROM people;
INSERT INTO mt5_agents (id, user_id, broker_connection_id, agent_name, pairing_key_hash, password_encrypted)
    SELECT of(p, 'agent'), user_id, of(p, 'connection'), 'agent', 'secret', 'secret' FROM people;
INSERT INTO agent_state (agent_id, kind, user_id, data, as_of) SELECT of(p, 'agent'), 'account', user_id, '{}', now() FROM people;
INSERT INTO gateways (id, name) SELECT of(p, 'gateway'), p FROM people;
INSERT INTO idempotency_keys (user_id, key, request_hash) SELECT user_id, p, sha256(p::bytea) FROM people;

-- Strategies and signals
INSERT INTO tv_strategies (id, user_id, broker_connection_id, name)
    SELECT of(p, 'strategy'), user_id, of(p, 'connection'), p FROM people;
INSERT INTO strategy_targets (strategy_id, broker_connection_id, user_id)
    SELECT of(p, 'strategy'), of(p, 'connection'), user_id FROM people;
INSERT INTO strategy_rates (strategy_id, full_at) SELECT of(p, 'strategy'), now() FROM people;
INSERT INTO kill_switches (id, scope, user_id, is_on, set_by) SELECT of(p, 'switch'), 'user', user_id, false, 'rights' FROM people;
INSERT INTO symbol_aliases (alias, canonical) SELECT 'RIGHTS.' || upper(p), 'EURUSD' FROM people;
INSERT INTO tv_signals (id, user_id, strategy_id) SELECT of(p, 'signal'), user_id, of(p, 'strategy') FROM people;
INSERT INTO signal_keys (dedup_key, signal_id, received_at) SELECT sha256(p::bytea), of(p, 'signal'), now() FROM people;

-- Jobs: one that is pending, with its job_ready row; one that is held; one that waits for a model.
INSERT INTO jobs (id, user_id, job_type, signal_id, target_agent_id)
    SELECT of(p, 'job'), user_id, 'trade', of(p, 'signal'), of(p, 'agent') FROM people;
INSERT INTO jobs (id, user_id, job_type, required_models)
    SELECT of(p, t), user_id, 'compile', '["rights"]' FROM people, unnest('{held,waiting}'::text[]) t;
UPDATE jobs SET blocked_by_job_id = of(p, 'held') FROM people WHERE id = of(p, 'waiting');
INSERT INTO job_leases (job_id, agent_id, lane, session_no, lease_epoch, until_at)
    SELECT of(p, 'held'), of(p, 'agent'), 3, 0, 1, now() FROM people;
INSERT INTO signal_legs (signal_id, leg, user_id, broker_connection_id, job_id)
    SELECT of(p, 'signal'), 1, user_id, of(p, 'connection'), of(p, 'job') FROM people;
INSERT INTO unmatched_results (id, job_id, agent_id, payload) SELECT -ascii(p), of(p, 'job'), of(p, 'agent'), 'rights' FROM people;
INSERT INTO consumer_offsets (group_id, topic, partition, next_offset) SELECT p, 'rights', 0, 0 FROM people;
INSERT INTO audit_log (id, user_id, actor, action, object) SELECT of(p, 'audit'), user_id, 'test', 'rights', 'user:' || p FROM people;
INSERT INTO job_queue_log (id, job_id, job_type, user_id, event_type)
    SELECT of(p, 'event'), of(p, 'waiting')::text, 'normal', user_id, 'queued' FROM people;

-- Workflows, expert advisors
INSERT INTO workflow_executions (id, user_id, name) SELECT of(p, 'workflow'), user_id, p FROM people;
INSERT INTO workflow_steps (id, execution_id, position, job_type) SELECT of(p, 'step'), of(p, 'workflow'), 1, 'compile' FROM people;
INSERT INTO ea_projects (id, user_id, name) SELECT of(p, 'project'), user_id, p FROM people;
INSERT INTO ea_versions (id, ea_project_id, version_number) SELECT of(p, 'version'), of(p, 'project'), 1 FROM people;
INSERT INTO ea_artifacts (id, ea_version_id, artifact_type) SELECT of(p, 'artifact'), of(p, 'version'), 'ex5' FROM people;
INSERT INTO ea_deployments (id, ea_version_id, mt5_agent_id) SELECT of(p, 'deployment'), of(p, 'version'), of(p, 'agent') FROM people;

-- Account sync
INSERT INTO trading_accounts (id, user_id, platform) SELECT of(p, 'account'), user_id, 'MT5' FROM people;
INSERT INTO trades (id, account_id, user_id, ticket) SELECT of(p, 'trade'), of(p, 'account'), user_id, 1 FROM people;
INSERT INTO sync_logs (id, account_id, sync_type, started_at, status)
    SELECT of(p, 'sync'), of(p, 'account'), 'manual', now(), 'failed' FROM people;
INSERT INTO sync_leases (account_id, owner, fence, until_at) SELECT of(p, 'account'), p, 1, now() FROM people;

-- Strategy runner
INSERT INTO strategy_runs (id, user_id, exchange, symbol, timeframe, strategy_template)
    SELECT of(p, 'run'), user_id, 'mt5', 'EURUSD', 'M5', 'rights' FROM people;
INSERT INTO strategy_events (id, strategy_run_id, user_id, event_type) SELECT of(p, 'run event'), of(p, 'run'), user_id, 'signal' FROM people;
INSERT INTO strategies (id, user_id, name, exchange, symbol) SELECT of(p, 'old run'), user_id, p, 'mt5', 'EURUSD' FROM people;
INSERT INTO strategy_tick_runs (id, strategy_run_id, user_id, scheduled_at, status)
    SELECT of(p, 'tick'), of(p, 'run'), user_id, now(), 'ok' FROM people;
INSERT INTO strategy_locks (strategy_run_id, locked_until, lock_owner) SELECT of(p, 'run'), now(), p FROM people;
INSERT INTO strategy_risk_state (user_id, day) SELECT user_id, '2026-01-01' FROM people;
INSERT INTO strategy_run_risk (strategy_run_id, day, user_id) SELECT of(p, 'run'), '2026-01-01', user_id FROM people;

-- What tells a's row from the others. Tables that are nobody's and that nobody may touch have none.
CREATE TABLE rights_test.rows (relation text PRIMARY KEY, key jsonb NOT NULL);
INSERT INTO rights_test.rows
    SELECT relation, jsonb_build_object(column_name, of('a', thing))
    FROM (VALUES
        ('auth.users', 'id', 'user'), ('user_profiles', 'id', 'user'), ('user_settings', 'user_id', 'user'),
        ('broker_connections', 'id', 'connection'), ('user_exchange_connections', 'id', 'exchange'),
        ('mt5_agents', 'id', 'agent'), ('agent_state', 'agent_id', 'agent'), ('gateways', 'id', 'gateway'),
        ('idempotency_keys', 'user_id', 'user'), ('tv_strategies', 'id', 'strategy'),
        ('strategy_targets', 'strategy_id', 'strategy'), ('strategy_rates', 'strategy_id', 'strategy'),
        ('kill_switches', 'id', 'switch'), ('tv_signals', 'id', 'signal'), ('signal_keys', 'signal_id', 'signal'),
        ('signal_legs', 'signal_id', 'signal'), ('jobs', 'id', 'job'), ('job_ready', 'job_id', 'job'),
        ('job_leases', 'job_id', 'held'), ('job_queue', 'job_id', 'waiting'), ('unmatched_results', 'job_id', 'job'),
        ('audit_log', 'id', 'audit'), ('job_queue_log', 'id', 'event'), ('workflow_executions', 'id', 'workflow'),
        ('workflow_steps', 'id', 'step'), ('ea_projects', 'id', 'project'), ('ea_versions', 'id', 'version'),
        ('ea_artifacts', 'id', 'artifact'), ('ea_deployments', 'id', 'deployment'), ('trading_accounts', 'id', 'account'),
        ('trades', 'id', 'trade'), ('sync_logs', 'id', 'sync'), ('sync_leases', 'account_id', 'account'),
        ('recent_sync_failures', 'id', 'sync'), ('account_sync_health', 'account_id', 'account'),
        ('strategy_runs', 'id', 'run'), ('strategy_events', 'id', 'run event'), ('strategies', 'id', 'old run'),
        ('strategy_tick_runs', 'id', 'tick'), ('strategy_locks', 'strategy_run_id', 'run'),
        ('strategy_risk_state', 'user_id', 'user'), ('strategy_run_risk', 'strategy_run_id', 'run')
    ) v (relation, column_name, thing)
    UNION ALL VALUES ('symbol_aliases', '{"alias": "RIGHTS.A"}'::jsonb), ('consumer_offsets', '{"group_id": "a"}'),
        ('job_queue_state', '{"id": 1}')
    UNION ALL SELECT 'tradewire_migrations', jsonb_build_object('version', min(version)) FROM tradewire_migrations;

RESET search_path;
