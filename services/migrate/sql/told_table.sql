-- The table of oid $1, if it is there still, under whatever name.
SELECT oid FROM pg_class WHERE oid = $1
