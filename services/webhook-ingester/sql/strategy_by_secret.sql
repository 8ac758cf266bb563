-- Whose secret is this? Uses the unique index on webhook_secret.
-- $1 text: the secret
-- Columns as in strategies_page.sql; no row when nobody has it.
SELECT id::text,
       user_id::text,
       encode(sha256(convert_to(webhook_secret, 'UTF8')), 'hex'),
       (extract(epoch FROM updated_at) * 1000000)::bigint
  FROM tv_strategies
 WHERE webhook_secret = $1
