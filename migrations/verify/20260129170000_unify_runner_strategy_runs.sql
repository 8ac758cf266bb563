-- System 3 after its three files.

SELECT 'column ' || e.relation || '.' || e.name AS object, e.type AS expected,
    (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = e.name AND a.attnum > 0 AND NOT a.attisdropped)
        AS found
FROM (VALUES
        ('strategy_runs', 'name', 'text'),
        ('strategy_runs', 'last_run_at', 'timestamp with time zone'),
        ('strategy_events', 'seq', 'bigint'),
        ('strategy_tick_runs', 'strategy_run_id', 'uuid'),
        ('strategy_locks', 'strategy_run_id', 'uuid'),
        ('strategy_locks', 'fence', 'bigint'),
        ('strategy_risk_state', 'open_exposure', 'numeric'),
        ('strategy_risk_state', 'cooldown_until', 'timestamp with time zone'),
        ('strategy_run_risk', 'strategy_run_id', 'uuid'),
        ('strategy_run_risk', 'day', 'date'),
        ('strategy_run_risk', 'user_id', 'uuid'),
        ('strategy_run_risk', 'realized_pnl', 'numeric'),
        ('strategy_run_risk', 'open_exposure', 'numeric'),
        ('strategy_run_risk', 'trades_count', 'integer'),
        ('strategy_run_risk', 'consecutive_losses', 'integer'),
        ('strategy_run_risk', 'last_trade_at', 'timestamp with time zone'),
        ('strategy_run_risk', 'cooldown_until', 'timestamp with time zone'),
        ('user_exchange_connections', 'broker_connection_id', 'uuid')) e (relation, name, type);

SELECT 'column ' || e.relation || '.strategy_id' AS object, 'gone' AS expected,
    CASE WHEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass('public.' || e.relation)
                      AND a.attname = 'strategy_id' AND NOT a.attisdropped) THEN 'there' ELSE 'gone' END AS found
FROM (VALUES ('strategy_tick_runs'), ('strategy_locks')) e (relation);

SELECT 'must be filled in ' || e.relation AS object, e.names AS expected,
    (SELECT string_agg(a.attname, ' ' ORDER BY a.attname COLLATE "C") FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = ANY (string_to_array(e.names, ' ')) AND a.attnotnull)
        AS found
FROM (VALUES
        ('strategy_runs', 'created_at id updated_at'),
        ('strategy_events', 'created_at id seq'),
        ('strategy_tick_runs', 'id scheduled_at started_at'),
        ('strategy_locks', 'fence lock_owner locked_until strategy_run_id updated_at'),
        ('strategy_risk_state', 'day open_exposure updated_at user_id'),
        ('strategy_run_risk', 'consecutive_losses day open_exposure realized_pnl strategy_run_id trades_count updated_at user_id')) e (relation, names);

SELECT 'default of ' || e.relation || '.' || e.name AS object, e.value AS expected,
    (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = e.name) AS found
FROM (VALUES
        ('strategy_runs', 'created_at', 'now()'),
        ('strategy_events', 'created_at', 'now()'),
        ('strategy_locks', 'fence', '0'),
        ('strategy_risk_state', 'open_exposure', '0'),
        ('strategy_run_risk', 'updated_at', 'now()')) e (relation, name, value);

SELECT 'values of ' || e.relation || '.' || e.name AS object, e.allowed AS expected,
    (SELECT string_agg(m[1], ' ' ORDER BY m[1] COLLATE "C") FROM pg_constraint n
     JOIN pg_attribute a ON a.attrelid = n.conrelid AND n.conkey = ARRAY[a.attnum]
     CROSS JOIN LATERAL regexp_matches(pg_get_constraintdef(n.oid), '''([^'']*)''', 'g') m
     WHERE n.conrelid = to_regclass('public.' || e.relation) AND a.attname = e.name AND n.contype = 'c') AS found
