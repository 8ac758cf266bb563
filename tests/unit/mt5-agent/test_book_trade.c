/* A trade's order: what it carries, when it may start, and what each answer makes of it. */
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

static void intent_is_flushed_before_the_order(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = trade_offer(b, JOB_A);
    give(b, &offer);
    b->now.flushed_seq = 1; /* RECV alone is not enough */
    book_next(b->book, &b->now, &b->action);
    assert_int_equal(b->action.act, BOOK_FLUSH);
    assert_int_equal(records_of(b, RECORD_RECV, JOB_A), 1);
    assert_int_equal(records_of(b, RECORD_INTENT, JOB_A), 1);
    assert_int_equal(records_of(b, RECORD_SENT, JOB_A), 0);
    b->now.flushed_seq = 2;
    book_next(b->book, &b->now, &b->action);
    assert_int_equal(b->action.act, BOOK_ORDER);
    assert_int_equal(records_of(b, RECORD_SENT, JOB_A), 1);
}

static void order_carries_identity_and_limits(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = trade_offer(b, JOB_A);
    struct order_identity identity;
    order_identity(JOB_A, 1, 7, &identity);
    (void)snprintf(offer.sl, sizeof offer.sl, "1.07");
    (void)snprintf(offer.tp, sizeof offer.tp, "1.09");
    offer.sell = true;
    give(b, &offer);
    expect(b, BOOK_ORDER);
    const struct wire_order *order = &b->action.order;
    char comment[64];
    (void)snprintf(comment, sizeof comment, "%s breakout", identity.token);
    assert_int_equal(order->magic, identity.magic);
    assert_string_equal(b->action.comment, comment);
    assert_string_equal(order->symbol, "EURUSD");
    assert_string_equal(order->volume, "0.10");
    assert_string_equal(order->sl, "1.07");
    assert_string_equal(order->tp, "1.09");
    assert_true(order->sell);
    assert_int_equal(order->position, 0);
    assert_int_equal(order->deviation_points, 20);
    const struct record *intent = last_record(b, RECORD_INTENT);
    assert_int_equal(intent->magic, identity.magic);
    assert_string_equal(intent->token, identity.token);
    assert_int_equal(intent->server_time_us, b->now.server_time_us);
}

/* Cut at 26 bytes, and never inside a character. */
static void comment_is_cut(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
    } rows[] = {
        {"", 13},
        {"x", 15},
        {"123456789012", 26},
        {"12345678901234567890", 26},
        {"1234567890\xc3\xa9z", 26}, /* fits exactly */
        {"12345678901\xc3\xa9", 25}, /* its last character does not fit */
        {"1234567890\xe2\x82\xac", 24},
        {"123456789\xe2\x82\xac", 26},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *own;
        (void)bench_set_up(&own);
        struct bench *b = own;
        struct book_offer offer = trade_offer(b, JOB_A);
        (void)snprintf(offer.comment, sizeof offer.comment, "%s", rows[i].text);
        give(b, &offer);
        expect(b, BOOK_ORDER);
        assert_int_equal(strlen(b->action.comment), rows[i].len);
        assert_true(svc_utf8_valid(b->action.comment, rows[i].len));
        (void)bench_tear_down(&own);
    }
}

static void done_is_flushed_before_the_report(void **state)
{
    struct bench *b = *state;
    struct wire_message m = done_message(send_one(b));
    pass_ms(b, 5);
    answer(b, &m);
    b->now.flushed_seq = b->flushed_count;
    book_next(b->book, &b->now, &b->action);
    assert_int_equal(b->action.act, BOOK_FLUSH);
    expect_report(b, BOOK_DONE, "");
    const struct book_step *fill = b->action.report.steps;
    assert_int_equal(b->action.report.step_count, 1);
    assert_int_equal(fill->order, 11);
    assert_int_equal(fill->deal, 21);
    assert_int_equal(fill->position, 11);
    assert_string_equal(fill->price, "1.08504");
    assert_string_equal(fill->filled, "0.10");
    assert_string_equal(fill->bid, "1.08496");
    assert_int_equal(b->action.report.retcode, 10009);
    assert_int_equal(b->action.report.sent_unix_us, T0);
    assert_int_equal(b->action.report.filled_unix_us, T0 + 5000);
}

