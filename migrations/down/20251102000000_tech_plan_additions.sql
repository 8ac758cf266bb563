-- Takes the first document's objects back. Rows of types and in states that the old checks do not know stay; the
-- checks are then NOT VALID, and a warning says so.
DROP FUNCTION public.claim_next_job(uuid);
DO $$
DECLARE
    v_function record;
    v_right record;
BEGIN
    FOR v_function IN SELECT b.before ->> 'definition' AS definition, b.before ->> 'owner' AS owner,
                             b.before ->> 'comment' AS comment, b.before -> 'acl' AS acl
                      FROM public.installation_before b
                      WHERE b.relation = 'claim_next_job(uuid)' AND b.kind = 'function' LOOP
        EXECUTE v_function.definition;
        EXECUTE format('COMMENT ON FUNCTION public.claim_next_job(uuid) IS %L', v_function.comment);
        REVOKE ALL ON FUNCTION public.claim_next_job(uuid) FROM PUBLIC, anon, authenticated, service_role;
        FOR v_right IN SELECT r ->> 'grantee' AS grantee, (r ->> 'option')::boolean AS option
                       FROM jsonb_array_elements(v_function.acl) r LOOP
            EXECUTE format('GRANT EXECUTE ON FUNCTION public.claim_next_job(uuid) TO %s%s', v_right.grantee,
                           CASE WHEN v_right.option THEN ' WITH GRANT OPTION' ELSE '' END);
        END LOOP;
        IF v_function.owner <> current_user THEN
            EXECUTE format('ALTER FUNCTION public.claim_next_job(uuid) OWNER TO %I', v_function.owner);
        END IF;
    END LOOP;
    DELETE FROM public.installation_before b WHERE b.relation = 'claim_next_job(uuid)' AND b.kind = 'function';
END $$;

DROP TRIGGER jobs_upgrade ON public.jobs;
DROP FUNCTION public.jobs_upgrade();
-- The older queue's word for a job that somebody works on, unless it knows ours.
DO $$
BEGIN
    IF NOT public.installation_takes('jobs', 'status', 'claimed') THEN
        UPDATE public.jobs SET status = 'running' WHERE status = 'claimed';
    END IF;
    IF public.installation_had('jobs', 'table') THEN
        CALL public.installation_restore_constraints('jobs', 'job_type');
        CALL public.installation_restore_constraints('jobs', 'status');
        CALL public.installation_restore_constraints('jobs', 'agent_id');
    ELSE
        ALTER TABLE public.jobs DROP CONSTRAINT jobs_job_type_check, DROP CONSTRAINT jobs_status_check;
        CALL public.installation_add_constraint('jobs', 'jobs_job_type_check',
            'CHECK (job_type::text IN (''compile'', ''deploy'', ''run'', ''stop'', ''test''))');
        CALL public.installation_add_constraint('jobs', 'jobs_status_check',
            'CHECK (status::text IN (''pending'', ''running'', ''completed'', ''failed'', ''cancelled''))');
    END IF;
    CALL public.installation_drop_columns('jobs', 'agent_id', 'claimed_at');
END $$;

DO $$
DECLARE
    v_name text;
BEGIN
    FOREACH v_name IN ARRAY ARRAY['tv_signals', 'tv_strategies'] LOOP
        IF NOT public.installation_had(v_name, 'table') THEN
            EXECUTE format('DROP TABLE public.%I', v_name);
            CONTINUE;
        END IF;
        EXECUTE format('DROP POLICY %I ON public.%I', v_name || '_own', v_name);
        CALL public.installation_restore_policies(v_name);
        IF (SELECT NOT (b.before ->> 'rls')::boolean FROM public.installation_before b
            WHERE b.relation = v_name AND b.kind = 'table') THEN
            EXECUTE format('ALTER TABLE public.%I DISABLE ROW LEVEL SECURITY', v_name);
        END IF;
        EXECUTE format('COMMENT ON TABLE public.%I IS %L', v_name,
            (SELECT b.before ->> 'comment' FROM public.installation_before b
             WHERE b.relation = v_name AND b.kind = 'table'));
    END LOOP;
    IF public.installation_had('tv_strategies', 'table') THEN
        CALL public.installation_restore_constraints('tv_strategies', 'webhook_secret');
        CALL public.installation_restore_constraints('tv_strategies', 'user_id');
        CALL public.installation_drop_columns('tv_strategies', 'id', 'user_id', 'name', 'broker_connection_id',
            'webhook_secret', 'risk_override_pct', 'allowed_pairs', 'is_enabled', 'created_at', 'updated_at');
        CALL public.installation_drop_indexes('tv_strategies', 'tv_strategies_user_idx',
                                              'tv_strategies_broker_connection_idx');
    END IF;
    IF public.installation_had('tv_signals', 'table') THEN
        CALL public.installation_restore_constraints('tv_signals', 'status');
        CALL public.installation_restore_constraints('tv_signals', 'user_id');
        CALL public.installation_restore_constraints('tv_signals', 'strategy_id');
        CALL public.installation_drop_columns('tv_signals', 'id', 'user_id', 'strategy_id', 'status', 'symbol', 'action',
            'volume', 'fill_price', 'broker_order_id', 'error_message', 'raw_payload', 'created_at', 'resolved_at');
    END IF;

    IF public.installation_had('ea_projects', 'column', 'current_version_id') THEN
        CALL public.installation_restore_constraints('ea_projects', 'current_version_id');
        UPDATE public.ea_projects p SET current_version_id = (r.before ->> 'current_version_id')::uuid
        FROM public.installation_rows r
        WHERE r.version = 20251102000000 AND r.relation = 'ea_projects' AND r.row_id = p.id
          AND p.current_version_id IS NULL;
        DELETE FROM public.installation_rows r WHERE r.version = 20251102000000 AND r.relation = 'ea_projects';
    END IF;
    CALL public.installation_drop_columns('ea_projects', 'current_version_id');
    CALL public.installation_drop_indexes('ea_projects', 'ea_projects_current_version_idx');
    CALL public.installation_drop_columns('mt5_agents', 'pairing_key_hash', 'pairing_key_prefix');
    CALL public.installation_drop_indexes('mt5_agents', 'mt5_agents_pairing_key_prefix_idx');
END $$;
