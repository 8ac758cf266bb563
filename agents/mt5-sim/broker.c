/* Orders, positions and deals. Money is in broker_margin.c. */
#include "broker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Order tickets are login * 10^7 + n and deals 5 * 10^6 above them: no two simulated accounts share
 * one, and all stay below 2^53. */
enum { TICKETS_PER_LOGIN = 10000000, DEAL_TICKETS_FROM = 5000000 };

void broker_init(struct broker *broker, struct market *market, enum broker_mode mode,
                 uint64_t login, int64_t balance_cents)
{
    *broker = (struct broker){
        .market = market, .mode = mode, .login = login, .balance_cents = balance_cents};
}

void broker_done(struct broker *broker)
{
    free(broker->positions);
    free(broker->deals);
    broker->positions = NULL;
    broker->deals = NULL;
    broker->position_count = broker->deal_count = 0;
    broker->position_capacity = broker->deal_capacity = 0;
}

/* Room for one more. A simulator that has no memory left cannot keep its promise about the ledger.
 */
static void *grown(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? 64 : *capacity * 2;
    void *more = realloc(items, *capacity * size);
    if (more == NULL)
        abort();
    return more;
}

static struct broker_position *find_position(const struct broker *broker, uint64_t ticket)
{
    for (size_t i = 0; i < broker->position_count; i++)
        if (broker->positions[i].ticket == ticket)
            return &broker->positions[i];
    return NULL;
}

static struct broker_position *position_of_symbol(const struct broker *broker, int symbol)
{
    for (size_t i = 0; i < broker->position_count; i++)
        if (broker->positions[i].symbol == symbol)
            return &broker->positions[i];
    return NULL;
}

/* Stops on the wrong side of the price that a position of this side would be closed at. */
static bool stops_wrong(const struct broker_order *order, struct market_quote quote)
{
    int64_t close_at = order->sell ? quote.ask_points : quote.bid_points;
    int64_t sign = order->sell ? -1 : 1;
    if (order->sl_points != 0 && sign * (close_at - order->sl_points) <= 0)
        return true;
    return order->tp_points != 0 && sign * (order->tp_points - close_at) <= 0;
}

static uint32_t judge_close(const struct broker *broker, const struct broker_order *order)
{
    const struct broker_position *position = find_position(broker, order->position);
    if (position == NULL)
        return RETCODE_POSITION_CLOSED;
    if (position->symbol != order->symbol || position->sell == order->sell ||
        order->volume > position->volume)
        return RETCODE_INVALID_CLOSE_VOLUME;
    return RETCODE_DONE;
}

static uint32_t judge_open(const struct broker *broker, const struct broker_order *order,
                           struct market_quote quote)
{
    if (stops_wrong(order, quote))
        return RETCODE_INVALID_STOPS;
    int64_t free_cents =
        broker->balance_cents + broker_floating_cents(broker) - broker_margin_used_cents(broker);
    if (broker_margin_cents(broker, order->symbol, order->volume) > free_cents)
        return RETCODE_NO_MONEY;
    return RETCODE_DONE;
}

/* Where the deal goes: its position, its entry, and what it earns. */
static void place(const struct broker *broker, struct broker_deal *deal)
{
    const struct broker_position *against = NULL;
    if (deal->closes != 0)
        against = find_position(broker, deal->closes);
    else if (broker->mode != BROKER_HEDGING)
        against = position_of_symbol(broker, deal->symbol);
    deal->position = against == NULL ? deal->order : against->ticket;
    deal->entry = BROKER_IN;
    if (against == NULL || against->sell == deal->sell)
        return;
    int64_t closed = deal->volume < against->volume ? deal->volume : against->volume;
    deal->entry = deal->volume > against->volume ? BROKER_INOUT : BROKER_OUT;
    deal->profit_cents = broker_profit_of(broker, deal->symbol, against->sell, closed,
                                          against->open_points, deal->price_points);
}

static int64_t part_of(int64_t volume, unsigned percent)
{
    int64_t part = volume * (int64_t)percent / 100;
    return part < BROKER_VOLUME_MIN ? BROKER_VOLUME_MIN : part;
}

