/* An HTTP/1.1 server on a loop: libmicrohttpd 0.9.75 in its external epoll mode, requests suspended
 * until somebody replies, no thread per request, and what that version was measured to lack: a
 * guard in front of every request (CL+TE, two lengths, two hosts, control bytes, unknown transfer
 * encodings, bad header names: 400 and closed) and deadlines of our own for the header, the body
 * and the whole connection's silence (its CONNECTION_TIMEOUT is inactivity only). Bare LF line
 * ends, folded headers and a NUL byte in a header or path cannot be seen from outside of the
 * library and pass: a strict proxy in front refuses them.
 *
 * The handler gets a complete request and replies now or later, once, from the loop's thread. The
 * request lives until then, also when the client is gone. */
#pragma once

#include "svc/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct svc_http;
struct svc_http_request;

struct svc_http_body {
    const uint8_t *bytes; /* borrowed until the reply; NUL behind, not counted */
    size_t len;           /* kept bytes, at most body_max */
    bool too_large; /* more than body_max came; the rest, up to drop_max, was read and dropped */
};

struct svc_http_options {
    const char *listen; /* "127.0.0.1:8080" or ":9101" (all addresses) */
    size_t body_max;    /* bytes kept */
    size_t drop_max;    /* bytes read in all before the connection is closed, >= body_max; a
                         * Content-Length above it is answered 413 and closed without the handler */
    uint32_t header_ms; /* from accept, later from the request line, to the end of the headers */
    uint32_t body_ms; /* from the end of the headers to the end of the body: over it 503, closed */
    uint32_t idle_ms; /* from a reply to the next request line: sending it, and silence */
    uint32_t connections_max, connections_per_address_max; /* 0: no limit per address */
    void (*handle)(void *arg, struct svc_http_request *request);
    void *arg;
};

/* SVC_FATAL when the address cannot be bound (code listen_failed). */
enum svc_rc svc_http_open(struct svc_loop *loop, const struct svc_http_options *options,
                          struct svc_http **ret_http, struct svc_error *err) SVC_CHECK;
/* Stop accepting; open requests go on, keep-alive connections are closed after their reply. */
void svc_http_quiesce(struct svc_http *http);
unsigned svc_http_open_requests(const struct svc_http *http);
/* Requests refused by the guard or closed at a deadline since start, by reason; for metrics. */
struct svc_http_counts {
    uint64_t guard_refused, header_deadline, body_deadline, body_over_drop_max;
};
struct svc_http_counts svc_http_counts(const struct svc_http *http);
void svc_http_close(struct svc_http **http);

const char *svc_http_method(const struct svc_http_request *request);
const char *
svc_http_path(const struct svc_http_request *request); /* undecoded, without the query */
const char *svc_http_header(const struct svc_http_request *request, const char *name); /* or NULL */
struct svc_http_body svc_http_body(const struct svc_http_request *request);
const char *svc_http_address(const struct svc_http_request *request); /* peer's address, no port */
int64_t
svc_http_received_mono_us(const struct svc_http_request *request); /* when the headers were in */

struct svc_http_reply {
    unsigned status;
    const char *content_type; /* NULL: none */
    const char *body;         /* copied; NULL: empty */
    size_t len;
    uint32_t retry_after_s; /* 0: no Retry-After */
    const char *allow;      /* for 405; NULL: none */
    bool close;             /* Connection: close */
};
void svc_http_reply(struct svc_http_request *request, const struct svc_http_reply *reply);
