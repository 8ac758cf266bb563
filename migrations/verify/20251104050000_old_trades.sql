-- Old trades have a position.

-- Indexes: what they cover.
SELECT 'index ' || w.name AS object, w.expected,
       (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ON (ONLY )?(public\.)?', '\1')
                || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
         FROM pg_index i WHERE i.indexrelid = to_regclass(format('public.%I', w.name))) AS found
FROM (VALUES
    ('trades_account_position_key', 'UNIQUE trades USING btree (account_id, position_id)'),
    ('trades_user_idx', 'trades USING btree (user_id)')
) w (name, expected);

SELECT 'trades without a position' AS object, '0' AS expected,
       (SELECT count(*)::text FROM public.trades t WHERE t.position_id IS NULL) AS found
UNION ALL
SELECT 'trades on another user''s account', '0',
       (SELECT count(*)::text FROM public.trades t JOIN public.trading_accounts a ON a.id = t.account_id
        WHERE a.user_id <> t.user_id);
