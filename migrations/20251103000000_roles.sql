-- One role per program, and one that owns everything and that nobody logs in as. Roles get no password here:
-- the deployment says ALTER ROLE … LOGIN PASSWORD. Their rights are in 20251109000000_rights.sql.
--
-- Roles belong to the whole cluster, so other databases may be migrated at the same moment: whatever fails
-- because somebody else just did it is looked at again.

DO $$
DECLARE
    v_role record;
    v_setting text;
BEGIN
    FOR v_role IN
        SELECT * FROM (VALUES
            -- Timeouts live here and never in a connection string: a pooler would drop them. The dispatcher's
            -- batches are the longest transactions; the gateway and the ingester answer somebody who waits.
            ('tradewire_owner',      ARRAY[]::text[]),
            ('tradewire_ingester',   ARRAY['statement_timeout=2s',  'lock_timeout=1s', 'idle_in_transaction_session_timeout=5s']),
            ('tradewire_dispatcher', ARRAY['statement_timeout=20s', 'lock_timeout=5s', 'idle_in_transaction_session_timeout=10s']),
            ('tradewire_gateway',    ARRAY['statement_timeout=5s',  'lock_timeout=2s', 'idle_in_transaction_session_timeout=5s']),
            ('tradewire_sync',       ARRAY['statement_timeout=20s', 'lock_timeout=5s', 'idle_in_transaction_session_timeout=10s']),
            ('tradewire_operator',   ARRAY['statement_timeout=30s', 'lock_timeout=5s', 'idle_in_transaction_session_timeout=60s'])
        ) AS r (name, settings)
    LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = v_role.name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', v_role.name);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        FOREACH v_setting IN ARRAY v_role.settings LOOP
            FOR v_try IN 1 .. 20 LOOP
                EXIT WHEN EXISTS (
                    SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
                    WHERE r.rolname = v_role.name AND s.setdatabase = 0 AND v_setting = ANY (s.setconfig));
                BEGIN
                    EXECUTE format('ALTER ROLE %I SET %I = %L', v_role.name,
                                   split_part(v_setting, '=', 1), split_part(v_setting, '=', 2));
                EXCEPTION WHEN internal_error OR unique_violation THEN
                    NULL; -- "tuple concurrently updated"
                END;
            END LOOP;
        END LOOP;
    END LOOP;
END $$;

-- Who migrates must be a member of the owner to give it objects and to act as it below. From Postgres 16 on being a
-- role's maker is a membership of another kind, which neither inherits nor lets act.
DO $$
DECLARE
    v_is_member boolean;
BEGIN
    FOR v_try IN 1 .. 20 LOOP
        EXECUTE CASE WHEN current_setting('server_version_num')::int >= 160000
                     THEN 'SELECT pg_has_role(current_user, ''tradewire_owner'', ''USAGE'')
                              AND pg_has_role(current_user, ''tradewire_owner'', ''SET'')'
                     ELSE 'SELECT pg_has_role(current_user, ''tradewire_owner'', ''USAGE'')' END
        INTO v_is_member;
        EXIT WHEN v_is_member;
        BEGIN
            GRANT tradewire_owner TO CURRENT_USER;
        EXCEPTION WHEN internal_error OR unique_violation THEN
            NULL;
        END;
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE insufficient_privilege USING
        MESSAGE = format('%s may not become a member of tradewire_owner, which another role made in this cluster', current_user),
        HINT = format('as that role or as a superuser: GRANT tradewire_owner TO %I', current_user);
END $$;

-- What the schema's rights were: the rollback gives exactly these back.
INSERT INTO public.installation_before (relation, kind, name, before)
SELECT 'public', 'acl', 'schema', jsonb_build_object('usage', jsonb_agg(g.name) FILTER (WHERE g.privilege_type = 'USAGE'),
                                                     'create', jsonb_agg(g.name) FILTER (WHERE g.privilege_type = 'CREATE'))
