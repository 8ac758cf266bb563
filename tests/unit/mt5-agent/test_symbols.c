/* Symbols: pages are read and said one by one, nothing is asked while the terminal is wanted for
 * orders, and no terminal makes the agent ask for ever. */
#include "link_messages.h"
#include "symbols.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { LINK = 5, TERMINAL = 1 };

struct bench {
    struct symbols *symbols;
    struct symbols_now now;
    struct symbols_action action; /* the last one */
    uint64_t numbers;
    struct wire_symbol names[MESSAGE_SYMBOLS_MAX];
};

static uint64_t number(void *arg)
{
    struct bench *b = arg;
    return b->numbers += 3; /* others take numbers, too */
}

static struct bench the_bench;

static int set_up(void **state)
{
    struct bench *b = &the_bench;
    *b = (struct bench){.now = {1000000, LINK, TERMINAL, true}};
    b->symbols = symbols_new(number, b);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    symbols_free(&b->symbols);
    return 0;
}

static void expect(struct bench *b, enum symbols_act act)
{
    symbols_next(b->symbols, &b->now, &b->action);
    if (b->action.act != act)
        fail_msg("act %d instead of %d", b->action.act, act);
}

static void expect_ask(struct bench *b, const char *after)
{
    expect(b, SYMBOLS_ASK);
    assert_string_equal(b->action.after, after);
    assert_int_equal(b->action.command_id, b->numbers);
}

static void pass_ms(struct bench *b, int64_t ms)
{
    b->now.mono_us += ms * 1000;
}

/* `count` symbols S00000 … from `first` on; the answer to the last command. */
static struct wire_message page_of(struct bench *b, unsigned first, unsigned count, bool more)
{
    for (unsigned i = 0; i < count; i++)
        (void)snprintf(b->names[i].name, sizeof b->names[i].name, "S%05u", first + i);
    return (struct wire_message){
        .kind = WIRE_SYMBOLS, .id = b->numbers, .symbols = b->names, .count = count, .more = more};
}

static void answer(struct bench *b, unsigned first, unsigned count, bool more)
{
    struct wire_message m = page_of(b, first, count, more);
    symbols_answered(b->symbols, &m, b->now.mono_us);
}

static void expect_page(struct bench *b, uint64_t report, uint32_t page, size_t count, bool last)
{
    expect(b, SYMBOLS_SAY);
    assert_int_equal(b->action.page->report, report);
    assert_int_equal(b->action.page->page, page);
    assert_int_equal(b->action.page->count, count);
    assert_int_equal(b->action.page->last, last);
}

static void pages_are_told_one_by_one(void **state)
{
    struct bench *b = *state;
    expect_ask(b, "");
    expect(b, SYMBOLS_NOTHING); /* one command at a time */
    answer(b, 0, 100, true);
    expect_page(b, 1, 1, 100, false);
    expect(b, SYMBOLS_NOTHING); /* nothing is read before it is acknowledged */
    assert_int_equal(symbols_acked(b->symbols, 1, 1), 0);
    expect_ask(b, "S00099");
    answer(b, 100, 7, false);
    expect_page(b, 1, 2, 7, true);
    assert_string_equal(b->action.page->symbols[6].name, "S00106");
    assert_int_equal(symbols_acked(b->symbols, 1, 2), 107);
    expect(b, SYMBOLS_NOTHING);
    assert_int_equal(b->action.wake_mono_us, 0);
    pass_ms(b, 86400000);
    expect(b, SYMBOLS_NOTHING);
}

