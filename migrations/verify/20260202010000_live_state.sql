-- What agents reported last, and answers kept for requests that come again.

SELECT 'column ' || e.relation || '.' || e.name AS object, e.type AS expected,
    (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = e.name AND a.attnum > 0 AND NOT a.attisdropped)
        AS found
FROM (VALUES
        ('agent_state', 'agent_id', 'uuid'),
        ('agent_state', 'kind', 'text'),
        ('agent_state', 'user_id', 'uuid'),
        ('agent_state', 'data', 'jsonb'),
        ('agent_state', 'as_of', 'timestamp with time zone'),
        ('idempotency_keys', 'user_id', 'uuid'),
        ('idempotency_keys', 'key', 'text'),
        ('idempotency_keys', 'request_hash', 'bytea'),
        ('idempotency_keys', 'answer_status', 'integer'),
        ('idempotency_keys', 'answer', 'jsonb'),
        ('idempotency_keys', 'created_at', 'timestamp with time zone'),
        ('idempotency_keys', 'expires_at', 'timestamp with time zone')) e (relation, name, type);

SELECT 'agent_state' AS object, 'unlogged' AS expected,
    (SELECT CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END FROM pg_class c
     WHERE c.oid = to_regclass('public.agent_state')) AS found;

SELECT 'values of ' || e.relation || '.' || e.name AS object, e.allowed AS expected,
    (SELECT string_agg(m[1], ' ' ORDER BY m[1] COLLATE "C") FROM pg_constraint n
     JOIN pg_attribute a ON a.attrelid = n.conrelid AND n.conkey = ARRAY[a.attnum]
     CROSS JOIN LATERAL regexp_matches(pg_get_constraintdef(n.oid), '''([^'']*)''', 'g') m
     WHERE n.conrelid = to_regclass('public.' || e.relation) AND a.attname = e.name AND n.contype = 'c'
       AND m[1] = ANY (string_to_array(e.allowed, ' '))) AS found
FROM (VALUES
        ('agent_state', 'kind', 'account positions quotes symbols')) e (relation, name, allowed);

SELECT 'constraint ' || e.name || ' on ' || e.relation AS object, e.definition AS expected,
    (SELECT pg_get_constraintdef(n.oid) FROM pg_constraint n
     WHERE n.conrelid = to_regclass('public.' || e.relation) AND n.conname = e.name) AS found
FROM (VALUES
        ('agent_state', 'agent_state_pkey', 'PRIMARY KEY (agent_id, kind)'),
        ('agent_state', 'agent_state_agent_fkey', 'FOREIGN KEY (agent_id, user_id) REFERENCES mt5_agents(id, user_id) ON DELETE CASCADE'),
        ('idempotency_keys', 'idempotency_keys_pkey', 'PRIMARY KEY (user_id, key)')) e (relation, name, definition);

SELECT 'default of ' || e.relation || '.' || e.name AS object, e.value AS expected,
    (SELECT pg_get_expr(d.adbin, d.adrelid) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
     FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = e.name) AS found
FROM (VALUES
        ('idempotency_keys', 'expires_at', '(now() + ''24:00:00''::interval) not null')) e (relation, name, value);

SELECT 'index ' || e.name AS object, e.definition AS expected,
    (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
     FROM pg_index i WHERE i.indexrelid = to_regclass('public.' || e.name)) AS found
FROM (VALUES
        ('idempotency_keys_expires_idx', 'btree (expires_at)')) e (name, definition);

SELECT 'table ' || e.name AS object, 'tradewire_owner, row level security' AS expected,
    (SELECT pg_get_userbyid(c.relowner) || CASE WHEN c.relrowsecurity AND NOT c.relforcerowsecurity
                                                THEN ', row level security' ELSE '' END
     FROM pg_class c WHERE c.oid = to_regclass('public.' || e.name)) AS found
FROM (VALUES ('agent_state'), ('idempotency_keys')) e (name);

SELECT 'policies of ' || e.relation AS object, e.names AS expected,
    (SELECT string_agg(p.polname, ' ' ORDER BY p.polname COLLATE "C") FROM pg_policy p
     WHERE p.polrelid = to_regclass('public.' || e.relation) AND p.polname = ANY (string_to_array(e.names, ' '))) AS found
FROM (VALUES
        ('agent_state', 'dispatcher operator own service'),
        ('idempotency_keys', 'dispatcher')) e (relation, names);

SELECT 'rights of ' || e.role || ' on ' || e.relation AS object, e.privileges AS expected,
    (SELECT coalesce(string_agg(p.name, ' ' ORDER BY p.place), '')
     FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) WITH ORDINALITY p (name, place)
     WHERE has_table_privilege(e.role, to_regclass('public.' || e.relation), p.name)
       AND (e.privileges = '' OR p.name = ANY (string_to_array(e.privileges, ' ')))) AS found
FROM (VALUES
        ('anon', 'agent_state', ''),
        ('authenticated', 'agent_state', 'SELECT'),
        ('authenticated', 'idempotency_keys', ''),
        ('service_role', 'idempotency_keys', ''),
        ('tradewire_dispatcher', 'agent_state', 'SELECT INSERT UPDATE'),
        ('tradewire_dispatcher', 'idempotency_keys', 'SELECT INSERT UPDATE DELETE')) e (role, relation, privileges);

SELECT 'comments of ' || e.relation AS object, 'none missing' AS expected,
    (SELECT coalesce(string_agg(a.attname, ' '), 'none missing') FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attnum > 0 AND NOT a.attisdropped
       AND col_description(a.attrelid, a.attnum) IS NULL) AS found
FROM (VALUES ('agent_state'), ('idempotency_keys')) e (relation);
