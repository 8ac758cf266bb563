/* raw_payload: always JSON, never a secret, the rest as it was sent. */
#include "raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>

static struct json json;
static struct svc_buffer raw, scratch;
static const struct raw_secret secret = {.text = "5ec7e75ec7e7", .len = 12};

static void assert_json(const char *source, const char *expected)
{
    struct json_fault fault;
    assert_int_equal(json_scan(&json, source, strlen(source), &fault), JSON_GOOD);
    raw_json(&json, secret, &raw);
    assert_string_equal(raw.bytes, expected);
}

static void json_stays_as_it_was_sent(void **state)
{
    (void)state;
    assert_json("{ \"a\" : 1.10, \"b\":[1E5 ,{}], \"c\":\"x\\u0041\" }",
                "{ \"a\" : 1.10, \"b\":[1E5 ,{}], \"c\":\"x\\u0041\" }");
    assert_json("[]", "[]");
}

static void members_named_like_a_secret(void **state)
{
    (void)state;
    assert_json("{\"secret\":\"x\",\"TOKEN\":1.5,\"Key\":{\"a\":[1]},\"password\":null,"
                "\"license\":[\"y\"],\"auth_key\":true,\"api_token\":\"\",\"secrets\":1,\"ke\":2}",
                "{\"secret\":\"***\",\"TOKEN\":\"***\",\"Key\":\"***\",\"password\":\"***\","
                "\"license\":\"***\",\"auth_key\":\"***\",\"api_token\":\"***\",\"secrets\":1,"
                "\"ke\":2}");
    assert_json("[{\"a\":{\"b\":[{\"p\\u0061ssword\":\"x\"}]}},{\"token\" : 7 }]",
                "[{\"a\":{\"b\":[{\"p\\u0061ssword\":\"***\"}]}},{\"token\" : \"***\" }]");
}

static void own_secret_anywhere(void **state)
{
    (void)state;
    assert_json("{\"x\":\"a5ec7e75ec7e7b\",\"y\":[\"5ec7e75ec7e7\"],\"z\":\"5ec7e75ec7e\"}",
                "{\"x\":\"***\",\"y\":[\"***\"],\"z\":\"5ec7e75ec7e\"}");
    assert_json("{\"x\":\"\\u0035ec7e75ec7e7\"}", "{\"x\":\"***\"}");
    assert_json("{\"x\":\"\\u00e5ec7e75ec7e7\"}", "{\"x\":\"***\"}"); /* found by the fuzzer */
    assert_json("{\"5ec7e75ec7e7\":1,\"n\":2}", "{\"***\":1,\"n\":2}");
}

static void assert_body(const void *bytes, size_t len, const char *type, const char *expected)
{
    raw_body(bytes, len, 64 * 1024, type, secret, &scratch, &raw);
    assert_string_equal(raw.bytes, expected);
}

static void text_bodies(void **state)
{
    (void)state;
    assert_body("buy \"it\"\n", 9, "text/plain; charset=utf-8",
                "{\"_text\": \"buy \\\"it\\\"\\n\", \"_ct\": \"text/plain\"}");
    assert_body("", 0, NULL, "{\"_text\": \"\"}");
    assert_body("a5ec7e75ec7e7b 5ec7e75ec7e7", 27, NULL,
                "{\"_text\": \"a************b ************\"}");
    assert_body("x", 1, "\x01\xff", "{\"_text\": \"x\"}");
    assert_body("x", 1, "5ec7e75ec7e7", "{\"_text\": \"x\", \"_ct\": \"************\"}");
}

static void bodies_that_are_no_text(void **state)
{
    (void)state;
    assert_body("a\0b", 3, NULL, "{\"_b64\": \"YQBi\"}");
    assert_body("\xff\xfe", 2, "x/y", "{\"_b64\": \"//4=\", \"_ct\": \"x/y\"}");
    assert_body("\xff"
                "5ec7e75ec7e7",
                13, NULL, "{\"_b64\": \"/yoqKioqKioqKioqKg==\"}");
    /* Longer than one piece of the encoder. */
    static uint8_t bytes[64 * 1024], back[64 * 1024];
    size_t len = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    raw_body(bytes, sizeof bytes, sizeof bytes, NULL, secret, &scratch, &raw);
    assert_true(raw.len < RAW_BYTES_MAX);
    const size_t begin = strlen("{\"_b64\": \"");
    assert_int_equal(sodium_base642bin(back, sizeof back, raw.bytes + begin, raw.len - begin - 2,
                                       NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL),
                     0);
    assert_int_equal(len, sizeof bytes);
    assert_memory_equal(back, bytes, sizeof bytes);
}

static json_t *loads(void)
{
    json_t *loaded = json_loadb(raw.bytes, raw.len, 0, NULL);
    assert_non_null(loaded);
    assert_true(json_is_true(json_object_get(loaded, "_truncated")));
    return loaded;
}

static void truncated(void **state)
{
    static char body[64 * 1024];
    (void)state;
    /* The secret lies across the cut: masked before it. */
    memset(body, 'x', sizeof body);
    memcpy(body + 4090, secret.text, secret.len);
    raw_body(body, sizeof body, 4096, NULL, secret, &scratch, &raw);
    assert_null(strstr(raw.bytes, "5ec7"));
    json_t *loaded = loads();
    assert_int_equal(json_string_length(json_object_get(loaded, "_text")), 4096);
    json_decref(loaded);
    /* No character is cut in two. */
    for (size_t shift = 0; shift < 4; shift++) {
        memset(body, 'y', shift);
        for (size_t i = shift; i + 4 <= sizeof body; i += 4)
            memcpy(body + i, "\xf0\x9f\x98\x80", 4);
        raw_body(body, sizeof body - 4 + shift, 4096, NULL, secret, &scratch, &raw);
        loaded = loads();
        assert_int_equal(json_string_length(json_object_get(loaded, "_text")),
                         shift == 0 ? 4096 : 4092 + shift);
        json_decref(loaded);
    }
    /* Escapes may make a text six times as long; the limit holds all the same. */
    memset(body, 1, sizeof body);
    raw_body(body, sizeof body, sizeof body, NULL, secret, &scratch, &raw);
    assert_true(raw.len <= RAW_BYTES_MAX);
    assert_true(raw.len > RAW_BYTES_MAX - 512);
    json_decref(loads());
}

static int free_buffers(void **state)
{
    (void)state;
    svc_buffer_done(&raw);
    svc_buffer_done(&scratch);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_stays_as_it_was_sent), cmocka_unit_test(members_named_like_a_secret),
        cmocka_unit_test(own_secret_anywhere),       cmocka_unit_test(text_bodies),
        cmocka_unit_test(bodies_that_are_no_text),   cmocka_unit_test(truncated),
    };
    return cmocka_run_group_tests(tests, NULL, free_buffers);
}
