/* What an offer means, by what is known of the job: the table of domain-trading.md section 7. */
#include "book_support.h"

#include <stdio.h>
#include <string.h>

/* Past of the job in the journal, then an offer, then what must happen first. */
enum past { NOTHING, RECEIVED, INTENDED, VOIDED_AT_1, DONE_BEFORE, FAILED_BEFORE };
enum then { SENDS, VOIDS, STALE, ASKS, SAYS_DONE, SAYS_FAILED, IGNORES };

static const struct {
    const char *what;
    enum past past;
    uint64_t epoch;
    bool question, terminal_only, expired;
    enum then then;
} rows[] = {
    {"new job", NOTHING, 1, false, false, false, SENDS},
    {"new job, expired", NOTHING, 1, false, false, true, STALE},
    {"question about a job never seen", NOTHING, 1, true, false, false, VOIDS},
    {"question at epoch 4, never seen", NOTHING, 4, true, false, false, VOIDS},
    {"epoch 2 of a job never seen", NOTHING, 2, false, false, false, VOIDS},
    {"question, expired, never seen", NOTHING, 2, true, false, true, VOIDS},
    {"question, journal younger than the job", NOTHING, 2, true, true, false, ASKS},
    {"the same, expired: it may have been executed in time", NOTHING, 2, true, true, true, ASKS},
    {"epoch 3, journal younger than the job", NOTHING, 3, false, true, false, ASKS},
    {"first claim, journal younger than the job", NOTHING, 1, false, true, false, SENDS},
    {"received only, question", RECEIVED, 2, true, false, false, VOIDS},
    {"received only, claimed again", RECEIVED, 2, false, false, false, SENDS},
    {"received only, claimed again, expired", RECEIVED, 2, false, false, true, STALE},
    {"received only, question, terminal_only: the journal knows it", RECEIVED, 2, true, true, false,
     VOIDS},
    {"intended, question", INTENDED, 2, true, false, false, ASKS},
    {"intended, claimed again", INTENDED, 2, false, false, false, ASKS},
    {"intended, expired", INTENDED, 2, true, false, true, ASKS},
    {"intended, same epoch", INTENDED, 1, false, false, false, ASKS},
    {"void at 1, the same epoch again", VOIDED_AT_1, 1, false, false, false, VOIDS},
    {"void at 1, claimed again at 2", VOIDED_AT_1, 2, false, false, false, SENDS},
    {"void at 1, claimed again at 2, expired", VOIDED_AT_1, 2, false, false, true, STALE},
    {"void at 1, question at 2", VOIDED_AT_1, 2, true, false, false, VOIDS},
    {"void at 1, question at 2, expired", VOIDED_AT_1, 2, true, false, true, VOIDS},
    {"void at 1, claimed at 3, journal younger", VOIDED_AT_1, 3, false, true, false, SENDS},
    {"done, question", DONE_BEFORE, 2, true, false, false, SAYS_DONE},
    {"done, claimed again", DONE_BEFORE, 2, false, false, false, SAYS_DONE},
    {"done, same epoch", DONE_BEFORE, 1, false, false, false, SAYS_DONE},
    {"done, question, expired", DONE_BEFORE, 2, true, false, true, SAYS_DONE},
    {"done, terminal_only", DONE_BEFORE, 2, true, true, false, SAYS_DONE},
    {"failed, claimed again", FAILED_BEFORE, 2, false, false, false, SAYS_FAILED},
    {"failed, question", FAILED_BEFORE, 2, true, false, false, SAYS_FAILED},
};

static void live_through(struct bench *b, enum past past)
{
    struct book_offer offer = trade_offer(b, JOB_A);
    if (past == NOTHING)
        return;
    if (past == VOIDED_AT_1)
        offer.lease_ms = 0; /* no window: given back at once */
    give(b, &offer);
    if (past == RECEIVED) { /* died between RECV and INTENT */
        b->record_count = 1;
        b->flushed_count = 1;
    } else if (past == INTENDED) {
        expect(b, BOOK_ORDER);
    } else if (past != VOIDED_AT_1) {
        expect(b, BOOK_ORDER);
        struct wire_message m = past == DONE_BEFORE ? done_message(b->action.command_id)
                                                    : result_message(b->action.command_id, 10019);
        answer(b, &m);
    }
    if (past != RECEIVED && past != INTENDED) {
        expect(b, BOOK_REPORT);
        book_acked(b->book, JOB_A, 1, &b->now);
    }
    restart(b, true);
}

