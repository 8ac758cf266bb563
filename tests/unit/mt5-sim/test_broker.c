/* The broker's arithmetic and bookkeeping, in both margin modes. */
#include "broker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { EURUSD, USDJPY, XAUUSD };

struct bench {
    struct market market;
    struct broker broker;
    int64_t time;
};

static const struct broker_position *position_of(const struct broker *broker, uint64_t ticket)
{
    for (size_t i = 0; i < broker->position_count; i++)
        if (broker->positions[i].ticket == ticket)
            return &broker->positions[i];
    return NULL;
}

static struct bench *new_bench(enum broker_mode mode)
{
    struct bench *b = calloc(1, sizeof *b);
    struct svc_error err;
    assert_int_equal(market_init(&b->market, 1, "EURUSD,USDJPY,XAUUSD", &err), SVC_OK);
    broker_init(&b->broker, &b->market, mode, 100001, 100000000);
    b->time = 1000;
    return b;
}

static void free_bench(struct bench *b)
{
    broker_done(&b->broker);
    free(b);
}

static uint32_t trade(struct bench *b, struct broker_order order, struct broker_deal *ret)
{
    uint32_t verdict = broker_judge(&b->broker, &order, 100, ret);
    if (verdict == RETCODE_DONE) {
        ret->time_unix_us = b->time++;
        broker_apply(&b->broker, ret);
    }
    return verdict;
}

static struct broker_deal must(struct bench *b, struct broker_order order)
{
    struct broker_deal deal;
    assert_int_equal(trade(b, order, &deal), RETCODE_DONE);
    return deal;
}

