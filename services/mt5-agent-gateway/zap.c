/* Answering ZAP requests. */
#include "zap.h"

#include "sessions.h"

#include "svc/cleanup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <zmq.h>

enum {
    ZAP_PARTS_MAX = 16,
    ZAP_PART_BYTES_MAX = 255, /* RFC 27's longest part */
    CURVE_KEY_BYTES = 32,
};
/* RFC 27, "ZAP Protocol Requests": the order of the parts. */
enum {
    ZAP_VERSION,
    ZAP_REQUEST_ID,
    ZAP_DOMAIN_PART,
    ZAP_ADDRESS,
    ZAP_IDENTITY,
    ZAP_MECHANISM,
    ZAP_KEY
};

struct zap {
    void *socket;
    struct svc_source source;
    struct svc_counter *requests;
};

struct zap_request {
    unsigned parts;
    size_t len[ZAP_PARTS_MAX];
    uint8_t bytes[ZAP_PARTS_MAX][ZAP_PART_BYTES_MAX];
};

static bool part_is(const struct zap_request *r, unsigned part, const char *text)
{
    return r->len[part] == strlen(text) && memcmp(r->bytes[part], text, r->len[part]) == 0;
}

static bool more_parts(void *socket)
{
    int more = 0;
    size_t len = sizeof more;
    return zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &len) == 0 && more != 0;
}

/* False: nothing waits. Parts past the limits are cut; such a request is not one of ours. */
static bool receive(void *socket, struct zap_request *ret)
{
    ret->parts = 0;
    do {
        uint8_t rest[ZAP_PART_BYTES_MAX];
        const bool kept = ret->parts < ZAP_PARTS_MAX;
        int len = zmq_recv(socket, kept ? ret->bytes[ret->parts] : rest, ZAP_PART_BYTES_MAX,
                           ZMQ_DONTWAIT);
        if (len < 0)
            return false;
        if (kept)
            ret->len[ret->parts++] =
                len > ZAP_PART_BYTES_MAX ? (size_t)ZAP_PART_BYTES_MAX : (size_t)len;
    } while (more_parts(socket));
    return true;
}

static bool acceptable(const struct zap_request *r)
{
    return r->parts == ZAP_KEY + 1 && part_is(r, ZAP_VERSION, "1.0") &&
           part_is(r, ZAP_DOMAIN_PART, ZAP_DOMAIN) && part_is(r, ZAP_MECHANISM, "CURVE") &&
           r->len[ZAP_KEY] == CURVE_KEY_BYTES;
}

static void send_part(void *socket, const void *bytes, size_t len, int more)
{
    /* inproc, to libzmq itself: it takes the answer, or is closing. */
    (void)zmq_send(socket, bytes, len, ZMQ_DONTWAIT | more);
}

static void answer(void *socket, const struct zap_request *r)
{
    const bool good = acceptable(r);
    char user_id[PEER_USER_ID_LEN + 1] = "";
    if (good)
        (void)zmq_z85_encode(user_id, r->bytes[ZAP_KEY], CURVE_KEY_BYTES);
    send_part(socket, "1.0", 3, ZMQ_SNDMORE);
    send_part(socket, r->bytes[ZAP_REQUEST_ID], r->parts > ZAP_REQUEST_ID ? r->len[1] : 0,
              ZMQ_SNDMORE);
    send_part(socket, good ? "200" : "400", 3, ZMQ_SNDMORE);
    send_part(socket, "", 0, ZMQ_SNDMORE);
    send_part(socket, user_id, strlen(user_id), ZMQ_SNDMORE);
    send_part(socket, "", 0, 0);
}

static void run(void *arg, uint32_t events)
{
    struct zap *zap = arg;
    struct zap_request request;
    (void)events;
    /* Its descriptor is an edge: until nothing waits. */
    while (receive(zap->socket, &request)) {
        svc_counter_add(zap->requests, 0, 1);
        answer(zap->socket, &request);
    }
}

enum svc_rc zap_open(struct svc_loop *loop, void *zmq, struct svc_counter *requests,
                     struct zap **ret_zap, struct svc_error *err)
{
    SVC_CLEANUP(zap_close) struct zap *zap = calloc(1, sizeof *zap);
    if (zap == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "ZAP handler");
    const int linger = 0;
    zap->requests = requests;
    zap->socket = zmq_socket(zmq, ZMQ_REP);
    size_t len = sizeof zap->source.fd;
    if (zap->socket == NULL ||
        zmq_setsockopt(zap->socket, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        zmq_bind(zap->socket, "inproc://zeromq.zap.01") != 0 ||
        zmq_getsockopt(zap->socket, ZMQ_FD, &zap->source.fd, &len) != 0)
        return svc_fail(err, SVC_FATAL, "zmq_failed", "ZAP handler: %s", zmq_strerror(zmq_errno()));
    zap->source.events = EPOLLIN;
    zap->source.phase = SVC_PHASE_PEER;
    zap->source.run = run;
    zap->source.arg = zap;
    svc_source_add(loop, &zap->source);
    svc_source_again(&zap->source);
    *ret_zap = zap;
    zap = NULL;
    return SVC_OK;
}

void zap_close(struct zap **zap)
{
    struct zap *closing = *zap;
    *zap = NULL;
    if (closing == NULL)
        return;
    svc_source_remove(&closing->source);
    if (closing->socket != NULL)
        (void)zmq_close(closing->socket);
    free(closing);
}
