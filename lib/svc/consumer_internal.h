/* The consumer in three parts: consumer_group.c joins, is assigned and keeps the handle alive,
 * consumer_positions.c reads and moves positions in Postgres, consumer.c gives out batches. */
#pragma once

#include "kafka_internal.h"

#include "svc/buffer.h"
#include "svc/consumer.h"

enum consumer_state {
    CONSUMER_JOINING, /* no assignment */
    CONSUMER_LOADING, /* assigned; fetching stopped until the positions have been read */
    CONSUMER_RUNNING,
    CONSUMER_LEAVING, /* unsubscribed; will subscribe again */
};

struct consumer_partition {
    int32_t id;
    int64_t position;  /* next_offset in Postgres, as far as we know; -1: not read yet */
    int64_t fetch;     /* what Kafka must give next */
    int64_t next;      /* scratch of one advance: where it will stand; -1: not in it */
    int64_t after_gap; /* the offset that once came in place of `fetch`; -1: none */
    bool untold;       /* Kafka does not know this position yet */
};

/* A record as librdkafka gives it: the message lives in its event. No event: none. */
struct consumer_fetched {
    rd_kafka_event_t *event;
    const rd_kafka_message_t *message;
};

struct svc_consumer {
    struct svc_loop *loop;
    struct svc_consumer_options options;
    char *group, *topic; /* with the prefix */
    rd_kafka_t *rk;      /* NULL: could not be made; the loop is ending */
    rd_kafka_queue_t *queue;
    struct svc_kafka_wake wake;
    struct svc_source source;
    struct svc_timer step; /* LOADING: read the positions; LEAVING: subscribe again */
    struct svc_timer tell; /* positions to Kafka, for its lag metric */
    enum consumer_state state;
    uint32_t generation; /* of the assignment; raised when what was fetched is of no more use */
    struct consumer_partition *partitions;
    int partition_count;

    struct consumer_fetched held; /* a record that was seen and not taken yet */
    rd_kafka_event_t **events;
    struct svc_record *records; /* of the batch that is out */
    size_t batch_count, batch_max;
    bool batch_out;

    bool paused, fatal;
    struct svc_buffer arrays[3];
    int64_t opened_mono_us;
    int64_t away_mono_us; /* when a broker could not be reached, last; 0: never */
    bool ran;             /* this handle was RUNNING once */
    struct svc_log_limit log_limit, error_limit, load_limit;
};

enum svc_rc consumer_open_handle(struct svc_consumer *consumer, struct svc_error *err) SVC_CHECK;
void consumer_close_handle(struct svc_consumer *consumer);
/* The record that is really next (owned); none when nothing waits. Serves whatever else is in the
 * queue. */
struct consumer_fetched consumer_next(struct svc_consumer *consumer);
/* Stop fetching, and after wait_ms read the positions and fetch from there. */
void consumer_reload(struct svc_consumer *consumer, uint32_t wait_ms);
void consumer_leave(struct svc_consumer *consumer);
/* Fill position of every partition, making those that are missing. Waits for Postgres, and for
 * Kafka when one is missing. */
enum svc_rc consumer_load_positions(struct svc_consumer *consumer, struct svc_error *err) SVC_CHECK;
/* Tell Kafka now what it does not know yet. */
void consumer_tell(struct svc_consumer *consumer);
struct consumer_partition *consumer_partition(const struct svc_consumer *consumer, int32_t id);
