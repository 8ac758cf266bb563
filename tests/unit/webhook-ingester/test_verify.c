/* From bytes to the verdict: status, code, and a signal that passes contracts' own check. Hostile
 * bodies too. */
#include "verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define SECRET "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct verify *verify;
static const struct strategy strategy = {.id = "11111111-1111-4111-8111-111111111111",
                                         .user_id = "22222222-2222-4222-8222-222222222222"};
static const struct raw_secret secret = {.text = SECRET, .len = sizeof SECRET - 1};
enum { RECEIVED = 1769776496 };

/* What the dispatcher would see: packed, unpacked, checked. */
static Tradewire__V1__Signal *through_kafka(struct svc_arena *arena)
{
    struct svc_buffer packed = {.bytes = NULL};
    struct svc_error err = {.rc = SVC_OK};
    Tradewire__V1__Signal *signal = NULL;
    contracts_pack(&verify->signal.base, &packed);
    assert_null(memmem(packed.bytes, packed.len, SECRET, sizeof SECRET - 1));
    if (contracts_unpack_signal(arena, packed.bytes, packed.len, &signal, &err) != SVC_OK)
        fail_msg("%s: %s", err.code, err.text);
    svc_buffer_done(&packed);
    json_t *raw = json_loadb((const char *)signal->raw_payload.data, signal->raw_payload.len,
                             JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
    assert_non_null(raw);
    json_decref(raw);
    return signal;
}

static unsigned judge(const void *bytes, size_t len, bool too_large)
{
    /* A copy without a byte behind it, so that a sanitizer sees every read past the end. */
    void *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    const struct verify_body body = {
        .bytes = copy, .len = len, .too_large = too_large, .content_type = "application/json"};
    struct svc_arena arena;
    svc_arena_init(&arena, 4096);
    verify_scan(verify, &body);
    const unsigned status =
        verify_signal(verify, &body, &strategy, secret, (int64_t)RECEIVED * 1000000);
    const Tradewire__V1__Signal *signal = through_kafka(&arena);
    assert_true((status == 202) == (signal->refusal_code == NULL));
    if (status != 202)
        assert_string_equal(signal->refusal_code, code_name(verify->refusal.code));
    svc_arena_done(&arena);
    free(copy);
    return status;
}

static void assert_refused(const char *text, size_t len, enum code code)
{
    const unsigned status = judge(text, len, false);
    if (status != 422 || verify->refusal.code != code)
        fail_msg("%.60s: %u %s and not %s", text, status, code_name(verify->refusal.code),
                 code_name(code));
}

static void a_good_alert(void **state)
{
    struct svc_arena arena;
    const char *text = "\xef\xbb\xbf \n{\"symbol\":\"OANDA:EUR/USD\",\"action\":\"sell\","
                       "\"volume\":\"0.10\",\"secret\":\"" SECRET "\",\"alert_id\":7}\r\n";
    (void)state;
    const struct verify_body body = {.bytes = text, .len = strlen(text)};
    verify_scan(verify, &body);
    assert_int_equal(verify_secret(verify).len, sizeof SECRET - 1);
    assert_memory_equal(verify_secret(verify).text, SECRET, sizeof SECRET - 1);
    assert_int_equal(verify_signal(verify, &body, &strategy, secret, (int64_t)RECEIVED * 1000000),
                     202);
    svc_arena_init(&arena, 4096);
    const Tradewire__V1__Signal *signal = through_kafka(&arena);
    assert_string_equal(signal->user_id, strategy.user_id);
    assert_string_equal(signal->strategy_id, strategy.id);
    assert_int_equal(signal->action, TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_SELL);
    assert_int_equal(signal->dedup_kind, TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_KEY);
    assert_memory_equal(signal->symbol.data, "EURUSD", 6);
    assert_memory_equal(signal->symbol_raw.data, "OANDA:EUR/USD", 13);
    assert_string_equal(signal->volume, "0.10");
    assert_null(signal->sl);
    assert_null(signal->tp);
    assert_false(signal->has_tv_time_unix_us);
    assert_int_equal(signal->received_unix_us, (int64_t)RECEIVED * 1000000);
    const char *raw = "{\"symbol\":\"OANDA:EUR/USD\",\"action\":\"sell\",\"volume\":\"0.10\","
                      "\"secret\":\"***\",\"alert_id\":7}";
    assert_int_equal(signal->raw_payload.len, strlen(raw));
    assert_memory_equal(signal->raw_payload.data, raw, strlen(raw));
    svc_arena_done(&arena);
}

#define ALERT "\"symbol\":\"X\",\"action\":\"buy\",\"volume\":"

static void volumes_are_not_judged_here(void **state)
{
    (void)state;
    assert_int_equal(judge("{" ALERT "100000000}", strlen("{" ALERT "100000000}"), false), 202);
    assert_int_equal(judge("{" ALERT "-1}", strlen("{" ALERT "-1}"), false), 202);
}

static void refusals(void **state)
{
    static const struct {
        const char *text;
        enum code code;
    } cases[] = {
        {"", CODE_BAD_JSON},
        {" \n", CODE_BAD_JSON},
        {"buy EURUSD 0.1", CODE_BAD_JSON},
        {"null", CODE_BAD_JSON},
        {"{\"symbol\":", CODE_BAD_JSON},
        {"{" ALERT "NaN}", CODE_BAD_JSON},
        {"{" ALERT "1,\"a\":1,\"\\u0061\":2}", CODE_BAD_JSON},
        {"{" ALERT "1,\"a\":\"\\u0000\"}", CODE_BAD_JSON},
        {"{" ALERT "1,\"a\":\"\\ud800\"}", CODE_BAD_JSON},
        {"{" ALERT "1,\"secret\":\"" SECRET "\"", CODE_BAD_JSON},
        {"{" ALERT "1e400000}", CODE_BAD_NUMBER},
        {"{" ALERT "1,\"other\":1e31}", CODE_BAD_NUMBER},
        {"{" ALERT "\"x\"}", CODE_BAD_NUMBER},
        {"[{" ALERT "1}]", CODE_ARRAY_NOT_SUPPORTED},
        {"[", CODE_ARRAY_NOT_SUPPORTED},
        {"{\"action\":\"buy\"}", CODE_MISSING_SYMBOL},
        {"{\"symbol\":\"X\"}", CODE_BAD_ACTION},
        {"{\"symbol\":\"" SECRET "\",\"action\":\"buy\"}", CODE_MISSING_SYMBOL},
        {"{\"symbol\":\"{{ticker}}\"}", CODE_UNRESOLVED_PLACEHOLDER},
        {"\xff\xfe", CODE_BAD_ENCODING},
        {"{" ALERT "1,\"a\":\"\xc3\"}", CODE_BAD_ENCODING},
        {"{" ALERT "1,\"a\":\"\xed\xa0\x80\"}", CODE_BAD_ENCODING},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i].text, strlen(cases[i].text), cases[i].code);
    assert_refused("{\"a\":\"\0\"}", 9, CODE_BAD_ENCODING);
    assert_refused("{}\0", 3, CODE_BAD_ENCODING);
}

