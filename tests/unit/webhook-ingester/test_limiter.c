/* Token buckets per address. */
#include "limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { SECOND = 1000000 };

static void burst_then_rate(void **state)
{
    struct limiter *limiter = limiter_new(10, 5);
    int64_t now = 1000 * (int64_t)SECOND;
    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_true(limiter_has(limiter, "10.0.0.1", now));
        assert_true(limiter_take(limiter, "10.0.0.1", now));
    }
    assert_false(limiter_has(limiter, "10.0.0.1", now));
    assert_false(limiter_take(limiter, "10.0.0.1", now));
    assert_true(limiter_take(limiter, "10.0.0.2", now)); /* somebody else is not concerned */
    now += SECOND / 10 - 1;
    assert_false(limiter_take(limiter, "10.0.0.1", now));
    now += 1;
    assert_true(limiter_take(limiter, "10.0.0.1", now));
    assert_false(limiter_take(limiter, "10.0.0.1", now));
    now += (int64_t)SECOND * 86400 * 365; /* never more than the burst, however long it was */
    for (int i = 0; i < 5; i++)
        assert_true(limiter_take(limiter, "10.0.0.1", now));
    assert_false(limiter_take(limiter, "10.0.0.1", now));
    limiter_free(&limiter);
    assert_null(limiter);
}

/* However long it was: never more than the burst, and no overflow on the way. */
static void very_long_idleness(void **state)
{
    struct limiter *limiter = limiter_new(100000, 2);
    (void)state;
    assert_true(limiter_take(limiter, "10.0.0.1", SECOND));
    for (int i = 0; i < 2; i++)
        assert_true(limiter_take(limiter, "10.0.0.1", INT64_MAX - SECOND));
    assert_false(limiter_take(limiter, "10.0.0.1", INT64_MAX - SECOND));
    limiter_free(&limiter);
}

static void steady_rate_is_exact(void **state)
{
    struct limiter *limiter = limiter_new(3, 1);
    int taken = 0;
    (void)state;
    for (int64_t now = SECOND; now < 101 * (int64_t)SECOND; now += 1000)
        taken += limiter_take(limiter, "10.0.0.1", now);
    assert_in_range(taken, 299, 301);
    limiter_free(&limiter);
}

static void ipv6_counts_by_network(void **state)
{
    struct limiter *limiter = limiter_new(1, 1);
    (void)state;
    assert_true(limiter_take(limiter, "2001:db8:1:2::1", SECOND));
    assert_false(limiter_take(limiter, "2001:db8:1:2:ffff::9", SECOND));
    assert_true(limiter_take(limiter, "2001:db8:1:3::1", SECOND));
    assert_true(limiter_take(limiter, "10.0.0.1", SECOND));
    limiter_free(&limiter);
}

/* A flood from many addresses takes a fixed table; one address among them is still limited. */
static void many_addresses(void **state)
{
    struct limiter *limiter = limiter_new(1, 1);
    char address[32];
    int refused = 0;
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        (void)snprintf(address, sizeof address, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        (void)limiter_take(limiter, address, SECOND + i);
        refused += !limiter_take(limiter, "192.0.2.1", SECOND + i);
    }
    assert_true(refused > 99000);
    limiter_free(&limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(burst_then_rate),      cmocka_unit_test(very_long_idleness),
        cmocka_unit_test(steady_rate_is_exact), cmocka_unit_test(ipv6_counts_by_network),
        cmocka_unit_test(many_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
