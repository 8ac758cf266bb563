-- Which schema is this? The newest migration, and the newest that took something away.
SELECT coalesce(max(version), 0), coalesce(max(version) FILTER (WHERE is_contract), 0)
FROM public.tradewire_migrations
WHERE state = 'applied'
