/* Lines from and to a terminal: what is understood, and that nothing else is. */
#include "terminal_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct svc_arena arena;

static int set_up(void **state)
{
    (void)state;
    svc_arena_init(&arena, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    svc_arena_done(&arena);
    return 0;
}

#define HELLO                                                                                      \
    "{\"type\":\"hello\",\"protocol\":1,\"token\":\"t\",\"login\":\"1\",\"server\":\"S\","         \
    "\"currency\":\"USD\",\"margin_mode\":\"hedging\",\"is_real\":true,\"balance\":\"10.5\","      \
    "\"leverage\":100,\"clock_us\":5,\"server_time_us\":6,\"server_offset_s\":-7200,"              \
    "\"trade_connected\":true,\"trade_allowed\":true}"

static enum svc_rc parse(const char *line, struct wire_message *m)
{
    struct svc_error err;
    return wire_parse(&arena, line, strlen(line), m, &err);
}

static void hello(void **state)
{
    (void)state;
    struct wire_message m;
    assert_int_equal(parse(HELLO, &m), SVC_OK);
    assert_int_equal(m.kind, WIRE_HELLO);
    assert_string_equal(m.hello.token, "t");
    assert_string_equal(m.hello.account.login, "1");
    assert_true(m.hello.account.is_real);
    assert_int_equal(m.clocks.server_offset_s, -7200);
}

static void result(void **state)
{
    (void)state;
    struct wire_message m;
    assert_int_equal(
        parse("{\"type\":\"result\",\"id\":7,\"retcode\":10009,\"order\":\"18446744073709551615\","
              "\"deal\":\"2\",\"position\":\"3\",\"price\":\"1.08504\",\"volume\":\"0.10\"}",
              &m),
        SVC_OK);
    assert_int_equal(m.id, 7);
    assert_int_equal(m.result.retcode, 10009);
    assert_true(m.result.order == UINT64_MAX);
    assert_string_equal(m.result.price, "1.08504");
    assert_int_equal(parse("{\"type\":\"result\",\"id\":7,\"error\":\"stale\"}", &m), SVC_OK);
    assert_int_equal(m.result.retcode, 0);
    /* an error and a retcode: the order did not leave the terminal */
    assert_int_equal(
        parse("{\"type\":\"result\",\"id\":7,\"error\":\"stale\",\"retcode\":10009}", &m), SVC_OK);
    assert_int_equal(m.result.retcode, 0);
}

static void found(void **state)
{
    (void)state;
    struct wire_message m;
    assert_int_equal(
        parse("{\"type\":\"found\",\"id\":9,\"trade_connected\":true,\"history_ready\":false,"
              "\"matches\":[{\"magic\":9007199254740991,\"by\":\"magic\",\"state\":\"filled\","
              "\"side\":\"sell\","
              "\"order\":\"1\",\"price\":\"1\",\"volume\":\"2\"},"
              "{\"magic\":5,\"by\":\"token\",\"state\":\"active\",\"side\":\"buy\"},"
              "{\"magic\":6,\"by\":\"position\",\"state\":\"active\",\"side\":\"buy\"}]}",
              &m),
        SVC_OK);
    assert_int_equal(m.count, 3);
    assert_true(m.matches[0].magic == UINT64_C(9007199254740991));
    assert_true(m.matches[0].filled && m.matches[0].sell);
    assert_false(m.matches[1].filled);
    assert_false(m.matches[0].by_position || m.matches[1].by_position);
    assert_true(m.matches[2].by_position);
    assert_true(m.trade_connected);
    assert_false(m.history_ready);
}

#define SYMBOL(name)                                                                               \
    "{\"name\":\"" name "\",\"digits\":5,\"point\":\"0.00001\",\"tick_size\":\"0.00001\","         \
    "\"tick_value\":\"1\",\"contract_size\":\"100000\",\"volume_min\":\"0.01\","                   \
    "\"volume_max\":\"500\",\"volume_step\":\"0.01\",\"volume_limit\":\"0\",\"stops_level\":10,"   \
    "\"freeze_level\":2,\"trade_mode\":4,\"filling_mode\":3,\"calc_mode\":32,"                     \
    "\"currency_base\":\"EUR\",\"currency_profit\":\"USD\",\"currency_margin\":\"CHF\"}"
#define SYMBOLS(list) "{\"type\":\"symbols\",\"id\":3,\"more\":true,\"symbols\":[" list "]}"

static void symbols(void **state)
{
    (void)state;
    struct wire_message m;
    assert_int_equal(parse(SYMBOLS(SYMBOL("EURUSD") "," SYMBOL("EURUSD.m")), &m), SVC_OK);
    assert_int_equal(m.kind, WIRE_SYMBOLS);
    assert_int_equal(m.id, 3);
    assert_int_equal(m.count, 2);
    assert_true(m.more);
    const struct wire_symbol *s = &m.symbols[1];
    assert_string_equal(s->name, "EURUSD.m");
    assert_int_equal(s->digits, 5);
    assert_string_equal(s->point, "0.00001");
    assert_string_equal(s->tick_size, "0.00001");
    assert_string_equal(s->tick_value, "1");
    assert_string_equal(s->contract_size, "100000");
    assert_string_equal(s->volume_min, "0.01");
    assert_string_equal(s->volume_max, "500");
    assert_string_equal(s->volume_step, "0.01");
    assert_string_equal(s->volume_limit, "0");
    assert_int_equal(s->stops_level, 10);
    assert_int_equal(s->freeze_level, 2);
    assert_int_equal(s->trade_mode, 4);
    assert_int_equal(s->filling_mode, 3);
    assert_int_equal(s->calc_mode, 32);
    assert_string_equal(s->currency_base, "EUR");
    assert_string_equal(s->currency_profit, "USD");
    assert_string_equal(s->currency_margin, "CHF");
    assert_int_equal(parse("{\"type\":\"symbols\",\"id\":3,\"more\":false,\"symbols\":[]}", &m),
                     SVC_OK);
    assert_int_equal(m.count, 0);
    assert_int_equal(parse("{\"type\":\"symbols\",\"id\":3,\"error\":\"unknown\"}", &m), SVC_OK);
    assert_string_equal(m.error, "unknown");
}

/* Each member of a symbol, made something that it is not. */
static void bad_symbols_are_refused(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"\"name\":\"EURUSD\"", "\"name\":\"\""},
        {"\"name\":\"EURUSD\"", "\"name\":7"},
        {"\"digits\":5", "\"digits\":17"},
        {"\"digits\":5", "\"digits\":-1"},
        {"\"digits\":5", "\"digits\":\"5\""},
        {"\"point\":\"0.00001\"", "\"point\":0.00001"},
        {"\"tick_value\":\"1\"", "\"tick_value\":\"-1\""},
        {"\"tick_value\":\"1\"", "\"tick_value\":\"\""},
        {"\"contract_size\":\"100000\"", "\"contract_size\":\"many\""},
        {"\"volume_max\":\"500\"", "\"volume_max\":\"1e400000\""},
        {"\"volume_step\":\"0.01\",", ""},
        {"\"stops_level\":10", "\"stops_level\":2147483648"},
        {"\"freeze_level\":2", "\"freeze_level\":2.0"},
        {"\"trade_mode\":4", "\"trade_mode\":5"},
        {"\"filling_mode\":3", "\"filling_mode\":8"},
        {"\"calc_mode\":32", "\"calc_mode\":256"},
        {"\"currency_base\":\"EUR\"", "\"currency_base\":\"ABCDEFGHIJKLMNOPQ\""},
        {"\"more\":true", "\"more\":1"},
        {"\"symbols\":[", "\"symbols\":{},\"x\":["},
        {"\"symbols\":[", "\"symbols\":[3,"},
        {"\"symbols\":[", "\"symbols\":[" SYMBOL("EURUSD") ","}, /* twice */
        {"\"symbols\":[", "\"symbols\":[" SYMBOL("GBPUSD") ","}, /* not ascending */
        {SYMBOL("EURUSD"), ""},                                  /* empty, and more */
    };
    struct wire_message m;
    assert_int_equal(parse(SYMBOLS(SYMBOL("EURUSD")), &m), SVC_OK);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const char *good = SYMBOLS(SYMBOL("EURUSD")), *at = strstr(good, changes[i][0]);
        char line[2048];
        assert_non_null(at);
        (void)snprintf(line, sizeof line, "%.*s%s%s", (int)(at - good), good, changes[i][1],
                       at + strlen(changes[i][0]));
        if (parse(line, &m) != SVC_REJECT)
            fail_msg("taken: %s", line);
    }
}

