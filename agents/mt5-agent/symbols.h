/* What the terminal's broker offers, read page by page and told to the gateway. Core: no I/O, the
 * time comes in.
 *
 *     READING ─ a good page ─► SAYING ─ acknowledged ─► READING … ─ the last page ─► TOLD
 *      ▲   └── pause ◄ no answer, an unusable one, a lost connection
 *      └── a new session of the gateway, or a new terminal: a new report, from the first symbol
 *
 * One command is outstanding at a time, and none is begun while an order waits for its answer or
 * its turn (`may_ask`): the terminal works on one line after the other. One page is kept, and said
 * again every 2 s until it is acknowledged; then the next is read. */
#pragma once

#include "contracts/messages.h"
#include "terminal_wire.h"

enum {
    SYMBOLS_MAX = 10000, /* of a report: the first by name */
    SYMBOLS_ANSWER_MS = 10000,
    SYMBOLS_AGAIN_MS = 2000, /* between two sayings of a page */
    /* After a failure, doubled with each in a row until a report is complete: a terminal whose
     * answers cost it its connection still trades nearly all the time. */
    SYMBOLS_PAUSE_MS = 5000,
    SYMBOLS_PAUSE_MAX_MS = 3600 * 1000,
};

struct symbols_page {
    uint64_t report; /* counts reports, from 1 */
    uint32_t page;   /* from 1 */
    bool last;
    struct wire_symbol symbols[MESSAGE_SYMBOLS_MAX];
    size_t count;
};

struct symbols_now {
    int64_t mono_us;
    uint64_t link_session, terminal_session; /* 0: none */
    bool may_ask; /* the terminal is connected to its trade server, and no order needs it now */
};

enum symbols_act { SYMBOLS_NOTHING, SYMBOLS_ASK, SYMBOLS_SAY };

struct symbols_action { /* borrowed until the next call */
    enum symbols_act act;
    uint64_t command_id; /* SYMBOLS_ASK */
    const char *after;
    const struct symbols_page *page; /* SYMBOLS_SAY */
    const char *complaint;           /* for the log, once; NULL: none */
    int64_t wake_mono_us;            /* ask again then at the latest; 0: when something comes */
};

struct symbols;

/* number: the next command's, from the sequence of all commands (book_number). */
struct symbols *symbols_new(uint64_t (*number)(void *arg), void *arg);
void symbols_free(struct symbols **symbols);

void symbols_next(struct symbols *symbols, const struct symbols_now *now,
                  struct symbols_action *ret);
/* Any answer of the terminal; those that are not to the outstanding command change nothing. */
void symbols_answered(struct symbols *symbols, const struct wire_message *message,
                      int64_t now_mono_us);
/* Returns the number of symbols when the report is complete with this, else 0. */
size_t symbols_acked(struct symbols *symbols, uint64_t report, uint32_t page);
