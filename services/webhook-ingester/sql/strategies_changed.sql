-- The strategies changed last. Looks back 10 s behind the newest row seen, because a transaction's updated_at
-- is older than its commit; what a longer transaction changed comes with the next full load.
-- $1 bigint: updated_at of the newest row seen, µs since 1970
-- Columns as in strategies_page.sql.
SELECT id::text,
       user_id::text,
       encode(sha256(convert_to(webhook_secret, 'UTF8')), 'hex'),
       (extract(epoch FROM updated_at) * 1000000)::bigint
  FROM tv_strategies
 WHERE updated_at >= timestamptz 'epoch' + ($1::bigint - 10000000) * interval '1 microsecond'
 ORDER BY updated_at DESC
 LIMIT 1000
