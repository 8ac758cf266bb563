-- The runner's first tables; what the next file renames is looked at there.

SELECT 'column ' || e.relation || '.' || e.name AS object, e.type AS expected,
    (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = e.name AND a.attnum > 0 AND NOT a.attisdropped)
        AS found
FROM (VALUES
        ('strategies', 'id', 'uuid'),
        ('strategies', 'user_id', 'uuid'),
        ('strategies', 'name', 'text'),
        ('strategies', 'exchange', 'text'),
        ('strategies', 'market_type', 'text'),
        ('strategies', 'symbol', 'text'),
        ('strategies', 'timeframe', 'text'),
        ('strategies', 'status', 'text'),
        ('strategies', 'side_mode', 'text'),
        ('strategies', 'leverage', 'integer'),
        ('strategies', 'order_size_pct', 'numeric'),
        ('strategies', 'take_profit_pct', 'numeric'),
        ('strategies', 'stop_loss_pct', 'numeric'),
        ('strategies', 'last_run_at', 'timestamp with time zone'),
        ('strategy_tick_runs', 'id', 'uuid'),
        ('strategy_tick_runs', 'user_id', 'uuid'),
        ('strategy_tick_runs', 'scheduled_at', 'timestamp with time zone'),
        ('strategy_tick_runs', 'started_at', 'timestamp with time zone'),
        ('strategy_tick_runs', 'finished_at', 'timestamp with time zone'),
        ('strategy_tick_runs', 'status', 'text'),
        ('strategy_tick_runs', 'reason', 'text'),
        ('strategy_tick_runs', 'signal', 'text'),
        ('strategy_tick_runs', 'latency_ms', 'integer'),
        ('strategy_tick_runs', 'meta', 'jsonb'),
        ('strategy_locks', 'locked_until', 'timestamp with time zone'),
        ('strategy_locks', 'lock_owner', 'text'),
        ('strategy_locks', 'updated_at', 'timestamp with time zone'),
        ('strategy_risk_state', 'user_id', 'uuid'),
        ('strategy_risk_state', 'day', 'date'),
        ('strategy_risk_state', 'realized_pnl_usdt', 'numeric'),
        ('strategy_risk_state', 'trades_count', 'integer'),
        ('strategy_risk_state', 'consecutive_losses', 'integer'),
        ('strategy_risk_state', 'is_paused', 'boolean'),
        ('strategy_risk_state', 'paused_reason', 'text'),
        ('strategy_risk_state', 'paused_until', 'timestamp with time zone'),
        ('strategy_risk_state', 'last_trade_at', 'timestamp with time zone'),
        ('strategy_risk_state', 'updated_at', 'timestamp with time zone')) e (relation, name, type);

SELECT 'column ' || e.relation || '.strategy_id, or strategy_run_id in its place' AS object, 'one' AS expected,
    CASE (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = to_regclass('public.' || e.relation)
          AND a.attname IN ('strategy_id', 'strategy_run_id') AND NOT a.attisdropped) WHEN 1 THEN 'one' ELSE 'not one' END AS found
FROM (VALUES ('strategy_tick_runs'), ('strategy_locks')) e (relation);

SELECT 'values of ' || e.relation || '.' || e.name AS object, e.allowed AS expected,
    (SELECT string_agg(m[1], ' ' ORDER BY m[1] COLLATE "C") FROM pg_constraint n
     JOIN pg_attribute a ON a.attrelid = n.conrelid AND n.conkey = ARRAY[a.attnum]
     CROSS JOIN LATERAL regexp_matches(pg_get_constraintdef(n.oid), '''([^'']*)''', 'g') m
     WHERE n.conrelid = to_regclass('public.' || e.relation) AND a.attname = e.name AND n.contype = 'c') AS found
FROM (VALUES
        ('strategy_tick_runs', 'status', 'blocked error ok skipped'),
        ('strategy_tick_runs', 'signal', 'buy hold sell'),
        ('strategies', 'status', 'active paused stopped'),
        ('strategies', 'side_mode', 'both long short')) e (relation, name, allowed);

SELECT 'constraint ' || e.name || ' on ' || e.relation AS object, e.definition AS expected,
    (SELECT pg_get_constraintdef(n.oid) FROM pg_constraint n
     WHERE n.conrelid = to_regclass('public.' || e.relation) AND n.conname = e.name) AS found
FROM (VALUES
        ('strategies', 'strategies_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES user_profiles(id) ON DELETE CASCADE'),
        ('strategy_tick_runs', 'strategy_tick_runs_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES user_profiles(id) ON DELETE CASCADE'),
        ('strategy_risk_state', 'strategy_risk_state_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES user_profiles(id) ON DELETE CASCADE'),
        ('strategy_risk_state', 'strategy_risk_state_pkey', 'PRIMARY KEY (user_id, day)')) e (relation, name, definition);

SELECT 'not null of ' || e.relation || '.' || e.name AS object, 'yes' AS expected,
    (SELECT CASE WHEN a.attnotnull THEN 'yes' ELSE 'no' END FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = e.name) AS found
FROM (VALUES
        ('strategy_tick_runs', 'scheduled_at'),
        ('strategy_tick_runs', 'started_at'),
        ('strategy_locks', 'locked_until'),
        ('strategy_locks', 'lock_owner'),
        ('strategy_locks', 'updated_at')) e (relation, name);

SELECT 'index ' || e.name AS object, e.definition AS expected,
    (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
     FROM pg_index i WHERE i.indexrelid = to_regclass('public.' || e.name)) AS found
FROM (VALUES
        ('idx_strategies_user_id', 'btree (user_id)'),
        ('idx_strategy_tick_runs_user_id', 'btree (user_id)'),
        ('idx_strategy_tick_runs_scheduled_at', 'btree (scheduled_at DESC)')) e (name, definition);

SELECT 'table ' || e.name AS object, 'tradewire_owner, row level security' AS expected,
    (SELECT pg_get_userbyid(c.relowner) || CASE WHEN c.relrowsecurity AND NOT c.relforcerowsecurity
                                                THEN ', row level security' ELSE '' END
     FROM pg_class c WHERE c.oid = to_regclass('public.' || e.name)) AS found
FROM (VALUES ('strategies'), ('strategy_tick_runs'), ('strategy_locks'), ('strategy_risk_state')) e (name);

SELECT 'rights of ' || e.role || ' on ' || e.relation AS object, e.privileges AS expected,
    (SELECT coalesce(string_agg(p.name, ' ' ORDER BY p.place), '')
     FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) WITH ORDINALITY p (name, place)
     WHERE has_table_privilege(e.role, to_regclass('public.' || e.relation), p.name)
       AND (e.privileges = '' OR p.name = ANY (string_to_array(e.privileges, ' ')))) AS found
FROM (VALUES
        ('anon', 'strategies', ''),
        ('anon', 'strategy_tick_runs', ''),
        ('anon', 'strategy_locks', ''),
        ('anon', 'strategy_risk_state', '')) e (role, relation, privileges);

SELECT 'comments of ' || e.relation AS object, 'none missing' AS expected,
    (SELECT coalesce(string_agg(a.attname, ' '), 'none missing') FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attnum > 0 AND NOT a.attisdropped
       AND col_description(a.attrelid, a.attnum) IS NULL) AS found
FROM (VALUES ('strategies'), ('strategy_tick_runs'), ('strategy_locks'), ('strategy_risk_state')) e (relation);