static void how_refused_bodies_are_kept(void **state)
{
    (void)state;
    assert_refused("{" ALERT "1e400000}", strlen("{" ALERT "1e400000}"), CODE_BAD_NUMBER);
    assert_memory_equal(verify->raw.bytes, "{\"_text\": ", 10);
    assert_refused("{\"a\":\"\0\"}", 9, CODE_BAD_ENCODING);
    assert_memory_equal(verify->raw.bytes, "{\"_b64\": ", 9);
    assert_refused("{\"token\":1}", 11, CODE_MISSING_SYMBOL);
    assert_string_equal(verify->raw.bytes, "{\"token\":\"***\"}");
    assert_refused("[{\"token\":1}]", 13, CODE_ARRAY_NOT_SUPPORTED);
    assert_string_equal(verify->raw.bytes, "[{\"token\":\"***\"}]");
}

static void hostile_sizes(void **state)
{
    static char body[JSON_TEXT_MAX];
    (void)state;
    memset(body, '[', sizeof body);
    assert_refused(body, 10000, CODE_ARRAY_NOT_SUPPORTED);
    for (size_t i = 0; i + 5 <= 50000; i += 5)
        memcpy(body + i, "{\"a\":", 5);
    assert_refused(body, 50000, CODE_BAD_JSON);
    memset(body, ' ', sizeof body);
    assert_refused(body, sizeof body, CODE_BAD_JSON);
    memset(body, 0x01, sizeof body);
    assert_refused(body, sizeof body, CODE_BAD_JSON);
    memset(body, 0x80, sizeof body);
    assert_refused(body, sizeof body, CODE_BAD_ENCODING);
    /* The largest alert that is one. */
    memset(body, ' ', sizeof body);
    memcpy(body, "{" ALERT "1", strlen("{" ALERT "1"));
    body[sizeof body - 1] = '}';
    assert_int_equal(judge(body, sizeof body, false), 202);
    /* One byte more came: only its beginning is here. */
    memcpy(body + 1000, SECRET, sizeof SECRET - 1);
    assert_int_equal(judge(body, sizeof body, true), 413);
    assert_int_equal(verify->refusal.code, CODE_BODY_TOO_LARGE);
    assert_true(verify->raw.len < RAW_TRUNCATED_BYTES + 200);
}

