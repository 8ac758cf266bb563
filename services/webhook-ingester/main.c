/* webhook-ingester: TradingView's alerts in over HTTP, signals out to Kafka; answered once they are
 * durable. */
#include "config.h"
#include "counters.h"
#include "http.h"
#include "publish.h"
#include "store.h"

#include "svc/admin.h"
#include "svc/cleanup.h"
#include "svc/log.h"

#include <string.h>

enum { CHECK_KAFKA, CHECK_STRATEGIES, CHECK_SCHEMA };
static const char *const checks[] = {"kafka", "strategies", "schema", NULL};

struct ingester {
    struct config config;
    struct svc_loop *loop;
    struct svc_metrics *metrics;
    struct svc_admin *admin;
    struct counters *counters;
    struct strategies *strategies;
    struct store *store;
    struct lookup *lookup;
    struct publish *publish;
    struct http *http;
    bool loaded;
};

/* --- events ---------------------------------------------------------------------------------- */

static void on_kafka(void *arg, bool reachable)
{
    const struct ingester *ingester = arg;
    svc_admin_check(ingester->admin, CHECK_KAFKA, reachable,
                    reachable ? "reachable" : "no broker can be reached");
}

static void on_loaded(void *arg)
{
    struct ingester *ingester = arg;
    if (ingester->loaded)
        return;
    ingester->loaded = true;
    http_loaded(ingester->http);
    svc_admin_check(ingester->admin, CHECK_STRATEGIES, true, "loaded");
}

/* Once the strategies are loaded, Postgres is no condition any more: what was found first stays. */
static void on_schema(void *arg, bool good, const char *text)
{
    const struct ingester *ingester = arg;
    if (good || !ingester->loaded)
        svc_admin_check(ingester->admin, CHECK_SCHEMA, good, text);
}

static void on_scrape(void *arg)
{
    const struct ingester *ingester = arg;
    const struct counters_now now = {
        .in_flight = http_waiting(ingester->http),
        .strategies = strategies_count(ingester->strategies),
        .postgres_reachable = store_reachable(ingester->store),
        .http = http_counts(ingester->http),
    };
    counters_set(ingester->counters, &now);
}

/* --- life ------------------------------------------------------------------------------------ */

static enum svc_rc open_edges(struct ingester *ingester, struct svc_error *err)
{
    const struct config *config = &ingester->config;
    enum svc_rc rc = svc_admin_open(ingester->loop, config->svc.admin_listen, ingester->metrics,
                                    checks, &ingester->admin, err);
    if (rc != SVC_OK)
        return rc;
    svc_admin_on_scrape(ingester->admin, on_scrape, ingester);
    rc = publish_open(ingester->loop, config, on_kafka, ingester, &ingester->publish, err);
    if (rc != SVC_OK)
        return rc;
    const struct store_events events = {
        .on_loaded = on_loaded, .on_schema = on_schema, .arg = ingester};
    return store_open(ingester->loop, config, ingester->strategies, &events, &ingester->store, err);
}

static enum svc_rc open_webhooks(struct ingester *ingester, struct svc_error *err)
{
    ingester->lookup = lookup_new(ingester->loop, ingester->store, ingester->config.lookup_ms);
    if (ingester->lookup == NULL)
        return svc_fail(err, SVC_FATAL, "memory_exhausted", "no memory for look-ups");
    const struct http_parts parts = {
        .loop = ingester->loop,
        .config = &ingester->config,
        .strategies = ingester->strategies,
        .lookup = ingester->lookup,
        .publish = ingester->publish,
        .counters = ingester->counters,
    };
    return http_open(&parts, &ingester->http, err);
}

static enum svc_rc open_all(struct ingester *ingester, struct svc_error *err)
{
    enum svc_rc rc = svc_loop_open(&ingester->loop, err);
    if (rc != SVC_OK)
        return rc;
    ingester->metrics = svc_metrics_new(ingester_program.name);
    ingester->counters = counters_new(ingester->metrics);
    ingester->strategies = strategies_new();
    if (ingester->counters == NULL)
        return svc_fail(err, SVC_FATAL, "memory_exhausted", "no memory for the metrics");
    rc = open_edges(ingester, err);
    return rc == SVC_OK ? open_webhooks(ingester, err) : rc;
}

/* In reverse order. publish before http: a report that comes while Kafka's client is closed must
 * find its request; then http, whose clients' connections close unanswered. */
static void close_all(struct ingester *ingester)
{
    publish_close(&ingester->publish);
    http_close(&ingester->http);
    lookup_free(&ingester->lookup);
    store_close(&ingester->store);
    svc_admin_close(&ingester->admin);
    strategies_free(&ingester->strategies);
    counters_free(&ingester->counters);
    svc_metrics_free(&ingester->metrics);
    svc_loop_close(&ingester->loop);
}

static void begin_drain(void *arg)
{
    const struct ingester *ingester = arg;
    svc_admin_draining(ingester->admin);
    http_quiesce(ingester->http);
}

static bool is_idle(void *arg)
{
    const struct ingester *ingester = arg;
    return http_idle(ingester->http);
}

/* Nobody waits for these any more; a record that lands now spares a resend. */
static void finish(void *arg)
{
    enum { FLUSH_MS = 500 };
    const struct ingester *ingester = arg;
    publish_flush(ingester->publish, FLUSH_MS);
}

int main(int argc, char **argv)
{
    SVC_CLEANUP(close_all) struct ingester ingester = {.loaded = false};
    const enum svc_exit early = svc_start(argc, argv, &ingester_program, &ingester.config);
    if (early != SVC_EXIT_RUN)
        return early;
    struct svc_error err = {.rc = SVC_OK};
    if (open_all(&ingester, &err) != SVC_OK) {
        svc_alert("service_not_started", SVC_ERR(&err));
        return SVC_EXIT_SOFTWARE;
    }
    const struct svc_lifecycle life = {.begin_drain = begin_drain,
                                       .is_idle = is_idle,
                                       .finish = finish,
                                       .arg = &ingester,
                                       .catch_signals = true};
    svc_info("service_started", SVC_T("listen", ingester.config.listen));
    const enum svc_exit code = svc_run(ingester.loop, &life, ingester.config.svc.drain_timeout_ms);
    svc_info("service_stopped", SVC_N("exit_code", code));
    return code;
}
