/* Terminal's side of the terminal protocol. */
#include "wire.h"

#include "wire/jsonline.h"

#include <stdlib.h>
#include <string.h>

enum { /* MetaTrader's numbers */
       TRADE_MODE_FULL = 4,
       FILLING_FOK = 1,
       FILLING_IOC = 2,
       CALC_MODE_FOREX = 0,
       CALC_MODE_CFD_LEVERAGE = 4,
};

static void read_key(struct jsonline *r, void *ret)
{
    struct wire_key *key = ret;
    *key = (struct wire_key){.magic = jsonline_count(r, "magic"),
                             .position = jsonline_ticket(r, "position"),
                             .token = jsonline_word(r, "token")};
    if (key->magic == 0 || key->token[0] == '\0')
        jsonline_bad(r, "keys");
}

static void read_order(struct jsonline *r, struct wire_command *command)
{
    command->sell = jsonline_sells(r);
    if (command->magic == 0)
        jsonline_bad(r, "magic");
    if (command->not_after_us == 0)
        jsonline_bad(r, "not_after_us");
}

static void read_members(struct jsonline *r, struct wire_command *command)
{
    command->id = jsonline_count(r, "id");
    command->code = jsonline_word(r, "code");
    command->login = jsonline_word(r, "login");
    command->server = jsonline_word(r, "server");
    command->symbol = jsonline_word(r, "symbol");
    command->volume = jsonline_word(r, "volume");
    command->sl = jsonline_word(r, "sl");
    command->tp = jsonline_word(r, "tp");
    command->comment = jsonline_word(r, "comment");
    command->not_after_us = (int64_t)jsonline_count(r, "not_after_us");
    command->magic = jsonline_count(r, "magic");
    command->position = jsonline_ticket(r, "position");
    command->from_server_us = (int64_t)jsonline_count(r, "from_server_us");
    if (command->kind == WIRE_SYMBOLS)
        command->after_name = jsonline_word(r, "after");
    else
        command->after = jsonline_ticket(r, "after");
    if (command->kind != WIRE_WELCOME && command->kind != WIRE_REFUSAL && command->id == 0)
        jsonline_bad(r, "id");
    if (command->kind == WIRE_ORDER)
        read_order(r, command);
    if (command->kind == WIRE_FIND) {
        command->key_count = jsonline_array(r, "keys", WIRE_KEYS_MAX);
        jsonline_elements(r, "keys", command->key_count, command->keys, sizeof command->keys[0],
                          read_key);
    }
}

enum svc_rc wire_parse(const char *line, size_t len, struct wire_command *ret,
                       struct svc_error *err)
{
    static const char *const kinds[] = {"welcome",   "refusal", "ping",    "order",
                                        "positions", "find",    "account", "symbols"};
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    struct jsonline r;
    json_t *json = jsonline_open(NULL, line, len, &r);
    size_t kind = jsonline_type(&r, kinds, KINDS);
    *ret = (struct wire_command){.kind = (enum wire_kind)kind, .json = json};
    if (kind < KINDS)
        read_members(&r, ret);
    if (r.fault == NULL)
        return SVC_OK;
    wire_command_done(ret);
    return svc_fail(err, SVC_REJECT, "bad_message", "agent's line: %s is missing or wrong",
                    r.fault);
}

void wire_command_done(struct wire_command *command)
{
    json_decref(command->json);
    command->json = NULL;
}

static void put_price(struct svc_buffer *out, const char *name, const struct broker *broker,
                      int symbol, int64_t points)
{
    jsonline_put_scaled(out, name, points, broker->market->symbols[symbol].digits);
}

static void put_clocks(struct svc_buffer *out, const struct wire_terminal *terminal)
{
    jsonline_put_number(out, "clock_us", terminal->clock_us);
    jsonline_put_number(out, "server_time_us",
                        terminal->clock_us + terminal->server_offset_s * 1000000);
    jsonline_put_number(out, "server_offset_s", terminal->server_offset_s);
    jsonline_put_bool(out, "trade_connected", terminal->trade_connected);
    jsonline_put_bool(out, "trade_allowed", true);
}

