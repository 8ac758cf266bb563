/* Closing: which positions, in which order, and what comes of a job of several orders. */
#include "book_support.h"

#include <stdio.h>
#include <string.h>

enum { TAG = 7, OTHER_TAG = 8 };

static struct wire_position position(uint64_t ticket, uint32_t tag, const char *symbol,
                                     int64_t opened_unix_us)
{
    return open_position(ticket, (uint64_t)tag << 32 | 1, symbol, opened_unix_us);
}

static void resolve(struct bench *b, const struct book_offer *offer,
                    struct wire_position *positions, size_t count)
{
    give(b, offer);
    expect(b, BOOK_POSITIONS);
    answer_positions(b, positions, count, false);
}

static void answer_done(struct bench *b, uint64_t deal)
{
    struct wire_message m = done_message(b->action.command_id);
    m.result.deal = deal;
    answer(b, &m);
}

static void answer_code(struct bench *b, uint32_t retcode, int64_t ready_unix_us)
{
    struct wire_message m = result_message(b->action.command_id, retcode);
    m.result.ready_unix_us = ready_unix_us;
    answer(b, &m);
}

/* Scope, strategy and the moment of the alert decide; a row is a position and who closes it. */
static void scopes(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint32_t tag;
        int64_t opened_before_alert_us;
        bool by_strategy, by_symbol, by_account;
    } rows[] = {
        {"own, older", TAG, 1, true, true, true},
        {"own, opened with the alert", TAG, 0, false, false, false},
        {"own, newer", TAG, -1, false, false, false},
        {"another strategy's", OTHER_TAG, 1, false, true, true},
        {"by hand", 0, 1, false, true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int scope = BOOK_SCOPE_STRATEGY; scope <= BOOK_SCOPE_ACCOUNT; scope++) {
            void *own;
            (void)bench_set_up(&own);
            struct bench *b = own;
            struct book_offer offer = close_offer(b, JOB_A);
            struct wire_position p =
                position(5, rows[i].tag, "EURUSD", T0 - rows[i].opened_before_alert_us);
            bool expected = scope == BOOK_SCOPE_STRATEGY ? rows[i].by_strategy
                            : scope == BOOK_SCOPE_SYMBOL ? rows[i].by_symbol
                                                         : rows[i].by_account;
            offer.scope = (enum book_scope)scope;
            give(b, &offer);
            expect(b, BOOK_POSITIONS);
            assert_string_equal(b->action.symbol, scope == BOOK_SCOPE_ACCOUNT ? "" : "EURUSD");
            answer_positions(b, &p, 1, false);
            if (expected)
                expect(b, BOOK_ORDER);
            else
                expect_report(b, BOOK_FAILED, "nothing_to_do");
            (void)bench_tear_down(&own);
        }
    }
}

static void no_position_is_nothing_to_do(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_offer(b, JOB_A);
    resolve(b, &offer, NULL, 0);
    expect_report(b, BOOK_FAILED, "nothing_to_do");
}

static void unknown_symbol(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_offer(b, JOB_A);
    give(b, &offer);
    expect(b, BOOK_POSITIONS);
    struct wire_message m = {.kind = WIRE_POSITIONS, .id = b->action.command_id};
    (void)snprintf(m.error, sizeof m.error, "symbol_unmapped");
    answer(b, &m);
    expect_report(b, BOOK_FAILED, "symbol_unmapped");
}

