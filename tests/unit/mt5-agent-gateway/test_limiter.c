/* A peer that was answered is kept quiet for a while, its neighbours are not, and the table
 * forgets. */
#include "agents.h"
#include "limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct limiter limiter;

static void holds_one_peer_until_its_time(void **state)
{
    const struct peer one = peer_of(1, 1), same_key = peer_of(1, 2), same_address = peer_of(2, 1);
    (void)state;
    limiter_init(&limiter);
    assert_false(limiter_holds(&limiter, &one, 0));
    limiter_hold(&limiter, &one, 1000);
    assert_true(limiter_holds(&limiter, &one, 999));
    assert_false(limiter_holds(&limiter, &one, 1000));
    assert_false(limiter_holds(&limiter, &same_key, 0));
    assert_false(limiter_holds(&limiter, &same_address, 0));
}

/* Whoever is pushed out is only answered once more: nobody is held for another's sake. */
static void many_peers_are_never_held_for_each_other(void **state)
{
    (void)state;
    limiter_init(&limiter);
    for (unsigned i = 0; i < 3 * LIMITER_PLACES; i++) {
        const struct peer peer = peer_of(i, i);
        assert_false(limiter_holds(&limiter, &peer, 0));
        limiter_hold(&limiter, &peer, 1000);
        assert_true(limiter_holds(&limiter, &peer, 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_one_peer_until_its_time),
        cmocka_unit_test(many_peers_are_never_held_for_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
