/* The other publish.c, of the bench build's `ingester-ceiling`: everything but Kafka. A signal is
 * packed as always and reported "durable" in the next turn of the loop, from the phase in which
 * Kafka's reports come. What tests/bench measures against it is the cost of durability. Never part
 * of the shipped program. */
#include "publish.h"

#include <stdlib.h>

struct report {
    svc_delivery_fn *done;
    void *arg;
};

struct publish {
    struct svc_source source;
    struct svc_buffer packed;
    struct report *reports; /* of this turn; as many as requests may wait */
    uint32_t count, max;
};

static void report(void *arg, uint32_t events)
{
    struct publish *publish = arg;
    const struct svc_error none = {.rc = SVC_OK};
    (void)events;
    for (uint32_t i = 0; i < publish->count; i++)
        publish->reports[i].done(publish->reports[i].arg, SVC_OK, &none);
    publish->count = 0;
}

enum svc_rc publish_open(struct svc_loop *loop, const struct config *config,
                         void (*on_state)(void *arg, bool reachable), void *arg,
                         struct publish **ret_publish, struct svc_error *err)
{
    struct publish *publish = calloc(1, sizeof *publish);
    struct report *reports = calloc(config->in_flight_max, sizeof *reports);
    if (publish == NULL || reports == NULL) {
        free(publish);
        free(reports);
        return svc_fail(err, SVC_FATAL, "memory_exhausted", "no memory for reports");
    }
    publish->reports = reports;
    publish->max = config->in_flight_max;
    publish->source =
        (struct svc_source){.fd = -1, .phase = SVC_PHASE_DELIVERY, .run = report, .arg = publish};
    svc_source_add(loop, &publish->source);
    on_state(arg, true);
    *ret_publish = publish;
    return SVC_OK;
}

void publish_close(struct publish **publish)
{
    if (*publish != NULL) {
        svc_source_remove(&(*publish)->source);
        svc_buffer_done(&(*publish)->packed);
        free((*publish)->reports);
    }
    free(*publish);
    *publish = NULL;
}

enum svc_rc publish_signal(struct publish *publish, const Tradewire__V1__Signal *signal,
                           const char *traceparent, svc_delivery_fn *done, void *arg,
                           struct svc_error *err)
{
    (void)traceparent;
    if (publish->count == publish->max)
        return svc_fail(err, SVC_AGAIN, "queue_full", "%u reports wait", publish->count);
    contracts_pack(&signal->base, &publish->packed);
    publish->reports[publish->count++] = (struct report){.done = done, .arg = arg};
    svc_source_again(&publish->source);
    return SVC_OK;
}

void publish_flush(struct publish *publish, uint32_t flush_ms)
{
    (void)flush_ms;
    report(publish, 0);
}