FROM (VALUES
        ('strategy_runs', 'exchange', 'binance bybit mt5'),
        ('strategy_runs', 'market_type', 'forex futures spot'),
        ('strategy_runs', 'timeframe', '15m 1h 1m 5m D1 H1 H12 H2 H3 H4 H6 H8 M1 M10 M12 M15 M2 M20 M3 M30 M4 M5 M6 MN1 W1'),
        ('strategy_runs', 'direction', 'both long short'),
        ('strategy_runs', 'margin_mode', 'cross isolated'),
        ('strategy_runs', 'position_mode', 'hedge one_way'),
        ('strategy_runs', 'status', 'active draft paused stopped')) e (relation, name, allowed);

SELECT 'constraint ' || e.name || ' on ' || e.relation AS object, e.definition AS expected,
    (SELECT pg_get_constraintdef(n.oid) FROM pg_constraint n
     WHERE n.conrelid = to_regclass('public.' || e.relation) AND n.conname = e.name) AS found
FROM (VALUES
        ('strategy_runs', 'strategy_runs_exchange_connection_fkey', 'FOREIGN KEY (exchange_connection_id, user_id) REFERENCES user_exchange_connections(id, user_id) ON DELETE SET NULL (exchange_connection_id)'),
        ('user_exchange_connections', 'user_exchange_connections_broker_connection_fkey', 'FOREIGN KEY (broker_connection_id, user_id) REFERENCES broker_connections(id, user_id) ON DELETE SET NULL (broker_connection_id)'),
        ('strategy_tick_runs', 'strategy_tick_runs_strategy_run_id_fkey', 'FOREIGN KEY (strategy_run_id) REFERENCES strategy_runs(id) ON DELETE CASCADE'),
        ('strategy_runs', 'strategy_runs_order_size_pct_check', 'CHECK (((order_size_pct > (0)::numeric) AND (order_size_pct <= (100)::numeric)))'),
        ('strategy_tick_runs', 'strategy_tick_runs_run_scheduled_key', 'UNIQUE (strategy_run_id, scheduled_at)'),
        ('strategy_tick_runs', 'strategy_tick_runs_run_user_fkey', 'FOREIGN KEY (strategy_run_id, user_id) REFERENCES strategy_runs(id, user_id) ON DELETE CASCADE'),
        ('strategy_events', 'strategy_events_run_user_fkey', 'FOREIGN KEY (strategy_run_id, user_id) REFERENCES strategy_runs(id, user_id) ON DELETE CASCADE'),
        ('strategy_locks', 'strategy_locks_pkey', 'PRIMARY KEY (strategy_run_id)'),
        ('strategy_locks', 'strategy_locks_strategy_run_id_fkey', 'FOREIGN KEY (strategy_run_id) REFERENCES strategy_runs(id) ON DELETE CASCADE'),
        ('strategy_run_risk', 'strategy_run_risk_pkey', 'PRIMARY KEY (strategy_run_id, day)'),
        ('strategy_run_risk', 'strategy_run_risk_run_fkey', 'FOREIGN KEY (strategy_run_id, user_id) REFERENCES strategy_runs(id, user_id) ON DELETE CASCADE')) e (relation, name, definition);

SELECT 'index ' || e.name AS object, e.definition AS expected,
    (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
     FROM pg_index i WHERE i.indexrelid = to_regclass('public.' || e.name)) AS found
FROM (VALUES
        ('strategy_events_run_idx', 'btree (strategy_run_id, seq)')) e (name, definition);

SELECT 'table ' || e.name AS object, 'tradewire_owner, row level security' AS expected,
    (SELECT pg_get_userbyid(c.relowner) || CASE WHEN c.relrowsecurity AND NOT c.relforcerowsecurity
                                                THEN ', row level security' ELSE '' END
     FROM pg_class c WHERE c.oid = to_regclass('public.' || e.name)) AS found
FROM (VALUES ('strategy_runs'), ('strategy_events'), ('strategies'), ('strategy_tick_runs'), ('strategy_locks'), ('strategy_risk_state'), ('strategy_run_risk')) e (name);

