/* The book: every job this agent knows, and what to do next. Core: no I/O, the time comes in.
 *
 * Offers, acknowledgements and the terminal's answers go in; records go to the journal through one
 * function; book_next() says what to do, one action at a time. Rules (domain-trading.md section 7):
 *   - RECV and INTENT are on the disk before an order leaves; DONE and VOID before they are
 * reported.
 *   - A step's order leaves again only after an answer that proves that it was not executed.
 *   - A question, or an epoch above 1 of a job never seen, is never sent, only answered. But what
 * is left of a close of which a part is done goes on under the question's lease: that part is a
 *     fact, so the job cannot be given back, and nobody else would close the rest.
 *   - "Not executed" needs the barrier and then 30 s of history with the trade server connected.
 *
 *     effect:  WAITING ─────────► WORKING ─────────► ENDED
 *                 │  (steps journaled)                 ▲
 *                 └── stale, void, nothing to do ──────┘
 *
 *     step:    PLANNED ─► SENT ─┬─► EXECUTED, REFUSED
 *                 ▲             ├─► ASKING ─► EXECUTED, CLOSED_BY_OTHER, NOT_EXECUTED (proven)
 *                 └─────────────┘ (refused, and worth another try)
 */
#pragma once

#include "account.h"
#include "contracts/identity.h"
#include "record.h"
#include "terminal_wire.h"

enum {
    BOOK_CANDIDATES_MAX = 10000, /* positions that one close looks at */
    BOOK_STEPS_MAX = 64,         /* orders of one job; also fills of one report */
    BOOK_JOBS_MAX = 100000,      /* above it the longest acknowledged are forgotten early */
    BOOK_READ_BYTES_MAX = 1024 * 1024 - 16 * 1024, /* of a read's output: fits an envelope */
    BOOK_ANSWER_MS = 10000,                        /* longest wait for the terminal's answer */
    BOOK_ASK_SAID_MS = 1000, /* an outcome that one look clears up is never called unknown */
    BOOK_REPORT_AGAIN_MS = 2000,
    BOOK_QUIET_MS = 30000, /* history to be seen before "not executed" */
    BOOK_TRUST_MARGIN_MS = 1000,
    BOOK_REST_MS = 120000, /* with a session: longest wait of a close's rest for a lease */
    BOOK_KEEP_DAYS = 30,   /* after ACKED */
    BOOK_COMMENT_MAX = 26, /* of an order: token, blank, text */
};

enum book_type { BOOK_TRADE, BOOK_CLOSE, BOOK_GET_POSITIONS, BOOK_GET_ACCOUNT, BOOK_OTHER };
enum book_scope { BOOK_SCOPE_STRATEGY = 1, BOOK_SCOPE_SYMBOL, BOOK_SCOPE_ACCOUNT };

struct book_offer { /* texts are "" when not said */
    char job_id[SVC_UUID_TEXT];
    enum book_type type;
    bool complete; /* trade, close: the order's description is there (a question may lack it) */
    uint64_t epoch;
    uint64_t seq; /* order in which jobs were planned; 0: not known */
    bool question, terminal_only;
    int64_t expires_unix_us; /* gateway's clock, 0: no limit */
    int64_t claimed_unix_us; /* gateway's clock */
    uint32_t lease_ms;
    bool has_account;
    struct account account;
    uint32_t magic_tag;
    char comment[65]; /* text behind the token */
    char symbol[RECORD_SYMBOL_TEXT];
    bool sell;
    char volume[RECORD_DECIMAL_TEXT], sl[RECORD_DECIMAL_TEXT], tp[RECORD_DECIMAL_TEXT];
    uint32_t deviation_points;
    enum book_scope scope;
    int64_t opened_before_unix_us;
};

struct book_now {
    int64_t mono_us, boot_us;
    int64_t unix_us;             /* corrected to the gateway's clock */
    int64_t trust_until_boot_us; /* session's end as far as it is certain, margin taken off */
    uint64_t link_session;       /* gateway's session; 0: none */
    uint64_t flushed_seq;        /* of the journal */
    bool draining;
    uint64_t terminal_session;     /* 0: no terminal */
    bool trade_connected;          /* the terminal, to its trade server */
    const struct account *account; /* the terminal's; NULL without one */
    int64_t server_time_us, server_offset_s;
};

enum book_outcome { BOOK_DONE = 1, BOOK_FAILED, BOOK_VOID, BOOK_UNKNOWN }; /* as in result.proto */

enum book_step_state {
    BOOK_PLANNED,
    BOOK_SENT,
    BOOK_ASKING,
    BOOK_EXECUTED,
    BOOK_CLOSED_BY_OTHER, /* a close whose position another order has closed: nothing left to do,
                             and nothing filled; order, deal and price are the other's */
    BOOK_REFUSED,         /* failed, with a code */
    BOOK_NOT_EXECUTED,    /* never sent, or proven by the barrier */
    BOOK_MARKET_CLOSED,
};

