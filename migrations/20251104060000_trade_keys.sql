-- migrate:contract
-- The key of a trade is its account and position: another account's trade may have the same ticket. The index is built
-- and the column known to be filled, so this only changes the catalog.
SET ROLE tradewire_owner;

LOCK TABLE trades IN ACCESS EXCLUSIVE MODE;
-- migrate:ignore adding-not-nullable-field trades_position_check is validated: the table is not read
ALTER TABLE trades ALTER COLUMN position_id SET NOT NULL;
-- `plan` leaves the file out that builds the index; there the key builds its own.
-- migrate:ignore disallowed-unique-constraint the index is there but in a plan
DO $$
BEGIN
    IF to_regclass('public.trades_account_position_key') IS NOT NULL THEN
        ALTER TABLE trades ADD CONSTRAINT trades_account_position_key UNIQUE USING INDEX trades_account_position_key;
    ELSE
        ALTER TABLE trades ADD CONSTRAINT trades_account_position_key UNIQUE (account_id, position_id);
    END IF;
END $$;
COMMENT ON CONSTRAINT trades_account_position_key ON trades IS 'A repeated or overlapping sync, or a repeated deal ticket, finds the row that is there.';
ALTER TABLE trades DROP CONSTRAINT trades_position_check;
DROP TRIGGER trades_position_old ON trades;
DO $$
DECLARE
    v_key record;
BEGIN
    FOR v_key IN
        SELECT n.conname AS constraint_name, c.relname AS index_name
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = 'ticket'
        LEFT JOIN pg_constraint n ON n.conindid = i.indexrelid AND n.conrelid = i.indrelid
        WHERE i.indrelid = 'trades'::regclass AND i.indisunique AND i.indkey::text = a.attnum::text
    LOOP
        EXECUTE coalesce(format('ALTER TABLE trades DROP CONSTRAINT %I', v_key.constraint_name),
                         format('DROP INDEX public.%I', v_key.index_name));
    END LOOP;
END $$;

RESET ROLE;
