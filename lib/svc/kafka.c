/* Settings and errors that producer, consumer and tail agree on.
 *
 * Everything set here or in producer.c, consumer.c and tail.c is pinned: KAFKA_OPTIONS is applied
 * first and may not name it, nor one of its aliases. */
#include "kafka_internal.h"

#include "svc/cleanup.h"
#include "svc/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* With a '*' at the end: every property that begins so. */
static const char *const pinned[] = {
    "bootstrap.servers",
    "metadata.broker.list",
    /* what an acknowledged record means */
    "acks",
    "request.required.acks",
    "enable.idempotence",
    "enable.gapless.guarantee",
    "transactional.id",
    "transaction.timeout.ms",
    "max.in.flight*",
    "retries",
    "message.send.max.retries",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "request.timeout.ms",
    "partitioner",
    "msg_order_cmp",
    "queuing.strategy",
    "linger.ms",
    "queue.buffering.*",
    "message.max.bytes",
    /* where a consumer stands */
    "group.*",
    "client.group*",
    "enable.auto.commit",
    "auto.commit.*",
    "enable.auto.offset.store",
    "offset.store.*",
    "auto.offset.reset",
    "isolation.level",
    "enable.partition.eof",
    "partition.assignment.strategy",
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "allow.auto.create.topics",
    /* memory and time limits */
    "queued.*",
    "fetch.*",
    "max.partition.fetch.bytes",
    "receive.message.max.bytes",
    "reconnect.backoff.*",
    "socket.keepalive.enable",
    "socket.timeout.ms",
    "topic.metadata.refresh.interval.ms",
    "topic.metadata.refresh.sparse",
    "statistics.interval.ms",
    "log.*",
    "enable.random.seed",
    "plugin.library.paths",
    "test.*",
};

static bool is_pinned(const char *name)
{
    for (size_t i = 0; i < sizeof pinned / sizeof pinned[0]; i++) {
        const size_t len = strlen(pinned[i]);
        const bool open = pinned[i][len - 1] == '*';
        if (open ? strncasecmp(name, pinned[i], len - 1) == 0 : strcasecmp(name, pinned[i]) == 0)
            return true;
    }
    return false;
}

enum svc_rc svc_kafka_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                          struct svc_error *err)
{
    char text[sizeof err->text];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK)
        return SVC_OK;
    return svc_fail(err, SVC_FATAL, "kafka_conf", "%s: %s", name, text);
}

enum svc_rc svc_kafka_set_u32(rd_kafka_conf_t *conf, const char *name, uint32_t value,
                              struct svc_error *err)
{
    char text[16];
    snprintf(text, sizeof text, "%u", value);
    return svc_kafka_set(conf, name, text, err);
}

enum svc_rc svc_kafka_set_all(rd_kafka_conf_t *conf, const struct svc_kafka_property *properties,
                              struct svc_error *err)
{
    enum svc_rc rc = SVC_OK;
    for (; properties->name != NULL && rc == SVC_OK; properties++)
        rc = svc_kafka_set(conf, properties->name, properties->value, err);
    return rc;
}

/* One name and value of KAFKA_OPTIONS. The value may be a password, so no message repeats it. */
static enum svc_rc set_option(rd_kafka_conf_t *conf, const char *name, const char *value,
                              struct svc_error *err)
{
    char unused[256]; /* librdkafka's text quotes the value */
    if (is_pinned(name))
        return svc_fail(err, SVC_FATAL, "kafka_options", "KAFKA_OPTIONS may not set %s", name);
    switch (rd_kafka_conf_set(conf, name, value, unused, sizeof unused)) {
    case RD_KAFKA_CONF_OK:
        return SVC_OK;
    case RD_KAFKA_CONF_UNKNOWN:
        return svc_fail(err, SVC_FATAL, "kafka_options", "KAFKA_OPTIONS: no property %s", name);
    case RD_KAFKA_CONF_INVALID:
    default:
        return svc_fail(err, SVC_FATAL, "kafka_options", "KAFKA_OPTIONS: bad value for %s", name);
    }
}

/* Cut the next option off *rest, in place: up to a comma that no backslash stands before. */
static char *next_option(char **rest)
{
    char *from = *rest, *out = *rest, *in = *rest;
    for (; *in != '\0' && *in != ','; in++) {
        if (in[0] == '\\' && (in[1] == ',' || in[1] == '\\'))
            in++;
        *out++ = *in;
    }
    *rest = *in == ',' ? in + 1 : in;
    *out = '\0';
    return from;
}

static char *trim(char *text)
{
    while (*text == ' ')
        text++;
    for (size_t len = strlen(text); len > 0 && text[len - 1] == ' '; len--)
        text[len - 1] = '\0';
    return text;
}

