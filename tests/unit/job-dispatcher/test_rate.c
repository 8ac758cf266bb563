/* rate.c: a bucket of tokens, told by the time at which it is full again. */
#include "rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)
#define BEGIN (INT64_C(1770000000) * SECOND)

static int64_t wait_us;

static bool take(struct rate *rate, int64_t at_unix_us)
{
    wait_us = -1;
    return rate_take(rate, at_unix_us, &wait_us);
}

static void a_full_bucket_gives_its_burst_at_once(void **state)
{
    (void)state;
    struct rate rate = {.per_min = 6, .burst = 3};
    for (int i = 0; i < 3; i++)
        assert_true(take(&rate, BEGIN));
    const int64_t full = rate.full_unix_us;
    assert_false(take(&rate, BEGIN));
    assert_int_equal(wait_us, 9 * SECOND);     /* a tenth is forgiven */
    assert_int_equal(rate.full_unix_us, full); /* a refusal takes nothing */
}

static void tokens_come_back_one_by_one(void **state)
{
    (void)state;
    struct rate rate = {.per_min = 6, .burst = 3};
    while (take(&rate, BEGIN))
        ;
    assert_false(take(&rate, BEGIN + 9 * SECOND - 1));
    assert_int_equal(wait_us, 1);
    assert_true(take(&rate, BEGIN + 9 * SECOND));
    assert_false(take(&rate, BEGIN + 10 * SECOND)); /* no more come for it */
    assert_true(take(&rate, BEGIN + 30 * SECOND));
    assert_true(take(&rate, BEGIN + 30 * SECOND));
    assert_false(take(&rate, BEGIN + 30 * SECOND));
    for (int i = 0; i < 3; i++) /* never more than the burst, however long it was quiet */
        assert_true(take(&rate, BEGIN + 3600 * SECOND));
    assert_false(take(&rate, BEGIN + 3600 * SECOND));
}

static void a_burst_of_one_spaces_entries_evenly(void **state)
{
    (void)state;
    struct rate rate = {.per_min = 60, .burst = 1};
    assert_true(take(&rate, BEGIN));
    for (int i = 1; i < 10; i++) {
        assert_false(take(&rate, BEGIN + i * SECOND - SECOND / 10 - 1));
        assert_true(take(&rate, BEGIN + i * SECOND));
    }
}

/* Two ingesters' clocks differ a little: a burst is one whatever its order, and no more. */
static void a_burst_may_come_in_any_order(void **state)
{
    (void)state;
    struct rate rate = {.per_min = 60, .burst = 4};
    for (int i = 0; i < 4; i++)
        assert_true(take(&rate, BEGIN - i * 20000));
    assert_false(take(&rate, BEGIN - 80000));
    assert_false(take(&rate, BEGIN));
}

/* Against a count: within any window, at most burst + what came in during it. */
static void on_average_it_is_the_rate(void **state)
{
    (void)state;
    enum { ASKED = 20000 };
    const unsigned seed = 20261121;
    static int64_t taken[ASKED];
    size_t count = 0;
    struct rate rate = {.per_min = 40, .burst = 7};
    int64_t now = BEGIN;
    (void)printf("seed %u\n", seed);
    srand(seed);
    for (int i = 0; i < ASKED; i++) {
        now += rand() % SECOND;
        if (take(&rate, now))
            taken[count++] = now;
    }
    for (size_t first = 0; first < count; first += 17)
        for (size_t last = first; last < count && last < first + 200; last++)
            assert_true((int64_t)(last - first + 1) <=
                        7 + (taken[last] - taken[first]) * 40 / (60 * SECOND) + 1);
    assert_true((int64_t)count >= (now - BEGIN) * 40 / (60 * SECOND) - 1);
}

/* A bucket emptied under old limits does not keep the new ones away. */
static void raised_limits_hold_at_once(void **state)
{
    (void)state;
    struct rate rate = {.per_min = 1, .burst = 10};
    while (take(&rate, BEGIN))
        ;
    rate.per_min = 60;
    assert_false(take(&rate, BEGIN));
    assert_int_equal(wait_us, SECOND);
    assert_true(take(&rate, BEGIN + SECOND));
    rate.burst = 2;
    assert_false(take(&rate, BEGIN + SECOND));
    assert_true(take(&rate, BEGIN + 2 * SECOND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_bucket_gives_its_burst_at_once),
        cmocka_unit_test(tokens_come_back_one_by_one),
        cmocka_unit_test(a_burst_of_one_spaces_entries_evenly),
        cmocka_unit_test(a_burst_may_come_in_any_order),
        cmocka_unit_test(on_average_it_is_the_rate),
        cmocka_unit_test(raised_limits_hold_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