static void too_many_symbols_are_refused(void **state)
{
    (void)state;
    struct svc_buffer line = {0};
    struct wire_message m;
    for (unsigned count = 100; count <= 101; count++) {
        svc_buffer_reset(&line);
        svc_buffer_text(&line, "{\"type\":\"symbols\",\"id\":3,\"symbols\":[");
        for (unsigned i = 0; i < count; i++) {
            static const char symbol[] = SYMBOL("EURUSD%03u");
            svc_buffer_text(&line, i == 0 ? "" : ",");
            svc_buffer_add(&line, symbol, strcspn(symbol, "%"));
            svc_buffer_printf(&line, "%03u", i);
            svc_buffer_text(&line, strchr(symbol, '%') + 4);
        }
        svc_buffer_text(&line, "]}");
        assert_int_equal(parse(line.bytes, &m), count == 100 ? SVC_OK : SVC_REJECT);
    }
    svc_buffer_done(&line);
}

static void what_is_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "x",
        "[]",
        "{}",
        "{\"type\":\"welcome\"}",
        "{\"type\":7}",
        "{\"type\":\"pong\"}",
        "{\"type\":\"pong\",\"id\":0,\"clock_us\":1}",
        "{\"type\":\"pong\",\"id\":-1,\"clock_us\":1}",
        "{\"type\":\"pong\",\"id\":1}",
        "{\"type\":\"pong\",\"id\":1,\"clock_us\":\"1\"}",
        "{\"type\":\"pong\",\"id\":1,\"id\":2,\"clock_us\":1}",
        "{\"type\":\"pong\",\"id\":1,\"clock_us\":1,\"server_offset_s\":90000}",
        "{\"type\":\"result\",\"id\":1}",
        "{\"type\":\"result\",\"id\":1,\"retcode\":0}",
        "{\"type\":\"result\",\"id\":1,\"retcode\":10009,\"price\":1.5}",
        "{\"type\":\"result\",\"id\":1,\"retcode\":10009,\"price\":\"1.5x\"}",
        "{\"type\":\"result\",\"id\":1,\"retcode\":10009,\"order\":\"-1\"}",
        "{\"type\":\"result\",\"id\":1,\"retcode\":10009,\"order\":\"18446744073709551616\"}",
        "{\"type\":\"result\",\"id\":1,\"retcode\":4294967296}",
        "{\"type\":\"found\",\"id\":1}",
        "{\"type\":\"found\",\"id\":1,\"matches\":[{\"magic\":1,\"by\":\"magic\",\"state\":"
        "\"odd\",\"side\":\"buy\"}]}",
        "{\"type\":\"found\",\"id\":1,\"matches\":[{\"magic\":1,\"state\":\"active\",\"side\":"
        "\"buy\"}]}",
        "{\"type\":\"found\",\"id\":1,\"matches\":[{\"magic\":1,\"by\":\"luck\",\"state\":"
        "\"active\",\"side\":\"buy\"}]}",
        "{\"type\":\"found\",\"id\":1,\"matches\":[{\"magic\":1,\"by\":\"magic\",\"state\":"
        "\"filled\",\"side\":\"buy\"}]}",
        "{\"type\":\"found\",\"id\":1,\"matches\":[{\"magic\":1,\"by\":\"magic\",\"state\":"
        "\"active\",\"side\":\"long\"}]}",
        "{\"type\":\"found\",\"id\":1,\"matches\":[7]}",
        "{\"type\":\"positions\",\"id\":1,\"positions\":[{\"ticket\":\"0\"}]}",
        "{\"type\":\"positions\",\"id\":1,\"positions\":{}}",
        "{\"type\":\"account\",\"id\":1}",
        "{\"type\":\"pong\",\"id\":1,\"clock_us\":1,\"error\":\"a\\u0000b\"}",
        "{\"type\":\"pong\",\"id\":1,\"clock_us\":1,\"error\":\"\xff\"}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct wire_message m;
        if (parse(lines[i], &m) != SVC_REJECT)
            fail_msg("taken: %s", lines[i]);
    }
}

