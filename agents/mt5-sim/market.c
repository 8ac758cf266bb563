/* Quotes as seeded random walks. */
#include "market.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    unsigned digits;
    int64_t contract;
    bool base_is_usd, is_pair;
    const char *base, *profit;
    int64_t start_points, spread_points;
} known[] = {
    {"EURUSD", 5, 100000, false, true, "EUR", "USD", 108500, 8},
    {"GBPUSD", 5, 100000, false, true, "GBP", "USD", 127000, 12},
    {"USDJPY", 3, 100000, true, true, "USD", "JPY", 150000, 10},
    {"XAUUSD", 2, 100, false, false, "XAU", "USD", 240000, 25},
    {"AUDUSD", 5, 100000, false, true, "AUD", "USD", 66000, 10},
    {"NZDUSD", 5, 100000, false, true, "NZD", "USD", 60500, 14},
    {"USDCHF", 5, 100000, true, true, "USD", "CHF", 88000, 12},
    {"USDCAD", 5, 100000, true, true, "USD", "CAD", 136000, 14},
    {"XAGUSD", 3, 5000, false, false, "XAG", "USD", 29500, 20},
    {"US500", 2, 1, false, false, "USD", "USD", 550000, 60},
    {"BTCUSD", 2, 1, false, false, "BTC", "USD", 6500000, 1500},
};
enum { KNOWN = sizeof known / sizeof known[0] };

uint64_t market_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* The entry whose name stands in `name`, give or take a broker's prefix sign and suffix; -1. */
static int known_index(const char *name)
{
    const char *bare = name + (strchr("#.@", name[0]) && name[0] ? 1 : 0);
    for (int i = 0; i < KNOWN; i++)
        if (strncasecmp(bare, known[i].name, strlen(known[i].name)) == 0)
            return i;
    return -1;
}

static enum svc_rc add_symbol(struct market *market, uint32_t seed, const char *name,
                              struct svc_error *err)
{
    int entry = known_index(name);
    if (entry < 0)
        return svc_fail(err, SVC_REJECT, "bad_symbols", "SIM_SYMBOLS: \"%s\" is not known", name);
    if (market->count == MARKET_SYMBOLS_MAX)
        return svc_fail(err, SVC_REJECT, "bad_symbols", "SIM_SYMBOLS: more than %d",
                        MARKET_SYMBOLS_MAX);
    for (size_t i = 0; i < market->count; i++)
        if (strcmp(market->symbols[i].name, name) == 0)
            return svc_fail(err, SVC_REJECT, "bad_symbols", "SIM_SYMBOLS: \"%s\" twice", name);
    struct market_symbol *symbol = &market->symbols[market->count++];
    *symbol = (struct market_symbol){
        .digits = known[entry].digits,
        .contract = known[entry].contract,
        .base_is_usd = known[entry].base_is_usd,
        .is_pair = known[entry].is_pair,
        .currency_base = known[entry].base,
        .currency_profit = known[entry].profit,
        .start_points = known[entry].start_points,
        .mid_points = known[entry].start_points,
        .spread_points = known[entry].spread_points,
        .random = (uint64_t)seed << 32 | (uint32_t)entry, /* the same walk under any suffix */
    };
    (void)snprintf(symbol->name, sizeof symbol->name, "%s", name);
    return SVC_OK;
}

static enum svc_rc add_all(struct market *market, uint32_t seed, struct svc_error *err)
{
    for (int i = 0; i < KNOWN; i++)
        if (add_symbol(market, seed, known[i].name, err) != SVC_OK)
            return err->rc;
    return SVC_OK;
}

enum svc_rc market_init(struct market *market, uint32_t seed, const char *names,
                        struct svc_error *err)
{
    *market = (struct market){.count = 0};
    if (names[0] == '\0')
        return add_all(market, seed, err);
    while (*names != '\0') {
        char name[MARKET_NAME_TEXT];
        size_t len = strcspn(names, ",");
        if (len == 0 || len >= sizeof name)
            return svc_fail(err, SVC_REJECT, "bad_symbols",
                            "SIM_SYMBOLS: a name is empty or longer than %zu", sizeof name - 1);
        (void)snprintf(name, sizeof name, "%.*s", (int)len, names);
        if (add_symbol(market, seed, name, err) != SVC_OK)
            return err->rc;
        names += len + (names[len] == ',');
    }
    return SVC_OK;
}

static int find_by(const struct market *market, const char *name,
                   int (*compare)(const char *, const char *))
{
    for (size_t i = 0; i < market->count; i++)
        if (compare(market->symbols[i].name, name) == 0)
            return (int)i;
    return -1;
}

int market_find(const struct market *market, const char *name)
{
    int found = find_by(market, name, strcmp);
    if (found < 0)
        found = find_by(market, name, strcasecmp);
    if (found >= 0 || strlen(name) < 5) /* a short beginning would be a guess */
        return found;
    for (size_t i = 0; i < market->count; i++) {
        if (strncasecmp(market->symbols[i].name, name, strlen(name)) != 0)
            continue;
        if (found >= 0)
            return -1; /* two candidates: never guess */
        found = (int)i;
    }
    return found;
}

struct market_quote market_quote_of(const struct market *market, int symbol)
{
    const struct market_symbol *s = &market->symbols[symbol];
    return (struct market_quote){s->mid_points - s->spread_points / 2,
                                 s->mid_points - s->spread_points / 2 + s->spread_points};
}

int64_t market_tick_value(const struct market *market, int symbol)
{
    const struct market_symbol *s = &market->symbols[symbol];
    int64_t bid_points = market_quote_of(market, symbol).bid_points;
    int64_t scaled = s->contract;
    /* A point is contract * 10^-digits of the quote currency; that in USD is contract / points. */
    for (unsigned i = 0; i < MARKET_TICK_VALUE_SCALE; i++)
        scaled *= 10;
    if (s->base_is_usd)
        return (scaled + bid_points / 2) / bid_points;
    for (unsigned i = 0; i < s->digits; i++)
        scaled /= 10;
    return scaled;
}

void market_step(struct market *market, int symbol)
{
    struct market_symbol *s = &market->symbols[symbol];
    int64_t reach = s->spread_points + 1;
    int64_t move = (int64_t)(market_random(&s->random) % (uint64_t)(2 * reach + 1)) - reach;
    int64_t edge = s->start_points / 10;
    if (s->mid_points + move > s->start_points + edge ||
        s->mid_points + move < s->start_points - edge)
        move = -move;
    s->mid_points += move;
}
