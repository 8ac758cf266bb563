/* Brackets, commas and quotes. */
#include "json.h"

#include <inttypes.h>
#include <string.h>

static void begin_value(struct svc_buffer *json, const char *key)
{
    char last = json->len ? json->bytes[json->len - 1] : '[';
    if (last != '{' && last != '[')
        svc_buffer_text(json, ",");
    if (!key)
        return;
    svc_buffer_json(json, key, strlen(key));
    svc_buffer_text(json, ":");
}

void json_begin_object(struct svc_buffer *json, const char *key)
{
    begin_value(json, key);
    svc_buffer_text(json, "{");
}

void json_end_object(struct svc_buffer *json)
{
    svc_buffer_text(json, "}");
}

void json_begin_array(struct svc_buffer *json, const char *key)
{
    begin_value(json, key);
    svc_buffer_text(json, "[");
}

void json_end_array(struct svc_buffer *json)
{
    svc_buffer_text(json, "]");
}

void json_text(struct svc_buffer *json, const char *key, const char *text)
{
    begin_value(json, key);
    if (text)
        svc_buffer_json(json, text, strlen(text));
    else
        svc_buffer_text(json, "null");
}

void json_number(struct svc_buffer *json, const char *key, uint64_t number)
{
    begin_value(json, key);
    svc_buffer_printf(json, "%" PRIu64, number);
}

void json_bool(struct svc_buffer *json, const char *key, bool value)
{
    json_raw(json, key, value ? "true" : "false");
}

void json_raw(struct svc_buffer *json, const char *key, const char *value)
{
    begin_value(json, key);
    svc_buffer_text(json, value);
}
