/* The ROUTER edge. */
#include "socket.h"

#include "contracts/messages.h"
#include "zap.h"

#include "svc/cleanup.h"
#include "svc/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include <sodium.h>
#include <zmq.h>

enum {
    CURVE_KEY_BYTES = 32,
    RECEIVE_PER_RUN = 256, /* then other sources get their turn */
    RECEIVE_QUEUE = 32,    /* messages per peer, of up to 1 MiB */
    SEND_QUEUE = 1000, /* messages per peer: the acknowledgements of a journal that was long away */
    LINGER_MS = 1000,
    HANDSHAKE_MS = 1000, /* 30 s by default: half-open connections would stay that long */
    BACKLOG = 1024,      /* all agents come at once after a restart */
    KEEPALIVE_IDLE_S = 30,
    KEEPALIVE_INTERVAL_S = 10,
    KEEPALIVE_COUNT = 3,
};

struct router {
    void *socket;
    struct svc_source source;
    struct socket_options options;
};

/* Receiving */

static int events_of(const struct router *router)
{
    int events = 0;
    size_t len = sizeof events;
    return zmq_getsockopt(router->socket, ZMQ_EVENTS, &events, &len) == 0 ? events : 0;
}

/* The ids that ROUTER makes are five bytes and begin with zero (zmq_socket(3)). A peer that names
 * itself could name itself after another that has just left, and get what is meant for that one. */
static void set_routing(struct socket_frame *frame, zmq_msg_t *id)
{
    const uint8_t *bytes = zmq_msg_data(id);
    frame->chosen_routing = zmq_msg_size(id) != PEER_ROUTING_LEN || bytes[0] != 0;
    if (!frame->chosen_routing)
        memcpy(frame->routing, bytes, PEER_ROUTING_LEN);
}

/* Read the parts behind the second: there must be none. */
static void drop_rest(const struct router *router, zmq_msg_t *part)
{
    while (zmq_msg_more(part) && zmq_msg_recv(part, router->socket, ZMQ_DONTWAIT) >= 0)
        continue;
}

static void judge(struct socket_frame *frame, zmq_msg_t *payload, bool one_part)
{
    frame->user_id = zmq_msg_gets(payload, "User-Id");
    frame->bytes = zmq_msg_data(payload);
    frame->len = zmq_msg_size(payload);
    if (!one_part)
        frame->kind = SOCKET_FRAME_PARTS;
    else if (frame->len == 0)
        frame->kind = SOCKET_FRAME_EMPTY;
}

/* One message, of which all parts are there as soon as the first is. False: nothing waits. */
static bool receive(struct router *router)
{
    struct socket_frame frame = {.kind = SOCKET_FRAME_GOOD};
    zmq_msg_t id, payload;
    (void)zmq_msg_init(&id);
    (void)zmq_msg_init(&payload);
    const bool came = zmq_msg_recv(&id, router->socket, ZMQ_DONTWAIT) >= 0;
    if (came) {
        set_routing(&frame, &id);
        const bool whole =
            zmq_msg_more(&id) && zmq_msg_recv(&payload, router->socket, ZMQ_DONTWAIT) >= 0;
        const bool one_part = whole && !zmq_msg_more(&payload);
        judge(&frame, &payload, one_part);
        router->options.on_frame(router->options.arg, &frame);
        drop_rest(router, &payload);
    }
    (void)zmq_msg_close(&payload);
    (void)zmq_msg_close(&id);
    return came;
}

static void run(void *arg, uint32_t events)
{
    struct router *router = arg;
    (void)events;
    unsigned count = 0;
    while (count < RECEIVE_PER_RUN && (events_of(router) & ZMQ_POLLIN) != 0 && receive(router))
        count++;
    if (count == RECEIVE_PER_RUN)
        svc_source_again(&router->source);
}

/* Sending */

static enum svc_rc send_failed(struct svc_error *err)
{
    const int fault = zmq_errno();
    if (fault == EAGAIN)
        return svc_fail(err, SVC_AGAIN, "peer_slow", "the peer's queue is full");
    return svc_fail(err, SVC_AGAIN, "peer_gone", "%s", zmq_strerror(fault));
}