SELECT 'policy ' || e.name || ' of ' || e.relation AS object, e.definition AS expected,
    (SELECT regexp_replace(regexp_replace(concat_ws(' ',
            CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
            CASE WHEN NOT p.polpermissive THEN 'restrictive' END,
            'to', (SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r) END, ',') FROM unnest(p.polroles) r),
            'using ' || pg_get_expr(p.polqual, p.polrelid), 'check ' || pg_get_expr(p.polwithcheck, p.polrelid)),
            '\s+', ' ', 'g'), '\mpublic\.', '', 'g')
     FROM pg_policy p WHERE p.polrelid = to_regclass('public.' || e.relation) AND p.polname = e.name) AS found
FROM (VALUES
        ('strategy_runs', 'dispatcher', 'ALL to tradewire_dispatcher using true check true'),
        ('strategy_runs', 'operator', 'SELECT to tradewire_operator using true'),
        ('strategy_runs', 'own', 'SELECT to authenticated using ((user_id = ( SELECT auth.uid() AS uid)) OR (EXISTS ( SELECT FROM user_profiles p WHERE ((p.id = ( SELECT auth.uid() AS uid)) AND (p.role = ''admin''::text)))))'),
        ('strategy_runs', 'service', 'SELECT to service_role using true'),
        ('strategy_events', 'dispatcher', 'ALL to tradewire_dispatcher using true check true'),
        ('strategy_events', 'operator', 'SELECT to tradewire_operator using true'),
        ('strategy_events', 'own', 'SELECT to authenticated using ((user_id = ( SELECT auth.uid() AS uid)) OR (EXISTS ( SELECT FROM user_profiles p WHERE ((p.id = ( SELECT auth.uid() AS uid)) AND (p.role = ''admin''::text)))))'),
        ('strategy_events', 'service', 'SELECT to service_role using true'),
        ('strategies', 'dispatcher', 'ALL to tradewire_dispatcher using true check true'),
        ('strategies', 'operator', 'SELECT to tradewire_operator using true'),
        ('strategies', 'own', 'SELECT to authenticated using ((user_id = ( SELECT auth.uid() AS uid)) OR (EXISTS ( SELECT FROM user_profiles p WHERE ((p.id = ( SELECT auth.uid() AS uid)) AND (p.role = ''admin''::text)))))'),
        ('strategies', 'service', 'SELECT to service_role using true'),
        ('strategy_tick_runs', 'dispatcher', 'ALL to tradewire_dispatcher using true check true'),
        ('strategy_tick_runs', 'operator', 'SELECT to tradewire_operator using true'),
        ('strategy_tick_runs', 'own', 'SELECT to authenticated using ((user_id = ( SELECT auth.uid() AS uid)) OR (EXISTS ( SELECT FROM user_profiles p WHERE ((p.id = ( SELECT auth.uid() AS uid)) AND (p.role = ''admin''::text)))))'),
        ('strategy_tick_runs', 'service', 'SELECT to service_role using true'),
        ('strategy_locks', 'dispatcher', 'ALL to tradewire_dispatcher using true check true'),
        ('strategy_locks', 'operator', 'SELECT to tradewire_operator using true'),
        ('strategy_locks', 'own', 'SELECT to authenticated using (EXISTS ( SELECT FROM user_profiles p WHERE ((p.id = ( SELECT auth.uid() AS uid)) AND (p.role = ''admin''::text))))'),
        ('strategy_locks', 'service', 'SELECT to service_role using true'),
        ('strategy_risk_state', 'dispatcher', 'ALL to tradewire_dispatcher using true check true'),
        ('strategy_risk_state', 'operator', 'SELECT to tradewire_operator using true'),
        ('strategy_risk_state', 'own', 'SELECT to authenticated using ((user_id = ( SELECT auth.uid() AS uid)) OR (EXISTS ( SELECT FROM user_profiles p WHERE ((p.id = ( SELECT auth.uid() AS uid)) AND (p.role = ''admin''::text)))))'),
        ('strategy_risk_state', 'service', 'SELECT to service_role using true'),
        ('strategy_run_risk', 'dispatcher', 'ALL to tradewire_dispatcher using true check true'),
        ('strategy_run_risk', 'operator', 'SELECT to tradewire_operator using true'),
        ('strategy_run_risk', 'own', 'SELECT to authenticated using ((user_id = ( SELECT auth.uid() AS uid)) OR (EXISTS ( SELECT FROM user_profiles p WHERE ((p.id = ( SELECT auth.uid() AS uid)) AND (p.role = ''admin''::text)))))'),
        ('strategy_run_risk', 'service', 'SELECT to service_role using true')) e (relation, name, definition);

