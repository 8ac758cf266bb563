/* One step of an effect: planned, allowed, sent, ended; and with the last step the job's end. */
#include "book_internal.h"
#include "retcode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_intent(struct book *book, struct book_job *job, struct book_step *step,
                         const struct book_now *now)
{
    struct record r = {.kind = RECORD_INTENT,
                       .at_unix_us = now->unix_us,
                       .step = step->step,
                       .magic = step->identity.magic,
                       .close_position = step->close_position,
                       .sell = step->sell,
                       .server_time_us = now->server_time_us};
    memcpy(r.token, step->identity.token, sizeof r.token);
    memcpy(r.symbol, step->symbol, sizeof r.symbol);
    memcpy(r.volume, step->volume, sizeof r.volume);
    step->server_time_us = now->server_time_us;
    step->intent_unix_us = now->unix_us;
    book_write(book, job, &r);
}

static struct book_step *plan_step(struct book_job *job, uint32_t number)
{
    struct book_step *step = book_add_step(job);
    step->step = number;
    step->state = BOOK_PLANNED;
    order_identity(job->job_id, number, job->offer->magic_tag, &step->identity);
    if (number > job->last_step)
        job->last_step = number;
    return step;
}

void book_plan_trade(struct book *book, struct book_job *job, const struct book_now *now)
{
    book_clear_steps(job);
    struct book_step *step = plan_step(job, 1);
    memcpy(step->symbol, job->offer->symbol, sizeof step->symbol);
    memcpy(step->volume, job->offer->volume, sizeof step->volume);
    step->sell = job->offer->sell;
    job->state = BOOK_WORKING;
    write_intent(book, job, step, now);
}

static int older_first(const void *a, const void *b)
{
    const struct book_candidate *x = a, *y = b;
    if (x->open_time_us != y->open_time_us)
        return x->open_time_us < y->open_time_us ? -1 : 1;
    return x->ticket < y->ticket ? -1 : x->ticket > y->ticket;
}

/* All candidates are known: one step per position, oldest first, all journaled before the first is
 * sent. Numbers go on where an earlier, voided life of the job stopped: no identity is used twice.
 */
void book_plan_close(struct book *book, struct book_job *job, const struct book_now *now)
{
    if (job->candidate_count == 0) {
        book_fail(book, job, CODE_NOTHING_TO_DO, "no position to close", now);
        return;
    }
    qsort(job->candidates, job->candidate_count, sizeof *job->candidates, older_first);
    size_t count = job->candidate_count < BOOK_STEPS_MAX ? job->candidate_count : BOOK_STEPS_MAX;
    if (count < job->candidate_count)
        (void)snprintf(job->text, sizeof job->text, "%zu positions left open: one job closes %d",
                       job->candidate_count - count, BOOK_STEPS_MAX);
    book_clear_steps(job);
    for (size_t i = 0; i < count; i++) {
        const struct book_candidate *from = &job->candidates[i];
        struct book_step *step = plan_step(job, job->last_step + 1);
        step->close_position = from->ticket;
        memcpy(step->symbol, from->symbol, sizeof step->symbol);
        memcpy(step->volume, from->volume, sizeof step->volume);
        step->sell = !from->sell;
        write_intent(book, job, step, now);
    }
    job->state = BOOK_WORKING;
}

/* The journal is younger than the job, so every order it could have sent is looked for. */
void book_add_search_steps(struct book_job *job, const struct book_now *now)
{
    uint32_t count = job->type == BOOK_TRADE ? 1 : BOOK_STEPS_MAX;
    book_clear_steps(job);
    for (uint32_t number = 1; number <= count; number++) {
        struct book_step *step = plan_step(job, number);
        book_begin_asking(job, step, now->mono_us + ms_us(BOOK_ASK_SAID_MS));
    }
    job->last_step = count;
    job->state = BOOK_WORKING;
    job->sent_any = true;
}

