/* See verify.h. */
#include "verify.h"

#include "svc/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verify *verify_new(void)
{
    return calloc(1, sizeof(struct verify)); /* pages that no body needs are never touched */
}

void verify_free(struct verify **verify)
{
    if (*verify != NULL) {
        svc_buffer_done(&(*verify)->raw);
        svc_buffer_done(&(*verify)->scratch);
    }
    free(*verify);
    *verify = NULL;
}

static void refuse(struct verify *verify, enum code code, const char *text)
{
    verify->readable = false;
    verify->refusal.code = code;
    (void)snprintf(verify->refusal.text, sizeof verify->refusal.text, "%s", text);
}

static void refuse_scanned(struct verify *verify, const struct json_fault *fault)
{
    verify->readable = false;
    verify->refusal.code = verify->scanned == JSON_BROKEN ? CODE_BAD_JSON : CODE_BAD_NUMBER;
    (void)snprintf(verify->refusal.text, sizeof verify->refusal.text, "%s, at byte %zu",
                   fault->what, fault->at + 1);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A byte-order mark and outer white space are not the alert. */
static void strip(const char **text, size_t *len)
{
    if (*len >= 3 && memcmp(*text, "\xef\xbb\xbf", 3) == 0) {
        *text += 3;
        *len -= 3;
    }
    for (; *len > 0 && is_space(**text); ++*text)
        --*len;
    while (*len > 0 && is_space((*text)[*len - 1]))
        --*len;
}

static void scan(struct verify *verify, const char *text, size_t len)
{
    struct json_fault fault;
    verify->scanned = json_scan(&verify->json, text, len, &fault);
    verify->readable = verify->scanned == JSON_GOOD;
    if (*text == '[')
        refuse(verify, CODE_ARRAY_NOT_SUPPORTED, "send one alert per request, as an object");
    else if (!verify->readable)
        refuse_scanned(verify, &fault);
}

void verify_scan(struct verify *verify, const struct verify_body *body)
{
    const char *text = body->bytes;
    size_t len = body->len;
    verify->json.count = 0;
    verify->scanned = JSON_BROKEN;
    strip(&text, &len);
    if (len == 0)
        refuse(verify, CODE_BAD_JSON, "the body is empty");
    else if (!body->too_large && !svc_utf8_valid(text, len))
        refuse(verify, CODE_BAD_ENCODING, "the body is not UTF-8 text, or has a NUL byte");
    else if (*text != '{' && *text != '[')
        refuse(verify, CODE_BAD_JSON, "text alerts are not understood by this version; send JSON");
    else
        scan(verify, text, len);
    if (body->too_large)
        refuse(verify, CODE_BODY_TOO_LARGE, "the body is longer than 64 KiB");
}

struct raw_secret verify_secret(const struct verify *verify)
{
    const struct json *json = &verify->json;
    if (json->count == 0 || json->nodes[0].type != JSON_IS_OBJECT)
        return (struct raw_secret){.text = NULL};
    for (uint32_t key = json_first(0); json_has(json, 0, key); key = json_next(json, key)) {
        const struct json_node *value = &json->nodes[key + 1];
        if (json_is_word(&json->nodes[key], "secret") && value->type == JSON_IS_STRING)
            return (struct raw_secret){.text = value->text, .len = value->len};
    }
    return (struct raw_secret){.text = NULL};
}

/* --- the message ----------------------------------------------------------------------------- */

static ProtobufCBinaryData binary(const void *bytes, size_t len)
{
    /* protobuf-c has no const; packing only reads. */
    return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)bytes, .len = len};
}

static char *text_or_none(char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void fill_alert(struct verify *verify)
{
    struct alert *alert = &verify->alert;
    Tradewire__V1__Signal *signal = &verify->signal;
    signal->signal_id = verify->dedup.signal_id;
    signal->has_dedup_kind = true;
    signal->dedup_kind = verify->dedup.kind;
    signal->has_dedup_key = true;
    signal->dedup_key = binary(verify->dedup.key, sizeof verify->dedup.key);
    signal->has_action = true;
    signal->action = alert->action;
    signal->has_symbol_raw = true;
    signal->symbol_raw = binary(alert->symbol_raw, alert->symbol_raw_len);
    signal->has_symbol = true;
    signal->symbol = binary(alert->symbol, strlen(alert->symbol));
    signal->volume = text_or_none(alert->volume);
    signal->sl = text_or_none(alert->sl);
    signal->tp = text_or_none(alert->tp);
    signal->has_tv_time_unix_us = alert->tv_time_unix_us != 0;
    signal->tv_time_unix_us = alert->tv_time_unix_us;
}

static void fill_refusal(struct verify *verify)
{
    Tradewire__V1__Signal *signal = &verify->signal;
    svc_uuid_random(verify->dedup.signal_id);
    (void)snprintf(verify->refusal_message, sizeof verify->refusal_message, "%s",
                   verify->refusal.text);
    signal->signal_id = verify->dedup.signal_id;
    signal->refusal_code = (char *)(uintptr_t)code_name(verify->refusal.code);
    signal->refusal_text = verify->refusal_message;
}

static void fill_raw(struct verify *verify, const struct verify_body *body,
                     struct raw_secret secret)
{
    if (verify->scanned == JSON_GOOD && !body->too_large)
        raw_json(&verify->json, secret, &verify->raw);
    else
        raw_body(body->bytes, body->len, body->too_large ? RAW_TRUNCATED_BYTES : JSON_TEXT_MAX,
                 body->content_type, secret, &verify->scratch, &verify->raw);
    verify->signal.has_raw_payload = true;
    verify->signal.raw_payload = binary(verify->raw.bytes, verify->raw.len);
}

/* The one text of a stranger that goes on as it came; somebody who mixed up two fields must not
 * publish the secret with it. */
static bool symbol_is_clean(struct verify *verify, struct raw_secret secret)
{
    const struct alert *alert = &verify->alert;
    if (secret.len == 0 ||
        memmem(alert->symbol_raw, alert->symbol_raw_len, secret.text, secret.len) == NULL)
        return true;
    refuse(verify, CODE_MISSING_SYMBOL, "symbol holds the webhook's secret");
    return false;
}

unsigned verify_signal(struct verify *verify, const struct verify_body *body,
                       const struct strategy *strategy, struct raw_secret secret,
                       int64_t received_unix_us)
{
    tradewire__v1__signal__init(&verify->signal);
    verify->signal.user_id = (char *)(uintptr_t)strategy->user_id;
    verify->signal.strategy_id = (char *)(uintptr_t)strategy->id;
    verify->signal.has_received_unix_us = true;
    verify->signal.received_unix_us = received_unix_us;
    const bool good = verify->readable &&
                      alert_read(&verify->json, &verify->alert, &verify->refusal) &&
                      symbol_is_clean(verify, secret);
    if (good) {
        dedup_of(&verify->json, &verify->alert, strategy->id, &verify->scratch, &verify->dedup);
        fill_alert(verify);
    } else {
        fill_refusal(verify);
    }
    fill_raw(verify, body, secret);
    if (good)
        return 202;
    return verify->refusal.code == CODE_BODY_TOO_LARGE ? 413 : 422;
}
