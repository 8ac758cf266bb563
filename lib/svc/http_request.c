/* Requests as the handler sees them: pool, body, accessors. */
#include "http_internal.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

struct svc_http_request *http_request_take(struct svc_http *http)
{
    struct svc_http_request *request = http->free_requests;
    if (request) {
        http->free_requests = request->next_free;
        return request;
    }
    return svc_must_zalloc(sizeof *request);
}

static void clear(struct svc_http_request *request)
{
    if (request->body_capacity > HTTP_SMALL_BODY) {
        free(request->body);
        request->body = NULL;
        request->body_capacity = 0;
    }
    if (request->body)
        request->body[0] =
            '\0';          /* the next request may have no body: the NUL behind it is promised */
    if (request->response) /* never queued */
        MHD_destroy_response(request->response);
    request->response = NULL;
    request->body_len = request->body_came = 0;
    request->guard = (struct http_guard){0};
    request->suspended = false;
    request->stage = HTTP_STAGE_HEADERS;
    request->connection = NULL;
    request->mhd = NULL;
}

void http_request_give_back(struct svc_http *http, struct svc_http_request *request)
{
    clear(request);
    request->next_free = http->free_requests;
    http->free_requests = request;
}

void http_requests_free(struct svc_http *http)
{
    while (http->free_requests) {
        struct svc_http_request *request = http->free_requests;
        http->free_requests = request->next_free;
        free(request->body);
        free(request);
    }
}

/* Room for `len` kept bytes and the NUL behind. The announced length, when there is one, is taken
 * at once. */
static void reserve(struct svc_http_request *request, size_t len)
{
    if (len < request->body_capacity)
        return;
    size_t max = request->connection->http->options.body_max;
    size_t wanted = request->guard.lengths ? (size_t)request->guard.content_length : len * 2;
    if (wanted < len)
        wanted = len;
    if (wanted > max)
        wanted = max;
    request->body = svc_must_realloc(request->body, wanted + 1);
    request->body_capacity = wanted + 1;
}

bool http_request_add_body(struct svc_http_request *request, const void *bytes, size_t len)
{
    const struct svc_http_options *options = &request->connection->http->options;
    if (len > options->drop_max - request->body_came)
        return false;
    request->body_came += len;
    size_t room = options->body_max - request->body_len;
    size_t kept = len < room ? len : room;
    if (!kept)
        return true;
    reserve(request, request->body_len + kept);
    memcpy(request->body + request->body_len, bytes, kept);
    request->body_len += kept;
    request->body[request->body_len] = '\0';
    return true;
}

const char *svc_http_method(const struct svc_http_request *request)
{
    return request->method;
}

const char *svc_http_path(const struct svc_http_request *request)
{
    return request->path;
}

const char *svc_http_header(const struct svc_http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

struct svc_http_body svc_http_body(const struct svc_http_request *request)
{
    return (struct svc_http_body){
        .bytes = request->body ? request->body : (const uint8_t *)"",
        .len = request->body_len,
        .too_large = request->body_came > request->body_len,
    };
}

const char *svc_http_address(const struct svc_http_request *request)
{
    return request->connection->address;
}

int64_t svc_http_received_mono_us(const struct svc_http_request *request)
{
    return request->received_mono_us;
}
