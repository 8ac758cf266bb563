-- $1 job, $2 executed or not_executed, $3 price, $4 ticket, $5 lots, $6 who, $7 why → verdict
SELECT $1::uuid AS job_id,
       job_resolve($1::uuid, $2, $3::numeric, $4, $5::numeric, $6, $7) AS verdict
