-- The ticket alone is the key again, where all tickets still differ.
ALTER TABLE public.trades DROP CONSTRAINT trades_account_position_key;
CREATE UNIQUE INDEX trades_account_position_key ON public.trades (account_id, position_id);
ALTER TABLE public.trades ADD CONSTRAINT trades_position_check CHECK (position_id IS NOT NULL);
COMMENT ON CONSTRAINT trades_position_check ON public.trades IS 'Lets the column become NOT NULL without reading the table under a lock.';
ALTER TABLE public.trades ALTER COLUMN position_id DROP NOT NULL;
CREATE TRIGGER trades_position_old BEFORE UPDATE ON public.trades FOR EACH ROW WHEN (NEW.position_id IS NULL)
    EXECUTE FUNCTION public.trades_position();
COMMENT ON TRIGGER trades_position_old ON public.trades IS 'Until the old rows have a position; 20251104060000_trade_keys.sql takes it away.';
DO $$
DECLARE
    v_index record;
BEGIN
    IF NOT public.installation_had('trades', 'table') THEN
        CALL public.installation_add_constraint('trades', 'trades_ticket_key', 'UNIQUE (ticket)');
        RETURN;
    END IF;
    CALL public.installation_restore_constraints('trades', 'ticket');
    FOR v_index IN
        SELECT b.name, b.before ->> 'definition' AS definition FROM public.installation_before b
        WHERE b.relation = 'trades' AND b.kind = 'index' AND b.before ->> 'definition' LIKE 'CREATE UNIQUE INDEX %(ticket)'
          AND to_regclass(format('public.%I', b.name)) IS NULL
    LOOP
        CALL public.installation_restore_index('trades', v_index.name, v_index.definition);
    END LOOP;
END $$;