static void a_page_is_said_again_until_it_is_acknowledged(void **state)
{
    struct bench *b = *state;
    expect_ask(b, "");
    answer(b, 0, 1, true);
    expect_page(b, 1, 1, 1, false);
    pass_ms(b, SYMBOLS_AGAIN_MS - 1);
    expect(b, SYMBOLS_NOTHING);
    assert_int_equal(b->action.wake_mono_us, b->now.mono_us + 1000);
    pass_ms(b, 1);
    expect_page(b, 1, 1, 1, false);
    assert_int_equal(symbols_acked(b->symbols, 1, 2), 0); /* not this one */
    assert_int_equal(symbols_acked(b->symbols, 2, 1), 0);
    pass_ms(b, SYMBOLS_AGAIN_MS);
    expect_page(b, 1, 1, 1, false);
    assert_int_equal(symbols_acked(b->symbols, 1, 1), 0);
    expect_ask(b, "S00000");
    assert_int_equal(symbols_acked(b->symbols, 1, 1), 0); /* acknowledged twice: nothing more */
    expect(b, SYMBOLS_NOTHING);
}

static void an_account_without_symbols_is_told_as_one_empty_page(void **state)
{
    struct bench *b = *state;
    expect_ask(b, "");
    answer(b, 0, 0, false);
    expect_page(b, 1, 1, 0, true);
    (void)symbols_acked(b->symbols, 1, 1);
    expect(b, SYMBOLS_NOTHING);
}

static void nothing_is_asked_without_both_sides_or_before_orders(void **state)
{
    struct bench *b = *state;
    b->now.link_session = 0;
    expect(b, SYMBOLS_NOTHING);
    b->now.link_session = LINK;
    b->now.terminal_session = 0;
    expect(b, SYMBOLS_NOTHING);
    b->now.terminal_session = TERMINAL;
    b->now.may_ask = false;
    expect(b, SYMBOLS_NOTHING);
    assert_int_equal(b->numbers, 0);
    b->now.may_ask = true;
    expect_ask(b, "");
    answer(b, 0, 2, true);
    b->now.may_ask = false; /* a page that was read needs no terminal to be said */
    expect_page(b, 1, 1, 2, false);
    (void)symbols_acked(b->symbols, 1, 1);
    expect(b, SYMBOLS_NOTHING);
    b->now.may_ask = true;
    expect_ask(b, "S00001");
}

static void a_new_session_begins_a_new_report(void **state)
{
    struct bench *b = *state;
    expect_ask(b, "");
    answer(b, 0, 100, true);
    expect_page(b, 1, 1, 100, false);
    b->now.link_session = 0;
    expect(b, SYMBOLS_NOTHING);
    b->now.link_session = LINK + 1; /* of the gateway */
    expect_ask(b, "");
    answer(b, 0, 1, false);
    expect_page(b, 2, 1, 1, true);
    assert_int_equal(symbols_acked(b->symbols, 1, 1), 0); /* too late: of the report before */
    assert_int_equal(symbols_acked(b->symbols, 2, 1), 1);
    b->now.terminal_session++; /* of the terminal */
    expect_ask(b, "");
    answer(b, 0, 1, false);
    expect_page(b, 3, 1, 1, true);
}

/* The gateway was lost while the terminal had a command: that one is waited for, and its answer is
 * not taken for the new report's, which could not tell where it begins. */
static void the_answer_to_an_earlier_report_is_not_taken(void **state)
{
    struct bench *b = *state;
    expect_ask(b, "");
    answer(b, 0, 100, true);
    expect_page(b, 1, 1, 100, false);
    (void)symbols_acked(b->symbols, 1, 1);
    expect_ask(b, "S00099");
    b->now.link_session++;
    expect(b, SYMBOLS_NOTHING);
    answer(b, 100, 1, false);
    expect_ask(b, "");
}

static void other_answers_change_nothing(void **state)
{
    struct bench *b = *state;
    struct wire_message m = page_of(b, 0, 1, false);
    m.id = 77;
    symbols_answered(b->symbols, &m, b->now.mono_us);
    expect_ask(b, "");
    m.id = b->numbers - 1;
    symbols_answered(b->symbols, &m, b->now.mono_us);
    m.id = b->numbers;
    m.kind = WIRE_PONG;
    symbols_answered(b->symbols, &m, b->now.mono_us);
    expect(b, SYMBOLS_NOTHING);
}

