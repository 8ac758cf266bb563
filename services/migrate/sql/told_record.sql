-- What version $1's down file left otherwise than the other rows say: object $2 has digest $3 now; NULL: it is not there.
-- The newest row that changed the object gets that word, and so do the rows after it that only kept it. A row forgets an object
-- that is not there and that it kept, or that none before it knows: its own down file need not make it.
WITH named AS (
    SELECT h.version, coalesce(h.changes ->> $2 LIKE '=%', FALSE) AS is_kept
    FROM public.tradewire_migrations h WHERE h.version <> $1 AND h.state = 'applied' AND h.changes ? $2
), maker AS (
    SELECT coalesce(max(n.version), 0) AS version FROM named n WHERE NOT n.is_kept
)
UPDATE public.tradewire_migrations h
SET changes = CASE WHEN $3::text IS NULL AND (n.is_kept OR NOT EXISTS (SELECT FROM named o WHERE o.version < m.version))
                   THEN h.changes - $2::text
                   ELSE h.changes || jsonb_build_object($2::text, CASE WHEN n.is_kept THEN '=' ELSE '' END || $3) END,
    note = concat_ws('; ', h.note, format('down %s: rows made since keep %s from being as it was', $1, $2))
FROM named n CROSS JOIN maker m
WHERE n.version >= m.version AND h.version = n.version
