-- Sessions that are no longer in force: the agent said hello elsewhere, was revoked, or is gone.
-- $1 agents, $2 their sessions, arrays of one length
SELECT u.agent_id, u.session_no
FROM unnest($1::uuid[], $2::bigint[]) AS u (agent_id, session_no)
LEFT JOIN mt5_agents a ON a.id = u.agent_id AND a.session_no = u.session_no AND a.session_ended_at IS NULL
                      AND a.revoked_at IS NULL
WHERE a.id IS NULL
