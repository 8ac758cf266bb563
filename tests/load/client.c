/* A connection is CLOSED, or open and IDLE, or BUSY with a request (then maybe still connecting).
 * Idle ones form a stack; busy ones a queue in the order of their deadlines, which are all equally
 * long. */
#include "client.h"

#include "svc/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_BYTES_MAX = 4096, EVENTS = 256 };

struct connection {
    struct connection *next, *previous; /* of the idle, closed or busy list */
    int fd;                             /* -1: closed */
    bool busy;
    uint64_t tag;
    int64_t deadline_mono_us;
    size_t out_len, out_done, in_len;
    char out[CLIENT_REQUEST_MAX];
    char in[ANSWER_BYTES_MAX];
};

struct client {
    int epoll_fd;
    struct sockaddr_storage address;
    socklen_t address_len;
    struct connection *all, *idle, *closed;
    struct connection busy; /* list head: oldest first */
    uint32_t busy_count;
    client_done_fn *done;
    void *arg;
};

static enum svc_rc resolve(struct client *client, const char *host, const char *port,
                           struct svc_error *err)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const int failed = getaddrinfo(host, port, &hints, &found);
    if (failed != 0)
        return svc_fail(err, SVC_REJECT, "unknown_host", "%s: %s", host, gai_strerror(failed));
    memcpy(&client->address, found->ai_addr, found->ai_addrlen);
    client->address_len = found->ai_addrlen;
    freeaddrinfo(found);
    return SVC_OK;
}

enum svc_rc client_open(const char *host, const char *port, uint32_t connections_max,
                        client_done_fn *done, void *arg, struct client **ret_client,
                        struct svc_error *err)
{
    struct client *client = calloc(1, sizeof *client);
    struct connection *all = calloc(connections_max, sizeof *all);
    if (client == NULL || all == NULL) {
        free(client);
        free(all);
        return svc_fail(err, SVC_FATAL, "memory_exhausted", "no memory for connections");
    }
    *client = (struct client){
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC), .all = all, .done = done, .arg = arg};
    client->busy.next = client->busy.previous = &client->busy;
    for (uint32_t i = 0; i < connections_max; i++) {
        all[i].fd = -1;
        all[i].next = client->closed;
        client->closed = &all[i];
    }
    const enum svc_rc rc = client->epoll_fd < 0 ? svc_fail(err, SVC_FATAL, "epoll_failed", "%s",
                                                           strerrordesc_np(errno))
                                                : resolve(client, host, port, err);
    if (rc != SVC_OK)
        client_close(&client);
    *ret_client = client;
    return rc;
}

void client_close(struct client **client)
{
    struct client *closing = *client;
    *client = NULL;
    if (closing == NULL)
        return;
    for (struct connection *c = closing->idle; c != NULL; c = c->next)
        (void)close(c->fd);
    for (struct connection *c = closing->busy.next; c != &closing->busy; c = c->next)
        (void)close(c->fd);
    if (closing->epoll_fd >= 0)
        (void)close(closing->epoll_fd);
    free(closing->all);
    free(closing);
}

uint32_t client_busy(const struct client *client)
{
    return client->busy_count;
}

/* --- lists ----------------------------------------------------------------------------------- */

static void begin_busy(struct client *client, struct connection *c)
{
    c->busy = true;
    c->deadline_mono_us = svc_mono_us() + (int64_t)CLIENT_ANSWER_MS * 1000;
    c->next = &client->busy;
    c->previous = client->busy.previous;
    c->previous->next = c;
    client->busy.previous = c;
    client->busy_count++;
}

static void end_busy(struct client *client, struct connection *c)
{
    c->previous->next = c->next;
    c->next->previous = c->previous;
    c->busy = false;
    client->busy_count--;
}

static void drop(struct client *client, struct connection *c)
{
    (void)close(c->fd);
    c->fd = -1;
    c->next = client->closed;
    client->closed = c;
}

static void keep(struct client *client, struct connection *c)
{
    c->next = client->idle;
    client->idle = c;
}

