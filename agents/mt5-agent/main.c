/* mt5-agent: takes jobs from the gateway, executes each exactly once in one MetaTrader 5 terminal,
 * and reports what became of it. */
#include "config.h"
#include "execute.h"
#include "keyfile.h"

#include "svc/admin.h"
#include "svc/cleanup.h"
#include "svc/log.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum { CHECK_GATEWAY, CHECK_TERMINAL };
enum { HEALTH_MS = 500 };

struct agent {
    struct svc_loop *loop;
    struct svc_metrics *metrics;
    struct svc_admin *admin; /* NULL: ADMIN_LISTEN is empty */
    struct svc_timer health;
    struct execute *execute;
    struct key_pair keys;
};

static void agent_close(struct agent **agent)
{
    struct agent *a = *agent;
    *agent = NULL;
    if (a == NULL)
        return;
    svc_timer_stop(&a->health);
    execute_close(&a->execute);
    svc_admin_close(&a->admin);
    svc_metrics_free(&a->metrics);
    svc_loop_close(&a->loop);
    sodium_memzero(&a->keys, sizeof a->keys);
    free(a);
}

static void show_health(void *arg)
{
    struct agent *a = arg;
    struct execute_health health = execute_health(a->execute);
    svc_admin_check(a->admin, CHECK_GATEWAY, health.gateway,
                    health.gateway ? "session" : "no session");
    svc_admin_check(a->admin, CHECK_TERMINAL, health.terminal,
                    health.terminal ? "ready" : "no terminal that may trade");
    svc_timer_after_ms(a->loop, &a->health, HEALTH_MS);
}

static enum svc_rc open_admin(struct agent *a, const struct config *config, struct svc_error *err)
{
    static const char *const checks[] = {"gateway", "terminal", NULL};
    if (config->svc.admin_listen[0] == '\0')
        return SVC_OK;
    a->health = (struct svc_timer){.run = show_health, .arg = a};
    if (svc_admin_open(a->loop, config->svc.admin_listen, a->metrics, checks, &a->admin, err) !=
        SVC_OK)
        return err->rc;
    show_health(a);
    return SVC_OK;
}

static enum svc_rc open_parts(struct agent *a, const struct config *config, struct svc_error *err)
{
    a->metrics = svc_metrics_new(config_program.name);
    if (svc_loop_open(&a->loop, err) != SVC_OK ||
        keyfile_load(config->keyfile, &a->keys, err) != SVC_OK ||
        execute_open(a->loop, config, &a->keys, a->metrics, &a->execute, err) != SVC_OK)
        return err->rc;
    return open_admin(a, config, err);
}

static enum svc_rc agent_open(const struct config *config, struct agent **ret_agent,
                              struct svc_error *err)
{
    struct agent *a = calloc(1, sizeof *a);
    if (a == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "out of memory");
    enum svc_rc rc = open_parts(a, config, err);
    if (rc != SVC_OK) {
        agent_close(&a);
        return rc;
    }
    *ret_agent = a;
    return SVC_OK;
}

static void begin_drain(void *arg)
{
    struct agent *a = arg;
    if (a->admin != NULL)
        svc_admin_draining(a->admin);
    execute_begin_drain(a->execute);
}

static bool is_idle(void *arg)
{
    const struct agent *a = arg;
    return execute_is_idle(a->execute);
}

static void finish(void *arg)
{
    struct agent *a = arg;
    execute_finish(a->execute);
}

int main(int argc, char **argv)
{
    static struct config config;
    enum svc_exit early = svc_start(argc, argv, &config_program, &config);
    bool checked = early == SVC_EXIT_OK && strcmp(argv[1], "--check-config") == 0;
    if ((early == SVC_EXIT_RUN || checked) && config_check(&config) != SVC_EXIT_RUN)
        return SVC_EXIT_CONFIG;
    if (early != SVC_EXIT_RUN)
        return early;
    SVC_CLEANUP(agent_close) struct agent *agent = NULL;
    struct svc_error err = {.rc = SVC_OK};
    if (agent_open(&config, &agent, &err) != SVC_OK) {
        svc_alert("start_failed", SVC_ERR(&err));
        return err.rc == SVC_REJECT ? SVC_EXIT_CONFIG : SVC_EXIT_SOFTWARE;
    }
    const struct svc_lifecycle life = {begin_drain, is_idle, finish, agent, true};
    return svc_run(agent->loop, &life, config.svc.drain_timeout_ms);
}
