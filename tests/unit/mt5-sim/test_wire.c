/* The simulator's side of the protocol: what it takes, and that searches and pages are complete. */
#include "wire.h"
#include "wire/jsonline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct market market;
static struct broker broker;
static const struct wire_terminal terminal = {.token = "t",
                                              .login = "100001",
                                              .server = "S",
                                              .margin_mode = "hedging",
                                              .version = "v",
                                              .clock_us = 1000000,
                                              .server_offset_s = 7200,
                                              .trade_connected = true};

static int set_up(void **state)
{
    (void)state;
    struct svc_error err;
    assert_int_equal(market_init(&market, 1, "EURUSD,USDJPY", &err), SVC_OK);
    broker_init(&broker, &market, BROKER_HEDGING, 100001, 100000000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    broker_done(&broker);
    return 0;
}

static struct broker_deal open_one(int symbol, uint64_t magic, const char *comment, int64_t time)
{
    struct broker_order order = {.symbol = symbol, .volume = 1, .magic = magic};
    struct broker_deal deal;
    (void)snprintf(order.comment, sizeof order.comment, "%s", comment);
    assert_int_equal(broker_judge(&broker, &order, 100, &deal), RETCODE_DONE);
    deal.time_unix_us = time;
    broker_apply(&broker, &deal);
    return deal;
}

static enum svc_rc parse(const char *line, struct wire_command *command)
{
    struct svc_error err;
    return wire_parse(line, strlen(line), command, &err);
}

static void order_is_read(void **state)
{
    (void)state;
    struct wire_command c;
    assert_int_equal(
        parse("{\"type\":\"order\",\"id\":4,\"login\":\"1\",\"server\":\"S\",\"not_after_us\":9,"
              "\"symbol\":\"EURUSD\",\"side\":\"sell\",\"volume\":\"0.1\",\"magic\":8,"
              "\"comment\":\"c\",\"position\":\"18446744073709551615\"}",
              &c),
        SVC_OK);
    assert_int_equal(c.kind, WIRE_ORDER);
    assert_int_equal(c.id, 4);
    assert_true(c.sell);
    assert_int_equal(c.not_after_us, 9);
    assert_true(c.position == UINT64_MAX);
    assert_string_equal(c.sl, "");
    wire_command_done(&c);
}

/* An order that cannot be tied to a time or an identity is never taken. */
static void prices_have_the_symbols_digits(void **state)
{
    (void)state;
    static const char *const expected[] = {"\"bid\":\"1.08496\",\"ask\":\"1.08504\"",
                                           "\"bid\":\"149.990\",\"ask\":\"150.000\""};
    struct svc_buffer line = {.bytes = NULL};
    for (int symbol = 0; symbol < 2; symbol++) {
        struct wire_result result = {.id = 1, .symbol = symbol, .retcode = RETCODE_REQUOTE};
        result.quote.bid_points = symbol == 0 ? 108496 : 149990;
        result.quote.ask_points = symbol == 0 ? 108504 : 150000;
        wire_result(&result, &broker, &line);
        assert_non_null(strstr(line.bytes, expected[symbol]));
    }
    svc_buffer_done(&line);
}

static void what_is_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "{}",
        "{\"type\":\"hello\"}",
        "{\"type\":\"ping\"}",
        "{\"type\":\"order\",\"id\":4,\"side\":\"buy\",\"magic\":8}",
        "{\"type\":\"order\",\"id\":4,\"side\":\"buy\",\"not_after_us\":8}",
        "{\"type\":\"order\",\"id\":4,\"side\":\"long\",\"not_after_us\":8,\"magic\":8}",
        "{\"type\":\"find\",\"id\":4}",
        "{\"type\":\"symbols\",\"after\":\"EURUSD\"}",
        "{\"type\":\"symbols\",\"id\":4,\"after\":7}",
        "{\"type\":\"find\",\"id\":4,\"keys\":[{\"magic\":1}]}",
        "{\"type\":\"find\",\"id\":4,\"keys\":[{\"token\":\"A\"}]}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct wire_command c;
        if (parse(lines[i], &c) != SVC_REJECT)
            fail_msg("taken: %s", lines[i]);
    }
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (; (text = strstr(text, what)) != NULL; text++)
        count++;
    return count;
}

static void positions_come_in_pages(void **state)
{
    (void)state;
    struct svc_buffer line = {0};
    uint64_t tickets[WIRE_PAGE + 1];
    for (int i = 0; i < WIRE_PAGE + 1; i++)
        tickets[i] = open_one(0, 1, "a comment of thirty-one letters", i + 1).order;
    (void)open_one(1, 1, "", 5);
    struct wire_command c = {.kind = WIRE_POSITIONS, .id = 3};
    wire_positions(&c, 0, &terminal, &broker, &line);
    assert_int_equal(count_of(line.bytes, "\"ticket\""), WIRE_PAGE);
    assert_int_equal(count_of(line.bytes, "\"more\":true"), 1);
    assert_true(line.len < JSONLINE_BYTES_MAX);
    c.after = tickets[WIRE_PAGE - 1];
    wire_positions(&c, 0, &terminal, &broker, &line);
    assert_int_equal(count_of(line.bytes, "\"ticket\""), 1);
    assert_int_equal(count_of(line.bytes, "\"more\":false"), 1);
    wire_positions(&c, -1, &terminal, &broker, &line);
    assert_int_equal(count_of(line.bytes, "\"ticket\""), 2);
    svc_buffer_done(&line);
}

