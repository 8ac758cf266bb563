-- Sessions that are over. $1 agents, $2 their sessions, arrays of one length
SELECT session_end($1::uuid[], $2::bigint[])
