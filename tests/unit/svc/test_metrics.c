/* The exposition text, and adding from several threads. */
#include "cmocka_all.h"

#include "svc/metrics.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct svc_metrics *metrics;
static struct svc_buffer page;

static int set_up(void **state)
{
    (void)state;
    metrics = svc_metrics_new("tester");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    svc_metrics_free(&metrics);
    svc_metrics_free(&metrics); /* NULL is fine */
    svc_buffer_done(&page);
    return 0;
}

static bool printed(const char *text)
{
    svc_buffer_reset(&page);
    svc_metrics_print(metrics, &page);
    return strstr(page.bytes, text) != NULL;
}

static void counters_and_gauges_start_at_zero(void **state)
{
    (void)state;
    static const char *const results[] = {"ok", "with \"quote\"\\\n", NULL};
    struct svc_counter *sent = svc_counter_new(metrics, "t_sent_total", "Sent.", "result", results);
    struct svc_gauge *open = svc_gauge_new(metrics, "t_open", "Open.", NULL, NULL);
    assert_true(printed("# HELP t_sent_total Sent.\n# TYPE t_sent_total counter\n"
                        "t_sent_total{result=\"ok\"} 0\n"
                        "t_sent_total{result=\"with \\\"quote\\\"\\\\\\n\"} 0\n"
                        "# HELP t_open Open.\n# TYPE t_open gauge\nt_open 0\n"));
    svc_counter_add(sent, 1, 3);
    svc_counter_add(sent, 1, 4);
    svc_gauge_set(open, 0, -5);
    assert_true(printed("t_sent_total{result=\"ok\"} 0\n"));
    assert_true(printed("\\n\"} 7\n"));
    assert_true(printed("\nt_open -5\n"));
}

static void histograms_are_cumulative(void **state)
{
    (void)state;
    struct svc_histogram *took = svc_histogram_new(metrics, "t_took_seconds", "Took.");
    static const int64_t us[] = {-1, 500, 501, 9999999, 10000000, 10000001, 1500000};
    for (size_t i = 0; i < sizeof us / sizeof us[0]; i++)
        svc_histogram_add_us(took, us[i]);
    assert_true(printed("# TYPE t_took_seconds histogram\n"
                        "t_took_seconds_bucket{le=\"0.0005\"} 2\n"
                        "t_took_seconds_bucket{le=\"0.001\"} 3\n"));
    assert_true(printed("t_took_seconds_bucket{le=\"1\"} 3\n"
                        "t_took_seconds_bucket{le=\"2.5\"} 4\n"
                        "t_took_seconds_bucket{le=\"5\"} 4\n"
                        "t_took_seconds_bucket{le=\"10\"} 6\n"
                        "t_took_seconds_bucket{le=\"+Inf\"} 7\n"
                        "t_took_seconds_sum 31.501001\n"
                        "t_took_seconds_count 7\n"));
}

static double value_of(const char *name)
{
    const char *at = strstr(page.bytes, name);
    assert_non_null(at);
    return strtod(at + strlen(name), NULL);
}

static void the_process_describes_itself(void **state)
{
    (void)state;
    assert_true(
        printed("tradewire_build_info{version=\"" TRADEWIRE_VERSION "\",service=\"tester\"} 1\n"));
    assert_in_range((uint64_t)value_of("\nprocess_open_fds "), 3, 1000);
    assert_true(value_of("\nprocess_resident_memory_bytes ") > 100000);
    assert_true(value_of("\nprocess_cpu_seconds_total ") > 0);
    double age = (double)time(NULL) - value_of("\nprocess_start_time_seconds ");
    assert_true(age > -3 && age < 60);
    assert_true(printed("\ntradewire_log_dropped_total 0\n"));
}

static void one_name_is_one_metric(void **state)
{
    (void)state;
    struct svc_counter *one = svc_counter_new(metrics, "t_total", "T.", NULL, NULL);
    assert_ptr_equal(svc_counter_new(metrics, "t_total", "T.", NULL, NULL), one);
    assert_true(printed("# TYPE t_total counter\n"));
    const char *first = strstr(page.bytes, "# TYPE t_total");
    assert_null(strstr(first + 1, "# TYPE t_total"));
}

static void *add_many(void *counter)
{
    for (int i = 0; i < 20000; i++)
        svc_counter_add(counter, 0, 1);
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    struct svc_counter *counter = svc_counter_new(metrics, "t_total", "T.", NULL, NULL);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, counter), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(printed("\nt_total 80000\n"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(counters_and_gauges_start_at_zero),
        CASE(histograms_are_cumulative),
        CASE(the_process_describes_itself),
        CASE(one_name_is_one_metric),
        CASE(threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
