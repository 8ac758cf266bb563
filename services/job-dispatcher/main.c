/* job-dispatcher: signals become jobs, results become outcomes, and what nobody ends is ended.
 *
 * The main loop has the signals and the admin interface; the work is done by roles (role.h), each a
 * thread of its own. */
#include "role.h"

#include "svc/cleanup.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <sodium.h>

struct dispatcher {
    struct config config;
    struct svc_metrics *metrics;
    struct measures measures;
    struct svc_loop *loop;
    struct svc_admin *admin;
    struct svc_source ended; /* a role wrote its eventfd */
    struct role roles[ROLE_COUNT];
    const char *checks[ROLE_COUNT + 2];
    unsigned role_count;
};

/* Roles that ended */

static bool all_ended(void *arg)
{
    const struct dispatcher *d = arg;
    for (unsigned i = 0; i < d->role_count; i++)
        if (d->roles[i].is_started && !atomic_load(&d->roles[i].has_ended))
            return false;
    return true;
}

/* The program is all its roles: one that ends takes the others along, who finish what they have in
 * hand. */
static void on_ended(void *arg, uint32_t events)
{
    struct dispatcher *d = arg;
    uint64_t count;
    (void)events;
    if (read(d->ended.fd, &count, sizeof count) > 0 && !svc_loop_draining(d->loop))
        svc_loop_request_drain(d->loop);
}

static void begin_drain(void *arg)
{
    struct dispatcher *d = arg;
    svc_admin_draining(d->admin);
    for (unsigned i = 0; i < d->role_count; i++)
        if (d->roles[i].is_started)
            svc_loop_request_drain(d->roles[i].loop);
}

static enum svc_exit worst_code(const struct dispatcher *d, enum svc_exit code)
{
    for (unsigned i = 0; i < d->role_count; i++)
        if (d->roles[i].is_started && d->roles[i].code > code)
            code = d->roles[i].code;
    return code;
}

/* Life */

static enum svc_rc watch_roles(struct dispatcher *d, struct svc_error *err)
{
    const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return svc_fail(err, SVC_FATAL, "eventfd", "eventfd failed");
    d->ended = (struct svc_source){
        .fd = fd, .events = EPOLLIN, .phase = SVC_PHASE_PEER, .run = on_ended, .arg = d};
    svc_source_add(d->loop, &d->ended);
    return SVC_OK;
}

static void choose_roles(struct dispatcher *d)
{
    for (int id = 0; id < ROLE_COUNT; id++) {
        if (!d->config.roles[id])
            continue;
        d->roles[d->role_count].id = (enum role_id)id;
        d->checks[d->role_count++] = role_name((enum role_id)id);
    }
    d->checks[d->role_count] = "schema";
}

static enum svc_rc start_roles(struct dispatcher *d, struct svc_error *err)
{
    enum svc_rc rc = SVC_OK;
    for (unsigned i = 0; i < d->role_count && rc == SVC_OK; i++) {
        struct role *role = &d->roles[i];
        role->config = &d->config;
        role->measures = &d->measures;
        role->admin = d->admin;
        role->check = i;
        role->schema_check = d->role_count;
        role->ended_fd = d->ended.fd;
        rc = role_start(role, err);
    }
    return rc;
}

static enum svc_rc dispatcher_open(struct dispatcher *d, struct svc_error *err)
{
    d->metrics = svc_metrics_new("job-dispatcher");
    measures_init(&d->measures, d->metrics);
    choose_roles(d);
    enum svc_rc rc = svc_loop_open(&d->loop, err);
    if (rc == SVC_OK)
        rc = svc_admin_open(d->loop, d->config.svc.admin_listen, d->metrics, d->checks, &d->admin,
                            err);
    if (rc == SVC_OK)
        rc = watch_roles(d, err);
    return rc;
}

/* Only when no role is left. */
static void dispatcher_close(struct dispatcher *d)
{
    for (unsigned i = 0; i < d->role_count; i++)
        role_join(&d->roles[i]);
    svc_admin_close(&d->admin);
    svc_source_remove(&d->ended);
    if (d->ended.fd > 0)
        (void)close(d->ended.fd);
    svc_loop_close(&d->loop);
    svc_metrics_free(&d->metrics);
}

static enum svc_exit dispatcher_run(struct dispatcher *d)
{
    const struct svc_lifecycle life = {
        .begin_drain = begin_drain, .is_idle = all_ended, .arg = d, .catch_signals = true};
    struct svc_error err = {.rc = SVC_OK};
    enum svc_exit failed = SVC_EXIT_OK;
    if (start_roles(d, &err) != SVC_OK) { /* those that run are drained */
        svc_alert("start_failed", SVC_ERR(&err));
        failed = SVC_EXIT_SOFTWARE;
        svc_loop_request_drain(d->loop);
    }
    const enum svc_exit code = svc_run(d->loop, &life, d->config.svc.drain_timeout_ms);
    if (!all_ended(d)) {
        /* A thread still works with what would be freed now. What it has not committed is read
         * again. */
        svc_alert("drain_incomplete", SVC_N("code", code));
        _exit(code);
    }
    return worst_code(d, code > failed ? code : failed);
}

int main(int argc, char **argv)
{
    static struct dispatcher dispatcher;
    struct svc_error err = {.rc = SVC_OK};
    const enum svc_exit early = config_start(argc, argv, &dispatcher.config);
    if (early != SVC_EXIT_RUN)
        return early;
    if (sodium_init() < 0)
        return SVC_EXIT_SOFTWARE;
    enum svc_exit code = SVC_EXIT_SOFTWARE;
    if (dispatcher_open(&dispatcher, &err) == SVC_OK)
        code = dispatcher_run(&dispatcher);
    else
        svc_alert("open_failed", SVC_ERR(&err));
    dispatcher_close(&dispatcher);
    svc_info("stopped", SVC_N("code", code));
    return code;
}
