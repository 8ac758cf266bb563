-- migrate:no-transaction
-- migrate:contract
-- Trades of an older installation: each gets a position and belongs to its account's user, and the index that will be
-- their key is built beside them. There the ticket alone was unique. Safe to repeat from the start; writers wait for
-- one batch's rows at most.

DO $$
DECLARE
    v_had_positions boolean := public.installation_had('trades', 'column', 'position_id');
    v_from uuid := '00000000-0000-0000-0000-000000000000';
    v_to uuid;
BEGIN
    IF EXISTS (SELECT FROM pg_constraint n WHERE n.conrelid = 'public.trades'::regclass
               AND n.conname = 'trades_position_check' AND n.convalidated) THEN
        RETURN;
    END IF;
    LOOP
        v_to := (SELECT t.id FROM public.trades t WHERE t.id >= v_from ORDER BY t.id OFFSET 2000 LIMIT 1);
        WITH old AS MATERIALIZED (
            SELECT t.id, t.position_id, t.user_id, coalesce(a.user_id, t.user_id) AS owner
            FROM public.trades t LEFT JOIN public.trading_accounts a ON a.id = t.account_id
            WHERE t.id >= v_from AND (v_to IS NULL OR t.id < v_to) AND (t.position_id IS NULL OR a.user_id <> t.user_id)
            ORDER BY t.id FOR NO KEY UPDATE OF t
        ), kept AS (
            -- Where the column is new there is nothing to give back: the rollback drops it.
            INSERT INTO public.installation_rows (version, relation, row_id, before)
            SELECT 20251104050000, 'trades', o.id,
                   CASE WHEN v_had_positions AND o.position_id IS NULL THEN '{"position_id": null}'::jsonb ELSE '{}' END
                   || CASE WHEN o.owner <> o.user_id THEN jsonb_build_object('user_id', o.user_id) ELSE '{}' END
            FROM old o WHERE (v_had_positions AND o.position_id IS NULL) OR o.owner <> o.user_id
            ON CONFLICT (version, relation, row_id) DO UPDATE SET before = excluded.before || installation_rows.before
        )
        UPDATE public.trades t SET position_id = coalesce(t.position_id, t.ticket), user_id = o.owner
        FROM old o WHERE t.id = o.id;
        COMMIT;
        EXIT WHEN v_to IS NULL;
        v_from := v_to;
    END LOOP;
END $$;

-- Several rows of one position: the one of its opening order keeps the number, the others go under minus their
-- ticket, with all that is in them; the number that they had is written down.
DO $$
DECLARE
    v_count bigint;
BEGIN
    LOOP
        WITH doubled AS MATERIALIZED (
            SELECT d.id, d.position_id, d.place
            FROM (SELECT t.id, t.position_id, count(*) OVER w AS copies,
                         row_number() OVER (w ORDER BY t.ticket <> t.position_id, t.ticket, t.id) AS place
                  FROM public.trades t WINDOW w AS (PARTITION BY t.account_id, t.position_id)) d
            WHERE d.copies > 1 AND d.place > 1
        ), kept AS (
            INSERT INTO public.installation_rows (version, relation, row_id, before)
            SELECT 20251104050000, 'trades', d.id, jsonb_build_object('position_id', d.position_id) FROM doubled d
            ON CONFLICT (version, relation, row_id) DO UPDATE SET before = excluded.before || installation_rows.before
        )
        UPDATE public.trades t
        SET position_id = CASE WHEN t.position_id > 0 THEN -t.ticket
                               ELSE (SELECT least(min(m.position_id), -1) FROM public.trades m) - d.place END
        FROM doubled d WHERE t.id = d.id;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        COMMIT;
        EXIT WHEN v_count = 0;
    END LOOP;
END $$;

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS trades_account_position_key ON public.trades (account_id, position_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS trades_user_idx ON public.trades (user_id);
DO $$
BEGIN
    COMMENT ON INDEX public.trades_user_idx IS 'A user''s trades; deleting a user.';
END $$;
CALL public.installation_validate(20251104050000, 'trades');
