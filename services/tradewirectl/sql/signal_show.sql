-- $1 signal: the signal with its job and the µs times of its way
SELECT s.id AS signal_id, s.user_id, s.strategy_id, s.status, s.symbol, s.action, s.volume,
       s.fill_price, s.broker_order_id, s.error_message, s.duplicates, s.created_at, s.resolved_at,
       j.id AS job_id, j.status AS job_status, j.target_agent_id AS agent_id, j.attempt,
       j.lease_epoch, coalesce(j.timeline, '{}') AS timeline, s.raw_payload
FROM tv_signals s
LEFT JOIN jobs j ON j.signal_id = s.id
WHERE s.id = $1::uuid
ORDER BY j.seq
LIMIT 1
