/* Agent's side of the terminal protocol. */
#include "terminal_wire.h"

#include "contracts/decimal.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

struct reader { /* the first fault sticks */
    struct svc_arena *arena;
    const json_t *object;
    const char *fault;
};

static void bad(struct reader *r, const char *name)
{
    if (r->fault == NULL)
        r->fault = name;
}

static const char *word(struct reader *r, const char *name)
{
    const json_t *value = json_object_get(r->object, name);
    const char *text = json_string_value(value);
    if (value != NULL && text == NULL)
        bad(r, name);
    return text == NULL ? "" : text;
}

static void text(struct reader *r, const char *name, char *ret, size_t size)
{
    const char *from = word(r, name);
    if (strlen(from) >= size)
        bad(r, name);
    else
        memcpy(ret, from, strlen(from) + 1);
}

static void required(struct reader *r, const char *name, char *ret, size_t size)
{
    text(r, name, ret, size);
    if (ret[0] == '\0')
        bad(r, name);
}

static void decimal(struct reader *r, const char *name, char ret[RECORD_DECIMAL_TEXT])
{
    text(r, name, ret, RECORD_DECIMAL_TEXT);
    if (ret[0] != '\0' && !decimal_valid(ret))
        bad(r, name);
}

static const char *kept(struct reader *r, const char *name)
{
    return svc_arena_text(r->arena, word(r, name));
}

static const char *kept_decimal(struct reader *r, const char *name)
{
    const char *value = kept(r, name);
    if (value[0] != '\0' && !decimal_valid(value))
        bad(r, name);
    return value;
}

static int64_t number(struct reader *r, const char *name)
{
    const json_t *value = json_object_get(r->object, name);
    if (value != NULL && !json_is_integer(value))
        bad(r, name);
    return json_integer_value(value);
}

static uint64_t count(struct reader *r, const char *name)
{
    int64_t value = number(r, name);
    if (value < 0)
        bad(r, name);
    return value < 0 ? 0 : (uint64_t)value;
}

static uint64_t ticket(struct reader *r, const char *name)
{
    const char *value = word(r, name);
    uint64_t parsed = 0;
    if (value[0] != '\0' && svc_parse_u64(value, 0, UINT64_MAX, &parsed) != 0)
        bad(r, name);
    return parsed;
}

static bool truth(struct reader *r, const char *name)
{
    const json_t *value = json_object_get(r->object, name);
    if (value != NULL && !json_is_boolean(value))
        bad(r, name);
    return json_is_true(value);
}

static bool sells(struct reader *r)
{
    const char *side = word(r, "side");
    if (strcmp(side, "buy") != 0 && strcmp(side, "sell") != 0)
        bad(r, "side");
    return strcmp(side, "sell") == 0;
}

static void read_clocks(struct reader *r, struct wire_message *m)
{
    m->clocks = (struct wire_clocks){.clock_us = number(r, "clock_us"),
                                     .server_time_us = number(r, "server_time_us"),
                                     .server_offset_s = number(r, "server_offset_s"),
                                     .trade_connected = truth(r, "trade_connected"),
                                     .trade_allowed = truth(r, "trade_allowed")};
    if (m->clocks.clock_us <= 0)
        bad(r, "clock_us");
    if (m->clocks.server_offset_s < -86400 || m->clocks.server_offset_s > 86400)
        bad(r, "server_offset_s");
}

static void read_hello(struct reader *r, struct wire_message *m)
{
    struct account *a = &m->hello.account;
    if (number(r, "protocol") != WIRE_PROTOCOL)
        bad(r, "protocol");
    m->hello.token = kept(r, "token");
    required(r, "server", a->server, sizeof a->server);
    required(r, "login", a->login, sizeof a->login);
    required(r, "currency", a->currency, sizeof a->currency);
    required(r, "margin_mode", a->margin_mode, sizeof a->margin_mode);
    if (strcmp(a->margin_mode, "hedging") != 0 && strcmp(a->margin_mode, "netting") != 0 &&
        strcmp(a->margin_mode, "exchange") != 0)
        bad(r, "margin_mode");
    a->is_real = truth(r, "is_real");
    decimal(r, "balance", a->balance);
    a->leverage = (uint32_t)count(r, "leverage");
    text(r, "version", m->hello.version, sizeof m->hello.version);
    read_clocks(r, m);
}