static void random_id_and_no_key_where_refused(void **state)
{
    char first[SVC_UUID_TEXT];
    const char *text = "{\"alert_id\":\"k\"}";
    (void)state;
    assert_refused(text, strlen(text), CODE_MISSING_SYMBOL);
    memcpy(first, verify->dedup.signal_id, sizeof first);
    assert_false(verify->signal.has_dedup_key);
    assert_refused(text, strlen(text), CODE_MISSING_SYMBOL);
    assert_string_not_equal(first, verify->dedup.signal_id);
}

static void secret_of(const char *text, const char *expected)
{
    const struct verify_body body = {.bytes = text, .len = strlen(text)};
    verify_scan(verify, &body);
    const struct raw_secret found = verify_secret(verify);
    if (expected == NULL) {
        assert_null(found.text);
        return;
    }
    assert_int_equal(found.len, strlen(expected));
    assert_memory_equal(found.text, expected, found.len);
}

static void secret_in_the_body(void **state)
{
    (void)state;
    secret_of("{\"a\":1,\"Secret\":\"abc\"}", "abc");
    secret_of("{\"secret\":\"abc\",\"x\":[[[[[[[[[[[1", "abc");
    secret_of("{\"secret\":\"a\",\"secret\":\"b\"}", "a");
    secret_of("{\"x\":{\"secret\":\"abc\"}}", NULL);
    secret_of("[{\"secret\":\"abc\"}]", NULL);
    secret_of("{\"secret\":5}", NULL);
    secret_of("{}", NULL);
    secret_of("", NULL);
    secret_of("secret", NULL);
    secret_of("\xff{\"secret\":\"abc\"}", NULL);
}

static int open_verify(void **state)
{
    (void)state;
    verify = verify_new();
    return verify == NULL;
}

static int close_verify(void **state)
{
    (void)state;
    verify_free(&verify);
    return verify != NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_alert),       cmocka_unit_test(volumes_are_not_judged_here),
        cmocka_unit_test(refusals),           cmocka_unit_test(how_refused_bodies_are_kept),
        cmocka_unit_test(hostile_sizes),      cmocka_unit_test(random_id_and_no_key_where_refused),
        cmocka_unit_test(secret_in_the_body),
    };
    return cmocka_run_group_tests(tests, open_verify, close_verify);
}
