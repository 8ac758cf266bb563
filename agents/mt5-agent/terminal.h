/* The terminal's side of the agent: listens on loopback, lets one terminal in, speaks JSON lines.
 * Edge: it turns lines into messages and knows nothing of jobs.
 *
 * A wrong token, a line that is no message, or one longer than 64 KiB closes the connection and is
 * counted. A second terminal with the right token is turned away (`busy`) while the first lives; it
 * takes its place when nothing came from the first for TERMINAL_DEAD_MS. */
#pragma once

#include "terminal_wire.h"

#include "svc/loop.h"

enum {
    TERMINAL_PING_MS = 1000,
    TERMINAL_DEAD_MS = 5000,     /* silence after which another may take the place */
    TERMINAL_SILENCE_MS = 15000, /* silence after which the connection is closed */
    TERMINAL_HELLO_MS = 5000,    /* longest wait for a hello */
    TERMINAL_PEERS_MAX = 8,      /* connections, with those that did not say hello yet */
    TERMINAL_OUTPUT_MAX = 1024 * 1024,
};

enum terminal_refusal {
    TERMINAL_BAD_TOKEN,
    TERMINAL_BAD_MESSAGE,
    TERMINAL_LINE_TOO_LONG,
    TERMINAL_NO_HELLO,
    TERMINAL_BUSY,
    TERMINAL_TOO_MANY,
    TERMINAL_REFUSALS,
};
extern const char *const terminal_refusal_names[TERMINAL_REFUSALS + 1];

struct terminal;

struct terminal_events { /* called from the loop's PEER phase */
    void (*changed)(
        void *arg); /* came, went, its account or its connection to the server changed */
    void (*answer)(void *arg, const struct wire_message *message);
    uint64_t (*number)(void *arg); /* the next command's number, for pings */
    void (*refused)(void *arg, enum terminal_refusal why);
    void *arg;
};

struct terminal_state {
    uint64_t session;              /* counts terminals that said hello; 0: none is connected */
    bool trade_connected;          /* to its trade server, and its clock is known */
    bool ready;                    /* and trading is allowed */
    const struct account *account; /* NULL without a terminal */
    int64_t clock_low_us;          /* the least that its clock may be ahead of CLOCK_BOOTTIME */
    int64_t server_time_us, server_offset_s;
};

/* address: loopback, "127.0.0.1:5600". SVC_REJECT: not one. SVC_FATAL: cannot be bound. */
enum svc_rc terminal_open(struct svc_loop *loop, const char *address, const char *token,
                          const struct terminal_events *events, struct terminal **ret_terminal,
                          struct svc_error *err) SVC_CHECK;
void terminal_close(struct terminal **terminal);
struct terminal_state terminal_state(const struct terminal *terminal);
/* Queue a line; without a terminal it is dropped. */
void terminal_send(struct terminal *terminal, const struct svc_buffer *line);
