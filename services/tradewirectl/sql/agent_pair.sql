-- $1 user, $2 name, $3 hex SHA-256 of the pairing key, $4 its first 8 characters
SELECT agent_pair($1::uuid, $2, $3, $4) AS agent_id
