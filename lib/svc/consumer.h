/* Kafka consumers on a loop.
 *
 * svc_consumer: a group member whose positions live in Postgres (table consumer_offsets). On
 * assignment the positions are read there; a partition without a row starts at the topic's
 * beginning, and the row is made then. The batch's own transaction moves them with
 * svc_offsets_advance(): a position that is not where it was read means that someone else owns the
 * partition (code `position_moved`): svc_consumer_rejoin(). What is committed to Kafka serves lag
 * metrics only. A position outside the topic's range stops the program with a clear message (code
 * `position_out_of_range`). session.timeout 6 s, heartbeat 1.5 s, eager assignment, static
 * membership from CONSUMER_INSTANCE. Re-created after a fatal error; a second process with the same
 * CONSUMER_INSTANCE stops the older one (`instance_fenced`; right after an outage it joins again
 * once first). A topic that does not exist yet is
 * waited for.
 *
 * svc_tail: all partitions of a topic from the end, no group, for hints that may be lost. */
#pragma once

#include "svc/kafka.h"
#include "svc/loop.h"
#include "svc/pg.h"

struct svc_record {    /* borrowed from its batch */
    const char *topic; /* without the prefix */
    int32_t partition;
    int64_t offset;
    int64_t append_unix_us;    /* the broker's append time (ms resolution), 0 when unknown */
    const void *key, *payload; /* payload NULL: a tombstone */
    size_t key_len, payload_len;
    const rd_kafka_message_t *message; /* NULL: made by hand, and without headers */
};

/* The last value of a header, borrowed from the record; NULL when absent. */
const void *svc_record_header(const struct svc_record *record, const char *name, size_t *ret_len);

struct svc_batch {
    struct svc_record *records; /* in Kafka's order within each partition */
    size_t count;
};

struct svc_consumer;

/* The three statements that positions need; put these files' texts in your own statement table by
 * copying nothing: call with the index you gave them. */
struct svc_offset_statements {
    int load, begin, advance; /* indexes into the svc_pg's statement table */
};

struct svc_consumer_options {
    struct svc_cfg_kafka kafka;
    const char *group; /* without the prefix: "job-dispatcher.signals" */
    const char *topic; /* without the prefix: "signals.v1" */
    struct svc_pg *pg; /* the role's sequential connection; borrowed */
    struct svc_offset_statements offsets;
    void (*on_records)(void *arg); /* something can be taken; called in the CONSUMER phase */
    void *arg;
    uint32_t queue_max; /* records prefetched, at least 20000 (see consumer_group.c), and at most 16
                           MiB */
};

enum svc_rc svc_consumer_open(struct svc_loop *loop, const struct svc_consumer_options *options,
                              struct svc_consumer **ret_consumer, struct svc_error *err) SVC_CHECK;
/* Leaves the group; blocks at most a few seconds. Last in drain. */
void svc_consumer_close(struct svc_consumer **consumer);

/* Take what is there, at most `max` records; count 0 when nothing waits. The batch is valid until
 * svc_consumer_done or svc_consumer_undo, and only one is out at a time. */
void svc_consumer_take(struct svc_consumer *consumer, size_t max, struct svc_batch *ret_batch);
/* Queue the statement that moves the positions past records[0..count) (call inside the transaction,
 * first). Then, at its place among the results, svc_offsets_check(): SVC_REJECT code position_moved
 * when somebody else moved them. The statement itself fails then, so a COMMIT queued behind it in
 * the same pipeline is skipped: a batch may be one round trip. */
enum svc_rc svc_offsets_advance(struct svc_consumer *consumer, const struct svc_record *records,
                                size_t count, struct svc_error *err) SVC_CHECK;
enum svc_rc svc_offsets_check(struct svc_consumer *consumer, struct svc_error *err) SVC_CHECK;
/* The transaction that advanced past records[0..count) committed: remember the new positions (so
 * that the next advance expects them) and tell Kafka for its lag metric. */
void svc_consumer_advanced(struct svc_consumer *consumer, const struct svc_record *records,
                           size_t count);
/* The whole batch is done: free it. */
void svc_consumer_done(struct svc_consumer *consumer, struct svc_batch *batch);
/* Postgres cannot be reached: drop the batch, stop fetching but stay in the group, and after
 * wait_ms (at least 100; use svc_retry when it repeats) read the positions again, each second until
 * that succeeds, and fetch from there. Nothing is lost and nothing is skipped, also when it is
 * unknown whether the batch committed. */
void svc_consumer_undo(struct svc_consumer *consumer, struct svc_batch *batch, uint32_t wait_ms);
/* Somebody else owns a partition, or the handle is broken: drop the batch, leave and join again. */
void svc_consumer_rejoin(struct svc_consumer *consumer, struct svc_batch *batch);
void svc_consumer_pause(struct svc_consumer *consumer); /* drain: take no more */
bool svc_consumer_assigned(
    const struct svc_consumer *consumer); /* has joined (maybe with 0 partitions) */

struct svc_tail;
struct svc_tail_options {
    struct svc_cfg_kafka kafka;
    const char *topic;
    void (*on_record)(void *arg, const struct svc_record *record);
    void *arg;
};
/* Does not wait for the broker: the topic's partitions are looked up, and looked up again, in the
 * background (a hint lost meanwhile costs one poll). */
enum svc_rc svc_tail_open(struct svc_loop *loop, const struct svc_tail_options *options,
                          struct svc_tail **ret_tail, struct svc_error *err) SVC_CHECK;
void svc_tail_close(struct svc_tail **tail);
