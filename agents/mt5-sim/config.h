/* Settings of mt5-sim. */
#pragma once

#include "svc/config.h"

struct config {
    struct {
        uint32_t log_level, log_format;
    } svc;
    const char *connect, *token, *ledger, *script, *symbols, *login, *server, *balance;
    uint32_t seed, margin_mode, latency_ms, drain_timeout_ms;
    const char *time_offset;
    uint64_t login_number; /* login as a number, or its default */
    int64_t balance_cents;
    int64_t time_offset_s;
};

extern const struct svc_program config_program;

/* Fill the last three members; prints what is wrong. SVC_EXIT_RUN or SVC_EXIT_CONFIG. */
enum svc_exit config_finish(struct config *config);
