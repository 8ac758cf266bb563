-- migrate:contract
-- Tables that an older installation had, brought to the base's shape: times with a zone, source as text, what may be
-- NULL and what may not, defaults, users in auth.users. On a new installation there is nothing to do.
--
-- Values stay. Those that a new rule does not admit are written down in installation_rows first.
--
-- `jobs` and `trades` may be large. A time without a zone becomes one with a zone without a rewrite while the session's
-- zone is UTC (the stored number is the same); an index on it would be rebuilt under the lock, so on a large table it is
-- dropped, and the statement that makes it again is printed. INTEGER numbers of the broker become BIGINT: that
-- rewrites `trades`, and happens only where they are too narrow.

-- As in the base: before the tables that they refer to.
DO $$
DECLARE
    v_name text;
BEGIN
    FOREACH v_name IN ARRAY ARRAY['jobs', 'trades'] LOOP
        IF to_regclass('public.' || v_name) IS NOT NULL THEN
            EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', v_name);
        END IF;
    END LOOP;
END $$;

-- An installation on plain Postgres knows its users by user_profiles alone: auth.users was just made.
-- migrate:ignore writes-platform-schema rows of the stand-in that the base made
DO $$
DECLARE
    v_name text;
BEGIN
    IF public.installation_had('auth.users', 'made') AND public.installation_had('user_profiles', 'table') THEN
        INSERT INTO auth.users (id, email) SELECT p.id, p.email FROM public.user_profiles p ORDER BY p.id
        ON CONFLICT DO NOTHING;
        -- Two profiles of one address: both are somebody.
        INSERT INTO auth.users (id) SELECT p.id FROM public.user_profiles p ON CONFLICT DO NOTHING;
        -- After a rollback rows of people may be here who never had a profile. Those of jobs and trades are looked for
        -- later, without a lock.
        FOR v_name IN
            SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
            WHERE c.relnamespace = 'public'::regnamespace AND a.attname = 'user_id' AND a.atttypid = 'uuid'::regtype
              AND c.relname IN ('broker_connections', 'mt5_agents', 'ea_projects', 'trading_accounts', 'workflow_executions')
        LOOP
            EXECUTE format('INSERT INTO auth.users (id) SELECT DISTINCT t.user_id FROM public.%I t
                            WHERE t.user_id IS NOT NULL ON CONFLICT DO NOTHING', v_name);
        END LOOP;
    END IF;
END $$;

-- A view keeps its columns' types from changing: it is made again below.
DO $$
BEGIN
    IF public.installation_had('user_profiles', 'renamed') THEN
        DROP VIEW public.profiles;
    END IF;
END $$;

-- Times, source, wide numbers.
SET LOCAL timezone = 'UTC';
-- migrate:ignore changing-column-type a handful of rows per user
DO $$
DECLARE
    v_table record;
    v_index record;
BEGIN
    IF (SELECT b.before ->> 'type' FROM public.installation_before b
        WHERE b.relation = 'ea_versions' AND b.kind = 'column' AND b.name = 'source_code') IN ('jsonb', 'json') THEN
        -- A JSON string is its text; anything else is kept to the letter as well.
        INSERT INTO public.installation_rows (version, relation, row_id, before)
        SELECT 20251101010000, 'ea_versions', v.id, jsonb_build_object('source_code', v.source_code)
        FROM public.ea_versions v WHERE jsonb_typeof(v.source_code::jsonb) <> 'string';
        ALTER TABLE public.ea_versions ALTER COLUMN source_code DROP NOT NULL, ALTER COLUMN source_code DROP DEFAULT,
            ALTER COLUMN source_code TYPE TEXT USING source_code #>> '{}';
    END IF;

    FOR v_table IN
        SELECT b.relation, array_agg(b.name::text) AS columns,
               string_agg(format('ALTER COLUMN %I DROP DEFAULT, ALTER COLUMN %I TYPE %s', b.name, b.name,
                                 CASE b.before ->> 'type' WHEN 'integer' THEN 'BIGINT' ELSE 'TIMESTAMPTZ' END)
                          || CASE WHEN b.before ->> 'default' IS NULL THEN ''
                                  ELSE format(', ALTER COLUMN %I SET DEFAULT %s', b.name,
                                              CASE b.before ->> 'type' WHEN 'integer' THEN b.before ->> 'default'
                                                                       ELSE 'now()' END) END,
                          ', ') AS changes
        FROM public.installation_before b
        WHERE b.kind = 'column'
          AND (b.before ->> 'type' LIKE 'timestamp%without time zone'
               OR (b.relation = 'trades' AND b.name IN ('ticket', 'position_id', 'magic')
                   AND b.before ->> 'type' = 'integer'))
          AND b.relation IN ('user_profiles', 'broker_connections', 'mt5_agents', 'ea_projects', 'ea_versions',
              'ea_artifacts', 'ea_deployments', 'jobs', 'trading_accounts', 'trades', 'user_exchange_connections',
              'workflow_executions', 'workflow_steps', 'tv_strategies', 'tv_signals')
        GROUP BY b.relation ORDER BY b.relation
    LOOP
        FOR v_index IN
            SELECT c.relname AS name, pg_get_indexdef(i.indexrelid) AS definition
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid = format('public.%I', v_table.relation)::regclass
              AND pg_relation_size(i.indrelid) > 64 * 1024 * 1024
              AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                          AND a.attname = ANY (v_table.columns))
              AND NOT EXISTS (SELECT FROM pg_constraint n WHERE n.conindid = i.indexrelid)
        LOOP
            INSERT INTO public.installation_before
            VALUES (v_table.relation, 'dropped_index', v_index.name, jsonb_build_object('definition', v_index.definition));
            EXECUTE format('DROP INDEX public.%I', v_index.name);
            RAISE WARNING 'index % of % would be rebuilt under a lock and was dropped; make it again with: %',
                v_index.name, v_table.relation,
                regexp_replace(v_index.definition, '^CREATE (UNIQUE )?INDEX ', 'CREATE \1INDEX CONCURRENTLY ');
        END LOOP;
        EXECUTE format('ALTER TABLE public.%I %s', v_table.relation, v_table.changes);
    END LOOP;
