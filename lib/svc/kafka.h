/* Kafka, as far as producer and consumer agree: settings both pin, and errors.
 * Settings that carry a promise (acks, idempotence, commits, offset reset, partitioner, group) are
 * pinned here; KAFKA_OPTIONS may add TLS and SASL properties and is refused (code `kafka_options`)
 * where it names a pinned one. */
#pragma once

#include "svc/config.h"
#include "svc/error.h"

#include <librdkafka/rdkafka.h>

struct svc_header {
    const char *name;
    const void *value;
    size_t len;
};

/* Fill conf with brokers and KAFKA_OPTIONS. On failure conf is still the caller's. */
enum svc_rc svc_kafka_conf(rd_kafka_conf_t *conf, const struct svc_cfg_kafka *kafka,
                           struct svc_error *err) SVC_CHECK;
/* Set a property that must exist; a failure is our own bug or the library's age: SVC_FATAL. */
enum svc_rc svc_kafka_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                          struct svc_error *err) SVC_CHECK;
enum svc_rc svc_kafka_classify(rd_kafka_resp_err_t code, const char *what, struct svc_error *err);
