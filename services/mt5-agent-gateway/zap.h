/* The ZAP handler (ZeroMQ RFC 27): libzmq asks it about every CURVE handshake. Any key may connect,
 * since the hello decides who is an agent; what it does is to give each connection its identity:
 * the client's public key, in Z85, becomes the User-Id of all its messages. Must be open before the
 * router binds. */
#pragma once

#include "svc/loop.h"
#include "svc/metrics.h"

#define ZAP_DOMAIN "tradewire"

struct zap;

/* zmq: the context, borrowed. requests: counts handshakes. SVC_FATAL: there is another handler. */
enum svc_rc zap_open(struct svc_loop *loop, void *zmq, struct svc_counter *requests,
                     struct zap **ret_zap, struct svc_error *err) SVC_CHECK;
void zap_close(struct zap **zap);
