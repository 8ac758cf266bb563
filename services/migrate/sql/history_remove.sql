-- The row of version $1 goes.
DELETE FROM public.tradewire_migrations WHERE version = $1
