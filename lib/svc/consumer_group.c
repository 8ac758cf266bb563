/* Membership and positions. Four states:
 *
 *     JOINING ──assigned──► LOADING ──positions read, rd_kafka_assign from there──► RUNNING
 *        ▲                     ▲                                                       │
 *        │                     └── undo: Postgres away, fetching stopped ──────────────┤
 *        └── revoked (from any state); LEAVING, and subscribed again a second later ◄──┘
 *
 * While LOADING, librdkafka holds an empty assignment: the member stays in its group and fetches
 * nothing, and what was fetched before is dropped by librdkafka with the old assignment. (Pausing
 * would do so too, but in 2.0 the resumed position is librdkafka's, and it is Postgres that knows.)
 */
#include "consumer_internal.h"

#include "svc/clock.h"
#include "svc/log.h"
#include "svc/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
    RETRY_MS = 1000,         /* between two attempts to read positions, to join again */
    TELL_MS = 1000,          /* how often Kafka is told */
    CLOSE_MS = 3000,         /* longest wait for leaving the group */
    AT_ONCE_MS = 10000,      /* a new handle that fails so soon, never having run: give up */
    AWAY_LATELY_MS = 60000,  /* how long after an outage a fence may be the broker's mistake */
    EVENTS_PER_CALL = 10000, /* not records: stop, and let the loop turn */
    /* With more than this in its queue librdkafka 2.0 fetches nothing for a whole second, however
     * fast the queue empties (measured; fetch.queue.backoff.ms came later): a low limit costs a
     * second per burst. */
    QUEUED_MIN = 20000,
};

static const char out_of_range_code[] = "position_out_of_range"; /* an event, too */

struct consumer_partition *consumer_partition(const struct svc_consumer *consumer, int32_t id)
{
    for (int i = 0; i < consumer->partition_count; i++)
        if (consumer->partitions[i].id == id)
            return &consumer->partitions[i];
    return NULL;
}

/* Nothing that was fetched so far is of use. */
static void forget_fetched(struct svc_consumer *consumer)
{
    consumer->generation++;
    if (consumer->held.event != NULL)
        rd_kafka_event_destroy(consumer->held.event);
    consumer->held.event = NULL;
}

static void fail(struct svc_consumer *consumer, const char *event, const struct svc_error *err)
{
    svc_alert(event, SVC_T("topic", consumer->topic), SVC_ERR(err));
    svc_loop_fail(consumer->loop, SVC_EXIT_SOFTWARE);
}

/* Assignments */

/* NULL positions: give the assignment back. */
static void assign(struct svc_consumer *consumer, const rd_kafka_topic_partition_list_t *positions)
{
    const rd_kafka_resp_err_t code = rd_kafka_assign(consumer->rk, positions);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    struct svc_error err = {.rc = SVC_OK};
    svc_kafka_classify(code, "assign", &err);
    svc_warn("kafka_assign_failed", SVC_T("topic", consumer->topic), SVC_ERR(&err));
    consumer->fatal =
        true; /* the handle's idea of the assignment and ours differ: make a new one */
}

static void assign_nothing(struct svc_consumer *consumer)
{
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
    assign(consumer, none);
    rd_kafka_topic_partition_list_destroy(none);
}

static void assign_positions(struct svc_consumer *consumer)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(consumer->partition_count);
    for (int i = 0; i < consumer->partition_count; i++) {
        struct consumer_partition *p = &consumer->partitions[i];
        p->fetch = p->position;
        p->untold = true;
        rd_kafka_topic_partition_list_add(list, consumer->topic, p->id)->offset = p->position;
    }
    assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
}

/* Reading the positions */

