/* An order whose answer never came: when it is called unknown, how it is looked for, and what it
 * takes to say that it was not executed. */
#include "book_support.h"

#include <stdio.h>
#include <string.h>

static uint64_t send_one(struct bench *b)
{
    struct book_offer offer = trade_offer(b, JOB_A);
    give(b, &offer);
    expect(b, BOOK_ORDER);
    return b->action.command_id;
}

static void answer_nothing(struct bench *b)
{
    struct wire_message m = found_message(b->action.command_id, NULL, 0);
    answer(b, &m);
}

static bool says_unknown(const struct bench *b)
{
    return b->action.act == BOOK_REPORT && b->action.report.outcome == BOOK_UNKNOWN;
}

/* Time passes in steps, with every look answered by "nothing", until something else is to be done
 * than to look or to say "unknown"; at most max_ms. How long it took, -1: nothing came of it. */
static int64_t look_for(struct bench *b, int64_t max_ms)
{
    for (int64_t ms = 0; ms <= max_ms; ms += 100) {
        enum book_act act;
        renew_trust(b);
        while ((act = next(b)) == BOOK_FIND || says_unknown(b)) {
            if (act == BOOK_FIND)
                answer_nothing(b);
            else
                book_acked(b->book, b->action.report.job_id, b->action.report.epoch, &b->now);
        }
        if (act != BOOK_NOTHING)
            return ms;
        pass_ms(b, 100);
    }
    return -1;
}

static void no_answer_is_unknown_after_ten_seconds(void **state)
{
    struct bench *b = *state;
    (void)send_one(b);
    for (int i = 0; i < 99; i++) {
        expect(b, BOOK_NOTHING);
        pass_ms(b, 100);
    }
    pass_ms(b, 100);
    expect(b, BOOK_FIND);
    expect_report(b, BOOK_UNKNOWN, "unknown_outcome");
    assert_int_equal(b->action.report.step_count, 0);
    for (int i = 0; i < 50; i++) { /* once, and not again */
        pass_ms(b, 100);
        if (next(b) == BOOK_FIND)
            answer_nothing(b);
        else
            assert_int_equal(b->action.act, BOOK_NOTHING);
    }
}

static void lost_terminal_is_unknown_at_once(void **state)
{
    struct bench *b = *state;
    (void)send_one(b);
    b->now.terminal_session = 0;
    b->now.trade_connected = false;
    expect_report(b, BOOK_UNKNOWN, "unknown_outcome");
}

static void found_is_done(void **state)
{
    struct bench *b = *state;
    (void)send_one(b);
    b->now.terminal_session = 2;
    expect(b, BOOK_FIND);
    assert_int_equal(b->action.key_count, 1);
    const struct record *intent = last_record(b, RECORD_INTENT);
    assert_int_equal(b->action.keys[0].magic, intent->magic);
    assert_string_equal(b->action.keys[0].token, intent->token);
    assert_int_equal(b->action.from_server_us, intent->server_time_us - 60000000);
    struct wire_match match = match_for(intent->magic);
    struct wire_message m = found_message(b->action.command_id, &match, 1);
    answer(b, &m);
    expect_report(b, BOOK_DONE, ""); /* never called unknown: the look was faster */
    assert_string_equal(b->action.report.steps[0].price, "1.08777");
    assert_int_equal(b->action.report.steps[0].order, 31);
    assert_string_equal(b->action.report.steps[0].volume, "0.10");
}

static void late_answer_counts(void **state)
{
    struct bench *b = *state;
    uint64_t id = send_one(b);
    pass_ms(b, 10000);
    expect(b, BOOK_FIND);
    expect_report(b, BOOK_UNKNOWN, "unknown_outcome");
    struct wire_message m = done_message(id);
    book_acked(b->book, JOB_A, 1, &b->now);
    answer(b, &m);
    expect_report(b, BOOK_DONE, "");
    assert_int_equal(b->action.report.steps[0].order, 11);
}

/* A requote that comes after it was given up proves "not executed"; it is no reason to send again.
 */
static void late_refusal_voids(void **state)
{
    struct bench *b = *state;
    uint64_t id = send_one(b);
    pass_ms(b, 10000);
    expect(b, BOOK_FIND);
    struct wire_message m = result_message(id, 10004);
    answer(b, &m);
    expect_report(b, BOOK_VOID, "not_executed");
    assert_int_equal(records_of(b, RECORD_SENT, JOB_A), 1);
}

