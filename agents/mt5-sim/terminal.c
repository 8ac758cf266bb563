/* The simulated terminal.
 *
 * One order's way: take_order → (latency, delay) → run_order → judge → ledger → apply → answer.
 * While an order waits the link is held, so nothing overtakes it, and after a lost connection the
 * terminal says hello again only when that order is over: this is what the agent's barrier rests
 * on. */
#include "terminal.h"

#include "contracts/decimal.h"
#include "link.h"
#include "wire.h"

#include "svc/clock.h"
#include "svc/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct terminal {
    struct svc_loop *loop;
    const struct config *config;
    struct broker *broker;
    struct ledger *ledger;
    struct script *script;
    struct link *link;
    struct svc_buffer line;
    char login[24];
    bool busy; /* an order is under way: waiting before it runs, or before its answer leaves */
    struct wire_command order;
    struct fault fault;
    struct svc_timer wait, answer;
    struct svc_buffer late; /* the answer that is held back */
    int64_t away_until_mono_us;
};

static bool server_away(const struct terminal *t)
{
    return svc_mono_us() < t->away_until_mono_us;
}

static struct wire_terminal about(const struct terminal *t)
{
    static const char *const modes[] = {"hedging", "netting", "exchange"};
    return (struct wire_terminal){
        .token = t->config->token,
        .login = t->login,
        .server = t->config->server,
        .margin_mode = modes[t->config->margin_mode],
        .version = "mt5-sim " TRADEWIRE_VERSION,
        .clock_us = svc_unix_us(),
        .server_offset_s = t->config->time_offset_s,
        .trade_connected = !server_away(t),
    };
}

static void send_line(struct terminal *t)
{
    link_send(t->link, &t->line);
}

static void end_order(struct terminal *t)
{
    wire_command_done(&t->order);
    t->busy = false;
    link_hold(t->link, false);
}

static void refuse(struct terminal *t, const char *error, const char *message)
{
    svc_info("order_refused", SVC_N("id", t->order.id), SVC_T("code", error));
    wire_refused(t->order.id, error, message, &t->line);
    send_line(t);
    end_order(t);
}

static void send_late(void *arg)
{
    struct terminal *t = arg;
    link_send(t->link, &t->late);
    end_order(t);
}

static void answer(struct terminal *t, const struct wire_result *result)
{
    wire_result(result, t->broker, &t->line);
    switch (t->fault.kind) {
    case FAULT_NO_REPLY:
        break;
    case FAULT_DROP_AFTER:
        link_drop(t->link);
        break;
    case FAULT_LATE_REPLY:
        svc_buffer_reset(&t->late);
        svc_buffer_add(&t->late, t->line.bytes, t->line.len);
        svc_timer_after_ms(t->loop, &t->answer, t->fault.ms);
        return;
    default:
        send_line(t);
    }
    end_order(t);
}

/* What the script makes the broker say, 0: nothing. */
static uint32_t scripted_refusal(struct terminal *t, struct wire_result *result)
{
    if (t->fault.kind == FAULT_SERVER_AWAY)
        t->away_until_mono_us = svc_mono_us() + (int64_t)t->fault.ms * 1000;
    if (server_away(t))
        return 10031;
    if (t->fault.kind == FAULT_REJECT)
        return t->fault.retcode;
    if (t->fault.kind == FAULT_REQUOTE)
        return RETCODE_REQUOTE;
    if (t->fault.kind != FAULT_MARKET_CLOSED)
        return 0;
    result->ready_unix_us = svc_unix_us() + (int64_t)t->fault.next_session_s * 1000000;
    return RETCODE_MARKET_CLOSED;
}

/* Accepted: the ledger first, then the effect. False: nothing may be answered any more. */
static bool execute(struct terminal *t, struct broker_deal *deal, int64_t now_unix_us)
{
    struct svc_error err;
    deal->time_unix_us = now_unix_us;
    if (ledger_append(t->ledger, t->broker, deal, &err) != SVC_OK) {
        svc_alert("ledger_failed", SVC_ERR(&err));
        svc_loop_fail(t->loop, SVC_EXIT_SOFTWARE);
        return false;
    }
    broker_apply(t->broker, deal);
    if (t->fault.kind == FAULT_CRASH_AFTER)
        _exit(SVC_EXIT_SOFTWARE);
    return true;
}

static bool read_order(const struct terminal *t, int symbol, struct broker_order *ret)
{
    const struct wire_command *c = &t->order;
    unsigned digits = t->broker->market->symbols[symbol].digits;
    *ret = (struct broker_order){
        .symbol = symbol, .sell = c->sell, .position = c->position, .magic = c->magic};
    (void)snprintf(ret->comment, sizeof ret->comment, "%s", c->comment);
    return decimal_scaled(c->volume, 2, &ret->volume) &&
           (c->sl[0] == '\0' || decimal_scaled(c->sl, digits, &ret->sl_points)) &&
           (c->tp[0] == '\0' || decimal_scaled(c->tp, digits, &ret->tp_points));
}

static void trade(struct terminal *t, int symbol)
{
    struct wire_result result = {
        .id = t->order.id, .symbol = symbol, .quote = market_quote_of(t->broker->market, symbol)};
    struct broker_order order;
    struct broker_deal deal;
    unsigned percent = t->fault.kind == FAULT_PARTIAL ? t->fault.percent : 100;
    int64_t now = svc_unix_us();
    /* The statement before the order: whatever the terminal waited for, it ends here. */
    if (now > t->order.not_after_us) {
        refuse(t, "stale", "not_after_us has passed");
        return;
    }
    result.retcode = scripted_refusal(t, &result);
    if (result.retcode == 0)
        result.retcode = read_order(t, symbol, &order)
                             ? broker_judge(t->broker, &order, percent, &deal)
                             : RETCODE_INVALID_VOLUME;
    if (result.retcode == RETCODE_DONE || result.retcode == RETCODE_DONE_PARTIAL) {
        if (!execute(t, &deal, now))
            return;
        result.deal = &deal;
    }
    svc_info("order_answered", SVC_N("id", t->order.id), SVC_N("magic", t->order.magic),
             SVC_N("retcode", result.retcode), SVC_T("fault", script_names[t->fault.kind].name));
    answer(t, &result);
}

