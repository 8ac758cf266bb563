/* Which alerts are the same: the three kinds of key, and what the canonical body does not care
 * about. */
#include "dedup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct json json;
static struct svc_buffer scratch;
static const char one[] = "11111111-1111-4111-8111-111111111111";
static const char two[] = "22222222-2222-4222-8222-222222222222";

static struct dedup of(const char *text, const char *strategy_id)
{
    struct json_fault fault;
    struct alert alert;
    struct refusal refusal;
    struct dedup dedup;
    assert_int_equal(json_scan(&json, text, strlen(text), &fault), JSON_GOOD);
    assert_true(alert_read(&json, &alert, &refusal));
    dedup_of(&json, &alert, strategy_id, &scratch, &dedup);
    assert_true(svc_uuid_valid(dedup.signal_id));
    return dedup;
}

static bool same_key(const char *a, const char *b)
{
    const struct dedup x = of(a, one), y = of(b, one);
    return x.kind == y.kind && memcmp(x.key, y.key, sizeof x.key) == 0;
}

#define HEAD "{\"symbol\":\"EURUSD\",\"action\":\"buy\","

static void stand_alone_key(void **state)
{
    (void)state;
    const struct dedup a = of(HEAD "\"alert_id\":\"k1\",\"volume\":1}", one);
    const struct dedup b = of(HEAD "\"volume\":2,\"alert_id\":\"k1\"}", one);
    const struct dedup other = of(HEAD "\"volume\":2,\"alert_id\":\"k2\"}", one);
    const struct dedup foreign = of(HEAD "\"volume\":2,\"alert_id\":\"k1\"}", two);
    assert_int_equal(a.kind, TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_KEY);
    assert_memory_equal(a.key, b.key, DEDUP_KEY_BYTES);
    assert_string_equal(a.signal_id, b.signal_id);
    assert_memory_not_equal(a.key, other.key, DEDUP_KEY_BYTES);
    assert_string_not_equal(a.signal_id, other.signal_id);
    assert_memory_not_equal(b.key, foreign.key, DEDUP_KEY_BYTES);
    assert_string_not_equal(b.signal_id, foreign.signal_id);
}

static void time_key(void **state)
{
    (void)state;
    const struct dedup a = of(HEAD "\"volume\":1,\"timenow\":\"2026-01-30T12:34:56Z\"}", one);
    const struct dedup again =
        of(HEAD "\"timenow\":\"2026-01-30T12:34:56Z\", \"volume\":1.0}", one);
    const struct dedup later = of(HEAD "\"volume\":1,\"timenow\":\"2026-01-30T12:34:57Z\"}", one);
    assert_int_equal(a.kind, TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_TIME);
    assert_memory_equal(a.key, again.key, DEDUP_KEY_BYTES);
    assert_string_equal(a.signal_id, again.signal_id);
    assert_memory_not_equal(a.key, later.key, DEDUP_KEY_BYTES);
}

static void body_key(void **state)
{
    (void)state;
    const struct dedup a = of(HEAD "\"volume\":1}", one);
    const struct dedup again = of("{\"volume\":1,\"action\":\"buy\",\"symbol\":\"EURUSD\"}", one);
    assert_int_equal(a.kind, TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_BODY);
    assert_memory_equal(a.key, again.key, DEDUP_KEY_BYTES);
    assert_string_not_equal(a.signal_id, again.signal_id); /* random: it may be another alert */
    assert_memory_not_equal(a.key, of(HEAD "\"volume\":1}", two).key, DEDUP_KEY_BYTES);
}

/* A key of one kind never equals one of another, whatever a sender puts into alert_id. */
static void kinds_do_not_meet(void **state)
{
    char text[256];
    (void)state;
    dedup_canonical(&json, &scratch);
    assert_true(same_key(HEAD "\"volume\":1}", HEAD "\"volume\":1}"));
    dedup_canonical(&json, &scratch);
    char body[128] = "";
    for (const char *c = scratch.bytes; *c != '\0'; c++)
        (void)snprintf(body + strlen(body), 3, *c == '"' ? "\\\"" : "%c", *c);
    (void)snprintf(text, sizeof text, HEAD "\"alert_id\":\"%s\"}", body);
    const struct dedup by_key = of(text, one), by_body = of(HEAD "\"volume\":1}", one);
    assert_memory_not_equal(by_key.key, by_body.key, DEDUP_KEY_BYTES);
}

static void canonical(const char *text, const char *expected)
{
    struct json_fault fault;
    assert_int_equal(json_scan(&json, text, strlen(text), &fault), JSON_GOOD);
    dedup_canonical(&json, &scratch);
    assert_string_equal(scratch.bytes, expected);
}

static void canonical_body(void **state)
{
    (void)state;
    canonical(" { } ", "{}");
    canonical("{\"b\" : 1.50, \"a\":[1e2, -0.0, {\"y\":null,\"x\":true}], \"B\":\"\\u0041\\n\"}",
              "{\"B\":\"A\\n\",\"a\":[100,0,{\"x\":true,\"y\":null}],\"b\":1.5}");
    canonical("{\"aa\":1,\"a\":2,\"ab\":3,\"\":4}", "{\"\":4,\"a\":2,\"aa\":1,\"ab\":3}");
    canonical("[\"1\",1,[]]", "[\"1\",1,[]]");
}

static void what_matters(void **state)
{
    (void)state;
    assert_true(same_key(HEAD "\"x\":\"\\u00e4\"}", HEAD "\"x\":\"\xc3\xa4\"}"));
    assert_true(same_key(HEAD "\"x\":0.10}", HEAD "\"x\":1e-1}"));
    assert_false(same_key(HEAD "\"x\":\"1\"}", HEAD "\"x\":1}"));
    assert_false(same_key(HEAD "\"x\":[1,2]}", HEAD "\"x\":[2,1]}"));
    assert_false(same_key(HEAD "\"x\":1}", HEAD "\"X\":1}"));
    assert_false(same_key(HEAD "\"x\":null}", HEAD "\"y\":null}"));
}

static int free_buffer(void **state)
{
    (void)state;
    svc_buffer_done(&scratch);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stand_alone_key), cmocka_unit_test(time_key),
        cmocka_unit_test(body_key),        cmocka_unit_test(kinds_do_not_meet),
        cmocka_unit_test(canonical_body),  cmocka_unit_test(what_matters),
    };
    return cmocka_run_group_tests(tests, NULL, free_buffer);
}
