/* plan.c: each decision of domain-trading.md section 3 from a sound signal with one thing changed,
 * their order, and the job that a signal without a fault becomes. */
#include "contracts/codes.h"
#include "contracts/identity.h"
#include "plan.h"
#include "symbols.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define SIGNAL_ID "11111111-1111-4111-8111-111111111111"
#define OTHER_ID "22222222-2222-4222-8222-222222222222"
#define USER_ID "33333333-3333-4333-8333-333333333333"
#define STRATEGY_ID "44444444-4444-4444-8444-444444444444"
#define CONNECTION_ID "55555555-5555-4555-8555-555555555555"
#define AGENT_ID "66666666-6666-4666-8666-666666666666"
#define SECOND INT64_C(1000000)
#define RECEIVED (INT64_C(1770000000) * SECOND)

static char signal_id[] = SIGNAL_ID, user_id[] = USER_ID, strategy_id[] = STRATEGY_ID;
static uint8_t symbol[] = "EURUSD", payload[] = "{\"a\":1}";

/* What a case may change, and what is planned for it. */
struct fixture {
    Tradewire__V1__Signal signal;
    struct plan_strategy strategy;
    struct plan_facts facts;
    int64_t append_unix_us, now_unix_us;
    struct svc_arena arena;
    struct plan plan;
};

static void set_up(struct fixture *f)
{
    static char volume[] = "0.10";
    *f = (struct fixture){.now_unix_us = RECEIVED + SECOND / 10, .append_unix_us = RECEIVED + 2000};
    tradewire__v1__signal__init(&f->signal);
    f->signal.signal_id = signal_id;
    f->signal.user_id = user_id;
    f->signal.strategy_id = strategy_id;
    f->signal.dedup_kind = TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_TIME;
    f->signal.action = TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_BUY;
    f->signal.has_symbol = 1;
    f->signal.symbol = (ProtobufCBinaryData){.data = symbol, .len = sizeof symbol - 1};
    f->signal.volume = volume;
    f->signal.received_unix_us = RECEIVED;
    f->signal.has_raw_payload = 1;
    f->signal.raw_payload = (ProtobufCBinaryData){.data = payload, .len = sizeof payload - 1};
    f->strategy = (struct plan_strategy){
        .id = STRATEGY_ID,
        .user_id = USER_ID,
        .name = "Tëst \"Strategy\" long",
        .is_enabled = true,
        .max_age_s = PLAN_MAX_AGE_S,
        .close_max_age_s = PLAN_CLOSE_MAX_AGE_S,
        .magic_tag = 7,
        .active_connections = 1,
        .connection_id = CONNECTION_ID,
        .agent_id = AGENT_ID,
    };
    f->facts = (struct plan_facts){.strategy = &f->strategy};
    svc_arena_init(&f->arena, 4096);
}

static const struct plan *plan(struct fixture *f)
{
    plan_job(&f->signal, &f->facts, f->append_unix_us, f->now_unix_us, &f->arena, &f->plan);
    return &f->plan;
}

/* Cases: one change each → the code, NULL for a job. */

static char text[16][64];

static char *writable(int slot, const char *value)
{
    (void)snprintf(text[slot], sizeof text[slot], "%s", value);
    return text[slot];
}

static void close_it(struct fixture *f)
{
    f->signal.action = TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_CLOSE;
}

#define CHANGE(name, ...)                                                                          \
    static void name(struct fixture *f)                                                            \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }
CHANGE(nothing, (void)f)
CHANGE(refused, f->signal.refusal_code = writable(0, "bad_json"))
CHANGE(duplicate, f->facts.holder = OTHER_ID)
CHANGE(gone, f->facts.strategy = NULL)
CHANGE(disabled, f->strategy.is_enabled = false)
CHANGE(at_the_limit, f->now_unix_us = RECEIVED + 30 * SECOND)
CHANGE(stale, f->now_unix_us = RECEIVED + 30 * SECOND + 1)
CHANGE(stale_by_tv_time, f->signal.tv_time_unix_us = RECEIVED - 30 * SECOND)
CHANGE(future_tv_time, f->signal.tv_time_unix_us = RECEIVED + 600 * SECOND;
       f->now_unix_us = RECEIVED + 31 * SECOND)