static bool is_what_happens(struct bench *b, enum then then)
{
    enum book_act act = next(b);
    const struct book_report *report = &b->action.report;
    switch (then) {
    case SENDS:
        return act == BOOK_ORDER;
    case ASKS:
        return act == BOOK_FIND;
    case VOIDS:
        return act == BOOK_REPORT && report->outcome == BOOK_VOID;
    case STALE:
        return act == BOOK_REPORT && report->outcome == BOOK_FAILED &&
               strcmp(report->code, "stale") == 0;
    case SAYS_DONE:
        return act == BOOK_REPORT && report->outcome == BOOK_DONE && report->step_count == 1;
    case SAYS_FAILED:
        return act == BOOK_REPORT && report->outcome == BOOK_FAILED &&
               strcmp(report->code, "retcode_10019") == 0;
    case IGNORES:
        return act == BOOK_NOTHING;
    }
    return false;
}

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *own = NULL;
        (void)bench_set_up(&own);
        struct bench *b = own;
        live_through(b, rows[i].past);
        struct book_offer offer = trade_offer(b, JOB_A);
        offer.epoch = rows[i].epoch;
        offer.question = rows[i].question;
        offer.terminal_only = rows[i].terminal_only;
        if (rows[i].expired)
            offer.expires_unix_us = b->now.unix_us - 1;
        give(b, &offer);
        if (!is_what_happens(b, rows[i].then))
            fail_msg("%s: act %d outcome %d code %s", rows[i].what, b->action.act,
                     b->action.report.outcome,
                     b->action.act == BOOK_REPORT ? b->action.report.code : "");
        if (b->action.act == BOOK_REPORT)
            assert_int_equal(b->action.report.epoch, rows[i].epoch);
        (void)bench_tear_down(&own);
    }
}

/* A VOID is on the disk before it is said, and covers the epoch that is answered. */
static void void_is_flushed_before_it_is_said(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = trade_offer(b, JOB_A);
    offer.question = true;
    offer.epoch = 5;
    give(b, &offer);
    b->now.flushed_seq = 0;
    book_next(b->book, &b->now, &b->action);
    assert_int_equal(b->action.act, BOOK_FLUSH);
    assert_int_equal(last_record(b, RECORD_VOID)->epoch, 5);
    expect_report(b, BOOK_VOID, "not_executed");
}

static void lower_epochs_are_ignored(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = trade_offer(b, JOB_A);
    offer.question = true;
    offer.epoch = 5;
    give(b, &offer);
    expect_report(b, BOOK_VOID, "not_executed");
    book_acked(b->book, JOB_A, 5, &b->now);
    for (uint64_t epoch = 1; epoch < 5; epoch++) {
        offer = trade_offer(b, JOB_A);
        offer.epoch = epoch;
        assert_int_equal(book_offer(b->book, &offer, &b->now), BOOK_OLD);
        expect(b, BOOK_NOTHING);
    }
    offer.epoch = 6;
    assert_int_equal(book_offer(b->book, &offer, &b->now), BOOK_TAKEN);
    expect(b, BOOK_ORDER);
}

/* Several jobs of one burst share one flush, and are sent in the order of their offers. */
static void burst_shares_a_flush(void **state)
{
    struct bench *b = *state;
    static const char *const ids[] = {JOB_A, JOB_B, JOB_C};
    for (int i = 0; i < 3; i++) {
        struct book_offer offer = trade_offer(b, ids[i]);
        give(b, &offer);
    }
    for (int i = 0; i < 3; i++) {
        struct order_identity identity;
        order_identity(ids[i], 1, 7, &identity);
        expect(b, BOOK_ORDER);
        assert_int_equal(b->action.order.magic, identity.magic);
        struct wire_message m = done_message(b->action.command_id);
        answer(b, &m);
    }
    assert_int_equal(b->flushes, 1);
    for (int i = 0; i < 3; i++)
        expect_report(b, BOOK_DONE, "");
    assert_int_equal(b->flushes, 2);
}

static void one_order_at_a_time(void **state)
{
    struct bench *b = *state;
    struct book_offer first = trade_offer(b, JOB_A), second = trade_offer(b, JOB_B);
    give(b, &first);
    give(b, &second);
    expect(b, BOOK_ORDER);
    expect(b, BOOK_NOTHING);
    struct wire_message m = done_message(b->action.command_id);
    m.id = 1;
    answer(b, &m);
    expect(b, BOOK_ORDER);
}

/* An unacknowledged report is said every 2 s; after a new session at once. */
static void reports_are_repeated(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = trade_offer(b, JOB_A);
    offer.expires_unix_us = b->now.unix_us - 1;
    give(b, &offer);
    expect_report(b, BOOK_FAILED, "stale");
    expect(b, BOOK_NOTHING);
    pass_ms(b, BOOK_REPORT_AGAIN_MS - 1);
    expect(b, BOOK_NOTHING);
    pass_ms(b, 1);
    expect_report(b, BOOK_FAILED, "stale");
    b->now.link_session++;
    expect_report(b, BOOK_FAILED, "stale");
    b->now.link_session = 0;
    pass_ms(b, 10000);
    expect(b, BOOK_NOTHING);
    b->now.link_session = 9;
    expect_report(b, BOOK_FAILED, "stale");
    book_acked(b->book, JOB_A, 1, &b->now);
    pass_ms(b, 10000);
    expect(b, BOOK_NOTHING);
    assert_int_equal(records_of(b, RECORD_ACKED, JOB_A), 1);
}