/* The agent may ask once per pause, and the pauses grow to an hour. */
static void expect_pause(struct bench *b, int64_t pause_ms, const char *complaint)
{
    expect(b, SYMBOLS_NOTHING);
    assert_non_null(b->action.complaint);
    assert_non_null(strstr(b->action.complaint, complaint));
    pass_ms(b, pause_ms - 1);
    expect(b, SYMBOLS_NOTHING);
    assert_null(b->action.complaint);
    assert_int_equal(b->action.wake_mono_us, b->now.mono_us + 1000);
    pass_ms(b, 1);
}

static void the_same_page_for_ever_ends_in_pauses(void **state)
{
    struct bench *b = *state;
    int64_t pause_ms = SYMBOLS_PAUSE_MS;
    expect_ask(b, "");
    answer(b, 0, 100, true);
    expect_page(b, 1, 1, 100, false);
    (void)symbols_acked(b->symbols, 1, 1);
    for (int i = 0; i < 15; i++) {
        expect_ask(b, "S00099");
        answer(b, 0, 100, true);
        expect_pause(b, pause_ms, "begins before the end");
        pause_ms = pause_ms * 2 < SYMBOLS_PAUSE_MAX_MS ? pause_ms * 2 : SYMBOLS_PAUSE_MAX_MS;
    }
    assert_int_equal(pause_ms, SYMBOLS_PAUSE_MAX_MS);
}

static void a_terminal_that_cannot_or_does_not_answer(void **state)
{
    struct bench *b = *state;
    expect_ask(b, "");
    struct wire_message m = page_of(b, 0, 0, false);
    (void)snprintf(m.error, sizeof m.error, "unknown");
    symbols_answered(b->symbols, &m, b->now.mono_us);
    expect_pause(b, SYMBOLS_PAUSE_MS, "cannot list");
    expect_ask(b, "");
    assert_int_equal(b->action.wake_mono_us, b->now.mono_us + SYMBOLS_ANSWER_MS * 1000);
    pass_ms(b, SYMBOLS_ANSWER_MS);
    expect_pause(b, 2 * SYMBOLS_PAUSE_MS, "did not answer");
    expect_ask(b, "");
    /* a complete report, and the next failure is the first again */
    answer(b, 0, 1, false);
    expect_page(b, 1, 1, 1, true);
    assert_int_equal(symbols_acked(b->symbols, 1, 1), 1);
    b->now.terminal_session++;
    expect_ask(b, "");
    pass_ms(b, SYMBOLS_ANSWER_MS);
    expect_pause(b, SYMBOLS_PAUSE_MS, "did not answer");
}

/* An answer that costs the terminal its connection: what comes back is not asked at once. */
static void connections_that_end_over_it_are_paused_for(void **state)
{
    struct bench *b = *state;
    expect_ask(b, "");
    b->now.terminal_session = 0;
    expect(b, SYMBOLS_NOTHING);
    assert_non_null(b->action.complaint);
    b->now.terminal_session = TERMINAL + 1;
    expect(b, SYMBOLS_NOTHING);
    pass_ms(b, SYMBOLS_PAUSE_MS);
    expect_ask(b, "");
    b->now.terminal_session = TERMINAL + 2; /* without a moment between them */
    expect_pause(b, 2 * SYMBOLS_PAUSE_MS, "connection ended");
    expect_ask(b, "");
}

static void ten_thousand_and_no_more(void **state)
{
    struct bench *b = *state;
    char after[16] = "";
    for (unsigned page = 1; page <= SYMBOLS_MAX / 100; page++) {
        bool last = page == SYMBOLS_MAX / 100;
        expect_ask(b, after);
        answer(b, (page - 1) * 100, 100, true);
        expect_page(b, 1, page, 100, last);
        assert_int_equal(b->action.complaint != NULL, last);
        assert_int_equal(symbols_acked(b->symbols, 1, page), last ? SYMBOLS_MAX : 0);
        (void)snprintf(after, sizeof after, "S%05u", page * 100 - 1);
    }
    expect(b, SYMBOLS_NOTHING);
}

