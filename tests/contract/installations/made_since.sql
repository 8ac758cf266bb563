-- Rows that an upgraded database comes to have and older rules do not fit, beside those of rights/seed.sql: for taking
-- files back. Loaded as superuser on the newest schema; values that several shapes' rules refuse are in one row.
-- It is no shape, as the other files of this folder are.
INSERT INTO auth.users (id, email) VALUES
    ('d0000000-0000-4000-8000-000000000001', 'without.profile@test.example'),
    ('d0000000-0000-4000-8000-000000000002', 'without.address@test.example');
INSERT INTO user_profiles (id) VALUES ('d0000000-0000-4000-8000-000000000002');

-- Of a user who has no profile, without what older terminals needed.
INSERT INTO broker_connections (id, user_id, broker_type, name) VALUES
    ('d1000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000001', 'MT5_AGENT', 'since');
INSERT INTO mt5_agents (id, user_id, broker_connection_id, agent_name) VALUES
    ('d2000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000001',
     'd1000000-0000-4000-8000-000000000001', 'since'),
    ('d2000000-0000-4000-8000-000000000002', 'd0000000-0000-4000-8000-000000000001', NULL, 'revoked');
UPDATE mt5_agents SET revoked_at = now() WHERE agent_name = 'revoked';

-- Every type in every state, about nothing but itself, without input.
INSERT INTO jobs (user_id, job_type, target_agent_id, expires_at)
SELECT 'd0000000-0000-4000-8000-000000000001', t, 'd2000000-0000-4000-8000-000000000001', now() + interval '1 h'
FROM unnest(ARRAY['compile', 'deploy', 'run', 'stop', 'trade', 'get_positions', 'get_account', 'get_candles',
                  'close_position']) t, generate_series(1, 7);
WITH numbered AS (
    SELECT j.id, row_number() OVER (PARTITION BY j.job_type ORDER BY j.seq) AS place FROM jobs j
    WHERE j.user_id = 'd0000000-0000-4000-8000-000000000001'
)
UPDATE jobs j SET status = (ARRAY['pending', 'claimed', 'completed', 'failed', 'cancelled', 'expired', 'unknown'])[n.place],
    error_message = CASE WHEN n.place IN (4, 6, 7) THEN 'code: text' END
FROM numbered n WHERE j.id = n.id AND n.place > 1 AND (n.place < 7 OR j.lane = 1);
DELETE FROM job_ready r USING jobs j WHERE j.id = r.job_id AND j.status <> 'pending';

-- Two accounts with the same ticket, a ticket of 64 bits, trades of which little is known.
INSERT INTO trading_accounts (id, user_id, platform, connection_status, broker_connection_id) VALUES
    ('d3000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000001', 'MT5', 'active',
     'd1000000-0000-4000-8000-000000000001'),
    ('d3000000-0000-4000-8000-000000000002', 'd0000000-0000-4000-8000-000000000001', 'MT5', 'active', NULL);
INSERT INTO trades (account_id, user_id, ticket, position_id, magic)
SELECT a.id, a.user_id, t.ticket, t.ticket + 1, 9007199254740993
FROM trading_accounts a, (VALUES (100::bigint), (101), (9007199254740993)) t (ticket)
WHERE a.user_id = 'd0000000-0000-4000-8000-000000000001';
INSERT INTO sync_logs (account_id, sync_type, started_at, status)
SELECT a.id, 'realtime', now(), 'partial' FROM trading_accounts a
WHERE a.user_id = 'd0000000-0000-4000-8000-000000000001';

-- A strategy whose connection is the user's, a signal of a deleted one.
INSERT INTO tv_strategies (id, user_id, name, broker_connection_id) VALUES
    ('d4000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000001', 'since',
     'd1000000-0000-4000-8000-000000000001');
UPDATE tv_signals SET received_at = now() WHERE received_at IS NULL AND status = 'pending'; -- seed.sql's: ours have it
INSERT INTO tv_signals (id, user_id, status, received_at)
SELECT gen_random_uuid(), 'd0000000-0000-4000-8000-000000000001', s, now()
FROM unnest(ARRAY['pending', 'executed', 'failed', 'discarded']) s;

-- An expert advisor without source.
INSERT INTO ea_projects (id, user_id, name) VALUES
    ('d5000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000001', 'since');
INSERT INTO ea_versions (id, ea_project_id, version_number) VALUES
    ('d5000000-0000-4000-8000-000000000002', 'd5000000-0000-4000-8000-000000000001', 1);
UPDATE ea_projects SET current_version_id = 'd5000000-0000-4000-8000-000000000002'
WHERE id = 'd5000000-0000-4000-8000-000000000001';
INSERT INTO ea_artifacts (ea_version_id, artifact_type, content) VALUES ('d5000000-0000-4000-8000-000000000002', 'ex5', '\x00');

-- Runs with ticks, locks and events: without name, connection, size or distances; on bars and with a leverage that the
-- narrowest of older rules did not know.
INSERT INTO strategy_runs (id, user_id, exchange, market_type, symbol, timeframe, leverage, order_size_pct,
                           strategy_template, status)
SELECT ('d6000000-0000-4000-8000-00000000000' || n)::uuid, 'd0000000-0000-4000-8000-000000000002', 'mt5', 'forex', 'EURUSD',
       'MN1', 500, CASE n WHEN 1 THEN NULL ELSE 0.0001 END, CASE n WHEN 3 THEN 'legacy' ELSE 'sma' END,
       (ARRAY['draft', 'stopped', 'active'])[n]
FROM generate_series(1, 3) n;
INSERT INTO strategy_tick_runs (strategy_run_id, user_id, scheduled_at, status, reason)
SELECT r.id, r.user_id, now(), 'blocked', 'since' FROM strategy_runs r WHERE r.timeframe = 'MN1';
INSERT INTO strategy_locks (strategy_run_id, locked_until, lock_owner)
SELECT r.id, now(), 'since' FROM strategy_runs r WHERE r.timeframe = 'MN1';
INSERT INTO strategy_events (strategy_run_id, user_id, event_type)
SELECT r.id, r.user_id, 'risk_block' FROM strategy_runs r WHERE r.timeframe = 'MN1';

INSERT INTO workflow_executions (id, user_id, name) VALUES
    ('d7000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000001', 'since');
INSERT INTO workflow_steps (execution_id, position, job_type) VALUES ('d7000000-0000-4000-8000-000000000001', 1, 'get_account');
