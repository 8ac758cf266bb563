-- Delete kept results that are older than 7 days.
-- $1 int  look at so many, the oldest
-- → bigint  how many were deleted
SELECT unmatched_forget($1::int)
