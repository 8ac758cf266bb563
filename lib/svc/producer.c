/* The idempotent producer. Every accepted message with somebody to tell has a `sent` in a list, and
 * leaves it exactly once: with its delivery report, or with the handle when that has to be made
 * anew.
 *
 * Why handles are made anew: in librdkafka 2.0 a timed-out message that may have been written makes
 * the next batch fail with a fatal out-of-order error, after which the handle refuses everything
 * (confluentinc/librdkafka#4438). A broker that stands still for a few seconds is enough. */
#include "svc/producer.h"

#include "kafka_internal.h"

#include "svc/cleanup.h"
#include "svc/clock.h"
#include "svc/log.h"
#include "svc/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum {
    TOPICS_MAX = 32,        /* topic handles kept */
    EVENTS_PER_RUN = 1024,  /* then the loop's other sources have their turn */
    PROBE_MS = 100,         /* how often an unreachable cluster is asked */
    AT_ONCE_MS = 10000,     /* a new handle that fails so soon, having delivered nothing: give up */
    HEARD_LATELY_MS = 1000, /* a message that times out sooner after a sign of life says nothing */
};

struct sent {
    struct sent *next, *previous;
    svc_delivery_fn *done;
    void *arg;
};

struct topic {
    char *name; /* without the prefix */
    rd_kafka_topic_t *handle;
};

struct svc_producer {
    struct svc_loop *loop;
    struct svc_producer_options options;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    struct svc_kafka_wake wake;
    struct svc_source source;
    struct svc_timer probe;
    struct topic topics[TOPICS_MAX];
    int topic_count;
    struct sent waiting; /* list head */
    uint32_t in_flight;
    bool reachable, probing, fatal;
    uint32_t recreated;        /* handles made anew since open */
    int64_t opened_mono_us;    /* the handle */
    int64_t delivered_mono_us; /* last delivery on this handle, 0: none */
    int64_t heard_mono_us;     /* last delivery, or answer to a probe */
    struct svc_log_limit log_limit, error_limit, undelivered_limit;
};

/* The list of those who wait */

static struct sent *list_add(struct svc_producer *producer, svc_delivery_fn *done, void *arg)
{
    struct sent *s = svc_must_alloc(sizeof *s);
    struct sent *head = &producer->waiting;
    *s = (struct sent){.next = head, .previous = head->previous, .done = done, .arg = arg};
    head->previous->next = s;
    head->previous = s;
    return s;
}

static void list_remove(struct sent *s)
{
    s->previous->next = s->next;
    s->next->previous = s->previous;
    free(s);
}

static void report(struct sent *s, enum svc_rc rc, const struct svc_error *err)
{
    svc_delivery_fn *done = s->done;
    void *arg = s->arg;
    list_remove(s); /* first: the callback may send again */
    done(arg, rc, err);
}

/* Reachable or not */

static void set_reachable(struct svc_producer *producer, bool reachable)
{
    if (producer->reachable == reachable)
        return;
    producer->reachable = reachable;
    if (producer->options.on_state != NULL)
        producer->options.on_state(producer->options.arg, reachable);
    if (!reachable)
        svc_timer_after_ms(producer->loop, &producer->probe, PROBE_MS);
}

/* Is there a connection to any broker? With a timeout of 0 this never waits: no answer yet is
 * _TIMED_OUT, nobody to ask is _TRANSPORT. */
static bool is_connected(const struct svc_producer *producer)
{
    const struct rd_kafka_metadata *metadata = NULL;
    const rd_kafka_resp_err_t code = rd_kafka_metadata(producer->rk, 0, NULL, &metadata, 0);
    if (metadata != NULL)
        rd_kafka_metadata_destroy(metadata);
    return code != RD_KAFKA_RESP_ERR__TRANSPORT;
}

/* Ask for some topic's settings: any answer, a refusal too, says that a broker is there and alive.
 * No message may be on its way to tell us, because nobody sends to a producer that is not ready.
 *
 * Only over a connection that stands: with such a request pending for a broker that is down,
 * librdkafka 2.0 reconnects in a loop that takes a whole core (measured), and a restarting Kafka
 * starves. */
static void ask_broker(struct svc_producer *producer)
{
    if (!is_connected(producer))
        return;
    char text[64];
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(producer->rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_ConfigResource_t *topic =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, "tradewire-reachable");
    if (options != NULL && topic != NULL &&
        rd_kafka_AdminOptions_set_request_timeout(options, 2000, text, sizeof text) ==
            RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_DescribeConfigs(producer->rk, &topic, 1, options, producer->queue);
        producer->probing = true;
    }
    if (topic != NULL)
        rd_kafka_ConfigResource_destroy(topic);
    if (options != NULL)
        rd_kafka_AdminOptions_destroy(options);
}

