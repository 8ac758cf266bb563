/* Members to fields: what an alert says, and the code of each thing it may get wrong. */
#include "alert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct json json;
static struct alert alert;
static struct refusal refusal;

static bool reads(const char *text)
{
    struct json_fault fault;
    assert_int_equal(json_scan(&json, text, strlen(text), &fault), JSON_GOOD);
    return alert_read(&json, &alert, &refusal);
}

static void assert_refused(const char *text, enum code code)
{
    if (reads(text))
        fail_msg("taken: %s", text);
    if (refusal.code != code)
        fail_msg("%s: %s and not %s", text, code_name(refusal.code), code_name(code));
    assert_true(strlen(refusal.text) > 0 && strlen(refusal.text) < sizeof refusal.text - 1);
}

static void reads_every_member(void **state)
{
    (void)state;
    assert_true(reads("{\"symbol\":\"OANDA:EURUSD\",\"action\":\"buy\",\"volume\":0.10,"
                      "\"sl\":\"1.0750\",\"tp\":1.0950,\"timenow\":\"2026-01-30T12:34:56Z\","
                      "\"alert_id\":\"id-1\",\"extra\":{\"volume\":\"not read\"}}"));
    assert_int_equal(alert.action, TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_BUY);
    assert_string_equal(alert.symbol, "EURUSD");
    assert_int_equal(alert.symbol_raw_len, 12);
    assert_memory_equal(alert.symbol_raw, "OANDA:EURUSD", 12);
    assert_string_equal(alert.volume, "0.10");
    assert_string_equal(alert.sl, "1.0750");
    assert_string_equal(alert.tp, "1.0950");
    assert_int_equal(alert.tv_time_unix_us, 1769776496000000);
    assert_int_equal(alert.alert_id_len, 4);
    assert_memory_equal(alert.alert_id, "id-1", 4);
}

static void only_symbol_and_action_are_needed(void **state)
{
    (void)state;
    assert_true(reads("{\"SYMBOL\":\"XAUUSD\",\"Action\":\" SELL \"}"));
    assert_int_equal(alert.action, TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_SELL);
    assert_string_equal(alert.volume, "");
    assert_string_equal(alert.sl, "");
    assert_string_equal(alert.tp, "");
    assert_int_equal(alert.tv_time_unix_us, 0);
    assert_null(alert.alert_id);
    assert_true(reads("{\"symbol\":\"X\",\"action\":\"close\",\"volume\":null,\"sl\":null,"
                      "\"timenow\":null,\"alert_id\":null}"));
    assert_int_equal(alert.action, TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_CLOSE);
    assert_true(reads("{\"symbol\":\"X\",\"action\":\"close\",\"alert_id\":\"\"}"));
    assert_null(alert.alert_id);
}

/* Not the ingester's to judge: the dispatcher refuses these, with a row. */
static void any_volume_passes(void **state)
{
    static const char *const volumes[] = {"0",     "-1",     "100000000", "1e30",
                                          "\"0\"", "\"-5\"", "1e-30"};
    char text[128];
    (void)state;
    for (size_t i = 0; i < sizeof volumes / sizeof *volumes; i++) {
        (void)snprintf(text, sizeof text, "{\"symbol\":\"X\",\"action\":\"buy\",\"volume\":%s}",
                       volumes[i]);
        assert_true(reads(text));
    }
}

static void codes(void **state)
{
    (void)state;
    assert_refused("{}", CODE_MISSING_SYMBOL);
    assert_refused("{\"action\":\"buy\"}", CODE_MISSING_SYMBOL);
    assert_refused("{\"symbol\":null,\"action\":\"buy\"}", CODE_MISSING_SYMBOL);
    assert_refused("{\"symbol\":\" \",\"action\":\"buy\"}", CODE_MISSING_SYMBOL);
    assert_refused("{\"symbol\":\"OANDA:\",\"action\":\"buy\"}", CODE_MISSING_SYMBOL);
    assert_refused("{\"symbol\":700,\"action\":\"buy\"}", CODE_MISSING_SYMBOL);
    assert_refused("{\"symbol\":\"0123456789012345678901234567890123456789012345678901234567890"
                   "1234\",\"action\":\"buy\"}",
                   CODE_MISSING_SYMBOL);
    assert_refused("{\"symbol\":\"X\"}", CODE_BAD_ACTION);
    assert_refused("{\"symbol\":\"X\",\"action\":\"buyy\"}", CODE_BAD_ACTION);
    assert_refused("{\"symbol\":\"X\",\"action\":\"\"}", CODE_BAD_ACTION);
    assert_refused("{\"symbol\":\"X\",\"action\":1}", CODE_BAD_ACTION);
    assert_refused("{\"symbol\":\"X\",\"action\":[\"buy\"]}", CODE_BAD_ACTION);
    assert_refused("{\"symbol\":\"X\",\"action\":\"buy\",\"alert_id\":{}}", CODE_BAD_JSON);
    assert_refused("{\"symbol\":\"X\",\"Symbol\":\"Y\",\"action\":\"buy\"}", CODE_BAD_JSON);
    assert_refused("{\"symbol\":\"X\",\"action\":\"buy\",\"ACTION\":null}", CODE_BAD_JSON);
}

