/* lapse.c: a lease is believed lapsed at the second look, two seconds after the first. */
#include "lapse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S INT64_C(1000000)

static struct lapse lapse;
static struct lapse_lease seen[LAPSE_MAX];

/* Look with these (job, epoch) pairs; returns how many are believed. */
static size_t look(int64_t at, size_t count, ...)
{
    va_list args;
    va_start(args, count);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(seen[i].job_id, sizeof seen[i].job_id, "%s", va_arg(args, const char *));
        seen[i].lease_epoch = va_arg(args, int);
    }
    va_end(args);
    return lapse_look(&lapse, seen, count, at);
}

static int clear(void **state)
{
    (void)state;
    memset(&lapse, 0, sizeof lapse);
    return 0;
}

static void test_two_looks(void **state)
{
    (void)state;
    assert_int_equal(look(10 * S, 1, "a", 1), 0);
    assert_int_equal(look(11 * S, 1, "a", 1), 0);
    assert_int_equal(look(12 * S - 1, 1, "a", 1), 0);
    assert_int_equal(look(12 * S, 1, "a", 1), 1);
    assert_string_equal(seen[0].job_id, "a");
    assert_int_equal(look(13 * S, 1, "a", 1), 1); /* not ended yet: again */
}

static void test_another_epoch_begins_anew(void **state)
{
    (void)state;
    assert_int_equal(look(10 * S, 1, "a", 1), 0);
    assert_int_equal(look(12 * S, 1, "a", 2), 0);
    assert_int_equal(look(14 * S, 1, "a", 2), 1);
    assert_int_equal(seen[0].lease_epoch, 2);
}

static void test_a_break_begins_anew(void **state)
{
    (void)state;
    assert_int_equal(look(10 * S, 1, "a", 1), 0);
    assert_int_equal(look(11 * S, 0), 0);
    assert_int_equal(look(12 * S, 1, "a", 1), 0);
}

static void test_reconnect_forgets(void **state)
{
    (void)state;
    assert_int_equal(look(10 * S, 1, "a", 1), 0);
    lapse_forget(&lapse);
    assert_int_equal(look(13 * S, 1, "a", 1), 0);
    assert_int_equal(look(15 * S, 1, "a", 1), 1);
}

static void test_only_the_old_ones(void **state)
{
    (void)state;
    assert_int_equal(look(10 * S, 2, "m", 1, "c", 1), 0);
    assert_int_equal(look(12 * S, 4, "z", 1, "m", 1, "a", 1, "c", 1), 2);
    assert_string_equal(seen[0].job_id, "c");
    assert_string_equal(seen[1].job_id, "m");
    assert_int_equal(look(14 * S, 2, "z", 1, "a", 1), 2);
}

static void test_full(void **state)
{
    (void)state;
    for (int look_no = 0; look_no < 2; look_no++) {
        for (size_t i = 0; i < LAPSE_MAX; i++) {
            (void)snprintf(seen[i].job_id, sizeof seen[i].job_id, "%zu", (i * 7919) % LAPSE_MAX);
            seen[i].lease_epoch = 1;
        }
        const size_t believed = lapse_look(&lapse, seen, LAPSE_MAX, 10 * S + look_no * 2 * S);
        assert_int_equal(believed, look_no == 0 ? 0 : LAPSE_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_two_looks, clear),
        cmocka_unit_test_setup(test_another_epoch_begins_anew, clear),
        cmocka_unit_test_setup(test_a_break_begins_anew, clear),
        cmocka_unit_test_setup(test_reconnect_forgets, clear),
        cmocka_unit_test_setup(test_only_the_old_ones, clear),
        cmocka_unit_test_setup(test_full, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
