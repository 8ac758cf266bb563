/* Percentiles by nearest rank. */
#include "figures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

static bool near(double a, double b)
{
    return a - b < 1e-9 && b - a < 1e-9;
}

static void ranks(void **state)
{
    struct figures figures = {.us = NULL};
    (void)state;
    assert_int_equal(figures_sum_up(&figures).count, 0);
    for (int64_t us = 5000; us >= 1; us--) /* not in order */
        figures_add(&figures, us);
    const struct summary summary = figures_sum_up(&figures);
    assert_int_equal(summary.count, 5000);
    assert_true(near(summary.p50, 2.5));
    assert_true(near(summary.p99, 4.95));
    assert_true(near(summary.max, 5));
    figures_done(&figures);
    figures_add(&figures, 7000);
    assert_true(near(figures_sum_up(&figures).p50, 7));
    assert_true(near(figures_sum_up(&figures).p99, 7));
    figures_done(&figures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ranks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
