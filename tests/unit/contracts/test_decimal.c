/* Decimal text: what is one, what it means, and that nothing is ever rounded. */
#include "contracts/decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void takes_decimals_only(void **state)
{
    (void)state;
    static const char *const good[] = {"0",  "-0",   "1",     "0.10",    ".5",
                                       "5.", "1e30", "1E-30", "-12.5e+3"};
    static const char *const bad[] = {
        "",      "-",   ".",    "+1",
        "1.2.3", "1e",  "1e31", "0x1",
        "1e-31", "NaN", "1,5",  " 1",
        "1 ",    "--1", "e5",   "12345678901234567890123456789012345678901"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(decimal_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(decimal_valid(bad[i]));
}

static void prints_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *normal;
    } cases[] = {{"0.10", "0.1"},
                 {"1e2", "100"},
                 {"00012.500", "12.5"},
                 {"-0.000", "0"},
                 {"1.5e-3", "0.0015"},
                 {"-2.50e1", "-25"},
                 {".5", "0.5"},
                 {"5.", "5"},
                 {"123.456e2", "12345.6"},
                 {"1.1000000000000001", "1.1000000000000001"}};
    char normal[DECIMAL_NORMAL_TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(decimal_normal(cases[i].text, normal));
        assert_string_equal(normal, cases[i].normal);
    }
    assert_true(
        decimal_normal("-123456789012345678901234567890123456e30", normal)); /* the longest */
    assert_true(decimal_normal("-.1234567890123456789012345678901234e-30", normal));
}

static void compares_by_value(void **state)
{
    (void)state;
    assert_true(decimal_compare("0.1", "0.10") == 0);
    assert_true(decimal_compare("1e2", "99.9") > 0);
    assert_true(decimal_compare("-1", "0") < 0);
    assert_true(decimal_compare("-2", "-1") < 0);
    assert_true(decimal_compare("0", "0.0001") < 0);
    assert_true(decimal_compare("99999999.99", "100000000") < 0);
}

static void scales_exactly_or_not_at_all(void **state)
{
    (void)state;
    int64_t scaled = 0;
    assert_true(decimal_scaled("1.08415", 5, &scaled));
    assert_int_equal(scaled, 108415);
    assert_true(decimal_scaled("-0.5", 2, &scaled));
    assert_int_equal(scaled, -50);
    assert_true(decimal_scaled("0.000", 2, &scaled));
    assert_int_equal(scaled, 0);
    assert_false(decimal_scaled("0.001", 2, &scaled));
    assert_false(decimal_scaled("1e19", 0, &scaled));
    char text[DECIMAL_SCALED_TEXT];
    decimal_print(108415, 5, text);
    assert_string_equal(text, "1.08415");
    decimal_print(-5, 2, text);
    assert_string_equal(text, "-0.05");
    decimal_print(7, 0, text);
    assert_string_equal(text, "7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_decimals_only),
        cmocka_unit_test(prints_one_form),
        cmocka_unit_test(compares_by_value),
        cmocka_unit_test(scales_exactly_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
