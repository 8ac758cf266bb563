/* W3C trace context: the `traceparent` that a signal carries through all programs, so that their
 * records and log lines can be found together. Version 00, the only one there is:
 * "00-<trace id, 32 hex>-<span id, 16 hex>-<flags, 2 hex>". Nothing here makes spans of its own: a
 * trace that came in is passed on as it came. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    SVC_TRACE_TEXT = 56,    /* 55 characters and the NUL */
    SVC_TRACE_ID_TEXT = 33, /* 32 characters and the NUL */
};

/* A root: a new trace, sampled. */
void svc_trace_new(char ret[SVC_TRACE_TEXT]);
/* len bytes of text, which may be NULL, have the form above; an id of zeros only has not. */
bool svc_trace_valid(const void *text, size_t len);
/* The same trace where it is a valid one, else a new one. */
void svc_trace_continue(const void *text, size_t len, char ret[SVC_TRACE_TEXT]);
/* The trace id alone, as log lines have it. traceparent: valid. */
void svc_trace_id(const char *traceparent, char ret[SVC_TRACE_ID_TEXT]);
