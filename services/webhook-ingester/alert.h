/* What an alert says: the members of a scanned JSON object as a normal form, or why it is no usable
 * alert. Only what holds whatever the strategy's settings are is judged here; volume, symbol, age
 * and guards are the dispatcher's (design.md section 3). Core: no I/O, no allocation. */
#pragma once

#include "contracts/codes.h"
#include "contracts/decimal.h"
#include "contracts/messages.h"
#include "json.h"

enum { ALERT_SYMBOL_MAX = MESSAGE_SYMBOL_BYTES_MAX, REFUSAL_TEXT = 128 };

struct refusal {
    enum code code;
    char text[REFUSAL_TEXT]; /* for people; nothing of the body in it */
};

struct alert { /* texts without a length are NUL-terminated, "" where none was sent */
    Tradewire__V1__SignalAction action;
    const char *symbol_raw; /* borrowed from the JSON's nodes, symbol_raw_len bytes */
    size_t symbol_raw_len;
    char symbol[ALERT_SYMBOL_MAX + 1]; /* canonical: alert_symbol() */
    char volume[DECIMAL_TEXT_MAX + 1], sl[DECIMAL_TEXT_MAX + 1], tp[DECIMAL_TEXT_MAX + 1];
    int64_t tv_time_unix_us; /* timenow; 0: none */
    const char *alert_id;    /* borrowed, alert_id_len bytes; NULL: none */
    size_t alert_id_len;
};

/* Member names: symbol, action, volume, sl, tp, timenow, alert_id; upper and lower case are one.
 * null is the same as not given. False: *ret_refusal says why. */
bool alert_read(const struct json *json, struct alert *ret, struct refusal *ret_refusal);

/* The canonical symbol (domain-trading.md 2.4, steps 1 and 2): trimmed; without EXCHANGE: in front
 * and TradingView's .P behind; a currency pair (six letters once / - _ and spaces are out) in upper
 * case and without them; any other name as it was written. False: nothing is left, or more than
 * ALERT_SYMBOL_MAX. */
bool alert_symbol(const char *text, size_t len, char ret[ALERT_SYMBOL_MAX + 1]);

/* timenow: ISO 8601, or an epoch: seconds below 10^11, else milliseconds. False: neither, or not
 * between 1970 and 2100. */
bool alert_time(const char *text, size_t len, int64_t *ret_unix_us);