CHANGE(stale_by_broker, f->append_unix_us = RECEIVED - 30 * SECOND)
CHANGE(append_unknown, f->append_unix_us = 0)
CHANGE(longer_age, f->strategy.max_age_s = 60; f->now_unix_us = RECEIVED + 31 * SECOND)
CHANGE(late_close, close_it(f); f->now_unix_us = RECEIVED + 31 * SECOND)
CHANGE(too_late_close, close_it(f); f->now_unix_us = RECEIVED + 72 * 3600 * SECOND + 1)
CHANGE(listed, f->strategy.allowed_pairs = "GBPUSD\nEUR/USD")
CHANGE(not_listed, f->strategy.allowed_pairs = "GBPUSD\nEURUS")
CHANGE(empty_list, f->strategy.allowed_pairs = "")
CHANGE(no_volume, f->signal.volume = NULL)
CHANGE(close_without_volume, close_it(f); f->signal.volume = NULL)
CHANGE(zero_volume, f->signal.volume = writable(1, "0.00"))
CHANGE(negative_volume, f->signal.volume = writable(1, "-1"))
CHANGE(close_zero_volume, close_it(f); f->signal.volume = writable(1, "0"))
CHANGE(largest_volume, f->signal.volume = writable(1, "99999999.99"))
CHANGE(huge_volume, f->signal.volume = writable(1, "99999999.991"))
CHANGE(at_max_volume, f->strategy.max_volume = "0.1")
CHANGE(above_max_volume, f->strategy.max_volume = "0.09")
CHANGE(unreadable_max_volume, f->strategy.max_volume = "many")
CHANGE(sl_without_unit, f->signal.sl = writable(2, "1.05"))
CHANGE(tp_without_unit, f->signal.tp = writable(3, "1.15"))
CHANGE(sl_as_price, f->signal.sl = writable(2, "1.05"); f->strategy.stop_kind = "price")
CHANGE(sl_as_pips, f->signal.sl = writable(2, "20"); f->strategy.stop_kind = "pips")
CHANGE(zero_tp, f->signal.tp = writable(3, "0"); f->strategy.stop_kind = "price")
CHANGE(close_with_sl, close_it(f); f->signal.sl = writable(2, "1.05"))
/* 5 a minute: a token is 12 s. */
static void used(struct fixture *f, int64_t seconds)
{
    f->strategy.rate =
        (struct rate){.per_min = 5, .burst = 2, .full_unix_us = RECEIVED + seconds * SECOND};
}
CHANGE(below_rate, used(f, 12))
CHANGE(at_rate, used(f, 24))
CHANGE(close_at_rate, close_it(f); used(f, 24))
CHANGE(at_rate_no_account, used(f, 24); f->strategy.agent_id = NULL)
CHANGE(no_connection, f->strategy.active_connections = 0; f->strategy.connection_id = NULL)
CHANGE(connections, f->strategy.active_connections = 2)
CHANGE(no_agent, f->strategy.agent_id = NULL)
/* Two faults: the earlier decision is the one that is told. */
CHANGE(refused_duplicate, refused(f); duplicate(f))
CHANGE(duplicate_disabled, duplicate(f); disabled(f))
CHANGE(disabled_stale, disabled(f); stale(f))
CHANGE(stale_not_listed, stale(f); not_listed(f))
CHANGE(not_listed_volume, not_listed(f); zero_volume(f))
CHANGE(volume_unit, zero_volume(f); sl_without_unit(f))
CHANGE(unit_account, sl_without_unit(f); no_connection(f))

