-- $1 email → the user's id, also when the user is already there
SELECT user_add($1) AS user_id
