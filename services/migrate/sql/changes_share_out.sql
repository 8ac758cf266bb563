-- What differs, $1 as a JSON object, by the version that changed it last.
--   version  bigint; 0: no version made it;  share  jsonb, that part of $1
SELECT coalesce(h.version, 0) AS version, jsonb_object_agg(f.key, f.value) AS share
FROM jsonb_each($1::jsonb) f
CROSS JOIN LATERAL (SELECT max(version) AS version FROM public.tradewire_migrations WHERE changes ? f.key) h
GROUP BY h.version
