-- System 1: pairing, claimed jobs, strategies, signals.

-- Tables.
SELECT 'table ' || w.relation AS object, w.expected,
       CASE WHEN to_regclass(format('public.%I', w.relation)) IS NOT NULL THEN 'is there' END AS found
FROM (VALUES
    ('tv_strategies', 'is there'),
    ('tv_signals', 'is there')
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
    ('mt5_agents', 'pairing_key_hash', 'text'),
    ('mt5_agents', 'pairing_key_prefix', 'text'),
    ('ea_projects', 'current_version_id', 'uuid'),
    ('jobs', 'agent_id', 'uuid'),
    ('jobs', 'claimed_at', 'timestamp with time zone'),
    ('tv_strategies', 'id', 'uuid not null'),
    ('tv_strategies', 'user_id', 'uuid not null'),
    ('tv_strategies', 'name', 'text not null'),
    ('tv_strategies', 'broker_connection_id', 'uuid'),
    ('tv_strategies', 'webhook_secret', 'text not null'),
    ('tv_strategies', 'risk_override_pct', 'numeric(5,2)'),
    ('tv_strategies', 'allowed_pairs', 'text[]'),
    ('tv_strategies', 'is_enabled', 'boolean not null'),
    ('tv_strategies', 'created_at', 'timestamp with time zone not null'),
    ('tv_strategies', 'updated_at', 'timestamp with time zone not null'),
    ('tv_signals', 'id', 'uuid not null'),
    ('tv_signals', 'user_id', 'uuid not null'),
    ('tv_signals', 'strategy_id', 'uuid'),
    ('tv_signals', 'status', 'text not null'),
    ('tv_signals', 'symbol', 'text'),
    ('tv_signals', 'action', 'text'),
    ('tv_signals', 'volume', 'numeric(10,2)'),
    ('tv_signals', 'fill_price', 'numeric(18,5)'),
    ('tv_signals', 'broker_order_id', 'text'),
    ('tv_signals', 'error_message', 'text'),
    ('tv_signals', 'raw_payload', 'jsonb'),
    ('tv_signals', 'created_at', 'timestamp with time zone not null'),
    ('tv_signals', 'resolved_at', 'timestamp with time zone')
) w (relation, name, expected);

-- Defaults.
SELECT format('default of %s.%s', w.relation, w.name) AS object, w.expected,
       (SELECT replace(pg_get_expr(d.adbin, d.adrelid), 'character varying', 'text') FROM pg_attribute a
         JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = to_regclass(format('public.%I', w.relation)) AND a.attname = w.name AND NOT a.attisdropped) AS found
