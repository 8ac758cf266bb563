-- System 5: eight columns, two tables, and the guarantee for claims. Its other indexes are the next file's.

SELECT 'column ' || e.relation || '.' || e.name AS object, e.type AS expected,
    (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = e.name AND a.attnum > 0 AND NOT a.attisdropped)
        AS found
FROM (VALUES
        ('jobs', 'required_models', 'jsonb'),
        ('jobs', 'queue_position', 'integer'),
        ('jobs', 'blocked_by_job_id', 'text'),
        ('jobs', 'conflict_reason', 'text'),
        ('jobs', 'queued_at', 'timestamp with time zone'),
        ('workflow_executions', 'required_models', 'jsonb'),
        ('workflow_executions', 'current_step_model', 'text'),
        ('workflow_executions', 'blocked_by_job_id', 'text'),
        ('job_queue_state', 'id', 'integer'),
        ('job_queue_state', 'active_job_id', 'text'),
        ('job_queue_state', 'active_job_type', 'text'),
        ('job_queue_state', 'active_models', 'jsonb'),
        ('job_queue_state', 'started_at', 'timestamp with time zone'),
        ('job_queue_state', 'last_updated', 'timestamp with time zone'),
        ('job_queue_log', 'id', 'uuid'),
        ('job_queue_log', 'seq', 'bigint'),
        ('job_queue_log', 'job_id', 'text'),
        ('job_queue_log', 'job_type', 'text'),
        ('job_queue_log', 'user_id', 'uuid'),
        ('job_queue_log', 'event_type', 'text'),
        ('job_queue_log', 'models', 'jsonb'),
        ('job_queue_log', 'blocked_by_job_id', 'text'),
        ('job_queue_log', 'conflict_reason', 'text'),
        ('job_queue_log', 'metadata', 'jsonb'),
        ('job_queue_log', 'created_at', 'timestamp with time zone')) e (relation, name, type);

SELECT 'job_queue_state' AS object, 'one row, id 1' AS expected,
    (SELECT CASE WHEN count(*) = 1 AND min(id) = 1 THEN 'one row, id 1' ELSE count(*) || ' rows' END FROM public.job_queue_state)
        AS found
UNION ALL
SELECT 'job_queue_log', 'RANGE (created_at)', pg_get_partkeydef(to_regclass('public.job_queue_log'));

SELECT 'must be filled in ' || e.relation AS object, e.names AS expected,
    (SELECT string_agg(a.attname, ' ' ORDER BY a.attname COLLATE "C") FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = ANY (string_to_array(e.names, ' ')) AND a.attnotnull)
        AS found
FROM (VALUES
        ('job_queue_state', 'active_models id last_updated'),
        ('job_queue_log', 'created_at event_type id seq')) e (relation, names);

SELECT 'default of ' || e.relation || '.' || e.name AS object, e.value AS expected,
    (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = e.name) AS found
