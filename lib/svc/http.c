/* libmicrohttpd on a loop. In its external epoll mode it has one descriptor, and works only inside
 * MHD_run; a request waits suspended from the handler's call to svc_http_reply. What crosses it:
 *
 *     accept → connection_changed → request_line → access_handler (headers; body; end)
 *                                                                                  ▼
 *     request_completed ← access_handler ← MHD_run                             hand_over
 *                                             ▲                           suspended ▼
 *                                             └─ the source is asked for ← svc_http_reply
 *
 * Its own CONNECTION_TIMEOUT is not used: it is inactivity only, and one byte now and then keeps a
 * connection for ever (measured). */
#include "svc/http.h"

#include "http_internal.h"
#include "memory.h"

#include "svc/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    CONNECTION_MEMORY = 16 * 1024, /* request line and headers; over it it says 431 or 414 */
    GRACE_MS = 250,
};

static struct http_connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void open_connection(struct svc_http *http, struct MHD_Connection *mhd,
                            void **socket_context)
{
    struct http_connection *connection = http->free_connections;
    if (connection)
        http->free_connections = connection->next;
    else
        connection = svc_must_alloc(sizeof *connection);
    *connection = (struct http_connection){.http = http, .next = http->connections};
    connection->deadline.kind = HTTP_DEADLINE_KINDS;
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    http_address_text(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
                      connection->address);
    if (http->connections)
        http->connections->previous = connection;
    http->connections = connection;
    http_deadline_set(&http->deadlines, &connection->deadline, HTTP_DEADLINE_HEADER, svc_mono_us());
    *socket_context = connection;
}

static void end_request(struct svc_http *http, struct http_connection *connection)
{
    struct svc_http_request *request = connection->request;
    if (!request)
        return;
    if (request->stage != HTTP_STAGE_HEADERS)
        http->open_requests--;
    connection->request = NULL;
    http_request_give_back(http, request);
}

static void close_connection(struct svc_http *http, struct http_connection *connection)
{
    http_deadline_clear(&http->deadlines, &connection->deadline);
    end_request(http, connection);
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        http->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    connection->next = http->free_connections;
    http->free_connections = connection;
}

static void connection_changed(void *arg, struct MHD_Connection *mhd, void **socket_context,
                               enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        open_connection(arg, mhd, socket_context);
    else
        close_connection(arg, *socket_context);
}

/* The request line is complete. What is returned here is the request's pointer in all later calls.
 */
static void *request_line(void *arg, const char *uri, struct MHD_Connection *mhd)
{
    struct svc_http *http = arg;
    struct http_connection *connection = connection_of(mhd);
    struct svc_http_request *request = http_request_take(http);
    connection->request = request;
    request->connection = connection;
    request->mhd = mhd;
    http_guard_target(&request->guard, uri);
    /* The first request's header deadline runs since accept; a later one's begins here, and until
     * here the silence between requests counts. */
    if (connection->deadline.kind == HTTP_DEADLINE_IDLE)
        http_deadline_set(&http->deadlines, &connection->deadline, HTTP_DEADLINE_HEADER,
                          svc_mono_us());
    return request;
}

/* libmicrohttpd would decode the path and every argument in place: "/a%2Fb" is not "/a/b" to us. */
static size_t leave_escaped(void *arg, struct MHD_Connection *mhd, char *text)
{
    (void)arg;
    (void)mhd;
    return strlen(text);
}

static enum MHD_Result guard_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                    size_t name_len, const char *value, size_t value_len)
{
    (void)kind;
    http_guard_header(arg, name, name_len, value ? value : "", value ? value_len : 0);
    return MHD_YES;
}

static enum MHD_Result queue_reply(struct svc_http_request *request)
{
    struct svc_http *http = request->connection->http;
    struct MHD_Response *response = request->response;
    request->stage = HTTP_STAGE_QUEUED;
    request->response = NULL;
    if (!response)
        return MHD_NO;
    http_deadline_set(&http->deadlines, &request->connection->deadline, HTTP_DEADLINE_IDLE,
                      svc_mono_us());
    enum MHD_Result queued = MHD_queue_response(request->mhd, request->status, response);
    MHD_destroy_response(response);
    return queued;
}

/* Answer before the body: libmicrohttpd then reads no more of this connection and closes it. */
static enum MHD_Result refuse(struct svc_http_request *request, unsigned status, const char *why)
{
    const struct svc_http_reply reply = {.status = status,
                                         .content_type = "text/plain",
                                         .body = why,
                                         .len = strlen(why),
                                         .close = true};
    http_reply_build(request, &reply);
    return queue_reply(request);
}

