/* Records of one topic, in batches, each in one transaction that also moves the positions.
 *
 *     take → unpack (garbage: to the dead letters) → transact → hints → advanced → done
 *
 * What can go wrong is decided here, the same for signals and results: Postgres away → undo, back
 * off, keep polling; refused → halve until the bad record is alone, then to the dead letters;
 * position moved → rejoin; fatal → end. A dead letter is durable before the position moves past its
 * record. */
#pragma once

#include "role.h"

struct consume;

struct consume_portion {
    const struct svc_record *records;
    void *const *messages; /* unpacked; NULL: a dead letter, the position just moves past it */
    size_t count;
    struct svc_consumer *consumer;
    struct svc_arena *arena; /* reset before every try */
};

struct consume_options {
    const char *group, *topic; /* without the prefix */
    enum svc_rc (*unpack)(struct svc_arena *arena, const struct svc_record *record,
                          void **ret_message, struct svc_error *err);
    /* One transaction over the portion: SVC_OK means committed. */
    enum svc_rc (*transact)(struct role *role, const struct consume_portion *portion,
                            struct svc_error *err);
    /* After it: hints, metrics, log. */
    void (*committed)(struct role *role, const struct consume_portion *portion);
    /* A record went to the dead letters; may be NULL. */
    void (*buried)(struct role *role);
};

enum svc_rc consume_open(struct role *role, const struct consume_options *options,
                         struct consume **ret_consume, struct svc_error *err) SVC_CHECK;
void consume_close(struct consume **consume); /* leaves the group */
void consume_pause(struct consume *consume);
bool consume_assigned(const struct consume *consume);
