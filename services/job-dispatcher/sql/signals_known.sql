-- Which of these signals are rows already: their records are replays, or the same alert once more.
-- $1 uuid[]  signals
-- → id uuid, received_us bigint (µs UTC, 0 = not known)
SELECT id, coalesce((extract(epoch FROM received_at) * 1000000)::bigint, 0)
  FROM tv_signals
 WHERE id = ANY ($1::uuid[])