/* LOADING → RUNNING, or again in a second. */
static void try_to_run(struct svc_consumer *consumer)
{
    struct svc_error err = {.rc = SVC_OK};
    switch (consumer_load_positions(consumer, &err)) {
    case SVC_OK:
        assign_positions(consumer);
        consumer->state = CONSUMER_RUNNING;
        consumer->ran = !consumer->fatal;
        svc_info("consumer_assigned", SVC_T("topic", consumer->topic),
                 SVC_N("partitions", consumer->partition_count));
        break;
    case SVC_AGAIN:
        svc_warn_limited(&consumer->load_limit, "positions_unreadable",
                         SVC_T("topic", consumer->topic), SVC_ERR(&err));
        svc_timer_after_ms(consumer->loop, &consumer->step, RETRY_MS);
        break;
    case SVC_REJECT:
    case SVC_FATAL:
        fail(consumer,
             strcmp(err.code, out_of_range_code) == 0 ? out_of_range_code : "positions_unreadable",
             &err);
        break;
    }
}

void consumer_reload(struct svc_consumer *consumer, uint32_t wait_ms)
{
    if (consumer->state != CONSUMER_RUNNING && consumer->state != CONSUMER_LOADING)
        return; /* the next assignment reads them anyway */
    forget_fetched(consumer);
    consumer->state = CONSUMER_LOADING;
    assign_nothing(consumer);
    svc_timer_after_ms(consumer->loop, &consumer->step, wait_ms);
}

void consumer_tell(struct svc_consumer *consumer)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(consumer->partition_count);
    for (int i = 0; i < consumer->partition_count; i++) {
        struct consumer_partition *p = &consumer->partitions[i];
        if (p->untold && p->position >= 0)
            rd_kafka_topic_partition_list_add(list, consumer->topic, p->id)->offset = p->position;
        p->untold = false;
    }
    if (list->cnt > 0 && consumer->rk != NULL)
        rd_kafka_commit(consumer->rk, list, 1); /* not waited for: only a metric hangs on it */
    rd_kafka_topic_partition_list_destroy(list);
}

static void on_tell_timer(void *arg)
{
    struct svc_consumer *consumer = arg;
    if (consumer->state == CONSUMER_RUNNING)
        consumer_tell(consumer);
    svc_timer_after_ms(consumer->loop, &consumer->tell, TELL_MS);
}

/* Membership */

static void subscribe(struct svc_consumer *consumer)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, consumer->topic, RD_KAFKA_PARTITION_UA);
    const rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer->rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    consumer->state = CONSUMER_JOINING;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    struct svc_error err = {.rc = SVC_OK};
    svc_kafka_classify(code, "subscribe", &err);
    svc_warn("kafka_subscribe_failed", SVC_T("topic", consumer->topic), SVC_ERR(&err));
    consumer->fatal = true;
}

void consumer_leave(struct svc_consumer *consumer)
{
    forget_fetched(consumer);
    consumer->state = CONSUMER_LEAVING;
    assign_nothing(consumer);
    rd_kafka_unsubscribe(consumer->rk);
    svc_timer_after_ms(consumer->loop, &consumer->step, RETRY_MS);
}

static void on_step_timer(void *arg)
{
    struct svc_consumer *consumer = arg;
    if (consumer->rk == NULL)
        return;
    if (consumer->state == CONSUMER_LOADING)
        try_to_run(consumer);
    else if (consumer->state == CONSUMER_LEAVING)
        subscribe(consumer);
    svc_source_again(&consumer->source);
}

static void on_assigned(struct svc_consumer *consumer, const rd_kafka_topic_partition_list_t *list)
{
    forget_fetched(consumer);
    free(consumer->partitions);
    consumer->partitions = svc_must_zalloc(((size_t)list->cnt + 1) * sizeof *consumer->partitions);
    consumer->partition_count = list->cnt;
    for (int i = 0; i < list->cnt; i++)
        consumer->partitions[i] = (struct consumer_partition){
            .id = list->elems[i].partition, .position = -1, .next = -1, .after_gap = -1};
    consumer->state = CONSUMER_LOADING;
    try_to_run(consumer);
    if (consumer->state == CONSUMER_LOADING)
        assign_nothing(
            consumer); /* the group waits for an answer; ours must not wait for Postgres */
}

