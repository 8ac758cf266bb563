#include "market.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct market market_of(uint32_t seed, const char *names)
{
    struct market market;
    struct svc_error err = {.rc = SVC_OK};
    if (market_init(&market, seed, names, &err) != SVC_OK)
        fail_msg("%s", err.text);
    return market;
}

static void same_seed_same_prices(void **state)
{
    (void)state;
    struct market a = market_of(7, ""), b = market_of(7, ""), c = market_of(8, "");
    int differs = 0;
    for (int step = 0; step < 1000; step++) {
        for (int symbol = 0; symbol < (int)a.count; symbol++) {
            market_step(&a, symbol);
            market_step(&b, symbol);
            market_step(&c, symbol);
            struct market_quote x = market_quote_of(&a, symbol), y = market_quote_of(&b, symbol);
            assert_memory_equal(&x, &y, sizeof x);
            differs += x.bid_points != market_quote_of(&c, symbol).bid_points;
        }
    }
    assert_true(differs > 1000);
}

static void quotes_are_sane(void **state)
{
    (void)state;
    struct market m = market_of(1, "");
    int moved = 0;
    for (int step = 0; step < 20000; step++) {
        int symbol = step % (int)m.count;
        struct market_quote before = market_quote_of(&m, symbol);
        market_step(&m, symbol);
        struct market_quote q = market_quote_of(&m, symbol);
        const struct market_symbol *s = &m.symbols[symbol];
        assert_int_equal(q.ask_points - q.bid_points, s->spread_points);
        assert_in_range(s->mid_points, s->start_points * 9 / 10, s->start_points * 11 / 10);
        moved += q.bid_points != before.bid_points;
    }
    assert_true(moved > 15000);
}

static void symbols_are_found(void **state)
{
    (void)state;
    struct market m = market_of(1, "EURUSD.m,#GBPUSD,USDJPY,EURUSD.pro,XAUUSDc");
    assert_int_equal(market_find(&m, "EURUSD.m"), 0);
    assert_int_equal(market_find(&m, "eurusd.M"), 0);
    assert_int_equal(market_find(&m, "EURUSD"), -1); /* two candidates */
    assert_int_equal(market_find(&m, "XAUUSD"), 4);
    assert_int_equal(market_find(&m, "usdjpy"), 2);
    assert_int_equal(market_find(&m, "US"), -1);
    assert_int_equal(market_find(&m, ""), -1);
    assert_int_equal(market_find(&m, "NZDUSD"), -1);
}

static void bad_lists_are_refused(void **state)
{
    (void)state;
    static const char *const lists[] = {"FOOBAR", "EURUSD,,GBPUSD", ",", "EURUSD,EURUSD",
                                        "EURUSD.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct market market;
        struct svc_error err = {.rc = SVC_OK};
        assert_int_equal(market_init(&market, 1, lists[i], &err), SVC_REJECT);
        assert_string_equal(err.code, "bad_symbols");
    }
}

/* What one tick is worth is what the broker pays for it: profit of one lot over one point. */
static void a_tick_is_worth_what_the_broker_pays(void **state)
{
    (void)state;
    struct market m = market_of(1, "");
    static const struct {
        const char *name;
        int64_t value; /* 10^-8 USD */
    } rows[] = {
        {"EURUSD", 100000000}, {"XAUUSD", 100000000}, {"XAGUSD", 500000000}, {"US500", 1000000},
        {"BTCUSD", 1000000},   {"USDJPY", 66668889},  {"USDCHF", 113644112}, {"USDCAD", 73533197},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(market_tick_value(&m, market_find(&m, rows[i].name)), rows[i].value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_prices),
        cmocka_unit_test(quotes_are_sane),
        cmocka_unit_test(symbols_are_found),
        cmocka_unit_test(bad_lists_are_refused),
        cmocka_unit_test(a_tick_is_worth_what_the_broker_pays),
    };
    return cmocka_run_group_tests_name("market", tests, NULL, NULL);
}
