/* A topic's newest records without a group: every partition is read from its end. How many
 * partitions there are is asked by a thread of its own, because librdkafka 2.0 has no way to ask
 * without waiting; everything else, the callbacks too, happens on the loop.
 *
 * What is written while a partition is not known yet, or after the broker dropped it, is missed:
 * these topics carry hints. */
#include "kafka_internal.h"
#include "record_internal.h"

#include "svc/cleanup.h"
#include "svc/consumer.h"
#include "svc/log.h"
#include "svc/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

enum {
    ASK_MS = 500,          /* longest wait for one answer: closing waits as long */
    ASK_AGAIN_MS = 100,    /* while the topic is not known */
    ASK_RARELY_MS = 60000, /* after that: partitions may be added */
    EVENTS_PER_RUN = 1024,
};

struct svc_tail {
    struct svc_loop *loop;
    struct svc_tail_options options;
    rd_kafka_t *rk;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    struct svc_kafka_wake wake;
    struct svc_source source;
    int started; /* partitions read so far: 0 … started-1 */
    struct svc_log_limit log_limit, error_limit;

    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t stop_changed;
    bool stop;             /* under lock */
    atomic_int partitions; /* as the thread learnt */
};

/* The thread that asks */

static int ask_partitions(struct svc_tail *tail)
{
    const struct rd_kafka_metadata *metadata = NULL;
    if (rd_kafka_metadata(tail->rk, 0, tail->topic, &metadata, ASK_MS) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    int count = 0;
    if (metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR)
        count = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    return count;
}

/* False: told to stop. */
static bool pause_asking(struct svc_tail *tail, int64_t ms)
{
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    due.tv_sec += ms / 1000;
    due.tv_nsec += ms % 1000 * 1000000;
    if (due.tv_nsec >= 1000000000) {
        due.tv_sec++;
        due.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&tail->lock);
    while (!tail->stop && pthread_cond_timedwait(&tail->stop_changed, &tail->lock, &due) == 0)
        ;
    const bool go_on = !tail->stop;
    pthread_mutex_unlock(&tail->lock);
    return go_on;
}

static void *ask_thread(void *arg)
{
    struct svc_tail *tail = arg;
    int known = 0;
    do {
        const int count = ask_partitions(tail);
        if (count > known) {
            known = count;
            atomic_store(&tail->partitions, known);
            svc_kafka_wake_up(&tail->wake);
        }
    } while (pause_asking(tail, known > 0 ? ASK_RARELY_MS : ASK_AGAIN_MS));
    return NULL;
}

static enum svc_rc start_thread(struct svc_tail *tail, struct svc_error *err)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&tail->stop_changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&tail->lock, NULL);
    const int failed = pthread_create(&tail->thread, NULL, ask_thread, tail);
    tail->has_thread = failed == 0;
    if (failed == 0)
        return SVC_OK;
    return svc_fail(err, SVC_FATAL, "thread", "thread: %s", strerrordesc_np(failed));
}

static void stop_thread(struct svc_tail *tail)
{
    if (!tail->has_thread)
        return;
    pthread_mutex_lock(&tail->lock);
    tail->stop = true;
    pthread_cond_signal(&tail->stop_changed);
    pthread_mutex_unlock(&tail->lock);
    pthread_join(tail->thread, NULL);
    pthread_cond_destroy(&tail->stop_changed);
    pthread_mutex_destroy(&tail->lock);
}

/* On the loop */

static void start_partitions(struct svc_tail *tail)
{
    const int count = atomic_load(&tail->partitions);
    for (; tail->started < count; tail->started++) {
        if (rd_kafka_consume_start_queue(tail->topic, tail->started, RD_KAFKA_OFFSET_END,
                                         tail->queue) == 0)
            continue;
        struct svc_error err = {.rc = SVC_OK};
        svc_kafka_classify(rd_kafka_last_error(), tail->options.topic, &err);
        svc_warn_limited(&tail->error_limit, "kafka_error", SVC_ERR(&err));
    }
}

static void on_message(struct svc_tail *tail, const rd_kafka_message_t *message)
{
    struct svc_record record;
    if (message == NULL)
        return;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        svc_warn_limited(&tail->error_limit, "kafka_error", SVC_T("topic", tail->options.topic),
                         SVC_T("code", rd_kafka_err2name(message->err)),
                         SVC_T("err", rd_kafka_message_errstr(message)));
        return;
    }
    svc_record_fill(message, tail->options.topic, &record);
    tail->options.on_record(tail->options.arg, &record);
}

