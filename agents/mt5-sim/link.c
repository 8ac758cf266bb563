/* The TCP connection to mt5-agent. */
#include "link.h"

#include "wire/jsonline.h"

#include "svc/log.h"
#include "svc/retry.h"
#include "svc/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OUTPUT_MAX = 1024 * 1024, INPUT_MAX = 4 * JSONLINE_BYTES_MAX };

struct link {
    struct svc_loop *loop;
    struct sockaddr_in address;
    struct link_events events;
    struct svc_source source;
    struct svc_timer again;
    struct svc_retry retry;
    struct svc_buffer in, out;
    bool connected, held;
};

static void run(void *arg, uint32_t events);

static void retry_later(struct link *link)
{
    svc_timer_after_ms(link->loop, &link->again, svc_retry_next_ms(&link->retry));
}

static void disconnect(struct link *link)
{
    bool was_connected = link->connected;
    if (link->source.fd >= 0) {
        svc_source_remove(&link->source);
        (void)close(link->source.fd);
    }
    link->source.fd = -1;
    link->connected = false;
    svc_buffer_reset(&link->in);
    svc_buffer_reset(&link->out);
    retry_later(link);
    if (was_connected)
        link->events.closed(link->events.arg);
}

static void connect_now(void *arg)
{
    struct link *link = arg;
    if (link->held) { /* an order of the last connection is still under way */
        retry_later(link);
        return;
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        retry_later(link);
        return;
    }
    link->source = (struct svc_source){
        .fd = fd, .events = EPOLLOUT, .phase = SVC_PHASE_PEER, .run = run, .arg = link};
    svc_source_add(link->loop, &link->source);
    const struct sockaddr *address = (const struct sockaddr *)&link->address;
    if (connect(fd, address, sizeof link->address) != 0 && errno != EINPROGRESS)
        disconnect(link);
}

static void finish_connect(struct link *link)
{
    int fault = 0, on = 1;
    socklen_t len = sizeof fault;
    (void)getsockopt(link->source.fd, SOL_SOCKET, SO_ERROR, &fault, &len);
    if (fault != 0) {
        static struct svc_log_limit limit;
        svc_warn_limited(&limit, "agent_unreachable", SVC_T("err", strerrordesc_np(fault)));
        disconnect(link);
        return;
    }
    (void)setsockopt(link->source.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    link->connected = true;
    svc_retry_reset(&link->retry);
    svc_source_events(&link->source, EPOLLIN);
    link->events.opened(link->events.arg);
}

static void write_out(struct link *link)
{
    while (link->out.len > 0) {
        ssize_t sent = send(link->source.fd, link->out.bytes, link->out.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN) {
            disconnect(link);
            return;
        }
        if (sent < 0)
            break;
        link->out.len -= (size_t)sent;
        memmove(link->out.bytes, link->out.bytes + sent, link->out.len);
    }
    svc_source_events(&link->source, link->out.len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* False: the connection is gone. */
static bool read_in(struct link *link)
{
    char chunk[16 * 1024];
    for (;;) {
        ssize_t got = recv(link->source.fd, chunk, sizeof chunk, 0);
        if (got > 0)
            svc_buffer_add(&link->in, chunk, (size_t)got);
        else if (got < 0 && errno == EINTR)
            continue;
        else if (got < 0 && errno == EAGAIN)
            return true;
        else
            return false;
        if (link->in.len > INPUT_MAX)
            return true; /* level-triggered: the rest comes in the next turn */
    }
}

/* Hand out whole lines until there is none, or the receiver holds, or drops the connection. */
static void deliver(struct link *link)
{
    while (link->connected && !link->held && link->in.len > 0) {
        char *end = memchr(link->in.bytes, '\n', link->in.len);
        if (end == NULL)
            break;
        size_t len = (size_t)(end - link->in.bytes);
        char line[JSONLINE_BYTES_MAX];
        if (len >= sizeof line) {
            svc_warn("line_too_long", SVC_N("bytes", len));
            disconnect(link);
            return;
        }
        memcpy(line, link->in.bytes, len);
        link->in.len -= len + 1;
        memmove(link->in.bytes, end + 1, link->in.len);
        link->events.line(link->events.arg, line, len);
    }
    if (link->connected && link->in.len >= JSONLINE_BYTES_MAX &&
        memchr(link->in.bytes, '\n', link->in.len) == NULL)
        disconnect(link);
}

static void run(void *arg, uint32_t events)
{
    struct link *link = arg;
    if (!link->connected) {
        if (events != 0)
            finish_connect(link);
        return;
    }
    bool open = true;
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
        open = read_in(link);
    deliver(link);
    if (!open && link->connected)
        disconnect(link);
    if (link->connected && link->out.len > 0)
        write_out(link);
}

static enum svc_rc parse_address(const char *text, struct sockaddr_in *ret, struct svc_error *err)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    if (colon == NULL || (size_t)(colon - text) >= sizeof host ||
        svc_parse_u64(colon + 1, 1, 65535, &port) != 0)
        return svc_fail(err, SVC_REJECT, "bad_address", "\"%s\" is not address:port", text);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    *ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, host, &ret->sin_addr) != 1)
        return svc_fail(err, SVC_REJECT, "bad_address", "\"%s\" is not an IPv4 address", host);
    return SVC_OK;
}

enum svc_rc link_open(struct svc_loop *loop, const char *address, const struct link_events *events,
                      struct link **ret_link, struct svc_error *err)
{
    struct link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "link: out of memory");
    link->loop = loop;
    link->events = *events;
    link->source.fd = -1;
    link->retry = (struct svc_retry){.base_ms = 50, .cap_ms = 1000};
    link->again = (struct svc_timer){.run = connect_now, .arg = link};
    if (parse_address(address, &link->address, err) != SVC_OK) {
        free(link);
        return err->rc;
    }
    connect_now(link);
    *ret_link = link;
    return SVC_OK;
}

void link_close(struct link **link)
{
    struct link *closing = *link;
    *link = NULL;
    if (closing == NULL)
        return;
    svc_timer_stop(&closing->again);
    if (closing->source.fd >= 0) {
        svc_source_remove(&closing->source);
        (void)close(closing->source.fd);
    }
    svc_buffer_done(&closing->in);
    svc_buffer_done(&closing->out);
    free(closing);
}

void link_send(struct link *link, const struct svc_buffer *line)
{
    if (!link->connected)
        return;
    if (link->out.len + line->len > OUTPUT_MAX) { /* the agent does not read */
        disconnect(link);
        return;
    }
    svc_buffer_add(&link->out, line->bytes, line->len);
    svc_source_again(&link->source);
}

void link_drop(struct link *link)
{
    if (link->connected)
        disconnect(link);
}

void link_hold(struct link *link, bool held)
{
    link->held = held;
    if (!held && link->connected)
        svc_source_again(&link->source);
}