static void on_probe_timer(void *arg)
{
    struct svc_producer *producer = arg;
    if (producer->reachable)
        return;
    if (!producer->probing)
        ask_broker(producer);
    svc_timer_after_ms(producer->loop, &producer->probe, PROBE_MS);
}

static void on_answer(struct svc_producer *producer, rd_kafka_event_t *event)
{
    producer->probing = false;
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    producer->heard_mono_us = svc_mono_us();
    set_reachable(producer, true);
}

/* Events */

static void on_report(struct svc_producer *producer, const rd_kafka_message_t *message)
{
    struct svc_error err = {.rc = SVC_OK};
    const int64_t now = svc_mono_us();
    producer->in_flight--;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        producer->delivered_mono_us = producer->heard_mono_us = now;
        set_reachable(producer, true);
    } else {
        svc_kafka_classify(message->err, rd_kafka_topic_name(message->rkt), &err);
        svc_warn_limited(&producer->undelivered_limit, "kafka_undelivered", SVC_ERR(&err));
        if (err.rc == SVC_AGAIN && now - producer->heard_mono_us > HEARD_LATELY_MS * 1000)
            set_reachable(producer, false);
    }
    if (message->_private != NULL)
        report(message->_private, err.rc, &err);
}

static void on_error(struct svc_producer *producer, rd_kafka_event_t *event)
{
    const rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    char text[256];
    /* The event names the cause, not _FATAL: the handle itself is asked. */
    const rd_kafka_resp_err_t cause = rd_kafka_fatal_error(producer->rk, text, sizeof text);
    if (cause != RD_KAFKA_RESP_ERR_NO_ERROR) {
        svc_warn("kafka_fatal", SVC_T("code", rd_kafka_err2name(cause)), SVC_T("err", text),
                 SVC_N("in_flight", producer->in_flight));
        producer->fatal = true;
        return;
    }
    svc_warn_limited(&producer->error_limit, "kafka_error", SVC_T("code", rd_kafka_err2name(code)),
                     SVC_T("err", rd_kafka_event_error_string(event)));
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        set_reachable(producer, false);
}

static void on_event(struct svc_producer *producer, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *message;
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR:
        while ((message = rd_kafka_event_message_next(event)) != NULL)
            on_report(producer, message);
        break;
    case RD_KAFKA_EVENT_ERROR:
        on_error(producer, event);
        break;
    case RD_KAFKA_EVENT_LOG:
        svc_kafka_log_event(&producer->log_limit, event);
        break;
    case RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT:
        on_answer(producer, event);
        break;
    default:
        break;
    }
}

/* The handle */

static enum svc_rc configure(const struct svc_producer_options *options, rd_kafka_conf_t *conf,
                             struct svc_error *err)
{
    static const struct svc_kafka_property promises[] = {
        {"enable.idempotence", "true"},
        /* With more, a batch overtakes an earlier one that a broker which has just come up refuses,
         * as a broker takes any first sequence number of a producer id that is new to it. Then
         * librdkafka takes the earlier batch for delivered too and never sends it again: it is
         * acknowledged and lost (confluentinc/confluent-kafka-go#921). The test is
         * tests/integration/test_refused_batch.py. */
        {"max.in.flight.requests.per.connection", "1"},
        {"acks", "all"},
        {"partitioner", "murmur2_random"},
        {"queue.buffering.max.kbytes",
         "65536"}, /* beside queue_max: the library's own limit is 1 GiB */
        {NULL, NULL},
    };
    char linger_ms[16];
    snprintf(linger_ms, sizeof linger_ms, "%u.%03u", options->linger_us / 1000,
             options->linger_us % 1000);
    enum svc_rc rc = svc_kafka_conf(conf, &options->kafka, err);
    if (rc == SVC_OK)
        rc = svc_kafka_set_all(conf, promises, err);
    if (rc == SVC_OK)
        rc = svc_kafka_set(conf, "linger.ms", linger_ms, err);
    if (rc == SVC_OK)
        rc = svc_kafka_set_u32(conf, "message.timeout.ms", options->message_timeout_ms, err);
    if (rc == SVC_OK)
        rc = svc_kafka_set_u32(conf, "queue.buffering.max.messages", options->queue_max, err);
    if (rc == SVC_OK && options->message_bytes_max != 0)
        rc = svc_kafka_set_u32(conf, "message.max.bytes", options->message_bytes_max, err);
    return rc;
}

static enum svc_rc open_handle(struct svc_producer *producer, struct svc_error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum svc_rc rc = configure(&producer->options, conf, err);
    if (rc != SVC_OK) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    rc = svc_kafka_new(RD_KAFKA_PRODUCER, conf, &producer->rk, err);
    if (rc != SVC_OK)
        return rc;
    producer->queue = rd_kafka_queue_get_main(producer->rk);
    rd_kafka_set_log_queue(producer->rk, NULL);
    svc_kafka_wake_enable(&producer->wake, producer->queue);
    producer->opened_mono_us = svc_mono_us();
    producer->delivered_mono_us = 0;
    producer->fatal = producer->probing = false;
    ask_broker(producer);
    svc_timer_after_ms(producer->loop, &producer->probe, PROBE_MS);
    return SVC_OK;
}

