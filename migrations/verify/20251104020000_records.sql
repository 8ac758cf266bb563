-- Positions in Kafka, kept results, the audit log.

-- Tables.
SELECT 'table ' || w.relation AS object, w.expected,
       CASE WHEN to_regclass(format('public.%I', w.relation)) IS NOT NULL THEN 'is there' END AS found
FROM (VALUES
    ('consumer_offsets', 'is there'),
    ('unmatched_results', 'is there'),
    ('audit_log', 'is there')
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
    ('consumer_offsets', 'group_id', 'text not null'),
    ('consumer_offsets', 'topic', 'text not null'),
    ('consumer_offsets', 'partition', 'integer not null'),
    ('consumer_offsets', 'next_offset', 'bigint not null'),
    ('consumer_offsets', 'updated_at', 'timestamp with time zone not null'),
    ('unmatched_results', 'id', 'bigint not null'),
    ('unmatched_results', 'job_id', 'uuid not null'),
    ('unmatched_results', 'agent_id', 'uuid not null'),
    ('unmatched_results', 'payload', 'bytea not null'),
    ('unmatched_results', 'received_at', 'timestamp with time zone not null'),
    ('audit_log', 'id', 'uuid not null'),
    ('audit_log', 'at', 'timestamp with time zone not null'),
    ('audit_log', 'user_id', 'uuid'),
    ('audit_log', 'actor', 'text not null'),
    ('audit_log', 'action', 'text not null'),
    ('audit_log', 'object', 'text not null'),
    ('audit_log', 'before', 'jsonb'),
    ('audit_log', 'after', 'jsonb')
) w (relation, name, expected);

-- Defaults.
SELECT format('default of %s.%s', w.relation, w.name) AS object, w.expected,
       (SELECT replace(pg_get_expr(d.adbin, d.adrelid), 'character varying', 'text') FROM pg_attribute a
         JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = to_regclass(format('public.%I', w.relation)) AND a.attname = w.name AND NOT a.attisdropped) AS found
FROM (VALUES
    ('consumer_offsets', 'updated_at', 'now()'),
    ('unmatched_results', 'id', 'nextval(''unmatched_results_id_seq''::regclass)'),
    ('unmatched_results', 'received_at', 'clock_timestamp()'),
    ('audit_log', 'id', 'gen_random_uuid()'),
    ('audit_log', 'at', 'clock_timestamp()')
) w (relation, name, expected);

-- Keys and checks.
SELECT format('constraint %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT regexp_replace(pg_get_constraintdef(n.oid), '\mpublic\.', '', 'g')
         FROM pg_constraint n WHERE n.conrelid = to_regclass(format('public.%I', w.relation)) AND n.conname = w.name) AS found
FROM (VALUES
    ('consumer_offsets', 'consumer_offsets_next_offset_check', 'CHECK ((next_offset >= 0))'),
    ('consumer_offsets', 'consumer_offsets_pkey', 'PRIMARY KEY (group_id, topic, partition)'),
    ('unmatched_results', 'unmatched_results_pkey', 'PRIMARY KEY (id)'),
    ('audit_log', 'audit_log_pkey', 'PRIMARY KEY (id, at)')
) w (relation, name, expected);

-- Indexes: what they cover.
SELECT 'index ' || w.name AS object, w.expected,
       (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ON (ONLY )?(public\.)?', '\1')
                || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
         FROM pg_index i WHERE i.indexrelid = to_regclass(format('public.%I', w.name))) AS found
FROM (VALUES
    ('unmatched_results_agent_idx', 'unmatched_results USING btree (agent_id)'),
    ('audit_log_object_idx', 'audit_log USING btree (object, at)'),
    ('audit_log_user_idx', 'audit_log USING btree (user_id, at)')
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
    ('audit_log_refuse', '', 'returns trigger, invoker, search_path=pg_catalog, public, pg_temp'),
    ('add_month_partitions', 'p_table text, p_months integer', 'returns integer, definer, search_path=pg_catalog, public, pg_temp')
) w (name, arguments, expected);

-- Triggers.
SELECT format('trigger %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT regexp_replace(regexp_replace(pg_get_triggerdef(t.oid), '\mpublic\.', '', 'g'), '^CREATE TRIGGER \S+ ', '')
                || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' disabled' END
         FROM pg_trigger t WHERE t.tgrelid = to_regclass(format('public.%I', w.relation)) AND t.tgname = w.name) AS found
FROM (VALUES
    ('audit_log', 'audit_log_append_only', 'BEFORE DELETE OR UPDATE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_refuse()')
) w (relation, name, expected);

-- Owners, and row level security.
SELECT 'owner of ' || w.relation AS object, w.expected,
       (SELECT pg_get_userbyid(c.relowner) || CASE WHEN c.relkind = 'v' THEN '' WHEN c.relrowsecurity AND NOT c.relforcerowsecurity
                THEN ', row level security' ELSE ', no row level security' END
         FROM pg_class c WHERE c.oid = to_regclass(format('public.%I', w.relation))) AS found
FROM (VALUES
    ('consumer_offsets', 'tradewire_owner, row level security'),
    ('unmatched_results', 'tradewire_owner, row level security'),
    ('audit_log', 'tradewire_owner, row level security')
) w (relation, expected);
