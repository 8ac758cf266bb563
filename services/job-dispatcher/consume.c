/* One batch at a time. */
#include "consume.h"

#include "contracts/dead_letter.h"
#include "halving.h"

#include "svc/cleanup.h"
#include "svc/clock.h"
#include "svc/retry.h"

#include <stdlib.h>
#include <string.h>

enum {
    PORTION_BYTES_MAX = 1024 * 1024, /* of payload per transaction; a larger record goes alone */
    ARENA_BLOCK_BYTES = 64 * 1024,
    QUEUE_MAX = 1000, /* records prefetched per partition */
    DEAD_LETTER_MS = 5000,
    COLLISIONS_MAX = 4, /* tries in a row; then as when Postgres is away */
    RETRY_BASE_MS = 250,
    RETRY_CAP_MS = 5000,
};

struct consume {
    struct role *role;
    struct consume_options options;
    struct svc_consumer *consumer;
    struct svc_arena messages, tries;
    struct svc_retry retry;
    bool letter_failed;
    struct svc_log_limit again_limit, dead_limit;
};

/* Dead letters */

static void on_letter(void *arg, enum svc_rc rc, const struct svc_error *err)
{
    struct consume *c = arg;
    (void)err; /* the producer logs it */
    if (rc != SVC_OK)
        c->letter_failed = true;
}

static enum svc_rc bury(struct consume *c, const struct svc_record *record, const char *code,
                        const char *text, struct svc_error *err)
{
    svc_warn_limited(&c->dead_limit, "record_buried", SVC_T("topic", record->topic),
                     SVC_N("partition", record->partition), SVC_N("offset", record->offset),
                     SVC_T("code", code), SVC_T("err", text));
    svc_counter_add(c->role->measures->dead_letters, 0, 1);
    if (c->options.buried != NULL)
        c->options.buried(c->role);
    return dead_letter_send(c->role->producer, record, "job-dispatcher", code, text, on_letter, c,
                            err);
}

/* Before the position moves past them. */
static enum svc_rc await_letters(struct consume *c, struct svc_error *err)
{
    const enum svc_rc rc = svc_producer_wait(c->role->producer, DEAD_LETTER_MS, err);
    if (rc != SVC_OK)
        return rc;
    if (c->letter_failed)
        return svc_fail(err, SVC_AGAIN, "dead_letter_lost", "a dead letter was not delivered");
    return SVC_OK;
}

/* A portion: as many records as one transaction takes */

static size_t portion_count(const struct svc_record *records, size_t count)
{
    size_t bytes = 0, taken = 0;
    while (taken < count) {
        bytes += records[taken].payload_len;
        if (taken > 0 && bytes > PORTION_BYTES_MAX)
            break;
        taken++;
    }
    return taken;
}

static enum svc_rc unpack(struct consume *c, const struct svc_record *records, void **messages,
                          size_t count, struct svc_error *err)
{
    bool any_dead = false;
    c->letter_failed = false;
    for (size_t i = 0; i < count; i++) {
        struct svc_error fault = {.rc = SVC_OK};
        messages[i] = NULL;
        if (c->options.unpack(&c->messages, &records[i], &messages[i], &fault) == SVC_OK)
            continue;
        messages[i] = NULL;
        any_dead = true;
        const enum svc_rc rc = bury(c, &records[i], fault.code, fault.text, err);
        if (rc != SVC_OK)
            return rc;
    }
    return any_dead ? await_letters(c, err) : SVC_OK;
}

static enum svc_rc bury_alone(struct consume *c, const struct svc_record *record, void **message,
                              struct svc_error *err)
{
    const struct svc_error cause = *err;
    c->letter_failed = false;
    const enum svc_rc rc = bury(c, record, refusal_code(&cause), cause.text, err);
    if (rc != SVC_OK)
        return rc;
    *message = NULL;
    return await_letters(c, err);
}

/* Two transactions met (serialization, deadlock): the other one is through by now. */
static bool is_collision(const struct svc_error *err)
{
    return strncmp(err->code, "40", 2) == 0;
}

static enum svc_rc transact(struct consume *c, const struct consume_portion *portion,
                            struct svc_error *err)
{
    const int64_t begin = svc_mono_us();
    enum svc_rc rc = SVC_AGAIN;
    for (int try = 0; try < COLLISIONS_MAX; try++) {
        svc_arena_reset(portion->arena);
        rc = c->options.transact(c->role, portion, err);
        if (rc != SVC_AGAIN || !is_collision(err))
            break;
        svc_debug("batch_collided", SVC_T("topic", c->options.topic), SVC_ERR(err));
    }
    if (rc != SVC_OK)
        return rc;
    svc_histogram_add_us(c->role->measures->transaction, svc_mono_us() - begin);
    svc_consumer_advanced(c->consumer, portion->records, portion->count);
    c->options.committed(c->role, portion);
    return SVC_OK;
}

static bool is_moved(const struct svc_error *err)
{
    return strcmp(err->code, "position_moved") == 0;
}

