/* Settings of mt5-agent. */
#pragma once

#include "svc/config.h"

struct config {
    struct svc_cfg_service svc;
    const char *agent_id, *agent_key, *gateways, *gateway_keys, *journal, *keyfile;
    const char *terminal_listen, *terminal_token;
};

extern const struct svc_program config_program;

/* What the table cannot say: AGENT_ID is a UUID, the two gateway lists fit each other.
 * Prints what is wrong. SVC_EXIT_RUN or SVC_EXIT_CONFIG. */
enum svc_exit config_check(const struct config *config);
