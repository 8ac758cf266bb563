-- Takes account sync back: its columns, index, views, the log and the leases. What the installation had before stays.
-- Accounts of status active become connected where the older check does not know that word.

REVOKE ALL ON public.trading_accounts, public.trades FROM tradewire_sync, tradewire_dispatcher, tradewire_operator;
DROP POLICY sync ON public.trading_accounts;
DROP POLICY sync ON public.trades;
DROP POLICY dispatcher ON public.trading_accounts;
DROP POLICY dispatcher ON public.trades;
DROP POLICY operator ON public.trading_accounts;
DROP POLICY operator ON public.trades;

DROP VIEW public.recent_sync_failures, public.account_sync_health;
DROP TABLE public.sync_leases;

DO $$
BEGIN
    CALL public.installation_give_back('sync_logs');
    IF NOT public.installation_had('sync_logs', 'table') THEN
        DROP TABLE public.sync_logs;
    END IF;

    ALTER TABLE public.trading_accounts DROP CONSTRAINT trading_accounts_connection_status_check;
    IF NOT public.installation_takes('trading_accounts', 'connection_status', 'active') THEN
        UPDATE public.trading_accounts SET connection_status = 'connected' WHERE connection_status = 'active';
    END IF;
    UPDATE public.trading_accounts a SET connection_status = r.before ->> 'connection_status'
    FROM public.installation_rows r
    WHERE r.version = 20251113000000 AND r.relation = 'trading_accounts' AND a.id = r.row_id
      AND r.before ? 'connection_status' AND a.connection_status = 'disconnected';
    CALL public.installation_restore_constraints('trading_accounts', 'connection_status');
    -- Where an installation had none of its own, the base's or the file's after it.
    IF NOT EXISTS (SELECT FROM pg_constraint n JOIN pg_attribute a ON a.attrelid = n.conrelid AND n.conkey = ARRAY[a.attnum]
                   WHERE n.conrelid = 'public.trading_accounts'::regclass AND n.contype = 'c'
                     AND a.attname = 'connection_status') THEN
        CALL public.installation_add_constraint('trading_accounts', 'trading_accounts_connection_status_check',
            'CHECK (connection_status IN (''connected'', ''disconnected'', ''error''))');
    END IF;
    COMMENT ON COLUMN public.trading_accounts.connection_status IS 'How the last attempt went.';
    CALL public.installation_drop_indexes('trading_accounts', 'idx_trading_accounts_sync_status');
END $$;

CALL public.installation_restore_constraints('trading_accounts', 'broker_connection_id');
CALL public.installation_restore_constraints('trading_accounts', 'broker_connection_id', 'user_id');
CALL public.installation_restore_columns('trading_accounts', 'sync_failure_count', 'broker_server_time_offset');
UPDATE public.trading_accounts a
SET sync_failure_count = CASE WHEN r.before ? 'sync_failure_count' THEN nullif(a.sync_failure_count, 0)
                              ELSE a.sync_failure_count END,
    broker_server_time_offset = CASE WHEN r.before ? 'broker_server_time_offset' THEN nullif(a.broker_server_time_offset, 0)
                                     ELSE a.broker_server_time_offset END
FROM public.installation_rows r
WHERE r.version = 20251113000000 AND r.relation = 'trading_accounts' AND a.id = r.row_id;
DELETE FROM public.installation_rows WHERE version = 20251113000000;
CALL public.installation_drop_columns('trading_accounts', 'mt5_service_account_id', 'last_connection_error',
    'last_successful_sync_at', 'sync_failure_count', 'broker_server_time_offset', 'broker_connection_id');
DROP PROCEDURE public.installation_take_over, public.installation_give_back, public.installation_restore_columns;