uint32_t broker_judge(const struct broker *broker, const struct broker_order *order,
                      unsigned part_percent, struct broker_deal *ret_deal)
{
    if (order->volume < BROKER_VOLUME_MIN || order->volume > BROKER_VOLUME_MAX)
        return RETCODE_INVALID_VOLUME;
    struct market_quote quote = market_quote_of(broker->market, order->symbol);
    uint32_t verdict =
        order->position != 0 ? judge_close(broker, order) : judge_open(broker, order, quote);
    if (verdict != RETCODE_DONE)
        return verdict;
    struct broker_deal deal = {
        .order = broker->login * TICKETS_PER_LOGIN + broker->deal_count + 1,
        .closes = order->position,
        .symbol = order->symbol,
        .sell = order->sell,
        .volume = part_of(order->volume, part_percent),
        .requested_volume = order->volume,
        .price_points = order->sell ? quote.bid_points : quote.ask_points,
        .sl_points = order->sl_points,
        .tp_points = order->tp_points,
        .magic = order->magic,
    };
    deal.deal = deal.order + DEAL_TICKETS_FROM;
    memcpy(deal.comment, order->comment, sizeof deal.comment);
    place(broker, &deal);
    *ret_deal = deal;
    return deal.volume < deal.requested_volume ? RETCODE_DONE_PARTIAL : RETCODE_DONE;
}

static void open_position(struct broker *broker, const struct broker_deal *deal, int64_t volume)
{
    broker->positions = grown(broker->positions, broker->position_count, &broker->position_capacity,
                              sizeof *broker->positions);
    size_t at = broker->position_count++;
    for (; at > 0 && broker->positions[at - 1].ticket > deal->position; at--)
        broker->positions[at] = broker->positions[at - 1];
    struct broker_position *position = &broker->positions[at];
    *position = (struct broker_position){
        .ticket = deal->position,
        .symbol = deal->symbol,
        .sell = deal->sell,
        .volume = volume,
        .open_points = deal->price_points,
        .sl_points = deal->sl_points,
        .tp_points = deal->tp_points,
        .magic = deal->magic,
        .open_unix_us = deal->time_unix_us,
    };
    memcpy(position->comment, deal->comment, sizeof position->comment);
}

static void remove_position(struct broker *broker, const struct broker_position *position)
{
    size_t at = (size_t)(position - broker->positions);
    memmove(&broker->positions[at], &broker->positions[at + 1],
            (broker->position_count - at - 1) * sizeof *broker->positions);
    broker->position_count--;
}

static void add_to(struct broker_position *position, const struct broker_deal *deal)
{
    int64_t volume = position->volume + deal->volume;
    position->open_points = (position->open_points * position->volume +
                             deal->price_points * deal->volume + volume / 2) /
                            volume;
    position->volume = volume;
}

void broker_apply(struct broker *broker, const struct broker_deal *deal)
{
    struct broker_position *position = find_position(broker, deal->position);
    if (position == NULL) {
        open_position(broker, deal, deal->volume);
    } else if (deal->entry == BROKER_IN) {
        add_to(position, deal);
    } else if (deal->volume < position->volume) {
        position->volume -= deal->volume;
    } else {
        int64_t beyond = deal->volume - position->volume;
        remove_position(broker, position);
        if (beyond > 0) /* netting: the deal turned the position round, under the same identifier */
            open_position(broker, deal, beyond);
    }
    broker->balance_cents += deal->profit_cents;
    broker->deals =
        grown(broker->deals, broker->deal_count, &broker->deal_capacity, sizeof *broker->deals);
    broker->deals[broker->deal_count++] = *deal;
    market_step(broker->market, deal->symbol);
}

struct sum {
    struct broker_match *match;
    int64_t price_volume;
};

static void add_deal(struct sum *sum, const struct broker_deal *deal)
{
    sum->match->last = deal;
    sum->match->volume += deal->volume;
    sum->match->profit_cents += deal->profit_cents;
    sum->price_volume += deal->price_points * deal->volume;
    sum->match->price_points = (sum->price_volume + sum->match->volume / 2) / sum->match->volume;
}

void broker_match_order(const struct broker *broker, uint64_t magic, const char *token,
                        int64_t from_unix_us, struct broker_match *ret)
{
    *ret = (struct broker_match){.last = NULL};
    struct sum sum = {.match = ret};
    for (size_t i = 0; i < broker->deal_count; i++) {
        const struct broker_deal *deal = &broker->deals[i];
        bool ours =
            magic != 0 ? deal->magic == magic : strncmp(deal->comment, token, strlen(token)) == 0;
        if (ours && deal->time_unix_us >= from_unix_us)
            add_deal(&sum, deal);
    }
}

void broker_match_closing(const struct broker *broker, uint64_t position, struct broker_match *ret)
{
    *ret = (struct broker_match){.last = NULL};
    if (find_position(broker, position) != NULL)
        return;
    struct sum sum = {.match = ret};
    for (size_t i = 0; i < broker->deal_count; i++)
        if (broker->deals[i].position == position && broker->deals[i].entry != BROKER_IN)
            add_deal(&sum, &broker->deals[i]);
}
