/* Reports in flight: a repeat is not sent again, a newer one is, and only the newest is
 * acknowledged. */
#include "reports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { BYTES = 100, BYTES_MAX = 1000 };
static const uint8_t unknown[REPORT_DIGEST_BYTES] = {1}, done[REPORT_DIGEST_BYTES] = {2};
static struct reports reports;

static int set_up(void **state)
{
    (void)state;
    assert_true(reports_init(&reports, 16, BYTES_MAX));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    reports_done(&reports); /* also with flights that never landed */
    return 0;
}

static enum report_verdict begin(uint64_t epoch, const uint8_t *digest, struct flight **ret)
{
    struct report_key key = {.agent_id = "agent", .job_id = "job", .lease_epoch = epoch};
    return reports_begin(&reports, &key, digest, BYTES, ret);
}

static void a_repeat_is_collapsed_while_it_is_in_flight(void **state)
{
    struct flight *one = NULL, *two = NULL;
    (void)state;
    assert_int_equal(begin(1, done, &one), REPORT_SEND);
    assert_int_equal(begin(1, done, &two), REPORT_COLLAPSED);
    assert_int_equal(reports_count(&reports), 1);
    assert_true(reports_delivered(&reports, one, true));
    assert_int_equal(reports_count(&reports), 0);
    /* Its acknowledgement was lost: sent again, and acknowledged again. */
    assert_int_equal(begin(1, done, &two), REPORT_SEND);
    assert_true(reports_delivered(&reports, two, true));
}

static void what_is_not_durable_is_not_acknowledged(void **state)
{
    struct flight *one = NULL;
    (void)state;
    assert_int_equal(begin(1, done, &one), REPORT_SEND);
    assert_false(reports_delivered(&reports, one, false));
    assert_int_equal(begin(1, done, &one), REPORT_SEND);
    assert_true(reports_delivered(&reports, one, true));
}

/* An acknowledgement names the job and the epoch: for the older report, it would be taken for the
 * newer one's. */
static void a_newer_report_takes_the_acknowledgement(void **state)
{
    struct flight *first = NULL, *second = NULL, *third = NULL;
    (void)state;
    assert_int_equal(begin(1, unknown, &first), REPORT_SEND);
    assert_int_equal(begin(1, done, &second), REPORT_SEND);
    assert_int_equal(begin(1, done, &third), REPORT_COLLAPSED);
    assert_false(reports_delivered(&reports, first, true));
    assert_int_equal(begin(1, done, &third), REPORT_COLLAPSED);
    assert_true(reports_delivered(&reports, second, true));
    assert_int_equal(reports_count(&reports), 0);
}

static void the_newer_may_fail_before_the_older_lands(void **state)
{
    struct flight *first = NULL, *second = NULL, *third = NULL;
    (void)state;
    assert_int_equal(begin(1, unknown, &first), REPORT_SEND);
    assert_int_equal(begin(1, done, &second), REPORT_SEND);
    assert_false(reports_delivered(&reports, second, false));
    assert_int_equal(begin(1, done, &third), REPORT_SEND); /* it is over: a repeat counts */
    assert_false(reports_delivered(&reports, first, true));
    assert_true(reports_delivered(&reports, third, true));
    assert_int_equal(reports_count(&reports), 0);
}

static void epochs_are_apart(void **state)
{
    struct flight *one = NULL, *two = NULL;
    (void)state;
    assert_int_equal(begin(1, done, &one), REPORT_SEND);
    assert_int_equal(begin(2, done, &two), REPORT_SEND);
    assert_string_equal(two->key.job_id, "job");
    assert_int_equal(two->key.lease_epoch, 2);
    assert_true(reports_delivered(&reports, two, true));
    assert_true(reports_delivered(&reports, one, true));
}

static void there_is_room_for_so_many_bytes(void **state)
{
    struct flight *flights[10], *more = NULL;
    (void)state;
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(begin(i, done, &flights[i]), REPORT_SEND);
    assert_int_equal(begin(10, done, &more), REPORT_FULL);
    assert_int_equal(reports_count(&reports), 10); /* nothing is left of the refused one */
    assert_true(reports_delivered(&reports, flights[4], true));
    assert_int_equal(begin(10, done, &more), REPORT_SEND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_repeat_is_collapsed_while_it_is_in_flight),
        TEST(what_is_not_durable_is_not_acknowledged),
        TEST(a_newer_report_takes_the_acknowledgement),
        TEST(the_newer_may_fail_before_the_older_lands),
        TEST(epochs_are_apart),
        TEST(there_is_room_for_so_many_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
