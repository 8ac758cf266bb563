/* A role's life: open → loop → drain → close. */
#include "role.h"

#include <string.h>
#include <unistd.h>

enum {
    SECOND_MS = 1000,
    STARTING_MS = 50, /* until it is ready for the first time, and after it joins again */
    MESSAGE_TIMEOUT_MS = 10000,
    QUEUE_MAX = 10000,
    FLUSH_MS = 1000,                         /* hints at the end; they may be lost */
    DEAD_LETTER_BYTES_MAX = 3 * 1024 * 1024, /* a record of 2 MiB and its headers */
};

static const struct role_kind *const kinds[ROLE_COUNT] = {
    [ROLE_RESULTS] = &role_results,
    [ROLE_SIGNALS] = &role_signals,
    [ROLE_MAINTENANCE] = &role_maintenance,
};

void role_fail(struct role *role, const struct svc_error *err)
{
    svc_alert("role_failed", SVC_T("role", role_name(role->id)), SVC_ERR(err));
    svc_loop_fail(role->loop, SVC_EXIT_SOFTWARE);
}

/* Once a second: Postgres, the role's own work, readiness. */

static enum svc_rc connect_store(struct role *role, struct svc_error *err)
{
    if (store_connected(role->store))
        return SVC_OK;
    const enum svc_rc rc = store_ready(role->store, err);
    if (rc == SVC_OK && role->kind->connected != NULL)
        role->kind->connected(role);
    return rc;
}

/* Returns how long until the next look. */
static uint32_t show_readiness(struct role *role)
{
    const char *missing = role->kind->missing(role);
    svc_admin_check(role->admin, role->check, missing == NULL, missing != NULL ? missing : "ok");
    return missing == NULL ? SECOND_MS : STARTING_MS;
}

static void show_failure(struct role *role, enum svc_rc rc, const struct svc_error *err)
{
    svc_admin_check(role->admin, role->check, false, err->text);
    if (rc == SVC_FATAL)
        role_fail(role, err);
    else
        svc_warn_limited(&role->again_limit, "role_again", SVC_T("role", role_name(role->id)),
                         SVC_ERR(err));
}

static void on_second(void *arg)
{
    struct role *role = arg;
    struct svc_error err = {.rc = SVC_OK};
    enum svc_rc rc = connect_store(role, &err);
    if (rc == SVC_OK)
        rc = role->kind->tick(role, &err);
    uint32_t wait_ms = SECOND_MS;
    if (rc == SVC_OK)
        wait_ms = show_readiness(role);
    else
        show_failure(role, rc, &err);
    svc_timer_after_ms(role->loop, &role->second, wait_ms);
}

/* Life */

static void on_schema(void *arg, bool good, const char *text)
{
    struct role *role = arg;
    svc_admin_check(role->admin, role->schema_check, good, text);
}

static enum svc_rc open_role(struct role *role, struct svc_error *err)
{
    role->schema = (struct schema_watch){.judged = on_schema, .arg = role};
    const struct svc_producer_options options = {.kafka = role->config->kafka,
                                                 .message_timeout_ms = MESSAGE_TIMEOUT_MS,
                                                 .queue_max = QUEUE_MAX,
                                                 .message_bytes_max = DEAD_LETTER_BYTES_MAX};
    enum svc_rc rc = store_open(&role->config->pg, role->kind->application_name, &role->schema,
                                &role->store, err);
    if (rc == SVC_OK)
        rc = svc_producer_open(role->loop, &options, &role->producer, err);
    return rc == SVC_OK ? role->kind->open(role, err) : rc;
}

static void close_role(struct role *role)
{
    svc_timer_stop(&role->second);
    role->kind->close(role); /* leaves the group */
    if (role->producer != NULL)
        svc_producer_flush(role->producer, FLUSH_MS);
    svc_producer_close(&role->producer);
    store_close(&role->store);
}

static void begin_drain(void *arg)
{
    struct role *role = arg;
    if (role->kind->begin_drain != NULL)
        role->kind->begin_drain(role);
}

/* Sequential: between two turns nothing is in hand, so a drain ends with the turn it begins in. */
static enum svc_exit run(struct role *role)
{
    const struct svc_lifecycle life = {.begin_drain = begin_drain, .arg = role};
    role->second = (struct svc_timer){.run = on_second, .arg = role};
    svc_timer_after_ms(role->loop, &role->second, 0);
    return svc_run(role->loop, &life, role->config->svc.drain_timeout_ms);
}

static bool is_configuration(const struct svc_error *err)
{
    return strcmp(err->code, "kafka_options") == 0 || strcmp(err->code, "database_url") == 0;
}

static void *live(void *arg)
{
    struct role *role = arg;
    struct svc_error err = {.rc = SVC_OK};
    if (open_role(role, &err) == SVC_OK) {
        role->code = run(role);
    } else {
        svc_alert("role_failed", SVC_T("role", role_name(role->id)), SVC_ERR(&err));
        role->code = is_configuration(&err) ? SVC_EXIT_CONFIG : SVC_EXIT_SOFTWARE;
    }
    close_role(role);
    svc_info("role_ended", SVC_T("role", role_name(role->id)), SVC_N("code", role->code));
    atomic_store(&role->has_ended, true);
    const uint64_t one = 1;
    if (write(role->ended_fd, &one, sizeof one) < 0) /* cannot be: the counter is far from full */
        svc_alert("role_end_unheard", SVC_T("role", role_name(role->id)));
    return NULL;
}

enum svc_rc role_start(struct role *role, struct svc_error *err)
{
    role->kind = kinds[role->id];
    const enum svc_rc rc = svc_loop_open(&role->loop, err);
    if (rc != SVC_OK)
        return rc;
    const int failed = pthread_create(&role->thread, NULL, live, role);
    if (failed != 0)
        return svc_fail(err, SVC_FATAL, "thread", "role %s: %s", role_name(role->id),
                        strerrordesc_np(failed));
    role->is_started = true;
    return SVC_OK;
}

void role_join(struct role *role)
{
    if (role->is_started)
        (void)pthread_join(role->thread, NULL);
    role->is_started = false;
    svc_loop_close(&role->loop);
}