void book_enter_ended(struct book *book, struct book_job *job, enum book_outcome outcome,
                      const char *code)
{
    job->state = BOOK_ENDED;
    job->outcome = outcome;
    job->paused_mono_us = 0;
    (void)snprintf(job->code, sizeof job->code, "%s", outcome == BOOK_DONE ? "" : code);
    job->report_due_mono_us = 0;
    job->reported = false;
    free(job->candidates);
    job->candidates = NULL;
    job->candidate_count = 0;
    job->asked_id = job->find_id = job->after = 0;
    book->counts.executed += outcome == BOOK_DONE && job_is_effect(job);
    book->counts.refused += outcome == BOOK_FAILED;
    book->counts.voided += outcome == BOOK_VOID;
    book_move(book, job, BOOK_LIST_UNACKED);
}

void book_fail(struct book *book, struct book_job *job, enum code code, const char *text,
               const struct book_now *now)
{
    (void)snprintf(job->text, sizeof job->text, "%s", text);
    if (job_is_effect(job)) {
        struct record r = {.kind = RECORD_DONE, .at_unix_us = now->unix_us};
        (void)snprintf(r.code, sizeof r.code, "%s", code_name(code));
        book_write(book, job, &r);
    }
    book_enter_ended(book, job, BOOK_FAILED, code_name(code));
}

void book_void(struct book *book, struct book_job *job, enum code code, int64_t ready_unix_us,
               const struct book_now *now)
{
    struct record r = {.kind = RECORD_VOID,
                       .at_unix_us = now->unix_us,
                       .epoch = job->epoch,
                       .ready_unix_us = ready_unix_us};
    (void)snprintf(r.code, sizeof r.code, "%s", code_name(code));
    book_write(book, job, &r);
    job->void_epoch = job->epoch;
    job->ready_unix_us = ready_unix_us;
    job->retcode = 0;
    job->text[0] = '\0';
    book_clear_steps(job);
    book_enter_ended(book, job, BOOK_VOID, code_name(code));
}

static bool is_over(const struct book_step *step)
{
    return step->state >= BOOK_EXECUTED;
}

static void write_done(struct book *book, struct book_job *job, const struct book_step *step,
                       const struct book_now *now)
{
    struct record r = {.kind = RECORD_DONE,
                       .at_unix_us = now->unix_us,
                       .step = step->step,
                       .magic = step->identity.magic,
                       .sell = step->sell,
                       .retcode = step->retcode,
                       .order = step->order,
                       .deal = step->deal,
                       .position = step->position};
    memcpy(r.symbol, step->symbol, sizeof r.symbol);
    memcpy(r.volume, step->volume, sizeof r.volume);
    memcpy(r.price, step->price, sizeof r.price);
    memcpy(r.filled, step->filled, sizeof r.filled);
    memcpy(r.profit, step->profit, sizeof r.profit);
    memcpy(r.bid, step->bid, sizeof r.bid);
    memcpy(r.ask, step->ask, sizeof r.ask);
    memcpy(r.code, step->code, sizeof r.code);
    book_write(book, job, &r);
}

struct tally {
    size_t open, executed, closed_by_other, refused, not_executed, market_closed;
    const struct book_step *first_refused; /* or whatever else left its position as it was */
    int64_t ready_unix_us;                 /* earliest */
};

static struct tally tally_steps(const struct book_job *job)
{
    struct tally t = {.open = 0};
    for (size_t i = 0; i < job->step_count; i++) {
        const struct book_step *step = &job->steps[i];
        t.open += !is_over(step);
        t.executed += step->state == BOOK_EXECUTED;
        t.closed_by_other += step->state == BOOK_CLOSED_BY_OTHER;
        t.refused += step->state == BOOK_REFUSED;
        t.not_executed += step->state == BOOK_NOT_EXECUTED;
        t.market_closed += step->state == BOOK_MARKET_CLOSED;
        if (step->state > BOOK_CLOSED_BY_OTHER && t.first_refused == NULL)
            t.first_refused = step;
        if (step->state == BOOK_MARKET_CLOSED && step->ready_unix_us > 0 &&
            (t.ready_unix_us == 0 || step->ready_unix_us < t.ready_unix_us))
            t.ready_unix_us = step->ready_unix_us;
    }
    return t;
}

