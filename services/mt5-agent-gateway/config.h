/* Settings; the table is in config.c. */
#pragma once

#include "svc/config.h"
#include "svc/error.h"

struct config {
    struct svc_cfg_service svc;
    struct svc_cfg_kafka kafka;
    struct svc_cfg_pg pg;
    const char *zmq;          /* endpoint */
    const char *curve_secret; /* Z85, 40 characters */
    uint32_t agents_max, session_timeout_ms, heartbeat_ms;
};

extern const struct svc_program gateway_program;

/* What the table cannot check; every fault is printed. */
enum svc_exit config_check(const struct config *config);
