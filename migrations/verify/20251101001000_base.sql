-- The tables that the documents take for granted, whoever made them.

-- Tables.
SELECT 'table ' || w.relation AS object, w.expected,
       CASE WHEN to_regclass(format('public.%I', w.relation)) IS NOT NULL THEN 'is there' END AS found
FROM (VALUES
    ('user_profiles', 'is there'),
    ('broker_connections', 'is there'),
    ('mt5_agents', 'is there'),
    ('ea_projects', 'is there'),
    ('ea_versions', 'is there'),
    ('ea_artifacts', 'is there'),
    ('ea_deployments', 'is there'),
    ('trading_accounts', 'is there'),
    ('user_exchange_connections', 'is there'),
    ('workflow_executions', 'is there'),
    ('trades', 'is there'),
    ('jobs', 'is there'),
    ('workflow_steps', 'is there')
) w (relation, expected);

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
    ('user_profiles', 'id', 'uuid not null'),
    ('user_profiles', 'risk_percent', 'numeric'),
    ('user_profiles', 'risk_max_percent', 'numeric'),
    ('user_profiles', 'day_start', 'text'),
    ('broker_connections', 'id', 'uuid not null'),
    ('broker_connections', 'user_id', 'uuid not null'),
    ('broker_connections', 'broker_type', 'character varying(20) not null'),
    ('broker_connections', 'name', 'text not null'),
    ('broker_connections', 'credentials', 'jsonb not null'),
    ('broker_connections', 'updated_at', 'timestamp with time zone not null'),
    ('mt5_agents', 'id', 'uuid not null'),
    ('mt5_agents', 'user_id', 'uuid not null'),
    ('mt5_agents', 'broker_connection_id', 'uuid'),
    ('mt5_agents', 'agent_name', 'text not null'),
    ('mt5_agents', 'is_connected', 'boolean not null'),
    ('ea_projects', 'id', 'uuid not null'),
    ('ea_projects', 'user_id', 'uuid not null'),
    ('ea_projects', 'name', 'text not null'),
    ('ea_projects', 'description', 'text'),
    ('ea_projects', 'default_settings', 'jsonb'),
    ('ea_versions', 'id', 'uuid not null'),
    ('ea_versions', 'ea_project_id', 'uuid not null'),
    ('ea_versions', 'version_number', 'integer not null'),
    ('ea_versions', 'config', 'jsonb'),
    ('ea_versions', 'status', 'text not null'),
    ('ea_versions', 'compilation_error', 'text'),
    ('ea_versions', 'updated_at', 'timestamp with time zone not null'),
    ('ea_artifacts', 'id', 'uuid not null'),
    ('ea_artifacts', 'ea_version_id', 'uuid not null'),
    ('ea_artifacts', 'artifact_type', 'text not null'),
    ('ea_artifacts', 'checksum', 'text'),
    ('ea_artifacts', 'updated_at', 'timestamp with time zone not null'),
    ('ea_deployments', 'id', 'uuid not null'),
    ('ea_deployments', 'ea_version_id', 'uuid not null'),
    ('ea_deployments', 'mt5_agent_id', 'uuid not null'),
    ('ea_deployments', 'status', 'text not null'),
    ('ea_deployments', 'runtime_config', 'jsonb'),
    ('ea_deployments', 'error_message', 'text'),
    ('ea_deployments', 'updated_at', 'timestamp with time zone not null'),
    ('trading_accounts', 'id', 'uuid not null'),
    ('trading_accounts', 'user_id', 'uuid not null'),
    ('trading_accounts', 'platform', 'text not null'),
    ('trading_accounts', 'server', 'text'),
    ('trading_accounts', 'login_number', 'text'),
    ('trading_accounts', 'account_name', 'text'),
    ('trading_accounts', 'currency', 'text'),
    ('trading_accounts', 'balance', 'numeric'),
    ('trading_accounts', 'equity', 'numeric'),
    ('trading_accounts', 'margin', 'numeric'),
    ('trading_accounts', 'free_margin', 'numeric'),
    ('trading_accounts', 'margin_level', 'numeric'),
    ('trading_accounts', 'is_active', 'boolean not null'),
    ('trading_accounts', 'connection_status', 'text not null'),
    ('user_exchange_connections', 'id', 'uuid not null'),
    ('user_exchange_connections', 'user_id', 'uuid not null'),
    ('user_exchange_connections', 'exchange', 'text not null'),
    ('user_exchange_connections', 'label', 'text'),
    ('user_exchange_connections', 'encrypted_config', 'text'),
    ('user_exchange_connections', 'secret_ref', 'text'),
    ('user_exchange_connections', 'last_synced_at', 'timestamp with time zone'),
    ('user_exchange_connections', 'created_at', 'timestamp with time zone not null'),
    ('user_exchange_connections', 'updated_at', 'timestamp with time zone not null'),
    ('workflow_executions', 'id', 'uuid not null'),
    ('workflow_executions', 'user_id', 'uuid not null'),
    ('workflow_executions', 'name', 'text not null'),
    ('workflow_executions', 'status', 'text not null'),
    ('workflow_executions', 'current_step', 'integer'),
    ('workflow_executions', 'input_data', 'jsonb'),
    ('workflow_executions', 'output_data', 'jsonb'),
    ('workflow_executions', 'error_message', 'text'),
    ('workflow_executions', 'started_at', 'timestamp with time zone'),
    ('workflow_executions', 'completed_at', 'timestamp with time zone'),
    ('workflow_executions', 'created_at', 'timestamp with time zone not null'),
    ('workflow_executions', 'updated_at', 'timestamp with time zone not null'),
    ('trades', 'id', 'uuid not null'),
    ('trades', 'account_id', 'uuid not null'),
    ('trades', 'user_id', 'uuid not null'),
    ('trades', 'open_price', 'numeric'),
    ('trades', 'close_price', 'numeric'),
    ('trades', 'profit', 'numeric'),
    ('trades', 'swap', 'numeric'),
    ('trades', 'commission', 'numeric'),
    ('trades', 'net_profit', 'numeric'),
    ('trades', 'pips', 'numeric'),
    ('trades', 'comment', 'text'),
    ('trades', 'updated_at', 'timestamp with time zone'),
    ('jobs', 'id', 'uuid not null'),
    ('jobs', 'user_id', 'uuid not null'),
    ('jobs', 'job_type', 'character varying(20) not null'),
    ('jobs', 'status', 'character varying(20) not null'),
    ('jobs', 'output_data', 'jsonb'),
    ('jobs', 'error_message', 'text'),
    ('workflow_steps', 'id', 'uuid not null'),
    ('workflow_steps', 'execution_id', 'uuid not null'),
    ('workflow_steps', 'position', 'integer not null'),
    ('workflow_steps', 'job_type', 'character varying(20) not null'),
    ('workflow_steps', 'input_data', 'jsonb'),
    ('workflow_steps', 'required_models', 'jsonb'),
    ('workflow_steps', 'job_id', 'uuid'),
    ('workflow_steps', 'status', 'text not null'),
    ('workflow_steps', 'created_at', 'timestamp with time zone not null'),
    ('workflow_steps', 'updated_at', 'timestamp with time zone not null')
) w (relation, name, expected);

