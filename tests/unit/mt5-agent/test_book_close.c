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

static void answer_found(struct bench *b, bool by_position)
{
    struct wire_match match = match_for(b->action.keys[0].magic);
    match.by_position = by_position;
    (void)snprintf(match.profit, sizeof match.profit, "4.20");
    struct wire_message m = found_message(b->action.command_id, &match, 1);
    answer(b, &m);
}

static void check_closed_by_other(const struct book_step *step)
{
    assert_int_equal(step->state, BOOK_CLOSED_BY_OTHER);
    assert_int_equal(step->retcode, 10036);
    assert_int_equal(step->order, 31);
    assert_int_equal(step->deal, 41);
    assert_string_equal(step->price, "1.08777");
    assert_string_equal(step->filled, "0"); /* volume and profit are the other order's */
    assert_string_equal(step->profit, "");
}

/* Another order closed it meanwhile: success, with the real closing deal, and nothing filled. */
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
    answer_found(b, true);
    for (int life = 0; life < 2; life++) { /* the journal keeps the difference */
        expect_report(b, BOOK_DONE, "");
        assert_int_equal(b->action.report.step_count, 1);
        assert_int_equal(b->action.report.retcode, 10036);
        assert_int_equal(b->action.report.filled_unix_us, 0);
        assert_string_equal(b->action.report.text,
                            "1 of 1 positions had been closed by another order");
        check_closed_by_other(b->action.report.steps);
        restart(b, true);
    }
}

/* The position is closed because this order did it: an execution as any other. */
static void found_by_its_magic_is_its_own(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_offer(b, JOB_A);
    struct wire_position p = position(4, TAG, "EURUSD", T0 - 9);
    resolve(b, &offer, &p, 1);
    expect(b, BOOK_ORDER);
    answer_code(b, 10036, 0);
    expect(b, BOOK_FIND);
    answer_found(b, false);
    expect_report(b, BOOK_DONE, "");
    assert_int_equal(b->action.report.steps->state, BOOK_EXECUTED);
    assert_string_equal(b->action.report.steps->filled, "0.10");
    assert_string_equal(b->action.report.steps->profit, "4.20");
    assert_string_equal(b->action.report.text, "");
}

