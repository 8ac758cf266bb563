/* See trace.h. */
#include "svc/trace.h"

#include "svc/text.h"

#include <stdint.h>
#include <string.h>

#include <sodium.h>

enum {
    TRACE_ID_BYTES = 16,
    SPAN_ID_BYTES = 8,
    TRACE_ID_AT = 3,
    SPAN_ID_AT = TRACE_ID_AT + 2 * TRACE_ID_BYTES + 1,
    FLAGS_AT = SPAN_ID_AT + 2 * SPAN_ID_BYTES + 1,
    FLAGS_DIGITS = 2,
};
static const char frame[SVC_TRACE_TEXT] = "00-________________________________-________________-01";

/* All zeros is not allowed for either id, and does not happen. */
void svc_trace_new(char ret[SVC_TRACE_TEXT])
{
    uint8_t bytes[TRACE_ID_BYTES + SPAN_ID_BYTES];
    randombytes_buf(bytes, sizeof bytes);
    memcpy(ret, frame, sizeof frame);
    svc_hex(bytes, TRACE_ID_BYTES, ret + TRACE_ID_AT);
    ret[SPAN_ID_AT - 1] = '-';
    svc_hex(bytes + TRACE_ID_BYTES, SPAN_ID_BYTES, ret + SPAN_ID_AT);
    ret[FLAGS_AT - 1] = '-';
}

/* Upper case is refused by the specification, section 3.2.2. */
static bool is_hex(const char *text, size_t digits)
{
    for (size_t i = 0; i < digits; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
    return true;
}

static bool is_id(const char *text, size_t bytes)
{
    return is_hex(text, 2 * bytes) && strspn(text, "0") < 2 * bytes;
}

bool svc_trace_valid(const void *text, size_t len)
{
    const char *at = text;
    return at != NULL && len == SVC_TRACE_TEXT - 1 && memcmp(at, frame, TRACE_ID_AT) == 0 &&
           is_id(at + TRACE_ID_AT, TRACE_ID_BYTES) && at[SPAN_ID_AT - 1] == '-' &&
           is_id(at + SPAN_ID_AT, SPAN_ID_BYTES) && at[FLAGS_AT - 1] == '-' &&
           is_hex(at + FLAGS_AT, FLAGS_DIGITS);
}

void svc_trace_continue(const void *text, size_t len, char ret[SVC_TRACE_TEXT])
{
    if (!svc_trace_valid(text, len)) {
        svc_trace_new(ret);
        return;
    }
    memcpy(ret, text, len);
    ret[len] = '\0';
}

void svc_trace_id(const char *traceparent, char ret[SVC_TRACE_ID_TEXT])
{
    memcpy(ret, traceparent + TRACE_ID_AT, SVC_TRACE_ID_TEXT - 1);
    ret[SVC_TRACE_ID_TEXT - 1] = '\0';
}
