/* Agent's side of the terminal protocol. */
#include "terminal_wire.h"

#include "contracts/messages.h"
#include "wire/jsonline.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(WIRE_CURRENCY_TEXT == MESSAGE_CURRENCY_BYTES_MAX + 1, "one more for the NUL");

static void decimal(struct jsonline *r, const char *name, char ret[RECORD_DECIMAL_TEXT])
{
    jsonline_decimal(r, name, ret, RECORD_DECIMAL_TEXT);
}

static void read_clocks(struct jsonline *r, struct wire_message *m)
{
    m->clocks = (struct wire_clocks){.clock_us = jsonline_number(r, "clock_us"),
                                     .server_time_us = jsonline_number(r, "server_time_us"),
                                     .server_offset_s = jsonline_number(r, "server_offset_s"),
                                     .trade_connected = jsonline_truth(r, "trade_connected"),
                                     .trade_allowed = jsonline_truth(r, "trade_allowed")};
    if (m->clocks.clock_us <= 0)
        jsonline_bad(r, "clock_us");
    if (m->clocks.server_offset_s < -86400 || m->clocks.server_offset_s > 86400)
        jsonline_bad(r, "server_offset_s");
}

static void read_hello(struct jsonline *r, struct wire_message *m)
{
    struct account *a = &m->hello.account;
    if (jsonline_number(r, "protocol") != WIRE_PROTOCOL)
        jsonline_bad(r, "protocol");
    m->hello.token = jsonline_kept(r, "token");
    jsonline_required(r, "server", a->server, sizeof a->server);
    jsonline_required(r, "login", a->login, sizeof a->login);
    jsonline_required(r, "currency", a->currency, sizeof a->currency);
    jsonline_required(r, "margin_mode", a->margin_mode, sizeof a->margin_mode);
    if (strcmp(a->margin_mode, "hedging") != 0 && strcmp(a->margin_mode, "netting") != 0 &&
        strcmp(a->margin_mode, "exchange") != 0)
        jsonline_bad(r, "margin_mode");
    a->is_real = jsonline_truth(r, "is_real");
    decimal(r, "balance", a->balance);
    a->leverage = (uint32_t)jsonline_count(r, "leverage");
    jsonline_text(r, "version", m->hello.version, sizeof m->hello.version);
    read_clocks(r, m);
}

static void read_result(struct jsonline *r, struct wire_message *m)
{
    struct wire_result *result = &m->result;
    uint64_t retcode = jsonline_count(r, "retcode");
    if (retcode > UINT32_MAX || (retcode == 0 && m->error[0] == '\0'))
        jsonline_bad(r, "retcode");
    result->retcode = m->error[0] == '\0' ? (uint32_t)retcode : 0;
    result->order = jsonline_ticket(r, "order");
    result->deal = jsonline_ticket(r, "deal");
    result->position = jsonline_ticket(r, "position");
    decimal(r, "price", result->price);
    decimal(r, "volume", result->volume);
    decimal(r, "profit", result->profit);
    decimal(r, "bid", result->bid);
    decimal(r, "ask", result->ask);
    jsonline_text(r, "symbol", result->symbol, sizeof result->symbol);
    result->ready_unix_us = (int64_t)jsonline_count(r, "ready_unix_us");
}

static void read_position(struct jsonline *r, void *ret)
{
    struct wire_position *p = ret;
    p->ticket = jsonline_ticket(r, "ticket");
    p->position_id = jsonline_ticket(r, "position_id");
    p->magic = jsonline_count(r, "magic");
    jsonline_required(r, "symbol", p->symbol, sizeof p->symbol);
    p->sell = jsonline_sells(r);
    p->volume = jsonline_kept_decimal(r, "volume");
    p->open_price = jsonline_kept_decimal(r, "open_price");
    p->current_price = jsonline_kept_decimal(r, "current_price");
    p->sl = jsonline_kept_decimal(r, "sl");
    p->tp = jsonline_kept_decimal(r, "tp");
    p->profit = jsonline_kept_decimal(r, "profit");
    p->swap = jsonline_kept_decimal(r, "swap");
    p->comment = jsonline_kept(r, "comment");
    p->open_time_us = jsonline_number(r, "open_time_us");
    if (p->ticket == 0 || p->volume[0] == '\0' || strlen(p->volume) >= RECORD_DECIMAL_TEXT)
        jsonline_bad(r, "positions");
}

static void read_match(struct jsonline *r, void *ret)
{
    struct wire_match *match = ret;
    const char *state = jsonline_word(r, "state"), *by = jsonline_word(r, "by");
    match->magic = jsonline_count(r, "magic");
    match->by_position = strcmp(by, "position") == 0;
    if (!match->by_position && strcmp(by, "magic") != 0 && strcmp(by, "token") != 0)
        jsonline_bad(r, "by");
    match->filled = strcmp(state, "filled") == 0;
    if (!match->filled && strcmp(state, "active") != 0)
        jsonline_bad(r, "state");
    match->order = jsonline_ticket(r, "order");
    match->deal = jsonline_ticket(r, "deal");
    match->position = jsonline_ticket(r, "position");
    decimal(r, "price", match->price);
    decimal(r, "volume", match->volume);
    decimal(r, "profit", match->profit);
    jsonline_text(r, "symbol", match->symbol, sizeof match->symbol);
    match->sell = jsonline_sells(r);
    if (match->filled && (match->price[0] == '\0' || match->volume[0] == '\0'))
        jsonline_bad(r, "matches");
}

