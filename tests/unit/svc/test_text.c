/* Numbers, UUIDs, hex, UTF-8. */
#include "cmocka_all.h"

#include "svc/text.h"

#include <string.h>

static void u64_takes_digits_in_range_only(void **state)
{
    (void)state;
    uint64_t value = 7;
    assert_int_equal(svc_parse_u64("18446744073709551615", 0, UINT64_MAX, &value), 0);
    assert_true(value == UINT64_MAX);
    assert_int_equal(svc_parse_u64("007", 0, 10, &value), 0);
    assert_int_equal(value, 7);
    static const char *const bad[] = {"",
                                      " 1",
                                      "1 ",
                                      "+1",
                                      "-1",
                                      "1.0",
                                      "0x1",
                                      "1e3",
                                      "１",
                                      "18446744073709551616",
                                      "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(svc_parse_u64(bad[i], 0, UINT64_MAX, &value), -1);
    assert_int_equal(svc_parse_u64("4", 5, 9, &value), -1);
    assert_int_equal(svc_parse_u64("10", 5, 9, &value), -1);
    assert_int_equal(value, 7); /* written on success only */
}

static void i64_reaches_both_ends(void **state)
{
    (void)state;
    int64_t value;
    assert_int_equal(svc_parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &value), 0);
    assert_true(value == INT64_MIN);
    assert_int_equal(svc_parse_i64("9223372036854775807", INT64_MIN, INT64_MAX, &value), 0);
    assert_true(value == INT64_MAX);
    assert_int_equal(svc_parse_i64("9223372036854775808", INT64_MIN, INT64_MAX, &value), -1);
    assert_int_equal(svc_parse_i64("-9223372036854775809", INT64_MIN, INT64_MAX, &value), -1);
    assert_int_equal(svc_parse_i64("-", INT64_MIN, INT64_MAX, &value), -1);
    assert_int_equal(svc_parse_i64("--1", INT64_MIN, INT64_MAX, &value), -1);
    assert_int_equal(svc_parse_i64("-5", -4, 4, &value), -1);
}

static void uuids_carry_version_and_variant(void **state)
{
    (void)state;
    char one[SVC_UUID_TEXT], two[SVC_UUID_TEXT];
    svc_uuid_random(one);
    svc_uuid_random(two);
    assert_true(svc_uuid_valid(one));
    assert_string_not_equal(one, two);
    assert_int_equal(one[14], '4');
    assert_non_null(strchr("89ab", one[19]));

    const uint8_t ones[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                              0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    svc_uuid_from_digest(ones, one);
    assert_string_equal(one, "ffffffff-ffff-8fff-bfff-ffffffffffff");
    const uint8_t zeros[16] = {0};
    svc_uuid_from_digest(zeros, one);
    assert_string_equal(one, "00000000-0000-8000-8000-000000000000");
}

static void uuid_valid_looks_at_every_character(void **state)
{
    (void)state;
    assert_true(svc_uuid_valid("01234567-89ab-cdef-ABCD-EF0123456789"));
    assert_false(svc_uuid_valid(""));
    assert_false(svc_uuid_valid("01234567-89ab-cdef-ABCD-EF012345678"));
    assert_false(svc_uuid_valid("01234567-89ab-cdef-ABCD-EF01234567890"));
    assert_false(svc_uuid_valid("0123456789ab-cdef-ABCD-EF0123456789-1"));
    assert_false(svc_uuid_valid("g1234567-89ab-cdef-ABCD-EF0123456789"));
}

static void hex_is_lower_case(void **state)
{
    (void)state;
    char text[9];
    svc_hex((const uint8_t[]){0x00, 0x9f, 0xAB, 0xff}, 4, text);
    assert_string_equal(text, "009fabff");
    svc_hex(NULL, 0, text);
    assert_string_equal(text, "");
}

static void utf8_follows_the_table_of_well_formed_sequences(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "plain",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\xaf",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\x41",
                                      "\xe0\x9f\xbf",
                                      "\xe2\x82",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xf0\x90\x80\x41"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(svc_utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(svc_utf8_valid(bad[i], strlen(bad[i])));
    assert_false(svc_utf8_valid("a\0b", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u64_takes_digits_in_range_only),
        cmocka_unit_test(i64_reaches_both_ends),
        cmocka_unit_test(uuids_carry_version_and_variant),
        cmocka_unit_test(uuid_valid_looks_at_every_character),
        cmocka_unit_test(hex_is_lower_case),
        cmocka_unit_test(utf8_follows_the_table_of_well_formed_sequences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