static void the_last_page_is_cut_at_ten_thousand(void **state)
{
    struct bench *b = *state;
    unsigned told = 0;
    for (unsigned page = 1; told < SYMBOLS_MAX; page++) { /* pages of 99 do not fit evenly */
        expect(b, SYMBOLS_ASK);
        answer(b, told, 99, true);
        expect(b, SYMBOLS_SAY);
        told += (unsigned)b->action.page->count;
        (void)symbols_acked(b->symbols, 1, page);
    }
    assert_int_equal(told, SYMBOLS_MAX);
    assert_int_equal(b->action.page->count, 1);
    assert_true(b->action.page->last);
    assert_non_null(b->action.complaint);
}

/* The largest page that a terminal can make passes the gateway's check, and its size limit. */
static void the_largest_page_fits_an_envelope(void **state)
{
    struct bench *b = *state;
    static struct symbols_page page;
    struct svc_arena arena;
    struct svc_buffer bytes = {0};
    struct svc_error err;
    Tradewire__V1__Envelope envelope, *back = NULL;
    const char *forty = "1111111111222222222233333333334444444444";
    (void)b;
    page = (struct symbols_page){.report = 1, .page = 1, .count = MESSAGE_SYMBOLS_MAX};
    for (unsigned i = 0; i < MESSAGE_SYMBOLS_MAX; i++) {
        struct wire_symbol *s = &page.symbols[i];
        char *const decimals[] = {s->point,      s->tick_size,  s->tick_value,  s->contract_size,
                                  s->volume_min, s->volume_max, s->volume_step, s->volume_limit};
        (void)snprintf(s->name, sizeof s->name, "%03u%061u", i, 0U);
        for (size_t d = 0; d < sizeof decimals / sizeof decimals[0]; d++)
            memcpy(decimals[d], forty, RECORD_DECIMAL_TEXT);
        s->digits = MESSAGE_DIGITS_MAX;
        s->stops_level = s->freeze_level = INT32_MAX;
        s->trade_mode = MESSAGE_TRADE_MODE_MAX;
        s->filling_mode = MESSAGE_FILLING_MODE_MAX;
        s->calc_mode = MESSAGE_CALC_MODE_MAX;
        memset(s->currency_base, 'X', MESSAGE_CURRENCY_BYTES_MAX);
        memset(s->currency_profit, 'X', MESSAGE_CURRENCY_BYTES_MAX);
        memset(s->currency_margin, 'X', MESSAGE_CURRENCY_BYTES_MAX);
    }
    svc_arena_init(&arena, 4096);
    link_message_symbols(&arena, &page, &envelope);
    envelope.has_version = 1;
    envelope.version = MESSAGE_VERSION;
    contracts_pack(&envelope.base, &bytes);
    assert_true(bytes.len < MESSAGE_ENVELOPE_BYTES_MAX / 8);
    if (contracts_unpack_envelope(&arena, bytes.bytes, bytes.len, &back, &err) != SVC_OK)
        fail_msg("%s", err.text);
    assert_int_equal(back->symbols_report->n_symbols, MESSAGE_SYMBOLS_MAX);
    assert_string_equal(back->symbols_report->symbols[99]->volume_limit, forty);
    svc_arena_done(&arena);
    svc_buffer_done(&bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(pages_are_told_one_by_one),
        TEST(a_page_is_said_again_until_it_is_acknowledged),
        TEST(an_account_without_symbols_is_told_as_one_empty_page),
        TEST(nothing_is_asked_without_both_sides_or_before_orders),
        TEST(a_new_session_begins_a_new_report),
        TEST(the_answer_to_an_earlier_report_is_not_taken),
        TEST(other_answers_change_nothing),
        TEST(the_same_page_for_ever_ends_in_pauses),
        TEST(a_terminal_that_cannot_or_does_not_answer),
        TEST(connections_that_end_over_it_are_paused_for),
        TEST(ten_thousand_and_no_more),
        TEST(the_last_page_is_cut_at_ten_thousand),
        TEST(the_largest_page_fits_an_envelope),
    };
    return cmocka_run_group_tests_name("symbols", tests, NULL, NULL);
}
