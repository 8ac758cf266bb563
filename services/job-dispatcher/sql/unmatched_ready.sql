-- The next kept results; those whose job exists now with their payload.
-- $1 bigint  after this id  $2 int  at most so many
-- → id bigint, in its order; payload bytea, NULL: no such job yet
SELECT id, payload FROM unmatched_ready($1::bigint, $2::int) ORDER BY id
