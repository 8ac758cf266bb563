-- Take the keys of those signals that are no rows yet, in order. The four arrays belong together.
-- $1 bytea[]       keys
-- $2 uuid[]        signals
-- $3 timestamptz[] when they were received
-- $4 interval[]    how long the key means the same alert; NULL = for ever
-- → place int (index into the arrays, from 1), holder uuid (the signal that has the key now)
WITH fresh AS MATERIALIZED (
    SELECT a.*, row_number() OVER (ORDER BY a.place) AS ord
      FROM unnest($1::bytea[], $2::uuid[], $3::timestamptz[], $4::interval[])
           WITH ORDINALITY AS a (key, signal, received, valid_for, place)
     WHERE NOT EXISTS (SELECT FROM tv_signals s WHERE s.id = a.signal)
), asked AS (
    SELECT array_agg(key ORDER BY ord) AS keys, array_agg(signal ORDER BY ord) AS signals,
           array_agg(received ORDER BY ord) AS received, array_agg(valid_for ORDER BY ord) AS windows
      FROM fresh
    HAVING count(*) > 0
)
SELECT f.place, t.holder
  FROM asked
 CROSS JOIN LATERAL take_signal_keys(asked.keys, asked.signals, asked.received, asked.windows) AS t
  JOIN fresh f ON f.ord = t.ord
