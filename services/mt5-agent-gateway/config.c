/* The settings table. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>
#include <zmq.h>

enum { Z85_KEY_LEN = 40, CURVE_KEY_BYTES = 32 };

static const struct svc_cfg_item items[] = {
    SVC_CFG_SERVICE(struct config, "127.0.0.1:9103"),
    {"GATEWAY_ZMQ", CFG_STR, offsetof(struct config, zmq), "tcp://127.0.0.1:5555", 0, 0,
     "ZeroMQ endpoint that agents connect to", NULL},
    {"GATEWAY_CURVE_SECRET", CFG_SECRET, offsetof(struct config, curve_secret), NULL, 0, 0,
     "CURVE secret key of the gateway, Z85, 40 characters", NULL},
    {"GATEWAY_AGENTS_MAX", CFG_U32, offsetof(struct config, agents_max), "10000", 1, 100000,
     "agents with a session here", NULL},
    {"GATEWAY_SESSION_TIMEOUT_MS", CFG_U32, offsetof(struct config, session_timeout_ms), "15000",
     1000, 60000, "silence that ends a session, ms", NULL},
    {"GATEWAY_HEARTBEAT_MS", CFG_U32, offsetof(struct config, heartbeat_ms), "5000", 200, 30000,
     "time between heartbeats, ms; at most half of the session's timeout", NULL},
    SVC_CFG_KAFKA(struct config),
    SVC_CFG_PG(struct config),
    {0},
};

const struct svc_program gateway_program = {
    .name = "mt5-agent-gateway",
    .summary = "hands jobs to trading agents over ZeroMQ and their results to Kafka",
    .items = items,
};

static bool curve_key_good(const char *secret)
{
    uint8_t bytes[CURVE_KEY_BYTES];
    char public[Z85_KEY_LEN + 1];
    const bool good = strlen(secret) == Z85_KEY_LEN && zmq_z85_decode(bytes, secret) != NULL &&
                      zmq_curve_public(public, secret) == 0;
    sodium_memzero(bytes, sizeof bytes);
    return good;
}

static bool complain(bool good, const char *name, const char *fault)
{
    if (!good)
        (void)fprintf(stderr, "%s: %s: %s\n", gateway_program.name, name, fault);
    return good;
}

enum svc_exit config_check(const struct config *config)
{
    const bool key = complain(curve_key_good(config->curve_secret), "GATEWAY_CURVE_SECRET",
                              "must be a CURVE secret key in Z85, 40 characters");
    const bool beat =
        complain(config->heartbeat_ms <= config->session_timeout_ms / 2, "GATEWAY_HEARTBEAT_MS",
                 "must be at most half of GATEWAY_SESSION_TIMEOUT_MS");
    return key && beat ? SVC_EXIT_RUN : SVC_EXIT_CONFIG;
}
