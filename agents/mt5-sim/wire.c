/* Terminal's side of the terminal protocol. */
#include "wire.h"

#include "contracts/decimal.h"

#include "svc/text.h"

#include <string.h>

static const char *const kinds[] = {"welcome",   "refusal", "ping",   "order",
                                    "positions", "find",    "account"};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

static uint64_t number_of(const json_t *object, const char *name)
{
    json_int_t number = json_integer_value(json_object_get(object, name));
    return number < 0 ? 0 : (uint64_t)number;
}

static uint64_t ticket_of(const json_t *object, const char *name)
{
    uint64_t ticket = 0;
    (void)svc_parse_u64(text_of(object, name), 0, UINT64_MAX, &ticket); /* absent or odd: 0 */
    return ticket;
}

static enum svc_rc bad(struct svc_error *err, const char *why)
{
    return svc_fail(err, SVC_REJECT, "bad_message", "agent's line: %s", why);
}

static enum svc_rc read_keys(const json_t *object, struct wire_command *command,
                             struct svc_error *err)
{
    const json_t *keys = json_object_get(object, "keys");
    if (!json_is_array(keys) || json_array_size(keys) > WIRE_KEYS_MAX)
        return bad(err, "keys is no array, or too long");
    command->key_count = json_array_size(keys);
    for (size_t i = 0; i < command->key_count; i++) {
        const json_t *key = json_array_get(keys, i);
        command->keys[i] = (struct wire_key){.magic = number_of(key, "magic"),
                                             .position = ticket_of(key, "position"),
                                             .token = text_of(key, "token")};
        if (command->keys[i].magic == 0 || command->keys[i].token[0] == '\0')
            return bad(err, "a key without magic or token");
    }
    return SVC_OK;
}

static enum svc_rc read_members(const json_t *object, struct wire_command *command,
                                struct svc_error *err)
{
    const char *side = text_of(object, "side");
    command->id = number_of(object, "id");
    command->code = text_of(object, "code");
    command->login = text_of(object, "login");
    command->server = text_of(object, "server");
    command->symbol = text_of(object, "symbol");
    command->volume = text_of(object, "volume");
    command->sl = text_of(object, "sl");
    command->tp = text_of(object, "tp");
    command->comment = text_of(object, "comment");
    command->sell = strcmp(side, "sell") == 0;
    command->not_after_us = (int64_t)number_of(object, "not_after_us");
    command->magic = number_of(object, "magic");
    command->position = ticket_of(object, "position");
    command->after = ticket_of(object, "after");
    command->from_server_us = (int64_t)number_of(object, "from_server_us");
    if (command->kind != WIRE_WELCOME && command->kind != WIRE_REFUSAL && command->id == 0)
        return bad(err, "id is missing");
    if (command->kind == WIRE_ORDER && !command->sell && strcmp(side, "buy") != 0)
        return bad(err, "side is neither buy nor sell");
    if (command->kind == WIRE_ORDER && (command->magic == 0 || command->not_after_us == 0))
        return bad(err, "an order without magic or not_after_us");
    return command->kind == WIRE_FIND ? read_keys(object, command, err) : SVC_OK;
}

enum svc_rc wire_parse(const char *line, size_t len, struct wire_command *ret,
                       struct svc_error *err)
{
    *ret = (struct wire_command){.kind = WIRE_WELCOME};
    json_error_t fault;
    ret->json = json_loadb(line, len, JSON_REJECT_DUPLICATES, &fault);
    const char *type = text_of(ret->json, "type");
    int kind = 0;
    while (kind < KINDS && strcmp(kinds[kind], type) != 0)
        kind++;
    ret->kind = (enum wire_kind)kind;
    enum svc_rc rc =
        kind < KINDS ? read_members(ret->json, ret, err) : bad(err, "not JSON of a known type");
    if (rc != SVC_OK)
        wire_command_done(ret);
    return rc;
}

void wire_command_done(struct wire_command *command)
{
    json_decref(command->json);
    command->json = NULL;
}

static void put_text(struct svc_buffer *out, const char *name, const char *text)
{
    svc_buffer_printf(out, ",\"%s\":", name);
    svc_buffer_json(out, text, strlen(text));
}

