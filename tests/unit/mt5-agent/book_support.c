#include "book_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t catch_record(void *arg, const struct record *record)
{
    struct bench *b = arg;
    assert_true(b->record_count < RECORDS_MAX);
    b->records[b->record_count] = *record;
    b->records[b->record_count].seq = b->record_count + 1;
    return ++b->record_count;
}

int bench_set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    b->book = book_new(catch_record, b);
    b->account = (struct account){
        .server = "Sim-Demo", .login = "100001", .currency = "USD", .margin_mode = "hedging"};
    b->now = (struct book_now){.mono_us = 1000000,
                               .boot_us = 5000000,
                               .unix_us = T0,
                               .link_session = 1,
                               .terminal_session = 1,
                               .trade_connected = true,
                               .account = &b->account,
                               .server_time_us = T0 + INT64_C(7200000000),
                               .server_offset_s = 7200};
    renew_trust(b);
    *state = b;
    return 0;
}

int bench_tear_down(void **state)
{
    struct bench *b = *state;
    book_free(&b->book);
    free(b);
    return 0;
}

void renew_trust(struct bench *b)
{
    b->now.trust_until_boot_us = b->now.boot_us + 14000000;
}

struct book_offer trade_offer(const struct bench *b, const char *job_id)
{
    struct book_offer offer = {.type = BOOK_TRADE,
                               .complete = true,
                               .epoch = 1,
                               .expires_unix_us = b->now.unix_us + 30000000,
                               .claimed_unix_us = b->now.unix_us,
                               .lease_ms = 60000,
                               .has_account = true,
                               .account = b->account,
                               .magic_tag = 7,
                               .comment = "breakout",
                               .symbol = "EURUSD",
                               .volume = "0.10",
                               .deviation_points = 20};
    (void)snprintf(offer.job_id, sizeof offer.job_id, "%s", job_id);
    return offer;
}

struct book_offer close_offer(const struct bench *b, const char *job_id)
{
    struct book_offer offer = trade_offer(b, job_id);
    offer.type = BOOK_CLOSE;
    offer.volume[0] = '\0';
    offer.scope = BOOK_SCOPE_STRATEGY;
    offer.opened_before_unix_us = b->now.unix_us;
    offer.expires_unix_us = b->now.unix_us + INT64_C(72) * 3600 * 1000000;
    return offer;
}

void give(struct bench *b, const struct book_offer *offer)
{
    (void)book_offer(b->book, offer, &b->now);
}

enum book_act next(struct bench *b)
{
    for (;;) {
        b->now.flushed_seq = b->flushed_count;
        book_next(b->book, &b->now, &b->action);
        if (b->action.act != BOOK_FLUSH)
            return b->action.act;
        assert_true(b->flushed_count < b->record_count); /* else it would ask for ever */
        b->flushed_count = b->record_count;
        b->flushes++;
    }
}

void expect(struct bench *b, enum book_act act)
{
    assert_int_equal(next(b), act);
}

void expect_report(struct bench *b, enum book_outcome outcome, const char *code)
{
    expect(b, BOOK_REPORT);
    assert_int_equal(b->action.report.outcome, outcome);
    assert_string_equal(b->action.report.code, code);
}

void pass_ms(struct bench *b, int64_t ms)
{
    b->now.mono_us += ms * 1000;
    b->now.boot_us += ms * 1000;
    b->now.unix_us += ms * 1000;
    b->now.server_time_us += ms * 1000;
}

struct wire_message result_message(uint64_t id, uint32_t retcode)
{
    struct wire_message m = {.kind = WIRE_RESULT, .id = id, .result = {.retcode = retcode}};
    (void)snprintf(m.result.bid, sizeof m.result.bid, "1.08496");
    (void)snprintf(m.result.ask, sizeof m.result.ask, "1.08504");
    return m;
}

struct wire_message done_message(uint64_t id)
{
    struct wire_message m = result_message(id, 10009);
    m.result.order = m.result.position = 11;
    m.result.deal = 21;
    (void)snprintf(m.result.price, sizeof m.result.price, "1.08504");
    (void)snprintf(m.result.volume, sizeof m.result.volume, "0.10");
    return m;
}

struct wire_message refusal_message(uint64_t id, const char *error)
{
    struct wire_message m = {.kind = WIRE_RESULT, .id = id};
    (void)snprintf(m.error, sizeof m.error, "%s", error);
    return m;
}

struct wire_match match_for(uint64_t magic)
{
    struct wire_match match = {
        .magic = magic, .filled = true, .order = 31, .deal = 41, .position = 31};
    (void)snprintf(match.price, sizeof match.price, "1.08777");
    (void)snprintf(match.volume, sizeof match.volume, "0.10");
    return match;
}

struct wire_message found_message(uint64_t id, struct wire_match *matches, size_t count)
{
    return (struct wire_message){.kind = WIRE_FOUND,
                                 .id = id,
                                 .matches = matches,
                                 .count = count,
                                 .trade_connected = true,
                                 .history_ready = true};
}

void answer(struct bench *b, const struct wire_message *message)
{
    book_answered(b->book, message, &b->now);
}

void answer_pong(struct bench *b, uint64_t id)
{
    const struct wire_message pong = {.kind = WIRE_PONG, .id = id};
    answer(b, &pong);
}

struct wire_position open_position(uint64_t ticket, uint64_t magic, const char *symbol,
                                   int64_t opened_unix_us)
{
    struct wire_position p = {.ticket = ticket,
                              .position_id = ticket,
                              .magic = magic,
                              .volume = "0.10",
                              .open_price = "1.1",
                              .current_price = "1.1",
                              .sl = "",
                              .tp = "",
                              .profit = "",
                              .swap = "",
                              .comment = "",
                              .open_time_us = opened_unix_us + INT64_C(7200000000)};
    (void)snprintf(p.symbol, sizeof p.symbol, "%s", symbol);
    return p;
}

void answer_positions(struct bench *b, struct wire_position *positions, size_t count, bool more)
{
    struct wire_message m = {.kind = WIRE_POSITIONS,
                             .id = b->action.command_id,
                             .positions = positions,
                             .count = count,
                             .more = more,
                             .clocks = {.server_offset_s = 7200}};
    answer(b, &m);
}

size_t records_of(const struct bench *b, enum record_kind kind, const char *job_id)
{
    size_t count = 0;
    for (size_t i = 0; i < b->record_count; i++)
        count += b->records[i].kind == kind &&
                 (job_id == NULL || strcmp(b->records[i].job_id, job_id) == 0);
    return count;
}

const struct record *last_record(const struct bench *b, enum record_kind kind)
{
    for (size_t i = b->record_count; i > 0; i--)
        if (b->records[i - 1].kind == kind)
            return &b->records[i - 1];
    fail_msg("no record of kind %d", kind);
    return NULL;
}

void restart(struct bench *b, bool all)
{
    book_free(&b->book);
    b->book = book_new(catch_record, b);
    b->record_count = all ? b->record_count : b->flushed_count;
    b->flushed_count = b->record_count;
    for (size_t i = 0; i < b->record_count; i++)
        book_replay(b->book, &b->records[i]);
    book_replayed(b->book);
    b->now.mono_us += 500000;
    b->now.terminal_session = 1; /* the new process counts from one again */
    b->now.link_session++;
}