/* An acknowledgement of "unknown" must not be taken for that of the end. */
static void ack_of_unknown_is_not_the_ends(void **state)
{
    struct bench *b = *state;
    uint64_t id = send_one(b);
    pass_ms(b, 10000);
    expect(b, BOOK_FIND);
    expect_report(b, BOOK_UNKNOWN, "unknown_outcome");
    struct wire_message m = done_message(id);
    answer(b, &m);
    expect(b, BOOK_NOTHING); /* waits for the first acknowledgement */
    book_acked(b->book, JOB_A, 1, &b->now);
    assert_int_equal(records_of(b, RECORD_ACKED, JOB_A), 0);
    expect_report(b, BOOK_DONE, "");
    book_acked(b->book, JOB_A, 1, &b->now);
    assert_int_equal(records_of(b, RECORD_ACKED, JOB_A), 1);
}

/* ... but not for ever, and not over a lost session. */
static void lost_ack_of_unknown_does_not_block(void **state)
{
    struct bench *b = *state;
    uint64_t id = send_one(b);
    pass_ms(b, 10000);
    expect(b, BOOK_FIND);
    expect_report(b, BOOK_UNKNOWN, "unknown_outcome");
    struct wire_message m = done_message(id);
    answer(b, &m);
    expect(b, BOOK_NOTHING);
    b->now.link_session++;
    expect_report(b, BOOK_DONE, "");
}

/* The proof: barrier, then 30 s connected, then a look. */
static void not_executed_needs_barrier_and_quiet(void **state)
{
    struct bench *b = *state;
    uint64_t id = send_one(b);
    pass_ms(b, 10000);
    expect(b, BOOK_FIND); /* its answer is the barrier: a later command of the same session */
    uint64_t find = b->action.command_id;
    assert_true(find > id);
    expect_report(b, BOOK_UNKNOWN, "unknown_outcome");
    book_acked(b->book, JOB_A, 1, &b->now);
    b->action.command_id = find;
    answer_nothing(b);
    int64_t took = look_for(b, 60000);
    assert_true(took >= BOOK_QUIET_MS && took <= BOOK_QUIET_MS + 5500);
    assert_int_equal(b->action.act, BOOK_REPORT);
    assert_int_equal(b->action.report.outcome, BOOK_VOID);
    assert_int_equal(records_of(b, RECORD_VOID, JOB_A), 1);
}

/* Without an answer to a later command there is no barrier, however long it takes. */
static void silence_proves_nothing(void **state)
{
    struct bench *b = *state;
    (void)send_one(b);
    for (int i = 0; i < 1200; i++) {
        pass_ms(b, 100);
        enum book_act act = next(b);
        assert_true(act == BOOK_NOTHING || act == BOOK_FIND ||
                    (act == BOOK_REPORT && b->action.report.outcome == BOOK_UNKNOWN));
    }
}

/* An answer to an earlier command says nothing about the order. */
static void earlier_answer_is_no_barrier(void **state)
{
    struct bench *b = *state;
    uint64_t before = book_number(b->book), id = send_one(b);
    assert_true(before < id);
    answer_pong(b, before);
    pass_ms(b, 10000);
    expect(b, BOOK_FIND);
    expect_report(b, BOOK_UNKNOWN, "unknown_outcome");
    answer_pong(b, book_number(b->book)); /* only now */
    assert_int_equal(look_for(b, 28000), -1);
    assert_true(look_for(b, 30000) >= 0);
    assert_int_equal(b->action.report.outcome, BOOK_VOID);
}

/* Whose command it was makes no difference: the terminal works on one line after the other. */
static void an_answer_about_symbols_is_a_barrier(void **state)
{
    struct bench *b = *state;
    (void)send_one(b);
    const struct wire_message m = {.kind = WIRE_SYMBOLS, .id = book_number(b->book)};
    answer(b, &m);
    pass_ms(b, 10000);
    expect(b, BOOK_FIND);
    expect_report(b, BOOK_UNKNOWN, "unknown_outcome");
    assert_int_equal(look_for(b, BOOK_QUIET_MS - 11000), -1); /* counted from the answer */
    assert_true(look_for(b, 8000) >= 0);
    assert_int_equal(b->action.report.outcome, BOOK_VOID);
}

/* The 30 s begin anew whenever the trade server was away. */
static void broken_connection_starts_the_quiet_time_again(void **state)
{
    struct bench *b = *state;
    (void)send_one(b);
    b->now.terminal_session = 2;
    assert_int_equal(look_for(b, 29000), -1);
    b->now.trade_connected = false;
    expect(b, BOOK_NOTHING);
    pass_ms(b, 1000);
    b->now.trade_connected = true;
    assert_int_equal(look_for(b, 29000), -1);
    assert_true(look_for(b, 8000) >= 0);
    assert_int_equal(b->action.report.outcome, BOOK_VOID);
}

