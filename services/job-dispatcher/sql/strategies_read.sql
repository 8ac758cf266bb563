-- What a plan needs of these strategies: settings, and the connection and agent that they mean. A strategy that names
-- a connection means that one, also when it is switched off; only one that names none means the user's only active one.
-- Settings go out as text: what a CHECK let through an older version may not stop a batch.
-- $1 uuid[]  strategies
-- → id, user_id uuid, name text, is_enabled bool, allowed_pairs text (one per line; NULL = all), max_age_s,
--   close_max_age_s, stop_kind, max_volume text, magic_tag int, names_connection bool, active_connections bigint,
--   connection_id uuid, agent_id uuid, rate_per_min, burst text,
--   rate_full_us bigint (µs UTC when the strategy's bucket of entries is full again; 0 = it is)
SELECT s.id, s.user_id, s.name, s.is_enabled, array_to_string(s.allowed_pairs, E'\n'),
       s.settings ->> 'max_age_s', s.settings ->> 'close_max_age_s', s.settings ->> 'stop_kind',
       s.settings ->> 'max_volume', s.magic_tag, s.broker_connection_id IS NOT NULL, c.count, c.id, a.id,
       s.settings ->> 'rate_per_min', s.settings ->> 'burst',
       coalesce((extract(epoch FROM r.full_at) * 1000000)::bigint, 0)
  FROM tv_strategies s
  LEFT JOIN strategy_rates r ON r.strategy_id = s.id
 CROSS JOIN LATERAL (
       SELECT count(*) AS count, (array_agg(b.id))[1] AS id
         FROM broker_connections b
        WHERE b.user_id = s.user_id
          AND b.is_active
          AND (s.broker_connection_id IS NULL OR b.id = s.broker_connection_id)) AS c
  LEFT JOIN mt5_agents a
    ON a.broker_connection_id = c.id AND a.user_id = s.user_id AND a.revoked_at IS NULL AND c.count = 1
 WHERE s.id = ANY ($1::uuid[])