static void on_revoked(struct svc_consumer *consumer)
{
    svc_info("consumer_revoked", SVC_T("topic", consumer->topic),
             SVC_N("partitions", consumer->partition_count));
    consumer_tell(consumer);
    forget_fetched(consumer);
    consumer->partition_count = 0;
    if (consumer->state != CONSUMER_LEAVING) {
        consumer->state = CONSUMER_JOINING;
        svc_timer_stop(&consumer->step);
    }
    assign(consumer, NULL);
}

/* Events */

static void out_of_range(struct svc_consumer *consumer, int32_t partition)
{
    struct svc_error err = {.rc = SVC_OK};
    const struct consumer_partition *p = consumer_partition(consumer, partition);
    svc_fail(
        &err, SVC_FATAL, "position_out_of_range",
        "partition %d has no offset %lld any more, or not yet: records were deleted before they "
        "were read, or the topic is another one; set consumer_offsets.next_offset by hand",
        partition, (long long)(p != NULL ? p->position : -1));
    fail(consumer, out_of_range_code, &err);
}

/* A killed broker may come back without its last write about the group, and then knows our instance
 * by its predecessor's member id: the fence is its mistake, and joining again mends it (measured).
 */
static bool was_away_lately(const struct svc_consumer *consumer)
{
    return consumer->away_mono_us != 0 &&
           svc_mono_us() - consumer->away_mono_us < (int64_t)AWAY_LATELY_MS * 1000;
}

/* Whatever the event says, the handle itself knows whether it can go on. */
static bool is_fatal(struct svc_consumer *consumer)
{
    char text[256];
    const rd_kafka_resp_err_t cause = rd_kafka_fatal_error(consumer->rk, text, sizeof text);
    struct svc_error err = {.rc = SVC_OK};
    if (cause == RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    svc_fail(&err, SVC_FATAL, rd_kafka_err2name(cause), "%s", text);
    if (cause == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID && !was_away_lately(consumer)) {
        fail(consumer, "instance_fenced",
             &err); /* two with one CONSUMER_INSTANCE: the younger stays */
        return true;
    }
    svc_warn("kafka_fatal", SVC_T("topic", consumer->topic), SVC_ERR(&err));
    consumer->fatal = true;
    return true;
}

static void on_error(struct svc_consumer *consumer, rd_kafka_resp_err_t code, int32_t partition,
                     const char *text)
{
    /* Of all brokers librdkafka does not always tell: not of one that it had no need to ask. */
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__TRANSPORT)
        consumer->away_mono_us = svc_mono_us();
    if (is_fatal(consumer))
        return;
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        out_of_range(consumer, partition);
        break;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
        svc_warn_limited(&consumer->error_limit, "topic_missing", SVC_T("topic", consumer->topic),
                         SVC_T("code", rd_kafka_err2name(code)), SVC_T("err", text));
        break;
    default:
        svc_warn_limited(&consumer->error_limit, "kafka_error", SVC_T("topic", consumer->topic),
                         SVC_T("code", rd_kafka_err2name(code)), SVC_T("err", text));
        break;
    }
}

static void on_error_event(struct svc_consumer *consumer, rd_kafka_event_t *event)
{
    rd_kafka_topic_partition_t *where = rd_kafka_event_topic_partition(event);
    on_error(consumer, rd_kafka_event_error(event), where != NULL ? where->partition : -1,
             rd_kafka_event_error_string(event));
    if (where != NULL)
        rd_kafka_topic_partition_destroy(where);
}

static void on_rebalance(struct svc_consumer *consumer, rd_kafka_event_t *event)
{
    if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        on_assigned(consumer, rd_kafka_event_topic_partition_list(event));
    else
        on_revoked(consumer);
}

