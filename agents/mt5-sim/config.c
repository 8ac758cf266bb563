#include "config.h"

#include "contracts/decimal.h"

#include "svc/text.h"

#include <stdio.h>

static const struct svc_cfg_item items[] = {
    {"SIM_CONNECT", CFG_STR, offsetof(struct config, connect), "127.0.0.1:5600", 0, 0,
     "address where mt5-agent listens for its terminal", NULL},
    {"SIM_TOKEN", CFG_SECRET, offsetof(struct config, token), NULL, 0, 0,
     "the terminal token that the agent was given; usually as SIM_TOKEN_FILE", NULL},
    {"SIM_LEDGER", CFG_STR, offsetof(struct config, ledger), NULL, 0, 0,
     "file of accepted orders, JSON lines; read at start", NULL},
    {"SIM_SEED", CFG_U32, offsetof(struct config, seed), "1", 0, UINT32_MAX,
     "seed of prices and dice", NULL},
    {"SIM_SCRIPT", CFG_STR, offsetof(struct config, script), "", 0, 0,
     "file of faults, JSON lines; see --list-faults", NULL},
    {"SIM_SYMBOLS", CFG_STR, offsetof(struct config, symbols), "", 0, 0,
     "symbols traded, NAME[,NAME]; empty: all known; NAME may have a broker's suffix", NULL},
    {"SIM_LOGIN", CFG_STR, offsetof(struct config, login), "", 0, 0,
     "account number; empty: 100000 + SIM_SEED mod 900000", NULL},
    {"SIM_SERVER", CFG_STR, offsetof(struct config, server), "Sim-Demo", 0, 0,
     "name of the trade server", NULL},
    {"SIM_BALANCE", CFG_STR, offsetof(struct config, balance), "1000000", 0, 0,
     "balance at the beginning of the ledger, USD", NULL},
    {"SIM_MARGIN_MODE", CFG_CHOICE, offsetof(struct config, margin_mode), "hedging", 0, 0,
     "how positions are kept", "hedging|netting|exchange"},
    {"SIM_TIME_OFFSET_S", CFG_STR, offsetof(struct config, time_offset), "0", 0, 0,
     "server's wall clock minus UTC, s, -50400 to 50400", NULL},
    {"SIM_LATENCY_MS", CFG_U32, offsetof(struct config, latency_ms), "0", 0, 60000,
     "how long every order takes, ms", NULL},
    {"DRAIN_TIMEOUT_MS", CFG_U32, offsetof(struct config, drain_timeout_ms), "10000", 0, 60000,
     "how long an order under way may take after SIGTERM, ms", NULL},
    SVC_CFG_LOG(struct config),
    {0},
};

const struct svc_program config_program = {
    .name = "mt5-sim",
    .summary = "A simulated MetaTrader 5 terminal and broker. --list-faults shows what SIM_SCRIPT "
               "can do to orders.",
    .items = items,
};

static enum svc_exit wrong(const char *name, const char *why)
{
    (void)fprintf(stderr, "mt5-sim: %s: %s\n", name, why);
    return SVC_EXIT_CONFIG;
}

enum svc_exit config_finish(struct config *config)
{
    config->login_number = 100000 + config->seed % 900000;
    /* Order tickets are the login times ten million, and stay below 2^53. */
    if (config->login[0] != '\0' &&
        svc_parse_u64(config->login, 1, 900000000, &config->login_number) != 0)
        return wrong("SIM_LOGIN", "must be 1 to 900000000");
    if (!decimal_scaled(config->balance, 2, &config->balance_cents) || config->balance_cents < 0)
        return wrong("SIM_BALANCE", "must be an amount with at most two decimals");
    if (svc_parse_i64(config->time_offset, -50400, 50400, &config->time_offset_s) != 0)
        return wrong("SIM_TIME_OFFSET_S", "must be -50400 to 50400");
    return SVC_EXIT_RUN;
}