static enum MHD_Result begin_request(struct svc_http_request *request, const char *url,
                                     const char *method, const char *version)
{
    struct svc_http *http = request->connection->http;
    request->method = method;
    request->path = url;
    request->received_mono_us = svc_mono_us();
    request->stage = HTTP_STAGE_BODY;
    http->open_requests++;
    (void)MHD_get_connection_values_n(request->mhd, MHD_HEADER_KIND, guard_header, &request->guard);
    const char *fault = http_guard_verdict(&request->guard, method, version);
    if (fault) {
        http->counts.guard_refused++;
        return refuse(request, MHD_HTTP_BAD_REQUEST, fault);
    }
    if (request->guard.lengths && request->guard.content_length > http->options.drop_max) {
        http->counts.body_over_drop_max++;
        return refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "body too large");
    }
    http_deadline_set(&http->deadlines, &request->connection->deadline, HTTP_DEADLINE_BODY,
                      request->received_mono_us);
    return MHD_YES;
}

static enum MHD_Result take_body(struct svc_http_request *request, const char *data, size_t *len)
{
    bool fits = http_request_add_body(request, data, *len);
    *len = 0;
    if (!fits)
        request->connection->http->counts.body_over_drop_max++;
    return fits ? MHD_YES : MHD_NO; /* MHD_NO: closed without an answer */
}

static enum MHD_Result hand_over(struct svc_http_request *request)
{
    struct svc_http *http = request->connection->http;
    http_deadline_clear(&http->deadlines, &request->connection->deadline);
    request->stage = HTTP_STAGE_HANDLING;
    http->options.handle(http->options.arg, request);
    if (request->stage == HTTP_STAGE_REPLIED)
        return queue_reply(request);
    request->suspended = true;
    MHD_suspend_connection(request->mhd);
    return MHD_YES;
}

static enum MHD_Result access_handler(void *arg, struct MHD_Connection *mhd, const char *url,
                                      const char *method, const char *version, const char *data,
                                      size_t *len, void **context)
{
    struct svc_http_request *request = *context;
    (void)arg;
    (void)mhd;
    switch (request->stage) {
    case HTTP_STAGE_HEADERS:
        return begin_request(request, url, method, version);
    case HTTP_STAGE_BODY:
        return *len ? take_body(request, data, len) : hand_over(request);
    case HTTP_STAGE_GIVEN_UP:
        return *len ? take_body(request, data, len) : MHD_NO;
    case HTTP_STAGE_REPLIED:
        return queue_reply(request);
    case HTTP_STAGE_HANDLING:
    case HTTP_STAGE_QUEUED:
        break;
    }
    return MHD_NO;
}

static void request_completed(void *arg, struct MHD_Connection *mhd, void **context,
                              enum MHD_RequestTerminationCode why)
{
    (void)why;
    end_request(arg, connection_of(mhd));
    *context = NULL;
}

/* The body did not come in time. libmicrohttpd 0.9.75 takes no response between the headers and the
 * end of the body (MHD_queue_response says MHD_NO in that state), and writes nothing itself there,
 * so the answer is written past it. The rest of the body is then read and dropped for a moment:
 * closing with unread bytes would be a reset, which could overtake the answer. */
static void give_up_body(struct svc_http *http, struct http_connection *connection)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
                                 "Retry-After: 1\r\nContent-Length: 0\r\n\r\n";
    http->counts.body_deadline++;
    connection->request->stage = HTTP_STAGE_GIVEN_UP;
    (void)send(connection->fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(connection->fd, SHUT_WR);
    http_deadline_set(&http->deadlines, &connection->deadline, HTTP_DEADLINE_GRACE, svc_mono_us());
}

static void deadline_passed(void *arg, struct http_deadline *deadline, enum http_deadline_kind kind)
{
    struct svc_http *http = arg;
    struct http_connection *connection =
        (void *)((char *)deadline - offsetof(struct http_connection, deadline));
    if (kind == HTTP_DEADLINE_BODY) {
        give_up_body(http, connection);
        return;
    }
    http->counts.header_deadline += kind == HTTP_DEADLINE_HEADER;
    /* The descriptor is libmicrohttpd's; it sees the end of the stream and closes it. */
    (void)shutdown(connection->fd, SHUT_RDWR);
}

