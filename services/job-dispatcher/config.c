/* One table; the environment is the only source. */
#include "config.h"

#include <stdio.h>
#include <string.h>

static const struct svc_cfg_item items[] = {
    SVC_CFG_SERVICE(struct config, "127.0.0.1:9102"),
    SVC_CFG_KAFKA(struct config),
    SVC_CFG_INSTANCE(struct config),
    SVC_CFG_PG(struct config),
    {"DISPATCHER_ROLES", CFG_STR, offsetof(struct config, roles_text),
     "signals,results,maintenance", 0, 0, "what this process does; each role is a thread", NULL},
    {"DISPATCHER_BATCH_MAX", CFG_U32, offsetof(struct config, batch_max), "256", 1, 1024,
     "records per transaction", NULL},
    {0},
};

static const struct svc_program program = {
    .name = "job-dispatcher",
    .summary = "turns signals into jobs and results into outcomes, in Postgres",
    .items = items,
};

enum svc_exit config_start(int argc, char **argv, struct config *ret)
{
    struct svc_error err = {.rc = SVC_OK};
    const enum svc_exit early = svc_start(argc, argv, &program, ret);
    const bool loaded = early == SVC_EXIT_RUN || (early == SVC_EXIT_OK && argc == 2 &&
                                                  strcmp(argv[1], "--check-config") == 0);
    if (!loaded || roles_parse(ret->roles_text, ret->roles, &err) == SVC_OK)
        return early;
    (void)fprintf(stderr, "%s: %s\n", program.name, err.text);
    return SVC_EXIT_CONFIG;
}
