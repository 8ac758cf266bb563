/* See dedup.h. */
#include "dedup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

/* --- canonical body -------------------------------------------------------------------------- */

static int compare_keys(const struct json_node *a, const struct json_node *b)
{
    const int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* The object's keys by their bytes; an alert has a handful, so insertion is the fastest sort. */
static size_t sorted_keys(const struct json *json, uint32_t object, uint32_t keys[JSON_KEYS_MAX])
{
    size_t count = 0;
    for (uint32_t key = json_first(object); json_has(json, object, key);
         key = json_next(json, key)) {
        size_t at = count++;
        for (; at > 0 && compare_keys(&json->nodes[keys[at - 1]], &json->nodes[key]) > 0; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
    return count;
}

static void add_number(const struct json_node *node, struct svc_buffer *ret)
{
    char text[DECIMAL_TEXT_MAX + 1], normal[DECIMAL_NORMAL_TEXT];
    memcpy(text, node->text, node->len); /* the scanner took at most JSON_NUMBER_MAX characters */
    text[node->len] = '\0';
    svc_buffer_text(ret, decimal_normal(text, normal) ? normal : text);
}

static void add_value(const struct json *json, uint32_t index, struct svc_buffer *ret);

static void add_object(const struct json *json, uint32_t object, struct svc_buffer *ret)
{
    uint32_t keys[JSON_KEYS_MAX];
    const size_t count = sorted_keys(json, object, keys);
    for (size_t i = 0; i < count; i++) {
        svc_buffer_text(ret, i == 0 ? "{" : ",");
        svc_buffer_json(ret, json->nodes[keys[i]].text, json->nodes[keys[i]].len);
        svc_buffer_text(ret, ":");
        add_value(json, keys[i] + 1, ret);
    }
    svc_buffer_text(ret, count == 0 ? "{}" : "}");
}

static void add_array(const struct json *json, uint32_t array, struct svc_buffer *ret)
{
    svc_buffer_text(ret, "[");
    for (uint32_t i = array + 1; i < json->nodes[array].next; i = json->nodes[i].next) {
        if (i > array + 1)
            svc_buffer_text(ret, ",");
        add_value(json, i, ret);
    }
    svc_buffer_text(ret, "]");
}

static void add_value(const struct json *json, uint32_t index, struct svc_buffer *ret)
{
    const struct json_node *node = &json->nodes[index];
    switch (node->type) {
    case JSON_IS_OBJECT:
        add_object(json, index, ret);
        break;
    case JSON_IS_ARRAY:
        add_array(json, index, ret);
        break;
    case JSON_IS_STRING:
        svc_buffer_json(ret, node->text, node->len);
        break;
    case JSON_IS_NUMBER:
        add_number(node, ret);
        break;
    case JSON_IS_TRUE:
    case JSON_IS_FALSE:
    case JSON_IS_NULL:
        svc_buffer_add(ret, json->source + node->start, node->end - node->start);
        break;
    }
}

void dedup_canonical(const struct json *json, struct svc_buffer *ret)
{
    svc_buffer_reset(ret);
    add_value(json, 0, ret);
}

/* --- key ------------------------------------------------------------------------------------- */

static void hash_begin(crypto_hash_sha256_state *state, const char *strategy_id, const char *kind)
{
    (void)crypto_hash_sha256_init(state);
    (void)crypto_hash_sha256_update(state, (const uint8_t *)strategy_id, strlen(strategy_id) + 1);
    (void)crypto_hash_sha256_update(state, (const uint8_t *)kind, strlen(kind) + 1);
}

static void hash_add(crypto_hash_sha256_state *state, const char *text, size_t len)
{
    (void)crypto_hash_sha256_update(state, (const uint8_t *)text, len);
}

static void key_of_alert_id(const struct alert *alert, const char *strategy_id, struct dedup *ret)
{
    crypto_hash_sha256_state state;
    hash_begin(&state, strategy_id, "key");
    hash_add(&state, alert->alert_id, alert->alert_id_len);
    (void)crypto_hash_sha256_final(&state, ret->key);
    ret->kind = TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_KEY;
}

static void key_of_body(const struct alert *alert, const char *strategy_id,
                        const struct svc_buffer *canonical, struct dedup *ret)
{
    const bool timed = alert->tv_time_unix_us != 0;
    crypto_hash_sha256_state state;
    hash_begin(&state, strategy_id, timed ? "time" : "body");
    hash_add(&state, canonical->bytes, canonical->len);
    if (timed) {
        char time[24];
        const int len = snprintf(time, sizeof time, "%c%" PRId64, '\0', alert->tv_time_unix_us);
        hash_add(&state, time, (size_t)len);
    }
    (void)crypto_hash_sha256_final(&state, ret->key);
    ret->kind = timed ? TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_TIME
                      : TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_BODY;
}

void dedup_of(const struct json *json, const struct alert *alert, const char *strategy_id,
              struct svc_buffer *scratch, struct dedup *ret)
{
    if (alert->alert_id != NULL) {
        key_of_alert_id(alert, strategy_id, ret);
    } else {
        dedup_canonical(json, scratch);
        key_of_body(alert, strategy_id, scratch, ret);
    }
    if (ret->kind == TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_BODY)
        svc_uuid_random(ret->signal_id);
    else
        svc_uuid_from_digest(ret->key, ret->signal_id);
}
