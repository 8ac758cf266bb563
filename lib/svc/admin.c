/* The admin interface: three paths that answer at once, from what is already known. */
#include "svc/admin.h"

#include "memory.h"

#include "svc/clock.h"
#include "svc/http.h"
#include "svc/log.h"
#include "svc/text.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { DETAIL_MAX = 160 };

struct svc_health {
    pthread_mutex_t lock; /* checks are set from any thread */
    const char *const *names;
    unsigned count;
    bool draining;
    struct {
        bool good;
        char detail[DETAIL_MAX];
    } checks[SVC_HEALTH_CHECKS_MAX];
};

struct svc_admin {
    struct svc_health health;
    struct svc_http *http;
    struct svc_metrics *metrics;
    struct svc_gauge *ready;
    void (*scrape)(void *arg);
    void *scrape_arg;
    struct svc_buffer page;
};

static void reply_page(struct svc_admin *admin, struct svc_http_request *request, unsigned status,
                       const char *content_type)
{
    const struct svc_http_reply reply = {.status = status,
                                         .content_type = content_type,
                                         .body = admin->page.bytes,
                                         .len = admin->page.len};
    svc_http_reply(request, &reply);
}

/* That this is answered at all is the answer: the loop turns. */
static void reply_healthz(struct svc_admin *admin, struct svc_http_request *request)
{
    svc_buffer_text(&admin->page, "ok\n");
    reply_page(admin, request, 200, "text/plain");
}

static void reply_metrics(struct svc_admin *admin, struct svc_http_request *request)
{
    if (admin->scrape)
        admin->scrape(admin->scrape_arg);
    svc_metrics_print(admin->metrics, &admin->page);
    reply_page(admin, request, 200, "text/plain; version=0.0.4; charset=utf-8");
}

/* Write the checks as JSON; true when the service is ready. */
static bool print_health(struct svc_health *health, struct svc_buffer *page)
{
    (void)pthread_mutex_lock(&health->lock);
    bool ready = !health->draining;
    for (unsigned i = 0; i < health->count; i++)
        ready = ready && health->checks[i].good;
    svc_buffer_printf(page, "{\"status\":\"%s\",\"checks\":[",
                      ready              ? "ready"
                      : health->draining ? "draining"
                                         : "not_ready");
    for (unsigned i = 0; i < health->count; i++) {
        svc_buffer_text(page, i ? ",{\"name\":" : "{\"name\":");
        svc_buffer_json(page, health->names[i], strlen(health->names[i]));
        svc_buffer_printf(page,
                          ",\"good\":%s,\"detail\":", health->checks[i].good ? "true" : "false");
        svc_buffer_json(page, health->checks[i].detail, strlen(health->checks[i].detail));
        svc_buffer_text(page, "}");
    }
    svc_buffer_text(page, "]}\n");
    (void)pthread_mutex_unlock(&health->lock);
    return ready;
}

static void reply_readyz(struct svc_admin *admin, struct svc_http_request *request)
{
    bool ready = print_health(&admin->health, &admin->page);
    reply_page(admin, request, ready ? 200 : 503, "application/json");
}

static void handle(void *arg, struct svc_http_request *request)
{
    struct svc_admin *admin = arg;
    const char *method = svc_http_method(request), *path = svc_http_path(request);
    svc_buffer_reset(&admin->page);
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        svc_http_reply(request, &(struct svc_http_reply){.status = 405, .allow = "GET, HEAD"});
    else if (strcmp(path, "/healthz") == 0)
        reply_healthz(admin, request);
    else if (strcmp(path, "/readyz") == 0)
        reply_readyz(admin, request);
    else if (strcmp(path, "/metrics") == 0)
        reply_metrics(admin, request);
    else
        svc_http_reply(request, &(struct svc_http_reply){.status = 404});
}

/* Cut to what fits, without half a character, and never anything that is not UTF-8: the page is
 * JSON. */
static void set_detail(char detail[DETAIL_MAX], const char *text)
{
    size_t len = strnlen(text, DETAIL_MAX - 1);
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    if (!svc_utf8_valid(text, len)) {
        text = "(not UTF-8)";
        len = strlen(text);
    }
    memcpy(detail, text, len);
    detail[len] = '\0';
}

static void set_up_health(struct svc_health *health, const char *const *names)
{
    (void)pthread_mutex_init(&health->lock, NULL);
    health->names = names;
    for (; names[health->count]; health->count++) {
        assert(health->count < SVC_HEALTH_CHECKS_MAX);
        set_detail(health->checks[health->count].detail, "starting");
    }
}

enum svc_rc svc_admin_open(struct svc_loop *loop, const char *listen, struct svc_metrics *metrics,
                           const char *const *checks, struct svc_admin **ret_admin,
                           struct svc_error *err)
{
    struct svc_admin *admin = svc_must_zalloc(sizeof *admin);
    const struct svc_http_options options = {
        .listen = listen,
        .drop_max = 4096, /* nothing here takes a body */
        .header_ms = 5000,
        .body_ms = 2000,
        .idle_ms = 60000, /* Prometheus scrapes every 15 to 60 s on one connection */
        .connections_max = 64,
        .handle = handle,
        .arg = admin,
    };
    set_up_health(&admin->health, checks);
    admin->metrics = metrics;
    admin->ready = svc_gauge_new(metrics, "tradewire_ready", "1: this dependency check is good.",
                                 "check", checks);
    enum svc_rc rc = svc_http_open(loop, &options, &admin->http, err);
    if (rc != SVC_OK) {
        svc_admin_close(&admin);
        return rc;
    }
    *ret_admin = admin;
    return SVC_OK;
}

void svc_admin_close(struct svc_admin **admin)
{
    struct svc_admin *closing = *admin;
    *admin = NULL;
    if (!closing)
        return;
    svc_http_close(&closing->http);
    svc_buffer_done(&closing->page);
    (void)pthread_mutex_destroy(&closing->health.lock);
    free(closing);
}

void svc_admin_check(struct svc_admin *admin, unsigned check, bool good, const char *detail)
{
    struct svc_health *health = &admin->health;
    assert(check < health->count);
    (void)pthread_mutex_lock(&health->lock);
    bool changed = health->checks[check].good != good;
    health->checks[check].good = good;
    set_detail(health->checks[check].detail, detail);
    (void)pthread_mutex_unlock(&health->lock);
    if (!changed)
        return;
    svc_gauge_set(admin->ready, check, good);
    svc_info("readiness_changed", SVC_T("check", health->names[check]), SVC_N("good", good),
             SVC_T("detail", detail));
}

void svc_admin_draining(struct svc_admin *admin)
{
    (void)pthread_mutex_lock(&admin->health.lock);
    admin->health.draining = true;
    (void)pthread_mutex_unlock(&admin->health.lock);
}

void svc_admin_on_scrape(struct svc_admin *admin, void (*scrape)(void *arg), void *arg)
{
    admin->scrape = scrape;
    admin->scrape_arg = arg;
}
