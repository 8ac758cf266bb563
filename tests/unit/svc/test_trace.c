/* W3C trace context. */
#include "cmocka_all.h"

#include "svc/trace.h"

#include <string.h>

static const char trace[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

static void a_new_trace_is_valid_and_another_one(void **state)
{
    (void)state;
    char one[SVC_TRACE_TEXT], two[SVC_TRACE_TEXT];
    svc_trace_new(one);
    svc_trace_new(two);
    assert_int_equal(strlen(one), SVC_TRACE_TEXT - 1);
    assert_true(svc_trace_valid(one, strlen(one)));
    assert_string_equal(one + 52, "-01"); /* sampled */
    assert_memory_not_equal(one + 3, two + 3, 32);
    assert_memory_not_equal(one + 36, two + 36, 16);
}

static void only_the_exact_form_is_valid(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bg-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    };
    assert_true(svc_trace_valid(trace, sizeof trace - 1));
    assert_true(svc_trace_valid("00-00000000000000000000000000000001-0000000000000001-00", 55));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(svc_trace_valid(bad[i], strlen(bad[i])));
    assert_false(svc_trace_valid(trace, sizeof trace)); /* with its NUL */
    assert_false(svc_trace_valid(NULL, 0));
}

static void a_valid_one_goes_on_and_anything_else_is_replaced(void **state)
{
    (void)state;
    char ret[SVC_TRACE_TEXT];
    svc_trace_continue(trace, sizeof trace - 1, ret);
    assert_string_equal(ret, trace);
    svc_trace_continue("00-junk", 7, ret);
    assert_true(svc_trace_valid(ret, strlen(ret)));
    assert_string_not_equal(ret, trace);
    svc_trace_continue(NULL, 0, ret);
    assert_true(svc_trace_valid(ret, strlen(ret)));
}

static void the_id_is_the_part_that_stays(void **state)
{
    (void)state;
    char id[SVC_TRACE_ID_TEXT];
    svc_trace_id(trace, id);
    assert_string_equal(id, "4bf92f3577b34da6a3ce929d0e0e4736");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_trace_is_valid_and_another_one),
        cmocka_unit_test(only_the_exact_form_is_valid),
        cmocka_unit_test(a_valid_one_goes_on_and_anything_else_is_replaced),
        cmocka_unit_test(the_id_is_the_part_that_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