static const struct {
    const char *name;
    void (*change)(struct fixture *f);
    const char *error; /* begins with; NULL: a job */
} cases[] = {
    {"nothing", nothing, NULL},
    {"refused", refused, "bad_json: refused"},
    {"duplicate", duplicate, "duplicate: of " OTHER_ID},
    {"gone", gone, "strategy_deleted: "},
    {"disabled", disabled, "strategy_disabled: "},
    {"at_the_limit", at_the_limit, NULL},
    {"stale", stale, "stale: 30000 ms old, at most 30000 ms"},
    {"stale_by_tv_time", stale_by_tv_time, "stale: 30100 ms old"},
    {"future_tv_time", future_tv_time, "stale: 31000 ms old"},
    {"stale_by_broker", stale_by_broker, "stale: 30100 ms old"},
    {"append_unknown", append_unknown, NULL},
    {"longer_age", longer_age, NULL},
    {"late_close", late_close, NULL},
    {"too_late_close", too_late_close, "stale: 259200000 ms old"},
    {"listed", listed, NULL},
    {"not_listed", not_listed, "symbol_not_allowed: EURUSD "},
    {"empty_list", empty_list, "symbol_not_allowed: "},
    {"no_volume", no_volume, "bad_number: volume is missing"},
    {"close_without_volume", close_without_volume, NULL},
    {"zero_volume", zero_volume, "volume_below_min: 0.00 lots"},
    {"negative_volume", negative_volume, "volume_below_min: "},
    {"close_zero_volume", close_zero_volume, NULL},
    {"largest_volume", largest_volume, NULL},
    {"huge_volume", huge_volume, "volume_above_max: "},
    {"at_max_volume", at_max_volume, NULL},
    {"above_max_volume", above_max_volume, "volume_above_max: 0.10 lots, the strategy's"},
    {"unreadable_max_volume", unreadable_max_volume, "volume_above_max: "},
    {"sl_without_unit", sl_without_unit, "ambiguous_unit: sl: "},
    {"tp_without_unit", tp_without_unit, "ambiguous_unit: tp: "},
    {"sl_as_price", sl_as_price, NULL},
    {"sl_as_pips", sl_as_pips, "ambiguous_unit: "},
    {"zero_tp", zero_tp, "bad_number: tp "},
    {"close_with_sl", close_with_sl, NULL},
    {"below_rate", below_rate, NULL},
    {"at_rate", at_rate, "rate_limited: 5 entries a minute and 2 at once are allowed; the next"},
    {"close_at_rate", close_at_rate, NULL},
    {"at_rate_no_account", at_rate_no_account, "no_account: "},
    {"no_connection", no_connection, "no_account: "},
    {"connections", connections, "ambiguous_account: the user has 2 "},
    {"no_agent", no_agent, "no_account: no agent"},
    {"refused_duplicate", refused_duplicate, "bad_json: "},
    {"duplicate_disabled", duplicate_disabled, "duplicate: "},
    {"disabled_stale", disabled_stale, "strategy_disabled: "},
    {"stale_not_listed", stale_not_listed, "stale: "},
    {"not_listed_volume", not_listed_volume, "symbol_not_allowed: "},
    {"volume_unit", volume_unit, "volume_below_min: "},
    {"unit_account", unit_account, "ambiguous_unit: "},
};

static void test_decisions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        set_up(&f);
        cases[i].change(&f);
        const struct plan *p = plan(&f);
        const char *expected = cases[i].error;
        const bool good = expected == NULL ? p->kind == PLAN_JOB && p->error == NULL
                                           : p->kind == PLAN_DISCARD &&
                                                 strncmp(p->error, expected, strlen(expected)) == 0;
        if (!good)
            fail_msg("%s: kind %d, %s", cases[i].name, p->kind, p->error ? p->error : "no error");
        if (p->error != NULL)
            assert_true(code_known(p->error, strchr(p->error, ':') - p->error));
        assert_int_equal(p->is_duplicate, p->error != NULL && strncmp(p->error, "dupl", 4) == 0);
        svc_arena_done(&f.arena);
    }
}

