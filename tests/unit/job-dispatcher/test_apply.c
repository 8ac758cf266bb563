/* apply.c and apply_output.c: a JobResult becomes the row that apply_results() judges. */
#include "apply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

enum { FILLS_MAX = 4, TEXT = 64 };

struct fixture {
    Tradewire__V1__JobResult result;
    Tradewire__V1__AgentTimes times;
    Tradewire__V1__Fill fills[FILLS_MAX], *list[FILLS_MAX];
    char texts[2 * FILLS_MAX][TEXT];
    char job_id[TEXT], agent_id[TEXT], code[TEXT];
    struct svc_arena arena;
    struct apply_row row;
};

static void set_up(struct fixture *f, Tradewire__V1__Outcome outcome)
{
    *f = (struct fixture){.job_id = "11111111-1111-4111-8111-111111111111",
                          .agent_id = "66666666-6666-4666-8666-666666666666"};
    tradewire__v1__job_result__init(&f->result);
    tradewire__v1__agent_times__init(&f->times);
    f->result.job_id = f->job_id;
    f->result.agent_id = f->agent_id;
    f->result.lease_epoch = 3;
    f->result.outcome = outcome;
    f->result.fills = f->list;
    svc_arena_init(&f->arena, 4096);
}

static void add_fill(struct fixture *f, uint32_t step, uint64_t order, const char *price,
                     const char *volume)
{
    const size_t i = f->result.n_fills++;
    char *price_text = f->texts[2 * i], *volume_text = f->texts[2 * i + 1];
    (void)snprintf(price_text, TEXT, "%s", price);
    (void)snprintf(volume_text, TEXT, "%s", volume);
    tradewire__v1__fill__init(&f->fills[i]);
    f->fills[i].step = step;
    f->fills[i].order = order;
    f->fills[i].price = price_text;
    f->fills[i].volume = volume_text;
    f->list[i] = &f->fills[i];
}

static void say(struct fixture *f, const char *code, const char *text)
{
    (void)snprintf(f->code, sizeof f->code, "%s", code);
    f->result.code = f->code;
    f->result.has_text = text != NULL;
    f->result.text.len = text != NULL ? strlen(text) : 0;
    f->result.text.data = (uint8_t *)svc_arena_text(&f->arena, text);
}

static void put_out(struct fixture *f, const char *output)
{
    f->result.has_output = 1;
    f->result.output.len = strlen(output);
    f->result.output.data = (uint8_t *)svc_arena_text(&f->arena, output);
}

static const struct apply_row *apply(struct fixture *f)
{
    apply_row(&f->result, "raw", 3, &f->arena, &f->row);
    return &f->row;
}

static void check_price(const char *const fills[][2], size_t count, const char *price,
                        const char *volume)
{
    struct fixture f;
    set_up(&f, TRADEWIRE__V1__OUTCOME__OUTCOME_DONE);
    for (size_t i = 0; i < count; i++)
        add_fill(&f, (uint32_t)i + 1, 100 + i, fills[i][0], fills[i][1]);
    const struct apply_row *row = apply(&f);
    if (price == NULL)
        assert_null(row->fill_price);
    else
        assert_string_equal(row->fill_price, price);
    if (volume == NULL)
        assert_null(row->filled_volume);
    else
        assert_string_equal(row->filled_volume, volume);
    svc_arena_done(&f.arena);
}

static void test_price_is_weighted_by_volume(void **state)
{
    (void)state;
    check_price((const char *const[][2]){{"1.08500", "0.10"}}, 1, "1.085", "0.1");
    check_price((const char *const[][2]){{"1.1", "1"}, {"1.2", "3"}}, 2, "1.175", "4");
    /* a third does not end: ten decimals, half up */
    check_price((const char *const[][2]){{"1", "1"}, {"2", "2"}}, 2, "1.6666666667", "3");
    check_price((const char *const[][2]){{"-37.63", "2"}, {"-40", "2"}}, 2, "-38.815", "4");
    check_price((const char *const[][2]){{"1.5", "0"}, {"2.5", "0.01"}}, 2, "2.5", "0.01");
    check_price((const char *const[][2]){{"1.5", "0"}}, 1, NULL, NULL);
    check_price(NULL, 0, NULL, NULL);
}

