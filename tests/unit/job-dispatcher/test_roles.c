/* roles.c: DISPATCHER_ROLES. */
#include "roles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum svc_rc parse(const char *text, bool ret[ROLE_COUNT], struct svc_error *err)
{
    memset(ret, 0, ROLE_COUNT * sizeof ret[0]);
    return roles_parse(text, ret, err);
}

static void test_known(void **state)
{
    (void)state;
    bool roles[ROLE_COUNT];
    struct svc_error err = {.rc = SVC_OK};
    assert_int_equal(parse("signals,results,maintenance", roles, &err), SVC_OK);
    assert_true(roles[ROLE_SIGNALS] && roles[ROLE_RESULTS] && roles[ROLE_MAINTENANCE]);
    assert_int_equal(parse(" results, results,", roles, &err), SVC_OK);
    assert_true(!roles[ROLE_SIGNALS] && roles[ROLE_RESULTS] && !roles[ROLE_MAINTENANCE]);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", " , ", "signals,api", "Signals", "result", "signalsx"};
    bool roles[ROLE_COUNT];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct svc_error err = {.rc = SVC_OK};
        assert_int_equal(parse(texts[i], roles, &err), SVC_FATAL);
        assert_string_equal(err.code, "config");
    }
    struct svc_error err = {.rc = SVC_OK};
    assert_int_equal(parse("signals,runner", roles, &err), SVC_FATAL);
    assert_non_null(strstr(err.text, "\"runner\""));
    assert_non_null(strstr(err.text, "maintenance"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
