/* The wheel: never early, at most one slot late, in any mix of times. */
#include "deadlines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { COUNT = 2000, START = 123456789 };

static struct deadlines wheel;

static void never_early_and_hardly_late(void **state)
{
    static struct deadline all[COUNT];
    static int64_t due[COUNT];
    unsigned seed = 1, taken = 0;
    (void)state;
    deadlines_init(&wheel, START);
    for (int i = 0; i < COUNT; i++) {
        due[i] = START + rand_r(&seed) % 2500000;
        all[i] = (struct deadline){.owner = &due[i]};
        deadlines_set(&wheel, &all[i], due[i]);
    }
    for (int64_t now = START; now < START + 2600000; now += 777) {
        struct deadline *passed;
        while ((passed = deadlines_take(&wheel, now)) != NULL) {
            const int64_t was_due = *(const int64_t *)passed->owner;
            assert_true(was_due <= now);
            assert_true(now - was_due <= DEADLINE_TICK_US + 777);
            assert_null(passed->next);
            taken++;
        }
    }
    assert_int_equal(taken, COUNT);
}

static void cleared_ones_do_not_come(void **state)
{
    struct deadline a = {.owner = NULL}, b = {.owner = NULL}, unset = {.owner = NULL};
    (void)state;
    deadlines_init(&wheel, START);
    deadlines_set(&wheel, &a, START + 1000);
    deadlines_set(&wheel, &b, START + 1000);
    deadlines_clear(&a);
    deadlines_clear(&a);
    deadlines_clear(&unset);
    assert_ptr_equal(deadlines_take(&wheel, START + 100000), &b);
    assert_null(deadlines_take(&wheel, START + 100000));
}

static void past_and_far_future(void **state)
{
    struct deadline past = {.owner = NULL}, far = {.owner = NULL};
    const int64_t now = START + 60000000, far_due = now + 100000000;
    (void)state;
    deadlines_init(&wheel, START);
    deadlines_set(&wheel, &past, START - 5000000);
    assert_ptr_equal(deadlines_take(&wheel, now), &past);
    deadlines_set(&wheel, &far, far_due);
    for (int64_t at = now; at < far_due; at += 9999)
        assert_null(deadlines_take(&wheel, at));
    assert_ptr_equal(deadlines_take(&wheel, far_due + DEADLINE_TICK_US), &far);
}

/* The wheel stands still while nobody waits, or while the process is stopped with requests waiting.
 * What is set next is not early for that. */
static void after_standing_still(void **state)
{
    struct deadline old = {.owner = NULL}, fresh = {.owner = NULL};
    const int64_t now = START + INT64_C(30) * 86400 * 1000000;
    (void)state;
    deadlines_init(&wheel, START);
    deadlines_set(&wheel, &old, START + 1000000);
    deadlines_set(&wheel, &fresh, now + 2000000);
    assert_ptr_equal(deadlines_take(&wheel, now), &old);
    assert_null(deadlines_take(&wheel, now));
    assert_null(deadlines_take(&wheel, now + 1990000));
    assert_ptr_equal(deadlines_take(&wheel, now + 2000000 + DEADLINE_TICK_US), &fresh);
    assert_null(deadlines_take(&wheel, now + 9000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_early_and_hardly_late),
        cmocka_unit_test(cleared_ones_do_not_come),
        cmocka_unit_test(past_and_far_future),
        cmocka_unit_test(after_standing_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
