/* /healthz, /readyz, /metrics of a listener on loopback. */
#include "cmocka_all.h"
#include "http_client.h"

#include "svc/admin.h"
#include "svc/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct fixture {
    uint16_t port;
    pthread_t thread;
    struct svc_loop *loop;
    struct svc_metrics *metrics;
    struct svc_gauge *scraped;
    struct svc_admin *admin;
    int scrapes;
} f;

static const char *const checks[] = {"kafka", "strategies", NULL};

static void scrape(void *arg)
{
    (void)arg;
    svc_gauge_set(f.scraped, 0, ++f.scrapes);
}

static void *serve(void *arg)
{
    (void)arg;
    const struct svc_lifecycle life = {0};
    (void)svc_run(f.loop, &life, 500);
    svc_admin_close(&f.admin);
    return NULL;
}

/* Another process may take a free port between asking for it and listening on it. */
static enum svc_rc open_somewhere(void)
{
    enum svc_rc rc = SVC_FATAL;
    for (int tries = 0; rc != SVC_OK && tries < 10; tries++) {
        char listen[32];
        struct svc_error err;
        f.port = http_free_port();
        snprintf(listen, sizeof listen, "127.0.0.1:%u", f.port);
        rc = svc_admin_open(f.loop, listen, f.metrics, checks, &f.admin, &err);
    }
    return rc;
}

static int start(void **state)
{
    (void)state;
    struct svc_error err;
    memset(&f, 0, sizeof f);
    svc_log_setup("tester", SVC_LOG_ERROR, SVC_LOG_LOGFMT);
    f.metrics = svc_metrics_new("tester");
    f.scraped = svc_gauge_new(f.metrics, "t_scraped", "Times scraped.", NULL, NULL);
    if (svc_loop_open(&f.loop, &err) != SVC_OK || open_somewhere() != SVC_OK)
        return -1;
    svc_admin_on_scrape(f.admin, scrape, NULL);
    return pthread_create(&f.thread, NULL, serve, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    svc_loop_request_drain(f.loop);
    pthread_join(f.thread, NULL);
    svc_admin_close(&f.admin); /* NULL is fine */
    svc_metrics_free(&f.metrics);
    svc_loop_close(&f.loop);
    return 0;
}

static struct http_answer get(const char *method, const char *path)
{
    char request[128];
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: x\r\n\r\n", method, path);
    return http_ask(f.port, request);
}

static void health_asks_no_dependency(void **state)
{
    (void)state;
    struct http_answer answer = get("GET", "/healthz");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "ok\n");
    assert_int_equal(get("HEAD", "/healthz").status, 200);
}

static void ready_is_all_checks(void **state)
{
    (void)state;
    struct http_answer answer = get("GET", "/readyz");
    assert_int_equal(answer.status, 503);
    assert_string_equal(answer.body,
                        "{\"status\":\"not_ready\",\"checks\":["
                        "{\"name\":\"kafka\",\"good\":false,\"detail\":\"starting\"},"
                        "{\"name\":\"strategies\",\"good\":false,\"detail\":\"starting\"}]}\n");
    svc_admin_check(f.admin, 0, true, "all \"brokers\"");
    assert_int_equal(get("GET", "/readyz").status, 503);
    svc_admin_check(f.admin, 1, true, "12 loaded");
    answer = get("GET", "/readyz");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body,
                        "{\"status\":\"ready\",\"checks\":["
                        "{\"name\":\"kafka\",\"good\":true,\"detail\":\"all \\\"brokers\\\"\"},"
                        "{\"name\":\"strategies\",\"good\":true,\"detail\":\"12 loaded\"}]}\n");
    svc_admin_check(f.admin, 0, false, "down");
    assert_int_equal(get("GET", "/readyz").status, 503);
}

static void draining_is_not_ready(void **state)
{
    (void)state;
    svc_admin_check(f.admin, 0, true, "");
    svc_admin_check(f.admin, 1, true, "");
    svc_admin_draining(f.admin);
    struct http_answer answer = get("GET", "/readyz");
    assert_int_equal(answer.status, 503);
    assert_memory_equal(answer.body, "{\"status\":\"draining\"", 20);
    assert_int_equal(get("GET", "/healthz").status, 200);
}

static void details_are_cut_between_characters(void **state)
{
    (void)state;
    char detail[400] = "";
    for (size_t i = 0; i < 100; i++)
        (void)snprintf(detail + 3 * i, sizeof detail - 3 * i, "€");
    svc_admin_check(f.admin, 0, false, detail);
    svc_admin_check(f.admin, 1, false, "a\xff");
    struct http_answer answer = get("GET", "/readyz");
    const char *first = strstr(answer.body, "€");
    assert_non_null(first);
    assert_memory_equal(first + 159, "\"},", 3); /* 53 characters of three bytes */
    assert_non_null(strstr(answer.body, "\"detail\":\"(not UTF-8)\""));
}

static void metrics_are_scraped_first(void **state)
{
    (void)state;
    svc_admin_check(f.admin, 1, true, "");
    struct http_answer answer = get("GET", "/metrics");
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.head, "Content-Type: text/plain; version=0.0.4; charset=utf-8"));
    assert_non_null(strstr(answer.body, "\nt_scraped 1\n"));
    assert_non_null(strstr(answer.body, "\ntradewire_ready{check=\"kafka\"} 0\n"
                                        "tradewire_ready{check=\"strategies\"} 1\n"));
    assert_non_null(strstr(get("GET", "/metrics").body, "\nt_scraped 2\n"));
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    assert_int_equal(get("GET", "/").status, 404);
    assert_int_equal(get("GET", "/healthz/").status, 404);
    struct http_answer answer = get("POST", "/metrics");
    assert_int_equal(answer.status, 405);
    assert_non_null(strstr(answer.head, "\r\nAllow: GET, HEAD\r\n"));
}

static void a_bad_address_opens_nothing(void **state)
{
    (void)state;
    struct svc_error err;
    struct svc_admin *admin = NULL;
    assert_int_equal(svc_admin_open(f.loop, "nowhere", f.metrics, checks, &admin, &err), SVC_FATAL);
    assert_string_equal(err.code, "listen_failed");
    assert_null(admin);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, start, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(health_asks_no_dependency),   CASE(ready_is_all_checks),
        CASE(draining_is_not_ready),       CASE(details_are_cut_between_characters),
        CASE(metrics_are_scraped_first),   CASE(everything_else_is_refused),
        CASE(a_bad_address_opens_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