static void partial_fill_is_done_with_what_filled(void **state)
{
    struct bench *b = *state;
    struct wire_message m = done_message(send_one(b));
    m.result.retcode = 10010;
    (void)snprintf(m.result.volume, sizeof m.result.volume, "0.04");
    answer(b, &m);
    expect_report(b, BOOK_DONE, "");
    assert_string_equal(b->action.report.steps[0].filled, "0.04");
    assert_string_equal(b->action.report.steps[0].volume, "0.10");
    assert_int_equal(b->action.report.retcode, 10010);
    expect(b, BOOK_NOTHING); /* the remainder is never sent */
}

/* The three windows of the trust rule, each just inside and just outside, at the moment of sending.
 */
static void windows(void **state)
{
    (void)state;
    enum { EXPIRES, TRUST, LEASE };
    for (int window = EXPIRES; window <= LEASE; window++) {
        for (int outside = 0; outside <= 1; outside++) {
            void *own;
            (void)bench_set_up(&own);
            struct bench *b = own;
            struct book_offer offer = trade_offer(b, JOB_A);
            const int64_t left_us = 3000000;
            b->now.trade_connected = false; /* it waits for its terminal */
            b->now.trust_until_boot_us = b->now.boot_us + (window == TRUST ? left_us : 600000000);
            offer.expires_unix_us = T0 + (window == EXPIRES ? left_us : 600000000);
            offer.lease_ms = window == LEASE ? 4000 : 600000; /* less a margin of 1 s */
            give(b, &offer);
            expect(b, BOOK_NOTHING);
            b->now.unix_us += left_us + outside;
            b->now.boot_us += left_us + outside;
            b->now.mono_us += left_us + outside;
            b->now.trade_connected = true;
            if (!outside) {
                expect(b, BOOK_ORDER);
                assert_int_equal(b->action.order.not_after_us, T0 + left_us);
            } else if (window == EXPIRES) {
                expect_report(b, BOOK_FAILED, "stale");
            } else {
                expect_report(b, BOOK_VOID, "not_executed");
                assert_int_equal(last_record(b, RECORD_VOID)->epoch, 1);
            }
            (void)bench_tear_down(&own);
        }
    }
}

/* The machine slept: CLOCK_BOOTTIME went on, the others did not. */
static void sleep_ends_the_trust(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = trade_offer(b, JOB_A);
    b->now.trade_connected = false;
    give(b, &offer);
    expect(b, BOOK_NOTHING);
    b->now.boot_us += 20000000;
    b->now.trade_connected = true;
    expect_report(b, BOOK_VOID, "not_executed");
}

/* It ends by itself in its windows when the terminal stays away. */
static void waits_for_its_terminal(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = trade_offer(b, JOB_A);
    b->now.terminal_session = 0;
    b->now.account = NULL;
    give(b, &offer);
    for (int second = 0; second < 13; second++) {
        expect(b, BOOK_NOTHING);
        assert_true(b->action.wake_mono_us > b->now.mono_us);
        pass_ms(b, 1000);
    }
    pass_ms(b, 1001);
    expect_report(b, BOOK_VOID, "not_executed");
}

