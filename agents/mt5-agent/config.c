#include "config.h"

#include "link.h"

#include "svc/text.h"

#include <stdio.h>

static const struct svc_cfg_item items[] = {
    {"AGENT_ID", CFG_STR, offsetof(struct config, agent_id), NULL, 0, 0,
     "UUID that `tradewirectl agent pair` printed", NULL},
    {"AGENT_KEY", CFG_SECRET, offsetof(struct config, agent_key), NULL, 0, 0,
     "pairing key that it printed", NULL},
    {"GATEWAY_ZMQ", CFG_STR, offsetof(struct config, gateways), "tcp://127.0.0.1:5555", 0, 0,
     "gateways, tcp://host:port[,…]; the next one is tried when one is lost", NULL},
    {"GATEWAY_CURVE_PUBLIC", CFG_STR, offsetof(struct config, gateway_keys), NULL, 0, 0,
     "their public keys, Z85, in the same order; one alone is for all", NULL},
    {"AGENT_JOURNAL", CFG_STR, offsetof(struct config, journal), NULL, 0, 0,
     "file of the journal; made at first start, never to be shared or copied", NULL},
    {"AGENT_KEYFILE", CFG_STR, offsetof(struct config, keyfile), NULL, 0, 0,
     "file of the agent's own CURVE pair; made at first start, mode 0600", NULL},
    {"TERMINAL_LISTEN", CFG_STR, offsetof(struct config, terminal_listen), "127.0.0.1:5600", 0, 0,
     "loopback address where the terminal connects", NULL},
    {"TERMINAL_TOKEN", CFG_SECRET, offsetof(struct config, terminal_token), NULL, 0, 0,
     "what a terminal must say; usually as TERMINAL_TOKEN_FILE", NULL},
    SVC_CFG_SERVICE(struct config, ""),
    {0},
};

const struct svc_program config_program = {
    .name = "mt5-agent",
    .summary = "Executes jobs in one MetaTrader 5 terminal, each exactly once. ADMIN_LISTEN is off "
               "when empty.",
    .items = items,
};

static enum svc_exit wrong(const char *name, const char *why)
{
    (void)fprintf(stderr, "mt5-agent: %s: %s\n", name, why);
    return SVC_EXIT_CONFIG;
}

enum svc_exit config_check(const struct config *config)
{
    struct svc_error err;
    if (!svc_uuid_valid(config->agent_id))
        return wrong("AGENT_ID", "must be a UUID");
    if (link_check_gateways(config->gateways, config->gateway_keys, &err) != SVC_OK)
        return wrong("GATEWAY_ZMQ, GATEWAY_CURVE_PUBLIC", err.text);
    return SVC_EXIT_RUN;
}