-- Defaults.
SELECT format('default of %s.%s', w.relation, w.name) AS object, w.expected,
       (SELECT replace(pg_get_expr(d.adbin, d.adrelid), 'character varying', 'text') FROM pg_attribute a
         JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = to_regclass(format('public.%I', w.relation)) AND a.attname = w.name AND NOT a.attisdropped) AS found
FROM (VALUES
    ('user_profiles', 'role', '''user''::text'),
    ('user_profiles', 'created_at', 'now()'),
    ('user_profiles', 'updated_at', 'now()'),
    ('broker_connections', 'id', 'gen_random_uuid()'),
    ('broker_connections', 'created_at', 'now()'),
    ('broker_connections', 'updated_at', 'now()'),
    ('mt5_agents', 'id', 'gen_random_uuid()'),
    ('mt5_agents', 'is_connected', 'false'),
    ('mt5_agents', 'created_at', 'now()'),
    ('mt5_agents', 'updated_at', 'now()'),
    ('ea_projects', 'id', 'gen_random_uuid()'),
    ('ea_projects', 'created_at', 'now()'),
    ('ea_projects', 'updated_at', 'now()'),
    ('ea_versions', 'id', 'gen_random_uuid()'),
    ('ea_versions', 'status', '''draft''::text'),
    ('ea_versions', 'created_at', 'now()'),
    ('ea_versions', 'updated_at', 'now()'),
    ('ea_artifacts', 'id', 'gen_random_uuid()'),
    ('ea_artifacts', 'created_at', 'now()'),
    ('ea_artifacts', 'updated_at', 'now()'),
    ('ea_deployments', 'id', 'gen_random_uuid()'),
    ('ea_deployments', 'status', '''pending''::text'),
    ('ea_deployments', 'created_at', 'now()'),
    ('ea_deployments', 'updated_at', 'now()'),
    ('trading_accounts', 'id', 'gen_random_uuid()'),
    ('trading_accounts', 'is_active', 'true'),
    ('trading_accounts', 'connection_status', '''disconnected''::text'),
    ('trading_accounts', 'created_at', 'now()'),
    ('trading_accounts', 'updated_at', 'now()'),
    ('user_exchange_connections', 'id', 'gen_random_uuid()'),
    ('user_exchange_connections', 'created_at', 'now()'),
    ('user_exchange_connections', 'updated_at', 'now()'),
    ('workflow_executions', 'id', 'gen_random_uuid()'),
    ('workflow_executions', 'status', '''pending''::text'),
    ('workflow_executions', 'created_at', 'now()'),
    ('workflow_executions', 'updated_at', 'now()'),
    ('trades', 'id', 'gen_random_uuid()'),
    ('trades', 'created_at', 'now()'),
    ('trades', 'updated_at', 'now()'),
    ('jobs', 'id', 'gen_random_uuid()'),
    ('jobs', 'status', '''pending''::text'),
    ('jobs', 'created_at', 'now()'),
    ('jobs', 'updated_at', 'now()'),
    ('workflow_steps', 'id', 'gen_random_uuid()'),
    ('workflow_steps', 'status', '''pending''::text'),
    ('workflow_steps', 'created_at', 'now()'),
    ('workflow_steps', 'updated_at', 'now()')
) w (relation, name, expected);

-- Keys and checks.
SELECT format('constraint %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT regexp_replace(pg_get_constraintdef(n.oid), '\mpublic\.', '', 'g')
         FROM pg_constraint n WHERE n.conrelid = to_regclass(format('public.%I', w.relation)) AND n.conname = w.name) AS found
FROM (VALUES
    ('broker_connections', 'broker_connections_pkey', 'PRIMARY KEY (id)'),
    ('mt5_agents', 'mt5_agents_pkey', 'PRIMARY KEY (id)'),
    ('ea_projects', 'ea_projects_pkey', 'PRIMARY KEY (id)'),
    ('ea_versions', 'ea_versions_pkey', 'PRIMARY KEY (id)'),
    ('ea_artifacts', 'ea_artifacts_pkey', 'PRIMARY KEY (id)'),
    ('ea_artifacts', 'ea_artifacts_ea_version_id_fkey', 'FOREIGN KEY (ea_version_id) REFERENCES ea_versions(id) ON DELETE CASCADE'),
    ('ea_deployments', 'ea_deployments_pkey', 'PRIMARY KEY (id)'),
    ('ea_deployments', 'ea_deployments_ea_version_id_fkey', 'FOREIGN KEY (ea_version_id) REFERENCES ea_versions(id) ON DELETE CASCADE'),
    ('ea_deployments', 'ea_deployments_mt5_agent_id_fkey', 'FOREIGN KEY (mt5_agent_id) REFERENCES mt5_agents(id) ON DELETE CASCADE'),
    ('trading_accounts', 'trading_accounts_pkey', 'PRIMARY KEY (id)'),
    ('user_exchange_connections', 'user_exchange_connections_pkey', 'PRIMARY KEY (id)'),
    ('user_exchange_connections', 'user_exchange_connections_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES user_profiles(id) ON DELETE CASCADE'),
    ('workflow_executions', 'workflow_executions_pkey', 'PRIMARY KEY (id)'),
    ('workflow_executions', 'workflow_executions_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE'),
    ('workflow_executions', 'workflow_executions_status_check', 'CHECK ((status = ANY (ARRAY[''pending''::text, ''running''::text, ''completed''::text, ''failed''::text, ''cancelled''::text])))'),
    ('trades', 'trades_pkey', 'PRIMARY KEY (id)'),
    ('trades', 'trades_account_id_fkey', 'FOREIGN KEY (account_id) REFERENCES trading_accounts(id) ON DELETE CASCADE'),
    ('jobs', 'jobs_pkey', 'PRIMARY KEY (id)'),
    ('workflow_steps', 'workflow_steps_pkey', 'PRIMARY KEY (id)'),
    ('workflow_steps', 'workflow_steps_execution_id_position_key', 'UNIQUE (execution_id, "position")'),
    ('workflow_steps', 'workflow_steps_execution_id_fkey', 'FOREIGN KEY (execution_id) REFERENCES workflow_executions(id) ON DELETE CASCADE'),
    ('workflow_steps', 'workflow_steps_job_id_fkey', 'FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE SET NULL')
) w (relation, name, expected);

-- Indexes: what they cover.
SELECT 'index ' || w.name AS object, w.expected,
       (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ON (ONLY )?(public\.)?', '\1')
                || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
         FROM pg_index i WHERE i.indexrelid = to_regclass(format('public.%I', w.name))) AS found
FROM (VALUES
    ('workflow_steps_job_idx', 'workflow_steps USING btree (job_id) WHERE (job_id IS NOT NULL)'),
    ('ea_projects_user_idx', 'ea_projects USING btree (user_id)'),
    ('ea_artifacts_version_idx', 'ea_artifacts USING btree (ea_version_id)'),
    ('ea_deployments_version_idx', 'ea_deployments USING btree (ea_version_id)'),
    ('ea_deployments_agent_idx', 'ea_deployments USING btree (mt5_agent_id)'),
    ('trading_accounts_user_idx', 'trading_accounts USING btree (user_id)'),
    ('user_exchange_connections_user_idx', 'user_exchange_connections USING btree (user_id)')
) w (name, expected);

-- Users: Supabase's, or stand-ins.
SELECT 'table auth.users' AS object, 'is there' AS expected,
       CASE WHEN EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                         WHERE n.nspname = 'auth' AND c.relname = 'users') THEN 'is there' END AS found
UNION ALL
SELECT 'function auth.uid()', 'uuid',
       (SELECT format_type(p.prorettype, NULL) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'auth' AND p.proname = 'uid' AND p.pronargs = 0);