static void put_number(struct svc_buffer *out, const char *name, int64_t number)
{
    svc_buffer_printf(out, ",\"%s\":%lld", name, (long long)number);
}

static void put_ticket(struct svc_buffer *out, const char *name, uint64_t ticket)
{
    svc_buffer_printf(out, ",\"%s\":\"%llu\"", name, (unsigned long long)ticket);
}

static void put_bool(struct svc_buffer *out, const char *name, bool value)
{
    svc_buffer_printf(out, ",\"%s\":%s", name, value ? "true" : "false");
}

static void put_scaled(struct svc_buffer *out, const char *name, int64_t scaled, unsigned scale)
{
    char text[DECIMAL_SCALED_TEXT];
    decimal_print(scaled, scale, text);
    put_text(out, name, text);
}

static void put_price(struct svc_buffer *out, const char *name, const struct broker *broker,
                      int symbol, int64_t points)
{
    put_scaled(out, name, points, broker->market->symbols[symbol].digits);
}

static void put_type(struct svc_buffer *out, const char *type)
{
    svc_buffer_reset(out);
    svc_buffer_printf(out, "{\"type\":\"%s\"", type);
}

static void put_end(struct svc_buffer *out)
{
    svc_buffer_text(out, "}\n");
}

static void put_clocks(struct svc_buffer *out, const struct wire_terminal *terminal)
{
    put_number(out, "clock_us", terminal->clock_us);
    put_number(out, "server_time_us", terminal->clock_us + terminal->server_offset_s * 1000000);
    put_number(out, "server_offset_s", terminal->server_offset_s);
    put_bool(out, "trade_connected", terminal->trade_connected);
    put_bool(out, "trade_allowed", true);
}

void wire_hello(const struct wire_terminal *terminal, const struct broker *broker,
                struct svc_buffer *ret)
{
    put_type(ret, "hello");
    put_number(ret, "protocol", 1);
    put_text(ret, "token", terminal->token);
    put_text(ret, "login", terminal->login);
    put_text(ret, "server", terminal->server);
    put_text(ret, "currency", "USD");
    put_text(ret, "margin_mode", terminal->margin_mode);
    put_bool(ret, "is_real", false);
    put_scaled(ret, "balance", broker->balance_cents, 2);
    put_number(ret, "leverage", BROKER_LEVERAGE);
    put_text(ret, "version", terminal->version);
    put_clocks(ret, terminal);
    put_end(ret);
}

void wire_pong(uint64_t id, const struct wire_terminal *terminal, struct svc_buffer *ret)
{
    put_type(ret, "pong");
    put_number(ret, "id", (int64_t)id);
    put_clocks(ret, terminal);
    put_end(ret);
}

void wire_error(const char *type, uint64_t id, const char *error, struct svc_buffer *ret)
{
    put_type(ret, type);
    put_number(ret, "id", (int64_t)id);
    put_text(ret, "error", error);
    put_end(ret);
}

void wire_refused(uint64_t id, const char *error, const char *message, struct svc_buffer *ret)
{
    put_type(ret, "result");
    put_number(ret, "id", (int64_t)id);
    put_text(ret, "error", error);
    put_text(ret, "message", message);
    put_end(ret);
}

void wire_result(const struct wire_result *result, const struct broker *broker,
                 struct svc_buffer *ret)
{
    put_type(ret, "result");
    put_number(ret, "id", (int64_t)result->id);
    put_number(ret, "retcode", result->retcode);
    put_text(ret, "symbol", broker->market->symbols[result->symbol].name);
    put_price(ret, "bid", broker, result->symbol, result->quote.bid_points);
    put_price(ret, "ask", broker, result->symbol, result->quote.ask_points);
    if (result->deal != NULL) {
        put_ticket(ret, "order", result->deal->order);
        put_ticket(ret, "deal", result->deal->deal);
        put_ticket(ret, "position", result->deal->position);
        put_price(ret, "price", broker, result->symbol, result->deal->price_points);
        put_scaled(ret, "volume", result->deal->volume, 2);
        put_scaled(ret, "profit", result->deal->profit_cents, 2);
    }
    if (result->ready_unix_us > 0)
        put_number(ret, "ready_unix_us", result->ready_unix_us);
    put_end(ret);
}

