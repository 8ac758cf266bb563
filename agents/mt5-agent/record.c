/* Records and their text. */
#include "record.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

enum { HEAD_LEN = 16 }; /* "xxxxxx xxxxxxxx " */

static const char *const kind_words[] = {"JOURNAL", "RECV",  "INTENT", "SENT",
                                         "DONE",    "ACKED", "VOID"};
enum { KINDS = sizeof kind_words / sizeof kind_words[0] };

/* Castagnoli's polynomial, reflected; four bits at a time keep the table small. */
uint32_t record_crc32c(const void *bytes, size_t len)
{
    static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
                                       0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                       0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    uint32_t crc = UINT32_MAX;
    for (const uint8_t *at = bytes; len > 0; at++, len--) {
        crc ^= *at;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static void put_text(struct svc_buffer *out, const char *name, const char *text)
{
    if (text[0] == '\0')
        return;
    svc_buffer_printf(out, ",\"%s\":", name);
    svc_buffer_json(out, text, strlen(text));
}

static void put_number(struct svc_buffer *out, const char *name, uint64_t number)
{
    if (number != 0) /* as text: a ticket may have 64 bits */
        svc_buffer_printf(out, ",\"%s\":\"%llu\"", name, (unsigned long long)number);
}

static void put_true(struct svc_buffer *out, const char *name, bool value)
{
    if (value)
        svc_buffer_printf(out, ",\"%s\":true", name);
}

static void put_json(struct svc_buffer *out, const struct record *r)
{
    svc_buffer_text(out, "{\"id\":");
    svc_buffer_json(out, r->job_id, strlen(r->job_id));
    put_number(out, "at", (uint64_t)r->at_unix_us);
    put_number(out, "epoch", r->epoch);
    put_number(out, "job_seq", r->job_seq);
    put_number(out, "expires", (uint64_t)r->expires_unix_us);
    put_number(out, "ready", (uint64_t)r->ready_unix_us);
    put_true(out, "closing", r->closing);
    put_true(out, "terminal_only", r->terminal_only);
    put_number(out, "step", r->step);
    put_number(out, "magic", r->magic);
    put_number(out, "closes", r->close_position);
    put_text(out, "token", r->token);
    put_text(out, "symbol", r->symbol);
    put_true(out, "sell", r->sell);
    put_text(out, "volume", r->volume);
    put_number(out, "server_time", (uint64_t)r->server_time_us);
    put_number(out, "retcode", r->retcode);
    put_number(out, "order", r->order);
    put_number(out, "deal", r->deal);
    put_number(out, "position", r->position);
    put_text(out, "price", r->price);
    put_text(out, "filled", r->filled);
    put_text(out, "bid", r->bid);
    put_text(out, "ask", r->ask);
    put_text(out, "profit", r->profit);
    put_text(out, "code", r->code);
    svc_buffer_text(out, "}");
}

void record_print(const struct record *record, uint64_t flushed_seq, struct svc_buffer *ret)
{
    size_t begin = ret->len;
    char head[HEAD_LEN + 1];
    svc_buffer_add(ret, "                ", HEAD_LEN);
    svc_buffer_printf(ret, "%llu %llu %s ", (unsigned long long)record->seq,
                      (unsigned long long)flushed_seq, kind_words[record->kind]);
    put_json(ret, record);
    const char *body = ret->bytes + begin + HEAD_LEN;
    size_t len = ret->len - begin - HEAD_LEN;
    (void)snprintf(head, sizeof head, "%06zx %08x ", len, record_crc32c(body, len));
    memcpy(ret->bytes + begin, head, HEAD_LEN);
    svc_buffer_add(ret, "\n", 1);
}

static bool read_hex(const char *text, int digits, uint32_t *ret)
{
    uint32_t value = 0;
    for (int i = 0; i < digits; i++) {
        char c = text[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                                                : 16;
        if (digit > 15)
            return false;
        value = value << 4 | digit;
    }
    *ret = value;
    return text[digits] == ' ';
}

static void take_text(const json_t *object, const char *name, char *ret, size_t size, bool *good)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);
    if (value == NULL)
        return;
    if (text == NULL || strlen(text) >= size)
        *good = false;
    else
        memcpy(ret, text, strlen(text) + 1);
}

static uint64_t take_number(const json_t *object, const char *name, uint64_t max, bool *good)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);
    uint64_t number = 0;
    if (value != NULL && (text == NULL || svc_parse_u64(text, 0, max, &number) != 0))
        *good = false;
    return number;
}

