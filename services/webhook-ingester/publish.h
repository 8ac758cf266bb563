/* Signals to Kafka. In the bench build's `ingester-ceiling` the same interface stands on nothing
 * (ceiling/publish.c). */
#pragma once

#include "config.h"
#include "contracts/messages.h"

#include "svc/loop.h"
#include "svc/producer.h"

struct publish;

/* on_state: brokers reached, or all down. */
enum svc_rc publish_open(struct svc_loop *loop, const struct config *config,
                         void (*on_state)(void *arg, bool reachable), void *arg,
                         struct publish **ret_publish, struct svc_error *err) SVC_CHECK;
void publish_close(struct publish **publish);

/* Topic signals.v1, key user_id. traceparent: the sender's W3C trace, as it came; NULL or not
 * valid: the signal begins a new one. The signal is packed before return. done is called once,
 * later: SVC_OK = durable; anything else = not known to be durable, it may still have landed.
 * SVC_AGAIN  not accepted (code queue_full and the like): done is not called. */
enum svc_rc publish_signal(struct publish *publish, const Tradewire__V1__Signal *signal,
                           const char *traceparent, svc_delivery_fn *done, void *arg,
                           struct svc_error *err) SVC_CHECK;
/* Wait for what is on its way, at most flush_ms. */
void publish_flush(struct publish *publish, uint32_t flush_ms);
