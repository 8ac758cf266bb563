/* Every pattern: in order, at the right mean rate, with its own shape. */
#include "schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void in_order(void **state)
{
    (void)state;
    for (int pattern = PATTERN_STEADY; pattern <= PATTERN_RAMP; pattern++) {
        int64_t before = 0;
        for (uint64_t i = 0; i < 20000; i++) {
            const int64_t due = schedule_due_us((enum pattern)pattern, 700, 20000, i);
            assert_true(due >= before);
            before = due;
        }
    }
}

static void steady(void **state)
{
    (void)state;
    assert_int_equal(schedule_count(PATTERN_STEADY, 500, 20), 10000);
    assert_int_equal(schedule_due_us(PATTERN_STEADY, 500, 10000, 0), 0);
    assert_int_equal(schedule_due_us(PATTERN_STEADY, 500, 10000, 1), 2000);
    assert_int_equal(schedule_due_us(PATTERN_STEADY, 500, 10000, 9999), 19998000);
    /* 5 million alerts do not overflow. */
    assert_int_equal(schedule_due_us(PATTERN_STEADY, 1, 5000000, 4999999), 4999999000000);
}

static void burst(void **state)
{
    (void)state;
    assert_int_equal(schedule_due_us(PATTERN_BURST, 2000, 4000, 1999), 0);
    assert_int_equal(schedule_due_us(PATTERN_BURST, 2000, 4000, 2000), 1000000);
}

static void barclose(void **state)
{
    unsigned early = 0;
    (void)state;
    for (uint64_t i = 0; i < 500; i++) { /* 100/s: 500 per bar */
        const int64_t due = schedule_due_us(PATTERN_BARCLOSE, 100, 1000, i);
        assert_in_range(due, 0, 999999);
        early += due < 500000;
    }
    assert_in_range(early, 350, 400);
    assert_int_equal(schedule_due_us(PATTERN_BARCLOSE, 100, 1000, 500), 5000000);
}

static void ramp(void **state)
{
    const uint64_t count = schedule_count(PATTERN_RAMP, 1000, 10);
    unsigned last_second = 0;
    (void)state;
    assert_int_equal(count, 5000);
    for (uint64_t i = 0; i < count; i++) {
        const int64_t due = schedule_due_us(PATTERN_RAMP, 1000, count, i);
        assert_in_range(due, 0, 9999999);
        last_second += due >= 9000000;
    }
    assert_in_range(last_second, 940, 960); /* the mean of 900 and 1000 per second */
    assert_int_equal(schedule_count(PATTERN_RAMP, 1, 1), 1);
}

static void random_numbers_repeat(void **state)
{
    unsigned zeros = 0;
    (void)state;
    for (uint64_t i = 0; i < 10000; i++) {
        assert_int_equal(schedule_random(7, i, 1), schedule_random(7, i, 1));
        zeros += schedule_random(7, i, 1) % 4 == 0;
    }
    assert_in_range(zeros, 2300, 2700);
    assert_int_not_equal(schedule_random(7, 0, 1), schedule_random(8, 0, 1));
    assert_int_not_equal(schedule_random(7, 0, 1), schedule_random(7, 0, 2));
    assert_int_not_equal(schedule_random(7, 0, 1), schedule_random(7, 1, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order), cmocka_unit_test(steady),
        cmocka_unit_test(burst),    cmocka_unit_test(barclose),
        cmocka_unit_test(ramp),     cmocka_unit_test(random_numbers_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
