/* Which positions are a close's: what its own strategy opened before it, whatever the clocks say.
 */
#include "book_support.h"

#include <stdio.h>
#include <string.h>

enum { TAG = 7, SECOND = 1000000 };

static uint64_t magic_of(const char *job_id)
{
    struct order_identity identity;
    order_identity(job_id, 1, TAG, &identity);
    return identity.magic;
}

/* The entry is offered, sent and filled. */
static void enter(struct bench *b, const char *job_id, uint64_t seq)
{
    struct book_offer offer = trade_offer(b, job_id);
    offer.seq = seq;
    give(b, &offer);
    expect(b, BOOK_ORDER);
    const struct wire_message done = done_message(b->action.command_id);
    answer(b, &done);
    expect_report(b, BOOK_DONE, "");
}

static struct book_offer close_of(const struct bench *b, uint64_t seq, int64_t alert_unix_us)
{
    struct book_offer offer = close_offer(b, JOB_C);
    offer.seq = seq;
    offer.opened_before_unix_us = alert_unix_us;
    return offer;
}

/* What the close does when this position is all there is. */
static void expect_closed(struct bench *b, const struct book_offer *close, uint64_t magic,
                          int64_t opened_unix_us, bool expected)
{
    struct wire_position p = open_position(11, magic, "EURUSD", opened_unix_us);
    give(b, close);
    expect(b, BOOK_POSITIONS);
    answer_positions(b, &p, 1, false);
    if (expected) {
        expect(b, BOOK_ORDER);
        assert_int_equal(b->action.order.position, 11);
    } else {
        expect_report(b, BOOK_FAILED, "nothing_to_do");
    }
}

/* Both waited for Kafka, the dispatcher or the agent: the position is younger than the alert. */
static void an_entry_that_waited_together_with_its_close(void **state)
{
    struct bench *b = *state;
    struct book_offer entry = trade_offer(b, JOB_A), close = close_of(b, 6, T0 - 5 * SECOND);
    entry.seq = 5;
    give(b, &entry);
    give(b, &close);
    expect(b, BOOK_ORDER);
    assert_int_equal(b->action.order.position, 0);
    const struct wire_message done = done_message(b->action.command_id);
    answer(b, &done);
    expect(b, BOOK_POSITIONS);
    struct wire_position p = open_position(11, magic_of(JOB_A), "EURUSD", T0 + SECOND);
    answer_positions(b, &p, 1, false);
    expect(b, BOOK_ORDER);
    assert_int_equal(b->action.order.position, 11);
}

/* Order and clocks, in all combinations; the order decides wherever it is known. */
static void the_order_decides_where_it_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint64_t entry_seq, close_seq;
        int64_t opened_us; /* after the alert */
        bool closed;
    } rows[] = {
        {"earlier entry, older position", 5, 6, -1, true},
        {"earlier entry, younger position", 5, 6, SECOND, true},
        {"later entry, younger position", 7, 6, SECOND, false},
        {"later entry, and a server's clock that is behind", 7, 6, -SECOND, false},
        {"entry of an agent that did not know seq: older", 0, 6, -1, true},
        {"entry of an agent that did not know seq: younger", 0, 6, 0, false},
        {"close of a gateway that does not know seq: older", 5, 0, -1, true},
        {"close of a gateway that does not know seq: younger", 5, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *own;
        (void)bench_set_up(&own);
        struct bench *b = own;
        enter(b, JOB_A, rows[i].entry_seq);
        const struct book_offer close = close_of(b, rows[i].close_seq, T0);
        expect_closed(b, &close, magic_of(JOB_A), T0 + rows[i].opened_us, rows[i].closed);
        (void)bench_tear_down(&own);
    }
}

/* By hand, by an earlier journal, by another strategy's magic: time alone. */
static void a_position_that_the_journal_does_not_know(void **state)
{
    (void)state;
    for (int64_t opened_us = -1; opened_us <= 0; opened_us++) {
        void *own;
        (void)bench_set_up(&own);
        struct bench *b = own;
        enter(b, JOB_A, 5);
        const struct book_offer close = close_of(b, 6, T0);
        expect_closed(b, &close, magic_of(JOB_B), T0 + opened_us, opened_us < 0);
        (void)bench_tear_down(&own);
    }
}

/* A close of a symbol or of the account says a moment, and means it for everybody's positions. */
static void other_scopes_go_by_time_alone(void **state)
{
    (void)state;
    for (int scope = BOOK_SCOPE_SYMBOL; scope <= BOOK_SCOPE_ACCOUNT; scope++) {
        for (uint64_t entry_seq = 5; entry_seq <= 7; entry_seq += 2) {
            void *own;
            (void)bench_set_up(&own);
            struct bench *b = own;
            enter(b, JOB_A, entry_seq);
            struct book_offer close = close_of(b, 6, T0);
            close.scope = (enum book_scope)scope;
            expect_closed(b, &close, magic_of(JOB_A), entry_seq < 6 ? T0 : T0 - 1, entry_seq > 6);
            (void)bench_tear_down(&own);
        }
    }
}

