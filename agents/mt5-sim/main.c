/* mt5-sim: a simulated MetaTrader 5 terminal and broker, for tests and for a first look.
 *
 * It connects to mt5-agent as an expert in a real terminal does. It is a process of its own, so
 * that its ledger outlives a killed agent. */
#include "config.h"
#include "ledger.h"
#include "script.h"
#include "terminal.h"

#include "svc/cleanup.h"
#include "svc/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sim {
    struct svc_loop *loop;
    struct market market;
    struct broker broker;
    struct script script;
    struct ledger *ledger;
    struct terminal *terminal;
};

static enum svc_exit list_faults(void)
{
    for (int kind = 0; kind < FAULT_COUNT; kind++)
        (void)printf("%-14s %-15s %s\n", script_names[kind].name,
                     script_names[kind].member == NULL ? "" : script_names[kind].member,
                     script_names[kind].help);
    return SVC_EXIT_OK;
}

static void sim_close(struct sim **sim)
{
    if (*sim == NULL)
        return;
    terminal_close(&(*sim)->terminal);
    ledger_close(&(*sim)->ledger);
    broker_done(&(*sim)->broker);
    svc_loop_close(&(*sim)->loop);
    free(*sim);
    *sim = NULL;
}

static enum svc_rc open_parts(struct sim *sim, const struct config *config, struct svc_error *err)
{
    size_t cut = 0;
    script_init(&sim->script, config->seed);
    if (svc_loop_open(&sim->loop, err) != SVC_OK ||
        market_init(&sim->market, config->seed, config->symbols, err) != SVC_OK ||
        script_load(&sim->script, config->script, err) != SVC_OK)
        return err->rc;
    broker_init(&sim->broker, &sim->market, (enum broker_mode)config->margin_mode,
                config->login_number, config->balance_cents);
    if (ledger_open(config->ledger, &sim->broker, &sim->ledger, &cut, err) != SVC_OK)
        return err->rc;
    if (cut > 0)
        svc_warn("ledger_tail_cut", SVC_N("bytes", cut));
    svc_info("ledger_read", SVC_N("orders", sim->broker.deal_count),
             SVC_N("positions", sim->broker.position_count));
    return terminal_open(sim->loop, config, &sim->broker, sim->ledger, &sim->script, &sim->terminal,
                         err);
}

static enum svc_rc sim_open(const struct config *config, struct sim **ret_sim,
                            struct svc_error *err)
{
    struct sim *sim = calloc(1, sizeof *sim);
    if (sim == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "out of memory");
    enum svc_rc rc = open_parts(sim, config, err);
    if (rc != SVC_OK) {
        sim_close(&sim);
        return rc;
    }
    *ret_sim = sim;
    return SVC_OK;
}

/* What --check-config can tell beyond the settings table. */
static enum svc_exit check_script(const struct config *config)
{
    static struct market market;
    static struct script script;
    struct svc_error err;
    script_init(&script, config->seed);
    if (market_init(&market, config->seed, config->symbols, &err) == SVC_OK &&
        script_load(&script, config->script, &err) == SVC_OK)
        return SVC_EXIT_OK;
    (void)fprintf(stderr, "mt5-sim: %s\n", err.text);
    return SVC_EXIT_CONFIG;
}

/* The order under way is finished; what waits in the socket was never begun. */
static bool is_idle(void *arg)
{
    const struct sim *sim = arg;
    return terminal_is_idle(sim->terminal);
}

int main(int argc, char **argv)
{
    static struct config config;
    if (argc == 2 && strcmp(argv[1], "--list-faults") == 0)
        return list_faults();
    enum svc_exit early = svc_start(argc, argv, &config_program, &config);
    bool checked = early == SVC_EXIT_OK && strcmp(argv[1], "--check-config") == 0;
    if (early == SVC_EXIT_RUN || checked) {
        enum svc_exit finished = config_finish(&config);
        if (finished != SVC_EXIT_RUN)
            return finished;
    }
    if (checked)
        return check_script(&config);
    if (early != SVC_EXIT_RUN)
        return early;
    SVC_CLEANUP(sim_close) struct sim *sim = NULL;
    struct svc_error err = {.rc = SVC_OK};
    if (sim_open(&config, &sim, &err) != SVC_OK) {
        svc_alert("start_failed", SVC_ERR(&err));
        return err.rc == SVC_REJECT ? SVC_EXIT_CONFIG : SVC_EXIT_SOFTWARE;
    }
    const struct svc_lifecycle life = {.is_idle = is_idle, .arg = sim, .catch_signals = true};
    return svc_run(sim->loop, &life, config.drain_timeout_ms);
}
