-- Is there a history table? One boolean.
SELECT to_regclass('public.tradewire_migrations') IS NOT NULL
