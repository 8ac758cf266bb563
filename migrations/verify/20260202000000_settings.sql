-- What users and operators set.

SELECT 'column ' || e.relation || '.' || e.name AS object, e.type AS expected,
    (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = e.name AND a.attnum > 0 AND NOT a.attisdropped)
        AS found
FROM (VALUES
        ('user_settings', 'user_id', 'uuid'),
        ('user_settings', 'settings', 'jsonb'),
        ('user_settings', 'updated_at', 'timestamp with time zone'),
        ('kill_switches', 'id', 'uuid'),
        ('kill_switches', 'scope', 'text'),
        ('kill_switches', 'user_id', 'uuid'),
        ('kill_switches', 'strategy_id', 'uuid'),
        ('kill_switches', 'is_on', 'boolean'),
        ('kill_switches', 'reason', 'text'),
        ('kill_switches', 'set_by', 'text'),
        ('strategy_targets', 'strategy_id', 'uuid'),
        ('strategy_targets', 'broker_connection_id', 'uuid'),
        ('strategy_targets', 'user_id', 'uuid'),
        ('strategy_targets', 'risk_pct', 'numeric(5,2)'),
        ('strategy_targets', 'volume_factor', 'numeric'),
        ('strategy_targets', 'is_enabled', 'boolean'),
        ('symbol_aliases', 'alias', 'text'),
        ('symbol_aliases', 'canonical', 'text')) e (relation, name, type);

SELECT 'values of ' || e.relation || '.' || e.name AS object, e.allowed AS expected,
    (SELECT string_agg(m[1], ' ' ORDER BY m[1] COLLATE "C") FROM pg_constraint n
     JOIN pg_attribute a ON a.attrelid = n.conrelid AND n.conkey = ARRAY[a.attnum]
     CROSS JOIN LATERAL regexp_matches(pg_get_constraintdef(n.oid), '''([^'']*)''', 'g') m
     WHERE n.conrelid = to_regclass('public.' || e.relation) AND a.attname = e.name AND n.contype = 'c'
       AND m[1] = ANY (string_to_array(e.allowed, ' '))) AS found
FROM (VALUES
        ('kill_switches', 'scope', 'global strategy user')) e (relation, name, allowed);

SELECT 'constraint ' || e.name || ' on ' || e.relation AS object, e.definition AS expected,
    (SELECT pg_get_constraintdef(n.oid) FROM pg_constraint n
     WHERE n.conrelid = to_regclass('public.' || e.relation) AND n.conname = e.name) AS found
FROM (VALUES
        ('tv_strategies', 'tv_strategies_id_user_key', 'UNIQUE (id, user_id)'),
        ('kill_switches', 'kill_switches_one_per_scope', 'UNIQUE NULLS NOT DISTINCT (scope, user_id, strategy_id)'),
        ('kill_switches', 'kill_switches_strategy_fkey', 'FOREIGN KEY (strategy_id, user_id) REFERENCES tv_strategies(id, user_id) ON DELETE CASCADE'),
        ('strategy_targets', 'strategy_targets_strategy_fkey', 'FOREIGN KEY (strategy_id, user_id) REFERENCES tv_strategies(id, user_id) ON DELETE CASCADE'),
        ('strategy_targets', 'strategy_targets_connection_fkey', 'FOREIGN KEY (broker_connection_id, user_id) REFERENCES broker_connections(id, user_id) ON DELETE CASCADE')) e (relation, name, definition);

SELECT 'index ' || e.name AS object, e.definition AS expected,
    (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
     FROM pg_index i WHERE i.indexrelid = to_regclass('public.' || e.name)) AS found
FROM (VALUES
        ('kill_switches_strategy_idx', 'btree (strategy_id) WHERE (strategy_id IS NOT NULL)'),
        ('kill_switches_user_idx', 'btree (user_id) WHERE (user_id IS NOT NULL)'),
        ('strategy_targets_connection_idx', 'btree (broker_connection_id)')) e (name, definition);

SELECT 'table ' || e.name AS object, 'tradewire_owner, row level security' AS expected,
    (SELECT pg_get_userbyid(c.relowner) || CASE WHEN c.relrowsecurity AND NOT c.relforcerowsecurity
                                                THEN ', row level security' ELSE '' END
     FROM pg_class c WHERE c.oid = to_regclass('public.' || e.name)) AS found
FROM (VALUES ('user_settings'), ('kill_switches'), ('strategy_targets'), ('symbol_aliases')) e (name);

SELECT 'policies of ' || e.relation AS object, e.names AS expected,
    (SELECT string_agg(p.polname, ' ' ORDER BY p.polname COLLATE "C") FROM pg_policy p
     WHERE p.polrelid = to_regclass('public.' || e.relation) AND p.polname = ANY (string_to_array(e.names, ' '))) AS found
FROM (VALUES
        ('user_settings', 'dispatcher operator own service'),
        ('kill_switches', 'dispatcher operator own service'),
        ('strategy_targets', 'dispatcher operator own service'),
        ('symbol_aliases', 'everybody')) e (relation, names);

SELECT 'rights of ' || e.role || ' on ' || e.relation AS object, e.privileges AS expected,
    (SELECT coalesce(string_agg(p.name, ' ' ORDER BY p.place), '')
     FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) WITH ORDINALITY p (name, place)
     WHERE has_table_privilege(e.role, to_regclass('public.' || e.relation), p.name)
       AND (e.privileges = '' OR p.name = ANY (string_to_array(e.privileges, ' ')))) AS found
FROM (VALUES
        ('anon', 'user_settings', ''),
        ('anon', 'kill_switches', ''),
        ('anon', 'strategy_targets', ''),
        ('anon', 'symbol_aliases', ''),
        ('authenticated', 'user_settings', 'SELECT'),
        ('authenticated', 'kill_switches', 'SELECT'),
        ('authenticated', 'strategy_targets', 'SELECT'),
        ('authenticated', 'symbol_aliases', 'SELECT'),
        ('tradewire_dispatcher', 'user_settings', 'SELECT INSERT UPDATE'),
        ('tradewire_dispatcher', 'kill_switches', 'SELECT INSERT UPDATE'),
        ('tradewire_dispatcher', 'strategy_targets', 'SELECT INSERT UPDATE DELETE'),
        ('tradewire_dispatcher', 'symbol_aliases', 'SELECT')) e (role, relation, privileges);

SELECT 'alias GOLD' AS object, 'XAUUSD' AS expected,
    (SELECT a.canonical FROM public.symbol_aliases a WHERE a.alias = 'GOLD') AS found;

SELECT 'comments of ' || e.relation AS object, 'none missing' AS expected,
    (SELECT coalesce(string_agg(a.attname, ' '), 'none missing') FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attnum > 0 AND NOT a.attisdropped
       AND col_description(a.attrelid, a.attnum) IS NULL) AS found
FROM (VALUES ('user_settings'), ('kill_switches'), ('strategy_targets'), ('symbol_aliases')) e (relation);
