-- `repair`: the chain of version $1 is $2 from now on.
UPDATE public.tradewire_migrations
SET chain = $2, note = concat_ws('; ', note, format('repair %s: chain was %s', date_trunc('second', now()), chain))
WHERE version = $1