/* What a person should know of a job that is done, and its fills do not tell. */
static void say_more(struct book_job *job, const struct tally *t)
{
    if (t->first_refused != NULL && job->step_count > t->executed + t->closed_by_other)
        (void)snprintf(job->text, sizeof job->text,
                       "%zu of %zu orders executed; the first of the others: %s", t->executed,
                       job->step_count, t->first_refused->code);
    const size_t len = strlen(job->text);
    if (t->closed_by_other > 0)
        (void)snprintf(job->text + len, sizeof job->text - len,
                       "%s%zu of %zu positions had been closed by another order",
                       len > 0 ? "; " : "", t->closed_by_other, job->step_count);
}

/* Some of it was executed, or is closed already, so it is a fact; what was not is said, and
 * journaled as over. */
static void conclude_executed(struct book *book, struct book_job *job, const struct tally *t,
                              const struct book_now *now)
{
    size_t kept = 0;
    for (size_t i = 0; i < job->step_count; i++) {
        struct book_step *step = &job->steps[i];
        bool silent = step->state == BOOK_NOT_EXECUTED || step->state == BOOK_MARKET_CLOSED;
        if (silent && job->terminal_only)
            continue; /* one of the numbers that a search tried */
        if (silent)
            write_done(book, job, step, now);
        job->steps[kept++] = *step;
    }
    job->step_count = kept;
    say_more(job, t);
    job->retcode = RETCODE_POSITION_CLOSED; /* unless an order of this job did something */
    for (size_t i = 0; i < kept; i++)
        if (job->steps[i].state == BOOK_EXECUTED)
            job->retcode = job->steps[i].retcode;
    book_enter_ended(book, job, BOOK_DONE, "");
}

static int64_t lease_end(const struct book_offer *offer)
{
    return offer->claimed_unix_us + ms_us((int64_t)offer->lease_ms - BOOK_TRUST_MARGIN_MS);
}

static bool is_expired(const struct book_job *job, const struct book_now *now)
{
    return job->expires_unix_us != 0 && now->unix_us > job->expires_unix_us;
}

/* May an order of this job start, as far as lease and session go? */
static bool may_start(const struct book_job *job, const struct book_now *now)
{
    return !now->draining && now->unix_us <= lease_end(job->offer) &&
           now->boot_us <= now->trust_until_boot_us;
}

/* Proven not executed, so the same orders may leave again. */
static void plan_rest(struct book_job *job)
{
    job->went_on_epoch = job->epoch;
    job->paused_mono_us = 0;
    for (size_t i = 0; i < job->step_count; i++) {
        struct book_step *step = &job->steps[i];
        if (step->state != BOOK_NOT_EXECUTED)
            continue;
        step->state = BOOK_PLANNED;
        step->attempts = 0;
        step->retry_mono_us = 0;
        step->look_once = false;
        step->code[0] = '\0';
    }
}

/* A part of a close is done, another was not sent or proven not executed, because a process or a
 * lease ended. Reported like this, its positions would stay open. It goes on once under each lease,
 * and waits for the next one, which a question brings; but not for ever. */
static bool goes_on(struct book_job *job, const struct tally *t, const struct book_now *now)
{
    if (job->type != BOOK_CLOSE || job->terminal_only || t->not_executed == 0 ||
        is_expired(job, now) ||
        (job->paused_mono_us != 0 && now->mono_us - job->paused_mono_us >= ms_us(BOOK_REST_MS)))
        return false;
    if (job->offer != NULL && job->offer->complete && job->went_on_epoch != job->epoch &&
        may_start(job, now))
        plan_rest(job);
    else if (job->paused_mono_us == 0)
        job->paused_mono_us = now->mono_us;
    return true;
}

