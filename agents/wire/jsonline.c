/* Members of JSON lines, in and out. */
#include "wire/jsonline.h"

#include "contracts/decimal.h"

#include "svc/text.h"

#include <string.h>

json_t *jsonline_open(struct svc_arena *arena, const char *line, size_t len,
                      struct jsonline *ret_reader)
{
    json_error_t fault;
    json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &fault);
    *ret_reader = (struct jsonline){.arena = arena, .object = object};
    return object;
}

void jsonline_bad(struct jsonline *r, const char *name)
{
    if (r->fault == NULL)
        r->fault = name;
}

size_t jsonline_type(struct jsonline *r, const char *const *types, size_t count)
{
    const char *type = jsonline_word(r, "type");
    size_t i = 0;
    while (i < count && strcmp(types[i], type) != 0)
        i++;
    if (i == count)
        jsonline_bad(r, json_is_object(r->object) ? "type" : "JSON object");
    return i;
}

const char *jsonline_word(struct jsonline *r, const char *name)
{
    const json_t *value = json_object_get(r->object, name);
    const char *text = json_string_value(value);
    if (value != NULL && text == NULL)
        jsonline_bad(r, name);
    return text == NULL ? "" : text;
}

const char *jsonline_kept(struct jsonline *r, const char *name)
{
    return svc_arena_text(r->arena, jsonline_word(r, name));
}

const char *jsonline_kept_decimal(struct jsonline *r, const char *name)
{
    const char *value = jsonline_kept(r, name);
    if (value[0] != '\0' && !decimal_valid(value))
        jsonline_bad(r, name);
    return value;
}

void jsonline_text(struct jsonline *r, const char *name, char *ret, size_t size)
{
    const char *from = jsonline_word(r, name);
    if (strlen(from) >= size)
        jsonline_bad(r, name);
    else
        memcpy(ret, from, strlen(from) + 1);
}

void jsonline_required(struct jsonline *r, const char *name, char *ret, size_t size)
{
    jsonline_text(r, name, ret, size);
    if (ret[0] == '\0')
        jsonline_bad(r, name);
}

void jsonline_decimal(struct jsonline *r, const char *name, char *ret, size_t size)
{
    jsonline_text(r, name, ret, size);
    if (ret[0] != '\0' && !decimal_valid(ret))
        jsonline_bad(r, name);
}

int64_t jsonline_number(struct jsonline *r, const char *name)
{
    const json_t *value = json_object_get(r->object, name);
    if (value != NULL && !json_is_integer(value))
        jsonline_bad(r, name);
    return json_integer_value(value);
}

uint64_t jsonline_count(struct jsonline *r, const char *name)
{
    int64_t value = jsonline_number(r, name);
    if (value < 0)
        jsonline_bad(r, name);
    return value < 0 ? 0 : (uint64_t)value;
}

uint32_t jsonline_count_to(struct jsonline *r, const char *name, uint32_t max)
{
    uint64_t value = jsonline_count(r, name);
    if (value > max)
        jsonline_bad(r, name);
    return value > max ? 0 : (uint32_t)value;
}

uint64_t jsonline_ticket(struct jsonline *r, const char *name)
{
    const char *value = jsonline_word(r, name);
    uint64_t parsed = 0;
    if (value[0] != '\0' && svc_parse_u64(value, 0, UINT64_MAX, &parsed) != 0)
        jsonline_bad(r, name);
    return parsed;
}

bool jsonline_truth(struct jsonline *r, const char *name)
{
    const json_t *value = json_object_get(r->object, name);
    if (value != NULL && !json_is_boolean(value))
        jsonline_bad(r, name);
    return json_is_true(value);
}

bool jsonline_sells(struct jsonline *r)
{
    const char *side = jsonline_word(r, "side");
    if (strcmp(side, "buy") != 0 && strcmp(side, "sell") != 0)
        jsonline_bad(r, "side");
    return strcmp(side, "sell") == 0;
}

size_t jsonline_array(struct jsonline *r, const char *name, size_t max)
{
    const json_t *array = json_object_get(r->object, name);
    if (json_is_array(array) && json_array_size(array) <= max)
        return json_array_size(array);
    jsonline_bad(r, name);
    return 0;
}

void jsonline_elements(struct jsonline *r, const char *name, size_t count, void *ret, size_t size,
                       void (*read)(struct jsonline *element, void *ret))
{
    const json_t *array = json_object_get(r->object, name);
    for (size_t i = 0; i < count; i++) {
        struct jsonline element = {r->arena, json_array_get(array, i), r->fault};
        read(&element, (char *)ret + i * size);
        r->fault = element.fault;
    }
}

void jsonline_begin(struct svc_buffer *out, const char *type)
{
    svc_buffer_reset(out);
    svc_buffer_printf(out, "{\"type\":\"%s\"", type);
}

void jsonline_end(struct svc_buffer *out)
{
    svc_buffer_text(out, "}\n");
}

void jsonline_put_text(struct svc_buffer *out, const char *name, const char *value)
{
    svc_buffer_printf(out, ",\"%s\":", name);
    svc_buffer_json(out, value, strlen(value));
}

void jsonline_put_text_unless_empty(struct svc_buffer *out, const char *name, const char *value)
{
    if (value[0] != '\0')
        jsonline_put_text(out, name, value);
}

void jsonline_put_number(struct svc_buffer *out, const char *name, int64_t value)
{
    svc_buffer_printf(out, ",\"%s\":%lld", name, (long long)value);
}

void jsonline_put_ticket(struct svc_buffer *out, const char *name, uint64_t value)
{
    svc_buffer_printf(out, ",\"%s\":\"%llu\"", name, (unsigned long long)value);
}

void jsonline_put_bool(struct svc_buffer *out, const char *name, bool value)
{
    svc_buffer_printf(out, ",\"%s\":%s", name, value ? "true" : "false");
}

void jsonline_put_scaled(struct svc_buffer *out, const char *name, int64_t scaled, unsigned scale)
{
    char text[DECIMAL_SCALED_TEXT];
    decimal_print(scaled, scale, text);
    jsonline_put_text(out, name, text);
}