struct book_step {
    uint32_t step; /* from 1 */
    struct order_identity identity;
    uint64_t close_position; /* 0: opens */
    char symbol[RECORD_SYMBOL_TEXT];
    bool sell;
    char volume[RECORD_DECIMAL_TEXT];
    int64_t server_time_us, intent_unix_us;
    enum book_step_state state;
    /* sending */
    uint32_t attempts;
    int64_t first_sent_mono_us, sent_mono_us, retry_mono_us;
    uint64_t command_id, sent_session; /* 0: sent by an earlier process, if at all */
    /* asking */
    int64_t barrier_mono_us; /* 0: not passed */
    bool look_once;          /* refused; one look, then the refusal counts */
    uint64_t looked_id;      /* the look that it is part of */
    /* end */
    uint32_t retcode;
    uint64_t order, deal, position;
    char price[RECORD_DECIMAL_TEXT], filled[RECORD_DECIMAL_TEXT], profit[RECORD_DECIMAL_TEXT];
    char bid[RECORD_DECIMAL_TEXT], ask[RECORD_DECIMAL_TEXT];
    char code[RECORD_CODE_TEXT];
    int64_t ready_unix_us; /* BOOK_MARKET_CLOSED */
};

struct book_job;

struct book_report { /* borrowed until the next call into the book */
    const char *job_id;
    uint64_t epoch;
    enum book_outcome outcome;
    const char *code, *text; /* code "" when done */
    uint32_t retcode;
    const struct book_step *steps; /* done: what is executed or closed is told */
    size_t step_count;
    const char *output; /* JSON object, NULL: none */
    size_t output_len;
    int64_t ready_unix_us;
    int64_t received_unix_us, sent_unix_us, filled_unix_us;
};

enum book_act {
    BOOK_NOTHING,
    BOOK_FLUSH, /* the journal, then ask again */
    BOOK_ORDER,
    BOOK_POSITIONS,
    BOOK_ACCOUNT,
    BOOK_FIND,
    BOOK_REPORT,
};

struct book_action {
    enum book_act act;
    uint64_t command_id;     /* ascending over the life of the process */
    struct wire_order order; /* not_after_us on the gateway's clock; the edge converts it */
    char comment[BOOK_COMMENT_MAX + 1];
    const char *symbol; /* positions of: "" = all */
    uint64_t after;
    struct wire_key keys[WIRE_KEYS_MAX];
    size_t key_count;
    int64_t from_server_us;
    struct book_report report;
    int64_t wake_mono_us; /* BOOK_NOTHING: ask again then at the latest; 0: when something comes */
};

struct book;

/* write: give the record to the journal; returns its seq. */
struct book *book_new(uint64_t (*write)(void *arg, const struct record *record), void *arg);
void book_free(struct book **book);

/* At start: every record of the journal in order, then book_replayed. Nothing is written. */
void book_replay(struct book *book, const struct record *record);
void book_replayed(struct book *book);

enum book_taken {
    BOOK_TAKEN,    /* new, or a newer epoch */
    BOOK_REPEATED, /* known at this epoch: its report is sent again when it has ended */
    BOOK_OLD,      /* below an epoch already seen: ignored */
};
enum book_taken book_offer(struct book *book, const struct book_offer *offer,
                           const struct book_now *now);
void book_acked(struct book *book, const char *job_id, uint64_t epoch, const struct book_now *now);
/* An answer of the terminal to one of our commands, also one that is no longer waited for. */
void book_answered(struct book *book, const struct wire_message *message,
                   const struct book_now *now);

void book_next(struct book *book, const struct book_now *now, struct book_action *ret);

/* A number for a command that is not the book's (ping), from the same ascending sequence. */
uint64_t book_number(struct book *book);

/* Does an order wait for its answer or for its turn? Then the terminal is for orders only. */
bool book_needs_terminal(const struct book *book);
/* Steps whose order may or may not have been executed, never looked for yet (hello waits for it).
 */
size_t book_unlooked(const struct book *book);
/* Nothing sent waits for an answer, and nothing is left to report. */
bool book_is_idle(const struct book *book);
/* No effect is open: a good moment to compact. */
bool book_is_quiet(const struct book *book);
/* For compaction: is this job still known? First forget what was acknowledged long ago. */
void book_forget_old(struct book *book, int64_t now_unix_us);
bool book_keeps(const struct book *book, const char *job_id);

struct book_counts {
    size_t jobs, open, asking, unreported;
    uint64_t orders_sent, unknown, voided, executed, refused;
};
struct book_counts book_counts(const struct book *book);
