-- `repair`: what version $1 changed: $2 as the files make it, and over it $3 and $4 as they were found. JSON objects.
UPDATE public.tradewire_migrations
SET changes = $2::jsonb || $3::jsonb || $4::jsonb,
    note = concat_ws('; ', note, format('repair %s: changes taken from the files, %s objects as they were found',
                                        date_trunc('second', now()),
                                        (SELECT count(*) FROM jsonb_object_keys($3::jsonb || $4::jsonb))))
WHERE version = $1
