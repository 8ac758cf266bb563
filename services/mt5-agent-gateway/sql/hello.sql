-- An agent says hello. code NULL: welcome.
-- $1 agent, $2 hex SHA-256 of the pairing key, $3 CURVE key, $4 journal, $5 journal's last number, $6 this gateway,
-- $7 server (NULL: no terminal), $8 login, $9 currency, $10 margin mode, $11 real money
SELECT code, message, user_id, session_no
FROM agent_hello($1::uuid, $2, $3::bytea, $4::uuid, $5::bigint, $6::uuid, $7, $8, $9, $10, $11::bool)