/* All steps are journaled, and flushed, before the first is sent; oldest first; the other side. */
static void steps_are_journaled_before_the_first(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_offer(b, JOB_A);
    struct wire_position positions[] = {position(9, TAG, "EURUSD", T0 - 10),
                                        position(4, TAG, "EURUSD", T0 - 20),
                                        position(6, TAG, "EURUSD", T0 - 20)};
    static const uint64_t order[] = {4, 6, 9};
    positions[1].sell = true;
    resolve(b, &offer, positions, 3);
    assert_int_equal(records_of(b, RECORD_INTENT, JOB_A), 3);
    b->now.flushed_seq = b->record_count - 1;
    book_next(b->book, &b->now, &b->action);
    assert_int_equal(b->action.act, BOOK_FLUSH);
    for (uint32_t step = 1; step <= 3; step++) {
        struct order_identity identity;
        order_identity(JOB_A, step, TAG, &identity);
        expect(b, BOOK_ORDER);
        assert_int_equal(b->action.order.position, order[step - 1]);
        assert_int_equal(b->action.order.magic, identity.magic);
        assert_int_equal(b->action.order.sell, order[step - 1] != 4);
        assert_string_equal(b->action.order.volume, "0.10");
        answer_done(b, 100 + step);
    }
    expect_report(b, BOOK_DONE, "");
    assert_int_equal(b->action.report.step_count, 3);
    assert_int_equal(b->action.report.steps[2].deal, 103);
    assert_string_equal(b->action.report.text, "");
}

static void pages_are_put_together(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_offer(b, JOB_A);
    struct wire_position first = position(5, TAG, "EURUSD", T0 - 9),
                         second = position(8, TAG, "EURUSD", T0 - 5);
    give(b, &offer);
    expect(b, BOOK_POSITIONS);
    answer_positions(b, &first, 1, true);
    expect(b, BOOK_POSITIONS);
    assert_int_equal(b->action.after, 5);
    b->now.terminal_session++; /* pages of two sessions do not fit together */
    expect(b, BOOK_POSITIONS);
    assert_int_equal(b->action.after, 0);
    answer_positions(b, &first, 1, true);
    expect(b, BOOK_POSITIONS);
    answer_positions(b, &second, 1, false);
    assert_int_equal(records_of(b, RECORD_INTENT, JOB_A), 2);
}

static void silent_terminal_is_asked_again(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_offer(b, JOB_A);
    give(b, &offer);
    expect(b, BOOK_POSITIONS);
    uint64_t id = b->action.command_id;
    pass_ms(b, BOOK_ANSWER_MS);
    expect(b, BOOK_NOTHING);
    pass_ms(b, 1);
    expect(b, BOOK_POSITIONS);
    assert_true(b->action.command_id > id);
}

/* Executed in part is a fact; what was not is said. */
static void one_of_two_fails(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_offer(b, JOB_A);
    struct wire_position positions[] = {position(4, TAG, "EURUSD", T0 - 9),
                                        position(5, TAG, "EURUSD", T0 - 5)};
    resolve(b, &offer, positions, 2);
    expect(b, BOOK_ORDER);
    answer_code(b, 10017, 0);
    expect(b, BOOK_ORDER);
    answer_done(b, 2);
    expect_report(b, BOOK_DONE, "");
    assert_non_null(strstr(b->action.report.text, "1 of 2 orders executed"));
    assert_non_null(strstr(b->action.report.text, "retcode_10017"));
}

static void all_fail(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_offer(b, JOB_A);
    struct wire_position positions[] = {position(4, TAG, "EURUSD", T0 - 9),
                                        position(5, TAG, "EURUSD", T0 - 5)};
    resolve(b, &offer, positions, 2);
    expect(b, BOOK_ORDER);
    answer_code(b, 10017, 0);
    expect(b, BOOK_ORDER);
    answer_code(b, 10014, 0);
    expect_report(b, BOOK_FAILED, "retcode_10017");
}

static void closed_market_waits(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_offer(b, JOB_A);
    struct wire_position positions[] = {position(4, TAG, "EURUSD", T0 - 9),
                                        position(5, TAG, "XAUUSD", T0 - 5)};
    resolve(b, &offer, positions, 2);
    expect(b, BOOK_ORDER);
    answer_code(b, 10018, T0 + 9000000);
    expect(b, BOOK_ORDER);
    answer_code(b, 10018, T0 + 5000000);
    expect_report(b, BOOK_VOID, "waiting_market");
    assert_int_equal(b->action.report.ready_unix_us, T0 + 5000000);
    assert_int_equal(last_record(b, RECORD_VOID)->ready_unix_us, T0 + 5000000);
    book_acked(b->book, JOB_A, 1, &b->now);
    /* offered again: other steps, other identities */
    offer.epoch = 2;
    resolve(b, &offer, positions, 1);
    struct order_identity third;
    order_identity(JOB_A, 3, TAG, &third);
    expect(b, BOOK_ORDER);
    assert_int_equal(b->action.order.magic, third.magic);
}

