/* Deaths. First the single cases; then a whole world in numbers (a broker that executes, a terminal
 * that loses answers, a gateway that asks, an agent that is killed anywhere) played out from many
 * seeds: never two orders of one identity, never a fact against the broker's. */
#include "book_support.h"

#include <stdio.h>
#include <string.h>

static void unflushed_intent_was_never_sent(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = trade_offer(b, JOB_A);
    give(b, &offer);
    b->flushed_count = 1; /* RECV reached the disk, INTENT did not */
    restart(b, false);
    expect(b, BOOK_NOTHING);
    offer.epoch = 2;
    offer.question = true;
    give(b, &offer);
    expect_report(b, BOOK_VOID, "not_executed");
}

static void intent_is_looked_for_at_start(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = trade_offer(b, JOB_A);
    give(b, &offer);
    expect(b, BOOK_ORDER);
    restart(b, false); /* SENT was not flushed, and is not needed */
    assert_int_equal(book_unlooked(b->book), 1);
    b->now.link_session = 0; /* before hello */
    expect(b, BOOK_FIND);
    struct wire_match match = match_for(b->action.keys[0].magic);
    struct wire_message m = found_message(b->action.command_id, &match, 1);
    answer(b, &m);
    assert_int_equal(book_unlooked(b->book), 0);
    expect(b, BOOK_NOTHING);
    b->now.link_session = 5;
    expect_report(b, BOOK_DONE, "");
}

static void unacknowledged_end_is_said_again(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = trade_offer(b, JOB_A);
    give(b, &offer);
    expect(b, BOOK_ORDER);
    struct wire_message m = done_message(b->action.command_id);
    answer(b, &m);
    expect_report(b, BOOK_DONE, "");
    restart(b, true);
    expect_report(b, BOOK_DONE, "");
    const struct book_step *fill = b->action.report.steps;
    assert_int_equal(fill->order, 11);
    assert_int_equal(fill->deal, 21);
    assert_string_equal(fill->price, "1.08504");
    assert_string_equal(fill->symbol, "EURUSD");
    assert_string_equal(fill->volume, "0.10");
    book_acked(b->book, JOB_A, 1, &b->now);
    restart(b, true);
    expect(b, BOOK_NOTHING);
}

static void refusals_survive(void **state)
{
    struct bench *b = *state;
    struct book_offer first = trade_offer(b, JOB_A), second = trade_offer(b, JOB_B);
    second.expires_unix_us = T0 - 1;
    give(b, &first);
    give(b, &second);
    expect(b, BOOK_ORDER);
    struct wire_message m = result_message(b->action.command_id, 10019);
    answer(b, &m);
    expect_report(b, BOOK_FAILED, "stale");
    expect_report(b, BOOK_FAILED, "retcode_10019");
    restart(b, true);
    expect_report(b, BOOK_FAILED, "stale");
    expect_report(b, BOOK_FAILED, "retcode_10019");
}

static void old_jobs_are_forgotten(void **state)
{
    struct bench *b = *state;
    struct book_offer offer = trade_offer(b, JOB_A);
    offer.expires_unix_us = T0 - 1;
    give(b, &offer);
    (void)snprintf(offer.job_id, sizeof offer.job_id, "%s", JOB_B);
    give(b, &offer);
    expect_report(b, BOOK_FAILED, "stale");
    book_acked(b->book, b->action.report.job_id, 1, &b->now);
    int64_t days_us = INT64_C(86400000000) * BOOK_KEEP_DAYS;
    book_forget_old(b->book, T0 + days_us);
    assert_true(book_keeps(b->book, JOB_A));
    book_forget_old(b->book, T0 + days_us + 1);
    assert_false(book_keeps(b->book, JOB_A));
    assert_true(book_keeps(b->book, JOB_B)); /* never acknowledged */
}

/* ---- the world ------------------------------------------------------------------------------- */

enum { JOBS = 6, SEEDS = 3000, TURNS = 400 };

struct order_seen { /* by the broker */
    uint64_t magic, position;
    int job;
};

enum fate { OPEN, PENDING, ENDED_DONE, ENDED_NOT };

struct world {
    struct bench *b;
    uint64_t dice;
    struct {
        uint64_t epoch;
        enum fate fate;
        bool closes;
        char id[SVC_UUID_TEXT];
    } jobs[JOBS];
    struct order_seen orders[JOBS * 64];
    size_t order_count;
    struct wire_message answers[64]; /* on their way to the agent */
    struct wire_match matches[64][16];
    size_t answer_count;
    bool dead_agent_orders; /* the last command of a killed agent is still executed */
};

