-- Trades without a position are possible again.
ALTER TABLE public.trades DROP CONSTRAINT trades_position_check, DROP CONSTRAINT trades_account_user_fkey;
ALTER TABLE public.trading_accounts DROP CONSTRAINT trading_accounts_id_user_key;
DROP TRIGGER trades_position_old ON public.trades;
DROP TRIGGER trades_position ON public.trades;
DROP FUNCTION public.trades_position();
COMMENT ON COLUMN public.trades.position_id IS 'The broker''s number of the position.';