static void new_session_starts_the_quiet_time_again(void **state)
{
    struct bench *b = *state;
    (void)send_one(b);
    b->now.terminal_session = 2;
    assert_int_equal(look_for(b, 29000), -1);
    b->now.terminal_session = 3;
    assert_int_equal(look_for(b, 29000), -1);
    assert_true(look_for(b, 8000) >= 0);
}

/* A look whose history was not complete proves nothing. */
static void unready_history_proves_nothing(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        void *own;
        (void)bench_set_up(&own);
        struct bench *b = own;
        (void)send_one(b);
        b->now.terminal_session = 2;
        struct wire_match active = match_for(last_record(b, RECORD_INTENT)->magic);
        active.filled = false;
        for (int i = 0; i < 600; i++) {
            pass_ms(b, 100);
            enum book_act act = next(b);
            struct wire_message m = found_message(b->action.command_id, &active, kind == 2);
            m.history_ready = kind != 0;
            m.trade_connected = kind != 1;
            if (act == BOOK_FIND)
                answer(b, &m);
            else if (act == BOOK_REPORT)
                assert_int_equal(b->action.report.outcome, BOOK_UNKNOWN);
        }
        (void)bench_tear_down(&own);
    }
}

/* What is asked about lets other jobs pass, and is answered under the newest epoch. */
static void others_go_on(void **state)
{
    struct bench *b = *state;
    (void)send_one(b);
    b->now.terminal_session = 2;
    expect(b, BOOK_FIND);
    answer_nothing(b);
    struct book_offer second = trade_offer(b, JOB_B), question = trade_offer(b, JOB_A);
    give(b, &second);
    expect_report(b, BOOK_UNKNOWN, "unknown_outcome");
    book_acked(b->book, JOB_A, 1, &b->now);
    expect(b, BOOK_ORDER);
    struct wire_message m = done_message(b->action.command_id);
    answer(b, &m);
    expect_report(b, BOOK_DONE, "");
    assert_string_equal(b->action.report.job_id, JOB_B);
    book_acked(b->book, JOB_B, 1, &b->now);
    question.epoch = 4;
    question.question = true;
    give(b, &question);
    assert_true(look_for(b, 40000) > 0);
    assert_int_equal(b->action.report.outcome, BOOK_VOID);
    assert_int_equal(b->action.report.epoch, 4);
    assert_int_equal(last_record(b, RECORD_VOID)->epoch, 4);
}