void wire_hello(const struct wire_terminal *terminal, const struct broker *broker,
                struct svc_buffer *ret)
{
    jsonline_begin(ret, "hello");
    jsonline_put_number(ret, "protocol", 1);
    jsonline_put_text(ret, "token", terminal->token);
    jsonline_put_text(ret, "login", terminal->login);
    jsonline_put_text(ret, "server", terminal->server);
    jsonline_put_text(ret, "currency", "USD");
    jsonline_put_text(ret, "margin_mode", terminal->margin_mode);
    jsonline_put_bool(ret, "is_real", false);
    jsonline_put_scaled(ret, "balance", broker->balance_cents, 2);
    jsonline_put_number(ret, "leverage", BROKER_LEVERAGE);
    jsonline_put_text(ret, "version", terminal->version);
    put_clocks(ret, terminal);
    jsonline_end(ret);
}

void wire_pong(uint64_t id, const struct wire_terminal *terminal, struct svc_buffer *ret)
{
    jsonline_begin(ret, "pong");
    jsonline_put_number(ret, "id", (int64_t)id);
    put_clocks(ret, terminal);
    jsonline_end(ret);
}

void wire_error(const char *type, uint64_t id, const char *error, struct svc_buffer *ret)
{
    jsonline_begin(ret, type);
    jsonline_put_number(ret, "id", (int64_t)id);
    jsonline_put_text(ret, "error", error);
    jsonline_end(ret);
}

void wire_refused(uint64_t id, const char *error, const char *message, struct svc_buffer *ret)
{
    jsonline_begin(ret, "result");
    jsonline_put_number(ret, "id", (int64_t)id);
    jsonline_put_text(ret, "error", error);
    jsonline_put_text(ret, "message", message);
    jsonline_end(ret);
}

void wire_result(const struct wire_result *result, const struct broker *broker,
                 struct svc_buffer *ret)
{
    jsonline_begin(ret, "result");
    jsonline_put_number(ret, "id", (int64_t)result->id);
    jsonline_put_number(ret, "retcode", result->retcode);
    jsonline_put_text(ret, "symbol", broker->market->symbols[result->symbol].name);
    put_price(ret, "bid", broker, result->symbol, result->quote.bid_points);
    put_price(ret, "ask", broker, result->symbol, result->quote.ask_points);
    if (result->deal != NULL) {
        jsonline_put_ticket(ret, "order", result->deal->order);
        jsonline_put_ticket(ret, "deal", result->deal->deal);
        jsonline_put_ticket(ret, "position", result->deal->position);
        put_price(ret, "price", broker, result->symbol, result->deal->price_points);
        jsonline_put_scaled(ret, "volume", result->deal->volume, 2);
        jsonline_put_scaled(ret, "profit", result->deal->profit_cents, 2);
    }
    if (result->ready_unix_us > 0)
        jsonline_put_number(ret, "ready_unix_us", result->ready_unix_us);
    jsonline_end(ret);
}

static void put_position(struct svc_buffer *out, const struct broker *broker,
                         const struct broker_position *p, int64_t server_offset_s)
{
    struct market_quote quote = market_quote_of(broker->market, p->symbol);
    svc_buffer_printf(out, "{\"ticket\":\"%llu\"", (unsigned long long)p->ticket);
    jsonline_put_ticket(out, "position_id", p->ticket);
    jsonline_put_text(out, "symbol", broker->market->symbols[p->symbol].name);
    jsonline_put_text(out, "side", p->sell ? "sell" : "buy");
    jsonline_put_scaled(out, "volume", p->volume, 2);
    put_price(out, "open_price", broker, p->symbol, p->open_points);
    put_price(out, "current_price", broker, p->symbol,
              p->sell ? quote.ask_points : quote.bid_points);
    put_price(out, "sl", broker, p->symbol, p->sl_points);
    put_price(out, "tp", broker, p->symbol, p->tp_points);
    jsonline_put_scaled(out, "profit", broker_profit_cents(broker, p), 2);
    jsonline_put_text(out, "swap", "0.00");
    jsonline_put_number(out, "magic", (int64_t)p->magic);
    jsonline_put_text(out, "comment", p->comment);
    jsonline_put_number(out, "open_time_us", p->open_unix_us + server_offset_s * 1000000);
    svc_buffer_text(out, "}");
}

