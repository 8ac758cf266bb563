/* The settings; `webhook-ingester --help` prints them. */
#pragma once

#include "svc/config.h"

struct config {
    struct svc_cfg_service svc;
    struct svc_cfg_kafka kafka;
    struct svc_cfg_pg pg;
    const char *listen;
    uint32_t deadline_ms, in_flight_max, gather_ms;
    uint32_t connections_max, connections_per_address_max;
    uint32_t refresh_ms, reload_s, lookup_ms;
    uint32_t unknown_per_s, unknown_burst;
};

extern const struct svc_program ingester_program;