END $$;

-- What the base lets be NULL may be NULL; what it does not has a default, and NULLs get that.
DO $$
DECLARE
    v_column record;
BEGIN
    FOR v_column IN
        SELECT w.relation, c.name
        FROM (VALUES
            ('user_profiles', 'email,risk_percent,risk_max_percent,day_start'),
            ('mt5_agents', 'broker_connection_id,terminal_server,login,last_heartbeat'),
            ('ea_projects', 'description,default_settings'),
            ('ea_versions', 'source_code,config,compilation_error'),
            ('ea_artifacts', 'storage_path,file_size,checksum'),
            ('ea_deployments', 'deployed_at,stopped_at,runtime_config,error_message'),
            ('trading_accounts', 'broker_name,server,login_number,account_name,currency,balance,equity,margin,free_margin,margin_level,last_sync_at'),
            ('user_exchange_connections', 'label,encrypted_config,secret_ref,last_synced_at'),
            ('workflow_executions', 'current_step,input_data,output_data,error_message,started_at,completed_at'),
            ('workflow_steps', 'input_data,required_models,job_id'),
            ('trades', 'position_id,symbol,type,volume,open_price,close_price,open_time,close_time,profit,swap,commission,net_profit,pips,magic,comment'),
            ('jobs', 'input_data,output_data,error_message,started_at,completed_at')
        ) w (relation, names) CROSS JOIN LATERAL unnest(string_to_array(w.names, ',')) c (name)
        JOIN public.installation_before b ON b.relation = w.relation AND b.kind = 'column' AND b.name = c.name
        WHERE (b.before ->> 'not_null')::boolean
    LOOP
        EXECUTE format('ALTER TABLE public.%I ALTER COLUMN %I DROP NOT NULL', v_column.relation, v_column.name);
    END LOOP;

    FOR v_column IN
        SELECT w.relation, c.name, w.value, w.is_not_null AND NOT (b.before ->> 'not_null')::boolean AS is_new,
               b.before ->> 'default' IS NULL AS has_none
        FROM (VALUES
            ('user_profiles', 'role', '''user''', TRUE),
            ('broker_connections', 'is_active', 'TRUE', TRUE),
            ('mt5_agents', 'is_connected', 'FALSE', TRUE),
            ('ea_versions', 'status', '''draft''', TRUE),
            ('ea_deployments', 'status', '''pending''', TRUE),
            ('trading_accounts', 'is_active', 'TRUE', TRUE),
            ('trading_accounts', 'connection_status', '''disconnected''', TRUE),
            ('workflow_executions', 'status', '''pending''', TRUE),
            ('workflow_steps', 'status', '''pending''', TRUE),
            ('broker_connections,mt5_agents,ea_projects,ea_versions,ea_artifacts,ea_deployments,trading_accounts,user_exchange_connections,workflow_executions,workflow_steps',
             'id', 'gen_random_uuid()', TRUE),
            ('user_profiles,broker_connections,mt5_agents,ea_projects,ea_versions,ea_artifacts,ea_deployments,trading_accounts,user_exchange_connections,workflow_executions,workflow_steps',
             'created_at,updated_at', 'now()', TRUE),
            -- Of the large ones only the defaults: to look for NULLs would mean to read them under a lock.
            ('jobs', 'status', '''pending''', FALSE),
            ('jobs,trades', 'id', 'gen_random_uuid()', FALSE),
            ('jobs,trades', 'created_at,updated_at', 'now()', FALSE)
        ) v (relations, names, value, is_not_null)
        CROSS JOIN LATERAL unnest(string_to_array(v.relations, ',')) r (relation)
        CROSS JOIN LATERAL unnest(string_to_array(v.names, ',')) c (name)
        CROSS JOIN LATERAL (SELECT r.relation, v.value, v.is_not_null) w
        JOIN public.installation_before b ON b.relation = w.relation AND b.kind = 'column' AND b.name = c.name
    LOOP
        IF v_column.has_none THEN
            EXECUTE format('ALTER TABLE public.%I ALTER COLUMN %I SET DEFAULT %s', v_column.relation, v_column.name,
                           v_column.value);
        END IF;
        IF v_column.is_new THEN
            EXECUTE format('INSERT INTO public.installation_rows (version, relation, row_id, before)
                            SELECT 20251101010000, %L, t.id, jsonb_build_object(%L, NULL)
                            FROM public.%I t WHERE t.%I IS NULL
                            ON CONFLICT (version, relation, row_id)
                            DO UPDATE SET before = installation_rows.before || excluded.before',
                           v_column.relation, v_column.name, v_column.relation, v_column.name);
            EXECUTE format('UPDATE public.%I SET %I = %s WHERE %I IS NULL', v_column.relation, v_column.name,
                           v_column.value, v_column.name);
            EXECUTE format('ALTER TABLE public.%I ALTER COLUMN %I SET NOT NULL', v_column.relation, v_column.name);
        END IF;
    END LOOP;
