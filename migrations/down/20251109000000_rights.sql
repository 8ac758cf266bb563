-- Takes every right of the programs and of users back, and gives an older installation's rights and policies back.
SET ROLE tradewire_owner;
CREATE FUNCTION jobs_upgrade_ready() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.status = 'pending' THEN
        INSERT INTO job_ready (job_id, agent_id, user_id, lane, seq, expires_at)
        VALUES (NEW.id, NEW.target_agent_id, NEW.user_id, NEW.lane, NEW.seq, NEW.expires_at) ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM job_ready r WHERE r.job_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION jobs_upgrade_ready IS 'Keeps job_ready in step with an older backend''s updates while the installation is brought forward.';
CREATE TRIGGER jobs_upgrade_ready AFTER UPDATE OF status ON jobs FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND (OLD.status = 'pending' OR NEW.status = 'pending'))
    EXECUTE FUNCTION jobs_upgrade_ready();
COMMENT ON TRIGGER jobs_upgrade_ready ON jobs IS 'Until the older backend loses its rights.';
RESET ROLE;

DO $$
DECLARE
    v_object record;
    v_name text;
BEGIN
    FOR v_object IN
        SELECT p.polname AS name, p.polrelid::regclass AS relation
        FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relowner = 'tradewire_owner'::regrole
          AND p.polname NOT IN ('tv_strategies_own', 'tv_signals_own')
    LOOP
        EXECUTE format('DROP POLICY %I ON %s', v_object.name, v_object.relation);
    END LOOP;
    FOR v_object IN
        SELECT DISTINCT c.oid::regclass AS relation, CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS word,
               CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS grantee
        FROM pg_class c
        CROSS JOIN LATERAL (SELECT c.relacl AS acl UNION ALL
                            SELECT a.attacl FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped) x
        CROSS JOIN LATERAL aclexplode(x.acl) e
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
          AND c.relowner = 'tradewire_owner'::regrole AND e.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE ALL ON %s %s FROM %s', v_object.word, v_object.relation, v_object.grantee);
    END LOOP;
    FOR v_object IN
        SELECT p.oid::regprocedure AS function
        FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = 'tradewire_owner'::regrole
          AND p.prokind = 'f'
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM service_role, tradewire_ingester, tradewire_dispatcher, '
                       'tradewire_gateway, tradewire_sync, tradewire_operator', v_object.function);
    END LOOP;
    FOR v_object IN
        SELECT b.relation, g.entry ->> 'privilege' AS privilege,
               coalesce(quote_ident(g.entry ->> 'grantee'), 'PUBLIC') AS grantee,
               (g.entry ->> 'grantable')::boolean AS is_grantable, g.entry ->> 'column' AS part,
               CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS word
        FROM public.installation_before b CROSS JOIN LATERAL jsonb_array_elements(b.before -> 'grants') g (entry)
        JOIN pg_class c ON c.relnamespace = 'public'::regnamespace AND c.relname = b.relation
        WHERE b.kind = 'acl' AND b.name = ''
    LOOP
        EXECUTE format('GRANT %s%s ON %s public.%I TO %s%s', v_object.privilege, ' (' || quote_ident(v_object.part) || ')',
                       v_object.word, v_object.relation, v_object.grantee,
                       CASE WHEN v_object.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
    END LOOP;
    DELETE FROM public.installation_before b WHERE b.kind = 'acl' AND b.name = '';
    FOREACH v_name IN ARRAY ARRAY['user_profiles', 'broker_connections', 'mt5_agents', 'ea_projects', 'ea_versions',
        'ea_artifacts', 'ea_deployments', 'trading_accounts', 'user_exchange_connections', 'workflow_executions',
        'workflow_steps', 'trades', 'jobs']
    LOOP
        CALL public.installation_restore_policies(v_name);
    END LOOP;
END $$;