/* A hello cut at any byte, and with any one byte changed to a quote, never crashes and is mostly
 * refused; what is taken still has its token in place. */
static void torn_hellos(void **state)
{
    (void)state;
    char line[sizeof HELLO];
    for (size_t i = 0; i < sizeof HELLO - 1; i++) {
        struct wire_message m;
        struct svc_error err;
        assert_int_equal(wire_parse(&arena, HELLO, i, &m, &err), SVC_REJECT);
        memcpy(line, HELLO, sizeof line);
        line[i] = '"';
        (void)parse(line, &m);
        svc_arena_reset(&arena);
    }
}

static void lines_out(void **state)
{
    (void)state;
    struct svc_buffer line = {0};
    const struct account account = {.login = "1", .server = "S"};
    const struct wire_order order = {.id = 4,
                                     .account = &account,
                                     .not_after_us = 9,
                                     .symbol = "EUR\"",
                                     .volume = "0.1",
                                     .sl = "",
                                     .tp = "2",
                                     .comment = "c",
                                     .sell = true,
                                     .deviation_points = 20,
                                     .magic = 8,
                                     .position = UINT64_MAX};
    wire_order(&order, &line);
    assert_string_equal(
        line.bytes,
        "{\"type\":\"order\",\"id\":4,\"login\":\"1\",\"server\":\"S\",\"not_after_us\":9,"
        "\"symbol\":\"EUR\\\"\",\"side\":\"sell\",\"volume\":\"0.1\",\"tp\":\"2\","
        "\"deviation_points\":20,\"magic\":8,\"comment\":\"c\","
        "\"position\":\"18446744073709551615\"}\n");
    const struct wire_key keys[] = {{.magic = 1, .token = "A"},
                                    {.magic = 2, .token = "B", .position = 3}};
    wire_find(5, -1, keys, 2, &line);
    assert_string_equal(line.bytes, "{\"type\":\"find\",\"id\":5,\"from_server_us\":0,\"keys\":["
                                    "{\"magic\":1,\"token\":\"A\"},"
                                    "{\"magic\":2,\"token\":\"B\",\"position\":\"3\"}]}\n");
    wire_symbols(6, "", &line);
    assert_string_equal(line.bytes, "{\"type\":\"symbols\",\"id\":6}\n");
    wire_symbols(7, "A\"", &line);
    assert_string_equal(line.bytes, "{\"type\":\"symbols\",\"id\":7,\"after\":\"A\\\"\"}\n");
    svc_buffer_done(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello),
        cmocka_unit_test(result),
        cmocka_unit_test(found),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(torn_hellos),
        cmocka_unit_test(lines_out),
        cmocka_unit_test(symbols),
        cmocka_unit_test(bad_symbols_are_refused),
        cmocka_unit_test(too_many_symbols_are_refused),
    };
    return cmocka_run_group_tests_name("terminal wire", tests, set_up, tear_down);
}