END $$;

-- Roles other than the two, percentages out of range, and doubled numbers: the rule decides, the old value is written
-- down.
-- migrate:ignore disallowed-unique-constraint a handful of rows per user
DO $$
DECLARE
    v_name text;
BEGIN
    FOREACH v_name IN ARRAY ARRAY['risk_percent', 'risk_max_percent'] LOOP
        CONTINUE WHEN NOT public.installation_had('user_profiles', 'column', v_name);
        EXECUTE format('INSERT INTO public.installation_rows (version, relation, row_id, before)
                        SELECT 20251101010000, ''user_profiles'', p.id, jsonb_build_object(%1$L, p.%1$I)
                        FROM public.user_profiles p WHERE p.%1$I NOT BETWEEN 0 AND 100
                        ON CONFLICT (version, relation, row_id)
                        DO UPDATE SET before = installation_rows.before || excluded.before', v_name);
        EXECUTE format('UPDATE public.user_profiles SET %1$I = CASE WHEN %1$I < 0 THEN 0 ELSE 100 END
                        WHERE %1$I NOT BETWEEN 0 AND 100', v_name);
        EXECUTE format('ALTER TABLE public.user_profiles ADD CONSTRAINT %I CHECK (%I BETWEEN 0 AND 100)',
                       'user_profiles_' || v_name || '_range_check', v_name);
        EXECUTE format('COMMENT ON CONSTRAINT %I ON public.user_profiles IS %L', 'user_profiles_' || v_name || '_range_check',
                       'A percentage of equity.');
    END LOOP;
    IF public.installation_had('user_profiles', 'column', 'role') THEN
        INSERT INTO public.installation_rows (version, relation, row_id, before)
        SELECT 20251101010000, 'user_profiles', p.id, jsonb_build_object('role', p.role)
        FROM public.user_profiles p WHERE p.role NOT IN ('user', 'admin')
        ON CONFLICT (version, relation, row_id) DO UPDATE SET before = installation_rows.before || excluded.before;
        CALL public.installation_rule('user_profiles', 'role', 'user_profiles_role_check',
                                      'CHECK ((role = ANY (ARRAY[''user''::text, ''admin''::text])))');
        UPDATE public.user_profiles SET role = 'user' WHERE role NOT IN ('user', 'admin');
        ALTER TABLE public.user_profiles VALIDATE CONSTRAINT user_profiles_role_check;
    END IF;

    IF public.installation_had('ea_versions', 'table') AND NOT EXISTS (
            SELECT FROM pg_constraint n WHERE n.conrelid = 'public.ea_versions'::regclass AND n.contype = 'u') THEN
        INSERT INTO public.installation_rows (version, relation, row_id, before)
        SELECT 20251101010000, 'ea_versions', d.id, jsonb_build_object('version_number', d.version_number)
        FROM (SELECT v.*, row_number() OVER (PARTITION BY ea_project_id, version_number ORDER BY created_at, id) AS copy
              FROM public.ea_versions v) d
        WHERE d.copy > 1
        ON CONFLICT (version, relation, row_id) DO UPDATE SET before = installation_rows.before || excluded.before;
        UPDATE public.ea_versions v SET version_number = n.number
        FROM (SELECT d.id, m.highest + row_number() OVER (PARTITION BY d.ea_project_id ORDER BY d.created_at, d.id) AS number
              FROM (SELECT w.*, row_number() OVER (PARTITION BY ea_project_id, version_number
                                                   ORDER BY created_at, id) AS copy
                    FROM public.ea_versions w) d
              JOIN (SELECT ea_project_id, max(version_number) AS highest FROM public.ea_versions
                    GROUP BY ea_project_id) m USING (ea_project_id)
              WHERE d.copy > 1) n
        WHERE v.id = n.id;
        ALTER TABLE public.ea_versions
            ADD CONSTRAINT ea_versions_ea_project_id_version_number_key UNIQUE (ea_project_id, version_number);
    END IF;
END $$;

-- Words: the base's check, whatever an installation had; what it lacks the programs could not write. Rows that use another
-- word stay, and the check is then NOT VALID: new rows obey it, and `migrate verify` names it. An account's words are
-- 20251113000000's: until then an installation's own check on them stays.
DO $$
DECLARE
    v_check record;
BEGIN
    FOR v_check IN
        -- As the server prints it: one that is the same stays.
        SELECT w.relation, w.name, w.relation || '_' || w.name || '_check' AS rule,
               format('CHECK ((%s = ANY (ARRAY[%s])))',
                      CASE WHEN c.before ->> 'type' = 'text' THEN quote_ident(w.name) ELSE format('(%I)::text', w.name) END,
                      (SELECT string_agg(word || '::text', ', ') FROM unnest(string_to_array(w.words, ', ')) word)) AS definition
        FROM (VALUES
            ('broker_connections', 'broker_type', '''OANDA'', ''MT5_AGENT'', ''METAAPI'''),
            ('ea_versions', 'status', '''draft'', ''compiling'', ''compiled'', ''failed'''),
            ('ea_artifacts', 'artifact_type', '''ex4'', ''ex5'', ''log'', ''config'', ''source'''),
            ('ea_deployments', 'status', '''pending'', ''deploying'', ''running'', ''stopped'', ''failed'''),
            ('trading_accounts', 'connection_status', '''connected'', ''disconnected'', ''error'''),
            ('workflow_executions', 'status', '''pending'', ''running'', ''completed'', ''failed'', ''cancelled'''),
            ('trades', 'type', '''buy'', ''sell''')
        ) w (relation, name, words)
        JOIN public.installation_before c ON c.relation = w.relation AND c.kind = 'column' AND c.name = w.name
        WHERE w.relation <> 'trading_accounts'
           OR NOT EXISTS (SELECT FROM public.installation_before b
                          WHERE b.relation = w.relation AND b.kind = 'constraint'
                            AND b.before ->> 'definition' LIKE 'CHECK %' AND b.before -> 'columns' = jsonb_build_array(w.name))
    LOOP
        IF v_check.relation = 'trades' THEN
            CALL public.installation_rule(v_check.relation, v_check.name, v_check.rule, v_check.definition);
        ELSE
            CALL public.installation_small_rule(v_check.relation, v_check.name, v_check.rule, v_check.definition);
        END IF;
    END LOOP;

    -- A part goes with what it is a part of.
    FOR v_check IN
        SELECT w.relation, w.name, w.relation || '_' || w.name || '_fkey' AS rule,
               format('FOREIGN KEY (%s) REFERENCES %s', w.name, w.target) AS definition
        FROM (VALUES
            ('ea_versions', 'ea_project_id', 'ea_projects(id) ON DELETE CASCADE'),
            ('ea_artifacts', 'ea_version_id', 'ea_versions(id) ON DELETE CASCADE'),
            ('ea_deployments', 'ea_version_id', 'ea_versions(id) ON DELETE CASCADE'),
            ('ea_deployments', 'mt5_agent_id', 'mt5_agents(id) ON DELETE CASCADE'),
            ('user_exchange_connections', 'user_id', 'user_profiles(id) ON DELETE CASCADE'),
            ('workflow_steps', 'execution_id', 'workflow_executions(id) ON DELETE CASCADE'),
            ('workflow_steps', 'job_id', 'jobs(id) ON DELETE SET NULL'),
            ('trades', 'account_id', 'trading_accounts(id) ON DELETE CASCADE')
        ) w (relation, name, target)
        JOIN public.installation_before c ON c.relation = w.relation AND c.kind = 'column' AND c.name = w.name
    LOOP
        IF v_check.relation = 'trades' THEN
            CALL public.installation_rule(v_check.relation, v_check.name, v_check.rule, v_check.definition);
        ELSE
            CALL public.installation_small_rule(v_check.relation, v_check.name, v_check.rule, v_check.definition);
        END IF;
    END LOOP;
END $$;

-- A user is a row of auth.users, and whatever is theirs goes with it. The rows of jobs and trades are looked at later,
-- without a lock (20251102010000_old_rows.sql).
DO $$
DECLARE
    v_table record;
    v_wanted text;
    v_name text;
BEGIN
    FOR v_table IN
        SELECT t.name, t.name IN ('jobs', 'trades') AS is_large,
               CASE t.name WHEN 'user_profiles' THEN 'id' ELSE 'user_id' END AS key
        FROM unnest(ARRAY['user_profiles', 'broker_connections', 'mt5_agents', 'ea_projects', 'trading_accounts',
                          'workflow_executions', 'trades', 'jobs']) WITH ORDINALITY t (name, place)
        WHERE public.installation_had(t.name, 'table') ORDER BY t.place
    LOOP
        v_wanted := format('FOREIGN KEY (%s) REFERENCES auth.users(id) ON DELETE CASCADE', v_table.key);
        v_name := format('%s_%s_fkey', v_table.name, v_table.key);
        CALL public.installation_rule(v_table.name, v_table.key, v_name, v_wanted);
        IF NOT v_table.is_large THEN
            EXECUTE format('ALTER TABLE public.%I VALIDATE CONSTRAINT %I', v_table.name, v_name);
        END IF;
    END LOOP;
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