void wire_positions(const struct wire_command *command, int symbol,
                    const struct wire_terminal *terminal, const struct broker *broker,
                    struct svc_buffer *ret)
{
    jsonline_begin(ret, "positions");
    jsonline_put_number(ret, "id", (int64_t)command->id);
    jsonline_put_number(ret, "server_offset_s", terminal->server_offset_s);
    svc_buffer_text(ret, ",\"positions\":[");
    size_t count = 0;
    bool more = false;
    for (size_t i = 0; i < broker->position_count && !more; i++) {
        const struct broker_position *p = &broker->positions[i];
        if (p->ticket <= command->after || (symbol >= 0 && p->symbol != symbol))
            continue;
        more = count == WIRE_PAGE;
        if (more)
            break;
        svc_buffer_text(ret, count++ == 0 ? "" : ",");
        put_position(ret, broker, p, terminal->server_offset_s);
    }
    svc_buffer_text(ret, "]");
    jsonline_put_bool(ret, "more", more);
    jsonline_end(ret);
}

/* The magic first, then the token, then whatever closed the position. Returns how it was found. */
static const char *match(const struct broker *broker, const struct wire_key *key,
                         int64_t from_unix_us, struct broker_match *ret)
{
    broker_match_order(broker, key->magic, NULL, from_unix_us, ret);
    if (ret->last != NULL)
        return "magic";
    broker_match_order(broker, 0, key->token, from_unix_us, ret);
    if (ret->last != NULL)
        return "token";
    if (key->position != 0)
        broker_match_closing(broker, key->position, ret);
    return ret->last == NULL ? NULL : "position";
}

static void put_match(struct svc_buffer *out, const struct broker *broker,
                      const struct wire_key *key, const char *by, const struct broker_match *m)
{
    int symbol = m->last->symbol;
    svc_buffer_printf(out, "{\"magic\":%llu", (unsigned long long)key->magic);
    jsonline_put_text(out, "by", by);
    jsonline_put_text(out, "state", "filled");
    jsonline_put_ticket(out, "order", m->last->order);
    jsonline_put_ticket(out, "deal", m->last->deal);
    jsonline_put_ticket(out, "position", m->last->position);
    jsonline_put_text(out, "symbol", broker->market->symbols[symbol].name);
    jsonline_put_text(out, "side", m->last->sell ? "sell" : "buy");
    put_price(out, "price", broker, symbol, m->price_points);
    jsonline_put_scaled(out, "volume", m->volume, 2);
    jsonline_put_scaled(out, "profit", m->profit_cents, 2);
    svc_buffer_text(out, "}");
}

void wire_found(const struct wire_command *command, const struct wire_terminal *terminal,
                const struct broker *broker, struct svc_buffer *ret)
{
    int64_t from = command->from_server_us - terminal->server_offset_s * 1000000;
    jsonline_begin(ret, "found");
    jsonline_put_number(ret, "id", (int64_t)command->id);
    jsonline_put_bool(ret, "trade_connected", terminal->trade_connected);
    jsonline_put_bool(ret, "history_ready", terminal->trade_connected);
    svc_buffer_text(ret, ",\"matches\":[");
    size_t count = 0;
    for (size_t i = 0; i < command->key_count; i++) {
        struct broker_match m;
        const char *by = match(broker, &command->keys[i], from, &m);
        if (by == NULL)
            continue;
        svc_buffer_text(ret, count++ == 0 ? "" : ",");
        put_match(ret, broker, &command->keys[i], by, &m);
    }
    svc_buffer_text(ret, "]");
    jsonline_end(ret);
}