/* Zeroed structs in the arena, one per element of the array; never NULL. max JSONLINE_BYTES_MAX:
 * the line is the limit. */
static void *read_array(struct jsonline *r, const char *name, size_t max, size_t size,
                        void (*read)(struct jsonline *element, void *ret), size_t *ret_count)
{
    *ret_count = jsonline_array(r, name, max);
    void *elements = svc_arena_alloc(r->arena, *ret_count * size + 1);
    jsonline_elements(r, name, *ret_count, elements, size, read);
    return elements;
}

static void read_positions(struct jsonline *r, struct wire_message *m)
{
    if (m->error[0] != '\0')
        return;
    m->clocks.server_offset_s = jsonline_number(r, "server_offset_s");
    m->more = jsonline_truth(r, "more");
    m->positions = read_array(r, "positions", JSONLINE_BYTES_MAX, sizeof *m->positions,
                              read_position, &m->count);
}

static void read_found(struct jsonline *r, struct wire_message *m)
{
    m->trade_connected = jsonline_truth(r, "trade_connected");
    m->history_ready = jsonline_truth(r, "history_ready");
    m->matches =
        read_array(r, "matches", JSONLINE_BYTES_MAX, sizeof *m->matches, read_match, &m->count);
}

/* A number that a broker always knows; 0 where it has none to say. */
static void read_measure(struct jsonline *r, const char *name, char ret[RECORD_DECIMAL_TEXT])
{
    decimal(r, name, ret);
    if (ret[0] == '\0' || ret[0] == '-')
        jsonline_bad(r, name);
}

static void read_currency(struct jsonline *r, const char *name, char ret[WIRE_CURRENCY_TEXT])
{
    jsonline_text(r, name, ret, WIRE_CURRENCY_TEXT);
}

static void read_symbol(struct jsonline *r, void *ret)
{
    struct wire_symbol *s = ret;
    jsonline_required(r, "name", s->name, sizeof s->name);
    s->digits = jsonline_count_to(r, "digits", MESSAGE_DIGITS_MAX);
    read_measure(r, "point", s->point);
    read_measure(r, "tick_size", s->tick_size);
    read_measure(r, "tick_value", s->tick_value);
    read_measure(r, "contract_size", s->contract_size);
    read_measure(r, "volume_min", s->volume_min);
    read_measure(r, "volume_max", s->volume_max);
    read_measure(r, "volume_step", s->volume_step);
    read_measure(r, "volume_limit", s->volume_limit);
    s->stops_level = jsonline_count_to(r, "stops_level", INT32_MAX);
    s->freeze_level = jsonline_count_to(r, "freeze_level", INT32_MAX);
    s->trade_mode = jsonline_count_to(r, "trade_mode", MESSAGE_TRADE_MODE_MAX);
    s->filling_mode = jsonline_count_to(r, "filling_mode", MESSAGE_FILLING_MODE_MAX);
    s->calc_mode = jsonline_count_to(r, "calc_mode", MESSAGE_CALC_MODE_MAX);
    read_currency(r, "currency_base", s->currency_base);
    read_currency(r, "currency_profit", s->currency_profit);
    read_currency(r, "currency_margin", s->currency_margin);
}

/* Names ascend, so that a page says where the next one begins; an empty page says nothing. */
static void read_symbols(struct jsonline *r, struct wire_message *m)
{
    if (m->error[0] != '\0')
        return;
    m->more = jsonline_truth(r, "more");
    m->symbols =
        read_array(r, "symbols", MESSAGE_SYMBOLS_MAX, sizeof *m->symbols, read_symbol, &m->count);
    for (size_t i = 1; i < m->count; i++)
        if (strcmp(m->symbols[i - 1].name, m->symbols[i].name) >= 0)
            jsonline_bad(r, "symbols");
    if (m->more && m->count == 0)
        jsonline_bad(r, "more");
}

static void read_account(struct jsonline *r, struct wire_message *m)
{
    const json_t *account = json_object_get(r->object, "account");
    if (!json_is_object(account)) {
        jsonline_bad(r, "account");
        return;
    }
    char *json = json_dumps(account, JSON_COMPACT);
    m->account_json = svc_arena_text(r->arena, json == NULL ? "{}" : json);
    free(json);
}

