#include "peer_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The true difference lies between low and what the estimate allows, whatever the delays. */
static void bounds_hold(void **state)
{
    (void)state;
    static const int64_t truths[] = {0, 5000000, -5000000, INT64_C(1700000000000000)};
    for (size_t t = 0; t < sizeof truths / sizeof truths[0]; t++) {
        for (int64_t there = 0; there <= 4000; there += 500) {
            for (int64_t back = 0; back <= 4000; back += 500) {
                struct peer_clock clock = {.count = 0};
                int64_t sent = 1000000, got = sent + there, left = got + 300;
                peer_clock_add(&clock, sent, got + truths[t], left + truths[t], left + back);
                assert_int_equal(clock.count, 1);
                assert_true(clock.low_us <= truths[t]);
                assert_true(truths[t] - clock.low_us <= back);
                int64_t off = clock.middle_us - truths[t];
                assert_true(off <= (there + back) / 2 + 1 && -off <= (there + back) / 2 + 1);
            }
        }
    }
}

static void narrowest_counts_until_it_is_old(void **state)
{
    (void)state;
    struct peer_clock clock = {.count = 0};
    peer_clock_add(&clock, 0, 100, 100, 200);
    assert_int_equal(clock.middle_us, 0);
    for (int i = 0; i < PEER_CLOCK_EXCHANGES - 1; i++) {
        peer_clock_add(&clock, 0, 10000, 10000, 2000);
        assert_int_equal(clock.middle_us, 0);
        assert_int_equal(clock.low_us, -100);
    }
    peer_clock_add(&clock, 0, 10000, 10000, 2000); /* the first has left the last eight */
    assert_int_equal(clock.middle_us, 9000);
}

static void contradictions_are_left_out(void **state)
{
    (void)state;
    struct peer_clock clock = {.count = 0};
    peer_clock_add(&clock, 1000, 2000, 5000, 1500);
    assert_int_equal(clock.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(narrowest_counts_until_it_is_old),
        cmocka_unit_test(contradictions_are_left_out),
    };
    return cmocka_run_group_tests_name("peer clock", tests, NULL, NULL);
}