/* Only what becomes a job takes of it. */
static void test_an_entry_moves_its_strategys_rate(void **state)
{
    (void)state;
    static const struct {
        void (*change)(struct fixture *f);
        int64_t full_unix_us;
    } moves[] = {{below_rate, RECEIVED + 24 * SECOND},
                 {at_rate, 0},
                 {close_at_rate, 0},
                 {at_rate_no_account, 0},
                 {nothing, 0}};
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        struct fixture f;
        set_up(&f);
        moves[i].change(&f);
        assert_int_equal(plan(&f)->rate_full_unix_us, moves[i].full_unix_us);
        svc_arena_done(&f.arena);
    }
}

static void test_row_of_a_discarded_signal(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    disabled(&f);
    const struct plan *p = plan(&f);
    assert_string_equal(p->signal_id, SIGNAL_ID);
    assert_string_equal(p->user_id, USER_ID);
    assert_string_equal(p->strategy_id, STRATEGY_ID);
    assert_string_equal(p->symbol, "EURUSD");
    assert_string_equal(p->action, "buy");
    assert_string_equal(p->volume, "0.1");
    assert_string_equal(p->raw_payload, "{\"a\":1}");
    assert_int_equal(p->received_unix_us, RECEIVED);
    assert_int_equal(p->durable_unix_us, RECEIVED + 2000);
    svc_arena_done(&f.arena);

    set_up(&f);
    gone(&f);
    assert_null(plan(&f)->strategy_id);
    svc_arena_done(&f.arena);
}

/* The checks let a refused alert's fields through; nothing of them may make the row impossible. */
static void test_row_of_a_refused_alert(void **state)
{
    (void)state;
    static uint8_t broken[] = {'E', 0xff, 'U'};
    struct fixture f;
    set_up(&f);
    refused(&f);
    f.signal.refusal_text = writable(4, "not JSON");
    f.signal.action = TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_UNSPECIFIED;
    f.signal.symbol = (ProtobufCBinaryData){.data = broken, .len = sizeof broken};
    f.signal.volume = writable(5, "1e30");
    const struct plan *p = plan(&f);
    assert_string_equal(p->error, "bad_json: not JSON");
    assert_null(p->symbol);
    assert_null(p->action);
    assert_null(p->volume);
    assert_false(plan_takes_key(&f.signal));
    svc_arena_done(&f.arena);
}

static void test_what_is_a_row_already(void **state)
{
    (void)state;
    static const struct {
        Tradewire__V1__DedupKind kind;
        int64_t row_received;
        enum plan_kind expected;
    } rows[] = {
        {TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_TIME, RECEIVED, PLAN_NOTHING},   /* read again */
        {TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_TIME, RECEIVED - 1, PLAN_COUNT}, /* sent again */
        {TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_KEY, RECEIVED - SECOND, PLAN_COUNT},
        {TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_KEY, RECEIVED + SECOND, PLAN_NOTHING},
        {TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_BODY, RECEIVED - 1, PLAN_NOTHING}, /* random id */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        set_up(&f);
        f.signal.dedup_kind = rows[i].kind;
        f.facts.is_row = true;
        f.facts.row_received_unix_us = rows[i].row_received;
        assert_int_equal(plan(&f)->kind, rows[i].expected);
        svc_arena_done(&f.arena);
    }
    struct fixture f;
    set_up(&f);
    refused(&f);
    f.facts.is_row = true;
    assert_int_equal(plan(&f)->kind, PLAN_NOTHING);
    svc_arena_done(&f.arena);
}

/* Twice in one batch: the second finds its own id at the key. */
static void test_same_alert_in_one_batch(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    f.facts.holder = SIGNAL_ID;
    assert_int_equal(plan(&f)->kind, PLAN_COUNT);
    svc_arena_done(&f.arena);
}

