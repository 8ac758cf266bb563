/* JSON lines: an absent member reads as nothing, a wrong one is the fault, and what is written
 * reads back. */
#include "wire/jsonline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct svc_arena arena;

static int set_up(void **state)
{
    (void)state;
    svc_arena_init(&arena, 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    svc_arena_done(&arena);
    return 0;
}

static json_t *open_line(const char *line, struct jsonline *r)
{
    return jsonline_open(&arena, line, strlen(line), r);
}

static void what_is_absent_reads_as_nothing(void **state)
{
    (void)state;
    struct jsonline r;
    char text[8] = "x";
    json_t *json = open_line("{}", &r);
    assert_string_equal(jsonline_word(&r, "a"), "");
    assert_string_equal(jsonline_kept_decimal(&r, "a"), "");
    jsonline_decimal(&r, "a", text, sizeof text);
    assert_string_equal(text, "");
    assert_int_equal(jsonline_number(&r, "a"), 0);
    assert_int_equal(jsonline_count_to(&r, "a", 3), 0);
    assert_int_equal(jsonline_ticket(&r, "a"), 0);
    assert_false(jsonline_truth(&r, "a"));
    assert_null(r.fault);
    json_decref(json);
}

#define FAULT(line, name, read)                                                                    \
    do {                                                                                           \
        struct jsonline r;                                                                         \
        json_t *json = open_line(line, &r);                                                        \
        (void)(read);                                                                              \
        if (r.fault == NULL || strcmp(r.fault, name) != 0)                                         \
            fail_msg("%s of %s: %s", #read, line, r.fault == NULL ? "taken" : r.fault);            \
        json_decref(json);                                                                         \
    } while (0)

static void what_is_wrong_is_the_fault(void **state)
{
    (void)state;
    char text[4];
    FAULT("{\"a\":1}", "a", jsonline_word(&r, "a"));
    FAULT("{\"a\":\"1x\"}", "a", jsonline_kept_decimal(&r, "a"));
    FAULT("{\"a\":\"abcd\"}", "a", (jsonline_text(&r, "a", text, sizeof text), 0));
    FAULT("{\"a\":\"\"}", "a", (jsonline_required(&r, "a", text, sizeof text), 0));
    FAULT("{\"a\":\"x\"}", "a", (jsonline_decimal(&r, "a", text, sizeof text), 0));
    FAULT("{\"a\":\"1\"}", "a", jsonline_number(&r, "a"));
    FAULT("{\"a\":1.0}", "a", jsonline_number(&r, "a"));
    FAULT("{\"a\":-1}", "a", jsonline_count(&r, "a"));
    FAULT("{\"a\":4}", "a", jsonline_count_to(&r, "a", 3));
    FAULT("{\"a\":5}", "a", jsonline_ticket(&r, "a"));
    FAULT("{\"a\":\"-5\"}", "a", jsonline_ticket(&r, "a"));
    FAULT("{\"a\":\"18446744073709551616\"}", "a", jsonline_ticket(&r, "a"));
    FAULT("{\"a\":0}", "a", jsonline_truth(&r, "a"));
    FAULT("{\"side\":\"long\"}", "side", jsonline_sells(&r));
    FAULT("{\"a\":{}}", "a", jsonline_array(&r, "a", 9));
    FAULT("{\"a\":[1,2]}", "a", jsonline_array(&r, "a", 1));
    /* the first one is kept */
    FAULT("{\"a\":1,\"b\":1}", "b", (jsonline_word(&r, "b"), jsonline_word(&r, "a")));
}

static void a_line_is_one_object_of_a_known_type(void **state)
{
    (void)state;
    static const char *const types[] = {"one", "two"};
    static const struct {
        const char *line, *fault;
        size_t type;
    } rows[] = {
        {"{\"type\":\"two\"}", NULL, 1},
        {"{\"type\":\"three\"}", "type", 2},
        {"{\"type\":\"one\",\"type\":\"two\"}", "JSON object", 2},
        {"[\"one\"]", "JSON object", 2},
        {"", "JSON object", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct jsonline r;
        json_t *json = open_line(rows[i].line, &r);
        assert_int_equal(jsonline_type(&r, types, 2), rows[i].type);
        if (rows[i].fault == NULL)
            assert_null(r.fault);
        else
            assert_string_equal(r.fault, rows[i].fault);
        json_decref(json);
    }
}

static void read_pair(struct jsonline *r, void *ret)
{
    *(int64_t *)ret = jsonline_number(r, "n");
}

static void elements_are_read_in_order(void **state)
{
    (void)state;
    struct jsonline r;
    int64_t numbers[3] = {0};
    json_t *json = open_line("{\"a\":[{\"n\":1},{\"n\":2},{\"n\":\"3\"}]}", &r);
    assert_int_equal(jsonline_array(&r, "a", 3), 3);
    jsonline_elements(&r, "a", 2, numbers, sizeof numbers[0], read_pair);
    assert_null(r.fault);
    assert_int_equal(numbers[0], 1);
    assert_int_equal(numbers[1], 2);
    jsonline_elements(&r, "a", 3, numbers, sizeof numbers[0], read_pair);
    assert_string_equal(r.fault, "n");
    json_decref(json);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    struct svc_buffer line = {0};
    struct jsonline r;
    jsonline_begin(&line, "x");
    jsonline_put_text(&line, "text", "\"\\\n\x01");
    jsonline_put_text(&line, "empty", "");
    jsonline_put_text_unless_empty(&line, "left_out", "");
    jsonline_put_number(&line, "number", INT64_MIN);
    jsonline_put_ticket(&line, "ticket", UINT64_MAX);
    jsonline_put_bool(&line, "yes", true);
    jsonline_put_scaled(&line, "price", -108504, 5);
    jsonline_end(&line);
    assert_int_equal(line.bytes[line.len - 1], '\n');
    json_t *json = jsonline_open(&arena, line.bytes, line.len, &r);
    assert_string_equal(jsonline_word(&r, "text"), "\"\\\n\x01");
    assert_int_equal(json_object_size(json), 7);
    assert_true(jsonline_number(&r, "number") == INT64_MIN);
    assert_true(jsonline_ticket(&r, "ticket") == UINT64_MAX);
    assert_true(jsonline_truth(&r, "yes"));
    assert_string_equal(jsonline_word(&r, "price"), "-1.08504");
    assert_null(r.fault);
    json_decref(json);
    svc_buffer_done(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_absent_reads_as_nothing),
        cmocka_unit_test(what_is_wrong_is_the_fault),
        cmocka_unit_test(a_line_is_one_object_of_a_known_type),
        cmocka_unit_test(elements_are_read_in_order),
        cmocka_unit_test(what_is_written_reads_back),
    };
    return cmocka_run_group_tests_name("jsonline", tests, set_up, tear_down);
}