/* Somebody else closed it meanwhile: success, with the real closing deal. */
static void already_closed_is_success(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_offer(b, JOB_A);
    struct wire_position p = position(4, TAG, "EURUSD", T0 - 9);
    resolve(b, &offer, &p, 1);
    expect(b, BOOK_ORDER);
    answer_code(b, 10036, 0);
    expect(b, BOOK_FIND);
    assert_int_equal(b->action.key_count, 1);
    assert_int_equal(b->action.keys[0].position, 4);
    struct wire_match match = match_for(b->action.keys[0].magic);
    struct wire_message m = found_message(b->action.command_id, &match, 1);
    answer(b, &m);
    expect_report(b, BOOK_DONE, "");
    assert_int_equal(b->action.report.steps[0].deal, 41);
}

static void more_than_the_limit(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_offer(b, JOB_A);
    struct wire_position positions[BOOK_STEPS_MAX + 2];
    for (uint64_t i = 0; i < BOOK_STEPS_MAX + 2; i++)
        positions[i] = position(i + 1, TAG, "EURUSD", T0 - 1000 + (int64_t)i);
    resolve(b, &offer, positions, BOOK_STEPS_MAX + 2);
    for (uint64_t i = 0; i < BOOK_STEPS_MAX; i++) {
        expect(b, BOOK_ORDER);
        answer_done(b, i + 1);
    }
    expect_report(b, BOOK_DONE, "");
    assert_non_null(strstr(b->action.report.text, "2 positions left open"));
}

/* A question ends the lease: what was not sent is not sent any more. */
static void question_stops_the_rest(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_offer(b, JOB_A);
    struct wire_position positions[] = {position(4, TAG, "EURUSD", T0 - 9),
                                        position(5, TAG, "EURUSD", T0 - 5)};
    resolve(b, &offer, positions, 2);
    expect(b, BOOK_ORDER);
    uint64_t id = b->action.command_id;
    offer.epoch = 2;
    offer.question = true;
    give(b, &offer);
    expect(b, BOOK_NOTHING);
    struct wire_message m = done_message(id);
    answer(b, &m);
    expect_report(b, BOOK_DONE, "");
    assert_int_equal(b->action.report.epoch, 2);
    assert_int_equal(records_of(b, RECORD_SENT, JOB_A), 1);
}

static void question_before_the_first_order_voids(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_offer(b, JOB_A);
    give(b, &offer);
    expect(b, BOOK_POSITIONS);
    uint64_t id = b->action.command_id;
    offer.epoch = 2;
    offer.question = true;
    give(b, &offer);
    expect_report(b, BOOK_VOID, "not_executed");
    struct wire_position p = position(4, TAG, "EURUSD", T0 - 9);
    b->action.command_id = id;
    answer_positions(b, &p, 1, false); /* too late to matter */
    expect(b, BOOK_NOTHING);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scopes),
        TEST(no_position_is_nothing_to_do),
        TEST(unknown_symbol),
        TEST(steps_are_journaled_before_the_first),
        TEST(pages_are_put_together),
        TEST(silent_terminal_is_asked_again),
        TEST(one_of_two_fails),
        TEST(all_fail),
        TEST(closed_market_waits),
        TEST(already_closed_is_success),
        TEST(more_than_the_limit),
        TEST(question_stops_the_rest),
        TEST(question_before_the_first_order_voids),
    };
    return cmocka_run_group_tests_name("book close", tests, NULL, NULL);
}
