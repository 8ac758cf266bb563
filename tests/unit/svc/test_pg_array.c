/* Array parameters: what Postgres would read from them is compared as text. */
#include "cmocka_all.h"

#include "svc/pg.h"

#include <string.h>

static struct svc_buffer array;

static void begin_over_old_content(void)
{
    svc_buffer_reset(&array);
    svc_buffer_text(&array, "left over");
    svc_pg_array_begin(&array);
}

static void an_empty_array_is_two_brackets(void **state)
{
    (void)state;
    begin_over_old_content();
    svc_pg_array_end(&array);
    assert_string_equal(array.bytes, "{}");
}

static void texts_are_quoted_whatever_they_hold(void **state)
{
    (void)state;
    begin_over_old_content();
    svc_pg_array_add(&array, "plain");
    svc_pg_array_add(&array, "");
    svc_pg_array_add(&array, "NULL");
    svc_pg_array_add(&array, NULL);
    svc_pg_array_add(&array, "a\"b\\c,{}");
    svc_pg_array_add(&array, "\"\"");
    svc_pg_array_add_bytes(&array, "cut here", 3);
    svc_pg_array_add(&array, "{");
    svc_pg_array_add(&array, "é");
    svc_pg_array_end(&array);
    assert_string_equal(array.bytes,
                        "{\"plain\",\"\",\"NULL\",NULL,\"a\\\"b\\\\c,{}\",\"\\\"\\\"\","
                        "\"cut\",\"{\",\"é\"}");
}

static void numbers_reach_both_ends(void **state)
{
    (void)state;
    begin_over_old_content();
    svc_pg_array_add_i64(&array, INT64_MIN);
    svc_pg_array_add_i64(&array, 0);
    svc_pg_array_add_i64(&array, INT64_MAX);
    svc_pg_array_end(&array);
    assert_string_equal(array.bytes, "{-9223372036854775808,0,9223372036854775807}");
}

static void bytes_become_hex(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0x00, 0x0f, 0xf0, 0xff};
    begin_over_old_content();
    svc_pg_array_add_bytea(&array, bytes, sizeof bytes);
    svc_pg_array_add_bytea(&array, bytes, 0);
    svc_pg_array_add_bytea(&array, NULL, 0);
    svc_pg_array_end(&array);
    assert_string_equal(array.bytes, "{\"\\\\x000ff0ff\",\"\\\\x\",NULL}");
}

static void a_time_of_zero_is_null(void **state)
{
    (void)state;
    begin_over_old_content();
    svc_pg_array_add_time(&array, 1769776496123456);
    svc_pg_array_add_time(&array, 0);
    svc_pg_array_end(&array);
    assert_string_equal(array.bytes, "{\"2026-01-30T12:34:56.123456Z\",NULL}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_array_is_two_brackets),
        cmocka_unit_test(texts_are_quoted_whatever_they_hold),
        cmocka_unit_test(numbers_reach_both_ends),
        cmocka_unit_test(bytes_become_hex),
        cmocka_unit_test(a_time_of_zero_is_null),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    svc_buffer_done(&array);
    return failed;
}
