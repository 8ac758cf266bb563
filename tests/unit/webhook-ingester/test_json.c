/* The scanner: what it takes and keeps, what it refuses, and every limit from both sides. */
#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct json json;
static char text[JSON_TEXT_MAX + 1];

static enum json_verdict scan(const char *source)
{
    struct json_fault fault = {.what = NULL};
    const enum json_verdict verdict = json_scan(&json, source, strlen(source), &fault);
    assert_true((verdict == JSON_GOOD) == (fault.what == NULL));
    return verdict;
}

static uint32_t find(const char *name) /* the value's node; 0: no such member */
{
    for (uint32_t key = json_first(0); json_has(&json, 0, key); key = json_next(&json, key))
        if (json_is_word(&json.nodes[key], name))
            return key + 1;
    return 0;
}

static const struct json_node *member(const char *name)
{
    assert_int_not_equal(find(name), 0);
    return &json.nodes[find(name)];
}

static void assert_text(const struct json_node *node, const char *expected)
{
    assert_int_equal(node->len, strlen(expected));
    assert_memory_equal(node->text, expected, node->len);
}

static void takes_what_json_is(void **state)
{
    static const char *const good[] = {"{}",
                                       "[]",
                                       " \t\r\n{ } \n",
                                       "{\"a\":1}",
                                       "{\"a\":{\"a\":{}}}",
                                       "[true,false,null,\"\",-0]",
                                       "[0,-1,1.5,1e5,1E+5,1.5e-30,0.0]",
                                       "{\"\":0}",
                                       "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
                                       "[\"\\u00e4\\ud83d\\ude00\"]",
                                       "[\"\x7f\"]",
                                       "{\"a\":1,\"A\":2}",
                                       "[1234567890123456789012345678901234567890]"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (scan(good[i]) != JSON_GOOD)
            fail_msg("refused: %s", good[i]);
}

static void refuses_what_is_not_json(void **state)
{
    static const char *const broken[] = {"",
                                         " ",
                                         "1",
                                         "\"a\"",
                                         "null",
                                         "{",
                                         "}",
                                         "[",
                                         "]",
                                         "{]",
                                         "[}",
                                         "{\"a\"}",
                                         "{\"a\":}",
                                         "{\"a\":1,}",
                                         "[1,]",
                                         "[,1]",
                                         "{,}",
                                         "{a:1}",
                                         "{'a':1}",
                                         "{\"a\" 1}",
                                         "{\"a\":1 \"b\":2}",
                                         "[1 2]",
                                         "{}{}",
                                         "{} x",
                                         "[01]",
                                         "[1.]",
                                         "[.5]",
                                         "[+1]",
                                         "[-]",
                                         "[1e]",
                                         "[1e+]",
                                         "[0x1]",
                                         "[NaN]",
                                         "[Infinity]",
                                         "[-Infinity]",
                                         "[tru]",
                                         "[truex]",
                                         "[nul",
                                         "[\"a]",
                                         "[\"\n\"]",
                                         "[\"\\x\"]",
                                         "[\"\\u12\"]",
                                         "[\"\\u12g4\"]",
                                         "[\"\\",
                                         "[\"\\u",
                                         "[\"\\ud83d\"]",
                                         "[\"\\ud83dx\"]",
                                         "[\"\\ud83d\\n\"]",
                                         "[\"\\ud83d\\ud83d\"]",
                                         "[\"\\ude00\"]",
                                         "[\"\\u0000\"]",
                                         "{\"\\u0000\":1}",
                                         "{\"a\":1,\"a\":2}",
                                         "{\"a\":1,\"\\u0061\":2}",
                                         "[{\"x\":{\"k\":1,\"k\":1}}]",
                                         "/**/{}",
                                         "{\"a\":1}//"};
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        if (scan(broken[i]) != JSON_BROKEN)
            fail_msg("taken: %s", broken[i]);
}

static void keeps_numbers_as_written(void **state)
{
    (void)state;
    assert_int_equal(scan("{\"a\":1.10, \"b\":-0.0, \"c\":1E+5}"), JSON_GOOD);
    assert_text(member("a"), "1.10");
    assert_text(member("b"), "-0.0");
    assert_text(member("c"), "1E+5");
}

static void resolves_escapes(void **state)
{
    (void)state;
    assert_int_equal(scan("{\"s\\u0079m\":\"a\\u00e4\\n\\ud83d\\ude00\\/\\\\z\",\"p\":\"pl\"}"),
                     JSON_GOOD);
    assert_text(member("sym"), "a\xc3\xa4\n\xf0\x9f\x98\x80/\\z");
    assert_true(member("sym")->escaped);
    assert_text(member("p"), "pl");
    assert_false(member("p")->escaped);
    assert_int_equal(scan("[\"\\u07ff\\u0800\\uffff\\uD800\\uDC00\\udbff\\udfff\"]"), JSON_GOOD);
    assert_text(&json.nodes[1], "\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

static void knows_where_values_stand(void **state)
{
    const char *source = " {\"a\" : [1, {\"b\":\"x\\n\"}], \"c\":null} ";
    (void)state;
    assert_int_equal(scan(source), JSON_GOOD);
    assert_int_equal(json.nodes[0].start, 1);
    assert_int_equal(json.nodes[0].end, strlen(source) - 1);
    const struct json_node *array = member("a");
    assert_int_equal(array->type, JSON_IS_ARRAY);
    assert_memory_equal(source + array->start, "[1, {\"b\":\"x\\n\"}]", array->end - array->start);
    assert_int_equal(member("c")->type, JSON_IS_NULL);
    assert_memory_equal(source + member("c")->start, "null", 4);
    assert_int_equal(json.count, 9);
    assert_int_equal(json.key_count, 3);
}

static void words_ignore_case(void **state)
{
    (void)state;
    assert_int_equal(scan("{\"SyMbol\":\"x\"}"), JSON_GOOD);
    assert_int_not_equal(find("symbol"), 0);
    assert_int_equal(find("symbo"), 0);
    assert_int_equal(find("symbols"), 0);
}

/* --- limits ---------------------------------------------------------------------------------- */

static char *put(char *at, const char *piece, int times)
{
    for (int i = 0; i < times; i++)
        at = stpcpy(at, piece);
    return at;
}

static void depth(void **state)
{
    (void)state;
    (void)put(put(text, "[", 8), "]", 8);
    assert_int_equal(scan(text), JSON_GOOD);
    (void)put(put(text, "[", 9), "]", 9);
    assert_int_equal(scan(text), JSON_BROKEN);
    (void)put(put(text, "{\"a\":", 8), "1", 1);
    (void)put(text + strlen(text), "}", 8);
    assert_int_equal(scan(text), JSON_GOOD);
    (void)put(put(text, "[", 10000), "]", 10000);
    assert_int_equal(scan(text), JSON_BROKEN);
    (void)put(text, "{\"a\":", 10000);
    assert_int_equal(scan(text), JSON_BROKEN);
}

static void keys(void **state)
{
    (void)state;
    for (int count = 128; count <= 129; count++) {
        char *at = put(text, "{", 1);
        for (int i = 0; i < count; i++)
            at += snprintf(at, (size_t)(text + sizeof text - at), "%s\"k%d\":%d", i == 0 ? "" : ",",
                           i, i);
        (void)put(at, "}", 1);
        assert_int_equal(scan(text), count == 128 ? JSON_GOOD : JSON_BROKEN);
    }
    /* In the whole text, not in one object. */
    char *at = put(text, "[", 1);
    at = put(at, "{\"a\":1},", 128);
    (void)put(at, "{\"a\":1}]", 1);
    assert_int_equal(scan(text), JSON_BROKEN);
}

static void strings(void **state)
{
    (void)state;
    (void)put(put(put(text, "[\"", 1), "x", 1024), "\"]", 1);
    assert_int_equal(scan(text), JSON_GOOD);
    assert_int_equal(json.nodes[1].len, 1024);
    (void)put(put(put(text, "[\"", 1), "x", 1025), "\"]", 1);
    assert_int_equal(scan(text), JSON_BROKEN);
    /* Counted without escapes. */
    (void)put(put(put(text, "[\"", 1), "\\u0041", 1024), "\"]", 1);
    assert_int_equal(scan(text), JSON_GOOD);
    (void)put(put(put(text, "[\"", 1), "\\n", 1025), "\"]", 1);
    assert_int_equal(scan(text), JSON_BROKEN);
    (void)put(put(put(text, "{\"", 1), "k", 1025), "\":1}", 1);
    assert_int_equal(scan(text), JSON_BROKEN);
}

static void numbers(void **state)
{
    static const char *const past[] = {"[1e31]",
                                       "[1e-31]",
                                       "[1E+00031]",
                                       "[1e400000]",
                                       "[-1e99999999999999999999]",
                                       "[12345678901234567890123456789012345678901]",
                                       "[0.1234567890123456789012345678901234567890]"};
    (void)state;
    assert_int_equal(scan("[1e30,1e-30,1e+00030]"), JSON_GOOD);
    for (size_t i = 0; i < sizeof past / sizeof *past; i++)
        assert_int_equal(scan(past[i]), JSON_BAD_NUMBER);
}

/* The densest texts of the largest size: nodes and decoded text never run over. */
static void full_size(void **state)
{
    (void)state;
    (void)put(put(put(text, " [", 1), "0,", JSON_TEXT_MAX / 2 - 2), "0]", 1);
    assert_int_equal(strlen(text), JSON_TEXT_MAX);
    assert_int_equal(scan(text), JSON_GOOD);
    assert_int_equal(json.count, JSON_TEXT_MAX / 2);
    (void)put(put(put(text, "[", 1), "\"\\n\",", JSON_TEXT_MAX / 5 - 1), "0]", 1);
    assert_int_equal(scan(text), JSON_GOOD);
    memset(text, '[', JSON_TEXT_MAX);
    assert_int_equal(scan(text), JSON_BROKEN);
    memset(text, '"', JSON_TEXT_MAX);
    text[0] = '[';
    assert_int_equal(scan(text), JSON_BROKEN);
    memset(text, '\\', JSON_TEXT_MAX);
    memcpy(text, "[\"", 2);
    assert_int_equal(scan(text), JSON_BROKEN);
}

/* --- faults ---------------------------------------------------------------------------------- */

static void what_was_complete_stays_readable(void **state)
{
    (void)state;
    assert_int_equal(scan("{\"secret\":\"abc\",\"x\":{\"y\":1,\"z\""), JSON_BROKEN);
    assert_text(member("secret"), "abc");
    assert_int_equal(member("x")->next, json.count);
    assert_int_equal(scan("{\"secret\":\"abc\",\"secret\""), JSON_BROKEN);
    assert_text(member("secret"), "abc");
    assert_int_equal(scan("{\"secret\""), JSON_BROKEN);
    assert_int_equal(find("secret"), 0);
    assert_int_equal(scan("{\"secret\":\"abc"), JSON_BROKEN);
    assert_int_equal(find("secret"), 0);
}

/* Cut anywhere, a text is refused, and never read past its end (the copy has nothing behind it). */
static void every_cut_is_refused(void **state)
{
    const char *whole = "{\"a\":[1.5e3,\"x\\u00e4\\ud83d\\ude00\",true],\"b\":{\"c\":null}}";
    (void)state;
    for (size_t len = 0; len < strlen(whole); len++) {
        char *copy = malloc(len + 1);
        struct json_fault fault;
        assert_non_null(copy);
        memcpy(copy, whole, len);
        assert_int_equal(json_scan(&json, copy, len, &fault), JSON_BROKEN);
        assert_true(fault.at <= len);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_json_is),
        cmocka_unit_test(refuses_what_is_not_json),
        cmocka_unit_test(keeps_numbers_as_written),
        cmocka_unit_test(resolves_escapes),
        cmocka_unit_test(knows_where_values_stand),
        cmocka_unit_test(words_ignore_case),
        cmocka_unit_test(depth),
        cmocka_unit_test(keys),
        cmocka_unit_test(strings),
        cmocka_unit_test(numbers),
        cmocka_unit_test(full_size),
        cmocka_unit_test(what_was_complete_stays_readable),
        cmocka_unit_test(every_cut_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
