-- What all applied versions but $1 changed, folded: the newest word on each object, in the order of keys. A row that
-- is still running holds something else in that column.
--   key    text; NULL: of some version it is not known what it changed
--   value  text, a digest, '=' before it where it was kept; NULL: dropped
SELECT DISTINCT ON (c.key COLLATE "C") c.key, c.value
FROM public.tradewire_migrations h
LEFT JOIN LATERAL jsonb_each_text(h.changes) c ON true
WHERE h.version <> $1 AND h.state = 'applied' AND (h.changes IS NULL OR c.key IS NOT NULL)
ORDER BY c.key COLLATE "C", h.version DESC
