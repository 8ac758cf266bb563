-- The positions of a group in a topic.
-- $1 text  group, with the prefix
-- $2 text  topic, with the prefix
-- → partition int, next_offset bigint
SELECT partition, next_offset
  FROM consumer_offsets
 WHERE group_id = $1
   AND topic = $2