static void read_result(struct reader *r, struct wire_message *m)
{
    struct wire_result *result = &m->result;
    uint64_t retcode = count(r, "retcode");
    if (retcode > UINT32_MAX || (retcode == 0 && m->error[0] == '\0'))
        bad(r, "retcode");
    result->retcode = m->error[0] == '\0' ? (uint32_t)retcode : 0;
    result->order = ticket(r, "order");
    result->deal = ticket(r, "deal");
    result->position = ticket(r, "position");
    decimal(r, "price", result->price);
    decimal(r, "volume", result->volume);
    decimal(r, "profit", result->profit);
    decimal(r, "bid", result->bid);
    decimal(r, "ask", result->ask);
    text(r, "symbol", result->symbol, sizeof result->symbol);
    result->ready_unix_us = (int64_t)count(r, "ready_unix_us");
}

static void read_position(struct reader *r, struct wire_position *p)
{
    p->ticket = ticket(r, "ticket");
    p->position_id = ticket(r, "position_id");
    p->magic = count(r, "magic");
    required(r, "symbol", p->symbol, sizeof p->symbol);
    p->sell = sells(r);
    p->volume = kept_decimal(r, "volume");
    p->open_price = kept_decimal(r, "open_price");
    p->current_price = kept_decimal(r, "current_price");
    p->sl = kept_decimal(r, "sl");
    p->tp = kept_decimal(r, "tp");
    p->profit = kept_decimal(r, "profit");
    p->swap = kept_decimal(r, "swap");
    p->comment = kept(r, "comment");
    p->open_time_us = number(r, "open_time_us");
    if (p->ticket == 0 || p->volume[0] == '\0' || strlen(p->volume) >= RECORD_DECIMAL_TEXT)
        bad(r, "positions");
}

static void read_match(struct reader *r, struct wire_match *match)
{
    const char *state = word(r, "state");
    match->magic = count(r, "magic");
    match->filled = strcmp(state, "filled") == 0;
    if (!match->filled && strcmp(state, "active") != 0)
        bad(r, "state");
    match->order = ticket(r, "order");
    match->deal = ticket(r, "deal");
    match->position = ticket(r, "position");
    decimal(r, "price", match->price);
    decimal(r, "volume", match->volume);
    decimal(r, "profit", match->profit);
    text(r, "symbol", match->symbol, sizeof match->symbol);
    match->sell = sells(r);
    if (match->filled && (match->price[0] == '\0' || match->volume[0] == '\0'))
        bad(r, "matches");
}

/* The elements of an array member, at least one byte even for none; NULL when it is no array. */
static void *elements(struct reader *r, const char *name, size_t size, const json_t **ret_array,
                      size_t *ret_count)
{
    *ret_array = json_object_get(r->object, name);
    *ret_count = json_array_size(*ret_array);
    if (!json_is_array(*ret_array))
        bad(r, name);
    return svc_arena_alloc(r->arena, *ret_count * size + 1);
}

static void read_positions(struct reader *r, struct wire_message *m)
{
    const json_t *array;
    if (m->error[0] != '\0')
        return;
    m->clocks.server_offset_s = number(r, "server_offset_s");
    m->more = truth(r, "more");
    m->positions = elements(r, "positions", sizeof *m->positions, &array, &m->count);
    for (size_t i = 0; i < m->count; i++) {
        struct reader element = {r->arena, json_array_get(array, i), r->fault};
        read_position(&element, &m->positions[i]);
        r->fault = element.fault;
    }
}

static void read_found(struct reader *r, struct wire_message *m)
{
    const json_t *array;
    m->trade_connected = truth(r, "trade_connected");
    m->history_ready = truth(r, "history_ready");
    m->matches = elements(r, "matches", sizeof *m->matches, &array, &m->count);
    for (size_t i = 0; i < m->count; i++) {
        struct reader element = {r->arena, json_array_get(array, i), r->fault};
        read_match(&element, &m->matches[i]);
        r->fault = element.fault;
    }
}

static void read_account(struct reader *r, struct wire_message *m)
{
    const json_t *account = json_object_get(r->object, "account");
    if (!json_is_object(account)) {
        bad(r, "account");
        return;
    }
    char *json = json_dumps(account, JSON_COMPACT);
    m->account_json = svc_arena_text(r->arena, json == NULL ? "{}" : json);
    free(json);
}

static void read_message(struct reader *r, struct wire_message *m)
{
    text(r, "error", m->error, sizeof m->error);
    text(r, "message", m->message, sizeof m->message);
    m->id = count(r, "id");
    if (m->id == 0 && m->kind != WIRE_HELLO)
        bad(r, "id");
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
    }
}