FROM (VALUES
    ('tv_strategies', 'id', 'gen_random_uuid()'),
    ('tv_strategies', 'is_enabled', 'true'),
    ('tv_strategies', 'created_at', 'now()'),
    ('tv_strategies', 'updated_at', 'now()'),
    ('tv_signals', 'status', '''pending''::text'),
    ('tv_signals', 'created_at', 'now()')
) w (relation, name, expected);

-- Keys and checks.
SELECT format('constraint %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT regexp_replace(pg_get_constraintdef(n.oid), '\mpublic\.', '', 'g')
         FROM pg_constraint n WHERE n.conrelid = to_regclass(format('public.%I', w.relation)) AND n.conname = w.name) AS found
FROM (VALUES
    ('ea_projects', 'ea_projects_current_version_id_fkey', 'FOREIGN KEY (current_version_id) REFERENCES ea_versions(id) ON DELETE SET NULL'),
    ('tv_strategies', 'tv_strategies_pkey', 'PRIMARY KEY (id)'),
    ('tv_strategies', 'tv_strategies_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE'),
    ('tv_strategies', 'tv_strategies_webhook_secret_key', 'UNIQUE (webhook_secret)'),
    ('tv_signals', 'tv_signals_pkey', 'PRIMARY KEY (id)'),
    ('tv_signals', 'tv_signals_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE'),
    ('tv_signals', 'tv_signals_strategy_id_fkey', 'FOREIGN KEY (strategy_id) REFERENCES tv_strategies(id) ON DELETE SET NULL')
) w (relation, name, expected);

-- Indexes: what they cover.
SELECT 'index ' || w.name AS object, w.expected,
       (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ON (ONLY )?(public\.)?', '\1')
                || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
         FROM pg_index i WHERE i.indexrelid = to_regclass(format('public.%I', w.name))) AS found
FROM (VALUES
    ('ea_projects_current_version_idx', 'ea_projects USING btree (current_version_id) WHERE (current_version_id IS NOT NULL)'),
    ('mt5_agents_pairing_key_prefix_idx', 'mt5_agents USING btree (pairing_key_prefix)'),
    ('tv_strategies_user_idx', 'tv_strategies USING btree (user_id)'),
    ('tv_strategies_broker_connection_idx', 'tv_strategies USING btree (broker_connection_id) WHERE (broker_connection_id IS NOT NULL)')
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
    ('claim_next_job', 'p_agent_id uuid', 'returns SETOF jobs, definer, search_path=pg_catalog, public, pg_temp')
) w (name, arguments, expected);

-- Policies.
SELECT format('policy %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT concat_ws(' ', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                 WHEN 'd' THEN 'DELETE' ELSE 'ALL' END, CASE WHEN NOT p.polpermissive THEN 'restrictive' END,
                'to', (SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r) END, ',') FROM unnest(p.polroles) r),
                'using ' || pg_get_expr(p.polqual, p.polrelid), 'check ' || pg_get_expr(p.polwithcheck, p.polrelid))
         FROM pg_policy p WHERE p.polrelid = to_regclass(format('public.%I', w.relation)) AND p.polname = w.name) AS found
FROM (VALUES
    ('tv_strategies', 'tv_strategies_own', 'ALL to authenticated using (( SELECT auth.uid() AS uid) = user_id) check (( SELECT auth.uid() AS uid) = user_id)'),
    ('tv_signals', 'tv_signals_own', 'SELECT to authenticated using (( SELECT auth.uid() AS uid) = user_id)')
) w (relation, name, expected);

-- What the document demands in words.
SELECT 'types of jobs' AS object,
       'close_position, compile, deploy, get_account, get_candles, get_positions, run, stop, trade' AS expected,
       (SELECT string_agg(m[1], ', ' ORDER BY m[1]) FROM pg_constraint n
        CROSS JOIN LATERAL regexp_matches(pg_get_constraintdef(n.oid), '''(\w+)''', 'g') m
        WHERE n.conrelid = to_regclass('public.jobs') AND n.conname = 'jobs_job_type_check') AS found
UNION ALL
SELECT 'claim_next_job returns', 'set of jobs',
       (SELECT CASE WHEN p.proretset THEN 'set of ' ELSE '' END || t.typname
        FROM pg_proc p JOIN pg_type t ON t.oid = p.prorettype
        WHERE p.pronamespace = 'public'::regnamespace AND p.proname = 'claim_next_job'
          AND pg_get_function_identity_arguments(p.oid) = 'p_agent_id uuid')
UNION ALL
SELECT format('foreign key of %s.%s', w.relation, w.name), w.expected,
       (SELECT n.confrelid::regclass || CASE n.confdeltype WHEN 'n' THEN ' on delete set null' ELSE '' END
        FROM pg_constraint n JOIN pg_attribute a ON a.attrelid = n.conrelid AND a.attname = w.name
        WHERE n.conrelid = to_regclass(format('public.%I', w.relation)) AND n.contype = 'f' AND a.attnum = n.conkey[1]
        ORDER BY cardinality(n.conkey) LIMIT 1)
FROM (VALUES ('jobs', 'agent_id', 'mt5_agents'), ('ea_projects', 'current_version_id', 'ea_versions on delete set null'),
             ('tv_signals', 'strategy_id', 'tv_strategies on delete set null')) w (relation, name, expected);