static enum svc_rc set_options(rd_kafka_conf_t *conf, const char *options, struct svc_error *err)
{
    const size_t size = strlen(options) + 1;
    SVC_FREE char *copy = svc_must_alloc(size);
    memcpy(copy, options, size);
    enum svc_rc rc = SVC_OK;
    for (char *rest = copy; *rest != '\0' && rc == SVC_OK;) {
        char *option = trim(next_option(&rest));
        char *equals = strchr(option, '=');
        if (*option == '\0')
            continue;
        if (equals == NULL)
            return svc_fail(err, SVC_FATAL, "kafka_options",
                            "KAFKA_OPTIONS: expected name=value[,name=value]");
        *equals = '\0';
        rc = set_option(conf, trim(option), trim(equals + 1), err);
    }
    return rc;
}

enum svc_rc svc_kafka_conf(rd_kafka_conf_t *conf, const struct svc_cfg_kafka *kafka,
                           struct svc_error *err)
{
    static const struct svc_kafka_property common[] = {
        {"socket.keepalive.enable", "true"},
        /* Above the longest fetch wait; a broker that says nothing for so long is left. */
        {"socket.timeout.ms", "10000"},
        {"reconnect.backoff.ms", "50"},
        {"reconnect.backoff.max.ms", "1000"}, /* a broker that is back is found within a second */
        {"topic.metadata.refresh.interval.ms", "5000"}, /* and a topic made later, within five */
        {"log.queue", "true"},
        {"log.connection.close", "false"},
        {NULL, NULL},
    };
    enum svc_rc rc = set_options(conf, kafka->options, err);
    if (rc == SVC_OK)
        rc = svc_kafka_set(conf, "bootstrap.servers", kafka->brokers, err);
    if (rc == SVC_OK)
        rc = svc_kafka_set_all(conf, common, err);
    return rc;
}

enum svc_rc svc_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret_rk,
                          struct svc_error *err)
{
    char text[sizeof err->text];
    *ret_rk = rd_kafka_new(type, conf, text, sizeof text);
    if (*ret_rk != NULL)
        return SVC_OK;
    rd_kafka_conf_destroy(conf); /* librdkafka takes it on success only */
    return svc_fail(err, SVC_FATAL, "kafka_conf", "Kafka client: %s", text);
}

char *svc_kafka_prefixed(const struct svc_cfg_kafka *kafka, const char *name)
{
    const size_t prefix = strlen(kafka->topic_prefix), len = strlen(name);
    char *full = svc_must_alloc(prefix + len + 1);
    memcpy(full, kafka->topic_prefix, prefix);
    memcpy(full + prefix, name, len + 1);
    return full;
}

enum svc_rc svc_kafka_classify(rd_kafka_resp_err_t code, const char *what, struct svc_error *err)
{
    enum svc_rc rc = SVC_AGAIN;
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return svc_fail(err, SVC_AGAIN, "queue_full", "%s: too many messages wait", what);
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
        rc = SVC_REJECT;
        break;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        rc = SVC_FATAL;
        break;
    default: /* timeouts, transport, no leader yet, unknown topic: they pass */
        break;
    }
    return svc_fail(err, rc, rd_kafka_err2name(code), "%s: %s", what, rd_kafka_err2str(code));
}

enum svc_rc svc_kafka_wake_open(struct svc_kafka_wake *wake, struct svc_error *err)
{
    wake->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake->fd < 0)
        return svc_fail(err, SVC_FATAL, "eventfd", "eventfd: %s", strerrordesc_np(errno));
    return SVC_OK;
}

void svc_kafka_wake_enable(const struct svc_kafka_wake *wake, rd_kafka_queue_t *queue)
{
    static const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(queue, wake->fd, &one, sizeof one);
}

void svc_kafka_wake_disable(rd_kafka_queue_t *queue)
{
    rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
}

void svc_kafka_wake_up(const struct svc_kafka_wake *wake)
{
    static const uint64_t one = 1;
    if (write(wake->fd, &one, sizeof one) < 0)
        return; /* EAGAIN: it is up as far as can be */
}

void svc_kafka_wake_clear(const struct svc_kafka_wake *wake)
{
    uint64_t count;
    if (read(wake->fd, &count, sizeof count) < 0)
        return; /* EAGAIN: asked for without an edge */
}

void svc_kafka_wake_close(struct svc_kafka_wake *wake)
{
    if (wake->fd >= 0)
        close(wake->fd);
    wake->fd = -1;
}

void svc_kafka_log_event(struct svc_log_limit *limit, rd_kafka_event_t *event)
{
    enum { SYSLOG_WARNING = 4 };
    const char *facility = NULL, *text = NULL;
    int level = 0;
    if (rd_kafka_event_log(event, &facility, &text, &level) != 0)
        return;
    if (level <= SYSLOG_WARNING)
        svc_warn_limited(limit, "kafka_log", SVC_T("code", facility), SVC_T("err", text));
    else
        svc_debug("kafka_log", SVC_T("code", facility), SVC_T("err", text));
}
