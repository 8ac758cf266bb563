#include "counters.h"

#include <stdlib.h>

enum { STATUS_COUNT = 9 };
static const unsigned statuses[STATUS_COUNT] = {202, 400, 401, 404, 405, 413, 422, 429, 503};
static const char *const status_texts[] = {"202", "400", "401", "404", "405",
                                           "413", "422", "429", "503", NULL};
static const char *const reject_texts[] = {
#define REJECT_TEXT(constant, text) text,
    REJECT_REASONS(REJECT_TEXT)
#undef REJECT_TEXT
        NULL};
static const char *const late_texts[] = {"durable", "unknown", NULL};

struct counters {
    struct svc_counter *requests, *rejects, *late;
    struct svc_histogram *durable;
    struct svc_gauge *in_flight, *strategies, *postgres;
    struct svc_http_counts counted; /* of the HTTP edge, so far */
};

struct counters *counters_new(struct svc_metrics *metrics)
{
    struct counters *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->requests =
        svc_counter_new(metrics, "tradewire_http_requests_total",
                        "Webhook requests answered, by HTTP status.", "code", status_texts);
    c->rejects =
        svc_counter_new(metrics, "tradewire_http_rejects_total",
                        "Webhook requests not answered 202, by reason.", "reason", reject_texts);
    c->late =
        svc_counter_new(metrics, "tradewire_late_deliveries_total",
                        "Delivery reports after the 503, by what they said.", "result", late_texts);
    c->durable = svc_histogram_new(metrics, "tradewire_durable_ack_seconds",
                                   "From a request's arrival to its durable answer.");
    c->in_flight = svc_gauge_new(metrics, "tradewire_http_in_flight",
                                 "Requests waiting for a look-up or for Kafka.", NULL, NULL);
    c->strategies = svc_gauge_new(metrics, "tradewire_strategies_cached",
                                  "Strategies in the cache.", NULL, NULL);
    c->postgres =
        svc_gauge_new(metrics, "tradewire_postgres_reachable",
                      "1 when Postgres can be asked; not a condition of readiness.", NULL, NULL);
    return c;
}

void counters_free(struct counters **counters)
{
    free(*counters);
    *counters = NULL;
}

static void add_status(struct counters *c, unsigned status, uint64_t n)
{
    for (unsigned i = 0; i < STATUS_COUNT; i++)
        if (statuses[i] == status)
            svc_counter_add(c->requests, i, n);
}

void counters_answer(struct counters *counters, unsigned code)
{
    add_status(counters, code, 1);
}

void counters_reject(struct counters *counters, enum reject reason)
{
    svc_counter_add(counters->rejects, reason, 1);
}

void counters_refusal(struct counters *counters, enum code code)
{
    static const struct {
        enum code code;
        enum reject reason;
    } pairs[] = {
        {CODE_BAD_JSON, REJECT_BAD_JSON},
        {CODE_BAD_ENCODING, REJECT_BAD_ENCODING},
        {CODE_ARRAY_NOT_SUPPORTED, REJECT_ARRAY_NOT_SUPPORTED},
        {CODE_BAD_NUMBER, REJECT_BAD_NUMBER},
        {CODE_BAD_ACTION, REJECT_BAD_ACTION},
        {CODE_MISSING_SYMBOL, REJECT_MISSING_SYMBOL},
        {CODE_UNRESOLVED_PLACEHOLDER, REJECT_UNRESOLVED_PLACEHOLDER},
        {CODE_BODY_TOO_LARGE, REJECT_BODY_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i].code == code)
            counters_reject(counters, pairs[i].reason);
}

void counters_durable(struct counters *counters, int64_t us)
{
    svc_histogram_add_us(counters->durable, us);
}

void counters_late(struct counters *counters, bool durable)
{
    svc_counter_add(counters->late, durable ? 0 : 1, 1);
}

/* What the HTTP edge answered or closed by itself becomes part of the same counters. */
static void add_edge(struct counters *c, enum reject reason, unsigned status, uint64_t now,
                     uint64_t before)
{
    svc_counter_add(c->rejects, reason, now - before);
    if (status != 0)
        add_status(c, status, now - before);
}

void counters_set(struct counters *c, const struct counters_now *now)
{
    const struct svc_http_counts *http = &now->http, *before = &c->counted;
    svc_gauge_set(c->in_flight, 0, (int64_t)now->in_flight);
    svc_gauge_set(c->strategies, 0, (int64_t)now->strategies);
    svc_gauge_set(c->postgres, 0, now->postgres_reachable ? 1 : 0);
    add_edge(c, REJECT_GUARD, 400, http->guard_refused, before->guard_refused);
    add_edge(c, REJECT_HEADER_DEADLINE, 0, http->header_deadline, before->header_deadline);
    add_edge(c, REJECT_BODY_DEADLINE, 503, http->body_deadline, before->body_deadline);
    add_edge(c, REJECT_BODY_DROPPED, 0, http->body_over_drop_max, before->body_over_drop_max);
    c->counted = *http;
}
