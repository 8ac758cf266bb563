/* The simulated market: quotes as a seeded random walk. Core: no I/O, no clock.
 *
 * A symbol's price moves by one step per accepted order of that symbol and never by itself, so the
 * same seed and the same orders always give the same prices, also after a restart from the ledger.
 * Prices are integers in points (10^-digits). */
#pragma once

#include "svc/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MARKET_SYMBOLS_MAX = 512,
    MARKET_NAME_TEXT = 32,
    MARKET_TICK_VALUE_SCALE = 8,
};

struct market_symbol {
    char name[MARKET_NAME_TEXT]; /* as the broker writes it */
    unsigned digits;
    int64_t contract; /* units per lot */
    bool base_is_usd; /* USDJPY: profit in the quote currency; else quoted in USD */
    bool is_pair;     /* of currencies; else a contract for difference */
    const char *currency_base, *currency_profit;
    int64_t start_points; /* where the walk begins; it stays within 10 % of it */
    int64_t mid_points;
    int64_t spread_points;
    uint64_t random; /* this symbol's own stream */
};

struct market {
    struct market_symbol symbols[MARKET_SYMBOLS_MAX];
    size_t count;
};

struct market_quote {
    int64_t bid_points, ask_points;
};

/* names: comma-separated; "" = every symbol known. A known name may carry a broker's suffix
 * ("EURUSD.m") or prefix sign ("#EURUSD"). SVC_REJECT: unknown, doubled or too many. */
enum svc_rc market_init(struct market *market, uint32_t seed, const char *names,
                        struct svc_error *err) SVC_CHECK;
/* Index of a symbol: exact, then in any case, then the only one that begins with the name; -1. */
int market_find(const struct market *market, const char *name);
struct market_quote market_quote_of(const struct market *market, int symbol);
/* USD per point and lot at the present quote, 10^-MARKET_TICK_VALUE_SCALE each: of a loss, which
 * for a symbol with USD as its base is the larger one, at the bid. */
int64_t market_tick_value(const struct market *market, int symbol);
void market_step(struct market *market, int symbol);

/* One number of a splitmix64 stream; also the scripts' dice. */
uint64_t market_random(uint64_t *state);
