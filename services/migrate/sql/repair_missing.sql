-- `repair`: the row before version $1 takes over its changes; an interrupted file's row has none to give.
UPDATE public.tradewire_migrations h
SET changes = CASE g.state WHEN 'applied' THEN h.changes || g.changes ELSE h.changes END,
    note = concat_ws('; ', h.note, format('repair %s: took over %s_%s, whose file is gone',
                                          date_trunc('second', now()), g.version, g.name))
FROM public.tradewire_migrations g
WHERE g.version = $1 AND h.version = (SELECT max(version) FROM public.tradewire_migrations WHERE version < $1)
