-- Write a batch's signals, jobs and legs in order.
-- $1 … $20: one array each, the same length
--   1 signal  2 user  3 strategy  4 status  5 symbol  6 action  7 volume  8 error  9 raw payload (JSON text)
--   10 received  11 durable  12 job  13 job type  14 agent  15 connection  16 expires  17 input (JSON text)  18 is entry
--   19 W3C trace  20 when the strategy's rate is full again
-- → jobs int: how many jobs were made
SELECT write_signals($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::text[],
                     $9::text[], $10::timestamptz[], $11::timestamptz[], $12::uuid[], $13::text[], $14::uuid[],
                     $15::uuid[], $16::timestamptz[], $17::text[], $18::boolean[], $19::text[],
                     $20::timestamptz[])
