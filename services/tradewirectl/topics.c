/* Topics through librdkafka's admin interface. */
#include "topics.h"

#include "contracts/topics.h"
#include "output.h"

#include "svc/kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_MS = 20000, NAME_MAX_BYTES = 250, REPLICAS_MAX = 3 };

struct admin {
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    const struct rd_kafka_metadata *metadata;
    const char *prefix;
};

static void admin_close(struct admin *admin)
{
    if (admin->metadata != NULL)
        rd_kafka_metadata_destroy(admin->metadata);
    if (admin->queue != NULL)
        rd_kafka_queue_destroy(admin->queue);
    if (admin->client != NULL)
        rd_kafka_destroy(admin->client);
}

/* To a code that docs/codes.md explains; librdkafka's own name of the error stays in the text. */
static enum svc_rc classify(rd_kafka_resp_err_t code, const char *what, struct svc_error *err)
{
    const enum svc_rc rc = svc_kafka_classify(code, what, err);
    return output_fail(err, rc, rc == SVC_AGAIN ? CODE_KAFKA_UNREACHABLE : CODE_KAFKA_REFUSED,
                       "%s (%s)", err->text, rd_kafka_err2name(code));
}

static enum svc_rc read_metadata(struct admin *admin, struct svc_error *err)
{
    if (admin->metadata != NULL)
        rd_kafka_metadata_destroy(admin->metadata);
    admin->metadata = NULL;
    const rd_kafka_resp_err_t code =
        rd_kafka_metadata(admin->client, 1, NULL, &admin->metadata, ANSWER_MS);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? SVC_OK : classify(code, "read the topics", err);
}

static enum svc_rc admin_open(const struct svc_cfg_kafka *kafka, struct admin *admin,
                              struct svc_error *err)
{
    char text[256];
    if (kafka->brokers[0] == '\0')
        return output_fail(err, SVC_REJECT, CODE_BAD_CONFIG, "KAFKA_BROKERS is not set");
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum svc_rc rc = svc_kafka_conf(conf, kafka, err);
    if (rc != SVC_OK) {
        rd_kafka_conf_destroy(conf);
        return output_fail(err, rc, CODE_BAD_CONFIG, "%s", err->text);
    }
    admin->prefix = kafka->topic_prefix;
    admin->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (admin->client == NULL) {
        rd_kafka_conf_destroy(conf);
        return output_fail(err, SVC_FATAL, CODE_BAD_CONFIG, "%s", text);
    }
    admin->queue = rd_kafka_queue_new(admin->client);
    return read_metadata(admin, err);
}

/* One wanted topic: a specification, or its dead letters. */
struct wanted {
    char name[NAME_MAX_BYTES];
    int32_t partitions;
    int64_t retention_ms;
    int32_t message_bytes_max;
    int replicas; /* it has, or gets */
    bool append_time;
};

static struct wanted wanted_topic(const struct admin *admin, const struct topic_spec *spec,
                                  bool dead_letters)
{
    struct wanted w = {.partitions = dead_letters ? TOPIC_DLQ_PARTITIONS : spec->partitions,
                       .retention_ms = dead_letters ? TOPIC_DLQ_RETENTION_MS : spec->retention_ms,
                       .message_bytes_max = spec->message_bytes_max,
                       .append_time = spec->append_time && !dead_letters};
    (void)snprintf(w.name, sizeof w.name, "%s%s%s", admin->prefix, spec->name,
                   dead_letters ? TOPIC_DLQ_SUFFIX : "");
    return w;
}

/* Three copies where there are three brokers, of which two must have a record before it counts. */
static int replicas(const struct admin *admin)
{
    return admin->metadata->broker_cnt < REPLICAS_MAX ? 1 : REPLICAS_MAX;
}

struct setting {
    const char *name;
    char value[24];
};

int topics_min_insync(int replicas)
{
    return replicas >= REPLICAS_MAX ? 2 : 1;
}

int topics_replicas(const struct rd_kafka_metadata_topic *topic)
{
    int fewest = topic->partition_cnt > 0 ? topic->partitions[0].replica_cnt : 0;
    for (int i = 1; i < topic->partition_cnt; i++)
        if (topic->partitions[i].replica_cnt < fewest)
            fewest = topic->partitions[i].replica_cnt;
    return fewest;
}

static int wanted_settings(const struct wanted *w, struct setting ret[5])
{
    int n = 0;
    ret[n] = (struct setting){.name = "retention.ms"};
    (void)snprintf(ret[n++].value, sizeof ret->value, "%" PRId64, w->retention_ms);
    ret[n] = (struct setting){.name = "min.insync.replicas"};
    (void)snprintf(ret[n++].value, sizeof ret->value, "%d", topics_min_insync(w->replicas));
    ret[n++] = (struct setting){.name = "unclean.leader.election.enable", .value = "false"};
    ret[n] = (struct setting){.name = "message.timestamp.type"};
    (void)snprintf(ret[n++].value, sizeof ret->value, "%s",
                   w->append_time ? "LogAppendTime" : "CreateTime");
    if (w->message_bytes_max > 0) {
        ret[n] = (struct setting){.name = "max.message.bytes"};
        (void)snprintf(ret[n++].value, sizeof ret->value, "%" PRId32, w->message_bytes_max);
    }
    return n;
}

