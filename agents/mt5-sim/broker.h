/* The simulated broker: accounts, positions, orders and deals. Core: no I/O; the time comes in.
 *
 * An order goes through three steps, so that the ledger stands between decision and effect:
 *     broker_judge (what would happen?) → ledger_append (durable) → broker_apply (now it happened)
 * A restart reads the ledger and applies every line again, which is all the memory a broker needs.
 *
 * Volumes are in hundredths of a lot, money in cents of USD, prices in points of the symbol, times
 * in µs UTC. Every order fills at once and in one deal; stops are kept and shown, never triggered.
 */
#pragma once

#include "market.h"

enum broker_mode { BROKER_HEDGING, BROKER_NETTING, BROKER_EXCHANGE };
enum broker_entry { BROKER_IN, BROKER_OUT, BROKER_INOUT };

enum {
    BROKER_COMMENT_TEXT = 32, /* the platform's 31 characters */
    BROKER_VOLUME_MIN = 1,
    BROKER_VOLUME_MAX = 50000,
    BROKER_LEVERAGE = 100,
};

enum { /* the return codes this broker uses */
       RETCODE_REQUOTE = 10004,
       RETCODE_DONE = 10009,
       RETCODE_DONE_PARTIAL = 10010,
       RETCODE_INVALID_VOLUME = 10014,
       RETCODE_INVALID_STOPS = 10016,
       RETCODE_MARKET_CLOSED = 10018,
       RETCODE_NO_MONEY = 10019,
       RETCODE_POSITION_CLOSED = 10036,
       RETCODE_INVALID_CLOSE_VOLUME = 10038,
};

struct broker_order { /* what a terminal asks for */
    int symbol;
    bool sell;
    int64_t volume;
    uint64_t position;            /* ticket to close; 0: a new order */
    int64_t sl_points, tp_points; /* 0: none */
    uint64_t magic;
    char comment[BROKER_COMMENT_TEXT];
};

struct broker_deal { /* an accepted order and its one deal: a line of the ledger */
    uint64_t order, deal, position;
    uint64_t closes; /* ticket named by the order, 0: none */
    int symbol;
    bool sell;
    enum broker_entry entry;
    int64_t volume, requested_volume, price_points, profit_cents;
    int64_t sl_points, tp_points;
    uint64_t magic;
    char comment[BROKER_COMMENT_TEXT];
    int64_t time_unix_us;
};

struct broker_position {
    uint64_t ticket; /* = the opening order's, and the identifier its deals carry */
    int symbol;
    bool sell;
    int64_t volume, open_points, sl_points, tp_points;
    uint64_t magic;
    char comment[BROKER_COMMENT_TEXT];
    int64_t open_unix_us;
};

struct broker {
    struct market *market; /* borrowed */
    enum broker_mode mode;
    uint64_t login;
    int64_t balance_cents;
    struct broker_position *positions; /* owned; by ticket, ascending */
    size_t position_count, position_capacity;
    struct broker_deal *deals; /* owned; the history, in order */
    size_t deal_count, deal_capacity;
};

void broker_init(struct broker *broker, struct market *market, enum broker_mode mode,
                 uint64_t login, int64_t balance_cents);
void broker_done(struct broker *broker);

/* What this order would do now. RETCODE_DONE or RETCODE_DONE_PARTIAL fill *ret_deal (all but the
 * time), with the next tickets; anything else is a refusal and changes nothing.
 * part_percent: how much of it fills, 100 = all; never less than one hundredth of a lot. */
uint32_t broker_judge(const struct broker *broker, const struct broker_order *order,
                      unsigned part_percent, struct broker_deal *ret_deal);
/* Make it so: position, balance, history, and the symbol's next price. */
void broker_apply(struct broker *broker, const struct broker_deal *deal);

/* Floating profit of a position at the present quote, and of all. */
int64_t broker_profit_cents(const struct broker *broker, const struct broker_position *position);
int64_t broker_floating_cents(const struct broker *broker);
/* Margin of a volume of a symbol at the present price, and of all positions. */
int64_t broker_margin_cents(const struct broker *broker, int symbol, int64_t volume);
int64_t broker_margin_used_cents(const struct broker *broker);

/* Deals that belong together, as a search in the history finds them. */
struct broker_match {
    const struct broker_deal *last; /* NULL: none */
    int64_t volume, profit_cents;
    int64_t price_points; /* volume-weighted, rounded to a point */
};
/* The deals of one magic, or (magic 0) whose comment begins with token, from a time on. */
void broker_match_order(const struct broker *broker, uint64_t magic, const char *token,
                        int64_t from_unix_us, struct broker_match *ret);
/* The deals that closed a position; none while any of it is open. */
void broker_match_closing(const struct broker *broker, uint64_t position, struct broker_match *ret);

/* Profit in cents of closing `volume` opened at one price and closed at another. */
int64_t broker_profit_of(const struct broker *broker, int symbol, bool sell, int64_t volume,
                         int64_t open_points, int64_t close_points);