static void account_is_compared(void **state)
{
    (void)state;
    for (int member = 0; member < 6; member++) {
        void *own;
        (void)bench_set_up(&own);
        struct bench *b = own;
        struct book_offer offer = trade_offer(b, JOB_A);
        static const char other[] = "other";
        if (member == 0)
            (void)snprintf(offer.account.server, sizeof offer.account.server, "%s", other);
        if (member == 1)
            (void)snprintf(offer.account.login, sizeof offer.account.login, "%s", other);
        if (member == 2)
            (void)snprintf(offer.account.currency, sizeof offer.account.currency, "%s", other);
        if (member == 3)
            (void)snprintf(offer.account.margin_mode, sizeof offer.account.margin_mode, "netting");
        if (member == 4)
            offer.account.is_real = true;
        give(b, &offer);
        if (member == 5) {
            expect(b, BOOK_ORDER);
        } else {
            expect_report(b, BOOK_FAILED, "account_mismatch");
            assert_int_equal(records_of(b, RECORD_SENT, NULL), 0);
        }
        (void)bench_tear_down(&own);
    }
}

/* Between offer and turn another account was logged in. */
static void account_is_compared_before_every_order(void **state)
{
    struct bench *b = *state;
    struct book_offer first = trade_offer(b, JOB_A), second = trade_offer(b, JOB_B);
    give(b, &first);
    give(b, &second);
    expect(b, BOOK_ORDER);
    struct wire_message m = done_message(b->action.command_id);
    answer(b, &m);
    struct account other = b->account;
    (void)snprintf(other.login, sizeof other.login, "100002");
    b->now.account = &other;
    expect_report(b, BOOK_DONE, "");
    expect_report(b, BOOK_FAILED, "account_mismatch");
    assert_string_equal(b->action.report.job_id, JOB_B);
}

static void terminal_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *error;
        bool expired;
        enum book_outcome outcome;
        const char *code;
    } rows[] = {
        {"stale", false, BOOK_VOID, "not_executed"},
        {"stale", true, BOOK_FAILED, "stale"},
        {"account_mismatch", false, BOOK_FAILED, "account_mismatch"},
        {"symbol_unmapped", false, BOOK_FAILED, "symbol_unmapped"},
        {"no_such_error", false, BOOK_FAILED, "agent_unsupported"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *own;
        (void)bench_set_up(&own);
        struct bench *b = own;
        struct wire_message m = refusal_message(send_one(b), rows[i].error);
        if (rows[i].expired)
            b->now.unix_us += 40000000;
        answer(b, &m);
        expect_report(b, rows[i].outcome, rows[i].code);
        (void)bench_tear_down(&own);
    }
}

static void stop_codes_fail_with_their_number(void **state)
{
    (void)state;
    static const uint32_t codes[] = {10007, 10013, 10014, 10016, 10018, 10019, 10027, 10036, 10044};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        void *own;
        (void)bench_set_up(&own);
        struct bench *b = own;
        struct wire_message m = result_message(send_one(b), codes[i]);
        char code[32];
        (void)snprintf(code, sizeof code, "retcode_%u", codes[i]);
        answer(b, &m);
        expect_report(b, BOOK_FAILED, code);
        assert_int_equal(b->action.report.retcode, codes[i]);
        (void)bench_tear_down(&own);
    }
}

/* PRICE: at once, the same step with the same identity, three times at most. */
static void price_is_retried(void **state)
{
    struct bench *b = *state;
    uint64_t id = send_one(b), magic = b->action.order.magic;
    for (int retry = 0; retry < 3; retry++) {
        struct wire_message m = result_message(id, 10004);
        pass_ms(b, 100);
        answer(b, &m);
        expect(b, BOOK_ORDER);
        assert_true(b->action.command_id > id);
        assert_int_equal(b->action.order.magic, magic);
        id = b->action.command_id;
    }
    struct wire_message m = result_message(id, 10004);
    answer(b, &m);
    expect_report(b, BOOK_FAILED, "retcode_10004");
    assert_int_equal(records_of(b, RECORD_SENT, JOB_A), 4);
    assert_int_equal(records_of(b, RECORD_INTENT, JOB_A), 1);
}

static void price_is_retried_for_two_seconds_only(void **state)
{
    struct bench *b = *state;
    struct wire_message m = result_message(send_one(b), 10020);
    pass_ms(b, 1999);
    answer(b, &m);
    expect(b, BOOK_ORDER);
    m.id = b->action.command_id;
    pass_ms(b, 1);
    answer(b, &m);
    expect_report(b, BOOK_FAILED, "retcode_10020");
}

