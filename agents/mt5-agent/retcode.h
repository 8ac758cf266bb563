/* What MetaTrader 5's trade return codes mean for a job: the class table of domain-trading.md
 * section 5. Core. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum retcode_class {
    RETCODE_CLASS_OK,     /* done */
    RETCODE_CLASS_ACK,    /* accepted, the outcome is still to come: wait for the deal, then ask */
    RETCODE_CLASS_PRICE,  /* not executed: once more at once, with a fresh quote */
    RETCODE_CLASS_WAIT,   /* not executed: once more after a pause */
    RETCODE_CLASS_STOP,   /* not executed, and will not be */
    RETCODE_CLASS_LOOK,   /* as STOP, after one look into the history */
    RETCODE_CLASS_CLOSED, /* the market is closed: entries stop, closes wait for the session */
    RETCODE_CLASS_ASK,    /* unknown: reconcile before anything else */
};

enum {
    RETCODE_DONE = 10009,
    RETCODE_DONE_PARTIAL = 10010,
    RETCODE_POSITION_CLOSED = 10036,
    RETCODE_RETRIES_MAX = 3,
    RETCODE_RETRY_TOTAL_MS = 2000, /* PRICE: of all attempts */
};

struct retcode_rule {
    uint32_t retcode;
    const char *name;
    enum retcode_class class;
    enum retcode_class class_when_spent; /* PRICE, WAIT: what it is when no attempt is left */
    uint32_t retries;
    uint32_t pause_ms; /* before the first retry; WAIT doubles it */
};

/* The rule of a code; closing: the order was to close a position. Unknown codes: ASK. */
const struct retcode_rule *retcode_rule(uint32_t retcode, bool closing);
/* Pause before retry number `retry` (from 1). */
uint32_t retcode_pause_ms(const struct retcode_rule *rule, uint32_t retry);
