/* A growing byte buffer. Capacity doubles, so building a text of n bytes copies at most 2 n. */
#include "svc/buffer.h"

#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void svc_buffer_done(struct svc_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct svc_buffer){0};
}

void svc_buffer_reset(struct svc_buffer *buffer)
{
    buffer->len = 0;
    if (buffer->bytes)
        buffer->bytes[0] = '\0';
}

/* Room for `more` bytes and the NUL behind them. */
static void reserve(struct svc_buffer *buffer, size_t more)
{
    size_t needed = buffer->len + more + 1;
    if (needed <= buffer->capacity)
        return;
    size_t capacity = buffer->capacity ? buffer->capacity * 2 : 256;
    if (capacity < needed)
        capacity = needed;
    buffer->bytes = svc_must_realloc(buffer->bytes, capacity);
    buffer->capacity = capacity;
}

void svc_buffer_add(struct svc_buffer *buffer, const void *bytes, size_t len)
{
    reserve(buffer, len);
    if (len)
        memcpy(buffer->bytes + buffer->len, bytes, len);
    buffer->len += len;
    buffer->bytes[buffer->len] = '\0';
}

void svc_buffer_text(struct svc_buffer *buffer, const char *text)
{
    svc_buffer_add(buffer, text, strlen(text));
}

void svc_buffer_printf(struct svc_buffer *buffer, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    size_t bytes = len < 0 ? 0 : (size_t)len; /* only an impossible %lc makes it negative */
    reserve(buffer, bytes);
    buffer->bytes[buffer->len] = '\0';
    (void)vsnprintf(buffer->bytes + buffer->len, bytes + 1, fmt, again);
    va_end(again);
    buffer->len += bytes;
}

static void add_escape(struct svc_buffer *buffer, char c)
{
    static const char names[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (const char *name = names; *name; name += 2) {
        if (*name == c) {
            svc_buffer_add(buffer, (const char[]){'\\', name[1]}, 2);
            return;
        }
    }
    svc_buffer_printf(buffer, "\\u%04x", (unsigned char)c);
}

/* RFC 8259 section 7: quotation mark, backslash and the control characters must be escaped. */
void svc_buffer_json(struct svc_buffer *buffer, const char *text, size_t len)
{
    svc_buffer_add(buffer, "\"", 1);
    size_t plain = 0; /* start of the run that needs no escape */
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] >= 0x20 && text[i] != '"' && text[i] != '\\')
            continue;
        svc_buffer_add(buffer, text + plain, i - plain);
        add_escape(buffer, text[i]);
        plain = i + 1;
    }
    svc_buffer_add(buffer, text + plain, len - plain);
    svc_buffer_add(buffer, "\"", 1);
}