static void one_is_closed_one_was_and_one_fails(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_offer(b, JOB_A);
    struct wire_position positions[] = {position(4, TAG, "EURUSD", T0 - 9),
                                        position(5, TAG, "EURUSD", T0 - 5),
                                        position(6, TAG, "EURUSD", T0 - 4)};
    resolve(b, &offer, positions, 3);
    expect(b, BOOK_ORDER);
    answer_code(b, 10036, 0);
    expect(b, BOOK_ORDER);
    answer_done(b, 2);
    expect(b, BOOK_FIND);
    answer_found(b, true);
    expect(b, BOOK_ORDER);
    answer_code(b, 10017, 0);
    expect_report(b, BOOK_DONE, "");
    assert_string_equal(b->action.report.text,
                        "1 of 3 orders executed; the first of the others: retcode_10017; "
                        "1 of 3 positions had been closed by another order");
    assert_int_equal(b->action.report.retcode, 10009);
    check_closed_by_other(b->action.report.steps);
    assert_int_equal(b->action.report.steps[1].state, BOOK_EXECUTED);
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

/* A close of two positions of which the first is closed: what ends before the second is sent? */
static struct book_offer close_one_of_two(struct bench *b)
{
    struct book_offer offer = close_offer(b, JOB_A);
    struct wire_position positions[] = {position(4, TAG, "EURUSD", T0 - 9),
                                        position(5, TAG, "EURUSD", T0 - 5)};
    resolve(b, &offer, positions, 2);
    expect(b, BOOK_ORDER);
    return offer;
}

static void ask_again(struct bench *b, struct book_offer *offer)
{
    renew_trust(b);
    offer->epoch++;
    offer->question = true;
    offer->claimed_unix_us = b->now.unix_us;
    give(b, offer);
}

static void expect_the_rest(struct bench *b)
{
    struct order_identity second;
    order_identity(JOB_A, 2, TAG, &second);
    expect(b, BOOK_ORDER);
    assert_int_equal(b->action.order.position, 5);
    assert_int_equal(b->action.order.magic, second.magic); /* the same order: it never was one */
    answer_done(b, 2);
    expect_report(b, BOOK_DONE, "");
    assert_int_equal(b->action.report.step_count, 2);
    assert_string_equal(b->action.report.text, "");
    assert_int_equal(records_of(b, RECORD_INTENT, JOB_A), 2);
}

static void expect_part(struct bench *b)
{
    expect_report(b, BOOK_DONE, "");
    assert_string_equal(b->action.report.text,
                        "1 of 2 orders executed; the first of the others: not_executed");
}

/* A question ends the lease: the rest is sent under the question's, once the first is known. */
static void rest_goes_on_under_a_question(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_one_of_two(b);
    uint64_t id = b->action.command_id;
    ask_again(b, &offer);
    expect(b, BOOK_NOTHING);
    struct wire_message m = done_message(id);
    answer(b, &m);
    expect_the_rest(b);
    assert_int_equal(b->action.report.epoch, 2);
}

/* Nothing of it is done: it can be given back, as any other. */
static void nothing_done_is_given_back(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_one_of_two(b);
    uint64_t id = b->action.command_id;
    ask_again(b, &offer);
    struct wire_message m = refusal_message(id, "stale");
    answer(b, &m);
    expect_report(b, BOOK_VOID, "not_executed");
}

static void rest_waits_for_a_lease(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_one_of_two(b);
    answer_done(b, 1);
    pass_ms(b, 14001); /* the session is not certain any more */
    expect(b, BOOK_NOTHING);
    assert_true(book_is_idle(b->book));
    b->now.link_session = 0; /* nobody can ask: that may take its time */
    pass_ms(b, 2 * BOOK_REST_MS);
    expect(b, BOOK_NOTHING);
    b->now.link_session = 2;
    expect(b, BOOK_NOTHING);
    ask_again(b, &offer);
    expect_the_rest(b);
}

static void rest_does_not_wait_for_ever(void **state)
{
    struct bench *b = *state;
    (void)close_one_of_two(b);
    answer_done(b, 1);
    pass_ms(b, 14001);
    expect(b, BOOK_NOTHING);
    pass_ms(b, BOOK_REST_MS - 1);
    expect(b, BOOK_NOTHING);
    pass_ms(b, 1);
    expect_part(b);
    restart(b, true); /* and is not taken up again */
    expect_part(b);
}

static void rest_expires(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_one_of_two(b);
    answer_done(b, 1);
    pass_ms(b, 14001);
    expect(b, BOOK_NOTHING);
    b->now.unix_us = offer.expires_unix_us + 1;
    ask_again(b, &offer);
    expect_part(b);
}

/* Once under each lease: a terminal that says that it is too late is not asked in a circle. */
static void rest_goes_on_once_under_a_lease(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_one_of_two(b);
    answer_done(b, 1);
    for (int turn = 0; turn < 2; turn++) { /* the first time, and once more */
        expect(b, BOOK_ORDER);
        struct wire_message m = refusal_message(b->action.command_id, "stale");
        answer(b, &m);
    }
    expect(b, BOOK_NOTHING);
    ask_again(b, &offer);
    expect_the_rest(b);
}

/* Killed in the middle: what was not sent is proven so, and goes on under the question's lease. */
static void rest_goes_on_after_a_restart(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_one_of_two(b);
    answer_done(b, 1);
    restart(b, true);
    ask_again(b, &offer);
    int64_t waited_ms = 0;
    for (enum book_act act; (act = next(b)) != BOOK_ORDER; waited_ms += 500) {
        assert_true(waited_ms <= 40000);
        if (act == BOOK_FIND) {
            struct wire_message m = found_message(b->action.command_id, NULL, 0);
            answer(b, &m);
        } else if (act == BOOK_REPORT) {
            assert_int_equal(b->action.report.outcome, BOOK_UNKNOWN);
            book_acked(b->book, JOB_A, 2, &b->now);
        }
        pass_ms(b, 500);
        renew_trust(b);
    }
    assert_true(waited_ms >= BOOK_QUIET_MS);
    assert_int_equal(b->action.order.position, 5);
    answer_done(b, 2);
    expect_report(b, BOOK_DONE, "");
    assert_int_equal(b->action.report.step_count, 2);
    assert_string_equal(b->action.report.text, "");
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
        TEST(found_by_its_magic_is_its_own),
        TEST(one_is_closed_one_was_and_one_fails),
        TEST(more_than_the_limit),
        TEST(rest_goes_on_under_a_question),
        TEST(nothing_done_is_given_back),
        TEST(rest_waits_for_a_lease),
        TEST(rest_does_not_wait_for_ever),
        TEST(rest_expires),
        TEST(rest_goes_on_once_under_a_lease),
        TEST(rest_goes_on_after_a_restart),
        TEST(question_before_the_first_order_voids),
    };
    return cmocka_run_group_tests_name("book close", tests, NULL, NULL);
}
