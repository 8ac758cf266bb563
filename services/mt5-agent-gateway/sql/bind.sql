-- A terminal came after the hello: bind the connection where it is unbound.
-- $1 agent, $2 session, $3 server, $4 login, $5 currency, $6 margin mode, $7 real money
SELECT agent_bind_account($1::uuid, $2::bigint, $3, $4, $5, $6, $7::bool)