static void price_off_pauses(void **state)
{
    struct bench *b = *state;
    struct wire_message m = result_message(send_one(b), 10021);
    answer(b, &m);
    expect(b, BOOK_NOTHING);
    assert_int_equal(b->action.wake_mono_us, b->now.mono_us + 200000);
    pass_ms(b, 200);
    expect(b, BOOK_ORDER);
}

static void invalid_price_is_retried_once(void **state)
{
    struct bench *b = *state;
    struct wire_message m = result_message(send_one(b), 10015);
    answer(b, &m);
    expect(b, BOOK_ORDER);
    m.id = b->action.command_id;
    answer(b, &m);
    expect_report(b, BOOK_FAILED, "retcode_10015");
}

static void wait_doubles_and_keeps_the_lane(void **state)
{
    struct bench *b = *state;
    struct wire_message m = result_message(send_one(b), 10024);
    struct book_offer second = trade_offer(b, JOB_B);
    give(b, &second);
    for (int pause = 1000; pause <= 4000; pause *= 2) {
        answer(b, &m);
        pass_ms(b, pause - 1);
        expect(b, BOOK_NOTHING); /* the second job does not overtake */
        pass_ms(b, 1);
        expect(b, BOOK_ORDER);
        m.id = b->action.command_id;
        renew_trust(b);
    }
    answer(b, &m);
    expect(b, BOOK_ORDER); /* now the second */
    expect_report(b, BOOK_FAILED, "retcode_10024");
}

/* The windows hold for a retry, too. */
static void retry_that_comes_too_late_is_stale(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = trade_offer(b, JOB_A);
    offer.expires_unix_us = T0 + 500000;
    give(b, &offer);
    expect(b, BOOK_ORDER);
    struct wire_message m = result_message(b->action.command_id, 10024);
    answer(b, &m);
    pass_ms(b, 1000);
    expect_report(b, BOOK_FAILED, "stale");
}

/* Other questions wait while an order has its turn or no answer yet; one that is only asked about
 * needs the terminal no more than they do. */
static void the_terminal_is_needed_while_an_order_is_on_its_way(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = trade_offer(b, JOB_A);
    assert_false(book_needs_terminal(b->book));
    give(b, &offer);
    assert_true(book_needs_terminal(b->book)); /* planned */
    expect(b, BOOK_ORDER);
    assert_true(book_needs_terminal(b->book)); /* sent */
    pass_ms(b, BOOK_ANSWER_MS);
    expect(b, BOOK_FIND);
    assert_false(book_needs_terminal(b->book)); /* asked about */
    struct book_offer close = close_offer(b, JOB_B);
    give(b, &close);
    assert_true(book_needs_terminal(b->book)); /* its positions are not known yet */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(intent_is_flushed_before_the_order),
        TEST(order_carries_identity_and_limits),
        cmocka_unit_test(comment_is_cut),
        TEST(done_is_flushed_before_the_report),
        TEST(partial_fill_is_done_with_what_filled),
        cmocka_unit_test(windows),
        TEST(sleep_ends_the_trust),
        TEST(waits_for_its_terminal),
        cmocka_unit_test(account_is_compared),
        TEST(account_is_compared_before_every_order),
        cmocka_unit_test(terminal_refusals),
        cmocka_unit_test(stop_codes_fail_with_their_number),
        TEST(price_is_retried),
        TEST(price_is_retried_for_two_seconds_only),
        TEST(price_off_pauses),
        TEST(invalid_price_is_retried_once),
        TEST(wait_doubles_and_keeps_the_lane),
        TEST(retry_that_comes_too_late_is_stale),
        TEST(the_terminal_is_needed_while_an_order_is_on_its_way),
    };
    return cmocka_run_group_tests_name("book trade", tests, NULL, NULL);
}
