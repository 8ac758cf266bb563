/* Times on the command line. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void good_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t ms;
    } cases[] = {{"60s", 60000},           {"0", 0},           {"5", 5000},
                 {"1500ms", 1500},         {"2m", 120000},     {"86400s", 86400000},
                 {"86400000ms", 86400000}, {"1440m", 86400000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t ms = 1;
        assert_int_equal(config_duration_ms(cases[i].text, &ms), 0);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void bad_durations(void **state)
{
    (void)state;
    static const char *const cases[] = {"",
                                        "s",
                                        "-1s",
                                        "1 s",
                                        "1h",
                                        "1sm",
                                        "1.5s",
                                        "1441m",
                                        "86401",
                                        "86400001ms",
                                        "99999999999999999s",
                                        "0x1s"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t ms;
        assert_int_equal(config_duration_ms(cases[i], &ms), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_durations),
        cmocka_unit_test(bad_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
