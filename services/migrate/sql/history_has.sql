-- Is version $1 there with checksum $2, from run $3? NULL: from whatever run. A row, or none.
SELECT 1
FROM public.tradewire_migrations
WHERE version = $1 AND checksum = $2 AND run_id = coalesce($3, run_id)
