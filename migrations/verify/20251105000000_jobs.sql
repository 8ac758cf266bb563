-- The queue: columns, narrow tables, rules of the types.

-- Tables.
SELECT 'table ' || w.relation AS object, w.expected,
       CASE WHEN to_regclass(format('public.%I', w.relation)) IS NOT NULL THEN 'is there' END AS found
FROM (VALUES
    ('job_ready', 'is there'),
    ('job_leases', 'is there'),
    ('signal_legs', 'is there')
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
    ('jobs', 'entity_type', 'character varying(20)'),
    ('jobs', 'entity_id', 'uuid'),
    ('jobs', 'seq', 'bigint not null'),
    ('jobs', 'lane', 'smallint not null'),
    ('jobs', 'signal_id', 'uuid'),
    ('jobs', 'leg', 'integer not null'),
    ('jobs', 'strategy_id', 'uuid'),
    ('jobs', 'symbol', 'text'),
    ('jobs', 'is_entry', 'boolean not null'),
    ('jobs', 'target_agent_id', 'uuid'),
    ('jobs', 'after_job_id', 'uuid'),
    ('jobs', 'lease_epoch', 'bigint not null'),
    ('jobs', 'lease_session', 'bigint'),
    ('jobs', 'attempt', 'integer not null'),
    ('jobs', 'expires_at', 'timestamp with time zone'),
    ('jobs', 'ready_at', 'timestamp with time zone'),
    ('jobs', 'broker_order_id', 'text'),
    ('jobs', 'fill_price', 'numeric'),
    ('jobs', 'filled_volume', 'numeric'),
    ('jobs', 'timeline', 'jsonb not null'),
    ('jobs', 'traceparent', 'text'),
    ('job_ready', 'job_id', 'uuid not null'),
    ('job_ready', 'agent_id', 'uuid'),
    ('job_ready', 'user_id', 'uuid not null'),
    ('job_ready', 'lane', 'smallint not null'),
    ('job_ready', 'seq', 'bigint not null'),
    ('job_ready', 'added_at', 'timestamp with time zone not null'),
    ('job_ready', 'expires_at', 'timestamp with time zone'),
    ('job_ready', 'ready_at', 'timestamp with time zone'),
    ('job_ready', 'after_job_id', 'uuid'),
    ('job_ready', 'strategy_id', 'uuid'),
    ('job_ready', 'symbol', 'text'),
    ('job_ready', 'is_voided', 'boolean not null'),
    ('job_leases', 'job_id', 'uuid not null'),
    ('job_leases', 'agent_id', 'uuid not null'),
    ('job_leases', 'lane', 'smallint not null'),
    ('job_leases', 'session_no', 'bigint not null'),
    ('job_leases', 'lease_epoch', 'bigint not null'),
    ('job_leases', 'until_at', 'timestamp with time zone not null'),
    ('job_leases', 'is_unknown', 'boolean not null'),
    ('job_leases', 'asked_session', 'bigint'),
    ('job_leases', 'strategy_id', 'uuid'),
    ('job_leases', 'symbol', 'text'),
    ('signal_legs', 'signal_id', 'uuid not null'),
    ('signal_legs', 'leg', 'integer not null'),
    ('signal_legs', 'user_id', 'uuid not null'),
    ('signal_legs', 'broker_connection_id', 'uuid'),
    ('signal_legs', 'job_id', 'uuid'),
    ('signal_legs', 'status', 'text not null'),
    ('signal_legs', 'volume', 'numeric'),
    ('signal_legs', 'filled_volume', 'numeric'),
    ('signal_legs', 'fill_price', 'numeric'),
    ('signal_legs', 'broker_order_id', 'text'),
    ('signal_legs', 'error_message', 'text')
) w (relation, name, expected);

-- Defaults.
SELECT format('default of %s.%s', w.relation, w.name) AS object, w.expected,
       (SELECT replace(pg_get_expr(d.adbin, d.adrelid), 'character varying', 'text') FROM pg_attribute a
         JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = to_regclass(format('public.%I', w.relation)) AND a.attname = w.name AND NOT a.attisdropped) AS found
