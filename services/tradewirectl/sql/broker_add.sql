-- $1 user, $2 agent, $3 name: a connection that is served by this agent
SELECT broker_add($1::uuid, $2::uuid, $3) AS broker_connection_id