static void symbols_come_in_pages_by_name(void **state)
{
    (void)state;
    static struct market many;
    static char names[MARKET_SYMBOLS_MAX * 12];
    struct svc_buffer line = {0};
    struct svc_error err;
    size_t seen = 0, pages = 0;
    char last[MARKET_NAME_TEXT] = "";
    for (unsigned i = 0; i < 250; i++) /* backwards: the broker's order is none */
        (void)snprintf(names + strlen(names), 16, "%sEURUSD.%03u", i == 0 ? "" : ",", 249 - i);
    assert_int_equal(market_init(&many, 1, names, &err), SVC_OK);
    struct wire_command c = {.kind = WIRE_SYMBOLS, .id = 3, .after_name = last};
    for (bool more = true; more; pages++) {
        wire_symbols(&c, &many, &line);
        assert_true(line.len < JSONLINE_BYTES_MAX);
        more = strstr(line.bytes, "\"more\":true") != NULL;
        for (const char *at = line.bytes; (at = strstr(at, "{\"name\":\"")) != NULL; seen++) {
            char name[MARKET_NAME_TEXT];
            at += strlen("{\"name\":\"");
            (void)snprintf(name, sizeof name, "%.10s", at);
            assert_true(strcmp(name, last) > 0);
            (void)snprintf(last, sizeof last, "%s", name);
        }
    }
    assert_int_equal(seen, 250);
    assert_int_equal(pages, 3);
    svc_buffer_done(&line);
}

static void symbols_say_what_the_broker_does(void **state)
{
    (void)state;
    struct svc_buffer line = {0};
    const struct wire_command c = {.kind = WIRE_SYMBOLS, .id = 3, .after_name = "EURUSD"};
    wire_symbols(&c, &market, &line);
    /* bid 149.995: 100 yen per tick and lot are 0.66668889 dollars */
    assert_string_equal(
        line.bytes,
        "{\"type\":\"symbols\",\"id\":3,\"more\":false,\"symbols\":[{\"name\":\"USDJPY\","
        "\"digits\":3,"
        "\"point\":\"0.001\",\"tick_size\":\"0.001\",\"tick_value\":\"0.66668889\","
        "\"contract_size\":\"100000\",\"volume_min\":\"0.01\",\"volume_max\":\"500.00\","
        "\"volume_step\":\"0.01\",\"volume_limit\":\"0\",\"stops_level\":0,\"freeze_level\":0,"
        "\"trade_mode\":4,\"filling_mode\":3,\"calc_mode\":0,\"currency_base\":\"USD\","
        "\"currency_profit\":\"JPY\",\"currency_margin\":\"USD\"}]}\n");
    svc_buffer_done(&line);
}

static void searches(void **state)
{
    (void)state;
    struct svc_buffer line = {0};
    struct broker_deal deal = open_one(0, 77, "TOKENTOKENTOK text", 100000000);
    static const struct {
        struct wire_key key;
        int64_t from_server_us;
        const char *by; /* NULL: not found */
    } rows[] = {
        {{77, 0, "OTHER"}, 0, "magic"},
        {{78, 0, "TOKENTOKENTOK"}, 0, "token"},
        {{78, 0, "OTHER"}, 0, NULL},
        {{77, 0, "OTHER"}, INT64_C(100000000) + INT64_C(7200000000), "magic"},
        {{77, 0, "OTHER"}, INT64_C(100000001) + INT64_C(7200000000), NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wire_command c = {.kind = WIRE_FIND, .id = 5, .key_count = 1};
        char by[32] = "";
        c.keys[0] = rows[i].key;
        c.from_server_us = rows[i].from_server_us;
        wire_found(&c, &terminal, &broker, &line);
        if (rows[i].by != NULL)
            (void)snprintf(by, sizeof by, "\"by\":\"%s\"", rows[i].by);
        assert_int_equal(count_of(line.bytes, "\"by\""), rows[i].by != NULL);
        assert_non_null(strstr(line.bytes, by));
    }
    /* somebody closed the position: found by it once it is gone, not before */
    struct wire_command c = {.kind = WIRE_FIND, .id = 5, .key_count = 1};
    c.keys[0] = (struct wire_key){78, deal.order, "OTHER"};
    wire_found(&c, &terminal, &broker, &line);
    assert_int_equal(count_of(line.bytes, "\"by\""), 0);
    struct broker_order close = {
        .symbol = 0, .volume = 1, .sell = true, .position = deal.order, .magic = 5};
    struct broker_deal closing;
    assert_int_equal(broker_judge(&broker, &close, 100, &closing), RETCODE_DONE);
    broker_apply(&broker, &closing);
    wire_found(&c, &terminal, &broker, &line);
    assert_int_equal(count_of(line.bytes, "\"by\":\"position\""), 1);
    svc_buffer_done(&line);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_read),
        cmocka_unit_test(what_is_refused),
        TEST(prices_have_the_symbols_digits),
        TEST(positions_come_in_pages),
        TEST(symbols_come_in_pages_by_name),
        TEST(symbols_say_what_the_broker_does),
        TEST(searches),
    };
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
