/* See publish.h. */
#include "publish.h"

#include "contracts/topics.h"

#include "svc/text.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum {
    /* A record that was answered 503 shall have landed or be given up before its resend comes, 5 s
     * later: both would be deduplicated, at the cost of a second row. */
    MESSAGE_TIMEOUT_MS = 5000,
    TRACE_BYTES = 16 + 8, /* trace id and span id */
    TRACEPARENT_TEXT = 55,
};
static const char schema[] = "tradewire.v1.Signal";

struct publish {
    struct svc_producer *producer;
    struct svc_buffer packed;
};

enum svc_rc publish_open(struct svc_loop *loop, const struct config *config,
                         void (*on_state)(void *arg, bool reachable), void *arg,
                         struct publish **ret_publish, struct svc_error *err)
{
    struct publish *publish = calloc(1, sizeof *publish);
    if (publish == NULL)
        return svc_fail(err, SVC_FATAL, "memory_exhausted", "no memory for the producer");
    const struct svc_producer_options options = {
        .kafka = config->kafka,
        .message_timeout_ms = MESSAGE_TIMEOUT_MS,
        .linger_us = config->linger_us,
        .queue_max = config->in_flight_max,
        .on_state = on_state,
        .arg = arg,
    };
    const enum svc_rc rc = svc_producer_open(loop, &options, &publish->producer, err);
    if (rc != SVC_OK)
        publish_close(&publish);
    *ret_publish = publish;
    return rc;
}

void publish_close(struct publish **publish)
{
    if (*publish != NULL) {
        svc_producer_close(&(*publish)->producer);
        svc_buffer_done(&(*publish)->packed);
    }
    free(*publish);
    *publish = NULL;
}

/* W3C trace context: "00-<trace id>-<span id>-01"; all zeros is not allowed, and does not happen.
 */
static void new_trace(char ret[TRACEPARENT_TEXT + 1])
{
    uint8_t bytes[TRACE_BYTES];
    char hex[2 * TRACE_BYTES + 1];
    randombytes_buf(bytes, sizeof bytes);
    svc_hex(bytes, sizeof bytes, hex);
    memcpy(ret, "00-", 3);
    memcpy(ret + 3, hex, 32);
    ret[35] = '-';
    memcpy(ret + 36, hex + 32, 16);
    memcpy(ret + 52, "-01", 4);
}

enum svc_rc publish_signal(struct publish *publish, const Tradewire__V1__Signal *signal,
                           svc_delivery_fn *done, void *arg, struct svc_error *err)
{
    char trace[TRACEPARENT_TEXT + 1];
    new_trace(trace);
    contracts_pack(&signal->base, &publish->packed);
    const struct svc_header headers[] = {
        {"traceparent", trace, TRACEPARENT_TEXT},
        {"schema", schema, sizeof schema - 1},
    };
    return svc_producer_send(publish->producer, TOPIC_SIGNALS, signal->user_id,
                             publish->packed.bytes, publish->packed.len, headers,
                             sizeof headers / sizeof *headers, done, arg, err);
}

void publish_flush(struct publish *publish, uint32_t flush_ms)
{
    svc_producer_flush(publish->producer, flush_ms);
}