/* An idle connection the server closed. */
static void forget_idle(struct client *client, struct connection *c)
{
    struct connection **at = &client->idle;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    drop(client, c);
}

/* --- one exchange ---------------------------------------------------------------------------- */

static void finish(struct client *client, struct connection *c, const struct response *response)
{
    end_busy(client, c);
    if (response->status == 0 || response->close)
        drop(client, c);
    else
        keep(client, c);
    client->done(client->arg, c->tag, response);
}

static void lose(struct client *client, struct connection *c)
{
    static const struct response none = {.status = 0};
    finish(client, c, &none);
}

static bool open_socket(struct client *client, struct connection *c)
{
    const int on = 1;
    c->fd = socket(client->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return false;
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    return (connect(c->fd, (const struct sockaddr *)&client->address, client->address_len) == 0 ||
            errno == EINPROGRESS) &&
           epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, c->fd, &event) == 0;
}

/* Edge-triggered: write until it is all out or the socket is full. False: the connection is lost.
 */
static bool write_out(struct connection *c)
{
    while (c->out_done < c->out_len) {
        const ssize_t n = send(c->fd, c->out + c->out_done, c->out_len - c->out_done, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == ENOTCONN;
        c->out_done += (size_t)n;
    }
    return true;
}

/* Read until there is no more. True: `response` is complete. *ret_lost: the connection is. */
static bool read_in(struct connection *c, struct response *response, bool *ret_lost)
{
    for (;;) {
        const ssize_t n = recv(c->fd, c->in + c->in_len, sizeof c->in - c->in_len, 0);
        if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
            return false;
        if (n <= 0) {
            *ret_lost = true;
            return false;
        }
        c->in_len += (size_t)n;
        switch (response_read(c->in, c->in_len, response)) {
        case RESPONSE_COMPLETE:
            return true;
        case RESPONSE_BAD:
            *ret_lost = true;
            return false;
        case RESPONSE_INCOMPLETE:
            break;
        }
    }
}

static void serve(struct client *client, struct connection *c, uint32_t events)
{
    struct response response = {.status = 0};
    if (!c->busy) {
        if (c->fd >= 0 && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
            forget_idle(client, c);
        return;
    }
    bool lost = !write_out(c);
    if (!lost && read_in(c, &response, &lost))
        finish(client, c, &response);
    else if (lost || (events & (EPOLLERR | EPOLLHUP)) != 0)
        lose(client, c);
}

bool client_send(struct client *client, const char *bytes, size_t len, uint64_t tag)
{
    struct connection *c = client->idle != NULL ? client->idle : client->closed;
    if (c == NULL || len > sizeof c->out)
        return false;
    *(client->idle != NULL ? &client->idle : &client->closed) = c->next;
    memcpy(c->out, bytes, len);
    c->out_len = len;
    c->out_done = c->in_len = 0;
    c->tag = tag;
    begin_busy(client, c);
    if ((c->fd < 0 && !open_socket(client, c)) || !write_out(c))
        lose(client, c);
    return true;
}

static void pass_deadlines(struct client *client)
{
    const int64_t now = svc_mono_us();
    while (client->busy.next != &client->busy && client->busy.next->deadline_mono_us <= now)
        lose(client, client->busy.next);
}

void client_wait(struct client *client, int64_t until_mono_us)
{
    struct epoll_event events[EVENTS];
    if (client->busy.next != &client->busy && client->busy.next->deadline_mono_us < until_mono_us)
        until_mono_us = client->busy.next->deadline_mono_us;
    int64_t wait_us = until_mono_us - svc_mono_us();
    if (wait_us < 0)
        wait_us = 0;
    const struct timespec wait = {.tv_sec = wait_us / 1000000,
                                  .tv_nsec = (wait_us % 1000000) * 1000};
    const int count = epoll_pwait2(client->epoll_fd, events, EVENTS, &wait, NULL);
    for (int i = 0; i < count; i++)
        serve(client, events[i].data.ptr, events[i].events);
    pass_deadlines(client);
}
