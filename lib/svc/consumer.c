/* Batches. Joining, assignment and the handle's life are in consumer_group.c, positions in
 * consumer_positions.c.
 *
 * While a batch is out the queue is left alone: a rebalance waits for the batch, and should the
 * group not wait (max.poll.interval.ms, 5 min), the batch loses its race in Postgres and is read by
 * the next owner. */
#include "consumer_internal.h"
#include "record_internal.h"

#include "svc/cleanup.h"
#include "svc/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum { UNDO_MIN_MS = 100 };

/* The wake-up */

static void on_ready(void *arg, uint32_t events)
{
    struct svc_consumer *consumer = arg;
    if (events != 0)
        svc_kafka_wake_clear(&consumer->wake);
    if (consumer->batch_out)
        return; /* svc_consumer_done asks again */
    if (consumer->held.event == NULL)
        consumer->held = consumer_next(consumer);
    if (consumer->held.event != NULL && !consumer->paused)
        consumer->options.on_records(consumer->options.arg);
}

enum svc_rc svc_consumer_open(struct svc_loop *loop, const struct svc_consumer_options *options,
                              struct svc_consumer **ret_consumer, struct svc_error *err)
{
    SVC_CLEANUP(svc_consumer_close)
    struct svc_consumer *consumer = svc_must_zalloc(sizeof *consumer);
    consumer->loop = loop;
    consumer->options = *options;
    consumer->wake.fd = -1;
    consumer->group = svc_kafka_prefixed(&options->kafka, options->group);
    consumer->topic = svc_kafka_prefixed(&options->kafka, options->topic);
    enum svc_rc rc = svc_kafka_wake_open(&consumer->wake, err);
    if (rc == SVC_OK)
        rc = consumer_open_handle(consumer, err);
    if (rc != SVC_OK)
        return rc;
    consumer->source = (struct svc_source){.fd = consumer->wake.fd,
                                           .events = EPOLLIN,
                                           .phase = SVC_PHASE_CONSUMER,
                                           .run = on_ready,
                                           .arg = consumer};
    svc_source_add(loop, &consumer->source);
    svc_source_again(&consumer->source); /* what came before the wake-ups were on makes no edge */
    *ret_consumer = consumer;
    consumer = NULL;
    return SVC_OK;
}

/* Batches */

static void drop_records(struct svc_consumer *consumer)
{
    for (size_t i = 0; i < consumer->batch_count; i++)
        rd_kafka_event_destroy(consumer->events[i]);
    consumer->batch_count = 0;
    consumer->batch_out = false;
}

void svc_consumer_close(struct svc_consumer **consumer)
{
    struct svc_consumer *closing = *consumer;
    *consumer = NULL;
    if (closing == NULL)
        return;
    svc_source_remove(&closing->source);
    drop_records(closing);
    if (closing->held.event != NULL)
        rd_kafka_event_destroy(closing->held.event);
    consumer_tell(closing);
    consumer_close_handle(closing);
    svc_kafka_wake_close(&closing->wake);
    for (size_t i = 0; i < sizeof closing->arrays / sizeof closing->arrays[0]; i++)
        svc_buffer_done(&closing->arrays[i]);
    free(closing->partitions);
    free(closing->events);
    free(closing->records);
    free(closing->group);
    free(closing->topic);
    free(closing);
}

static void make_room(struct svc_consumer *consumer, size_t max)
{
    if (max <= consumer->batch_max)
        return;
    consumer->events = svc_must_realloc(consumer->events, max * sizeof *consumer->events);
    consumer->records = svc_must_realloc(consumer->records, max * sizeof *consumer->records);
    consumer->batch_max = max;
}

static void add_record(struct svc_consumer *consumer, const struct consumer_fetched *fetched)
{
    svc_record_fill(fetched->message, consumer->options.topic,
                    &consumer->records[consumer->batch_count]);
    consumer->events[consumer->batch_count++] = fetched->event;
}

void svc_consumer_take(struct svc_consumer *consumer, size_t max, struct svc_batch *ret_batch)
{
    assert(!consumer->batch_out);
    *ret_batch = (struct svc_batch){.records = NULL, .count = 0};
    if (consumer->paused || max == 0)
        return;
    make_room(consumer, max);
    if (consumer->held.event == NULL)
        consumer->held = consumer_next(consumer);
    const uint32_t generation = consumer->generation;
    while (consumer->held.event != NULL) {
        const struct consumer_fetched fetched = consumer->held;
        consumer->held = (struct consumer_fetched){.event = NULL};
        add_record(consumer, &fetched);
        if (consumer->batch_count < max)
            consumer->held = consumer_next(consumer);
    }
    /* An assignment that ended meanwhile takes with it what was collected under it. */
    if (consumer->generation != generation)
        drop_records(consumer);
    consumer->batch_out = consumer->batch_count > 0;
    *ret_batch = (struct svc_batch){.records = consumer->records, .count = consumer->batch_count};
    if (!consumer->batch_out)
        svc_source_again(&consumer->source);
}

static void end_batch(struct svc_consumer *consumer, struct svc_batch *batch)
{
    drop_records(consumer);
    *batch = (struct svc_batch){.records = NULL, .count = 0};
    svc_source_again(&consumer->source); /* an edge: what came meanwhile will not wake us */
}

void svc_consumer_done(struct svc_consumer *consumer, struct svc_batch *batch)
{
    end_batch(consumer, batch);
}

void svc_consumer_undo(struct svc_consumer *consumer, struct svc_batch *batch, uint32_t wait_ms)
{
    end_batch(consumer, batch);
    if (consumer->rk != NULL)
        consumer_reload(consumer, wait_ms < UNDO_MIN_MS ? UNDO_MIN_MS : wait_ms);
}

void svc_consumer_rejoin(struct svc_consumer *consumer, struct svc_batch *batch)
{
    end_batch(consumer, batch);
    if (consumer->rk != NULL)
        consumer_leave(consumer);
}

void svc_consumer_pause(struct svc_consumer *consumer)
{
    consumer->paused = true;
}

bool svc_consumer_assigned(const struct svc_consumer *consumer)
{
    return consumer->state == CONSUMER_RUNNING;
}
