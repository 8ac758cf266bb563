-- Takes sessions, bindings and gateways back; agents and connections stay.
DROP VIEW public.live_sessions;
DROP TABLE public.gateways;

ALTER TABLE public.mt5_agents DROP CONSTRAINT mt5_agents_broker_connection_fkey, DROP CONSTRAINT mt5_agents_id_user_key;
ALTER TABLE public.broker_connections DROP CONSTRAINT broker_connections_id_user_key;
DROP INDEX public.mt5_agents_connection_key;
DO $$
BEGIN
    CALL public.installation_drop_indexes('mt5_agents', 'mt5_agents_user_idx');
    CALL public.installation_drop_indexes('broker_connections', 'broker_connections_user_idx');
    UPDATE public.mt5_agents a SET broker_connection_id = (r.before ->> 'broker_connection_id')::uuid
    FROM public.installation_rows r
    WHERE r.version = 20251104000000 AND r.relation = 'mt5_agents' AND r.row_id = a.id
      AND a.broker_connection_id IS NULL
      AND EXISTS (SELECT FROM public.broker_connections c WHERE c.id = (r.before ->> 'broker_connection_id')::uuid);
    DELETE FROM public.installation_rows r WHERE r.version = 20251104000000;
    IF public.installation_had('mt5_agents', 'column', 'broker_connection_id') THEN
        CALL public.installation_restore_constraints('mt5_agents', 'broker_connection_id');
    ELSE
        ALTER TABLE public.mt5_agents ADD CONSTRAINT mt5_agents_broker_connection_id_fkey
            FOREIGN KEY (broker_connection_id) REFERENCES public.broker_connections ON DELETE SET NULL;
    END IF;

    -- An agent of ours never had a password; the older installation wants one of everybody.
    UPDATE public.mt5_agents SET password_encrypted = '' WHERE password_encrypted IS NULL
        AND (NOT public.installation_had('mt5_agents', 'column', 'password_encrypted')
             OR (SELECT (b.before ->> 'not_null')::boolean FROM public.installation_before b
                 WHERE b.relation = 'mt5_agents' AND b.kind = 'column' AND b.name = 'password_encrypted'));
    IF NOT EXISTS (SELECT FROM public.mt5_agents a WHERE a.password_encrypted IS NULL)
       AND coalesce((SELECT (b.before ->> 'not_null')::boolean FROM public.installation_before b
                     WHERE b.relation = 'mt5_agents' AND b.kind = 'column' AND b.name = 'password_encrypted'), true) THEN
        ALTER TABLE public.mt5_agents ALTER COLUMN password_encrypted SET NOT NULL;
    END IF;
    EXECUTE format('ALTER TABLE public.broker_connections ALTER COLUMN credentials %s', coalesce(
        (SELECT 'SET DEFAULT ' || (b.before ->> 'default') FROM public.installation_before b
         WHERE b.relation = 'broker_connections' AND b.kind = 'column' AND b.name = 'credentials'), 'DROP DEFAULT'));

    CALL public.installation_drop_columns('mt5_agents', 'curve_public_key', 'journal_id', 'journal_seq',
        'journal_bound_at', 'session_no', 'session_started_at', 'session_ended_at', 'gateway_id', 'capabilities',
        'revoked_at', 'trade_disabled_reason');
    CALL public.installation_restore_options('mt5_agents');
    CALL public.installation_drop_columns('broker_connections', 'symbol_prefix', 'symbol_suffix', 'symbol_map',
        'max_lots', 'max_leverage', 'server', 'login', 'currency', 'margin_mode', 'is_real');
END $$;