static void on_event(struct svc_tail *tail, rd_kafka_event_t *event)
{
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_FETCH:
        on_message(tail, rd_kafka_event_message_next(event));
        break;
    case RD_KAFKA_EVENT_ERROR:
        svc_warn_limited(&tail->error_limit, "kafka_error", SVC_T("topic", tail->options.topic),
                         SVC_T("code", rd_kafka_err2name(rd_kafka_event_error(event))),
                         SVC_T("err", rd_kafka_event_error_string(event)));
        break;
    case RD_KAFKA_EVENT_LOG:
        svc_kafka_log_event(&tail->log_limit, event);
        break;
    default:
        break;
    }
}

static void on_ready(void *arg, uint32_t events)
{
    struct svc_tail *tail = arg;
    if (events != 0)
        svc_kafka_wake_clear(&tail->wake);
    start_partitions(tail);
    for (int i = 0; i < EVENTS_PER_RUN; i++) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(tail->queue, 0);
        if (event == NULL)
            return;
        on_event(tail, event);
        rd_kafka_event_destroy(event);
    }
    svc_source_again(&tail->source); /* an edge: nobody would wake us for the rest */
}

static enum svc_rc open_handle(struct svc_tail *tail, struct svc_error *err)
{
    static const struct svc_kafka_property settings[] = {
        {"enable.auto.commit", "false"},
        {"auto.offset.reset", "latest"}, /* a hint that is gone is gone */
        {"fetch.wait.max.ms", "500"},
        {"fetch.min.bytes", "1"},
        {"fetch.error.backoff.ms", "50"},
        {"fetch.max.bytes", "2097152"},
        {"fetch.message.max.bytes", "1048576"},
        {"queued.max.messages.kbytes", "4096"},
        {"queued.min.messages", "20000"}, /* lower ones stall: consumer_group.c */
        {"allow.auto.create.topics", "false"},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum svc_rc rc = svc_kafka_conf(conf, &tail->options.kafka, err);
    if (rc == SVC_OK)
        rc = svc_kafka_set_all(conf, settings, err);
    if (rc != SVC_OK) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    rd_kafka_conf_set_events(conf,
                             RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    rc = svc_kafka_new(RD_KAFKA_CONSUMER, conf, &tail->rk, err);
    if (rc != SVC_OK)
        return rc;
    tail->queue = rd_kafka_queue_get_main(tail->rk);
    rd_kafka_set_log_queue(tail->rk, NULL);
    SVC_FREE char *name = svc_kafka_prefixed(&tail->options.kafka, tail->options.topic);
    tail->topic = rd_kafka_topic_new(tail->rk, name, NULL);
    if (tail->topic == NULL)
        return svc_kafka_classify(rd_kafka_last_error(), name, err);
    svc_kafka_wake_enable(&tail->wake, tail->queue);
    return SVC_OK;
}

enum svc_rc svc_tail_open(struct svc_loop *loop, const struct svc_tail_options *options,
                          struct svc_tail **ret_tail, struct svc_error *err)
{
    SVC_CLEANUP(svc_tail_close) struct svc_tail *tail = svc_must_zalloc(sizeof *tail);
    tail->loop = loop;
    tail->options = *options;
    tail->wake.fd = -1;
    enum svc_rc rc = svc_kafka_wake_open(&tail->wake, err);
    if (rc == SVC_OK)
        rc = open_handle(tail, err);
    if (rc == SVC_OK)
        rc = start_thread(tail, err);
    if (rc != SVC_OK)
        return rc;
    tail->source = (struct svc_source){.fd = tail->wake.fd,
                                       .events = EPOLLIN,
                                       .phase = SVC_PHASE_CONSUMER,
                                       .run = on_ready,
                                       .arg = tail};
    svc_source_add(loop, &tail->source);
    svc_source_again(&tail->source); /* what came before the wake-ups were on makes no edge */
    *ret_tail = tail;
    tail = NULL;
    return SVC_OK;
}

void svc_tail_close(struct svc_tail **tail)
{
    struct svc_tail *closing = *tail;
    *tail = NULL;
    if (closing == NULL)
        return;
    svc_source_remove(&closing->source);
    stop_thread(closing);
    if (closing->queue != NULL)
        svc_kafka_wake_disable(closing->queue);
    for (int i = 0; i < closing->started; i++)
        (void)rd_kafka_consume_stop(closing->topic, i); /* fails for one that never started */
    if (closing->topic != NULL)
        rd_kafka_topic_destroy(closing->topic);
    if (closing->queue != NULL)
        rd_kafka_queue_destroy(closing->queue);
    if (closing->rk != NULL)
        rd_kafka_destroy(closing->rk);
    svc_kafka_wake_close(&closing->wake);
    free(closing);
}
