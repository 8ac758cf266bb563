-- The same alert came again: add one to each signal's counter, for each mention.
-- $1 uuid[]  signals
SELECT count_duplicates($1::uuid[])
