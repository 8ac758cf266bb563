/* What producer, consumer and tail share, and nobody else. */
#pragma once

#include "svc/kafka.h"
#include "svc/log.h"
#include "svc/loop.h"

/* A property and its value; NULL name ends a list. */
struct svc_kafka_property {
    const char *name, *value;
};

/* Set all of a list (svc_kafka_set). */
enum svc_rc svc_kafka_set_all(rd_kafka_conf_t *conf, const struct svc_kafka_property *properties,
                              struct svc_error *err) SVC_CHECK;
/* As svc_kafka_set, for a number. */
enum svc_rc svc_kafka_set_u32(rd_kafka_conf_t *conf, const char *name, uint32_t value,
                              struct svc_error *err) SVC_CHECK;
/* Make a handle; conf moves in, also on failure. Its log lines come as events on `log_to`'s queue.
 */
enum svc_rc svc_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret_rk,
                          struct svc_error *err) SVC_CHECK;
/* TOPIC_PREFIX + name; the caller frees it. */
char *svc_kafka_prefixed(const struct svc_cfg_kafka *kafka, const char *name);

/* A queue's wake-ups as an eventfd: an edge when the queue stops being empty. */
struct svc_kafka_wake {
    int fd; /* -1: not open */
};
enum svc_rc svc_kafka_wake_open(struct svc_kafka_wake *wake, struct svc_error *err) SVC_CHECK;
void svc_kafka_wake_enable(const struct svc_kafka_wake *wake, rd_kafka_queue_t *queue);
void svc_kafka_wake_disable(rd_kafka_queue_t *queue);
void svc_kafka_wake_up(const struct svc_kafka_wake *wake); /* from any thread */
void svc_kafka_wake_clear(const struct svc_kafka_wake *wake);
void svc_kafka_wake_close(struct svc_kafka_wake *wake);

/* A RD_KAFKA_EVENT_LOG: errors and warnings as the limited warning kafka_log, the rest at debug. */
void svc_kafka_log_event(struct svc_log_limit *limit, rd_kafka_event_t *event);
