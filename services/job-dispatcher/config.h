/* The dispatcher's settings. */
#pragma once

#include "roles.h"

#include "svc/config.h"

struct config {
    struct svc_cfg_service svc;
    struct svc_cfg_kafka kafka;
    struct svc_cfg_pg pg;
    const char *roles_text;
    bool roles[ROLE_COUNT]; /* roles_text, parsed */
    uint32_t batch_max;
};

/* As svc_start(), and DISPATCHER_ROLES is parsed; also for --check-config. */
enum svc_exit config_start(int argc, char **argv, struct config *ret);