/* Numbers that no column holds do not cost the fact. */
static void test_price_beyond_the_columns(void **state)
{
    (void)state;
    check_price((const char *const[][2]){{"1e25", "1"}}, 1, NULL, "1");
    check_price((const char *const[][2]){{"10000000000000", "1"}}, 1, NULL, "1");
    check_price((const char *const[][2]){{"1.5", "100000000"}}, 1, "1.5", NULL);
    check_price((const char *const[][2]){{"1.123456789012345", "1"}}, 1, "1.123456789012345", "1");
    /* many whole digits: fewer decimals */
    check_price((const char *const[][2]){{"1500000000.25", "1"}, {"1500000000.75", "3"}}, 2,
                "1500000000.625", "4");
    check_price((const char *const[][2]){{"1e25", "1"}, {"2", "1"}}, 2, NULL, NULL);
}

static void test_done(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, TRADEWIRE__V1__OUTCOME__OUTCOME_DONE);
    add_fill(&f, 2, 102, "1.2", "0.1");
    add_fill(&f, 1, 18446744073709551615U, "1.1", "0.1");
    f.fills[1].deal = 7;
    say(&f, "stale", "ignored: it is done");
    f.result.times = &f.times;
    f.result.sent_unix_us = 5;
    f.times.filled = 9;
    const struct apply_row *row = apply(&f);
    assert_string_equal(row->job_id, f.job_id);
    assert_string_equal(row->agent_id, f.agent_id);
    assert_int_equal(row->lease_epoch, 3);
    assert_string_equal(row->outcome, "done");
    assert_null(row->error);
    assert_string_equal(row->order_id, "18446744073709551615"); /* the first step's */
    assert_string_equal(row->timeline, "{\"sent\":5,\"filled\":9}");
    assert_int_equal(row->raw_len, 3);

    json_t *output = json_loads(row->output, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(output);
    assert_string_equal(json_string_value(json_object_get(output, "ticket")), "102");
    assert_string_equal(json_string_value(json_object_get(output, "fill_price")), "1.15");
    assert_string_equal(json_string_value(json_object_get(output, "filled_volume")), "0.2");
    const json_t *steps = json_object_get(output, "steps");
    assert_int_equal(json_array_size(steps), 2);
    const json_t *second = json_array_get(steps, 1);
    assert_int_equal(json_integer_value(json_object_get(second, "step")), 1);
    assert_string_equal(json_string_value(json_object_get(second, "deal_id")), "7");
    assert_string_equal(json_string_value(json_object_get(second, "price")), "1.1");
    json_decref(output);
    svc_arena_done(&f.arena);
}

/* A close whose first position another job had closed, as its agent reports it. */
static void test_closed_by_another_order(void **state)
{
    (void)state;
    for (int own = 0; own <= 1; own++) {
        struct fixture f;
        set_up(&f, TRADEWIRE__V1__OUTCOME__OUTCOME_DONE);
        add_fill(&f, 1, 31, "1.5", "0");
        if (own)
            add_fill(&f, 2, 32, "1.6", "0.10");
        f.result.has_text = 1;
        f.result.text.data = (uint8_t *)svc_arena_text(&f.arena, "1 of 2");
        f.result.text.len = 6;
        const struct apply_row *row = apply(&f);
        assert_string_equal(row->order_id, own ? "32" : "31");
        assert_null(row->error);
        assert_non_null(strstr(row->output, "\"message\":\"1 of 2\""));
        if (own) {
            assert_string_equal(row->filled_volume, "0.1");
            assert_string_equal(row->fill_price, "1.6");
        } else {
            assert_null(row->filled_volume);
            assert_null(row->fill_price);
        }
        svc_arena_done(&f.arena);
    }
}