enum svc_rc socket_send(struct router *router, const uint8_t routing[PEER_ROUTING_LEN],
                        const void *bytes, size_t len, struct svc_error *err)
{
    /* A send may take in commands of libzmq's own threads, after which its descriptor says nothing
     * about what has come: look again (measured: p99 7 times worse without). */
    svc_source_again(&router->source);
    if (zmq_send(router->socket, routing, PEER_ROUTING_LEN, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0 ||
        zmq_send(router->socket, bytes, len, ZMQ_DONTWAIT) < 0)
        return send_failed(err);
    return SVC_OK;
}

/* Opening */

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_limits(void *socket)
{
    const int64_t bytes_max = MESSAGE_ENVELOPE_BYTES_MAX;
    return set_int(socket, ZMQ_ROUTER_MANDATORY, 1) && set_int(socket, ZMQ_ROUTER_HANDOVER, 0) &&
           set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
           set_int(socket, ZMQ_LINGER, LINGER_MS) && set_int(socket, ZMQ_RCVHWM, RECEIVE_QUEUE) &&
           set_int(socket, ZMQ_SNDHWM, SEND_QUEUE) && set_int(socket, ZMQ_BACKLOG, BACKLOG) &&
           set_int(socket, ZMQ_TCP_KEEPALIVE, 1) &&
           set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S) &&
           set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_INTERVAL_S) &&
           set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_COUNT) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) == 0;
}

static bool set_curve(void *socket, const char *secret)
{
    uint8_t key[CURVE_KEY_BYTES];
    const bool good =
        zmq_z85_decode(key, secret) != NULL && set_int(socket, ZMQ_CURVE_SERVER, 1) &&
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, key, sizeof key) == 0 &&
        zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, sizeof ZAP_DOMAIN - 1) == 0;
    sodium_memzero(key, sizeof key);
    return good;
}

/* One descriptor per agent: as many as we are allowed. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            svc_warn("descriptor_limit_kept", SVC_T("err", strerrordesc_np(errno)));
    }
}

static enum svc_rc listen_on(struct router *router, void *zmq, struct svc_error *err)
{
    const struct socket_options *options = &router->options;
    size_t len = sizeof router->source.fd;
    router->socket = zmq_socket(zmq, ZMQ_ROUTER);
    if (router->socket == NULL || !set_limits(router->socket) ||
        !set_curve(router->socket, options->curve_secret))
        return svc_fail(err, SVC_FATAL, "zmq_failed", "%s", zmq_strerror(zmq_errno()));
    if (zmq_bind(router->socket, options->endpoint) != 0 ||
        zmq_getsockopt(router->socket, ZMQ_FD, &router->source.fd, &len) != 0)
        return svc_fail(err, SVC_FATAL, "listen_failed", "%s: %s", options->endpoint,
                        zmq_strerror(zmq_errno()));
    return SVC_OK;
}

enum svc_rc socket_open(struct svc_loop *loop, void *zmq, const struct socket_options *options,
                        struct router **ret_router, struct svc_error *err)
{
    SVC_CLEANUP(socket_close) struct router *router = calloc(1, sizeof *router);
    if (router == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "ROUTER socket");
    router->options = *options;
    raise_descriptor_limit();
    const enum svc_rc rc = listen_on(router, zmq, err);
    if (rc != SVC_OK)
        return rc;
    router->source.events = EPOLLIN;
    router->source.phase = SVC_PHASE_PEER;
    router->source.run = run;
    router->source.arg = router;
    svc_source_add(loop, &router->source);
    svc_source_again(&router->source);
    *ret_router = router;
    router = NULL;
    return SVC_OK;
}

void socket_close(struct router **router)
{
    struct router *closing = *router;
    *router = NULL;
    if (closing == NULL)
        return;
    svc_source_remove(&closing->source);
    if (closing->socket != NULL)
        (void)zmq_close(closing->socket);
    free(closing);
}