static const struct rd_kafka_metadata_topic *existing(const struct admin *admin, const char *name)
{
    for (int i = 0; i < admin->metadata->topic_cnt; i++)
        if (strcmp(admin->metadata->topics[i].topic, name) == 0 &&
            admin->metadata->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR)
            return &admin->metadata->topics[i];
    return NULL;
}

static enum svc_rc event_result(struct admin *admin, rd_kafka_event_t **ret_event, const char *what,
                                struct svc_error *err)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(admin->queue, ANSWER_MS);
    if (event == NULL)
        return output_fail(err, SVC_AGAIN, CODE_KAFKA_UNREACHABLE,
                           "%s: no answer from Kafka in %d s", what, ANSWER_MS / 1000);
    const rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        const enum svc_rc rc = classify(code, what, err);
        rd_kafka_event_destroy(event);
        return rc;
    }
    *ret_event = event;
    return SVC_OK;
}

static enum svc_rc create(struct admin *admin, const struct wanted *w, struct svc_error *err)
{
    char text[256];
    struct setting settings[5];
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(w->name, w->partitions, w->replicas, text, sizeof text);
    if (topic == NULL)
        return output_fail(err, SVC_REJECT, CODE_BAD_CONFIG, "%s: %s", w->name, text);
    for (int i = 0, n = wanted_settings(w, settings); i < n; i++)
        (void)rd_kafka_NewTopic_set_config(topic, settings[i].name, settings[i].value);
    rd_kafka_CreateTopics(admin->client, &topic, 1, NULL, admin->queue);
    rd_kafka_event_t *event = NULL;
    enum svc_rc rc = event_result(admin, &event, w->name, err);
    rd_kafka_NewTopic_destroy(topic);
    if (rc != SVC_OK)
        return rc;
    size_t count = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    const rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
    /* Two runs at once: the other one made it. */
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        rc = classify(code, w->name, err);
    rd_kafka_event_destroy(event);
    return rc;
}

/* AlterConfigs replaces all settings of the topic; ours is the complete list (librdkafka 2.0 has no
 * incremental form). */
static enum svc_rc set_settings(struct admin *admin, const struct wanted *w, struct svc_error *err)
{
    struct setting settings[5];
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, w->name);
    for (int i = 0, n = wanted_settings(w, settings); i < n; i++)
        (void)rd_kafka_ConfigResource_set_config(resource, settings[i].name, settings[i].value);
    rd_kafka_AlterConfigs(admin->client, &resource, 1, NULL, admin->queue);
    rd_kafka_event_t *event = NULL;
    enum svc_rc rc = event_result(admin, &event, w->name, err);
    rd_kafka_ConfigResource_destroy(resource);
    if (rc != SVC_OK)
        return rc;
    size_t count = 0;
    const rd_kafka_ConfigResource_t **results =
        rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event), &count);
    if (rd_kafka_ConfigResource_error(results[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        rc = classify(rd_kafka_ConfigResource_error(results[0]), w->name, err);
    rd_kafka_event_destroy(event);
    return rc;
}

/* Copies are made with the topic; moving an existing one is the brokers' work, and a person's
 * decision. */
static const char *state_of(const struct admin *admin, const struct wanted *w, bool there)
{
    if (!there)
        return "created";
    return w->replicas < replicas(admin) ? "settings applied, too few replicas"
                                         : "settings applied";
}

static enum svc_rc apply_one(struct admin *admin, struct wanted *w, json_t *rows,
                             struct svc_error *err)
{
    const struct rd_kafka_metadata_topic *there = existing(admin, w->name);
    if (there != NULL && there->partition_cnt != w->partitions)
        return output_fail(
            err, SVC_REJECT, CODE_PARTITION_COUNT,
            "%s has %d partitions, not %d; changing the count would break the order of every key",
            w->name, there->partition_cnt, w->partitions);
    w->replicas = there != NULL ? topics_replicas(there) : replicas(admin);
    const enum svc_rc rc = there == NULL ? create(admin, w, err) : set_settings(admin, w, err);
    if (rc == SVC_OK)
        json_array_append_new(rows,
                              json_pack("{s:s, s:i, s:i, s:s}", "topic", w->name, "partitions",
                                        (int)w->partitions, "replicas", w->replicas, "state",
                                        state_of(admin, w, there != NULL)));
    return rc;
}

enum svc_rc topics_apply(const struct svc_cfg_kafka *kafka, json_t **ret_rows,
                         struct svc_error *err)
{
    struct admin admin = {0};
    json_t *rows = json_array();
    enum svc_rc rc = admin_open(kafka, &admin, err);
    for (int i = 0; i < topic_spec_count && rc == SVC_OK; i++) {
        struct wanted w = wanted_topic(&admin, &topic_specs[i], false);
        rc = apply_one(&admin, &w, rows, err);
        if (rc == SVC_OK && topic_specs[i].dead_letters) {
            w = wanted_topic(&admin, &topic_specs[i], true);
            rc = apply_one(&admin, &w, rows, err);
        }
    }
    admin_close(&admin);
    if (rc == SVC_OK)
        *ret_rows = rows;
    else
        json_decref(rows);
    return rc;
}