static void run_order(void *arg)
{
    struct terminal *t = arg;
    int symbol = market_find(t->broker->market, t->order.symbol);
    if (t->fault.kind == FAULT_CRASH_BEFORE)
        _exit(SVC_EXIT_SOFTWARE);
    if (t->fault.kind == FAULT_DROP_BEFORE) {
        link_drop(t->link);
        end_order(t);
    } else if (strcmp(t->order.login, t->login) != 0 ||
               strcmp(t->order.server, t->config->server) != 0) {
        refuse(t, "account_mismatch", "this terminal is logged in to another account");
    } else if (symbol < 0) {
        refuse(t, "symbol_unmapped", "no symbol of this name");
    } else {
        trade(t, symbol);
    }
}

static void take_order(struct terminal *t, struct wire_command *command)
{
    t->order = *command;
    command->json = NULL; /* moved: its texts live as long as the order */
    t->busy = true;
    int symbol = market_find(t->broker->market, t->order.symbol);
    const char *name = symbol < 0 ? "" : t->broker->market->symbols[symbol].name;
    t->fault = script_next(t->script, t->order.position != 0, name);
    uint32_t wait_ms = t->config->latency_ms + (t->fault.kind == FAULT_DELAY ? t->fault.ms : 0);
    link_hold(t->link, true);
    if (wait_ms > 0)
        svc_timer_after_ms(t->loop, &t->wait, wait_ms);
    else
        run_order(t);
}

static void take_positions(struct terminal *t, const struct wire_command *command)
{
    const struct wire_terminal self = about(t);
    int symbol = command->symbol[0] == '\0' ? -1 : market_find(t->broker->market, command->symbol);
    if (command->symbol[0] != '\0' && symbol < 0)
        wire_error("positions", command->id, "symbol_unmapped", &t->line);
    else
        wire_positions(command, symbol, &self, t->broker, &t->line);
    send_line(t);
}

static void take_refusal(struct terminal *t, const struct wire_command *command)
{
    static struct svc_log_limit limit;
    svc_warn_limited(&limit, "terminal_refused", SVC_T("code", command->code));
    link_drop(t->link);
}

static void take(struct terminal *t, struct wire_command *command)
{
    const struct wire_terminal self = about(t);
    switch (command->kind) {
    case WIRE_WELCOME:
        svc_info("agent_connected");
        break;
    case WIRE_REFUSAL:
        take_refusal(t, command);
        break;
    case WIRE_PING:
        wire_pong(command->id, &self, &t->line);
        send_line(t);
        break;
    case WIRE_ORDER:
        take_order(t, command);
        break;
    case WIRE_POSITIONS:
        take_positions(t, command);
        break;
    case WIRE_FIND:
        wire_found(command, &self, t->broker, &t->line);
        send_line(t);
        break;
    case WIRE_ACCOUNT:
        wire_account(command->id, &self, t->broker, &t->line);
        send_line(t);
        break;
    case WIRE_SYMBOLS:
        wire_symbols(command, t->broker->market, &t->line);
        send_line(t);
        break;
    }
}

static void on_line(void *arg, const char *line, size_t len)
{
    struct wire_command command;
    struct svc_error err;
    static struct svc_log_limit limit;
    if (wire_parse(line, len, &command, &err) != SVC_OK) {
        svc_warn_limited(&limit, "line_ignored", SVC_ERR(&err));
        return;
    }
    take(arg, &command);
    wire_command_done(&command);
}

static void on_opened(void *arg)
{
    struct terminal *t = arg;
    const struct wire_terminal self = about(t);
    wire_hello(&self, t->broker, &t->line);
    send_line(t);
}

static void on_closed(void *arg)
{
    (void)arg; /* an order under way goes on: in a real terminal it has left, too */
    svc_info("agent_disconnected");
}

enum svc_rc terminal_open(struct svc_loop *loop, const struct config *config, struct broker *broker,
                          struct ledger *ledger, struct script *script,
                          struct terminal **ret_terminal, struct svc_error *err)
{
    struct terminal *t = calloc(1, sizeof *t);
    if (t == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "terminal: out of memory");
    t->loop = loop;
    t->config = config;
    t->broker = broker;
    t->ledger = ledger;
    t->script = script;
    t->wait = (struct svc_timer){.run = run_order, .arg = t};
    t->answer = (struct svc_timer){.run = send_late, .arg = t};
    (void)snprintf(t->login, sizeof t->login, "%llu", (unsigned long long)config->login_number);
    const struct link_events events = {on_opened, on_line, on_closed, t};
    if (link_open(loop, config->connect, &events, &t->link, err) != SVC_OK) {
        terminal_close(&t);
        return err->rc;
    }
    *ret_terminal = t;
    return SVC_OK;
}

void terminal_close(struct terminal **terminal)
{
    struct terminal *t = *terminal;
    *terminal = NULL;
    if (t == NULL)
        return;
    svc_timer_stop(&t->wait);
    svc_timer_stop(&t->answer);
    link_close(&t->link);
    wire_command_done(&t->order);
    svc_buffer_done(&t->line);
    svc_buffer_done(&t->late);
    free(t);
}

bool terminal_is_idle(const struct terminal *terminal)
{
    return !terminal->busy;
}
