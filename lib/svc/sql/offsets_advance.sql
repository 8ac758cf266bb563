-- Move positions past a batch, in the batch's own transaction. When one of them is not where it is expected,
-- somebody else owns that partition, and the statement fails (22012, division by zero) rather than say so in
-- a row: a COMMIT that is queued behind it in the same pipeline is then skipped, and nothing of the batch
-- stays.
-- $1 text     group, with the prefix
-- $2 text     topic, with the prefix
-- $3 int[]    partitions
-- $4 bigint[] expected: where each stood when it was read
-- $5 bigint[] next: where each stands after the batch
-- → moved int: 1
WITH moved AS (
    UPDATE consumer_offsets AS o
       SET next_offset = m.next_offset, updated_at = now()
      FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS m (partition, expected, next_offset)
     WHERE o.group_id = $1
       AND o.topic = $2
       AND o.partition = m.partition
       AND o.next_offset = m.expected
    RETURNING o.partition)
SELECT 1 / (count(*) = cardinality($3::int[]))::int AS moved
  FROM moved