FROM (VALUES
        ('job_queue_state', 'id', '1'),
        ('job_queue_state', 'active_models', '''[]''::jsonb'),
        ('job_queue_state', 'last_updated', 'now()'),
        ('job_queue_log', 'id', 'gen_random_uuid()'),
        ('job_queue_log', 'seq', 'nextval(''job_queue_log_seq''::regclass)'),
        ('job_queue_log', 'created_at', 'clock_timestamp()')) e (relation, name, value);

SELECT 'values of ' || e.relation || '.' || e.name AS object, e.allowed AS expected,
    (SELECT string_agg(m[1], ' ' ORDER BY m[1] COLLATE "C") FROM pg_constraint n
     JOIN pg_attribute a ON a.attrelid = n.conrelid AND n.conkey = ARRAY[a.attnum]
     CROSS JOIN LATERAL regexp_matches(pg_get_constraintdef(n.oid), '''([^'']*)''', 'g') m
     WHERE n.conrelid = to_regclass('public.' || e.relation) AND a.attname = e.name AND n.contype = 'c') AS found
FROM (VALUES
        ('job_queue_state', 'active_job_type', 'normal workflow'),
        ('job_queue_log', 'job_type', 'normal workflow')) e (relation, name, allowed);

SELECT 'constraint ' || e.name || ' on ' || e.relation AS object, e.definition AS expected,
    (SELECT pg_get_constraintdef(n.oid) FROM pg_constraint n
     WHERE n.conrelid = to_regclass('public.' || e.relation) AND n.conname = e.name) AS found
FROM (VALUES
        ('job_queue_log', 'job_queue_log_pkey', 'PRIMARY KEY (id, created_at)'),
        ('job_queue_state', 'job_queue_state_one_row', 'CHECK ((id = 1))')) e (relation, name, definition);

SELECT 'rule: ' || e.name || ' on ' || e.relation AS object, 'there' AS expected,
    (SELECT 'there' FROM pg_constraint n WHERE n.conrelid = to_regclass('public.' || e.relation) AND n.conname = e.name) AS found
FROM (VALUES
        ('jobs', 'jobs_models_check'),
        ('jobs', 'jobs_blocked_check'),
        ('workflow_executions', 'workflow_executions_models_check')) e (relation, name)
UNION ALL
SELECT 'trigger ' || e.name || ' on jobs', 'enabled',
    (SELECT CASE t.tgenabled WHEN 'O' THEN 'enabled' ELSE 'disabled' END FROM pg_trigger t
     WHERE t.tgrelid = to_regclass('public.jobs') AND t.tgname = e.name)
FROM (VALUES ('jobs_blocked'), ('jobs_unblocked_start')) e (name);

SELECT 'index ' || e.name AS object, e.definition AS expected,
    (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
     FROM pg_index i WHERE i.indexrelid = to_regclass('public.' || e.name)) AS found
FROM (VALUES
        ('idx_job_queue_log_job', 'btree (job_id, seq)'),
        ('idx_job_queue_log_order', 'btree (created_at, seq)'),
        ('idx_job_queue_log_snapshot', 'btree (seq) WHERE (event_type = ''snapshot''::text)')) e (name, definition);

SELECT 'function ' || e.signature AS object, e.facts AS expected,
    (SELECT pg_get_userbyid(p.proowner) || CASE WHEN p.prosecdef THEN ', definer' ELSE '' END
            || coalesce(', ' || array_to_string(p.proconfig, ', '), '')
            || CASE WHEN has_function_privilege('anon', p.oid, 'EXECUTE') THEN ', everybody' ELSE '' END
     FROM pg_proc p WHERE p.oid = to_regprocedure('public.' || e.signature)) AS found
FROM (VALUES
        ('models_ok(jsonb)', 'tradewire_owner, everybody'),
        ('jobs_blocked()', 'tradewire_owner, definer, search_path=pg_catalog, public, pg_temp'),
        ('expire_jobs(integer)', 'tradewire_owner, definer, search_path=pg_catalog, public, pg_temp'),
        ('expire_ready_jobs(integer)', 'tradewire_owner, definer, search_path=pg_catalog, public, pg_temp, enable_seqscan=off, enable_hashjoin=off, enable_mergejoin=off, jit=off'),
        ('release_expired(integer)', 'tradewire_owner, search_path=pg_catalog, public, pg_temp, enable_seqscan=off, enable_hashjoin=off, enable_mergejoin=off, jit=off'),
        ('jobs_unblocked_start()', 'tradewire_owner, search_path=pg_catalog, public, pg_temp')) e (signature, facts);

SELECT 'table ' || e.name AS object, 'tradewire_owner, row level security' AS expected,
    (SELECT pg_get_userbyid(c.relowner) || CASE WHEN c.relrowsecurity AND NOT c.relforcerowsecurity
                                                THEN ', row level security' ELSE '' END
     FROM pg_class c WHERE c.oid = to_regclass('public.' || e.name)) AS found
FROM (VALUES ('job_queue_state'), ('job_queue_log')) e (name);

SELECT 'policy ' || e.name || ' of ' || e.relation AS object, e.definition AS expected,
    (SELECT regexp_replace(regexp_replace(concat_ws(' ',
            CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
            CASE WHEN NOT p.polpermissive THEN 'restrictive' END,
            'to', (SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r) END, ',') FROM unnest(p.polroles) r),
            'using ' || pg_get_expr(p.polqual, p.polrelid), 'check ' || pg_get_expr(p.polwithcheck, p.polrelid)),
            '\s+', ' ', 'g'), '\mpublic\.', '', 'g')
     FROM pg_policy p WHERE p.polrelid = to_regclass('public.' || e.relation) AND p.polname = e.name) AS found
FROM (VALUES
        ('job_queue_state', 'dispatcher', 'SELECT to tradewire_dispatcher using true'),
        ('job_queue_state', 'operator', 'SELECT to tradewire_operator using true'),
        ('job_queue_state', 'service', 'SELECT to service_role using true'),
        ('job_queue_log', 'dispatcher', 'SELECT to tradewire_dispatcher using true'),
        ('job_queue_log', 'operator', 'SELECT to tradewire_operator using true'),
        ('job_queue_log', 'service', 'SELECT to service_role using true')) e (relation, name, definition);

SELECT 'rights of ' || e.role || ' on ' || e.relation AS object, e.privileges AS expected,
    (SELECT coalesce(string_agg(p.name, ' ' ORDER BY p.place), '')
     FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) WITH ORDINALITY p (name, place)
     WHERE has_table_privilege(e.role, to_regclass('public.' || e.relation), p.name)
       AND (e.privileges = '' OR p.name = ANY (string_to_array(e.privileges, ' ')))) AS found
FROM (VALUES
        ('anon', 'job_queue_state', ''),
        ('authenticated', 'job_queue_state', ''),
        ('service_role', 'job_queue_state', 'SELECT'),
        ('tradewire_dispatcher', 'job_queue_state', 'SELECT'),
        ('tradewire_operator', 'job_queue_state', 'SELECT'),
        ('tradewire_gateway', 'job_queue_state', ''),
        ('anon', 'job_queue_log', ''),
        ('authenticated', 'job_queue_log', ''),
        ('service_role', 'job_queue_log', 'SELECT'),
        ('tradewire_dispatcher', 'job_queue_log', 'SELECT'),
        ('tradewire_operator', 'job_queue_log', 'SELECT'),
        ('tradewire_gateway', 'job_queue_log', '')) e (role, relation, privileges);

SELECT 'comments of ' || e.relation AS object, 'none missing' AS expected,
    (SELECT coalesce(string_agg(a.attname, ' '), 'none missing') FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attnum > 0 AND NOT a.attisdropped
       AND col_description(a.attrelid, a.attnum) IS NULL) AS found
FROM (VALUES ('jobs'), ('workflow_executions'), ('job_queue_state'), ('job_queue_log')) e (relation);
