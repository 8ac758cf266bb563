/* A growing byte buffer for building one text or one array parameter; bounded by its owner's use.
 */
#pragma once

#include "svc/error.h"

#include <stddef.h>

struct svc_buffer {
    char *bytes; /* NUL-terminated whenever non-NULL */
    size_t len, capacity;
};

void svc_buffer_done(struct svc_buffer *buffer);
void svc_buffer_reset(struct svc_buffer *buffer); /* keeps the memory */
void svc_buffer_add(struct svc_buffer *buffer, const void *bytes, size_t len);
void svc_buffer_text(struct svc_buffer *buffer, const char *text);
void svc_buffer_printf(struct svc_buffer *buffer, const char *fmt, ...) SVC_PRINTF(2, 3);
/* Append text as a JSON string with its quotes; bytes must be valid UTF-8. */
void svc_buffer_json(struct svc_buffer *buffer, const char *text, size_t len);
