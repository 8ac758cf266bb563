-- Agents, the accounts they are bound to, gateways.

-- Tables.
SELECT 'table ' || w.relation AS object, w.expected,
       CASE WHEN to_regclass(format('public.%I', w.relation)) IS NOT NULL THEN 'is there' END AS found
FROM (VALUES
    ('gateways', 'is there')
) w (relation, expected);

-- Columns: type, and whether they must be filled. Text of any kind counts as text.
SELECT format('column %s.%s', w.relation, w.name) AS object, w.expected,
       (SELECT CASE WHEN format_type(a.atttypid, NULL) = 'character varying' AND w.expected LIKE 'text%' THEN 'text'
                     WHEN a.atttypid = 'numeric'::regtype AND w.expected NOT LIKE 'numeric(%' THEN 'numeric'
                     ELSE format_type(a.atttypid, a.atttypmod) END
                || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
         FROM pg_attribute a WHERE a.attrelid = to_regclass(format('public.%I', w.relation)) AND a.attname = w.name
           AND NOT a.attisdropped) AS found
FROM (VALUES
    ('broker_connections', 'symbol_prefix', 'text'),
    ('broker_connections', 'symbol_suffix', 'text'),
    ('broker_connections', 'symbol_map', 'jsonb'),
    ('broker_connections', 'max_lots', 'numeric'),
    ('broker_connections', 'max_leverage', 'numeric'),
    ('broker_connections', 'server', 'text'),
    ('broker_connections', 'login', 'text'),
    ('broker_connections', 'currency', 'text'),
    ('broker_connections', 'margin_mode', 'text'),
    ('broker_connections', 'is_real', 'boolean'),
    ('mt5_agents', 'password_encrypted', 'text'),
    ('mt5_agents', 'curve_public_key', 'bytea'),
    ('mt5_agents', 'journal_id', 'uuid'),
    ('mt5_agents', 'journal_seq', 'bigint'),
    ('mt5_agents', 'journal_bound_at', 'timestamp with time zone'),
    ('mt5_agents', 'session_no', 'bigint not null'),
    ('mt5_agents', 'session_started_at', 'timestamp with time zone'),
    ('mt5_agents', 'session_ended_at', 'timestamp with time zone'),
    ('mt5_agents', 'gateway_id', 'uuid'),
    ('mt5_agents', 'capabilities', 'jsonb'),
    ('mt5_agents', 'revoked_at', 'timestamp with time zone'),
    ('mt5_agents', 'trade_disabled_reason', 'text'),
    ('gateways', 'id', 'uuid not null'),
    ('gateways', 'name', 'text not null'),
    ('gateways', 'started_at', 'timestamp with time zone not null'),
    ('gateways', 'seen_at', 'timestamp with time zone not null')
) w (relation, name, expected);

-- Defaults.
SELECT format('default of %s.%s', w.relation, w.name) AS object, w.expected,
       (SELECT replace(pg_get_expr(d.adbin, d.adrelid), 'character varying', 'text') FROM pg_attribute a
         JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = to_regclass(format('public.%I', w.relation)) AND a.attname = w.name AND NOT a.attisdropped) AS found
FROM (VALUES
    ('broker_connections', 'credentials', '''{}''::jsonb'),
    ('mt5_agents', 'session_no', '0'),
    ('gateways', 'started_at', 'clock_timestamp()'),
    ('gateways', 'seen_at', 'clock_timestamp()')
) w (relation, name, expected);

-- Keys and checks.
SELECT format('constraint %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT regexp_replace(pg_get_constraintdef(n.oid), '\mpublic\.', '', 'g')
         FROM pg_constraint n WHERE n.conrelid = to_regclass(format('public.%I', w.relation)) AND n.conname = w.name) AS found
FROM (VALUES
    ('broker_connections', 'broker_connections_id_user_key', 'UNIQUE (id, user_id)'),
    ('mt5_agents', 'mt5_agents_curve_public_key_check', 'CHECK ((octet_length(curve_public_key) = 32))'),
    ('mt5_agents', 'mt5_agents_id_user_key', 'UNIQUE (id, user_id)'),
    ('mt5_agents', 'mt5_agents_broker_connection_fkey', 'FOREIGN KEY (broker_connection_id, user_id) REFERENCES broker_connections(id, user_id) ON DELETE SET NULL (broker_connection_id)'),
    ('gateways', 'gateways_pkey', 'PRIMARY KEY (id)')
) w (relation, name, expected);

-- Indexes: what they cover.
SELECT 'index ' || w.name AS object, w.expected,
       (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ON (ONLY )?(public\.)?', '\1')
                || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
         FROM pg_index i WHERE i.indexrelid = to_regclass(format('public.%I', w.name))) AS found
FROM (VALUES
    ('mt5_agents_connection_key', 'UNIQUE mt5_agents USING btree (broker_connection_id) WHERE ((broker_connection_id IS NOT NULL) AND (revoked_at IS NULL))'),
    ('mt5_agents_user_idx', 'mt5_agents USING btree (user_id)'),
    ('broker_connections_user_idx', 'broker_connections USING btree (user_id)')
) w (name, expected);

-- Views: how they read, and their columns.
SELECT 'view ' || w.name AS object, w.expected,
       (SELECT concat_ws(' ', array_to_string(c.reloptions, ','), (SELECT string_agg(a.attname, ',' ORDER BY a.attnum)
                FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0))
         FROM pg_class c WHERE c.oid = to_regclass(format('public.%I', w.name)) AND c.relkind = 'v') AS found
FROM (VALUES
    ('live_sessions', 'security_invoker=true agent_id,session_no,gateway_id')
) w (name, expected);

-- Owners, and row level security.
SELECT 'owner of ' || w.relation AS object, w.expected,
       (SELECT pg_get_userbyid(c.relowner) || CASE WHEN c.relkind = 'v' THEN '' WHEN c.relrowsecurity AND NOT c.relforcerowsecurity
                THEN ', row level security' ELSE ', no row level security' END
         FROM pg_class c WHERE c.oid = to_regclass(format('public.%I', w.relation))) AS found
FROM (VALUES
    ('gateways', 'tradewire_owner, row level security'),
    ('live_sessions', 'tradewire_owner')
) w (relation, expected);
