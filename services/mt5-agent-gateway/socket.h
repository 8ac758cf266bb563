/* The ROUTER socket that agents connect to, with CURVE, on the loop. Gives frames to the gateway
 * and takes messages for peers; knows no message.
 *
 * Its limits: messages of 1 MiB (libzmq drops the connection of who sends more), a handshake of 1
 * s, bounded queues per peer. A peer that cannot be reached, or does not read, is an error of the
 * send, never a wait. */
#pragma once

#include "sessions.h"

#include "svc/loop.h"

struct socket_frame {
    enum { SOCKET_FRAME_GOOD, SOCKET_FRAME_PARTS, SOCKET_FRAME_EMPTY } kind;
    const char *user_id;               /* NULL: the connection has none */
    bool chosen_routing;               /* the routing id is not one that ROUTER made */
    uint8_t routing[PEER_ROUTING_LEN]; /* valid unless chosen_routing */
    const void *bytes;
    size_t len;
};

struct socket_options {
    const char *endpoint;
    const char *curve_secret;                                      /* Z85 */
    void (*on_frame)(void *arg, const struct socket_frame *frame); /* borrowed for the call */
    void *arg;
};

struct router;

/* zmq: the context, borrowed. SVC_FATAL: code listen_failed. */
enum svc_rc socket_open(struct svc_loop *loop, void *zmq, const struct socket_options *options,
                        struct router **ret_router, struct svc_error *err) SVC_CHECK;
void socket_close(struct router **router);

/* Never waits. SVC_AGAIN: code peer_gone (no such peer any more) or peer_slow (its queue is full).
 */
enum svc_rc socket_send(struct router *router, const uint8_t routing[PEER_ROUTING_LEN],
                        const void *bytes, size_t len, struct svc_error *err) SVC_CHECK;
