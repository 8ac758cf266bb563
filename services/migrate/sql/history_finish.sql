-- The no-transaction file of version $1 has reached its end after $2 ms and changed $3; NULL: what the row says stays.
UPDATE public.tradewire_migrations
SET state = 'applied', applied_at = now(), duration_ms = $2, changes = coalesce($3, changes)
WHERE version = $1
