#include "answer.h"

#include <stdio.h>

struct svc_http_reply answer_signal(unsigned status, const char *signal_id,
                                    const struct refusal *refusal, struct svc_buffer *body)
{
    svc_buffer_reset(body);
    svc_buffer_text(body, "{\"signal_id\": \"");
    svc_buffer_text(body, signal_id);
    if (status == 202) {
        svc_buffer_text(body, "\", \"status\": \"accepted\"}");
    } else {
        char error[REFUSAL_TEXT + 64];
        const int len =
            snprintf(error, sizeof error, "%s: %s", code_name(refusal->code), refusal->text);
        svc_buffer_text(body, "\", \"status\": \"discarded\", \"error\": ");
        svc_buffer_json(body, error, (size_t)len);
        svc_buffer_text(body, "}");
    }
    return (struct svc_http_reply){.status = status,
                                   .content_type = "application/json",
                                   .body = body->bytes,
                                   .len = body->len};
}

struct svc_http_reply answer_plain(unsigned status)
{
    struct svc_http_reply reply = {.status = status};
    if (status == 405)
        reply.allow = "POST";
    if (status == 429)
        reply.retry_after_s = 1;
    if (status == 503)
        reply.retry_after_s = ANSWER_RETRY_AFTER_S;
    return reply;
}
