-- What the server gives a strategy, and the keys of signals.

-- Tables.
SELECT 'table ' || w.relation AS object, w.expected,
       CASE WHEN to_regclass(format('public.%I', w.relation)) IS NOT NULL THEN 'is there' END AS found
FROM (VALUES
    ('strategy_rates', 'is there'),
    ('signal_keys', 'is there')
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
    ('tv_strategies', 'settings', 'jsonb not null'),
    ('tv_strategies', 'arm_state', 'text'),
    ('tv_strategies', 'magic_tag', 'integer not null'),
    ('tv_signals', 'duplicates', 'integer not null'),
    ('tv_signals', 'received_at', 'timestamp with time zone'),
    ('strategy_rates', 'strategy_id', 'uuid not null'),
    ('strategy_rates', 'full_at', 'timestamp with time zone not null'),
    ('signal_keys', 'dedup_key', 'bytea not null'),
    ('signal_keys', 'signal_id', 'uuid not null'),
    ('signal_keys', 'received_at', 'timestamp with time zone not null'),
    ('signal_keys', 'valid_until', 'timestamp with time zone')
) w (relation, name, expected);

-- Defaults.
SELECT format('default of %s.%s', w.relation, w.name) AS object, w.expected,
       (SELECT replace(pg_get_expr(d.adbin, d.adrelid), 'character varying', 'text') FROM pg_attribute a
         JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = to_regclass(format('public.%I', w.relation)) AND a.attname = w.name AND NOT a.attisdropped) AS found
FROM (VALUES
    ('tv_strategies', 'settings', '''{}''::jsonb'),
    ('tv_signals', 'duplicates', '0')
) w (relation, name, expected);

-- Keys and checks.
SELECT format('constraint %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT regexp_replace(pg_get_constraintdef(n.oid), '\mpublic\.', '', 'g')
         FROM pg_constraint n WHERE n.conrelid = to_regclass(format('public.%I', w.relation)) AND n.conname = w.name) AS found
FROM (VALUES
    ('tv_strategies', 'tv_strategies_settings_check', 'CHECK (strategy_settings_ok(settings))'),
    ('tv_strategies', 'tv_strategies_risk_range_check', 'CHECK (((risk_override_pct >= (0)::numeric) AND (risk_override_pct <= (100)::numeric)))'),
    ('tv_strategies', 'tv_strategies_name_length_check', 'CHECK (((name ~ ''\S''::text) AND (length(name) <= 100)))'),
    ('tv_strategies', 'tv_strategies_magic_tag_key', 'UNIQUE (user_id, magic_tag)'),
    ('tv_strategies', 'tv_strategies_magic_tag_check', 'CHECK (((magic_tag >= 1) AND (magic_tag <= 1048575)))'),
    ('tv_strategies', 'tv_strategies_broker_connection_fkey', 'FOREIGN KEY (broker_connection_id, user_id) REFERENCES broker_connections(id, user_id) ON DELETE SET NULL (broker_connection_id)'),
    ('strategy_rates', 'strategy_rates_pkey', 'PRIMARY KEY (strategy_id)'),
    ('strategy_rates', 'strategy_rates_strategy_id_fkey', 'FOREIGN KEY (strategy_id) REFERENCES tv_strategies(id) ON DELETE CASCADE'),
    ('signal_keys', 'signal_keys_pkey', 'PRIMARY KEY (dedup_key)'),
    ('signal_keys', 'signal_keys_signal_id_fkey', 'FOREIGN KEY (signal_id) REFERENCES tv_signals(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED')
) w (relation, name, expected);

-- Indexes: what they cover.
SELECT 'index ' || w.name AS object, w.expected,
       (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ON (ONLY )?(public\.)?', '\1')
                || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
         FROM pg_index i WHERE i.indexrelid = to_regclass(format('public.%I', w.name))) AS found
FROM (VALUES
    ('tv_strategies_updated_idx', 'tv_strategies USING btree (updated_at)'),
    ('signal_keys_signal_idx', 'signal_keys USING btree (signal_id)')
) w (name, expected);

-- Functions: result, whose rights they run with, and who may call them.
SELECT format('function %s(%s)', w.name, w.arguments) AS object, w.expected,
       (SELECT concat_ws(', ', 'returns ' || regexp_replace(pg_get_function_result(p.oid), '\mpublic\.', '', 'g'),
                CASE WHEN p.prosecdef THEN 'definer' ELSE 'invoker' END,
                (SELECT s FROM unnest(p.proconfig) s WHERE s LIKE 'search_path=%'),
                CASE WHEN EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) e WHERE e.grantee = 0)
                     THEN 'PUBLIC may call it' END)
         FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname = w.name
           AND pg_get_function_identity_arguments(p.oid) = w.arguments) AS found
FROM (VALUES
    ('strategy_setting_ok', 'p_name text, p_value jsonb', 'returns boolean, invoker, search_path=pg_catalog, public, pg_temp, PUBLIC may call it'),
    ('strategy_settings_ok', 'p_settings jsonb', 'returns boolean, invoker, search_path=pg_catalog, public, pg_temp, PUBLIC may call it'),
    ('tv_strategies_secret', '', 'returns trigger, invoker, search_path=pg_catalog, public, pg_temp'),
    ('tv_strategies_magic_tag', '', 'returns trigger, definer, search_path=pg_catalog, public, pg_temp')
) w (name, arguments, expected);

-- Triggers.
SELECT format('trigger %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT regexp_replace(regexp_replace(pg_get_triggerdef(t.oid), '\mpublic\.', '', 'g'), '^CREATE TRIGGER \S+ ', '')
                || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' disabled' END
         FROM pg_trigger t WHERE t.tgrelid = to_regclass(format('public.%I', w.relation)) AND t.tgname = w.name) AS found
FROM (VALUES
    ('tv_strategies', 'tv_strategies_magic_tag', 'BEFORE INSERT ON tv_strategies FOR EACH ROW EXECUTE FUNCTION tv_strategies_magic_tag()'),
    ('tv_strategies', 'tv_strategies_secret', 'BEFORE INSERT OR UPDATE ON tv_strategies FOR EACH ROW EXECUTE FUNCTION tv_strategies_secret()')
) w (relation, name, expected);

-- Owners, and row level security.
SELECT 'owner of ' || w.relation AS object, w.expected,
       (SELECT pg_get_userbyid(c.relowner) || CASE WHEN c.relkind = 'v' THEN '' WHEN c.relrowsecurity AND NOT c.relforcerowsecurity
                THEN ', row level security' ELSE ', no row level security' END
         FROM pg_class c WHERE c.oid = to_regclass(format('public.%I', w.relation))) AS found
FROM (VALUES
    ('strategy_rates', 'tradewire_owner, row level security'),
    ('signal_keys', 'tradewire_owner, row level security')
) w (relation, expected);