static void run_daemon(void *arg, uint32_t events)
{
    struct svc_http *http = arg;
    (void)events;
    (void)MHD_run(http->daemon);
}

static int daemon_wait_ms(void *arg)
{
    const struct svc_http *http = arg;
    MHD_UNSIGNED_LONG_LONG wait;
    if (MHD_get_timeout(http->daemon, &wait) != MHD_YES)
        return -1;
    return wait > 1000 ? 1000 : (int)wait;
}

static struct MHD_Daemon *start_daemon(struct svc_http *http, int listen_fd)
{
    const struct svc_http_options *options = &http->options;
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, access_handler, http,
        MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, http,
        MHD_OPTION_NOTIFY_COMPLETED, request_completed, http, MHD_OPTION_URI_LOG_CALLBACK,
        request_line, http, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_CONNECTION_LIMIT, options->connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        options->connections_per_address_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
}

static void set_up(struct svc_http *http, struct svc_loop *loop)
{
    const struct svc_http_options *options = &http->options;
    http->deadlines.loop = loop;
    http->deadlines.passed = deadline_passed;
    http->deadlines.arg = http;
    http->deadlines.queues[HTTP_DEADLINE_HEADER].ms = options->header_ms;
    http->deadlines.queues[HTTP_DEADLINE_BODY].ms = options->body_ms;
    http->deadlines.queues[HTTP_DEADLINE_IDLE].ms = options->idle_ms;
    http->deadlines.queues[HTTP_DEADLINE_GRACE].ms = GRACE_MS;
    http->source.fd = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    http->source.events = EPOLLIN;
    http->source.phase = SVC_PHASE_HTTP;
    http->source.run = run_daemon;
    http->source.wait_ms = daemon_wait_ms;
    http->source.arg = http;
    svc_source_add(loop, &http->source);
}

enum svc_rc svc_http_open(struct svc_loop *loop, const struct svc_http_options *options,
                          struct svc_http **ret_http, struct svc_error *err)
{
    assert(options->drop_max >= options->body_max && options->handle);
    int listen_fd;
    enum svc_rc rc = http_listen(options->listen, &listen_fd, err);
    if (rc != SVC_OK)
        return rc;
    struct svc_http *http = svc_must_zalloc(sizeof *http);
    http->options = *options;
    http->daemon = start_daemon(http, listen_fd);
    if (!http->daemon) {
        (void)close(listen_fd);
        free(http);
        return svc_fail(err, SVC_FATAL, "listen_failed", "%s: libmicrohttpd did not start",
                        options->listen);
    }
    set_up(http, loop);
    *ret_http = http;
    return SVC_OK;
}

void svc_http_quiesce(struct svc_http *http)
{
    if (http->quiet)
        return;
    http->quiet = true;
    int fd = MHD_quiesce_daemon(http->daemon);
    if (fd >= 0)
        (void)close(fd);
}

unsigned svc_http_open_requests(const struct svc_http *http)
{
    return http->open_requests;
}

struct svc_http_counts svc_http_counts(const struct svc_http *http)
{
    return http->counts;
}

void svc_http_reply(struct svc_http_request *request, const struct svc_http_reply *reply)
{
    assert(request->stage == HTTP_STAGE_HANDLING);
    http_reply_build(request, reply);
    if (!request->suspended)
        return; /* still inside handle(): hand_over queues it */
    request->suspended = false;
    MHD_resume_connection(request->mhd);
    svc_source_again(&request->connection->http->source);
}

/* libmicrohttpd ends the process when it is stopped with suspended connections. */
static void resume_all(struct svc_http *http)
{
    for (struct http_connection *at = http->connections; at; at = at->next) {
        if (!at->request || !at->request->suspended)
            continue;
        at->request->suspended = false;
        MHD_resume_connection(at->request->mhd);
    }
}

void svc_http_close(struct svc_http **http)
{
    struct svc_http *closing = *http;
    *http = NULL;
    if (!closing)
        return;
    svc_source_remove(&closing->source);
    resume_all(closing);
    MHD_stop_daemon(closing->daemon); /* completes every request, closes every connection */
    http_deadlines_done(&closing->deadlines);
    while (closing->free_connections) {
        struct http_connection *next = closing->free_connections->next;
        free(closing->free_connections);
        closing->free_connections = next;
    }
    http_requests_free(closing);
    free(closing);
}
