-- Gives the columns of an older installation's tables back as they were: types, defaults, what may be NULL, the values
-- that were changed, and constraints. What was written since and does not fit stays, and a warning says so.
-- A view keeps its columns' types from changing: it is made again below.
DO $$
BEGIN
    IF public.installation_had('user_profiles', 'renamed') THEN
        DROP VIEW public.profiles;
    END IF;
END $$;

DO $$
DECLARE
    v_table record;
BEGIN
    FOR v_table IN
        SELECT t.name, CASE t.name WHEN 'user_profiles' THEN 'id' ELSE 'user_id' END AS key
        FROM unnest(ARRAY['user_profiles', 'broker_connections', 'mt5_agents', 'ea_projects', 'trading_accounts',
                          'workflow_executions', 'trades', 'jobs']) t (name)
        WHERE public.installation_had(t.name, 'table')
    LOOP
        CALL public.installation_restore_constraints(v_table.name, v_table.key);
    END LOOP;
    FOR v_table IN
        SELECT w.name, w.key
        FROM (VALUES ('broker_connections', 'broker_type'), ('ea_versions', 'status'), ('ea_artifacts', 'artifact_type'),
                     ('ea_deployments', 'status'), ('trading_accounts', 'connection_status'),
                     ('workflow_executions', 'status'), ('trades', 'type'), ('ea_versions', 'ea_project_id'),
                     ('ea_artifacts', 'ea_version_id'),
                     ('ea_deployments', 'ea_version_id'), ('ea_deployments', 'mt5_agent_id'),
                     ('user_exchange_connections', 'user_id'), ('workflow_steps', 'execution_id'),
                     ('workflow_steps', 'job_id'), ('trades', 'account_id')) w (name, key)
        WHERE public.installation_had(w.name, 'column', w.key)
    LOOP
        CALL public.installation_restore_constraints(v_table.name, v_table.key);
    END LOOP;
    IF public.installation_had('user_profiles', 'column', 'role') THEN
        -- Before their own check comes back, which may not know what the role became; one that somebody gave since stays.
        ALTER TABLE public.user_profiles DROP CONSTRAINT user_profiles_role_check, ALTER COLUMN role DROP NOT NULL;
        UPDATE public.user_profiles p SET role = r.before ->> 'role'
        FROM public.installation_rows r
        WHERE r.version = 20251101010000 AND r.relation = 'user_profiles' AND r.row_id = p.id
          AND r.before ->> 'role' IS NOT NULL AND p.role = 'user';
        CALL public.installation_restore_constraints('user_profiles', 'role');
    END IF;
    IF public.installation_had('user_profiles', 'table') THEN
        -- Where the base made the column its rule stays with it.
        IF public.installation_had('user_profiles', 'column', 'risk_percent') THEN
            CALL public.installation_restore_constraints('user_profiles', 'risk_percent');
        END IF;
        IF public.installation_had('user_profiles', 'column', 'risk_max_percent') THEN
            CALL public.installation_restore_constraints('user_profiles', 'risk_max_percent');
        END IF;
    END IF;
    IF public.installation_had('ea_versions', 'table') THEN
        CALL public.installation_restore_constraints('ea_versions', 'ea_project_id', 'version_number');
    END IF;
END $$;

SET LOCAL timezone = 'UTC';
DO $$
DECLARE
    v_column record;
    v_rows bigint;