/* A negative answer is durable only under the present epoch. */
static void old_ack_does_not_end_a_negative_answer(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = trade_offer(b, JOB_A);
    offer.question = true;
    offer.epoch = 2;
    give(b, &offer);
    expect_report(b, BOOK_VOID, "not_executed");
    offer.epoch = 3;
    give(b, &offer);
    expect_report(b, BOOK_VOID, "not_executed");
    assert_int_equal(b->action.report.epoch, 3);
    book_acked(b->book, JOB_A, 2, &b->now);
    pass_ms(b, BOOK_REPORT_AGAIN_MS);
    expect_report(b, BOOK_VOID, "not_executed");
    book_acked(b->book, JOB_A, 3, &b->now);
    pass_ms(b, BOOK_REPORT_AGAIN_MS);
    expect(b, BOOK_NOTHING);
}

static void draining_gives_back(void **state)
{
    struct bench *b = *state;
    struct book_offer first = trade_offer(b, JOB_A), second = trade_offer(b, JOB_B);
    give(b, &first);
    give(b, &second);
    expect(b, BOOK_ORDER);
    uint64_t id = b->action.command_id;
    b->now.draining = true;
    assert_false(book_is_idle(b->book));
    expect_report(b, BOOK_VOID, "not_executed");
    assert_string_equal(b->action.report.job_id, JOB_B);
    struct wire_message m = done_message(id);
    answer(b, &m);
    expect_report(b, BOOK_DONE, "");
    book_acked(b->book, JOB_A, 1, &b->now);
    book_acked(b->book, JOB_B, 1, &b->now);
    assert_true(book_is_idle(b->book));
}

static void unknown_types_are_unsupported(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = trade_offer(b, JOB_A);
    offer.type = BOOK_OTHER;
    give(b, &offer);
    expect_report(b, BOOK_FAILED, "agent_unsupported");
    assert_int_equal(b->record_count, 0);
    offer = trade_offer(b, JOB_B);
    offer.complete = false;
    give(b, &offer);
    expect_report(b, BOOK_FAILED, "agent_unsupported");
}

/* Reads wait for no effect, and are never journaled. */
static void reads_pass_effects(void **state)
{
    struct bench *b = *state;
    struct book_offer trade = trade_offer(b, JOB_A), read = trade_offer(b, JOB_B);
    give(b, &trade);
    expect(b, BOOK_ORDER);
    size_t records = b->record_count;
    read.type = BOOK_GET_ACCOUNT;
    give(b, &read);
    expect(b, BOOK_ACCOUNT);
    struct wire_message m = {
        .kind = WIRE_ACCOUNT, .id = b->action.command_id, .account_json = "{\"balance\":\"1\"}"};
    answer(b, &m);
    expect_report(b, BOOK_DONE, "");
    assert_string_equal(b->action.report.output, "{\"balance\":\"1\"}");
    assert_int_equal(b->record_count, records);
    book_acked(b->book, JOB_B, 1, &b->now);
    b->now.terminal_session = 0;
    read.epoch = 2;
    give(b, &read);
    (void)next(b); /* the trade's outcome became unknown */
    expect_report(b, BOOK_FAILED, "agent_offline");
}

static void positions_are_read_by_pages(void **state)
{
    struct bench *b = *state;
    struct book_offer read = trade_offer(b, JOB_A);
    struct wire_position position = {.ticket = 77,
                                     .position_id = 77,
                                     .symbol = "EURUSD",
                                     .volume = "0.10",
                                     .open_price = "1.1",
                                     .current_price = "1.2",
                                     .sl = "",
                                     .tp = "",
                                     .profit = "0",
                                     .swap = "0",
                                     .comment = "",
                                     .open_time_us = T0};
    read.type = BOOK_GET_POSITIONS;
    give(b, &read);
    expect(b, BOOK_POSITIONS);
    struct wire_message page = {.kind = WIRE_POSITIONS,
                                .id = b->action.command_id,
                                .positions = &position,
                                .count = 1,
                                .more = true};
    answer(b, &page);
    expect(b, BOOK_POSITIONS);
    assert_int_equal(b->action.after, 77);
    page.id = b->action.command_id;
    page.more = false;
    answer(b, &page);
    expect_report(b, BOOK_DONE, "");
    assert_non_null(strstr(b->action.report.output, "},{"));
    pass_ms(b, BOOK_ANSWER_MS + 1);
    give(b, &(struct book_offer){.job_id = JOB_B, .type = BOOK_GET_POSITIONS, .epoch = 1});
    expect(b, BOOK_POSITIONS);
    expect_report(b, BOOK_DONE, ""); /* the first, again */
    pass_ms(b, BOOK_ANSWER_MS + 1);
    (void)next(b); /* the first, again */
    expect_report(b, BOOK_FAILED, "timeout");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        TEST(void_is_flushed_before_it_is_said),
        TEST(lower_epochs_are_ignored),
        TEST(burst_shares_a_flush),
        TEST(one_order_at_a_time),
        TEST(reports_are_repeated),
        TEST(old_ack_does_not_end_a_negative_answer),
        TEST(draining_gives_back),
        TEST(unknown_types_are_unsupported),
        TEST(reads_pass_effects),
        TEST(positions_are_read_by_pages),
    };
    return cmocka_run_group_tests_name("book offer", tests, NULL, NULL);
}
