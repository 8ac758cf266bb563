/* See http.h and requests.h. Everything happens on the loop's thread; the verdict of verify.c lives
 * in one place and is used up (packed by publish.c) before the handler returns. */
#include "http.h"

#include "answer.h"
#include "limiter.h"
#include "requests.h"
#include "secret.h"
#include "verify.h"

#include "svc/clock.h"
#include "svc/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    DROP_MAX =
        1024 * 1024, /* read and dropped of a body that is too large, so that its answer arrives */
    HEADER_MS = 5000,
    BODY_MS = 2000,
    IDLE_MS = 65000, /* longer than the 60 s after which proxies close their side */
};
static const char route[] = "/webhook/tradingview";

struct http {
    struct http_parts parts;
    struct svc_http *edge;
    struct verify *verify;
    struct limiter *limiter;
    struct requests requests;
    struct deadlines deadlines;
    struct svc_timer timer; /* set while somebody waits */
    struct svc_buffer body;
    uint64_t waiting; /* requests whose client is not answered */
    bool loaded;
    struct svc_log_limit limit;
};

/* --- answers --------------------------------------------------------------------------------- */

static void reply_plain(struct http *http, struct svc_http_request *client, unsigned status,
                        enum reject reason)
{
    const struct svc_http_reply reply = answer_plain(status);
    counters_answer(http->parts.counters, status);
    counters_reject(http->parts.counters, reason);
    svc_http_reply(client, &reply);
}

/* The client's side of a request ends here. */
static struct svc_http_request *take_client(struct http *http, struct request *request)
{
    struct svc_http_request *client = request->client;
    request->client = NULL;
    deadlines_clear(&request->deadline);
    http->waiting--;
    return client;
}

static void reply_durable(struct http *http, struct request *request)
{
    struct counters *counters = http->parts.counters;
    const unsigned status = request->status;
    const struct svc_http_reply reply =
        answer_signal(status, request->signal_id, &request->refusal, &http->body);
    counters_answer(counters, status);
    if (status != 202)
        counters_refusal(counters, request->refusal.code);
    counters_durable(counters, svc_mono_us() - request->arrived_mono_us);
    svc_http_reply(take_client(http, request), &reply);
}

static void reply_not_durable(struct http *http, struct request *request, enum reject reason)
{
    reply_plain(http, take_client(http, request), 503, reason);
}

/* 401, always the same whatever was wrong; too many of them from one address: 429. */
static void reply_unknown(struct http *http, struct svc_http_request *client)
{
    if (limiter_take(http->limiter, svc_http_address(client), svc_mono_us()))
        reply_plain(http, client, 401, REJECT_UNKNOWN_SECRET);
    else
        reply_plain(http, client, 429, REJECT_RATE_LIMITED);
}

/* --- deadlines ------------------------------------------------------------------------------- */

static void pass_deadlines(void *arg)
{
    struct http *http = arg;
    struct deadline *passed;
    while ((passed = deadlines_take(&http->deadlines, svc_mono_us())) != NULL)
        reply_not_durable(http, passed->owner, REJECT_NOT_DURABLE);
    if (http->waiting > 0)
        svc_timer_after_ms(http->parts.loop, &http->timer, DEADLINE_TICK_US / 1000);
}

/* A request object for this client; answered 503 and NULL when there are too many. */
static struct request *begin_waiting(struct http *http, struct svc_http_request *client)
{
    struct request *request = requests_take(&http->requests);
    if (request == NULL) {
        reply_plain(http, client, 503, REJECT_QUEUE_FULL);
        return NULL;
    }
    request->owner = http;
    request->client = client;
    request->arrived_mono_us = svc_http_received_mono_us(client);
    request->deadline.owner = request;
    deadlines_set(&http->deadlines, &request->deadline,
                  request->arrived_mono_us + (int64_t)http->parts.config->deadline_ms * 1000);
    if (http->waiting++ == 0)
        svc_timer_after_ms(http->parts.loop, &http->timer, DEADLINE_TICK_US / 1000);
    return request;
}

/* --- publish --------------------------------------------------------------------------------- */

static void delivered(void *arg, enum svc_rc rc, const struct svc_error *err)
{
    struct request *request = arg;
    struct http *http = request->owner;
    if (request->client == NULL) {
        counters_late(http->parts.counters, rc == SVC_OK);
    } else if (rc == SVC_OK) {
        reply_durable(http, request);
    } else {
        svc_warn_limited(&http->limit, "signal_not_durable", SVC_ERR(err));
        reply_not_durable(http, request, REJECT_NOT_DURABLE);
    }
    requests_give_back(&http->requests, request);
}

