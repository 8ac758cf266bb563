-- Make the positions of partitions that were never read. One that somebody else made meanwhile stays.
-- $1 text     group, with the prefix
-- $2 text     topic, with the prefix
-- $3 int[]    partitions
-- $4 bigint[] their first offsets
INSERT INTO consumer_offsets (group_id, topic, partition, next_offset, updated_at)
SELECT $1, $2, m.partition, m.next_offset, now()
  FROM unnest($3::int[], $4::bigint[]) AS m (partition, next_offset)
    ON CONFLICT (group_id, topic, partition) DO NOTHING
