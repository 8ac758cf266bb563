/* Wall time as text and back, compared with the C library over many days. */
#include "cmocka_all.h"

#include "svc/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t parsed(const char *text)
{
    int64_t value = INT64_MIN;
    return svc_time_parse(text, strlen(text), &value) == 0 ? value : INT64_MIN;
}

static void text_agrees_with_gmtime(void **state)
{
    (void)state;
    /* Every 9.8 days from the year 1 to 9999, so that all months, leap years and centuries come. */
    for (int64_t us = INT64_C(-62135596800000000); us < INT64_C(253402300800000000);
         us += INT64_C(847123456789)) {
        int64_t floor_s = us / 1000000 - (us % 1000000 < 0);
        time_t second = (time_t)floor_s;
        struct tm tm;
        char wanted[80], got[SVC_TIME_TEXT];
        gmtime_r(&second, &tm);
        snprintf(wanted, sizeof wanted, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 (int)(us - floor_s * 1000000));
        assert_string_equal(svc_time_text(us, got), wanted);
        assert_true(parsed(got) == us);
    }
}

static void text_stays_inside_its_buffer(void **state)
{
    (void)state;
    char text[SVC_TIME_TEXT];
    assert_string_equal(svc_time_text(INT64_MAX, text), "9999-12-31T23:59:59.999999Z");
    assert_string_equal(svc_time_text(INT64_MIN, text), "0001-01-01T00:00:00.000000Z");
}

static void parse_takes_zones_and_fractions(void **state)
{
    (void)state;
    const int64_t noon = INT64_C(1769776496) * 1000000;
    assert_true(parsed("2026-01-30T12:34:56Z") == noon);
    assert_true(parsed("2026-01-30 12:34:56+00") == noon);
    assert_true(parsed("2026-01-30T14:34:56+02:00") == noon);
    assert_true(parsed("2026-01-30T14:34:56+0200") == noon);
    assert_true(parsed("2026-01-30T07:04:56-05:30") == noon);
    assert_true(parsed("2026-01-30T12:34:56.5Z") == noon + 500000);
    assert_true(parsed("2026-01-30T12:34:56.000001Z") == noon + 1);
    assert_true(parsed("2024-02-29T00:00:00Z") != INT64_MIN);
}

static void parse_refuses_what_is_not_a_time(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-01-30",
        "2026-01-30T12:34:56",          /* no zone */
        "2026-01-30T12:34:56.Z",        /* no digits */
        "2026-01-30T12:34:56.1234567Z", /* more than µs */
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-30T24:00:00Z",
        "2026-01-30T12:60:00Z",
        "2026-01-30T12:34:60Z",
        "2026-01-30T12:34:56Z ",
        "2026-01-30T12:34:56+24:00",
        "2026-01-30T12:34:56+2",
        "2026-01-30T12:34:56+02:",
        "2026-1-30T12:34:56Z",
        "0000-01-01T00:00:00Z",
        "2026-01-30x12:34:56Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parsed(bad[i]) != INT64_MIN)
            fail_msg("accepted \"%s\"", bad[i]);
    int64_t value;
    assert_int_equal(svc_time_parse("2026-01-30T12:34:56Z", 19, &value), -1); /* len is obeyed */
}

static void the_clocks_run(void **state)
{
    (void)state;
    int64_t mono = svc_mono_us(), boot = svc_boot_us();
    assert_true(mono > 0 && boot >= mono && svc_mono_us() >= mono);
    assert_true(svc_unix_us() > INT64_C(1700000000) * 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_agrees_with_gmtime),
        cmocka_unit_test(text_stays_inside_its_buffer),
        cmocka_unit_test(parse_takes_zones_and_fractions),
        cmocka_unit_test(parse_refuses_what_is_not_a_time),
        cmocka_unit_test(the_clocks_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
