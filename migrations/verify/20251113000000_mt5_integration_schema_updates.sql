-- System 2, object by object, and the leases.

SELECT 'column ' || e.relation || '.' || e.name AS object, e.type AS expected,
    (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = e.name AND a.attnum > 0 AND NOT a.attisdropped)
        AS found
FROM (VALUES
        ('trading_accounts', 'mt5_service_account_id', 'character varying(255)'),
        ('trading_accounts', 'last_connection_error', 'text'),
        ('trading_accounts', 'last_successful_sync_at', 'timestamp with time zone'),
        ('trading_accounts', 'sync_failure_count', 'integer'),
        ('trading_accounts', 'broker_server_time_offset', 'integer'),
        ('trading_accounts', 'broker_connection_id', 'uuid'),
        ('sync_logs', 'id', 'uuid'),
        ('sync_logs', 'account_id', 'uuid'),
        ('sync_logs', 'sync_type', 'character varying(50)'),
        ('sync_logs', 'started_at', 'timestamp with time zone'),
        ('sync_logs', 'completed_at', 'timestamp with time zone'),
        ('sync_logs', 'status', 'character varying(50)'),
        ('sync_logs', 'trades_synced', 'integer'),
        ('sync_logs', 'error_message', 'text'),
        ('sync_logs', 'duration_ms', 'integer'),
        ('sync_logs', 'created_at', 'timestamp with time zone'),
        ('recent_sync_failures', 'id', 'uuid'),
        ('recent_sync_failures', 'account_id', 'uuid'),
        ('recent_sync_failures', 'user_id', 'uuid'),
        ('recent_sync_failures', 'sync_type', 'character varying(50)'),
        ('recent_sync_failures', 'status', 'character varying(50)'),
        ('recent_sync_failures', 'error_message', 'text'),
        ('recent_sync_failures', 'started_at', 'timestamp with time zone'),
        ('account_sync_health', 'account_id', 'uuid'),
        ('account_sync_health', 'user_id', 'uuid'),
        ('account_sync_health', 'sync_failure_count', 'integer'),
        ('account_sync_health', 'failed_syncs_24h', 'bigint'),
        ('account_sync_health', 'success_rate_pct_24h', 'numeric'),
        ('account_sync_health', 'avg_duration_ms_24h', 'numeric'),
        ('account_sync_health', 'last_successful_sync_at', 'timestamp with time zone'),
        ('sync_leases', 'account_id', 'uuid'),
        ('sync_leases', 'owner', 'text'),
        ('sync_leases', 'fence', 'bigint'),
        ('sync_leases', 'until_at', 'timestamp with time zone')) e (relation, name, type);

SELECT 'default of ' || e.relation || '.' || e.name AS object, e.value AS expected,
    (SELECT pg_get_expr(d.adbin, d.adrelid) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
     FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = e.name) AS found
FROM (VALUES
        ('trading_accounts', 'sync_failure_count', '0 not null'),
        ('trading_accounts', 'broker_server_time_offset', '0 not null'),
        ('sync_logs', 'created_at', 'now() not null'),
        ('sync_logs', 'trades_synced', '0')) e (relation, name, value);

SELECT 'must be filled in ' || e.relation AS object, e.names AS expected,
    (SELECT string_agg(a.attname, ' ' ORDER BY a.attname COLLATE "C") FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = ANY (string_to_array(e.names, ' ')) AND a.attnotnull)
        AS found
FROM (VALUES
        ('sync_logs', 'account_id created_at id started_at'),
        ('sync_leases', 'account_id fence owner until_at')) e (relation, names);

SELECT 'values of ' || e.relation || '.' || e.name AS object, e.allowed AS expected,
    (SELECT string_agg(m[1], ' ' ORDER BY m[1] COLLATE "C") FROM pg_constraint n
     JOIN pg_attribute a ON a.attrelid = n.conrelid AND n.conkey = ARRAY[a.attnum]
     CROSS JOIN LATERAL regexp_matches(pg_get_constraintdef(n.oid), '''([^'']*)''', 'g') m
     WHERE n.conrelid = to_regclass('public.' || e.relation) AND a.attname = e.name AND n.contype = 'c') AS found
FROM (VALUES
        ('trading_accounts', 'connection_status', 'active connected disconnected error'),
        ('sync_logs', 'sync_type', 'manual realtime scheduled'),
        ('sync_logs', 'status', 'failed partial success')) e (relation, name, allowed);

SELECT 'constraint ' || e.name || ' on ' || e.relation AS object, e.definition AS expected,
    (SELECT pg_get_constraintdef(n.oid) FROM pg_constraint n
     WHERE n.conrelid = to_regclass('public.' || e.relation) AND n.conname = e.name) AS found
FROM (VALUES
        ('trading_accounts', 'trading_accounts_broker_connection_id_key', 'UNIQUE (broker_connection_id)'),
        ('trading_accounts', 'trading_accounts_broker_connection_fkey', 'FOREIGN KEY (broker_connection_id, user_id) REFERENCES broker_connections(id, user_id) ON DELETE SET NULL (broker_connection_id)'),
        ('sync_logs', 'sync_logs_account_id_fkey', 'FOREIGN KEY (account_id) REFERENCES trading_accounts(id) ON DELETE CASCADE')) e (relation, name, definition);

SELECT 'index ' || e.name AS object, e.definition AS expected,
    (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
     FROM pg_index i WHERE i.indexrelid = to_regclass('public.' || e.name)) AS found
