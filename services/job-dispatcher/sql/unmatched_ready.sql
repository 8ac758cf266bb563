-- Results that came before their job and whose job exists now, oldest first.
-- $1 int  at most so many
-- → id bigint, payload bytea
SELECT id, payload FROM unmatched_ready($1::int) ORDER BY id