/* verify->signal is a verdict on this request's body: make it durable. */
static void publish(struct http *http, struct request *request, unsigned status)
{
    struct svc_error err = {.rc = SVC_OK};
    const struct verify *verify = http->verify;
    request->status = status;
    if (status != 202)
        request->refusal = verify->refusal;
    memcpy(request->signal_id, verify->signal.signal_id, sizeof request->signal_id);
    const char *traceparent = svc_http_header(request->client, "traceparent");
    if (publish_signal(http->parts.publish, &verify->signal, traceparent, delivered, request,
                       &err) == SVC_OK)
        return;
    svc_warn_limited(&http->limit, "signal_not_sent", SVC_ERR(&err));
    reply_not_durable(http, request, REJECT_QUEUE_FULL);
    requests_give_back(&http->requests, request);
}

/* --- authorise ------------------------------------------------------------------------------- */

struct arrival { /* what is known of a request while it is handled */
    struct verify_body body;
    struct secret secret;
    uint8_t secret_hash[SECRET_HASH_BYTES];
};

/* Take the request apart and find its secret: in the path, or in the body. */
static bool read_arrival(struct http *http, struct svc_http_request *client, struct arrival *ret)
{
    const struct svc_http_body body = svc_http_body(client);
    const char *behind = svc_http_path(client) + strlen(route);
    const bool in_path = *behind == '/';
    ret->body = (struct verify_body){.bytes = body.bytes,
                                     .len = body.len,
                                     .too_large = body.too_large,
                                     .content_type = svc_http_header(client, "Content-Type")};
    if (in_path && !secret_from_segment(behind + 1, &ret->secret))
        return false; /* not worth scanning its body */
    verify_scan(http->verify, &ret->body);
    if (!in_path) {
        const struct raw_secret member = verify_secret(http->verify);
        if (!secret_from_text(member.text, member.len, &ret->secret))
            return false;
    }
    strategies_hash_secret(ret->secret.text, ret->secret.len, ret->secret_hash);
    return true;
}

static void take_alert(struct http *http, struct request *request, const struct arrival *arrival,
                       const struct strategy *strategy)
{
    const struct raw_secret secret = {.text = arrival->secret.text, .len = arrival->secret.len};
    const unsigned status =
        verify_signal(http->verify, &arrival->body, strategy, secret, svc_unix_us());
    if (status != 202)
        svc_debug("alert_refused", SVC_T("strategy_id", strategy->id),
                  SVC_T("code", code_name(http->verify->refusal.code)));
    publish(http, request, status);
}

/* Postgres said whose secret it is. The body was scanned for other requests since: once more. */
static void looked_up(void *arg, enum store_answer answer)
{
    struct request *request = arg;
    struct http *http = request->owner;
    struct arrival arrival = {.secret = {.len = 0}};
    const struct strategy *strategy = NULL;
    const bool found = answer == STORE_FOUND && request->client != NULL &&
                       read_arrival(http, request->client, &arrival);
    if (found)
        strategy = strategies_find(http->parts.strategies, arrival.secret_hash);
    if (strategy != NULL) {
        take_alert(http, request, &arrival, strategy);
        return;
    }
    if (request->client != NULL && answer == STORE_CANNOT_ASK)
        reply_not_durable(http, request, REJECT_CANNOT_ASK);
    else if (request->client != NULL)
        reply_unknown(http, take_client(http, request));
    requests_give_back(&http->requests, request);
}

static void look_up(struct http *http, struct svc_http_request *client,
                    const struct arrival *arrival)
{
    if (!limiter_has(http->limiter, svc_http_address(client), svc_mono_us())) {
        reply_plain(http, client, 429, REJECT_RATE_LIMITED);
        return;
    }
    struct request *request = begin_waiting(http, client);
    if (request == NULL)
        return;
    request->waiter = (struct lookup_waiter){.done = looked_up, .arg = request};
    const enum lookup_state state = lookup_ask(http->parts.lookup, arrival->secret.text,
                                               arrival->secret_hash, &request->waiter);
    if (state == LOOKUP_WAITS)
        return;
    if (state == LOOKUP_CANNOT_ASK)
        reply_not_durable(http, request, REJECT_CANNOT_ASK);
    else
        reply_unknown(http, take_client(http, request));
    requests_give_back(&http->requests, request);
}

/* --- routes ---------------------------------------------------------------------------------- */