static void read_message(struct jsonline *r, struct wire_message *m)
{
    jsonline_text(r, "error", m->error, sizeof m->error);
    jsonline_text(r, "message", m->message, sizeof m->message);
    m->id = jsonline_count(r, "id");
    if (m->id == 0 && m->kind != WIRE_HELLO)
        jsonline_bad(r, "id");
    switch (m->kind) {
    case WIRE_HELLO:
        read_hello(r, m);
        break;
    case WIRE_PONG:
        read_clocks(r, m);
        break;
    case WIRE_RESULT:
        read_result(r, m);
        break;
    case WIRE_POSITIONS:
        read_positions(r, m);
        break;
    case WIRE_FOUND:
        read_found(r, m);
        break;
    case WIRE_ACCOUNT:
        read_account(r, m);
        break;
    case WIRE_SYMBOLS:
        read_symbols(r, m);
        break;
    }
}

enum svc_rc wire_parse(struct svc_arena *arena, const char *line, size_t len,
                       struct wire_message *ret, struct svc_error *err)
{
    static const char *const kinds[] = {"hello", "pong",    "result", "positions",
                                        "found", "account", "symbols"};
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    struct jsonline r;
    json_t *json = jsonline_open(arena, line, len, &r);
    size_t kind = jsonline_type(&r, kinds, KINDS);
    *ret = (struct wire_message){.kind = (enum wire_kind)kind};
    if (kind < KINDS)
        read_message(&r, ret);
    json_decref(json);
    if (r.fault == NULL)
        return SVC_OK;
    return svc_fail(err, SVC_REJECT, "bad_message", "terminal's line: %s is missing or wrong",
                    r.fault);
}

void wire_welcome(uint64_t session, struct svc_buffer *ret)
{
    jsonline_begin(ret, "welcome");
    jsonline_put_number(ret, "protocol", WIRE_PROTOCOL);
    jsonline_put_number(ret, "session", (int64_t)session);
    jsonline_end(ret);
}

void wire_refusal(const char *code, uint32_t retry_ms, struct svc_buffer *ret)
{
    jsonline_begin(ret, "refusal");
    jsonline_put_text_unless_empty(ret, "code", code);
    jsonline_put_number(ret, "retry_ms", retry_ms);
    jsonline_end(ret);
}

void wire_ping(uint64_t id, struct svc_buffer *ret)
{
    jsonline_begin(ret, "ping");
    jsonline_put_number(ret, "id", (int64_t)id);
    jsonline_end(ret);
}

void wire_order(const struct wire_order *order, struct svc_buffer *ret)
{
    jsonline_begin(ret, "order");
    jsonline_put_number(ret, "id", (int64_t)order->id);
    jsonline_put_text_unless_empty(ret, "login", order->account->login);
    jsonline_put_text_unless_empty(ret, "server", order->account->server);
    jsonline_put_number(ret, "not_after_us", order->not_after_us);
    jsonline_put_text_unless_empty(ret, "symbol", order->symbol);
    jsonline_put_text_unless_empty(ret, "side", order->sell ? "sell" : "buy");
    jsonline_put_text_unless_empty(ret, "volume", order->volume);
    jsonline_put_text_unless_empty(ret, "sl", order->sl);
    jsonline_put_text_unless_empty(ret, "tp", order->tp);
    jsonline_put_number(ret, "deviation_points", order->deviation_points);
    jsonline_put_number(ret, "magic", (int64_t)order->magic);
    jsonline_put_text_unless_empty(ret, "comment", order->comment);
    if (order->position != 0)
        jsonline_put_ticket(ret, "position", order->position);
    jsonline_end(ret);
}

void wire_positions(uint64_t id, const char *symbol, uint64_t after, struct svc_buffer *ret)
{
    jsonline_begin(ret, "positions");
    jsonline_put_number(ret, "id", (int64_t)id);
    jsonline_put_text_unless_empty(ret, "symbol", symbol);
    jsonline_put_ticket(ret, "after", after);
    jsonline_end(ret);
}

void wire_find(uint64_t id, int64_t from_server_us, const struct wire_key *keys, size_t count_keys,
               struct svc_buffer *ret)
{
    jsonline_begin(ret, "find");
    jsonline_put_number(ret, "id", (int64_t)id);
    jsonline_put_number(ret, "from_server_us", from_server_us < 0 ? 0 : from_server_us);
    svc_buffer_text(ret, ",\"keys\":[");
    for (size_t i = 0; i < count_keys; i++) {
        svc_buffer_printf(ret, "%s{\"magic\":%llu", i == 0 ? "" : ",",
                          (unsigned long long)keys[i].magic);
        jsonline_put_text_unless_empty(ret, "token", keys[i].token);
        if (keys[i].position != 0)
            jsonline_put_ticket(ret, "position", keys[i].position);
        svc_buffer_text(ret, "}");
    }
    svc_buffer_text(ret, "]");
    jsonline_end(ret);
}

void wire_account(uint64_t id, struct svc_buffer *ret)
{
    jsonline_begin(ret, "account");
    jsonline_put_number(ret, "id", (int64_t)id);
    jsonline_end(ret);
}

void wire_symbols(uint64_t id, const char *after, struct svc_buffer *ret)
{
    jsonline_begin(ret, "symbols");
    jsonline_put_number(ret, "id", (int64_t)id);
    jsonline_put_text_unless_empty(ret, "after", after);
    jsonline_end(ret);
}
