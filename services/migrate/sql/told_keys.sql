-- Which keys of the catalog may differ because a down file said that a rule or column is not quite as it was: a
-- constraint that is NOT VALID or not there, an index that is not there, with their comments; a column.
--   $1 schema, $2 table, $3 name of the rule or column, $4 rule or column
-- One row per key; relation: the table's oid.
WITH told AS (
    SELECT to_regclass(format('%I.%I', $1::text, $2::text)) AS relation, format('%I.%I.%I', $1, $2, $3::text) AS part,
           format('%I.%I', $1, $3) AS index, $3 AS name
)
SELECT 'column ' || t.part AS key, t.relation::oid AS relation FROM told t WHERE $4 = 'column'
UNION ALL
SELECT 'constraint ' || t.part, t.relation::oid FROM told t
WHERE $4 = 'rule' AND NOT EXISTS (SELECT FROM pg_constraint n
                                  WHERE n.conrelid = t.relation AND n.conname = t.name AND n.convalidated)
UNION ALL
SELECT 'comment constraint ' || t.part, t.relation::oid FROM told t
WHERE $4 = 'rule' AND NOT EXISTS (SELECT FROM pg_constraint n WHERE n.conrelid = t.relation AND n.conname = t.name)
UNION ALL
SELECT k.word || t.index, t.relation::oid FROM told t CROSS JOIN (VALUES ('index '), ('comment index ')) k (word)
WHERE $4 = 'rule' AND to_regclass(t.index) IS NULL