static void it_is_known_after_a_restart(void **state)
{
    struct bench *b = *state;
    enter(b, JOB_A, 5);
    enter(b, JOB_B, 7);
    restart(b, true);
    renew_trust(b);
    assert_int_equal(records_of(b, RECORD_RECV, JOB_A), 1);
    const struct book_offer close = close_of(b, 6, T0);
    struct wire_position positions[] = {
        open_position(11, magic_of(JOB_A), "EURUSD", T0 + SECOND),
        open_position(12, magic_of(JOB_B), "EURUSD", T0 - SECOND),
    };
    give(b, &close);
    while (next(b) == BOOK_REPORT) /* the ends of both entries, for the new session */
        ;
    assert_int_equal(b->action.act, BOOK_POSITIONS);
    answer_positions(b, positions, 2, false);
    while (next(b) == BOOK_REPORT)
        ;
    assert_int_equal(b->action.act, BOOK_ORDER);
    assert_int_equal(b->action.order.position, 11);
    assert_int_equal(records_of(b, RECORD_INTENT, JOB_C), 1);
}

/* A journal that was written before offers said it: the records lack it. */
static void an_old_journal_goes_by_time(void **state)
{
    struct bench *b = *state;
    enter(b, JOB_A, 0);
    assert_int_equal(last_record(b, RECORD_RECV)->job_seq, 0);
    restart(b, true);
    renew_trust(b);
    struct book_offer close = close_of(b, 6, T0);
    struct wire_position p = open_position(11, magic_of(JOB_A), "EURUSD", T0 + SECOND);
    give(b, &close);
    while (next(b) == BOOK_REPORT)
        ;
    answer_positions(b, &p, 1, false);
    while (next(b) == BOOK_REPORT && strcmp(b->action.report.job_id, JOB_C) != 0)
        ;
    assert_string_equal(b->action.report.code, "nothing_to_do");
}

/* Its answer was lost, and it is being asked about: closes pass it, and its position is there. */
static void an_entry_that_is_still_asked_about(void **state)
{
    struct bench *b = *state;
    struct book_offer entry = trade_offer(b, JOB_A);
    entry.seq = 5;
    give(b, &entry);
    expect(b, BOOK_ORDER);
    pass_ms(b, BOOK_ANSWER_MS);
    renew_trust(b);
    struct book_offer close = close_of(b, 6, T0 - SECOND);
    close.claimed_unix_us = b->now.unix_us;
    give(b, &close);
    while (next(b) != BOOK_POSITIONS)
        assert_int_not_equal(b->action.act, BOOK_NOTHING);
    struct wire_position p = open_position(11, magic_of(JOB_A), "EURUSD", T0);
    answer_positions(b, &p, 1, false);
    while (next(b) != BOOK_ORDER)
        assert_int_not_equal(b->action.act, BOOK_NOTHING);
    assert_int_equal(b->action.order.position, 11);
}

/* The table of openers grows and shrinks with the jobs. */
static void thousands_of_entries_are_told_apart(void **state)
{
    struct bench *b = *state;
    enum { ENTRIES = 5000 };
    char id[SVC_UUID_TEXT];
    for (unsigned i = 1; i <= ENTRIES; i++) {
        (void)snprintf(id, sizeof id, "%08x-0000-4000-8000-000000000001", i);
        struct record recv = {.kind = RECORD_RECV, .epoch = 1, .job_seq = i};
        struct record intent = {.kind = RECORD_INTENT, .step = 1, .magic = magic_of(id)};
        struct record done = {.kind = RECORD_DONE, .step = 1, .filled = "0.10", .price = "1.1"};
        struct record acked = {.kind = RECORD_ACKED, .at_unix_us = i % 2 == 0 ? T0 : 1};
        struct record *const all[] = {&recv, &intent, &done, &acked};
        for (size_t r = 0; r < sizeof all / sizeof all[0]; r++) {
            memcpy(all[r]->job_id, id, sizeof id);
            book_replay(b->book, all[r]);
        }
    }
    book_replayed(b->book);
    book_forget_old(b->book, T0); /* every second one, as far as the oldest that is kept */
    struct book_offer close = close_of(b, ENTRIES / 2, T0);
    struct wire_position positions[4];
    static const unsigned numbers[4] = {2, ENTRIES / 2 - 2, ENTRIES / 2 + 2, ENTRIES};
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(id, sizeof id, "%08x-0000-4000-8000-000000000001", numbers[i]);
        positions[i] = open_position(numbers[i], magic_of(id), "EURUSD", T0 + SECOND);
    }
    give(b, &close);
    expect(b, BOOK_POSITIONS);
    answer_positions(b, positions, 4, false);
    assert_int_equal(records_of(b, RECORD_INTENT, JOB_C), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_entry_that_waited_together_with_its_close),
        cmocka_unit_test(the_order_decides_where_it_is_known),
        cmocka_unit_test(a_position_that_the_journal_does_not_know),
        cmocka_unit_test(other_scopes_go_by_time_alone),
        TEST(it_is_known_after_a_restart),
        TEST(an_old_journal_goes_by_time),
        TEST(an_entry_that_is_still_asked_about),
        TEST(thousands_of_entries_are_told_apart),
    };
    return cmocka_run_group_tests_name("book opened", tests, NULL, NULL);
}
