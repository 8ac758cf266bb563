-- $1 user or NULL, $2 status or NULL, $3 limit: newest first
SELECT s.id AS signal_id, s.created_at, s.status, s.symbol, s.action, s.volume, s.fill_price,
       s.broker_order_id, s.error_message
FROM tv_signals s
WHERE ($1::uuid IS NULL OR s.user_id = $1::uuid)
  AND ($2::text IS NULL OR s.status = $2)
ORDER BY s.created_at DESC
LIMIT $3::bigint
