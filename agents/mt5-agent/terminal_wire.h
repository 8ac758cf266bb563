/* The terminal protocol as the agent speaks it (docs/terminal-protocol.md): JSON lines. Core. */
#pragma once

#include "account.h"
#include "record.h"

#include "svc/arena.h"
#include "svc/buffer.h"
#include "svc/error.h"

enum {
    WIRE_PROTOCOL = 1,
    WIRE_KEYS_MAX = 64,
    WIRE_CURRENCY_TEXT = 17,
    WIRE_TEXT = 65,
    WIRE_MESSAGE_TEXT = 256,
};

enum wire_kind {
    WIRE_HELLO,
    WIRE_PONG,
    WIRE_RESULT,
    WIRE_POSITIONS,
    WIRE_FOUND,
    WIRE_ACCOUNT,
    WIRE_SYMBOLS,
};

struct wire_clocks { /* in hello and pong */
    int64_t clock_us, server_time_us, server_offset_s;
    bool trade_connected, trade_allowed;
};

struct wire_hello {
    const char *token;
    struct account account;
    char version[WIRE_TEXT];
};

struct wire_result {
    uint32_t retcode; /* 0: the terminal refused by itself, nothing reached a broker */
    uint64_t order, deal, position;
    char price[RECORD_DECIMAL_TEXT], volume[RECORD_DECIMAL_TEXT], profit[RECORD_DECIMAL_TEXT];
    char bid[RECORD_DECIMAL_TEXT], ask[RECORD_DECIMAL_TEXT];
    char symbol[RECORD_SYMBOL_TEXT];
    int64_t ready_unix_us;
};

struct wire_position {
    uint64_t ticket, position_id, magic;
    char symbol[RECORD_SYMBOL_TEXT];
    bool sell;
    const char *volume, *open_price, *current_price, *sl, *tp, *profit, *swap, *comment;
    int64_t open_time_us; /* server's wall clock */
};

struct wire_match { /* an order that was looked for and found */
    uint64_t magic;
    bool filled;      /* false: it exists, and is still being worked on */
    bool by_position; /* another order, which closed the position that this one was to close */
    uint64_t order, deal, position;
    char price[RECORD_DECIMAL_TEXT], volume[RECORD_DECIMAL_TEXT], profit[RECORD_DECIMAL_TEXT];
    char symbol[RECORD_SYMBOL_TEXT];
    bool sell;
};

struct wire_symbol { /* units: SymbolSpec in agent.proto */
    char name[RECORD_SYMBOL_TEXT];
    uint32_t digits;
    char point[RECORD_DECIMAL_TEXT], tick_size[RECORD_DECIMAL_TEXT],
        tick_value[RECORD_DECIMAL_TEXT], contract_size[RECORD_DECIMAL_TEXT];
    char volume_min[RECORD_DECIMAL_TEXT], volume_max[RECORD_DECIMAL_TEXT],
        volume_step[RECORD_DECIMAL_TEXT], volume_limit[RECORD_DECIMAL_TEXT];
    uint32_t stops_level, freeze_level, trade_mode, filling_mode, calc_mode;
    char currency_base[WIRE_CURRENCY_TEXT], currency_profit[WIRE_CURRENCY_TEXT],
        currency_margin[WIRE_CURRENCY_TEXT];
};

struct wire_message { /* what lives behind pointers lives in the arena */
    enum wire_kind kind;
    uint64_t id;                  /* of the command that is answered; hello: 0 */
    char error[RECORD_CODE_TEXT]; /* "" = none */
    char message[WIRE_MESSAGE_TEXT];
    struct wire_clocks clocks;
    struct wire_hello hello;
    struct wire_result result;
    struct wire_position *positions;
    struct wire_match *matches;
    struct wire_symbol *symbols; /* names ascending by bytes */
    size_t count;                /* of positions, matches or symbols */
    bool more;                   /* there are further positions or symbols */
    bool trade_connected, history_ready;
    const char *account_json; /* object, as the terminal wrote it */
};

/* SVC_REJECT code bad_message: not a message of a terminal; err names the member. */
enum svc_rc wire_parse(struct svc_arena *arena, const char *line, size_t len,
                       struct wire_message *ret, struct svc_error *err) SVC_CHECK;

struct wire_key {
    uint64_t magic, position; /* position 0: an opening order */
    const char *token;
};
struct wire_order {
    uint64_t id;
    const struct account *account;
    int64_t not_after_us; /* terminal's clock */
    const char *symbol, *volume, *sl, *tp, *comment;
    bool sell;
    uint32_t deviation_points;
    uint64_t magic, position;
};

/* Each resets ret and fills it with one line and its line end. */
void wire_welcome(uint64_t session, struct svc_buffer *ret);
void wire_refusal(const char *code, uint32_t retry_ms, struct svc_buffer *ret);
void wire_ping(uint64_t id, struct svc_buffer *ret);
void wire_order(const struct wire_order *order, struct svc_buffer *ret);
void wire_positions(uint64_t id, const char *symbol, uint64_t after, struct svc_buffer *ret);
void wire_find(uint64_t id, int64_t from_server_us, const struct wire_key *keys, size_t count,
               struct svc_buffer *ret);
void wire_account(uint64_t id, struct svc_buffer *ret);
/* after: the last name of the page before; "": from the beginning. */
void wire_symbols(uint64_t id, const char *after, struct svc_buffer *ret);