/* Messages still in the handle are dropped without their reports. */
static void close_handle(struct svc_producer *producer)
{
    for (int i = 0; i < producer->topic_count; i++) {
        rd_kafka_topic_destroy(producer->topics[i].handle);
        free(producer->topics[i].name);
    }
    producer->topic_count = 0;
    if (producer->rk == NULL)
        return;
    svc_kafka_wake_disable(producer->queue);
    rd_kafka_purge(producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                     RD_KAFKA_PURGE_F_NON_BLOCKING);
    rd_kafka_queue_destroy(producer->queue);
    rd_kafka_destroy(producer->rk);
    producer->rk = NULL;
}

static bool failed_at_once(const struct svc_producer *producer)
{
    return producer->recreated > 0 && producer->delivered_mono_us == 0 &&
           svc_mono_us() - producer->opened_mono_us < (int64_t)AT_ONCE_MS * 1000;
}

/* Only those who wait now: a callback may send on the new handle. */
static void fail_waiting(struct svc_producer *producer, const struct svc_error *err)
{
    struct sent *last = producer->waiting.previous;
    if (last == &producer->waiting)
        return;
    while (producer->waiting.next != last)
        report(producer->waiting.next, err->rc, err);
    report(last, err->rc, err);
}

/* After a fatal error: tell all who wait that nothing is known, and go on with a new handle. */
static void recreate(struct svc_producer *producer)
{
    struct svc_error unknown = {.rc = SVC_OK}, err = {.rc = SVC_OK};
    producer->fatal = false;
    if (failed_at_once(producer)) {
        svc_alert("kafka_producer_failed", SVC_N("recreated", producer->recreated));
        svc_loop_fail(producer->loop, SVC_EXIT_SOFTWARE);
        return;
    }
    set_reachable(producer, false);
    close_handle(producer);
    const enum svc_rc rc = open_handle(producer, &err);
    if (rc != SVC_OK) {
        svc_alert("kafka_producer_failed", SVC_ERR(&err));
        svc_loop_fail(producer->loop, SVC_EXIT_SOFTWARE);
    }
    producer->recreated++;
    producer->in_flight = 0;
    svc_warn("kafka_producer_recreated", SVC_N("recreated", producer->recreated));
    svc_fail(&unknown, SVC_AGAIN, "kafka_recreated",
             "the producer was made anew; delivery is unknown");
    fail_waiting(producer, &unknown);
}

/* Serve events until none is left, waiting at most wait_ms for the first; false: stopped at the
 * limit. */
static bool serve(struct svc_producer *producer, int wait_ms)
{
    for (int i = 0; i < EVENTS_PER_RUN; i++) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(producer->queue, wait_ms);
        if (event == NULL)
            return true;
        on_event(producer, event);
        rd_kafka_event_destroy(event);
        if (producer->fatal)
            recreate(producer);
        if (producer->rk == NULL)
            return true;
        wait_ms = 0;
    }
    return false;
}

static void on_ready(void *arg, uint32_t events)
{
    struct svc_producer *producer = arg;
    if (events != 0)
        svc_kafka_wake_clear(&producer->wake);
    if (producer->rk != NULL && !serve(producer, 0))
        svc_source_again(&producer->source); /* an edge: nobody would wake us for the rest */
}

/* Use */

enum svc_rc svc_producer_open(struct svc_loop *loop, const struct svc_producer_options *options,
                              struct svc_producer **ret_producer, struct svc_error *err)
{
    SVC_CLEANUP(svc_producer_close)
    struct svc_producer *producer = svc_must_zalloc(sizeof *producer);
    producer->loop = loop;
    producer->options = *options;
    producer->wake.fd = -1;
    producer->waiting.next = producer->waiting.previous = &producer->waiting;
    producer->probe = (struct svc_timer){.run = on_probe_timer, .arg = producer};
    enum svc_rc rc = svc_kafka_wake_open(&producer->wake, err);
    if (rc == SVC_OK)
        rc = open_handle(producer, err);
    if (rc != SVC_OK)
        return rc;
    producer->source = (struct svc_source){.fd = producer->wake.fd,
                                           .events = EPOLLIN,
                                           .phase = SVC_PHASE_DELIVERY,
                                           .run = on_ready,
                                           .arg = producer};
    svc_source_add(loop, &producer->source);
    svc_source_again(&producer->source); /* what came before the wake-ups were on makes no edge */
    *ret_producer = producer;
    producer = NULL;
    return SVC_OK;
}