static void put_position(struct svc_buffer *out, const struct broker *broker,
                         const struct broker_position *p, int64_t server_offset_s)
{
    struct market_quote quote = market_quote_of(broker->market, p->symbol);
    svc_buffer_printf(out, "{\"ticket\":\"%llu\"", (unsigned long long)p->ticket);
    put_ticket(out, "position_id", p->ticket);
    put_text(out, "symbol", broker->market->symbols[p->symbol].name);
    put_text(out, "side", p->sell ? "sell" : "buy");
    put_scaled(out, "volume", p->volume, 2);
    put_price(out, "open_price", broker, p->symbol, p->open_points);
    put_price(out, "current_price", broker, p->symbol,
              p->sell ? quote.ask_points : quote.bid_points);
    put_price(out, "sl", broker, p->symbol, p->sl_points);
    put_price(out, "tp", broker, p->symbol, p->tp_points);
    put_scaled(out, "profit", broker_profit_cents(broker, p), 2);
    put_text(out, "swap", "0.00");
    put_number(out, "magic", (int64_t)p->magic);
    put_text(out, "comment", p->comment);
    put_number(out, "open_time_us", p->open_unix_us + server_offset_s * 1000000);
    svc_buffer_text(out, "}");
}

void wire_positions(const struct wire_command *command, int symbol,
                    const struct wire_terminal *terminal, const struct broker *broker,
                    struct svc_buffer *ret)
{
    put_type(ret, "positions");
    put_number(ret, "id", (int64_t)command->id);
    put_number(ret, "server_offset_s", terminal->server_offset_s);
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
    put_bool(ret, "more", more);
    put_end(ret);
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
    put_text(out, "by", by);
    put_text(out, "state", "filled");
    put_ticket(out, "order", m->last->order);
    put_ticket(out, "deal", m->last->deal);
    put_ticket(out, "position", m->last->position);
    put_text(out, "symbol", broker->market->symbols[symbol].name);
    put_text(out, "side", m->last->sell ? "sell" : "buy");
    put_price(out, "price", broker, symbol, m->price_points);
    put_scaled(out, "volume", m->volume, 2);
    put_scaled(out, "profit", m->profit_cents, 2);
    svc_buffer_text(out, "}");
}

void wire_found(const struct wire_command *command, const struct wire_terminal *terminal,
                const struct broker *broker, struct svc_buffer *ret)
{
    int64_t from = command->from_server_us - terminal->server_offset_s * 1000000;
    put_type(ret, "found");
    put_number(ret, "id", (int64_t)command->id);
    put_bool(ret, "trade_connected", terminal->trade_connected);
    put_bool(ret, "history_ready", terminal->trade_connected);
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
    put_end(ret);
}

void wire_account(uint64_t id, const struct wire_terminal *terminal, const struct broker *broker,
                  struct svc_buffer *ret)
{
    int64_t profit = broker_floating_cents(broker), margin = broker_margin_used_cents(broker);
    int64_t equity = broker->balance_cents + profit;
    put_type(ret, "account");
    put_number(ret, "id", (int64_t)id);
    svc_buffer_text(ret, ",\"account\":{\"login\":");
    svc_buffer_json(ret, terminal->login, strlen(terminal->login));
    put_text(ret, "server", terminal->server);
    put_text(ret, "name", "Simulated account");
    put_text(ret, "company", "mt5-sim");
    put_text(ret, "currency", "USD");
    put_scaled(ret, "balance", broker->balance_cents, 2);
    put_scaled(ret, "equity", equity, 2);
    put_text(ret, "credit", "0.00");
    put_scaled(ret, "margin_used", margin, 2);
    put_scaled(ret, "margin_available", equity - margin, 2);
    put_scaled(ret, "margin_level", margin == 0 ? 0 : equity * 10000 / margin, 2);
    put_scaled(ret, "profit", profit, 2);
    put_number(ret, "leverage", BROKER_LEVERAGE);
    put_text(ret, "margin_mode", terminal->margin_mode);
    put_bool(ret, "is_real", false);
    put_bool(ret, "trade_allowed", true);
    put_bool(ret, "trade_expert", true);
    svc_buffer_text(ret, "}");
    put_end(ret);
}
