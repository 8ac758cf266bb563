-- Old trades have a position.

-- Indexes: what they cover.
SELECT 'index ' || w.name AS object, w.expected,
       (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ON (ONLY )?(public\.)?', '\1')
                || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
         FROM pg_index i WHERE i.indexrelid = to_regclass(format('public.%I', w.name))) AS found
FROM (VALUES
    ('trades_account_position_key', 'UNIQUE trades USING btree (account_id, position_id)')
) w (name, expected);

SELECT 'trades without a position' AS object, '0' AS expected,
       (SELECT count(*)::text FROM public.trades t WHERE t.position_id IS NULL) AS found;
