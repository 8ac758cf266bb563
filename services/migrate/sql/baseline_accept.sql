-- `baseline`: what was found other than the files make it, $2, counts as made by version $1.
UPDATE public.tradewire_migrations SET changes = changes || $2::jsonb WHERE version = $1