static void numbers_must_be_numbers(void **state)
{
    static const char *const members[] = {"volume", "sl", "tp"};
    static const char *const bad[] = {"\"abc\"",
                                      "\"\"",
                                      "true",
                                      "[]",
                                      "{}",
                                      "\"NaN\"",
                                      "\"0.1 \"",
                                      "\"1,5\"",
                                      "\"0.1 lots\"",
                                      "\"1e31\"",
                                      "\"1\\u00b2\"",
                                      "\"0x1\"",
                                      "\"12345678901234567890123456789012345678901\""};
    char text[160];
    (void)state;
    for (size_t m = 0; m < 3; m++) {
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            (void)snprintf(text, sizeof text, "{\"symbol\":\"X\",\"action\":\"buy\",\"%s\":%s}",
                           members[m], bad[i]);
            assert_refused(text, CODE_BAD_NUMBER);
        }
    }
}

static void placeholders(void **state)
{
    static const char *const members[] = {"symbol", "action",  "volume",  "sl",
                                          "tp",     "timenow", "alert_id"};
    char text[200];
    (void)state;
    for (size_t m = 0; m < sizeof members / sizeof *members; m++) {
        (void)snprintf(text, sizeof text, "{\"%s\":\"{{x}}\",\"other\":1}", members[m]);
        assert_refused(text, CODE_UNRESOLVED_PLACEHOLDER);
    }
    assert_true(reads("{\"symbol\":\"X\",\"action\":\"buy\",\"comment\":\"{{x}}\"}"));
}

static void symbols(void **state)
{
    static const char *const pairs[][2] = {
        {"EURUSD", "EURUSD"},
        {" EURUSD\t", "EURUSD"},
        {"eurusd", "EURUSD"},
        {"EUR/USD", "EURUSD"},
        {"eur-usd", "EURUSD"},
        {"EUR_USD", "EURUSD"},
        {"EUR USD", "EURUSD"},
        {"OANDA:EUR/USD", "EURUSD"},
        {"FX: EURUSD", "EURUSD"},
        {"EURUSDm", "EURUSDm"},
        {"BINANCE:BTCUSDT.P", "BTCUSDT"},
        {"CME_MINI:ES1!", "ES1!"},
        {"BRK-B", "BRK-B"},
        {"US500.cash", "US500.cash"},
        {".P", ".P"},
        {"nas100", "nas100"},
        {"Copper", "COPPER"},
        {"EURUSD.P", "EURUSD"},
        {"XAU/USD", "XAUUSD"},
    };
    char symbol[ALERT_SYMBOL_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_true(alert_symbol(pairs[i][0], strlen(pairs[i][0]), symbol));
        assert_string_equal(symbol, pairs[i][1]);
    }
    assert_false(alert_symbol("", 0, symbol));
    assert_false(alert_symbol("A:", 2, symbol));
}

static void times(void **state)
{
    static const struct {
        const char *text;
        int64_t unix_us; /* 0: refused */
    } cases[] = {
        {"2026-01-30T12:34:56Z", 1769776496000000},
        {"2026-01-30T12:34:56.5Z", 1769776496500000},
        {"2026-01-30T14:34:56+02:00", 1769776496000000},
        {"1769776496", 1769776496000000},
        {"1769776496123", 1769776496123000},
        {"1769776496.25", 1769776496250000},
        {"1769776496.1234567891", 1769776496123456},
        {"1769776496123.4567", 1769776496123456},
        {"1.769776496e9", 1769776496000000},
        {"0", 0},
        {"-5", 0},
        {"1e30", 0},
        {"4102444801", 0},
        {"9999999999999999", 0},
        {"yesterday", 0},
        {"", 0},
        {"2026-13-30T12:34:56Z", 0},
        {"2026-01-30", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t unix_us = 0;
        const bool good = alert_time(cases[i].text, strlen(cases[i].text), &unix_us);
        if (good != (cases[i].unix_us != 0) || unix_us != cases[i].unix_us)
            fail_msg("%s: %d %lld", cases[i].text, good, (long long)unix_us);
    }
    assert_refused("{\"symbol\":\"X\",\"action\":\"buy\",\"timenow\":\"soon\"}", CODE_BAD_NUMBER);
    assert_refused("{\"symbol\":\"X\",\"action\":\"buy\",\"timenow\":true}", CODE_BAD_NUMBER);
    assert_true(reads("{\"symbol\":\"X\",\"action\":\"buy\",\"timenow\":1769776496123}"));
    assert_int_equal(alert.tv_time_unix_us, 1769776496123000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_member),
        cmocka_unit_test(only_symbol_and_action_are_needed),
        cmocka_unit_test(any_volume_passes),
        cmocka_unit_test(codes),
        cmocka_unit_test(numbers_must_be_numbers),
        cmocka_unit_test(placeholders),
        cmocka_unit_test(symbols),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
