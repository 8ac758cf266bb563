-- $1 user, $2 name, $3 connection or NULL, $4 pairs as array or NULL, $5 risk percent or NULL, $6 settings
SELECT s.strategy_id, s.webhook_secret
FROM strategy_add($1::uuid, $2, $3::uuid, $4::text[], $5::numeric, $6::jsonb) s
