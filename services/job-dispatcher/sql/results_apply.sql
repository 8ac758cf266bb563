-- Apply results; no job twice in one call. The arrays have the same length.
--   1 job  2 agent  3 epoch  4 outcome  5 error  6 output (JSON text)  7 fill price  8 filled volume  9 order id
--   10 ready at  11 timeline (JSON text)  12 raw record
-- → ord int (from 1), verdict text, user_id uuid, status text, signal_id uuid, agent_id uuid, traceparent text
SELECT ord, verdict, user_id, status, signal_id, agent_id, traceparent
  FROM apply_results($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                     $9::text[], $10::timestamptz[], $11::text[], $12::bytea[])
