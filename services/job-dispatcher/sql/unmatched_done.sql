-- These unmatched results were applied.
-- $1 bigint[]  ids
SELECT unmatched_done($1::bigint[])
