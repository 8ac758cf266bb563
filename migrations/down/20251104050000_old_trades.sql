-- Positions as the older installation had them.
DROP INDEX public.trades_account_position_key;
DO $$
BEGIN
    CALL public.installation_drop_indexes('trades', 'trades_user_idx');
    CALL public.installation_unvalidate(20251104050000, 'trades');
    IF EXISTS (SELECT FROM public.installation_rows r WHERE r.version = 20251104050000) THEN
        ALTER TABLE public.trades DROP CONSTRAINT trades_position_check, DROP CONSTRAINT trades_account_user_fkey,
            DISABLE TRIGGER trades_position_old;
        UPDATE public.trades t
        SET position_id = CASE WHEN r.before ? 'position_id' THEN (r.before ->> 'position_id')::bigint ELSE t.position_id END,
            user_id = coalesce((SELECT u.id FROM auth.users u WHERE u.id = (r.before ->> 'user_id')::uuid), t.user_id)
        FROM public.installation_rows r
        WHERE r.version = 20251104050000 AND r.relation = 'trades' AND r.row_id = t.id;
        DELETE FROM public.installation_rows r WHERE r.version = 20251104050000;
        ALTER TABLE public.trades ENABLE TRIGGER trades_position_old;
        ALTER TABLE public.trades
            ADD CONSTRAINT trades_position_check CHECK (position_id IS NOT NULL) NOT VALID,
            ADD CONSTRAINT trades_account_user_fkey
                FOREIGN KEY (account_id, user_id) REFERENCES public.trading_accounts (id, user_id)
                ON DELETE CASCADE NOT VALID;
        COMMENT ON CONSTRAINT trades_account_user_fkey ON public.trades IS 'A trade is made on an account of its own user.';
        COMMENT ON CONSTRAINT trades_position_check ON public.trades IS 'Lets the column become NOT NULL without reading the table under a lock.';
    END IF;
END $$;