FROM (SELECT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(e.grantee) END AS name, e.privilege_type
      FROM pg_namespace n CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) e
      WHERE n.nspname = 'public') g;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role, tradewire_ingester, tradewire_dispatcher,
    tradewire_gateway, tradewire_sync, tradewire_operator;
GRANT USAGE, CREATE ON SCHEMA public TO tradewire_owner;

-- A new function may be called by everybody unless that is taken away: here it never is given.
ALTER DEFAULT PRIVILEGES FOR ROLE tradewire_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Operator functions look at users. On Supabase users are made by its own service, the schema is another's, and the
-- grant may not be ours to give: there the foreign keys decide who is a user.
-- migrate:ignore writes-platform-schema only where the migrating role owns that schema: a stand-in
DO $$
DECLARE
    v_name text;
BEGIN
    IF pg_has_role(current_user, (SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                                  WHERE n.nspname = 'auth' AND c.relname = 'users'), 'USAGE') THEN
        -- Policies ask auth.uid() as the user; a schema made by hand may not be open to the API's roles.
        FOREACH v_name IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
            IF NOT has_schema_privilege(v_name, 'auth', 'USAGE') THEN
                EXECUTE format('GRANT USAGE ON SCHEMA auth TO %I', v_name);
                INSERT INTO public.installation_before VALUES ('auth', 'acl', v_name, '{}');
            END IF;
        END LOOP;
        GRANT USAGE ON SCHEMA auth TO tradewire_owner;
        GRANT SELECT, INSERT, REFERENCES ON auth.users TO tradewire_owner;
        INSERT INTO public.installation_before VALUES ('auth.users', 'acl', 'tradewire_owner', '{}');
    END IF;
END $$;

-- Jobs and trades first: who writes one goes on to look at the tables that it refers to.
LOCK TABLE public.jobs, public.trades IN ACCESS EXCLUSIVE MODE;
DO $$
DECLARE
    v_name text;
BEGIN
    FOREACH v_name IN ARRAY ARRAY['installation_before', 'installation_rows', 'user_profiles', 'broker_connections',
        'mt5_agents', 'ea_projects', 'ea_versions', 'ea_artifacts', 'ea_deployments', 'trading_accounts',
        'user_exchange_connections', 'workflow_executions', 'workflow_steps', 'tv_strategies', 'tv_signals', 'trades',
        'jobs']
    LOOP
        EXECUTE format('ALTER TABLE public.%I OWNER TO tradewire_owner', v_name);
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', v_name);
    END LOOP;
    IF public.installation_had('user_profiles', 'renamed') THEN
        ALTER VIEW public.profiles OWNER TO tradewire_owner;
    END IF;
END $$;
ALTER FUNCTION public.claim_next_job(uuid) OWNER TO tradewire_owner;
ALTER FUNCTION public.jobs_upgrade() OWNER TO tradewire_owner;
ALTER FUNCTION public.installation_had OWNER TO tradewire_owner;
ALTER FUNCTION public.installation_definition OWNER TO tradewire_owner;
ALTER PROCEDURE public.installation_remember OWNER TO tradewire_owner;
ALTER PROCEDURE public.installation_drop_columns OWNER TO tradewire_owner;
ALTER PROCEDURE public.installation_drop_indexes OWNER TO tradewire_owner;
ALTER PROCEDURE public.installation_restore_constraints OWNER TO tradewire_owner;
ALTER PROCEDURE public.installation_restore_options OWNER TO tradewire_owner;
ALTER PROCEDURE public.installation_validate OWNER TO tradewire_owner;
ALTER PROCEDURE public.installation_unvalidate OWNER TO tradewire_owner;
ALTER PROCEDURE public.installation_tell OWNER TO tradewire_owner;
ALTER PROCEDURE public.installation_add_constraint OWNER TO tradewire_owner;
ALTER PROCEDURE public.installation_set_not_null OWNER TO tradewire_owner;
ALTER PROCEDURE public.installation_restore_index OWNER TO tradewire_owner;
ALTER PROCEDURE public.installation_drop_policies OWNER TO tradewire_owner;
ALTER PROCEDURE public.installation_restore_policies OWNER TO tradewire_owner;