/* Settle records[0..count): all together if the database takes them, else in ever smaller parts. */
static enum svc_rc settle(struct consume *c, const struct svc_record *records, void **messages,
                          size_t count, struct svc_error *err)
{
    struct halving halving;
    unsigned tries = 0;
    halving_begin(&halving, count);
    for (size_t end = 0; halving_next(&halving, &end);) {
        const size_t at = halving.at;
        const struct consume_portion portion = {.records = records + at,
                                                .messages = messages + at,
                                                .count = end - at,
                                                .consumer = c->consumer,
                                                .arena = &c->tries};
        enum svc_rc rc = transact(c, &portion, err);
        if (rc == SVC_OK) {
            halving_passed(&halving, end);
            tries = 0;
            continue;
        }
        if (rc != SVC_REJECT || is_moved(err))
            return rc;
        svc_debug("batch_refused", SVC_N("records", end - at), SVC_ERR(err));
        const enum halving_step step = halving_refused(&halving, end, tries, err);
        tries = step == HALVING_AGAIN ? tries + 1 : 0;
        if (step == HALVING_BURY) {
            if (messages[at] == NULL) /* nothing of it is written: our own bug, not the record's */
                return svc_fail(err, SVC_FATAL, "position_refused", "a bare move was refused");
            rc = bury_alone(c, &records[at], &messages[at], err);
            if (rc != SVC_OK)
                return rc;
        }
    }
    return SVC_OK;
}

static enum svc_rc process(struct consume *c, const struct svc_batch *batch, struct svc_error *err)
{
    enum svc_rc rc = store_ready(c->role->store, err);
    for (size_t at = 0; at < batch->count && rc == SVC_OK;) {
        const size_t count = portion_count(batch->records + at, batch->count - at);
        svc_arena_reset(&c->messages);
        void **messages = svc_arena_alloc(&c->messages, count * sizeof *messages);
        rc = unpack(c, batch->records + at, messages, count, err);
        if (rc == SVC_OK)
            rc = settle(c, batch->records + at, messages, count, err);
        at += count;
    }
    return rc;
}

/* The batch cannot be finished now. Nothing is lost: it is read again from the committed position.
 */
static void give_up(struct consume *c, struct svc_batch *batch, enum svc_rc rc,
                    const struct svc_error *err)
{
    if (rc == SVC_REJECT) { /* only position_moved comes here */
        svc_warn("batch_moved", SVC_T("topic", c->options.topic), SVC_ERR(err));
        svc_counter_add(c->role->measures->rejoins, 0, 1);
        svc_consumer_rejoin(c->consumer, batch);
        return;
    }
    const size_t records = batch->count;
    const uint32_t wait_ms = svc_retry_next_ms(&c->retry);
    svc_consumer_undo(c->consumer, batch, wait_ms);
    if (rc == SVC_FATAL)
        role_fail(c->role, err);
    else
        svc_warn_limited(&c->again_limit, "batch_again", SVC_T("topic", c->options.topic),
                         SVC_N("records", records), SVC_N("wait_ms", wait_ms), SVC_ERR(err));
}

static void on_records(void *arg)
{
    struct consume *c = arg;
    struct svc_batch batch;
    struct svc_error err = {.rc = SVC_OK};
    svc_consumer_take(c->consumer, c->role->config->batch_max, &batch);
    if (batch.count == 0)
        return;
    const enum svc_rc rc = process(c, &batch, &err);
    if (rc == SVC_OK) {
        svc_retry_reset(&c->retry);
        svc_consumer_done(c->consumer, &batch);
    } else {
        give_up(c, &batch, rc, &err);
    }
}

/* Life */

enum svc_rc consume_open(struct role *role, const struct consume_options *options,
                         struct consume **ret_consume, struct svc_error *err)
{
    SVC_CLEANUP(consume_close) struct consume *c = calloc(1, sizeof *c);
    if (c == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "consume: out of memory");
    c->role = role;
    c->options = *options;
    c->retry = (struct svc_retry){.base_ms = RETRY_BASE_MS, .cap_ms = RETRY_CAP_MS};
    svc_arena_init(&c->messages, ARENA_BLOCK_BYTES);
    svc_arena_init(&c->tries, ARENA_BLOCK_BYTES);
    const struct svc_consumer_options consumer = {.kafka = role->config->kafka,
                                                  .group = options->group,
                                                  .topic = options->topic,
                                                  .pg = store_pg(role->store),
                                                  .offsets = store_offsets,
                                                  .on_records = on_records,
                                                  .arg = c,
                                                  .queue_max = QUEUE_MAX};
    const enum svc_rc rc = svc_consumer_open(role->loop, &consumer, &c->consumer, err);
    if (rc != SVC_OK)
        return rc;
    *ret_consume = c;
    c = NULL;
    return SVC_OK;
}

void consume_close(struct consume **consume)
{
    struct consume *closing = *consume;
    *consume = NULL;
    if (closing == NULL)
        return;
    svc_consumer_close(&closing->consumer);
    svc_arena_done(&closing->messages);
    svc_arena_done(&closing->tries);
    free(closing);
}

void consume_pause(struct consume *consume)
{
    svc_consumer_pause(consume->consumer);
}

bool consume_assigned(const struct consume *consume)
{
    return svc_consumer_assigned(consume->consumer);
}
