-- What remembers an installation, and the API roles.

-- Tables.
SELECT 'table ' || w.relation AS object, w.expected,
       CASE WHEN to_regclass(format('public.%I', w.relation)) IS NOT NULL THEN 'is there' END AS found
FROM (VALUES
    ('installation_before', 'is there'),
    ('installation_rows', 'is there')
) w (relation, expected);

-- Columns: type, and whether they must be filled.
SELECT format('column %s.%s', w.relation, w.name) AS object, w.expected,
       (SELECT format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
        FROM pg_attribute a WHERE a.attrelid = to_regclass(format('public.%I', w.relation)) AND a.attname = w.name
          AND NOT a.attisdropped) AS found
FROM (VALUES
    ('installation_before', 'relation', 'text not null'),
    ('installation_before', 'kind', 'text not null'),
    ('installation_before', 'name', 'text not null'),
    ('installation_before', 'before', 'jsonb not null'),
    ('installation_rows', 'version', 'bigint not null'),
    ('installation_rows', 'relation', 'text not null'),
    ('installation_rows', 'row_id', 'uuid not null'),
    ('installation_rows', 'before', 'jsonb not null')
) w (relation, name, expected);

-- Keys.
SELECT format('constraint %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT regexp_replace(pg_get_constraintdef(n.oid), '\mpublic\.', '', 'g')
         FROM pg_constraint n WHERE n.conrelid = to_regclass(format('public.%I', w.relation)) AND n.conname = w.name) AS found
FROM (VALUES
    ('installation_before', 'installation_before_pkey', 'PRIMARY KEY (relation, kind, name)'),
    ('installation_rows', 'installation_rows_pkey', 'PRIMARY KEY (version, relation, row_id)')
) w (relation, name, expected);

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
    ('installation_had', 'p_relation text, p_kind text, p_name text', 'returns boolean, invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_remember', 'IN p_relation text', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_drop_columns', 'IN p_relation text, VARIADIC p_columns text[]', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_definition', 'p_printed text', 'returns text, invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_drop_indexes', 'IN p_relation text, VARIADIC p_indexes text[]', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_restore_constraints', 'IN p_relation text, VARIADIC p_columns text[]', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_restore_options', 'IN p_relation text', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_validate', 'IN p_version bigint, IN p_relation text', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_unvalidate', 'IN p_version bigint, IN p_relation text', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_tell', 'IN p_relation text, IN p_rule text, IN p_column text, IN p_rows bigint, IN p_state text, IN p_remedy text', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_add_constraint', 'IN p_relation text, IN p_name text, IN p_definition text, IN p_comment text', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_set_not_null', 'IN p_relation text, IN p_column text', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_restore_index', 'IN p_relation text, IN p_name text, IN p_definition text', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_takes', 'p_relation text, p_column text, p_word text', 'returns boolean, invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_rule', 'IN p_relation text, IN p_column text, IN p_name text, IN p_definition text', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_small_rule', 'IN p_relation text, IN p_column text, IN p_name text, IN p_definition text', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_drop_views', 'VARIADIC p_views text[]', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_restore_views', '', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_drop_policies', 'IN p_relation text', 'invoker, search_path=pg_catalog, public, pg_temp'),
    ('installation_restore_policies', 'IN p_relation text', 'invoker, search_path=pg_catalog, public, pg_temp')
) w (name, arguments, expected);

-- Roles: Supabase's, or stand-ins.
SELECT format('role %s', w.name) AS object, 'is there' AS expected,
       CASE WHEN EXISTS (SELECT FROM pg_roles r WHERE r.rolname = w.name) THEN 'is there' END AS found
FROM (VALUES ('anon'), ('authenticated'), ('service_role')) w (name);
