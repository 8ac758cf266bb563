-- Gives tables back to who owned them, and the schema's rights as they were. The roles themselves stay: they are the
-- whole cluster's, and another database may use them.
-- migrate:ignore writes-platform-schema rights that the up file gave on a stand-in
DO $$
DECLARE
    v_relation record;
    v_name text;
BEGIN
    FOR v_relation IN
        SELECT t.name, coalesce(b.before ->> 'owner', current_user) AS owner,
               coalesce((b.before ->> 'rls')::boolean, true) AS rls
        FROM unnest(ARRAY['jobs', 'trades', 'tv_signals', 'tv_strategies', 'workflow_steps', 'workflow_executions',
                 'user_exchange_connections', 'trading_accounts', 'ea_deployments', 'ea_artifacts', 'ea_versions',
                 'ea_projects', 'mt5_agents', 'broker_connections', 'user_profiles']) WITH ORDINALITY t (name, place)
        LEFT JOIN public.installation_before b ON b.relation = t.name AND b.kind = 'table'
        ORDER BY t.place
    LOOP
        -- The two of the first document were given row level security by that document's own file.
        IF NOT v_relation.rls AND v_relation.name NOT IN ('tv_strategies', 'tv_signals') THEN
            EXECUTE format('ALTER TABLE public.%I DISABLE ROW LEVEL SECURITY', v_relation.name);
        END IF;
        EXECUTE format('ALTER TABLE public.%I OWNER TO %I', v_relation.name, v_relation.owner);
    END LOOP;
    ALTER TABLE public.installation_before OWNER TO CURRENT_USER;
    ALTER TABLE public.installation_rows OWNER TO CURRENT_USER;
    IF public.installation_had('user_profiles', 'renamed') THEN
        EXECUTE format('ALTER VIEW public.profiles OWNER TO %I', current_user);
    END IF;

    ALTER FUNCTION public.claim_next_job(uuid) OWNER TO CURRENT_USER;
    ALTER FUNCTION public.jobs_upgrade() OWNER TO CURRENT_USER;
    ALTER FUNCTION public.installation_had OWNER TO CURRENT_USER;
    ALTER FUNCTION public.installation_definition OWNER TO CURRENT_USER;
    ALTER PROCEDURE public.installation_remember OWNER TO CURRENT_USER;
    ALTER PROCEDURE public.installation_drop_columns OWNER TO CURRENT_USER;
    ALTER PROCEDURE public.installation_drop_indexes OWNER TO CURRENT_USER;
    ALTER PROCEDURE public.installation_restore_constraints OWNER TO CURRENT_USER;
    ALTER PROCEDURE public.installation_restore_options OWNER TO CURRENT_USER;
    ALTER PROCEDURE public.installation_validate OWNER TO CURRENT_USER;
    ALTER PROCEDURE public.installation_unvalidate OWNER TO CURRENT_USER;
    ALTER PROCEDURE public.installation_tell OWNER TO CURRENT_USER;
    ALTER PROCEDURE public.installation_add_constraint OWNER TO CURRENT_USER;
    ALTER PROCEDURE public.installation_set_not_null OWNER TO CURRENT_USER;
    ALTER PROCEDURE public.installation_restore_index OWNER TO CURRENT_USER;
    ALTER PROCEDURE public.installation_drop_policies OWNER TO CURRENT_USER;
    ALTER PROCEDURE public.installation_restore_policies OWNER TO CURRENT_USER;

    IF public.installation_had('auth.users', 'acl', 'tradewire_owner') THEN
        REVOKE SELECT, INSERT, REFERENCES ON auth.users FROM tradewire_owner;
        REVOKE USAGE ON SCHEMA auth FROM tradewire_owner;
        DELETE FROM public.installation_before b WHERE b.relation = 'auth.users' AND b.kind = 'acl';
    END IF;

    FOR v_name IN SELECT b.name FROM public.installation_before b WHERE b.relation = 'auth' AND b.kind = 'acl' LOOP
        EXECUTE format('REVOKE USAGE ON SCHEMA auth FROM %I', v_name);
    END LOOP;
    DELETE FROM public.installation_before b WHERE b.relation = 'auth' AND b.kind = 'acl';

    FOREACH v_name IN ARRAY ARRAY['anon', 'authenticated', 'service_role', 'tradewire_ingester', 'tradewire_dispatcher',
        'tradewire_gateway', 'tradewire_sync', 'tradewire_operator', 'tradewire_owner']
    LOOP
        IF NOT EXISTS (SELECT FROM public.installation_before b WHERE b.relation = 'public' AND b.kind = 'acl'
                       AND b.before -> 'usage' ? v_name) THEN
            EXECUTE format('REVOKE USAGE ON SCHEMA public FROM %I', v_name);
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM public.installation_before b WHERE b.relation = 'public' AND b.kind = 'acl'
               AND b.before -> 'create' ? 'PUBLIC') THEN
        GRANT CREATE ON SCHEMA public TO PUBLIC;
    END IF;
    IF NOT EXISTS (SELECT FROM public.installation_before b WHERE b.relation = 'public' AND b.kind = 'acl'
                   AND b.before -> 'create' ? 'tradewire_owner') THEN
        REVOKE CREATE ON SCHEMA public FROM tradewire_owner;
    END IF;
    DELETE FROM public.installation_before b WHERE b.relation = 'public' AND b.kind = 'acl';
END $$;

ALTER DEFAULT PRIVILEGES FOR ROLE tradewire_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