static uint64_t roll(struct world *w, uint64_t sides)
{
    w->dice = w->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (w->dice >> 33) % sides;
}

static const struct order_seen *executed(const struct world *w, uint64_t magic)
{
    for (size_t i = 0; i < w->order_count; i++)
        if (w->orders[i].magic == magic)
            return &w->orders[i];
    return NULL;
}

static struct wire_message *new_answer(struct world *w, enum wire_kind kind)
{
    static struct wire_message dropped;
    struct wire_message *m = w->answer_count < 64 ? &w->answers[w->answer_count++] : &dropped;
    *m = (struct wire_message){.kind = kind, .id = w->b->action.command_id};
    return m;
}

/* The one thing that must never happen is checked where it would. */
static void execute(struct world *w, const struct wire_order *order)
{
    if (executed(w, order->magic) != NULL)
        fail_msg("two orders of one identity");
    assert_true(w->order_count < JOBS * 64);
    w->orders[w->order_count++] =
        (struct order_seen){.magic = order->magic, .position = order->position};
}

static void broker_takes(struct world *w)
{
    static const uint32_t refusals[] = {10004, 10019, 10024, 10021, 10014};
    uint64_t fate = roll(w, 20);
    if (fate < 9) {
        execute(w, &w->b->action.order);
        struct wire_message *m = new_answer(w, WIRE_RESULT);
        *m = done_message(w->b->action.command_id);
        m->result.order = w->order_count;
    } else if (fate < 12) {
        execute(w, &w->b->action.order); /* and the answer is lost */
    } else if (fate < 14) {
        execute(w, &w->b->action.order);
        w->b->now.terminal_session++;
        w->answer_count = 0;
    } else if (fate < 15) {
        w->b->now.terminal_session++;
        w->answer_count = 0;
    } else if (fate < 16) {
        execute(w, &w->b->action.order);
        *new_answer(w, WIRE_RESULT) = result_message(w->b->action.command_id, 10012);
    } else {
        *new_answer(w, WIRE_RESULT) = result_message(w->b->action.command_id, refusals[roll(w, 5)]);
    }
}

static void terminal_finds(struct world *w)
{
    size_t slot = w->answer_count;
    struct wire_message *m = new_answer(w, WIRE_FOUND);
    m->trade_connected = m->history_ready = true;
    if (slot >= 64)
        return;
    m->matches = w->matches[slot];
    for (size_t i = 0; i < w->b->action.key_count && m->count < 16; i++)
        if (executed(w, w->b->action.keys[i].magic) != NULL)
            m->matches[m->count++] = match_for(w->b->action.keys[i].magic);
}

static void terminal_lists(struct world *w)
{
    static struct wire_position positions[3];
    struct wire_message *m = new_answer(w, WIRE_POSITIONS);
    for (size_t i = 0; i < 3; i++) {
        positions[i] = (struct wire_position){.ticket = 900 + i,
                                              .magic = UINT64_C(7) << 32 | i,
                                              .symbol = "EURUSD",
                                              .volume = "0.10"};
    }
    m->positions = positions;
    m->count = roll(w, 4);
}

static bool any_executed(const struct world *w, int job)
{
    for (uint32_t step = 1; step <= 64; step++) {
        struct order_identity identity;
        order_identity(w->jobs[job].id, step, 7, &identity);
        if (executed(w, identity.magic) != NULL)
            return true;
    }
    return false;
}

static void gateway_hears(struct world *w)
{
    const struct book_report report = w->b->action.report;
    for (int job = 0; job < JOBS; job++) {
        if (strcmp(w->jobs[job].id, report.job_id) != 0)
            continue;
        bool executed_any = any_executed(w, job), current = report.epoch == w->jobs[job].epoch;
        if (report.outcome == BOOK_DONE) {
            assert_true(executed_any);
            for (size_t i = 0; i < report.step_count; i++)
                if (report.steps[i].state == BOOK_EXECUTED)
                    assert_non_null(executed(w, report.steps[i].identity.magic));
            w->jobs[job].fate = ENDED_DONE;
        } else if (report.outcome != BOOK_UNKNOWN && current && w->jobs[job].fate == OPEN) {
            if (executed_any)
                fail_msg("negative answer for an executed job");
            w->jobs[job].fate = report.outcome == BOOK_VOID ? PENDING : ENDED_NOT;
        }
        if (roll(w, 4) != 0) /* some acknowledgements get lost */
            book_acked(w->b->book, w->jobs[job].id, report.epoch, &w->b->now);
    }
}

