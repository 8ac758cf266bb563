-- `plan`, before its transaction: every relation that is there, with the planner's guess of its rows. One row:
--   relations  text, a JSON object {"<oid>": <rows>}; -1 where nobody has counted yet
SELECT coalesce(json_object_agg(c.oid, c.reltuples::bigint), '{}')::text AS relations
FROM pg_catalog.pg_class c
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND c.relpersistence <> 't'
