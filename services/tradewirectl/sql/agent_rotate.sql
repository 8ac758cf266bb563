-- $1 agent, $2 hex SHA-256 of the new pairing key, $3 its first 8 characters
SELECT $1::uuid AS agent_id, agent_rotate($1::uuid, $2, $3) IS NULL AS rotated
