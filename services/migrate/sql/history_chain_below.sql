-- The chain of the newest row below version $1; no row: there is none below it.
SELECT chain
FROM public.tradewire_migrations
WHERE version < $1
ORDER BY version DESC
LIMIT 1