static const char *member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void test_entry_job(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    f.signal.volume = writable(6, "1.50e-1");
    f.signal.sl = writable(7, "1.0500");
    f.strategy.stop_kind = "price";
    f.signal.tv_time_unix_us = RECEIVED - SECOND;
    const struct plan *p = plan(&f);
    char job_id[SVC_UUID_TEXT];
    signal_job_id(SIGNAL_ID, CONNECTION_ID, 1, job_id);
    assert_int_equal(p->kind, PLAN_JOB);
    assert_string_equal(p->job_id, job_id);
    assert_string_equal(p->job_type, "trade");
    assert_string_equal(p->agent_id, AGENT_ID);
    assert_string_equal(p->connection_id, CONNECTION_ID);
    assert_true(p->is_entry);
    assert_int_equal(p->expires_unix_us, RECEIVED - SECOND + 30 * SECOND);

    json_t *input = json_loads(p->input, 0, NULL);
    assert_non_null(input);
    assert_string_equal(member(input, "op"), "open");
    assert_string_equal(member(input, "symbol"), "EURUSD");
    assert_string_equal(member(input, "side"), "buy");
    assert_string_equal(member(input, "volume"), "0.15"); /* text: never a binary number */
    assert_string_equal(member(input, "sl"), "1.05");
    assert_null(json_object_get(input, "tp"));
    assert_int_equal(json_integer_value(json_object_get(input, "deviation_points")), 20);
    assert_int_equal(json_integer_value(json_object_get(input, "magic_tag")), 7);
    assert_string_equal(member(input, "comment"), "T.st \"Strate"); /* 12 printable characters */
    assert_string_equal(member(input, "signal_id"), SIGNAL_ID);
    assert_string_equal(member(input, "source"), "tv_signal");
    json_decref(input);
    svc_arena_done(&f.arena);
}

static void test_close_job(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    close_it(&f);
    f.append_unix_us = RECEIVED - 5000; /* the earlier clock counts */
    const struct plan *p = plan(&f);
    assert_string_equal(p->job_type, "close_position");
    assert_string_equal(p->action, "close");
    assert_false(p->is_entry);
    assert_int_equal(p->expires_unix_us, RECEIVED - 5000 + 72 * 3600 * SECOND);

    json_t *input = json_loads(p->input, 0, NULL);
    assert_string_equal(member(input, "scope"), "strategy");
    assert_string_equal(member(input, "symbol"), "EURUSD");
    assert_int_equal(json_integer_value(json_object_get(input, "opened_before_unix_us")),
                     RECEIVED - 5000);
    assert_null(json_object_get(input, "side"));
    assert_null(json_object_get(input, "volume"));
    json_decref(input);
    svc_arena_done(&f.arena);
}

static void test_sell_is_a_sell(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    f.signal.action = TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_SELL;
    assert_non_null(strstr(plan(&f)->input, "\"side\":\"sell\""));
    svc_arena_done(&f.arena);
}

static void test_symbol_lists(void **state)
{
    (void)state;
    assert_true(symbol_allowed("EURUSD", NULL));
    assert_false(symbol_allowed("EURUSD", ""));
    assert_true(symbol_allowed("EURUSD", "eur/usd"));
    assert_true(symbol_allowed("EURUSD", "GBPUSD\n  OANDA:EUR_USD "));
    assert_true(symbol_allowed("BTCUSDT", "BINANCE:BTCUSDT.P"));
    assert_true(symbol_allowed("US30_cash", "us30_cash")); /* not a pair: its separator stays */
    assert_false(symbol_allowed("US30cash", "US30_cash"));
    assert_false(symbol_allowed("EURUSD", "EURUSDX\nEURUS\n\n"));
    assert_false(symbol_allowed("EURUSD", "FX:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_an_entry_moves_its_strategys_rate),
        cmocka_unit_test(test_row_of_a_discarded_signal),
        cmocka_unit_test(test_row_of_a_refused_alert),
        cmocka_unit_test(test_what_is_a_row_already),
        cmocka_unit_test(test_same_alert_in_one_batch),
        cmocka_unit_test(test_entry_job),
        cmocka_unit_test(test_close_job),
        cmocka_unit_test(test_sell_is_a_sell),
        cmocka_unit_test(test_symbol_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