static int64_t take_time(const json_t *object, const char *name, bool *good)
{
    return (int64_t)take_number(object, name, INT64_MAX, good);
}

static bool read_members(const json_t *object, struct record *r)
{
    bool good = true;
    take_text(object, "id", r->job_id, sizeof r->job_id, &good);
    r->at_unix_us = take_time(object, "at", &good);
    r->epoch = take_number(object, "epoch", INT64_MAX, &good);
    r->job_seq = take_number(object, "job_seq", INT64_MAX, &good);
    r->expires_unix_us = take_time(object, "expires", &good);
    r->ready_unix_us = take_time(object, "ready", &good);
    r->closing = json_is_true(json_object_get(object, "closing"));
    r->terminal_only = json_is_true(json_object_get(object, "terminal_only"));
    r->step = (uint32_t)take_number(object, "step", UINT32_MAX, &good);
    r->magic = take_number(object, "magic", UINT64_MAX, &good);
    r->close_position = take_number(object, "closes", UINT64_MAX, &good);
    take_text(object, "token", r->token, sizeof r->token, &good);
    take_text(object, "symbol", r->symbol, sizeof r->symbol, &good);
    r->sell = json_is_true(json_object_get(object, "sell"));
    take_text(object, "volume", r->volume, sizeof r->volume, &good);
    r->server_time_us = take_time(object, "server_time", &good);
    r->retcode = (uint32_t)take_number(object, "retcode", UINT32_MAX, &good);
    r->order = take_number(object, "order", UINT64_MAX, &good);
    r->deal = take_number(object, "deal", UINT64_MAX, &good);
    r->position = take_number(object, "position", UINT64_MAX, &good);
    take_text(object, "price", r->price, sizeof r->price, &good);
    take_text(object, "filled", r->filled, sizeof r->filled, &good);
    take_text(object, "bid", r->bid, sizeof r->bid, &good);
    take_text(object, "ask", r->ask, sizeof r->ask, &good);
    take_text(object, "profit", r->profit, sizeof r->profit, &good);
    take_text(object, "code", r->code, sizeof r->code, &good);
    return good && svc_uuid_valid(r->job_id);
}

/* "<seq> <flushed> <kind> <json>", NUL behind it. */
static bool read_body(char *body, struct record *r, uint64_t *ret_flushed_seq)
{
    char *rest = body, *words[3];
    for (int i = 0; i < 3; i++) {
        words[i] = strsep(&rest, " ");
        if (rest == NULL)
            return false;
    }
    int kind = 0;
    while (kind < KINDS && strcmp(kind_words[kind], words[2]) != 0)
        kind++;
    if (kind == KINDS || svc_parse_u64(words[0], 0, INT64_MAX, &r->seq) != 0 ||
        svc_parse_u64(words[1], 0, INT64_MAX, ret_flushed_seq) != 0)
        return false;
    r->kind = (enum record_kind)kind;
    json_error_t fault;
    json_t *object = json_loads(rest, JSON_REJECT_DUPLICATES, &fault);
    bool good = json_is_object(object) && read_members(object, r);
    json_decref(object);
    return good;
}

size_t record_parse(const char *bytes, size_t len, struct record *ret_record,
                    uint64_t *ret_flushed_seq)
{
    uint32_t body_len, crc;
    if (len < HEAD_LEN || !read_hex(bytes, 6, &body_len) || !read_hex(bytes + 7, 8, &crc))
        return 0;
    if (body_len > RECORD_LINE_MAX - HEAD_LEN - 1 || len - HEAD_LEN < (size_t)body_len + 1 ||
        bytes[HEAD_LEN + body_len] != '\n' || record_crc32c(bytes + HEAD_LEN, body_len) != crc)
        return 0;
    char body[RECORD_LINE_MAX];
    memcpy(body, bytes + HEAD_LEN, body_len);
    body[body_len] = '\0';
    struct record record = {.kind = RECORD_JOURNAL};
    if (!read_body(body, &record, ret_flushed_seq))
        return 0;
    *ret_record = record;
    return HEAD_LEN + (size_t)body_len + 1;
}
