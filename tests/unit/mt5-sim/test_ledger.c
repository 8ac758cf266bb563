/* The ledger: what is in a line, and that a broker rebuilt from it is the same broker. */
#include "ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

struct bench {
    struct market market;
    struct broker broker;
    struct ledger *ledger;
    size_t cut;
};

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/test_ledger.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    return close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static enum svc_rc try_open(struct bench *b, enum broker_mode mode, uint64_t login,
                            struct svc_error *err)
{
    memset(b, 0, sizeof *b);
    assert_int_equal(market_init(&b->market, 5, "EURUSD,USDJPY", err), SVC_OK);
    broker_init(&b->broker, &b->market, mode, login, 100000000);
    return ledger_open(path, &b->broker, &b->ledger, &b->cut, err);
}

static void open_bench(struct bench *b, enum broker_mode mode)
{
    struct svc_error err = {.rc = SVC_OK};
    if (try_open(b, mode, 100005, &err) != SVC_OK)
        fail_msg("%s", err.text);
}

static void close_bench(struct bench *b)
{
    ledger_close(&b->ledger);
    broker_done(&b->broker);
}

static void trade(struct bench *b, struct broker_order order, int64_t time)
{
    struct broker_deal deal;
    struct svc_error err;
    uint32_t verdict = broker_judge(&b->broker, &order, 100, &deal);
    if (verdict != RETCODE_DONE)
        return;
    deal.time_unix_us = time;
    assert_int_equal(ledger_append(b->ledger, &b->broker, &deal, &err), SVC_OK);
    broker_apply(&b->broker, &deal);
}

static void line_has_what_tests_read(void **state)
{
    (void)state;
    struct bench b;
    char line[1024] = "";
    open_bench(&b, BROKER_HEDGING);
    struct broker_order order = {
        .symbol = 0, .volume = 10, .magic = UINT64_C(9007199254740991), .sl_points = 100000};
    memcpy(order.comment, "TOKEN \"x\"", 10);
    trade(&b, order, INT64_C(1769776496123456));
    close_bench(&b);
    FILE *file = fopen(path, "r");
    assert_non_null(fgets(line, sizeof line, file));
    (void)fclose(file);
    static const char *const members[] = {
        "{\"ticket\":\"1000050000001\"",
        "\"deal\":\"1000055000001\"",
        "\"position\":\"1000050000001\"",
        "\"magic\":9007199254740991",
        "\"comment\":\"TOKEN \\\"x\\\"\"",
        "\"symbol\":\"EURUSD\"",
        "\"side\":\"buy\"",
        "\"volume\":\"0.10\"",
        "\"price\":\"1.08504\"",
        "\"sl\":\"1.00000\"",
        "\"entry\":\"in\"",
        "\"time\":\"2026-01-30T12:34:56.123456Z\"}\n",
    };
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (strstr(line, members[i]) == NULL)
            fail_msg("%s is not in %s", members[i], line);
}

static void rebuilt_broker_is_the_same(void **state)
{
    (void)state;
    for (int mode = BROKER_HEDGING; mode <= BROKER_NETTING; mode++) {
        struct bench live, rebuilt;
        uint64_t dice = 9;
        assert_int_equal(truncate(path, 0), 0);
        open_bench(&live, (enum broker_mode)mode);
        for (int i = 0; i < 500; i++) {
            struct broker_order order = {.symbol = (int)(market_random(&dice) % 2),
                                         .sell = market_random(&dice) % 2 == 0,
                                         .volume = 1 + (int64_t)(market_random(&dice) % 20),
                                         .magic = 1000 + (uint64_t)i};
            if (live.broker.position_count > 0 && market_random(&dice) % 3 == 0) {
                const struct broker_position *p =
                    &live.broker.positions[market_random(&dice) % live.broker.position_count];
                order.symbol = p->symbol;
                order.sell = !p->sell;
                order.position = p->ticket;
                order.volume = order.volume < p->volume ? order.volume : p->volume;
            }
            trade(&live, order, INT64_C(1700000000000000) + i);
        }
        ledger_close(&live.ledger); /* the lock goes with it */
        open_bench(&rebuilt, (enum broker_mode)mode);
        assert_int_equal(rebuilt.cut, 0);
        assert_true(live.broker.deal_count > 400);
        assert_int_equal(rebuilt.broker.deal_count, live.broker.deal_count);
        assert_int_equal(rebuilt.broker.balance_cents, live.broker.balance_cents);
        assert_int_equal(rebuilt.broker.position_count, live.broker.position_count);
        assert_memory_equal(rebuilt.broker.positions, live.broker.positions,
                            live.broker.position_count * sizeof *live.broker.positions);
        assert_memory_equal(&rebuilt.market, &live.market, sizeof live.market);
        close_bench(&rebuilt);
        broker_done(&live.broker);
    }
}

/* kill -9 in the middle of the write: the order was never answered, so it never was. */
static void torn_line_is_cut_at_every_byte(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, BROKER_HEDGING);
    trade(&b, (struct broker_order){.symbol = 0, .volume = 1, .magic = 1}, 1000);
    trade(&b, (struct broker_order){.symbol = 1, .volume = 2, .magic = 2}, 2000);
    close_bench(&b);
    char whole[2048];
    FILE *file = fopen(path, "r");
    size_t len = fread(whole, 1, sizeof whole, file);
    (void)fclose(file);
    size_t first = (size_t)((char *)memchr(whole, '\n', len) - whole) + 1;
    for (size_t cut = first; cut < len; cut++) {
        file = fopen(path, "w");
        assert_int_equal(fwrite(whole, 1, cut, file), cut);
        (void)fclose(file);
        open_bench(&b, BROKER_HEDGING);
        assert_int_equal(b.broker.deal_count, 1);
        assert_int_equal(b.cut, cut - first);
        trade(&b, (struct broker_order){.symbol = 0, .volume = 3, .magic = 3}, 3000);
        close_bench(&b);
        open_bench(&b, BROKER_HEDGING);
        assert_int_equal(b.broker.deal_count, 2);
        assert_int_equal(b.cut, 0);
        close_bench(&b);
    }
}

static void wrong_lines_stop_it(void **state)
{
    (void)state;
    struct bench b;
    struct svc_error err = {.rc = SVC_OK};
    open_bench(&b, BROKER_HEDGING);
    trade(&b, (struct broker_order){.symbol = 0, .volume = 1, .magic = 1}, 1000);
    struct bench second;
    assert_int_equal(try_open(&second, BROKER_HEDGING, 100005, &err), SVC_AGAIN);
    assert_string_equal(err.code, "ledger_locked");
    broker_done(&second.broker);
    close_bench(&b);
    assert_int_equal(try_open(&b, BROKER_HEDGING, 100006, &err), SVC_REJECT); /* other account */
    assert_string_equal(err.code, "bad_ledger");
    close_bench(&b);
    FILE *file = fopen(path, "a");
    (void)fputs("{\"ticket\":\"1\"}\n", file);
    (void)fclose(file);
    assert_int_equal(try_open(&b, BROKER_HEDGING, 100005, &err), SVC_REJECT);
    assert_non_null(strstr(err.text, "line 2"));
    close_bench(&b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(line_has_what_tests_read),
        TEST(rebuilt_broker_is_the_same),
        TEST(torn_line_is_cut_at_every_byte),
        TEST(wrong_lines_stop_it),
    };
    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