static void wait_for_reports(struct svc_producer *producer, uint32_t wait_ms)
{
    const int64_t due = svc_mono_us() + (int64_t)wait_ms * 1000;
    while (producer->in_flight > 0 && producer->rk != NULL) {
        const int64_t left_ms = (due - svc_mono_us() + 999) / 1000;
        if (left_ms <= 0)
            return;
        (void)serve(producer, (int)left_ms);
    }
}

void svc_producer_flush(struct svc_producer *producer, uint32_t flush_ms)
{
    wait_for_reports(producer, flush_ms);
}

enum svc_rc svc_producer_wait(struct svc_producer *producer, uint32_t timeout_ms,
                              struct svc_error *err)
{
    wait_for_reports(producer, timeout_ms);
    if (producer->in_flight == 0)
        return SVC_OK;
    return svc_fail(err, SVC_AGAIN, "kafka_timeout", "%u messages not confirmed after %u ms",
                    producer->in_flight, timeout_ms);
}

void svc_producer_close(struct svc_producer **producer)
{
    struct svc_producer *closing = *producer;
    *producer = NULL;
    if (closing == NULL)
        return;
    svc_source_remove(&closing->source);
    svc_timer_stop(&closing->probe);
    close_handle(closing);
    while (closing->waiting.next != &closing->waiting)
        list_remove(closing->waiting.next);
    svc_kafka_wake_close(&closing->wake);
    free(closing);
}

static enum svc_rc find_topic(struct svc_producer *producer, const char *name,
                              rd_kafka_topic_t **ret_topic, struct svc_error *err)
{
    for (int i = 0; i < producer->topic_count; i++) {
        if (strcmp(producer->topics[i].name, name) == 0) {
            *ret_topic = producer->topics[i].handle;
            return SVC_OK;
        }
    }
    if (producer->topic_count == TOPICS_MAX)
        return svc_fail(err, SVC_FATAL, "kafka_topics", "more than %d topics", TOPICS_MAX);
    SVC_FREE char *full = svc_kafka_prefixed(&producer->options.kafka, name);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(producer->rk, full, NULL);
    if (handle == NULL)
        return svc_kafka_classify(rd_kafka_last_error(), full, err);
    const size_t size = strlen(name) + 1;
    producer->topics[producer->topic_count] =
        (struct topic){.name = svc_must_alloc(size), .handle = handle};
    memcpy(producer->topics[producer->topic_count++].name, name, size);
    *ret_topic = handle;
    return SVC_OK;
}

static rd_kafka_headers_t *make_headers(const struct svc_header *headers, size_t count)
{
    if (count == 0)
        return NULL;
    rd_kafka_headers_t *made = rd_kafka_headers_new(count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_header_add(made, headers[i].name, -1, headers[i].value, (ssize_t)headers[i].len);
    return made;
}

/* payload is copied; the variable arguments want it without const. */
static rd_kafka_resp_err_t produce(struct svc_producer *producer, rd_kafka_topic_t *topic,
                                   const char *key, const void *payload, size_t len,
                                   rd_kafka_headers_t *headers, struct sent *s)
{
    rd_kafka_vu_t units[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {.ptr = (void *)(uintptr_t)key, .size = key != NULL ? strlen(key) : 0}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {.ptr = (void *)(uintptr_t)payload, .size = len}},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = s},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    const size_t count = sizeof units / sizeof units[0] - (headers == NULL ? 1 : 0);
    rd_kafka_error_t *error = rd_kafka_produceva(producer->rk, units, count);
    if (error == NULL)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    return code;
}

enum svc_rc svc_producer_send(struct svc_producer *producer, const char *topic, const char *key,
                              const void *payload, size_t len, const struct svc_header *headers,
                              size_t header_count, svc_delivery_fn *done, void *arg,
                              struct svc_error *err)
{
    rd_kafka_topic_t *handle = NULL;
    if (producer->rk == NULL)
        return svc_fail(err, SVC_AGAIN, "kafka_producer_failed", "the producer is being replaced");
    const enum svc_rc rc = find_topic(producer, topic, &handle, err);
    if (rc != SVC_OK)
        return rc;
    rd_kafka_headers_t *made = make_headers(headers, header_count);
    struct sent *s = done != NULL ? list_add(producer, done, arg) : NULL;
    const rd_kafka_resp_err_t code = produce(producer, handle, key, payload, len, made, s);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        producer->in_flight++;
        return SVC_OK;
    }
    if (made != NULL)
        rd_kafka_headers_destroy(made); /* librdkafka takes them on success only */
    if (s != NULL)
        list_remove(s);
    return svc_kafka_classify(code, topic, err);
}

bool svc_producer_reachable(const struct svc_producer *producer)
{
    return producer->reachable;
}
