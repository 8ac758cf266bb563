-- Roles, and that tables belong to one that nobody logs in as.

-- Owners, and row level security.
SELECT 'owner of ' || w.relation AS object, w.expected,
       (SELECT pg_get_userbyid(c.relowner) || CASE WHEN c.relkind = 'v' THEN '' WHEN c.relrowsecurity AND NOT c.relforcerowsecurity
                THEN ', row level security' ELSE ', no row level security' END
         FROM pg_class c WHERE c.oid = to_regclass(format('public.%I', w.relation))) AS found
FROM (VALUES
    ('installation_before', 'tradewire_owner, row level security'),
    ('installation_rows', 'tradewire_owner, row level security'),
    ('user_profiles', 'tradewire_owner, row level security'),
    ('broker_connections', 'tradewire_owner, row level security'),
    ('mt5_agents', 'tradewire_owner, row level security'),
    ('ea_projects', 'tradewire_owner, row level security'),
    ('ea_versions', 'tradewire_owner, row level security'),
    ('ea_artifacts', 'tradewire_owner, row level security'),
    ('ea_deployments', 'tradewire_owner, row level security'),
    ('trading_accounts', 'tradewire_owner, row level security'),
    ('user_exchange_connections', 'tradewire_owner, row level security'),
    ('workflow_executions', 'tradewire_owner, row level security'),
    ('trades', 'tradewire_owner, row level security'),
    ('jobs', 'tradewire_owner, row level security'),
    ('workflow_steps', 'tradewire_owner, row level security'),
    ('tv_strategies', 'tradewire_owner, row level security'),
    ('tv_signals', 'tradewire_owner, row level security')
) w (relation, expected);

-- The programs' roles have no power of their own; timeouts are theirs, not the connection string's.
SELECT format('role %s', w.name) AS object, w.expected,
       (SELECT CASE WHEN r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication
                    THEN 'mighty' ELSE 'ordinary' END
               || CASE WHEN r.rolname = 'tradewire_owner' AND r.rolcanlogin THEN ', logs in' ELSE '' END
               || coalesce((SELECT ', ' || string_agg(o, ' ' ORDER BY o) FROM pg_db_role_setting s
                            CROSS JOIN LATERAL unnest(s.setconfig) o
                            WHERE s.setrole = r.oid AND s.setdatabase = 0
                              AND split_part(o, '=', 1) IN ('statement_timeout', 'lock_timeout',
                                                            'idle_in_transaction_session_timeout')), '')
        FROM pg_roles r WHERE r.rolname = w.name) AS found
FROM (VALUES
    ('tradewire_owner', 'ordinary'),
    ('tradewire_ingester', 'ordinary, idle_in_transaction_session_timeout=5s lock_timeout=1s statement_timeout=2s'),
    ('tradewire_dispatcher', 'ordinary, idle_in_transaction_session_timeout=10s lock_timeout=5s statement_timeout=20s'),
    ('tradewire_gateway', 'ordinary, idle_in_transaction_session_timeout=5s lock_timeout=2s statement_timeout=5s'),
    ('tradewire_sync', 'ordinary, idle_in_transaction_session_timeout=10s lock_timeout=5s statement_timeout=20s'),
    ('tradewire_operator', 'ordinary, idle_in_transaction_session_timeout=60s lock_timeout=5s statement_timeout=30s')
) w (name, expected);

SELECT 'schema public: PUBLIC may create' AS object, 'no' AS expected,
       CASE WHEN EXISTS (SELECT FROM pg_namespace n
                         CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) e
                         WHERE n.nspname = 'public' AND e.grantee = 0 AND e.privilege_type = 'CREATE')
            THEN 'yes' ELSE 'no' END AS found
UNION ALL
SELECT 'a new function of the owner: PUBLIC may call it', 'no',
       CASE WHEN EXISTS (SELECT FROM pg_default_acl d WHERE d.defaclrole = to_regrole('tradewire_owner')
                         AND d.defaclobjtype = 'f' AND d.defaclnamespace = 0
                         AND NOT EXISTS (SELECT FROM aclexplode(d.defaclacl) e WHERE e.grantee = 0))
            THEN 'no' ELSE 'yes' END;
