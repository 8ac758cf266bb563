-- Times with a zone, defaults, and what must be filled.

-- Columns: type, and whether they must be filled. Text of any kind counts as text.
-- When rows of the large tables were made may be missing in an older installation: nothing reads them under a lock for it.
SELECT format('column %s.%s', w.relation, w.name) AS object, w.expected,
       (SELECT CASE WHEN format_type(a.atttypid, NULL) = 'character varying' AND w.expected LIKE 'text%' THEN 'text'
                     WHEN a.atttypid = 'numeric'::regtype AND w.expected NOT LIKE 'numeric(%' THEN 'numeric'
                     ELSE format_type(a.atttypid, a.atttypmod) END
                || CASE WHEN a.attnotnull AND (w.relation, a.attname) NOT IN (('jobs', 'created_at'), ('jobs', 'updated_at'),
                              ('trades', 'created_at'), ('trades', 'updated_at')) THEN ' not null' ELSE '' END
         FROM pg_attribute a WHERE a.attrelid = to_regclass(format('public.%I', w.relation)) AND a.attname = w.name
           AND NOT a.attisdropped) AS found
FROM (VALUES
    ('user_profiles', 'email', 'text'),
    ('user_profiles', 'role', 'text not null'),
    ('user_profiles', 'created_at', 'timestamp with time zone not null'),
    ('user_profiles', 'updated_at', 'timestamp with time zone not null'),
    ('broker_connections', 'is_active', 'boolean not null'),
    ('broker_connections', 'created_at', 'timestamp with time zone not null'),
    ('mt5_agents', 'terminal_server', 'text'),
    ('mt5_agents', 'login', 'text'),
    ('mt5_agents', 'last_heartbeat', 'timestamp with time zone'),
    ('mt5_agents', 'created_at', 'timestamp with time zone not null'),
    ('mt5_agents', 'updated_at', 'timestamp with time zone not null'),
    ('ea_projects', 'created_at', 'timestamp with time zone not null'),
    ('ea_projects', 'updated_at', 'timestamp with time zone not null'),
    ('ea_versions', 'source_code', 'text'),
    ('ea_versions', 'created_at', 'timestamp with time zone not null'),
    ('ea_artifacts', 'storage_path', 'text'),
    ('ea_artifacts', 'created_at', 'timestamp with time zone not null'),
    ('ea_deployments', 'deployed_at', 'timestamp with time zone'),
    ('ea_deployments', 'stopped_at', 'timestamp with time zone'),
    ('ea_deployments', 'created_at', 'timestamp with time zone not null'),
    ('trading_accounts', 'broker_name', 'text'),
    ('trading_accounts', 'last_sync_at', 'timestamp with time zone'),
    ('trading_accounts', 'created_at', 'timestamp with time zone not null'),
    ('trading_accounts', 'updated_at', 'timestamp with time zone not null'),
    ('trades', 'ticket', 'bigint not null'),
    ('trades', 'symbol', 'text'),
    ('trades', 'type', 'text'),
    ('trades', 'volume', 'numeric'),
    ('trades', 'open_time', 'timestamp with time zone'),
    ('trades', 'close_time', 'timestamp with time zone'),
    ('trades', 'magic', 'bigint'),
    ('trades', 'created_at', 'timestamp with time zone'),
    ('jobs', 'input_data', 'jsonb'),
    ('jobs', 'started_at', 'timestamp with time zone'),
    ('jobs', 'completed_at', 'timestamp with time zone'),
    ('jobs', 'created_at', 'timestamp with time zone'),
    ('jobs', 'updated_at', 'timestamp with time zone')
) w (relation, name, expected);

-- Defaults.
SELECT format('default of %s.%s', w.relation, w.name) AS object, w.expected,
       (SELECT replace(pg_get_expr(d.adbin, d.adrelid), 'character varying', 'text') FROM pg_attribute a
         JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = to_regclass(format('public.%I', w.relation)) AND a.attname = w.name AND NOT a.attisdropped) AS found
FROM (VALUES
    ('broker_connections', 'is_active', 'true')
) w (relation, name, expected);

-- Keys and checks.
SELECT format('constraint %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT regexp_replace(pg_get_constraintdef(n.oid), '\mpublic\.', '', 'g')
         FROM pg_constraint n WHERE n.conrelid = to_regclass(format('public.%I', w.relation)) AND n.conname = w.name) AS found
FROM (VALUES
    ('user_profiles', 'user_profiles_id_fkey', 'FOREIGN KEY (id) REFERENCES auth.users(id) ON DELETE CASCADE'),
    ('user_profiles', 'user_profiles_role_check', 'CHECK ((role = ANY (ARRAY[''user''::text, ''admin''::text])))'),
    ('broker_connections', 'broker_connections_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE'),
    ('mt5_agents', 'mt5_agents_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE'),
    ('ea_projects', 'ea_projects_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE'),
    ('ea_versions', 'ea_versions_ea_project_id_fkey', 'FOREIGN KEY (ea_project_id) REFERENCES ea_projects(id) ON DELETE CASCADE'),
    ('ea_versions', 'ea_versions_ea_project_id_version_number_key', 'UNIQUE (ea_project_id, version_number)'),
    ('ea_artifacts', 'ea_artifacts_artifact_type_check', 'CHECK ((artifact_type = ANY (ARRAY[''ex4''::text, ''ex5''::text, ''log''::text, ''config''::text, ''source''::text])))'),
    ('ea_deployments', 'ea_deployments_status_check', 'CHECK ((status = ANY (ARRAY[''pending''::text, ''deploying''::text, ''running''::text, ''stopped''::text, ''failed''::text])))'),
    ('trading_accounts', 'trading_accounts_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE')
) w (relation, name, expected);

-- An installation's own check on a VARCHAR prints otherwise once it was restored from a dump: its words are asked.
SELECT 'values of broker_connections.broker_type' AS object, 'METAAPI MT5_AGENT OANDA' AS expected,
       (SELECT string_agg(m[1], ' ' ORDER BY m[1] COLLATE "C") FROM pg_constraint n
        CROSS JOIN LATERAL regexp_matches(pg_get_constraintdef(n.oid), '''([^'']*)''', 'g') m
        WHERE n.conrelid = to_regclass('public.broker_connections')
          AND n.conname = 'broker_connections_broker_type_check') AS found;

-- Percentages have a range, whatever number type the installation uses.
SELECT 'constraint ' || w.name || ' of user_profiles' AS object, w.expected,
       (SELECT regexp_replace(pg_get_constraintdef(n.oid), '[()]|::[a-z]+( precision)?', '', 'g') FROM pg_constraint n
         WHERE n.conrelid = to_regclass('public.user_profiles') AND n.conname = w.name) AS found
FROM (VALUES
    ('user_profiles_risk_percent_range_check', 'CHECK risk_percent >= 0 AND risk_percent <= 100'),
    ('user_profiles_risk_max_percent_range_check', 'CHECK risk_max_percent >= 0 AND risk_max_percent <= 100')
) w (name, expected);
