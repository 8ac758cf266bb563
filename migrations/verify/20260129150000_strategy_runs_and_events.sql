-- The runs and their events.

SELECT 'column ' || e.relation || '.' || e.name AS object, e.type AS expected,
    (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = e.name AND a.attnum > 0 AND NOT a.attisdropped)
        AS found
FROM (VALUES
        ('strategy_runs', 'id', 'uuid'),
        ('strategy_runs', 'user_id', 'uuid'),
        ('strategy_runs', 'exchange_connection_id', 'uuid'),
        ('strategy_runs', 'exchange', 'text'),
        ('strategy_runs', 'market_type', 'text'),
        ('strategy_runs', 'symbol', 'text'),
        ('strategy_runs', 'timeframe', 'text'),
        ('strategy_runs', 'direction', 'text'),
        ('strategy_runs', 'leverage', 'integer'),
        ('strategy_runs', 'margin_mode', 'text'),
        ('strategy_runs', 'position_mode', 'text'),
        ('strategy_runs', 'order_size_pct', 'numeric'),
        ('strategy_runs', 'initial_capital_usdt', 'numeric'),
        ('strategy_runs', 'take_profit_pct', 'numeric'),
        ('strategy_runs', 'stop_loss_pct', 'numeric'),
        ('strategy_runs', 'strategy_template', 'text'),
        ('strategy_runs', 'strategy_params', 'jsonb'),
        ('strategy_runs', 'status', 'text'),
        ('strategy_runs', 'last_signal_at', 'timestamp with time zone'),
        ('strategy_runs', 'created_at', 'timestamp with time zone'),
        ('strategy_runs', 'updated_at', 'timestamp with time zone'),
        ('strategy_events', 'id', 'uuid'),
        ('strategy_events', 'strategy_run_id', 'uuid'),
        ('strategy_events', 'user_id', 'uuid'),
        ('strategy_events', 'event_type', 'text'),
        ('strategy_events', 'payload', 'jsonb'),
        ('strategy_events', 'created_at', 'timestamp with time zone')) e (relation, name, type);

SELECT 'constraint ' || e.name || ' on ' || e.relation AS object, e.definition AS expected,
    (SELECT pg_get_constraintdef(n.oid) FROM pg_constraint n
     WHERE n.conrelid = to_regclass('public.' || e.relation) AND n.conname = e.name) AS found
FROM (VALUES
        ('strategy_runs', 'strategy_runs_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES user_profiles(id) ON DELETE CASCADE'),
        ('strategy_events', 'strategy_events_strategy_run_id_fkey', 'FOREIGN KEY (strategy_run_id) REFERENCES strategy_runs(id) ON DELETE CASCADE'),
        ('strategy_events', 'strategy_events_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES user_profiles(id) ON DELETE CASCADE')) e (relation, name, definition);

SELECT 'index ' || e.name AS object, e.definition AS expected,
    (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
     FROM pg_index i WHERE i.indexrelid = to_regclass('public.' || e.name)) AS found
FROM (VALUES
        ('idx_strategy_runs_user_id', 'btree (user_id)'),
        ('idx_strategy_runs_exchange_connection_id', 'btree (exchange_connection_id)'),
        ('idx_strategy_runs_status', 'btree (status)'),
        ('idx_strategy_events_user_id', 'btree (user_id)')) e (name, definition);

SELECT 'table ' || e.name AS object, 'tradewire_owner, row level security' AS expected,
    (SELECT pg_get_userbyid(c.relowner) || CASE WHEN c.relrowsecurity AND NOT c.relforcerowsecurity
                                                THEN ', row level security' ELSE '' END
     FROM pg_class c WHERE c.oid = to_regclass('public.' || e.name)) AS found
FROM (VALUES ('strategy_runs'), ('strategy_events')) e (name);

SELECT 'rights of ' || e.role || ' on ' || e.relation AS object, e.privileges AS expected,
    (SELECT coalesce(string_agg(p.name, ' ' ORDER BY p.place), '')
     FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) WITH ORDINALITY p (name, place)
     WHERE has_table_privilege(e.role, to_regclass('public.' || e.relation), p.name)
       AND (e.privileges = '' OR p.name = ANY (string_to_array(e.privileges, ' ')))) AS found
FROM (VALUES
        ('anon', 'strategy_runs', ''),
        ('anon', 'strategy_events', '')) e (role, relation, privileges);

SELECT 'comments of ' || e.relation AS object, 'none missing' AS expected,
    (SELECT coalesce(string_agg(a.attname, ' '), 'none missing') FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attnum > 0 AND NOT a.attisdropped
       AND col_description(a.attrelid, a.attnum) IS NULL) AS found
FROM (VALUES ('strategy_runs'), ('strategy_events')) e (relation);
