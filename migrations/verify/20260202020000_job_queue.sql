-- The view of the queue.

SELECT 'column ' || e.relation || '.' || e.name AS object, e.type AS expected,
    (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attname = e.name AND a.attnum > 0 AND NOT a.attisdropped)
        AS found
FROM (VALUES
        ('job_queue', 'job_id', 'uuid'),
        ('job_queue', 'user_id', 'uuid'),
        ('job_queue', 'job_type', 'character varying(20)'),
        ('job_queue', 'required_models', 'jsonb'),
        ('job_queue', 'queued_at', 'timestamp with time zone'),
        ('job_queue', 'position', 'integer'),
        ('job_queue', 'blocked_by', 'text'),
        ('job_queue', 'conflict_reason', 'text')) e (relation, name, type);

SELECT 'view ' || e.name AS object, 'tradewire_owner, security_invoker=true' AS expected,
    (SELECT pg_get_userbyid(c.relowner) || ', ' || array_to_string(c.reloptions, ', ') FROM pg_class c
     WHERE c.oid = to_regclass('public.' || e.name) AND c.relkind = 'v') AS found
FROM (VALUES ('job_queue')) e (name);

SELECT 'rights of ' || e.role || ' on ' || e.relation AS object, e.privileges AS expected,
    (SELECT coalesce(string_agg(p.name, ' ' ORDER BY p.place), '')
     FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) WITH ORDINALITY p (name, place)
     WHERE has_table_privilege(e.role, to_regclass('public.' || e.relation), p.name)
       AND (e.privileges = '' OR p.name = ANY (string_to_array(e.privileges, ' ')))) AS found
FROM (VALUES
        ('anon', 'job_queue', ''),
        ('authenticated', 'job_queue', 'SELECT'),
        ('tradewire_dispatcher', 'job_queue', 'SELECT'),
        ('tradewire_operator', 'job_queue', 'SELECT')) e (role, relation, privileges);

SELECT 'comments of ' || e.relation AS object, 'none missing' AS expected,
    (SELECT coalesce(string_agg(a.attname, ' '), 'none missing') FROM pg_attribute a
     WHERE a.attrelid = to_regclass('public.' || e.relation) AND a.attnum > 0 AND NOT a.attisdropped
       AND col_description(a.attrelid, a.attnum) IS NULL) AS found
FROM (VALUES ('job_queue')) e (relation);
