-- Of the file of version $1, $2 statements are done.
UPDATE public.tradewire_migrations SET statements_done = $2 WHERE version = $1
