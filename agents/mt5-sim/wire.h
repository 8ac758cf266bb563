/* The terminal protocol as the terminal speaks it (docs/terminal-protocol.md): JSON lines in, JSON
 * lines out. Core: no sockets. */
#pragma once

#include "broker.h"

#include "svc/buffer.h"

#include <jansson.h>

enum { WIRE_KEYS_MAX = 64, WIRE_PAGE = 100 };

enum wire_kind {
    WIRE_WELCOME,
    WIRE_REFUSAL,
    WIRE_PING,
    WIRE_ORDER,
    WIRE_POSITIONS,
    WIRE_FIND,
    WIRE_ACCOUNT,
    WIRE_SYMBOLS,
};

struct wire_key {             /* one order to look for */
    uint64_t magic, position; /* position 0: an opening order */
    const char *token;
};

struct wire_command { /* texts are valid until wire_command_done; absent ones are "" */
    enum wire_kind kind;
    uint64_t id;
    const char *code; /* refusal */
    const char *login, *server, *symbol, *volume, *sl, *tp, *comment;
    bool sell;
    int64_t not_after_us;
    uint64_t magic, position;
    uint64_t after;         /* positions */
    const char *after_name; /* symbols */
    int64_t from_server_us;
    struct wire_key keys[WIRE_KEYS_MAX];
    size_t key_count;
    json_t *json; /* owned */
};

/* SVC_REJECT code bad_message: not one of the agent's messages. */
enum svc_rc wire_parse(const char *line, size_t len, struct wire_command *ret,
                       struct svc_error *err) SVC_CHECK;
void wire_command_done(struct wire_command *command);

struct wire_terminal { /* what a terminal says about itself */
    const char *token, *login, *server, *margin_mode, *version;
    int64_t clock_us, server_offset_s;
    bool trade_connected;
};

/* Each builds one line with its line end. */
void wire_hello(const struct wire_terminal *terminal, const struct broker *broker,
                struct svc_buffer *ret);
void wire_pong(uint64_t id, const struct wire_terminal *terminal, struct svc_buffer *ret);
/* The terminal refused before it asked the broker: nothing was executed. */
void wire_refused(uint64_t id, const char *error, const char *message, struct svc_buffer *ret);
struct wire_result {
    uint64_t id;
    uint32_t retcode;
    int symbol;
    struct market_quote quote;      /* when it was sent */
    const struct broker_deal *deal; /* NULL: refused */
    int64_t ready_unix_us;          /* next session, 0: not said */
};
void wire_result(const struct wire_result *result, const struct broker *broker,
                 struct svc_buffer *ret);
/* Positions with tickets above command->after, at most WIRE_PAGE; symbol -1: all. */
void wire_positions(const struct wire_command *command, int symbol,
                    const struct wire_terminal *terminal, const struct broker *broker,
                    struct svc_buffer *ret);
void wire_error(const char *type, uint64_t id, const char *error, struct svc_buffer *ret);
void wire_found(const struct wire_command *command, const struct wire_terminal *terminal,
                const struct broker *broker, struct svc_buffer *ret);
void wire_account(uint64_t id, const struct wire_terminal *terminal, const struct broker *broker,
                  struct svc_buffer *ret);
/* Symbols with names behind command->after_name by bytes, at most WIRE_PAGE. */
void wire_symbols(const struct wire_command *command, const struct market *market,
                  struct svc_buffer *ret);
