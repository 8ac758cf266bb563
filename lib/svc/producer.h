/* A Kafka producer on a loop: idempotent, acks=all, murmur2_random. A fatal error (librdkafka 2.0:
 * an out-of-order sequence after a possibly persisted error) re-creates the handle: the waiting
 * messages are reported SVC_AGAIN, readiness goes off and on again. Only when a new producer fails
 * at once, too, does the loop end.
 *
 * Delivery is reported once per accepted message, in the DELIVERY phase. SVC_AGAIN there means *not
 * known to be durable*: it may have landed all the same, so what is sent must be harmless when
 * repeated. */
#pragma once

#include "svc/kafka.h"
#include "svc/loop.h"

struct svc_producer;

typedef void svc_delivery_fn(void *arg, enum svc_rc rc, const struct svc_error *err);

struct svc_producer_options {
    struct svc_cfg_kafka kafka;
    uint32_t
        message_timeout_ms; /* then delivery is reported SVC_AGAIN, at most about a second later */
    uint32_t linger_us;     /* 0 … 5000 */
    uint32_t queue_max; /* messages waiting; above it, or 64 MiB, send says SVC_AGAIN queue_full */
    uint32_t message_bytes_max; /* 0: the library's default (1 MB) */
    /* Brokers reached; all down, or nothing delivered for a second and a message timed out. May be
     * NULL. An unreachable cluster is asked every 0.5 s, so readiness comes back without a message.
     */
    void (*on_state)(void *arg, bool reachable);
    void *arg;
};

enum svc_rc svc_producer_open(struct svc_loop *loop, const struct svc_producer_options *options,
                              struct svc_producer **ret_producer, struct svc_error *err) SVC_CHECK;
/* Wait at most flush_ms for the reports of what was accepted. */
void svc_producer_flush(struct svc_producer *producer, uint32_t flush_ms);
/* What is still waiting is dropped without a report. */
void svc_producer_close(struct svc_producer **producer);
/* `topic` is without the prefix. key, payload, headers are copied. done may be NULL (hints). */
enum svc_rc svc_producer_send(struct svc_producer *producer, const char *topic, const char *key,
                              const void *payload, size_t len, const struct svc_header *headers,
                              size_t header_count, svc_delivery_fn *done, void *arg,
                              struct svc_error *err) SVC_CHECK;
bool svc_producer_reachable(const struct svc_producer *producer);
/* For sequential callers (the dispatcher's dead letters): wait until everything accepted so far was
 * reported, at most timeout_ms. SVC_AGAIN when it was not. */
enum svc_rc svc_producer_wait(struct svc_producer *producer, uint32_t timeout_ms,
                              struct svc_error *err) SVC_CHECK;