FROM (VALUES
        ('idx_trading_accounts_sync_status', 'btree (is_active, connection_status, last_sync_at)'),
        ('idx_sync_logs_account', 'btree (account_id, started_at DESC)'),
        ('idx_sync_logs_started_at', 'btree (started_at DESC)')) e (name, definition);

SELECT 'table ' || e.name AS object, 'tradewire_owner, row level security' AS expected,
    (SELECT pg_get_userbyid(c.relowner) || CASE WHEN c.relrowsecurity AND NOT c.relforcerowsecurity
                                                THEN ', row level security' ELSE '' END
     FROM pg_class c WHERE c.oid = to_regclass('public.' || e.name)) AS found
FROM (VALUES ('sync_logs'), ('sync_leases')) e (name);

SELECT 'view ' || e.name AS object, 'tradewire_owner, security_invoker=true' AS expected,
    (SELECT pg_get_userbyid(c.relowner) || ', ' || array_to_string(c.reloptions, ', ') FROM pg_class c
     WHERE c.oid = to_regclass('public.' || e.name) AND c.relkind = 'v') AS found
FROM (VALUES ('recent_sync_failures'), ('account_sync_health')) e (name);

SELECT 'policy ' || e.name || ' of ' || e.relation AS object, e.definition AS expected,
    (SELECT regexp_replace(regexp_replace(concat_ws(' ',
            CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
            CASE WHEN NOT p.polpermissive THEN 'restrictive' END,
            'to', (SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r) END, ',') FROM unnest(p.polroles) r),
            'using ' || pg_get_expr(p.polqual, p.polrelid), 'check ' || pg_get_expr(p.polwithcheck, p.polrelid)),
            '\s+', ' ', 'g'), '\mpublic\.', '', 'g')
     FROM pg_policy p WHERE p.polrelid = to_regclass('public.' || e.relation) AND p.polname = e.name) AS found
FROM (VALUES
        ('sync_logs', 'dispatcher', 'SELECT to tradewire_dispatcher using true'),
        ('sync_logs', 'operator', 'SELECT to tradewire_operator using true'),
        ('sync_logs', 'own', 'SELECT to authenticated using (EXISTS ( SELECT FROM trading_accounts a WHERE ((a.id = sync_logs.account_id) AND (a.user_id = ( SELECT auth.uid() AS uid)))))'),
        ('sync_logs', 'service_read', 'SELECT to service_role using true'),
        ('sync_logs', 'service_write', 'INSERT to service_role check true'),
        ('sync_logs', 'sync', 'ALL to tradewire_sync using true check true'),
        ('sync_leases', 'operator', 'SELECT to tradewire_operator using true'),
        ('sync_leases', 'sync', 'ALL to tradewire_sync using true check true'),
        ('trading_accounts', 'dispatcher', 'SELECT to tradewire_dispatcher using true'),
        ('trading_accounts', 'operator', 'SELECT to tradewire_operator using true'),
        ('trading_accounts', 'sync', 'ALL to tradewire_sync using true check true'),
        ('trades', 'dispatcher', 'SELECT to tradewire_dispatcher using true'),
        ('trades', 'operator', 'SELECT to tradewire_operator using true'),
        ('trades', 'sync', 'ALL to tradewire_sync using true check true')) e (relation, name, definition);

SELECT 'rights of ' || e.role || ' on ' || e.relation AS object, e.privileges AS expected,
    (SELECT coalesce(string_agg(p.name, ' ' ORDER BY p.place), '')
     FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) WITH ORDINALITY p (name, place)
     WHERE has_table_privilege(e.role, to_regclass('public.' || e.relation), p.name)
       AND (e.privileges = '' OR p.name = ANY (string_to_array(e.privileges, ' ')))) AS found
FROM (VALUES
        ('authenticated', 'sync_logs', 'SELECT'),
        ('anon', 'sync_logs', ''),
        ('service_role', 'sync_logs', 'SELECT INSERT'),
        ('tradewire_sync', 'sync_logs', 'SELECT INSERT'),
        ('tradewire_sync', 'trading_accounts', 'SELECT INSERT UPDATE'),
        ('tradewire_sync', 'trades', 'SELECT INSERT UPDATE'),
        ('tradewire_sync', 'sync_leases', 'SELECT INSERT UPDATE'),
        ('authenticated', 'sync_leases', ''),
        ('authenticated', 'recent_sync_failures', 'SELECT'),
        ('authenticated', 'account_sync_health', 'SELECT'),
        ('anon', 'account_sync_health', '')) e (role, relation, privileges);

SELECT 'story in the comment of ' || e.name AS object, e.story AS expected,
    (SELECT substring(col_description(a.attrelid, a.attnum) FROM 'Story [0-9.]+[0-9]') FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.trading_accounts') AND a.attname = e.name) AS found
FROM (VALUES
        ('mt5_service_account_id', 'Story 4.1'),
        ('last_connection_error', 'Story 4.1'),
        ('connection_status', 'Story 4.1'),
        ('last_successful_sync_at', 'Story 4.2'),
        ('sync_failure_count', 'Story 4.2'),
        ('broker_server_time_offset', 'Story 4.2')) e (name, story);

SELECT 'comments of ' || e.relation AS object, 'none missing' AS expected,
    (SELECT coalesce(string_agg(a.attname, ' '), 'none missing') FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attnum > 0 AND NOT a.attisdropped
       AND col_description(a.attrelid, a.attnum) IS NULL) AS found
FROM (VALUES ('trading_accounts'), ('sync_logs'), ('sync_leases'), ('recent_sync_failures'), ('account_sync_health')) e (relation);