enum svc_rc wire_parse(struct svc_arena *arena, const char *line, size_t len,
                       struct wire_message *ret, struct svc_error *err)
{
    static const char *const kinds[] = {"hello", "pong", "result", "positions", "found", "account"};
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    json_error_t fault;
    json_t *json = json_loadb(line, len, JSON_REJECT_DUPLICATES, &fault);
    struct reader r = {.arena = arena, .object = json};
    const char *type = word(&r, "type");
    int kind = 0;
    while (kind < KINDS && strcmp(kinds[kind], type) != 0)
        kind++;
    *ret = (struct wire_message){.kind = (enum wire_kind)kind};
    if (kind == KINDS)
        r.fault = json_is_object(json) ? "type" : "JSON object";
    else
        read_message(&r, ret);
    json_decref(json);
    if (r.fault == NULL)
        return SVC_OK;
    return svc_fail(err, SVC_REJECT, "bad_message", "terminal's line: %s is missing or wrong",
                    r.fault);
}

static void begin(struct svc_buffer *out, const char *type)
{
    svc_buffer_reset(out);
    svc_buffer_printf(out, "{\"type\":\"%s\"", type);
}

static void put_number(struct svc_buffer *out, const char *name, int64_t value)
{
    svc_buffer_printf(out, ",\"%s\":%lld", name, (long long)value);
}

static void put_ticket(struct svc_buffer *out, const char *name, uint64_t value)
{
    svc_buffer_printf(out, ",\"%s\":\"%llu\"", name, (unsigned long long)value);
}

static void put_text(struct svc_buffer *out, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    svc_buffer_printf(out, ",\"%s\":", name);
    svc_buffer_json(out, value, strlen(value));
}

static void end(struct svc_buffer *out)
{
    svc_buffer_text(out, "}\n");
}

void wire_welcome(uint64_t session, struct svc_buffer *ret)
{
    begin(ret, "welcome");
    put_number(ret, "protocol", WIRE_PROTOCOL);
    put_number(ret, "session", (int64_t)session);
    end(ret);
}

void wire_refusal(const char *code, uint32_t retry_ms, struct svc_buffer *ret)
{
    begin(ret, "refusal");
    put_text(ret, "code", code);
    put_number(ret, "retry_ms", retry_ms);
    end(ret);
}

void wire_ping(uint64_t id, struct svc_buffer *ret)
{
    begin(ret, "ping");
    put_number(ret, "id", (int64_t)id);
    end(ret);
}

void wire_order(const struct wire_order *order, struct svc_buffer *ret)
{
    begin(ret, "order");
    put_number(ret, "id", (int64_t)order->id);
    put_text(ret, "login", order->account->login);
    put_text(ret, "server", order->account->server);
    put_number(ret, "not_after_us", order->not_after_us);
    put_text(ret, "symbol", order->symbol);
    put_text(ret, "side", order->sell ? "sell" : "buy");
    put_text(ret, "volume", order->volume);
    put_text(ret, "sl", order->sl);
    put_text(ret, "tp", order->tp);
    put_number(ret, "deviation_points", order->deviation_points);
    put_number(ret, "magic", (int64_t)order->magic);
    put_text(ret, "comment", order->comment);
    if (order->position != 0)
        put_ticket(ret, "position", order->position);
    end(ret);
}

void wire_positions(uint64_t id, const char *symbol, uint64_t after, struct svc_buffer *ret)
{
    begin(ret, "positions");
    put_number(ret, "id", (int64_t)id);
    put_text(ret, "symbol", symbol);
    put_ticket(ret, "after", after);
    end(ret);
}

void wire_find(uint64_t id, int64_t from_server_us, const struct wire_key *keys, size_t count_keys,
               struct svc_buffer *ret)
{
    begin(ret, "find");
    put_number(ret, "id", (int64_t)id);
    put_number(ret, "from_server_us", from_server_us < 0 ? 0 : from_server_us);
    svc_buffer_text(ret, ",\"keys\":[");
    for (size_t i = 0; i < count_keys; i++) {
        svc_buffer_printf(ret, "%s{\"magic\":%llu", i == 0 ? "" : ",",
                          (unsigned long long)keys[i].magic);
        put_text(ret, "token", keys[i].token);
        if (keys[i].position != 0)
            put_ticket(ret, "position", keys[i].position);
        svc_buffer_text(ret, "}");
    }
    svc_buffer_text(ret, "]");
    end(ret);
}

void wire_account(uint64_t id, struct svc_buffer *ret)
{
    begin(ret, "account");
    put_number(ret, "id", (int64_t)id);
    end(ret);
}