static void profits(void **state)
{
    (void)state;
    struct bench *b = new_bench(BROKER_HEDGING);
    static const struct {
        int symbol;
        bool sell;
        int64_t volume, open, close, cents;
    } rows[] = {
        {EURUSD, false, 100, 108500, 108600, 10000}, /* 1 lot, 10 pips */
        {EURUSD, true, 100, 108500, 108600, -10000},
        {EURUSD, false, 1, 108500, 108501, 1},       /* one point of 0.01 lot is one cent */
        {XAUUSD, false, 10, 240000, 240500, 5000},   /* 0.1 lot of 100 ounces, 5 dollars */
        {USDJPY, false, 100, 150000, 151500, 99010}, /* 150,000 yen at 151.500 */
        {USDJPY, true, 100, 151500, 150000, 100000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(broker_profit_of(&b->broker, rows[i].symbol, rows[i].sell, rows[i].volume,
                                          rows[i].open, rows[i].close),
                         rows[i].cents);
    free_bench(b);
}

static void orders_fill_at_bid_and_ask(void **state)
{
    (void)state;
    struct bench *b = new_bench(BROKER_HEDGING);
    struct market_quote quote = market_quote_of(&b->market, EURUSD);
    struct broker_deal deal = must(b, (struct broker_order){.symbol = EURUSD, .volume = 10});
    assert_int_equal(deal.price_points, quote.ask_points);
    assert_int_equal(deal.position, deal.order);
    assert_int_equal(deal.entry, BROKER_IN);
    quote = market_quote_of(&b->market, EURUSD);
    deal = must(b, (struct broker_order){.symbol = EURUSD, .volume = 10, .sell = true});
    assert_int_equal(deal.price_points, quote.bid_points);
    assert_int_equal(b->broker.position_count, 2);
    free_bench(b);
}

static void tickets_are_unique_and_exact_in_doubles(void **state)
{
    (void)state;
    struct bench *b = new_bench(BROKER_HEDGING);
    uint64_t last = 0;
    for (int i = 0; i < 100; i++) {
        struct broker_deal deal = must(b, (struct broker_order){.symbol = EURUSD, .volume = 1});
        assert_true(deal.order > last && deal.deal > deal.order);
        assert_true(deal.deal < UINT64_C(1) << 53);
        last = deal.order;
    }
    free_bench(b);
}

static void refusals_change_nothing(void **state)
{
    (void)state;
    struct bench *b = new_bench(BROKER_HEDGING);
    struct broker_deal open = must(b, (struct broker_order){.symbol = EURUSD, .volume = 10});
    const struct {
        struct broker_order order;
        uint32_t retcode;
    } rows[] = {
        {{.symbol = EURUSD, .volume = 0}, RETCODE_INVALID_VOLUME},
        {{.symbol = EURUSD, .volume = -1}, RETCODE_INVALID_VOLUME},
        {{.symbol = EURUSD, .volume = BROKER_VOLUME_MAX + 1}, RETCODE_INVALID_VOLUME},
        {{.symbol = EURUSD, .volume = 10, .sl_points = 200000}, RETCODE_INVALID_STOPS},
        {{.symbol = EURUSD, .volume = 10, .tp_points = 1}, RETCODE_INVALID_STOPS},
        {{.symbol = EURUSD, .volume = 10, .sell = true, .sl_points = 1}, RETCODE_INVALID_STOPS},
        {{.symbol = XAUUSD, .volume = BROKER_VOLUME_MAX}, RETCODE_NO_MONEY},
        {{.symbol = EURUSD, .volume = 10, .sell = true, .position = 5}, RETCODE_POSITION_CLOSED},
        {{.symbol = EURUSD, .volume = 11, .sell = true, .position = open.order},
         RETCODE_INVALID_CLOSE_VOLUME},
        {{.symbol = EURUSD, .volume = 10, .position = open.order}, RETCODE_INVALID_CLOSE_VOLUME},
        {{.symbol = USDJPY, .volume = 10, .sell = true, .position = open.order},
         RETCODE_INVALID_CLOSE_VOLUME},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct broker_deal deal;
        if (trade(b, rows[i].order, &deal) != rows[i].retcode)
            fail_msg("row %zu", i);
    }
    assert_int_equal(b->broker.deal_count, 1);
    assert_int_equal(b->broker.position_count, 1);
    free_bench(b);
}

static void hedging_closes_by_ticket(void **state)
{
    (void)state;
    struct bench *b = new_bench(BROKER_HEDGING);
    struct broker_deal first = must(b, (struct broker_order){.symbol = EURUSD, .volume = 10}),
                       second = must(b, (struct broker_order){.symbol = EURUSD, .volume = 20});
    int64_t before = b->broker.balance_cents;
    struct broker_deal part = must(
        b, (struct broker_order){
               .symbol = EURUSD, .volume = 5, .sell = true, .position = second.order, .magic = 99});
    assert_int_equal(part.entry, BROKER_OUT);
    assert_int_equal(part.position, second.order);
    assert_int_equal(position_of(&b->broker, second.order)->volume, 15);
    assert_int_equal(position_of(&b->broker, first.order)->volume, 10);
    assert_int_equal(b->broker.balance_cents, before + part.profit_cents);
    assert_int_equal(part.profit_cents, (part.price_points - second.price_points) * 5);
    struct broker_match match;
    broker_match_closing(&b->broker, second.order, &match);
    assert_null(match.last); /* still open */
    (void)must(b, (struct broker_order){
                      .symbol = EURUSD, .volume = 15, .sell = true, .position = second.order});
    assert_null(position_of(&b->broker, second.order));
    broker_match_closing(&b->broker, second.order, &match);
    assert_int_equal(match.volume, 20); /* the closing deals only, both of them */
    broker_match_order(&b->broker, 99, NULL, 0, &match);
    assert_int_equal(match.last->deal, part.deal);
    free_bench(b);
}

static void netting_keeps_one_position(void **state)
{
    (void)state;
    struct bench *b = new_bench(BROKER_NETTING);
    struct broker_deal first = must(b, (struct broker_order){.symbol = EURUSD, .volume = 10}),
                       more = must(b, (struct broker_order){.symbol = EURUSD, .volume = 30});
    const struct broker_position *p = position_of(&b->broker, first.order);
    assert_int_equal(b->broker.position_count, 1);
    assert_int_equal(p->volume, 40);
    assert_int_equal(p->open_points, (first.price_points * 10 + more.price_points * 30 + 20) / 40);
    struct broker_deal less =
        must(b, (struct broker_order){.symbol = EURUSD, .volume = 15, .sell = true});
    assert_int_equal(less.entry, BROKER_OUT);
    assert_int_equal(position_of(&b->broker, first.order)->volume, 25);
    struct broker_deal turn =
        must(b, (struct broker_order){.symbol = EURUSD, .volume = 40, .sell = true});
    assert_int_equal(turn.entry, BROKER_INOUT);
    p = position_of(&b->broker, first.order);
    assert_true(p->sell);
    assert_int_equal(p->volume, 15);
    assert_int_equal(p->open_points, turn.price_points);
    (void)must(b, (struct broker_order){.symbol = EURUSD, .volume = 15});
    assert_int_equal(b->broker.position_count, 0);
    free_bench(b);
}

static void part_fills(void **state)
{
    (void)state;
    struct bench *b = new_bench(BROKER_HEDGING);
    struct broker_deal deal;
    const struct broker_order order = {.symbol = EURUSD, .volume = 10};
    assert_int_equal(broker_judge(&b->broker, &order, 45, &deal), RETCODE_DONE_PARTIAL);
    assert_int_equal(deal.volume, 4);
    assert_int_equal(deal.requested_volume, 10);
    assert_int_equal(broker_judge(&b->broker, &order, 1, &deal), RETCODE_DONE_PARTIAL);
    assert_int_equal(deal.volume, 1);
    free_bench(b);
}

static void history_is_searched(void **state)
{
    (void)state;
    struct bench *b = new_bench(BROKER_HEDGING);
    struct broker_order order = {.symbol = EURUSD, .volume = 10, .magic = 42};
    memcpy(order.comment, "TOKEN text", 11);
    struct broker_deal deal = must(b, order);
    struct broker_match match;
    broker_match_order(&b->broker, 42, NULL, deal.time_unix_us, &match);
    assert_int_equal(match.last->order, deal.order);
    assert_int_equal(match.price_points, deal.price_points);
    broker_match_order(&b->broker, 42, NULL, deal.time_unix_us + 1, &match);
    assert_null(match.last);
    broker_match_order(&b->broker, 43, NULL, 0, &match);
    assert_null(match.last);
    broker_match_order(&b->broker, 0, "TOKEN", 0, &match);
    assert_int_equal(match.last->order, deal.order);
    broker_match_order(&b->broker, 0, "OTHER", 0, &match);
    assert_null(match.last);
    free_bench(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profits),
        cmocka_unit_test(orders_fill_at_bid_and_ask),
        cmocka_unit_test(tickets_are_unique_and_exact_in_doubles),
        cmocka_unit_test(refusals_change_nothing),
        cmocka_unit_test(hedging_closes_by_ticket),
        cmocka_unit_test(netting_keeps_one_position),
        cmocka_unit_test(part_fills),
        cmocka_unit_test(history_is_searched),
    };
    return cmocka_run_group_tests_name("broker", tests, NULL, NULL);
}
