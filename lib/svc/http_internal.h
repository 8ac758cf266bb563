/* Private to lib/svc: what http.c, http_request.c and http_reply.c share. */
#pragma once

#include "http_deadline.h"
#include "http_guard.h"
#include "http_listen.h"

#include "svc/http.h"

#include <microhttpd.h>

/* Life of a request; every change is made in http.c or svc_http_reply. */
enum http_stage {
    HTTP_STAGE_HEADERS,  /* the request line came */
    HTTP_STAGE_BODY,     /* the headers are good; the body comes */
    HTTP_STAGE_GIVEN_UP, /* the body did not come in time: 503 was sent, the rest is dropped */
    HTTP_STAGE_HANDLING, /* with the handler */
    HTTP_STAGE_REPLIED,  /* the reply is built */
    HTTP_STAGE_QUEUED,   /* the reply is libmicrohttpd's */
};

enum {
    HTTP_SMALL_BODY = 4096, /* a pooled request keeps its body's memory up to this size */
    HTTP_SMALL_REPLY = 512, /* replies up to this size need no allocation */
};

struct svc_http_request {
    struct svc_http_request *next_free;
    struct http_connection *connection;
    struct MHD_Connection *mhd;
    const char *method, *path; /* libmicrohttpd's, valid until the request ends */
    int64_t received_mono_us;
    enum http_stage stage;
    bool suspended;
    struct http_guard guard;

    uint8_t *body;
    size_t body_len, body_capacity, body_came; /* kept; memory; kept and dropped */

    unsigned status;
    struct MHD_Response *response; /* owned from svc_http_reply until it is queued */
    char small_reply[HTTP_SMALL_REPLY];
};

struct http_connection {
    struct svc_http *http;
    struct http_connection *previous, *next; /* of the open ones; next also in the free list */
    struct svc_http_request *request;        /* the one that is being read or answered */
    struct http_deadline deadline;
    int fd;
    char address[HTTP_ADDRESS_TEXT];
};

struct svc_http {
    struct svc_http_options options;
    struct MHD_Daemon *daemon;
    struct svc_source source;
    struct http_deadlines deadlines;
    struct http_connection *connections, *free_connections;
    struct svc_http_request *free_requests;
    unsigned open_requests;
    struct svc_http_counts counts;
    bool quiet; /* no new connections, none kept alive */
};

/* Requests are pooled: at most as many are made as were ever open at once. */
struct svc_http_request *http_request_take(struct svc_http *http);
void http_request_give_back(struct svc_http *http, struct svc_http_request *request);
void http_requests_free(struct svc_http *http);
/* Keep up to body_max bytes; false when more than drop_max came in all. */
bool http_request_add_body(struct svc_http_request *request, const void *bytes, size_t len);

/* Build request->response; from then on the request is REPLIED. */
void http_reply_build(struct svc_http_request *request, const struct svc_http_reply *reply);
