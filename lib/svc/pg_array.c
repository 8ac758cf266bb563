/* Array parameters: '{…}' text built in a buffer. Every text element is quoted, so no element can
 * be read as NULL, a number or a bracket. */
#include "svc/clock.h"
#include "svc/pg.h"

#include <inttypes.h>
#include <string.h>

void svc_pg_array_begin(struct svc_buffer *array)
{
    svc_buffer_reset(array);
    svc_buffer_add(array, "{", 1);
}

/* No element ends in '{' (texts are quoted), so this byte says that none came yet. */
static void separate(struct svc_buffer *array)
{
    if (array->bytes[array->len - 1] != '{')
        svc_buffer_add(array, ",", 1);
}

void svc_pg_array_add(struct svc_buffer *array, const char *text)
{
    if (text != NULL) {
        svc_pg_array_add_bytes(array, text, strlen(text));
        return;
    }
    separate(array);
    svc_buffer_text(array, "NULL");
}

void svc_pg_array_add_bytes(struct svc_buffer *array, const char *text, size_t len)
{
    separate(array);
    svc_buffer_add(array, "\"", 1);
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '"' && text[i] != '\\')
            continue;
        svc_buffer_add(array, text + from, i - from);
        svc_buffer_add(array, "\\", 1);
        from = i;
    }
    svc_buffer_add(array, text + from, len - from);
    svc_buffer_add(array, "\"", 1);
}

void svc_pg_array_add_bytea(struct svc_buffer *array, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    if (bytes == NULL) {
        svc_pg_array_add(array, NULL);
        return;
    }
    separate(array);
    svc_buffer_text(array, "\"\\\\x");
    for (size_t i = 0; i < len; i++) {
        const char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        svc_buffer_add(array, pair, sizeof pair);
    }
    svc_buffer_add(array, "\"", 1);
}

void svc_pg_array_add_i64(struct svc_buffer *array, int64_t number)
{
    separate(array);
    svc_buffer_printf(array, "%" PRId64, number);
}

void svc_pg_array_add_time(struct svc_buffer *array, int64_t unix_us)
{
    char text[SVC_TIME_TEXT];
    svc_pg_array_add(array, unix_us == 0 ? NULL : svc_time_text(unix_us, text));
}

void svc_pg_array_end(struct svc_buffer *array)
{
    svc_buffer_add(array, "}", 1);
}
