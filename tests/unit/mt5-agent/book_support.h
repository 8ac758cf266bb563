/* A book in a bottle for tests: records are caught, time is a number, the terminal and the gateway
 * are functions. */
#pragma once

#include "book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { RECORDS_MAX = 512 };
#define T0 INT64_C(1700000000000000) /* µs UTC: when every test begins */
#define JOB_A "aaaaaaaa-0000-4000-8000-00000000000a"
#define JOB_B "bbbbbbbb-0000-4000-8000-00000000000b"
#define JOB_C "cccccccc-0000-4000-8000-00000000000c"

struct bench {
    struct book *book;
    struct book_now now;
    struct account account;
    struct record records[RECORDS_MAX];
    size_t record_count, flushed_count, flushes;
    struct book_action action; /* the last one */
};

int bench_set_up(void **state);
int bench_tear_down(void **state);

/* A trade of A on EURUSD at epoch 1, claimed now, expiring in 30 s. */
struct book_offer trade_offer(const struct bench *b, const char *job_id);
struct book_offer close_offer(const struct bench *b, const char *job_id);
void give(struct bench *b, const struct book_offer *offer);

/* The next action that is not a flush; flushes are carried out. */
enum book_act next(struct bench *b);
/* The same, and it must be this one. */
void expect(struct bench *b, enum book_act act);
/* Next must be a report with this outcome and code; it stays in b->action. */
void expect_report(struct bench *b, enum book_outcome outcome, const char *code);
void pass_ms(struct bench *b, int64_t ms);
/* Keep the gateway's session alive from now on. */
void renew_trust(struct bench *b);

/* Answers of the terminal. */
struct wire_message result_message(uint64_t id, uint32_t retcode);
struct wire_message done_message(uint64_t id); /* 10009: order 11, deal 21, position 11 */
struct wire_message refusal_message(uint64_t id, const char *error);
struct wire_message found_message(uint64_t id, struct wire_match *matches, size_t count);
struct wire_match match_for(uint64_t magic);
void answer(struct bench *b, const struct wire_message *message);
void answer_pong(struct bench *b, uint64_t id);
/* An open position of 0.10 lots; the server's clock is two hours ahead. */
struct wire_position open_position(uint64_t ticket, uint64_t magic, const char *symbol,
                                   int64_t opened_unix_us);
/* The answer to the last action, a question for positions. */
void answer_positions(struct bench *b, struct wire_position *positions, size_t count, bool more);

/* How many records of a kind, of a job (NULL: any). */
size_t records_of(const struct bench *b, enum record_kind kind, const char *job_id);
const struct record *last_record(const struct bench *b, enum record_kind kind);
/* kill -9: only what was flushed (or, with all, everything written) is there afterwards. */
void restart(struct bench *b, bool all);
