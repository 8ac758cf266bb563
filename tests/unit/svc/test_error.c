/* struct svc_error is filled, prefixed and never overrun. */
#include "cmocka_all.h"

#include "svc/error.h"

#include <string.h>

static void fail_fills_all_members(void **state)
{
    (void)state;
    struct svc_error err = {.rc = SVC_OK};
    assert_int_equal(svc_fail(&err, SVC_REJECT, "bad_thing", "thing %d is bad", 7), SVC_REJECT);
    assert_int_equal(err.rc, SVC_REJECT);
    assert_string_equal(err.code, "bad_thing");
    assert_string_equal(err.text, "thing 7 is bad");
    assert_int_equal(svc_fail(NULL, SVC_AGAIN, "x", "y"), SVC_AGAIN);
}

static void the_error_may_be_its_own_argument(void **state)
{
    (void)state;
    struct svc_error err;
    svc_fail(&err, SVC_AGAIN, "first", "inner");
    svc_fail(&err, SVC_FATAL, err.code, "outer: %s", err.text);
    assert_string_equal(err.code, "first");
    assert_string_equal(err.text, "outer: inner");
}

static void prefixes_add_up_and_are_cut(void **state)
{
    (void)state;
    struct svc_error err;
    svc_fail(&err, SVC_AGAIN, "08006", "connection lost");
    assert_int_equal(svc_fail_prefix(&err, "claim job"), SVC_AGAIN);
    assert_string_equal(err.text, "claim job: connection lost");

    char longest[600];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(svc_fail_prefix(&err, longest), SVC_AGAIN);
    assert_true(strlen(err.text) < sizeof err.text);
    svc_fail(&err, SVC_AGAIN, longest, "%s", longest);
    svc_fail_prefix(&err, "p");
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_int_equal(strlen(err.code), sizeof err.code - 1);
    assert_memory_equal(err.text, "p: xxx", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_fills_all_members),
        cmocka_unit_test(the_error_may_be_its_own_argument),
        cmocka_unit_test(prefixes_add_up_and_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