BEGIN
    FOR v_column IN
        SELECT b.relation, b.name, b.before ->> 'type' AS type, b.before ->> 'default' AS default_value,
               (b.before ->> 'not_null')::boolean AS not_null, a.attnotnull AS is_not_null,
               format_type(a.atttypid, a.atttypmod) AS is_type, pg_get_expr(d.adbin, d.adrelid) AS is_default,
               b.name IN ('id', 'created_at', 'updated_at') AS is_common
        FROM public.installation_before b
        JOIN pg_attribute a ON a.attrelid = to_regclass(format('public.%I', b.relation)) AND a.attname = b.name
                           AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE b.kind = 'column'
          AND b.relation IN ('user_profiles', 'broker_connections', 'mt5_agents', 'ea_projects', 'ea_versions',
              'ea_artifacts', 'ea_deployments', 'jobs', 'trading_accounts', 'trades', 'user_exchange_connections',
              'workflow_executions', 'workflow_steps', 'tv_strategies', 'tv_signals')
        ORDER BY b.relation, b.name
    LOOP
        IF v_column.is_not_null AND NOT v_column.not_null THEN
            EXECUTE format('ALTER TABLE public.%I ALTER COLUMN %I DROP NOT NULL', v_column.relation, v_column.name);
        END IF;
        IF v_column.is_type <> v_column.type THEN
            BEGIN
                EXECUTE format('ALTER TABLE public.%I ALTER COLUMN %I DROP DEFAULT, ALTER COLUMN %I TYPE %s%s',
                    v_column.relation, v_column.name, v_column.name, v_column.type,
                    CASE WHEN v_column.type IN ('json', 'jsonb')
                         THEN format(' USING to_jsonb(%I)::%s', v_column.name, v_column.type) ELSE '' END);
            EXCEPTION WHEN numeric_value_out_of_range THEN
                EXECUTE format('SELECT count(*) FROM public.%I WHERE %I NOT BETWEEN -2147483648 AND 2147483647',
                               v_column.relation, v_column.name) INTO v_rows;
                CALL public.installation_tell(v_column.relation, NULL, v_column.name, v_rows,
                    'stays ' || v_column.is_type, format('ALTER COLUMN %I TYPE %s', v_column.name, v_column.type));
            END;
        END IF;
        IF v_column.is_default IS DISTINCT FROM v_column.default_value OR v_column.is_type <> v_column.type THEN
            EXECUTE format('ALTER TABLE public.%I ALTER COLUMN %I %s', v_column.relation, v_column.name,
                           coalesce('SET DEFAULT ' || v_column.default_value, 'DROP DEFAULT'));
        END IF;
    END LOOP;

    -- The values that were changed; a role or percentage that somebody gave since stays.
    FOR v_column IN
        SELECT DISTINCT r.relation, k.name
        FROM public.installation_rows r CROSS JOIN LATERAL jsonb_object_keys(r.before) k (name)
        WHERE r.version = 20251101010000 AND k.name <> 'source_code'
    LOOP
        EXECUTE format('UPDATE public.%1$I t SET %2$I = (jsonb_populate_record(NULL::public.%1$I, r.before)).%2$I
                        FROM public.installation_rows r
                        WHERE r.version = 20251101010000 AND r.relation = %1$L AND r.row_id = t.id AND r.before ? %2$L
                          AND (%2$L <> ''role'' OR to_jsonb(t)->>''role'' = ''user'')
                          AND (%2$L NOT IN (''risk_percent'', ''risk_max_percent'')
                               OR (to_jsonb(t)->>%2$L)::numeric
                                  = CASE WHEN (r.before->>%2$L)::numeric < 0 THEN 0 ELSE 100 END)',
                       v_column.relation, v_column.name);
    END LOOP;
    -- Not by a record, which cannot tell JSON's null from none.
    FOR v_column IN SELECT b.before ->> 'type' AS type FROM public.installation_before b
                    WHERE b.relation = 'ea_versions' AND b.kind = 'column' AND b.name = 'source_code'
                      AND b.before ->> 'type' IN ('json', 'jsonb') LOOP
        EXECUTE format('UPDATE public.ea_versions v SET source_code = (r.before->''source_code'')::%s
                        FROM public.installation_rows r
                        WHERE r.version = 20251101010000 AND r.relation = ''ea_versions'' AND r.row_id = v.id
                          AND r.before ? ''source_code''
                          AND v.source_code #>> ''{}'' IS NOT DISTINCT FROM r.before ->> ''source_code''', v_column.type);
    END LOOP;
    DELETE FROM public.installation_rows r WHERE r.version = 20251101010000;

    FOR v_column IN
        SELECT b.relation, b.name
        FROM public.installation_before b
        JOIN pg_attribute a ON a.attrelid = to_regclass(format('public.%I', b.relation)) AND a.attname = b.name
                           AND NOT a.attisdropped AND NOT a.attnotnull
        WHERE b.kind = 'column' AND (b.before ->> 'not_null')::boolean
          AND b.relation IN ('user_profiles', 'broker_connections', 'mt5_agents', 'ea_projects', 'ea_versions',
              'ea_artifacts', 'ea_deployments', 'jobs', 'trading_accounts', 'trades', 'user_exchange_connections',
              'workflow_executions', 'workflow_steps')
        ORDER BY b.relation, b.name
    LOOP
        CALL public.installation_set_not_null(v_column.relation, v_column.name);
    END LOOP;

    FOR v_column IN SELECT b.relation, b.name, b.before ->> 'definition' AS definition FROM public.installation_before b
                    WHERE b.kind = 'dropped_index' AND to_regclass(format('public.%I', b.name)) IS NULL LOOP
        CALL public.installation_restore_index(v_column.relation, v_column.name, v_column.definition);
    END LOOP;
    DELETE FROM public.installation_before b WHERE b.kind = 'dropped_index';
END $$;

DO $$
BEGIN
    IF public.installation_had('user_profiles', 'renamed') THEN
        EXECUTE (SELECT format('CREATE VIEW public.profiles WITH (security_invoker = true) AS SELECT %s FROM public.user_profiles',
                       string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum))
                 FROM pg_attribute a
                 JOIN public.installation_before b ON b.relation = 'user_profiles' AND b.kind = 'column' AND b.name = a.attname
                 WHERE a.attrelid = 'public.user_profiles'::regclass);
        COMMENT ON VIEW public.profiles IS 'user_profiles under the name of older installations, with their columns.';
        REVOKE ALL ON public.profiles FROM PUBLIC, anon, authenticated, service_role;
    END IF;
END $$;