static bool is_webhook(const char *path)
{
    const size_t len = strlen(route);
    if (strncmp(path, route, len) != 0 || (path[len] != '\0' && path[len] != '/'))
        return false;
    return path[len] == '\0' || strchr(path + len + 1, '/') == NULL;
}

static void handle_webhook(struct http *http, struct svc_http_request *client)
{
    struct arrival arrival = {.secret = {.len = 0}};
    if (!http->loaded) {
        reply_plain(http, client, 503, REJECT_NOT_LOADED);
        return;
    }
    if (!read_arrival(http, client, &arrival)) {
        reply_unknown(http, client);
        return;
    }
    const struct strategy *strategy = strategies_find(http->parts.strategies, arrival.secret_hash);
    if (strategy == NULL) {
        look_up(http, client, &arrival);
        return;
    }
    struct request *request = begin_waiting(http, client);
    if (request != NULL)
        take_alert(http, request, &arrival, strategy);
}

static void handle(void *arg, struct svc_http_request *client)
{
    struct http *http = arg;
    if (!is_webhook(svc_http_path(client)))
        reply_plain(http, client, 404, REJECT_NOT_FOUND);
    else if (strcmp(svc_http_method(client), "POST") != 0)
        reply_plain(http, client, 405, REJECT_METHOD);
    else
        handle_webhook(http, client);
}

/* --- life ------------------------------------------------------------------------------------ */

static bool allocate(struct http *http)
{
    const struct config *config = http->parts.config;
    http->verify = verify_new();
    http->limiter = limiter_new(config->unknown_per_s, config->unknown_burst);
    return requests_init(&http->requests, config->in_flight_max) && http->verify != NULL &&
           http->limiter != NULL;
}

/* A connection is a descriptor, and the usual soft limit is 1024. */
static void allow_descriptors(uint32_t connections)
{
    enum { OTHERS = 128 }; /* Kafka, Postgres, the admin interface, the loop's own */
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= connections + OTHERS)
        return;
    limit.rlim_cur = connections + OTHERS < limit.rlim_max ? connections + OTHERS : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < connections + OTHERS)
        svc_warn("descriptors_limited", SVC_N("descriptors", limit.rlim_cur),
                 SVC_N("connections_max", connections));
}

static enum svc_rc listen_http(struct http *http, struct svc_error *err)
{
    const struct config *config = http->parts.config;
    const struct svc_http_options options = {
        .listen = config->listen,
        .body_max = JSON_TEXT_MAX,
        .drop_max = DROP_MAX,
        .header_ms = HEADER_MS,
        .body_ms = BODY_MS,
        .idle_ms = IDLE_MS,
        .connections_max = config->connections_max,
        .connections_per_address_max = config->connections_per_address_max,
        .handle = handle,
        .arg = http,
    };
    allow_descriptors(config->connections_max);
    return svc_http_open(http->parts.loop, &options, &http->edge, err);
}

enum svc_rc http_open(const struct http_parts *parts, struct http **ret_http, struct svc_error *err)
{
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL)
        return svc_fail(err, SVC_FATAL, "memory_exhausted", "no memory for the webhooks");
    http->parts = *parts;
    http->timer.run = pass_deadlines;
    http->timer.arg = http;
    deadlines_init(&http->deadlines, svc_mono_us());
    enum svc_rc rc = SVC_OK;
    if (!allocate(http))
        rc = svc_fail(err, SVC_FATAL, "memory_exhausted", "no memory for %u requests",
                      parts->config->in_flight_max);
    if (rc == SVC_OK)
        rc = listen_http(http, err);
    if (rc != SVC_OK)
        http_close(&http);
    *ret_http = http;
    return rc;
}

void http_close(struct http **http)
{
    if (*http != NULL) {
        svc_timer_stop(&(*http)->timer);
        svc_http_close(&(*http)->edge);
        verify_free(&(*http)->verify);
        limiter_free(&(*http)->limiter);
        requests_done(&(*http)->requests);
        svc_buffer_done(&(*http)->body);
    }
    free(*http);
    *http = NULL;
}

void http_loaded(struct http *http)
{
    http->loaded = true;
}

void http_quiesce(struct http *http)
{
    svc_http_quiesce(http->edge);
}

bool http_idle(const struct http *http)
{
    return http->waiting == 0 && svc_http_open_requests(http->edge) == 0;
}

uint64_t http_waiting(const struct http *http)
{
    return http->waiting;
}

struct svc_http_counts http_counts(const struct http *http)
{
    return svc_http_counts(http->edge);
}