/* A record that is not the next one. Lower: fetched before the positions were read again. Higher:
 * our topics are neither compacted nor transactional, so librdkafka may have skipped; read again
 * from where we stand, and believe it when the same one comes a second time. */
static bool believe(struct svc_consumer *consumer, struct consumer_partition *p, int64_t offset)
{
    if (offset < p->fetch)
        return false;
    svc_warn("offset_gap", SVC_T("topic", consumer->topic), SVC_N("partition", p->id),
             SVC_N("expected", p->fetch), SVC_N("offset", offset),
             SVC_N("believed", p->after_gap == offset));
    if (p->after_gap == offset)
        return true;
    p->after_gap = offset;
    consumer_reload(consumer, RETRY_MS);
    return false;
}

static bool is_next(struct svc_consumer *consumer, const rd_kafka_message_t *message)
{
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        on_error(consumer, message->err, message->partition, rd_kafka_message_errstr(message));
        return false;
    }
    struct consumer_partition *p = consumer_partition(consumer, message->partition);
    if (p == NULL || consumer->state != CONSUMER_RUNNING)
        return false;
    if (message->offset != p->fetch && !believe(consumer, p, message->offset))
        return false;
    p->fetch = message->offset + 1;
    return true;
}

/* The message when it is one to give out, else NULL. */
static const rd_kafka_message_t *on_event(struct svc_consumer *consumer, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *message = NULL;
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_FETCH:
        message = rd_kafka_event_message_next(event); /* one per event */
        return message != NULL && is_next(consumer, message) ? message : NULL;
    case RD_KAFKA_EVENT_REBALANCE:
        on_rebalance(consumer, event);
        return NULL;
    case RD_KAFKA_EVENT_ERROR:
        on_error_event(consumer, event);
        return NULL;
    case RD_KAFKA_EVENT_LOG:
        svc_kafka_log_event(&consumer->log_limit, event);
        return NULL;
    default:
        return NULL;
    }
}

/* After a fatal error. The old member is forgotten by the group after the session timeout. */
static void recreate(struct svc_consumer *consumer)
{
    struct svc_error err = {.rc = SVC_OK};
    const bool at_once =
        !consumer->ran && svc_mono_us() - consumer->opened_mono_us < (int64_t)AT_ONCE_MS * 1000;
    forget_fetched(consumer);
    consumer_close_handle(consumer);
    if (at_once) {
        svc_fail(&err, SVC_FATAL, "kafka_consumer_failed",
                 "failed at once, after it was made anew");
        fail(consumer, "kafka_consumer_failed", &err);
    } else if (consumer_open_handle(consumer, &err) != SVC_OK) {
        fail(consumer, "kafka_consumer_failed", &err);
    } else {
        svc_warn("kafka_consumer_recreated", SVC_T("topic", consumer->topic));
    }
}

struct consumer_fetched consumer_next(struct svc_consumer *consumer)
{
    const struct consumer_fetched none = {.event = NULL};
    for (int i = 0; i < EVENTS_PER_CALL; i++) {
        if (consumer->fatal)
            recreate(consumer);
        rd_kafka_event_t *event =
            consumer->rk != NULL ? rd_kafka_queue_poll(consumer->queue, 0) : NULL;
        if (event == NULL)
            return none;
        const rd_kafka_message_t *message = on_event(consumer, event);
        if (message != NULL)
            return (struct consumer_fetched){.event = event, .message = message};
        rd_kafka_event_destroy(event);
    }
    svc_source_again(&consumer->source);
    return none;
}

/* The handle */

