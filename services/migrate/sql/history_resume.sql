-- The no-transaction file of version $1 goes on in run $2 with $3 statements; 0: it begins to be taken back.
-- `changes` of a file that never got to its end is not what it changed: nothing to keep.
UPDATE public.tradewire_migrations
SET state = 'running', run_id = $2, statements = $3,
    changes = CASE WHEN state = 'running' AND statements > 0 AND $3::bigint = 0 THEN NULL ELSE changes END,
    statements_done = least(statements_done, $3)
WHERE version = $1