void book_watch_paused(struct book *book, struct book_job *job, const struct book_now *now)
{
    if (job->paused_mono_us == 0)
        return;
    if (now->link_session == 0) /* nobody can ask */
        job->paused_mono_us = now->mono_us;
    book_conclude(book, job, now);
}

void book_conclude(struct book *book, struct book_job *job, const struct book_now *now)
{
    struct tally t = tally_steps(job);
    if (t.open > 0 || job->state == BOOK_ENDED)
        return;
    if (t.first_refused == NULL && t.executed + t.closed_by_other == 0)
        return; /* no steps at all: nothing to conclude from */
    if (t.executed + t.closed_by_other > 0) {
        if (!goes_on(job, &t, now))
            conclude_executed(book, job, &t, now);
    } else if (t.market_closed > 0) {
        book_void(book, job, CODE_WAITING_MARKET, t.ready_unix_us, now);
    } else if (t.not_executed > 0) {
        book_void(book, job, CODE_NOT_EXECUTED, 0, now);
    } else {
        const struct book_step *step = t.first_refused;
        job->retcode = step->retcode;
        if (step->retcode != 0)
            (void)snprintf(job->text, sizeof job->text, "%s",
                           retcode_rule(step->retcode, step->close_position != 0)->name);
        book_enter_ended(book, job, BOOK_FAILED, step->code);
    }
}

static void end_step(struct book *book, struct book_job *job, struct book_step *step,
                     enum book_step_state state, const struct book_now *now)
{
    step->state = state;
    if (state == BOOK_EXECUTED || state == BOOK_CLOSED_BY_OTHER || state == BOOK_REFUSED)
        write_done(book, job, step, now);
    book_conclude(book, job, now);
}

void book_end_step(struct book *book, struct book_job *job, struct book_step *step,
                   enum book_step_state state, const struct book_now *now)
{
    step->code[0] = '\0';
    if (state == BOOK_EXECUTED)
        job->filled_unix_us = now->unix_us;
    end_step(book, job, step, state, now);
}

void book_refuse_step(struct book *book, struct book_job *job, struct book_step *step,
                      enum book_step_state state, enum code code, const struct book_now *now)
{
    if (code == CODE_RETCODE)
        (void)snprintf(step->code, sizeof step->code, "retcode_%u", step->retcode);
    else
        (void)snprintf(step->code, sizeof step->code, "%s", code_name(code));
    end_step(book, job, step, state, now);
}

/* What has not been sent ends like this. */
static void end_unsent(struct book *book, struct book_job *job, enum book_step_state state,
                       enum code code, const char *text, const struct book_now *now)
{
    if (job->state == BOOK_WAITING && state == BOOK_REFUSED) {
        book_fail(book, job, code, text, now);
        return;
    }
    if (job->state == BOOK_WAITING) {
        book_void(book, job, code, 0, now);
        return;
    }
    if (state == BOOK_REFUSED)
        (void)snprintf(job->text, sizeof job->text, "%s", text);
    for (size_t i = 0; i < job->step_count; i++) { /* the last one may end the job and its steps */
        if (job->steps[i].state != BOOK_PLANNED)
            continue;
        job->steps[i].retcode = 0;
        book_refuse_step(book, job, &job->steps[i], state, code, now);
    }
}

int64_t book_not_after(const struct book_job *job, const struct book_now *now)
{
    int64_t until = now->unix_us + (now->trust_until_boot_us - now->boot_us);
    if (lease_end(job->offer) < until)
        until = lease_end(job->offer);
    if (job->expires_unix_us != 0 && job->expires_unix_us < until)
        until = job->expires_unix_us;
    return until;
}

bool book_check_windows(struct book *book, struct book_job *job, const struct book_now *now)
{
    if (is_expired(job, now)) {
        end_unsent(book, job, BOOK_REFUSED, CODE_STALE, "expired before the order was sent", now);
        return false;
    }
    if (!may_start(job, now)) {
        end_unsent(book, job, BOOK_NOT_EXECUTED, CODE_NOT_EXECUTED, "", now);
        return false;
    }
    return true;
}

