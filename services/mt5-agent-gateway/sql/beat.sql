-- This gateway lives. $1 its id, $2 its name
SELECT gateway_beat($1::uuid, $2)