FROM (VALUES
    ('jobs', 'leg', '1'),
    ('jobs', 'is_entry', 'false'),
    ('jobs', 'lease_epoch', '0'),
    ('jobs', 'attempt', '0'),
    ('jobs', 'timeline', '''{}''::jsonb'),
    ('job_ready', 'added_at', 'clock_timestamp()'),
    ('job_ready', 'is_voided', 'false'),
    ('job_leases', 'is_unknown', 'false'),
    ('signal_legs', 'status', '''pending''::text')
) w (relation, name, expected);

-- Keys and checks.
SELECT format('constraint %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT regexp_replace(pg_get_constraintdef(n.oid), '\mpublic\.', '', 'g')
         FROM pg_constraint n WHERE n.conrelid = to_regclass(format('public.%I', w.relation)) AND n.conname = w.name) AS found
FROM (VALUES
    ('jobs', 'jobs_signal_id_fkey', 'FOREIGN KEY (signal_id) REFERENCES tv_signals(id) ON DELETE SET NULL'),
    ('job_ready', 'job_ready_pkey', 'PRIMARY KEY (job_id)'),
    ('job_ready', 'job_ready_job_id_fkey', 'FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE'),
    ('job_leases', 'job_leases_pkey', 'PRIMARY KEY (job_id)'),
    ('job_leases', 'job_leases_job_id_fkey', 'FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE'),
    ('signal_legs', 'signal_legs_status_check', 'CHECK ((status = ANY (ARRAY[''pending''::text, ''executed''::text, ''failed''::text, ''discarded''::text])))'),
    ('signal_legs', 'signal_legs_job_check', 'CHECK (((job_id IS NOT NULL) OR (status = ANY (ARRAY[''failed''::text, ''discarded''::text]))))'),
    ('signal_legs', 'signal_legs_pkey', 'PRIMARY KEY (signal_id, leg)'),
    ('signal_legs', 'signal_legs_job_id_key', 'UNIQUE (job_id)'),
    ('signal_legs', 'signal_legs_signal_id_fkey', 'FOREIGN KEY (signal_id) REFERENCES tv_signals(id) ON DELETE CASCADE'),
    ('signal_legs', 'signal_legs_job_id_fkey', 'FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE'),
    ('signal_legs', 'signal_legs_broker_connection_fkey', 'FOREIGN KEY (broker_connection_id, user_id) REFERENCES broker_connections(id, user_id) ON DELETE SET NULL (broker_connection_id)')
) w (relation, name, expected);

-- Indexes: what they cover.
SELECT 'index ' || w.name AS object, w.expected,
       (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ON (ONLY )?(public\.)?', '\1')
                || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
         FROM pg_index i WHERE i.indexrelid = to_regclass(format('public.%I', w.name))) AS found
FROM (VALUES
    ('job_ready_late_idx', 'job_ready USING btree (agent_id) WHERE ((symbol IS NOT NULL) AND (is_voided OR (ready_at IS NOT NULL) OR (after_job_id IS NOT NULL)))'),
    ('job_ready_agent_idx', 'job_ready USING btree (agent_id, lane, seq) WHERE (agent_id IS NOT NULL)'),
    ('job_ready_user_idx', 'job_ready USING btree (user_id, lane, seq) WHERE (agent_id IS NULL)'),
    ('job_ready_expires_idx', 'job_ready USING btree (expires_at)'),
    ('job_ready_added_idx', 'job_ready USING btree (added_at)'),
    ('job_ready_ready_idx', 'job_ready USING btree (ready_at) WHERE (ready_at IS NOT NULL)'),
    ('job_leases_agent_idx', 'job_leases USING btree (agent_id)'),
    ('job_leases_unknown_idx', 'job_leases USING btree (agent_id, symbol) WHERE is_unknown'),
    ('signal_legs_connection_idx', 'signal_legs USING btree (broker_connection_id) WHERE (broker_connection_id IS NOT NULL)')
) w (name, expected);

-- Sequences.
SELECT 'sequence ' || w.name AS object, w.expected,
       (SELECT format_type(s.seqtypid, NULL) FROM pg_sequence s WHERE s.seqrelid = to_regclass(format('public.%I', w.name))) AS found
FROM (VALUES
    ('job_seq', 'bigint')
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
    ('job_lane', 'p_job_type text', 'returns smallint, invoker, PUBLIC may call it'),
    ('job_longest_run', 'p_job_type text', 'returns interval, invoker'),
    ('unix_us', 'p_at timestamp with time zone', 'returns bigint, invoker'),
    ('error_code', 'p_error text', 'returns text, invoker')
) w (name, arguments, expected);

-- Owners, and row level security.
SELECT 'owner of ' || w.relation AS object, w.expected,
       (SELECT pg_get_userbyid(c.relowner) || CASE WHEN c.relkind = 'v' THEN '' WHEN c.relrowsecurity AND NOT c.relforcerowsecurity
                THEN ', row level security' ELSE ', no row level security' END
         FROM pg_class c WHERE c.oid = to_regclass(format('public.%I', w.relation))) AS found
FROM (VALUES
    ('job_ready', 'tradewire_owner, row level security'),
    ('job_leases', 'tradewire_owner, row level security'),
    ('signal_legs', 'tradewire_owner, row level security')
) w (relation, expected);
