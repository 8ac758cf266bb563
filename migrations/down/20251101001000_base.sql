-- Drops what the base made. A table that the installation had loses only the columns that the base added, and gets its
-- old name and comments back. Roles stay: they are the whole cluster's.
-- migrate:ignore writes-platform-schema stand-ins that the base made
DO $$
DECLARE
    v_table record;
    v_column record;
BEGIN
    IF public.installation_had('user_profiles', 'renamed') THEN
        DROP VIEW public.profiles;
    END IF;
    FOR v_table IN
        SELECT * FROM (VALUES
            ('workflow_steps', 'job_type,input_data,required_models,job_id,status,created_at,updated_at'),
            ('workflow_executions', 'name,status,current_step,input_data,output_data,error_message,started_at,completed_at,created_at,updated_at'),
            ('jobs', 'job_type,status,entity_type,entity_id,input_data,output_data,error_message,started_at,completed_at,created_at,updated_at'),
            ('trades', 'position_id,symbol,type,volume,open_price,close_price,open_time,close_time,profit,swap,commission,net_profit,pips,magic,comment,created_at,updated_at'),
            ('user_exchange_connections', 'exchange,label,encrypted_config,secret_ref,last_synced_at,created_at,updated_at'),
            ('trading_accounts', 'platform,broker_name,server,login_number,account_name,currency,balance,equity,margin,free_margin,margin_level,is_active,connection_status,last_sync_at,created_at,updated_at'),
            ('ea_deployments', 'status,deployed_at,stopped_at,runtime_config,error_message,created_at,updated_at'),
            ('ea_artifacts', 'artifact_type,storage_path,file_size,checksum,created_at,updated_at'),
            ('ea_versions', 'source_code,config,status,compilation_error,created_at,updated_at'),
            ('ea_projects', 'name,description,default_settings,created_at,updated_at'),
            ('mt5_agents', 'broker_connection_id,agent_name,terminal_server,login,password_encrypted,is_connected,last_heartbeat,created_at,updated_at'),
            ('broker_connections', 'broker_type,name,credentials,is_active,created_at,updated_at'),
            ('user_profiles', 'email,role,risk_percent,risk_max_percent,day_start,created_at,updated_at')
        ) t (name, columns)
    LOOP
        IF NOT public.installation_had(v_table.name, 'table') THEN
            EXECUTE format('DROP TABLE public.%I', v_table.name);
            CONTINUE;
        END IF;
        CALL public.installation_drop_columns(v_table.name, VARIADIC string_to_array(v_table.columns, ','));
        FOR v_column IN SELECT b.name, b.before ->> 'comment' AS comment FROM public.installation_before b
                        WHERE b.relation = v_table.name AND b.kind = 'column' LOOP
            EXECUTE format('COMMENT ON COLUMN public.%I.%I IS %L', v_table.name, v_column.name, v_column.comment);
        END LOOP;
        EXECUTE format('COMMENT ON TABLE public.%I IS %L', v_table.name,
            (SELECT b.before ->> 'comment' FROM public.installation_before b
             WHERE b.relation = v_table.name AND b.kind = 'table'));
    END LOOP;
    FOR v_table IN
        SELECT * FROM (VALUES
            ('workflow_steps', 'workflow_steps_job_idx'),
            ('ea_projects', 'ea_projects_user_idx'),
            ('ea_artifacts', 'ea_artifacts_version_idx'),
            ('ea_deployments', 'ea_deployments_version_idx,ea_deployments_agent_idx'),
            ('trading_accounts', 'trading_accounts_user_idx'),
            ('user_exchange_connections', 'user_exchange_connections_user_idx')
        ) t (name, indexes)
        WHERE public.installation_had(t.name, 'table')
    LOOP
        CALL public.installation_drop_indexes(v_table.name, VARIADIC string_to_array(v_table.indexes, ','));
    END LOOP;

    FOR v_column IN SELECT b.relation, b.name AS from_name, b.before ->> 'name' AS to_name
                    FROM public.installation_before b WHERE b.kind = 'renamed' LOOP
        EXECUTE CASE v_column.from_name
            WHEN '' THEN format('ALTER TABLE public.%I RENAME TO %I', v_column.relation, v_column.to_name)
            ELSE format('ALTER TABLE public.%I RENAME COLUMN %I TO %I', v_column.relation, v_column.from_name,
                        v_column.to_name) END;
    END LOOP;

    FOR v_column IN SELECT b.relation, b.before ->> 'name' AS name FROM public.installation_before b
                    WHERE b.kind = 'renamed_index' LOOP
        EXECUTE format('ALTER INDEX public.%I RENAME TO %I', v_column.name, v_column.relation);
    END LOOP;
    CALL public.installation_restore_views();

    IF public.installation_had('auth.users', 'made') THEN
        DROP TABLE auth.users;
    END IF;
    IF public.installation_had('auth.uid()', 'made') THEN
        DROP FUNCTION auth.uid();
    END IF;
    IF public.installation_had('auth', 'made') THEN
        DROP SCHEMA auth;
    END IF;
END $$;

-- Nothing is remembered any more: a later `up` looks anew.
DELETE FROM public.installation_rows;
DELETE FROM public.installation_before;
