-- migrate:contract
-- Trades are known by account and position: every row has a position, and the account's user. Rows of an older
-- installation get theirs in the next file; from here on no new row is without. The table may be large: nothing here
-- reads it.
SET ROLE tradewire_owner;

CREATE FUNCTION trades_position() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.position_id := NEW.ticket;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION trades_position IS 'A trade without a position takes its ticket.';

LOCK TABLE trades IN ACCESS EXCLUSIVE MODE;
CREATE TRIGGER trades_position BEFORE INSERT ON trades FOR EACH ROW WHEN (NEW.position_id IS NULL)
    EXECUTE FUNCTION trades_position();
COMMENT ON TRIGGER trades_position ON trades IS 'For whoever writes a trade without its position.';
CREATE TRIGGER trades_position_old BEFORE UPDATE ON trades FOR EACH ROW WHEN (NEW.position_id IS NULL)
    EXECUTE FUNCTION trades_position();
COMMENT ON TRIGGER trades_position_old ON trades IS 'Until the old rows have a position; 20251104060000_trade_keys.sql takes it away.';
-- migrate:ignore disallowed-unique-constraint a handful of rows per user
ALTER TABLE trading_accounts ADD CONSTRAINT trading_accounts_id_user_key UNIQUE (id, user_id);
COMMENT ON CONSTRAINT trading_accounts_id_user_key ON trading_accounts IS 'Lets foreign keys demand that the account is the same user''s.';
ALTER TABLE trades
    ADD CONSTRAINT trades_position_check CHECK (position_id IS NOT NULL) NOT VALID,
    ADD CONSTRAINT trades_account_user_fkey FOREIGN KEY (account_id, user_id) REFERENCES trading_accounts (id, user_id)
        ON DELETE CASCADE NOT VALID;
-- migrate:ignore constraint-missing-not-valid only where the table is empty
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM trades) THEN
        ALTER TABLE trades VALIDATE CONSTRAINT trades_position_check, VALIDATE CONSTRAINT trades_account_user_fkey;
    END IF;
END $$;
COMMENT ON CONSTRAINT trades_account_user_fkey ON trades IS 'A trade is made on an account of its own user.';
COMMENT ON CONSTRAINT trades_position_check ON trades IS 'Lets the column become NOT NULL without reading the table under a lock.';
COMMENT ON COLUMN trades.position_id IS 'The broker''s number of the position; the ticket where an older installation had none. Negative: a further row of one position in an older installation, under minus its ticket.';

RESET ROLE;
