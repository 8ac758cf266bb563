-- What version $1's row says that it changed, as it is now.
SELECT changes FROM public.tradewire_migrations WHERE version = $1
