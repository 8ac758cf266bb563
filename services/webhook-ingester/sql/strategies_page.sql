-- One page of all strategies, in the order of their ids. The secret itself stays in the database.
-- $1 uuid: the last id of the page before
-- id, user_id, hex SHA-256 of the secret, updated_at in µs since 1970. Rows per page: PAGE_ROWS in store.c.
SELECT id::text,
       user_id::text,
       encode(sha256(convert_to(webhook_secret, 'UTF8')), 'hex'),
       (extract(epoch FROM updated_at) * 1000000)::bigint
  FROM tv_strategies
 WHERE id > $1::uuid
 ORDER BY id
 LIMIT 1000