void wire_account(uint64_t id, const struct wire_terminal *terminal, const struct broker *broker,
                  struct svc_buffer *ret)
{
    int64_t profit = broker_floating_cents(broker), margin = broker_margin_used_cents(broker);
    int64_t equity = broker->balance_cents + profit;
    jsonline_begin(ret, "account");
    jsonline_put_number(ret, "id", (int64_t)id);
    svc_buffer_text(ret, ",\"account\":{\"login\":");
    svc_buffer_json(ret, terminal->login, strlen(terminal->login));
    jsonline_put_text(ret, "server", terminal->server);
    jsonline_put_text(ret, "name", "Simulated account");
    jsonline_put_text(ret, "company", "mt5-sim");
    jsonline_put_text(ret, "currency", "USD");
    jsonline_put_scaled(ret, "balance", broker->balance_cents, 2);
    jsonline_put_scaled(ret, "equity", equity, 2);
    jsonline_put_text(ret, "credit", "0.00");
    jsonline_put_scaled(ret, "margin_used", margin, 2);
    jsonline_put_scaled(ret, "margin_available", equity - margin, 2);
    jsonline_put_scaled(ret, "margin_level", margin == 0 ? 0 : equity * 10000 / margin, 2);
    jsonline_put_scaled(ret, "profit", profit, 2);
    jsonline_put_number(ret, "leverage", BROKER_LEVERAGE);
    jsonline_put_text(ret, "margin_mode", terminal->margin_mode);
    jsonline_put_bool(ret, "is_real", false);
    jsonline_put_bool(ret, "trade_allowed", true);
    jsonline_put_bool(ret, "trade_expert", true);
    svc_buffer_text(ret, "}");
    jsonline_end(ret);
}

static int by_name(const void *a, const void *b)
{
    const struct market_symbol *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

/* Those behind `after`, in order; returns how many there are. */
static size_t sorted(const struct market *market, const char *after,
                     const struct market_symbol *ret[MARKET_SYMBOLS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < market->count; i++)
        if (strcmp(market->symbols[i].name, after) > 0)
            ret[count++] = &market->symbols[i];
    qsort(ret, count, sizeof *ret, by_name);
    return count;
}

static void put_symbol(struct svc_buffer *out, const struct market *market,
                       const struct market_symbol *s)
{
    svc_buffer_text(out, "{\"name\":");
    svc_buffer_json(out, s->name, strlen(s->name));
    jsonline_put_number(out, "digits", s->digits);
    jsonline_put_scaled(out, "point", 1, s->digits);
    jsonline_put_scaled(out, "tick_size", 1, s->digits);
    jsonline_put_scaled(out, "tick_value", market_tick_value(market, (int)(s - market->symbols)),
                        MARKET_TICK_VALUE_SCALE);
    jsonline_put_scaled(out, "contract_size", s->contract, 0);
    jsonline_put_scaled(out, "volume_min", BROKER_VOLUME_MIN, 2);
    jsonline_put_scaled(out, "volume_max", BROKER_VOLUME_MAX, 2);
    jsonline_put_scaled(out, "volume_step", 1, 2);
    jsonline_put_text(out, "volume_limit", "0");
    jsonline_put_number(out, "stops_level", 0);
    jsonline_put_number(out, "freeze_level", 0);
    jsonline_put_number(out, "trade_mode", TRADE_MODE_FULL);
    jsonline_put_number(out, "filling_mode", FILLING_FOK | FILLING_IOC);
    jsonline_put_number(out, "calc_mode", s->is_pair ? CALC_MODE_FOREX : CALC_MODE_CFD_LEVERAGE);
    jsonline_put_text(out, "currency_base", s->currency_base);
    jsonline_put_text(out, "currency_profit", s->currency_profit);
    jsonline_put_text(out, "currency_margin", s->is_pair ? s->currency_base : s->currency_profit);
    svc_buffer_text(out, "}");
}

void wire_symbols(const struct wire_command *command, const struct market *market,
                  struct svc_buffer *ret)
{
    const struct market_symbol *symbols[MARKET_SYMBOLS_MAX];
    size_t count = sorted(market, command->after_name, symbols);
    jsonline_begin(ret, "symbols");
    jsonline_put_number(ret, "id", (int64_t)command->id);
    jsonline_put_bool(ret, "more", count > WIRE_PAGE);
    svc_buffer_text(ret, ",\"symbols\":[");
    for (size_t i = 0; i < count && i < WIRE_PAGE; i++) {
        svc_buffer_text(ret, i == 0 ? "" : ",");
        put_symbol(ret, market, symbols[i]);
    }
    svc_buffer_text(ret, "]");
    jsonline_end(ret);
}
