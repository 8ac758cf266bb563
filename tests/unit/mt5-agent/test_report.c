/* Reports and offers as messages: what the gateway's own checks must accept, and what comes in
 * whole. */
#include "link_messages.h"
#include "report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define JOB "aaaaaaaa-0000-4000-8000-00000000000a"
#define T0 INT64_C(1700000000000000)

static struct svc_arena arena;

static int set_up(void **state)
{
    (void)state;
    svc_arena_init(&arena, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    svc_arena_done(&arena);
    return 0;
}

/* Pack, and unpack with the checks of the other side. */
static Tradewire__V1__Envelope *through_the_wire(Tradewire__V1__Envelope *envelope)
{
    struct svc_buffer bytes = {0};
    struct svc_error err = {.rc = SVC_OK};
    Tradewire__V1__Envelope *ret = NULL;
    envelope->has_version = 1;
    envelope->version = MESSAGE_VERSION;
    contracts_pack(&envelope->base, &bytes);
    if (contracts_unpack_envelope(&arena, bytes.bytes, bytes.len, &ret, &err) != SVC_OK)
        fail_msg("%s", err.text);
    svc_buffer_done(&bytes);
    return ret;
}

static const Tradewire__V1__JobReport *send(const struct book_report *report)
{
    Tradewire__V1__JobReport message;
    Tradewire__V1__Envelope envelope = TRADEWIRE__V1__ENVELOPE__INIT;
    report_build(&arena, report, T0 + 9, &message);
    envelope.body_case = TRADEWIRE__V1__ENVELOPE__BODY_JOB_REPORT;
    envelope.job_report = &message;
    return through_the_wire(&envelope)->job_report;
}

static void executed_close(void **state)
{
    (void)state;
    struct book_step steps[2] = {
        {.step = 1, .state = BOOK_REFUSED, .retcode = 10017, .volume = "1"},
        {.step = 2,
         .state = BOOK_EXECUTED,
         .retcode = 10009,
         .order = UINT64_MAX,
         .deal = 2,
         .position = 3,
         .close_position = 3,
         .sell = true,
         .price = "1.5",
         .filled = "0.10",
         .volume = "0.20",
         .profit = "-3.10",
         .symbol = "EURUSD.m"},
    };
    const struct book_report report = {.job_id = JOB,
                                       .epoch = 4,
                                       .outcome = BOOK_DONE,
                                       .code = "",
                                       .text = "1 of 2",
                                       .retcode = 10009,
                                       .steps = steps,
                                       .step_count = 2,
                                       .received_unix_us = T0,
                                       .sent_unix_us = T0 + 1,
                                       .filled_unix_us = T0 + 2};
    const Tradewire__V1__JobReport *m = send(&report);
    assert_string_equal(m->job_id, JOB);
    assert_int_equal(m->lease_epoch, 4);
    assert_int_equal(m->outcome, TRADEWIRE__V1__OUTCOME__OUTCOME_DONE);
    assert_null(m->code);
    assert_int_equal(m->n_fills, 1);
    assert_true(m->fills[0]->order == UINT64_MAX);
    assert_string_equal(m->fills[0]->profit, "-3.10");
    assert_string_equal(m->fills[0]->requested_volume, "0.20");
    assert_string_equal(m->fills[0]->side, "sell");
    assert_memory_equal(m->fills[0]->symbol.data, "EURUSD.m", 8);
    assert_int_equal(m->times->order_sent, T0 + 1);
    assert_int_equal(m->times->filled, T0 + 2);
    assert_int_equal(m->times->reported, T0 + 9);
}

/* It names the order that closed the position, and counts nothing of it. The job's own come first.
 */
static void closed_by_another_order(void **state)
{
    (void)state;
    struct book_step steps[2] = {
        {.step = 1,
         .state = BOOK_CLOSED_BY_OTHER,
         .retcode = 10036,
         .order = 31,
         .position = 4,
         .close_position = 4,
         .price = "1.5",
         .filled = "0",
         .volume = "0.10"},
        {.step = 2, .state = BOOK_EXECUTED, .order = 32, .price = "1.6", .filled = "0.10"},
    };
    const struct book_report report = {.job_id = JOB,
                                       .epoch = 1,
                                       .outcome = BOOK_DONE,
                                       .code = "",
                                       .text = "",
                                       .steps = steps,
                                       .step_count = 2};
    const Tradewire__V1__JobReport *m = send(&report);
    assert_int_equal(m->n_fills, 2);
    assert_int_equal(m->fills[0]->step, 2);
    assert_int_equal(m->fills[1]->step, 1);
    assert_int_equal(m->fills[1]->retcode, 10036);
    assert_int_equal(m->fills[1]->order, 31);
    assert_int_equal(m->fills[1]->position, 4);
    assert_string_equal(m->fills[1]->volume, "0");
    assert_null(m->fills[1]->profit);
}

static void every_outcome_passes_the_checks(void **state)
{
    (void)state;
    static const struct {
        enum book_outcome outcome;
        const char *code;
    } rows[] = {{BOOK_FAILED, "stale"},
                {BOOK_FAILED, "retcode_10019"},
                {BOOK_FAILED, "account_mismatch"},
                {BOOK_FAILED, "nothing_to_do"},
                {BOOK_FAILED, "symbol_unmapped"},
                {BOOK_FAILED, "agent_unsupported"},
                {BOOK_FAILED, "agent_offline"},
                {BOOK_FAILED, "timeout"},
                {BOOK_VOID, "not_executed"},
                {BOOK_VOID, "waiting_market"},
                {BOOK_UNKNOWN, "unknown_outcome"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct book_report report = {.job_id = JOB,
                                           .epoch = 1,
                                           .outcome = rows[i].outcome,
                                           .code = rows[i].code,
                                           .text = "",
                                           .ready_unix_us = T0};
        const Tradewire__V1__JobReport *m = send(&report);
        assert_int_equal(m->outcome, rows[i].outcome);
        assert_string_equal(m->code, rows[i].code);
        assert_int_equal(m->n_fills, 0);
        assert_int_equal(m->ready_unix_us, T0);
    }
}

static void hello_passes_the_checks(void **state)
{
    (void)state;
    const struct account account = {
        .server = "S", .login = "1", .currency = "USD", .margin_mode = "netting", .balance = "5"};
    for (int with = 0; with <= 1; with++) {
        Tradewire__V1__Envelope envelope;
        link_message_hello(&arena,
                           &(struct link_hello){.agent_id = JOB,
                                                .agent_key = "key",
                                                .journal_id = JOB,
                                                .journal_seq = 7,
                                                .account = with ? &account : NULL,
                                                .sent_unix_us = T0},
                           &envelope);
        const Tradewire__V1__Hello *m = through_the_wire(&envelope)->hello;
        assert_int_equal(m->journal_seq, 7);
        assert_int_equal(m->account != NULL, with);
        link_message_account(&arena, with ? &account : NULL, &envelope);
        const Tradewire__V1__AccountReport *r = through_the_wire(&envelope)->account_report;
        assert_int_equal(r->account != NULL, with);
        if (with)
            assert_string_equal(r->account->margin_mode, "netting");
    }
}

static void offer_comes_in_whole(void **state)
{
    (void)state;
    Tradewire__V1__JobOffer m = TRADEWIRE__V1__JOB_OFFER__INIT;
    Tradewire__V1__TradeOrder trade = TRADEWIRE__V1__TRADE_ORDER__INIT;
    char id[] = "AAAAAAAA-0000-4000-8000-00000000000A", type[] = "trade", side[] = "sell",
         volume[] = "0.10", sl[] = "1.2";
    uint8_t symbol[] = "EURUSD";
    m.job_id = id;
    m.job_type = type;
    m.lease_epoch = 3;
    m.question = 1;
    m.magic_tag = 9;
    m.trade = &trade;
    trade.symbol = (ProtobufCBinaryData){6, symbol};
    trade.side = side;
    trade.volume = volume;
    trade.sl = sl;
    struct book_offer offer;
    link_message_offer(&m, &offer);
    assert_string_equal(offer.job_id, JOB); /* one spelling */
    assert_int_equal(offer.type, BOOK_TRADE);
    assert_true(offer.complete && offer.question && offer.sell);
    assert_string_equal(offer.symbol, "EURUSD");
    assert_string_equal(offer.sl, "1.2");
    assert_string_equal(offer.tp, "");
    m.trade = NULL;
    link_message_offer(&m, &offer);
    assert_false(offer.complete);
}

/* "Every position of the symbol" without a symbol must not become every position. */
static void close_by_symbol_needs_one(void **state)
{
    (void)state;
    Tradewire__V1__JobOffer m = TRADEWIRE__V1__JOB_OFFER__INIT;
    Tradewire__V1__ClosePosition close = TRADEWIRE__V1__CLOSE_POSITION__INIT;
    char id[] = JOB, type[] = "close_position";
    struct book_offer offer;
    m.job_id = id;
    m.job_type = type;
    m.close = &close;
    close.scope = TRADEWIRE__V1__CLOSE_SCOPE__CLOSE_SCOPE_SYMBOL;
    link_message_offer(&m, &offer);
    assert_int_equal(offer.type, BOOK_CLOSE);
    assert_false(offer.complete);
    close.scope = TRADEWIRE__V1__CLOSE_SCOPE__CLOSE_SCOPE_STRATEGY;
    link_message_offer(&m, &offer);
    assert_true(offer.complete);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(executed_close),
        cmocka_unit_test(closed_by_another_order),
        cmocka_unit_test(every_outcome_passes_the_checks),
        cmocka_unit_test(hello_passes_the_checks),
        cmocka_unit_test(offer_comes_in_whole),
        cmocka_unit_test(close_by_symbol_needs_one),
    };
    return cmocka_run_group_tests_name("report", tests, set_up, tear_down);
}
