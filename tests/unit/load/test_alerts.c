/* What an alert says, and how many of a run are closes. */
#include "alerts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 20000 };

static struct alerts run_of(uint32_t closes_percent)
{
    return (struct alerts){.count = COUNT,
                           .seed = 7,
                           .rate = 100,
                           .closes_percent = closes_percent,
                           .secret_count = 3,
                           .run_id = "run",
                           .begin_unix_us = INT64_C(1700000000000000)};
}

static uint64_t closes_of(uint32_t percent)
{
    const struct alerts alerts = run_of(percent);
    uint64_t count = 0;
    for (uint64_t i = 0; i < COUNT; i++)
        count += alerts_is_close(&alerts, i);
    return count;
}

static void share_of_closes(void **state)
{
    (void)state;
    assert_int_equal(closes_of(0), 0);
    assert_int_equal(closes_of(100), COUNT);
    assert_in_range(closes_of(20), COUNT * 19 / 100, COUNT * 21 / 100);
}

/* What comes between does not change the entries of a seed; a close has no volume. */
static void closes_between_the_same_entries(void **state)
{
    (void)state;
    const struct alerts without = run_of(0), with = run_of(20);
    uint64_t closes = 0;
    for (uint64_t i = 0; i < 500; i++) {
        char entry[ALERT_BODY_MAX], body[ALERT_BODY_MAX];
        const size_t entry_len = alerts_body(&without, i, entry);
        const size_t body_len = alerts_body(&with, i, body);
        assert_int_equal(entry_len, strlen(entry));
        assert_int_equal(body_len, strlen(body));
        assert_non_null(strstr(entry, ",\"volume\":\"0.01\","));
        if (!alerts_is_close(&with, i)) {
            assert_string_equal(body, entry);
            continue;
        }
        closes++;
        assert_non_null(strstr(body, ",\"action\":\"close\","));
        assert_null(strstr(body, "volume"));
        assert_memory_equal(body, entry, strlen("{\"symbol\":\"EURUSD\""));
    }
    assert_true(closes > 0);
}

static void whole_body(void **state)
{
    (void)state;
    const struct alerts alerts = run_of(100);
    char body[ALERT_BODY_MAX];
    (void)alerts_body(&alerts, 100, body);
    assert_string_equal(strchr(body, ','), ",\"action\":\"close\",\"alert_id\":\"lg-run-100\","
                                           "\"timenow\":\"2023-11-14T22:13:21.000000Z\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(share_of_closes),
        cmocka_unit_test(closes_between_the_same_entries),
        cmocka_unit_test(whole_body),
    };
    return cmocka_run_group_tests_name("alerts", tests, NULL, NULL);
}
