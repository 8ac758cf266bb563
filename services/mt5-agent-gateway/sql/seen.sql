-- Agents that are here. $1 agents, $2 their sessions, arrays of one length
SELECT sessions_seen($1::uuid[], $2::bigint[])