static void offer_job(struct world *w, int job, bool question)
{
    struct book_offer offer = w->jobs[job].closes ? close_offer(w->b, w->jobs[job].id)
                                                  : trade_offer(w->b, w->jobs[job].id);
    offer.epoch = ++w->jobs[job].epoch;
    offer.question = question;
    offer.opened_before_unix_us = INT64_MAX;
    w->jobs[job].fate = OPEN;
    give(w->b, &offer);
}

/* kill -9 or a power cut, a new process, its hello, and the questions. */
static void kill_agent(struct world *w)
{
    bool power_cut = roll(w, 2) == 0;
    w->answer_count = 0;
    restart(w->b, !power_cut);
    for (int job = 0; job < JOBS; job++)
        if (w->jobs[job].fate == OPEN && w->jobs[job].epoch > 0)
            offer_job(w, job, true);
}

static void take_turn(struct world *w, bool killing)
{
    struct bench *b = w->b;
    b->now.flushed_seq = b->flushed_count;
    book_next(b->book, &b->now, &b->action);
    if (killing && roll(w, 12) == 0) { /* between the decision and the deed */
        if (b->action.act == BOOK_ORDER && roll(w, 2) == 0)
            execute(w, &b->action.order); /* it had just left */
        kill_agent(w);
        return;
    }
    switch (b->action.act) {
    case BOOK_FLUSH:
        b->flushed_count = b->record_count;
        break;
    case BOOK_ORDER:
        broker_takes(w);
        break;
    case BOOK_POSITIONS:
        terminal_lists(w);
        break;
    case BOOK_FIND:
        terminal_finds(w);
        break;
    case BOOK_REPORT:
        gateway_hears(w);
        break;
    default:
        pass_ms(b, 50 + (int64_t)roll(w, 2000));
        renew_trust(b);
    }
    if (w->answer_count > 0 && roll(w, 2) == 0) {
        struct wire_message m = w->answers[0];
        memmove(&w->answers[0], &w->answers[1], --w->answer_count * sizeof w->answers[0]);
        struct wire_match copies[16];
        memcpy(copies, m.matches != NULL ? m.matches : copies,
               m.count * sizeof copies[0] * (m.kind == WIRE_FOUND));
        if (m.kind == WIRE_FOUND)
            m.matches = copies;
        answer(b, &m);
    }
}

static bool all_ended(const struct world *w)
{
    for (int job = 0; job < JOBS; job++)
        if (w->jobs[job].fate == OPEN || w->jobs[job].fate == PENDING)
            return false;
    return true;
}

static void play(uint64_t seed)
{
    void *own;
    (void)bench_set_up(&own);
    struct world w = {.b = own, .dice = seed};
    for (int job = 0; job < JOBS; job++) {
        w.jobs[job].closes = roll(&w, 3) == 0;
        (void)snprintf(w.jobs[job].id, sizeof w.jobs[job].id, "%08x-0000-4000-8000-%012d",
                       (unsigned)roll(&w, UINT32_MAX), job);
        w.jobs[job].fate = PENDING;
    }
    for (int turn = 0; turn < 20 * TURNS && !all_ended(&w); turn++) {
        bool killing = turn < TURNS;
        if (w.b->record_count > RECORDS_MAX - 100)
            break; /* a very unlucky world: the bottle is full */
        for (int job = 0; job < JOBS; job++)
            if (w.jobs[job].fate == PENDING && roll(&w, 10) == 0)
                offer_job(&w, job, false);
        take_turn(&w, killing);
    }
    for (int job = 0; job < JOBS; job++)
        if (w.jobs[job].fate == OPEN && w.b->record_count <= RECORDS_MAX - 100)
            fail_msg("seed %llu: job %d never answered, epoch %llu, %zu records",
                     (unsigned long long)seed, job, (unsigned long long)w.jobs[job].epoch,
                     w.b->record_count);
    (void)bench_tear_down(&own);
}

static void never_twice_whatever_dies(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        play(seed);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(unflushed_intent_was_never_sent),  TEST(intent_is_looked_for_at_start),
        TEST(unacknowledged_end_is_said_again), TEST(refusals_survive),
        TEST(old_jobs_are_forgotten),           cmocka_unit_test(never_twice_whatever_dies),
    };
    return cmocka_run_group_tests_name("book restart", tests, NULL, NULL);
}
