-- Agents for which something became claimable in the last $1 seconds.
SELECT ready_agents($1::int)
