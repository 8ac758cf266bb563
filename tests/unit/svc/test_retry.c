/* Back-off: doubling, cap, jitter, reset. */
#include "cmocka_all.h"

#include "svc/retry.h"

static void waits_double_up_to_the_cap(void **state)
{
    (void)state;
    struct svc_retry retry = {.base_ms = 100, .cap_ms = 5000};
    static const uint32_t full[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
    for (unsigned i = 0; i < sizeof full / sizeof full[0]; i++) {
        uint32_t wait = svc_retry_next_ms(&retry);
        assert_in_range(wait, full[i] / 2, full[i]);
        assert_int_equal(retry.attempt, i + 1);
    }
    svc_retry_reset(&retry);
    assert_in_range(svc_retry_next_ms(&retry), 50, 100);
}

static void many_attempts_do_not_overflow(void **state)
{
    (void)state;
    struct svc_retry retry = {.base_ms = 4000000000U, .cap_ms = 4000000000U, .attempt = 1000};
    assert_in_range(svc_retry_next_ms(&retry), 2000000000U, 4000000000U);
    retry = (struct svc_retry){.base_ms = 1, .cap_ms = 60000, .attempt = UINT32_MAX};
    assert_in_range(svc_retry_next_ms(&retry), 30000, 60000);
    assert_int_equal(retry.attempt, UINT32_MAX);
}

static void waits_differ(void **state)
{
    (void)state;
    struct svc_retry retry = {.base_ms = 1000000, .cap_ms = 1000000};
    uint32_t first = svc_retry_next_ms(&retry), same = 0;
    for (int i = 0; i < 20; i++)
        same += svc_retry_next_ms(&retry) == first;
    assert_true(same < 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_up_to_the_cap),
        cmocka_unit_test(many_attempts_do_not_overflow),
        cmocka_unit_test(waits_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