SELECT 'rights of ' || e.role || ' on ' || e.relation AS object, e.privileges AS expected,
    (SELECT coalesce(string_agg(p.name, ' ' ORDER BY p.place), '')
     FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) WITH ORDINALITY p (name, place)
     WHERE has_table_privilege(e.role, to_regclass('public.' || e.relation), p.name)
       AND (e.privileges = '' OR p.name = ANY (string_to_array(e.privileges, ' ')))) AS found
FROM (VALUES
        ('authenticated', 'strategy_runs', 'SELECT'),
        ('authenticated', 'strategy_events', 'SELECT'),
        ('authenticated', 'strategies', 'SELECT'),
        ('authenticated', 'strategy_tick_runs', 'SELECT'),
        ('authenticated', 'strategy_locks', 'SELECT'),
        ('authenticated', 'strategy_risk_state', 'SELECT'),
        ('authenticated', 'strategy_run_risk', 'SELECT'),
        ('anon', 'strategy_runs', ''),
        ('anon', 'strategy_events', ''),
        ('anon', 'strategies', ''),
        ('anon', 'strategy_tick_runs', ''),
        ('anon', 'strategy_locks', ''),
        ('anon', 'strategy_risk_state', ''),
        ('anon', 'strategy_run_risk', ''),
        ('service_role', 'strategy_runs', 'SELECT'),
        ('service_role', 'strategy_events', 'SELECT'),
        ('service_role', 'strategies', 'SELECT'),
        ('service_role', 'strategy_tick_runs', 'SELECT'),
        ('service_role', 'strategy_locks', 'SELECT'),
        ('service_role', 'strategy_risk_state', 'SELECT'),
        ('service_role', 'strategy_run_risk', 'SELECT'),
        ('tradewire_dispatcher', 'strategy_runs', 'SELECT INSERT UPDATE'),
        ('tradewire_dispatcher', 'strategy_events', 'SELECT INSERT'),
        ('tradewire_dispatcher', 'strategies', 'SELECT'),
        ('tradewire_dispatcher', 'strategy_tick_runs', 'SELECT INSERT UPDATE'),
        ('tradewire_dispatcher', 'strategy_locks', 'SELECT INSERT UPDATE'),
        ('tradewire_dispatcher', 'strategy_risk_state', 'SELECT INSERT UPDATE'),
        ('tradewire_dispatcher', 'strategy_run_risk', 'SELECT INSERT UPDATE')) e (role, relation, privileges);

SELECT 'trigger strategy_tick_runs_need_run' AS object,
    'BEFORE INSERT OR UPDATE OF strategy_run_id ON strategy_tick_runs FOR EACH ROW WHEN ((new.strategy_run_id IS NULL)) EXECUTE FUNCTION strategy_tick_runs_need_run()'
        AS expected,
    (SELECT regexp_replace(regexp_replace(pg_get_triggerdef(t.oid), '\mpublic\.', '', 'g'), '^CREATE TRIGGER \S+ ', '')
            || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' disabled' END
     FROM pg_trigger t WHERE t.tgrelid = to_regclass('public.strategy_tick_runs') AND t.tgname = 'strategy_tick_runs_need_run') AS found;

SELECT 'strategies without a run of their id' AS object, '0' AS expected, (
    SELECT count(*)::text FROM public.strategies s WHERE NOT EXISTS (
        SELECT FROM public.strategy_runs r WHERE r.id = s.id)) AS found;

SELECT 'comments of ' || e.relation AS object, 'none missing' AS expected,
    (SELECT coalesce(string_agg(a.attname, ' '), 'none missing') FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attnum > 0 AND NOT a.attisdropped
       AND col_description(a.attrelid, a.attnum) IS NULL) AS found
FROM (VALUES ('strategy_runs'), ('strategy_events'), ('strategies'), ('strategy_tick_runs'), ('strategy_locks'), ('strategy_risk_state'), ('strategy_run_risk')) e (relation);