static void test_other_outcomes(void **state)
{
    (void)state;
    static const struct {
        Tradewire__V1__Outcome outcome;
        const char *code, *text, *name, *error;
    } rows[] = {
        {TRADEWIRE__V1__OUTCOME__OUTCOME_FAILED, "retcode_10019", "No money", "failed",
         "retcode_10019: No money"},
        {TRADEWIRE__V1__OUTCOME__OUTCOME_FAILED, "nothing_to_do", NULL, "failed",
         "nothing_to_do: there was no position to close"},
        {TRADEWIRE__V1__OUTCOME__OUTCOME_FAILED, "retcode_10006", "", "failed",
         "retcode_10006: the trade server refused with this MetaTrader 5 return code"},
        {TRADEWIRE__V1__OUTCOME__OUTCOME_VOID, "waiting_market", "opens at 22:05", "void",
         "waiting_market: opens at 22:05"},
        {TRADEWIRE__V1__OUTCOME__OUTCOME_UNKNOWN, "unknown_outcome", "asked", "unknown",
         "unknown_outcome: asked"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        set_up(&f, rows[i].outcome);
        say(&f, rows[i].code, rows[i].text);
        f.result.ready_unix_us = 42;
        add_fill(&f, 1, 77, "1.1", "1"); /* only a fact has a price and a ticket */
        const struct apply_row *row = apply(&f);
        assert_string_equal(row->outcome, rows[i].name);
        assert_string_equal(row->error, rows[i].error);
        assert_null(row->fill_price);
        assert_null(row->order_id);
        assert_int_equal(row->ready_unix_us, 42);
        assert_string_equal(row->timeline, "{}");
        svc_arena_done(&f.arena);
    }
}

static void check_output(const char *given, size_t fills, const char *expected)
{
    struct fixture f;
    set_up(&f, TRADEWIRE__V1__OUTCOME__OUTCOME_DONE);
    if (given != NULL)
        put_out(&f, given);
    if (fills > 0)
        add_fill(&f, 1, 5, "1.5", "1");
    const struct apply_row *row = apply(&f);
    if (expected == NULL)
        assert_null(row->output);
    else
        assert_string_equal(row->output, expected);
    svc_arena_done(&f.arena);
}

#define FILL_5                                                                                     \
    "\"ticket\":\"5\",\"order_id\":\"5\",\"fill_price\":\"1.5\",\"filled_volume\":\"1\","          \
    "\"steps\":[{\"step\":1,\"ticket\":\"5\",\"order_id\":\"5\",\"price\":\"1.5\","                \
    "\"volume\":\"1\"}]"

static void test_output(void **state)
{
    (void)state;
    check_output(NULL, 0, NULL);
    check_output("{\"positions\":[18446744073709551615]}", 0,
                 "{\"positions\":[18446744073709551615]}");
    check_output(NULL, 1, "{" FILL_5 "}");
    check_output("{\"a\":1}", 1, "{" FILL_5 ",\"output\":{\"a\":1}}");
}

/* What Postgres refuses as jsonb is kept as text; the fact it came with must not be lost. */
static void test_unreadable_output(void **state)
{
    (void)state;
    check_output("not \"JSON\"", 0, "{\"output_text\":\"not \\\"JSON\\\"\"}");
    check_output("[1]", 0, "{\"output_text\":\"[1]\"}");
    check_output("{\"a\":\"\\u0000\"}", 0, "{\"output_text\":\"{\\\"a\\\":\\\"\\\\u0000\\\"}\"}");
    check_output("{\"a\":\"\\ud800\"}", 0, "{\"output_text\":\"{\\\"a\\\":\\\"\\\\ud800\\\"}\"}");
    check_output("{\"a\":1e999}", 0, "{\"output_text\":\"{\\\"a\\\":1e999}\"}");
    check_output("{}x", 1, "{" FILL_5 ",\"output_text\":\"{}x\"}");
}

static void test_epoch_beyond_bigint(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, TRADEWIRE__V1__OUTCOME__OUTCOME_DONE);
    f.result.lease_epoch = UINT64_MAX;
    assert_int_equal(apply(&f)->lease_epoch, -1); /* no epoch is: only a fact can still count */
    svc_arena_done(&f.arena);
}

static void test_rounds(void **state)
{
    (void)state;
    struct apply_row rows[] = {{.job_id = "a"}, {.job_id = "b"}, {.job_id = "a"},
                               {.job_id = "c"}, {.job_id = "a"}, {.job_id = "b"}};
    static const unsigned expected[] = {0, 0, 1, 0, 2, 1};
    assert_int_equal(apply_rounds(rows, 6), 3);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(rows[i].round, expected[i]);
    assert_int_equal(apply_rounds(rows, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_price_is_weighted_by_volume),
        cmocka_unit_test(test_price_beyond_the_columns),
        cmocka_unit_test(test_done),
        cmocka_unit_test(test_closed_by_another_order),
        cmocka_unit_test(test_other_outcomes),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_unreadable_output),
        cmocka_unit_test(test_epoch_beyond_bigint),
        cmocka_unit_test(test_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
