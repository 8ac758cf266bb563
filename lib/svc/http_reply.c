/* Replies. The body is copied once, into the request's own memory or one allocation that
 * libmicrohttpd frees; libmicrohttpd sends from there without a further copy. */
#include "http_internal.h"
#include "memory.h"

#include <stdio.h>
#include <string.h>

static struct MHD_Response *make(struct svc_http_request *request, const char *body, size_t len)
{
    if (!len)
        return MHD_create_response_from_buffer(0, request->small_reply, MHD_RESPMEM_PERSISTENT);
    if (len <= sizeof request->small_reply) {
        memcpy(request->small_reply, body, len);
        return MHD_create_response_from_buffer(len, request->small_reply, MHD_RESPMEM_PERSISTENT);
    }
    char *copy = svc_must_alloc(len);
    memcpy(copy, body, len);
    return MHD_create_response_from_buffer(len, copy, MHD_RESPMEM_MUST_FREE);
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    /* Refused only for values with line ends, which are the caller's bug, and without memory. A
     * reply without one of these headers still says the truth. */
    if (value)
        (void)MHD_add_response_header(response, name, value);
}

void http_reply_build(struct svc_http_request *request, const struct svc_http_reply *reply)
{
    struct MHD_Response *response = make(request, reply->body, reply->body ? reply->len : 0);
    request->stage = HTTP_STAGE_REPLIED;
    request->status = reply->status;
    request->response = response; /* NULL without memory: the connection is closed instead */
    if (!response)
        return;
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    add_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
    if (reply->retry_after_s) {
        char seconds[16];
        (void)snprintf(seconds, sizeof seconds, "%u", reply->retry_after_s);
        add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    if (reply->close || request->connection->http->quiet)
        add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
}