static enum svc_rc configure(const struct svc_consumer *consumer, rd_kafka_conf_t *conf,
                             struct svc_error *err)
{
    static const struct svc_kafka_property promises[] = {
        {"enable.auto.commit", "false"}, /* positions live in Postgres */
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"}, /* a position out of range is never silently another one */
        {"partition.assignment.strategy", "roundrobin"}, /* eager; cooperative ones lose in 2.0 */
        {"session.timeout.ms", "6000"},
        {"heartbeat.interval.ms", "1500"},
        {"max.poll.interval.ms", "300000"},
        {"fetch.wait.max.ms", "500"},
        {"fetch.min.bytes", "1"},
        {"fetch.error.backoff.ms", "50"},
        {"fetch.max.bytes", "4194304"}, /* memory: a record that is larger still comes, alone */
        {"fetch.message.max.bytes", "1048576"},
        {"queued.max.messages.kbytes", "16384"},
        {"allow.auto.create.topics", "false"},
        {NULL, NULL},
    };
    const struct svc_consumer_options *options = &consumer->options;
    enum svc_rc rc = svc_kafka_conf(conf, &options->kafka, err);
    if (rc == SVC_OK)
        rc = svc_kafka_set_all(conf, promises, err);
    if (rc == SVC_OK)
        rc = svc_kafka_set(conf, "group.id", consumer->group, err);
    if (rc == SVC_OK)
        rc = svc_kafka_set_u32(conf, "queued.min.messages",
                               options->queue_max < QUEUED_MIN ? QUEUED_MIN : options->queue_max,
                               err);
    if (rc == SVC_OK && options->kafka.instance != NULL && options->kafka.instance[0] != '\0') {
        struct svc_buffer name = {.bytes = NULL};
        svc_buffer_printf(&name, "%s.%s", options->kafka.instance, options->topic);
        rc = svc_kafka_set(conf, "group.instance.id", name.bytes, err);
        svc_buffer_done(&name);
    }
    return rc;
}

enum svc_rc consumer_open_handle(struct svc_consumer *consumer, struct svc_error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum svc_rc rc = configure(consumer, conf, err);
    if (rc != SVC_OK) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_REBALANCE |
                                       RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    rc = svc_kafka_new(RD_KAFKA_CONSUMER, conf, &consumer->rk, err);
    if (rc != SVC_OK)
        return rc;
    rd_kafka_poll_set_consumer(consumer->rk);
    consumer->queue = rd_kafka_queue_get_consumer(consumer->rk);
    rd_kafka_set_log_queue(consumer->rk, consumer->queue);
    svc_kafka_wake_enable(&consumer->wake, consumer->queue);
    consumer->opened_mono_us = svc_mono_us();
    consumer->ran = consumer->fatal = false;
    consumer->partition_count = 0;
    consumer->step = (struct svc_timer){.run = on_step_timer, .arg = consumer};
    consumer->tell = (struct svc_timer){.run = on_tell_timer, .arg = consumer};
    svc_timer_after_ms(consumer->loop, &consumer->tell, TELL_MS);
    subscribe(consumer);
    return SVC_OK;
}

/* Leave the group: answer the revocation that closing makes, until the group knows, or the limit.
 */
static void leave_group(struct svc_consumer *consumer)
{
    const int64_t due = svc_mono_us() + (int64_t)CLOSE_MS * 1000;
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(consumer->rk, consumer->queue);
    if (error != NULL) { /* a fatal error closed it already */
        rd_kafka_error_destroy(error);
        return;
    }
    while (!rd_kafka_consumer_closed(consumer->rk) && svc_mono_us() < due) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(consumer->queue, 100);
        if (event == NULL)
            continue;
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
            rd_kafka_assign(consumer->rk, NULL);
        rd_kafka_event_destroy(event);
    }
}

void consumer_close_handle(struct svc_consumer *consumer)
{
    svc_timer_stop(&consumer->step);
    svc_timer_stop(&consumer->tell);
    consumer->state = CONSUMER_JOINING;
    if (consumer->rk == NULL)
        return;
    svc_kafka_wake_disable(consumer->queue);
    leave_group(consumer);
    rd_kafka_queue_destroy(consumer->queue);
    rd_kafka_destroy_flags(consumer->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    consumer->rk = NULL;
}