/* Which answers make an order be asked about, and when it is then called unknown. */
static void answers_that_are_no_answer(void **state)
{
    (void)state;
    static const struct {
        uint32_t retcode;
        bool has_deal;
        int64_t unknown_after_ms;
    } rows[] = {
        {10008, false, 10000}, /* PLACED: the deal is to come */
        {10009, false, 10000}, /* DONE without a deal: the same */
        {10010, false, 10000}, {10011, false, 1000}, {10012, false, 1000},
        {10023, false, 1000},  {10031, false, 1000}, {4711, true, 1000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *own;
        (void)bench_set_up(&own);
        struct bench *b = own;
        struct wire_message m = done_message(send_one(b));
        m.result.retcode = rows[i].retcode;
        if (!rows[i].has_deal)
            m.result.deal = 0;
        answer(b, &m);
        int64_t took = 0;
        for (; took < 20000 && (next(b) != BOOK_REPORT); took += 100) {
            if (b->action.act == BOOK_FIND)
                answer_nothing(b);
            else
                pass_ms(b, 100);
        }
        assert_true(says_unknown(b));
        /* each look took a turn of the loop, but no time */
        assert_int_equal(b->now.unix_us - T0, rows[i].unknown_after_ms * 1000);
        (void)bench_tear_down(&own);
    }
}

/* 10006: refused, but one look first. */
static void reject_is_looked_up_once(void **state)
{
    (void)state;
    for (int found = 0; found <= 1; found++) {
        void *own;
        (void)bench_set_up(&own);
        struct bench *b = own;
        struct wire_message m = result_message(send_one(b), 10006);
        answer(b, &m);
        expect(b, BOOK_FIND);
        struct wire_match match = match_for(last_record(b, RECORD_INTENT)->magic);
        struct wire_message f = found_message(b->action.command_id, &match, (size_t)found);
        answer(b, &f);
        if (found)
            expect_report(b, BOOK_DONE, "");
        else
            expect_report(b, BOOK_FAILED, "retcode_10006");
        (void)bench_tear_down(&own);
    }
}

/* LOCKED three times: it may have been executed after all. */
static void locked_for_good_is_asked_about(void **state)
{
    struct bench *b = *state;
    struct wire_message m = result_message(send_one(b), 10028);
    for (int pause = 1000; pause <= 4000; pause *= 2) {
        answer(b, &m);
        pass_ms(b, pause);
        renew_trust(b);
        expect(b, BOOK_ORDER);
        m.id = b->action.command_id;
    }
    answer(b, &m);
    expect(b, BOOK_FIND);
}

/* The journal is younger than the job: only the terminal can tell. */
static void terminal_only_trade(void **state)
{
    (void)state;
    for (int found = 0; found <= 1; found++) {
        void *own;
        (void)bench_set_up(&own);
        struct bench *b = own;
        struct book_offer offer = trade_offer(b, JOB_A);
        struct order_identity identity;
        order_identity(JOB_A, 1, 7, &identity);
        offer.epoch = 3;
        offer.question = offer.terminal_only = true;
        give(b, &offer);
        expect(b, BOOK_FIND);
        assert_int_equal(b->action.key_count, 1);
        assert_int_equal(b->action.keys[0].magic, identity.magic);
        assert_true(b->action.from_server_us < b->now.server_time_us - INT64_C(86400000000));
        struct wire_match match = match_for(identity.magic);
        struct wire_message m = found_message(b->action.command_id, &match, (size_t)found);
        answer(b, &m);
        if (found) {
            expect_report(b, BOOK_DONE, "");
        } else {
            expect(b, BOOK_NOTHING);
            pass_ms(b, BOOK_ASK_SAID_MS);
            (void)next(b); /* another look */
            answer_nothing(b);
            expect_report(b, BOOK_UNKNOWN, "unknown_outcome");
            book_acked(b->book, JOB_A, 3, &b->now);
            int64_t took = look_for(b, 40000) + BOOK_ASK_SAID_MS;
            assert_true(took >= BOOK_QUIET_MS - 100);
            assert_int_equal(b->action.report.outcome, BOOK_VOID);
        }
        (void)bench_tear_down(&own);
    }
}

/* A close may have had up to 64 orders: all are looked for, those found are its fills. */
static void terminal_only_close(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = close_offer(b, JOB_A);
    offer.epoch = 3;
    offer.question = offer.terminal_only = true;
    give(b, &offer);
    expect(b, BOOK_FIND);
    assert_int_equal(b->action.key_count, BOOK_STEPS_MAX);
    struct wire_match matches[2] = {match_for(b->action.keys[0].magic),
                                    match_for(b->action.keys[2].magic)};
    struct wire_message m = found_message(b->action.command_id, matches, 2);
    answer(b, &m);
    assert_true(look_for(b, 40000) >= BOOK_QUIET_MS - 100);
    assert_int_equal(b->action.report.outcome, BOOK_DONE);
    assert_int_equal(b->action.report.step_count, 2);
    assert_int_equal(b->action.report.steps[1].step, 3);
    restart(b, true); /* the search's finds are facts after a restart, too */
    offer.epoch = 4;
    give(b, &offer);
    expect_report(b, BOOK_DONE, "");
    assert_int_equal(b->action.report.step_count, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(no_answer_is_unknown_after_ten_seconds),
        TEST(lost_terminal_is_unknown_at_once),
        TEST(found_is_done),
        TEST(late_answer_counts),
        TEST(late_refusal_voids),
        TEST(ack_of_unknown_is_not_the_ends),
        TEST(lost_ack_of_unknown_does_not_block),
        TEST(not_executed_needs_barrier_and_quiet),
        TEST(silence_proves_nothing),
        TEST(earlier_answer_is_no_barrier),
        TEST(an_answer_about_symbols_is_a_barrier),
        TEST(broken_connection_starts_the_quiet_time_again),
        TEST(new_session_starts_the_quiet_time_again),
        cmocka_unit_test(unready_history_proves_nothing),
        TEST(others_go_on),
        cmocka_unit_test(answers_that_are_no_answer),
        cmocka_unit_test(reject_is_looked_up_once),
        TEST(locked_for_good_is_asked_about),
        cmocka_unit_test(terminal_only_trade),
        TEST(terminal_only_close),
    };
    return cmocka_run_group_tests_name("book reconcile", tests, NULL, NULL);
}