/* Token, blank, text: at most BOOK_COMMENT_MAX bytes, cut between characters. */
static void put_comment(struct book_action *ret, const struct book_step *step, const char *text)
{
    enum { TEXT_MAX = BOOK_COMMENT_MAX - RECORD_TOKEN_TEXT };
    size_t len = strnlen(text, TEXT_MAX + 1);
    if (len > TEXT_MAX) {
        len = TEXT_MAX;
        while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
            len--; /* text[len] goes on with a character: it is left out whole */
    }
    (void)snprintf(ret->comment, sizeof ret->comment, "%s%s%.*s", step->identity.token,
                   len > 0 ? " " : "", (int)len, text);
}

static void send_step(struct book *book, struct book_job *job, struct book_step *step,
                      const struct book_now *now, struct book_action *ret)
{
    const struct book_offer *offer = job->offer;
    step->state = BOOK_SENT;
    step->attempts++;
    step->sent_mono_us = now->mono_us;
    if (step->attempts == 1)
        step->first_sent_mono_us = now->mono_us;
    step->sent_session = now->terminal_session;
    step->command_id = ++book->command_id;
    step->barrier_mono_us = 0;
    job->sent_any = true;
    if (job->sent_unix_us == 0)
        job->sent_unix_us = now->unix_us;
    book->counts.orders_sent++;
    struct record r = {.kind = RECORD_SENT, .at_unix_us = now->unix_us, .step = step->step};
    book_write(book, job, &r);
    bool opens = step->close_position == 0;
    ret->act = BOOK_ORDER;
    ret->command_id = step->command_id;
    put_comment(ret, step, offer->comment);
    ret->order = (struct wire_order){.id = step->command_id,
                                     .account = now->account,
                                     .not_after_us = book_not_after(job, now),
                                     .symbol = step->symbol,
                                     .volume = step->volume,
                                     .sl = opens ? offer->sl : "",
                                     .tp = opens ? offer->tp : "",
                                     .sell = step->sell,
                                     .deviation_points = offer->deviation_points,
                                     .magic = step->identity.magic,
                                     .position = step->close_position};
}

/* A close without its positions yet: ask for them, again when the answer does not come. */
static bool ask_positions(struct book *book, struct book_job *job, const struct book_now *now,
                          struct book_action *ret)
{
    if (job->asked_id != 0 && job->asked_session == now->terminal_session &&
        now->mono_us - job->asked_mono_us <= ms_us(BOOK_ANSWER_MS))
        return false;
    if (job->asked_id != 0) { /* begin again: the pages of two sessions do not fit together */
        job->after = 0;
        job->candidate_count = 0;
    }
    job->asked_id = ret->command_id = ++book->command_id;
    job->asked_session = now->terminal_session;
    job->asked_mono_us = now->mono_us;
    ret->act = BOOK_POSITIONS;
    ret->symbol = job->offer->scope == BOOK_SCOPE_ACCOUNT ? "" : job->offer->symbol;
    ret->after = job->after;
    return true;
}

static struct book_step *first_planned(struct book_job *job)
{
    for (size_t i = 0; i < job->step_count; i++)
        if (job->steps[i].state == BOOK_PLANNED)
            return &job->steps[i];
    return NULL;
}

bool book_next_order(struct book *book, struct book_job *job, const struct book_now *now,
                     struct book_action *ret)
{
    if (now->terminal_session == 0 || !now->trade_connected || now->account == NULL)
        return false; /* wait; the windows end it */
    if (job->offer->has_account && !account_same(&job->offer->account, now->account)) {
        end_unsent(book, job, BOOK_REFUSED, CODE_ACCOUNT_MISMATCH,
                   "the terminal is logged in to another account", now);
        return false;
    }
    if (job->state == BOOK_WAITING)
        return ask_positions(book, job, now, ret);
    struct book_step *step = first_planned(job);
    if (step == NULL || step->retry_mono_us > now->mono_us || job->needs_seq > now->flushed_seq)
        return false;
    send_step(book, job, step, now, ret);
    return true;
}
