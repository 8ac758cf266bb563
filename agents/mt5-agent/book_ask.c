/* Reconciling: what became of an order whose answer never came.
 *
 * The terminal is asked for the order's magic, token and (closes) position until it is found, or
 * until it is proven that it was not executed. The proof has two parts. The barrier: the terminal
 * works on one line after the other, so an answer to a later command of the same session, or a new
 * session, says that the order cannot still begin. Then 30 s in which terminal and trade server
 * were connected without a break, and a look at the history after them. */
#include "book_internal.h"
#include "retcode.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOOK_MS = 1000, /* between the first looks, then */
    LOOK_SLOW_MS = 5000,
    LOOKS_FAST = 10,
    BEFORE_INTENT_MS = 60 * 1000,
    BEFORE_UNSURE_MS = 24 * 3600 * 1000, /* no terminal, so no server time, when it was planned */
};

bool job_is_asking(const struct book_job *job)
{
    for (size_t i = 0; i < job->step_count; i++)
        if (job->steps[i].state == BOOK_ASKING)
            return true;
    return false;
}

/* unknown_due_mono_us: when to say that the outcome is open, 0: not because of this. */
void book_begin_asking(struct book_job *job, struct book_step *step, int64_t unknown_due_mono_us)
{
    step->state = BOOK_ASKING;
    job->find_due_mono_us = 0;
    job->find_count = 0;
    if (unknown_due_mono_us != 0 &&
        (job->unknown_due_mono_us == 0 || unknown_due_mono_us < job->unknown_due_mono_us))
        job->unknown_due_mono_us = unknown_due_mono_us;
}

void book_watch_steps(struct book_job *job, const struct book_now *now)
{
    for (size_t i = 0; i < job->step_count; i++) {
        struct book_step *step = &job->steps[i];
        bool other_session = step->sent_session != now->terminal_session;
        if (step->state == BOOK_SENT &&
            (other_session || now->mono_us - step->sent_mono_us >= ms_us(BOOK_ANSWER_MS)))
            book_begin_asking(job, step, now->mono_us);
        if (step->state == BOOK_ASKING && other_session && now->terminal_session != 0 &&
            step->barrier_mono_us == 0)
            step->barrier_mono_us = now->mono_us;
    }
}

void book_note_answer(struct book *book, const struct wire_message *message,
                      const struct book_now *now)
{
    for (struct book_job *job = book->lists[BOOK_LIST_OPEN].first; job != NULL; job = job->next) {
        for (size_t i = 0; i < job->step_count; i++) {
            struct book_step *step = &job->steps[i];
            if ((step->state == BOOK_SENT || step->state == BOOK_ASKING) &&
                step->barrier_mono_us == 0 && step->sent_session == now->terminal_session &&
                message->id > step->command_id)
                step->barrier_mono_us = now->mono_us;
        }
    }
}

/* Where the history has to be read from for this step, on the trade server's clock. */
static int64_t look_from(const struct book_step *step, const struct book_now *now)
{
    if (step->server_time_us != 0)
        return step->server_time_us - ms_us(BEFORE_INTENT_MS);
    if (step->intent_unix_us != 0)
        return step->intent_unix_us + now->server_offset_s * 1000000 - ms_us(BEFORE_UNSURE_MS);
    return now->server_time_us - ms_us(INT64_C(86400000) * BOOK_KEEP_DAYS);
}

static void add_key(struct book_action *ret, struct book_step *step, const struct book_now *now)
{
    int64_t from = look_from(step, now);
    if (ret->key_count == 0 || from < ret->from_server_us)
        ret->from_server_us = from;
    step->looked_id = ret->command_id;
    ret->keys[ret->key_count++] = (struct wire_key){.magic = step->identity.magic,
                                                    .position = step->close_position,
                                                    .token = step->identity.token};
}

bool book_next_find(struct book *book, struct book_job *job, const struct book_now *now,
                    struct book_action *ret)
{
    if (now->terminal_session == 0 || !job_is_asking(job))
        return false;
    if (job->find_id != 0 && job->find_session == now->terminal_session &&
        now->mono_us - job->find_mono_us <= ms_us(BOOK_ANSWER_MS))
        return false;
    if (now->mono_us < job->find_due_mono_us && job->find_id == 0)
        return false;
    ret->act = BOOK_FIND;
    ret->command_id = job->find_id = ++book->command_id;
    job->find_session = now->terminal_session;
    job->find_mono_us = now->mono_us;
    for (size_t i = 0; i < job->step_count && ret->key_count < WIRE_KEYS_MAX; i++)
        if (job->steps[i].state == BOOK_ASKING)
            add_key(ret, &job->steps[i], now);
    return true;
}

static const struct wire_match *match_of(const struct wire_message *message, uint64_t magic)
{
    for (size_t i = 0; i < message->count; i++)
        if (message->matches[i].magic == magic)
            return &message->matches[i];
    return NULL;
}

static void take_match(struct book *book, struct book_job *job, struct book_step *step,
                       const struct wire_match *match, const struct book_now *now)
{
    if (!match->filled || (match->by_position && step->close_position == 0))
        return; /* it exists, or says nothing of this order: neither executed nor not */
    step->order = match->order;
    step->deal = match->deal;
    step->position = match->position;
    memcpy(step->price, match->price, sizeof step->price);
    if (match->by_position) { /* its volume and profit belong to the order that made them */
        step->retcode = RETCODE_POSITION_CLOSED;
        memcpy(step->filled, "0", sizeof "0");
        book_end_step(book, job, step, BOOK_CLOSED_BY_OTHER, now);
        return;
    }
    step->retcode = RETCODE_DONE;
    memcpy(step->filled, match->volume, sizeof step->filled);
    memcpy(step->profit, match->profit, sizeof step->profit);
    if (match->symbol[0] != '\0')
        memcpy(step->symbol, match->symbol, sizeof step->symbol);
    if (step->volume[0] == '\0') /* found by a search: nothing else tells what was asked for */
        memcpy(step->volume, match->volume, sizeof step->volume);
    step->sell = match->sell;
    book_end_step(book, job, step, BOOK_EXECUTED, now);
}

/* Was it looked for after barrier and quiet time, with everything connected all the while? */
static bool is_proven_absent(const struct book *book, const struct book_job *job,
                             const struct book_step *step, const struct wire_message *message)
{
    if (!message->trade_connected || !message->history_ready || step->barrier_mono_us == 0 ||
        book->connected_since_mono_us == 0 || book->connected_session != job->find_session)
        return false;
    int64_t from = step->barrier_mono_us > book->connected_since_mono_us
                       ? step->barrier_mono_us
                       : book->connected_since_mono_us;
    return job->find_mono_us - from >= ms_us(BOOK_QUIET_MS);
}

static void take_absence(struct book *book, struct book_job *job, struct book_step *step,
                         const struct wire_message *message, const struct book_now *now)
{
    if (step->look_once && message->history_ready && message->trade_connected)
        book_refuse_step(book, job, step, BOOK_REFUSED, CODE_RETCODE, now);
    else if (!step->look_once && is_proven_absent(book, job, step, message))
        book_refuse_step(book, job, step, BOOK_NOT_EXECUTED, CODE_NOT_EXECUTED, now);
}

void book_found(struct book *book, struct book_job *job, const struct wire_message *message,
                const struct book_now *now)
{
    uint64_t look = job->find_id;
    job->find_id = 0;
    job->find_count++;
    job->find_due_mono_us =
        now->mono_us + ms_us(job->find_count < LOOKS_FAST ? LOOK_MS : LOOK_SLOW_MS);
    for (size_t i = 0; i < job->step_count; i++) { /* the last one may end the job and its steps */
        struct book_step *step = &job->steps[i];
        if (step->state != BOOK_ASKING || step->looked_id != look)
            continue;
        const struct wire_match *match = match_of(message, step->identity.magic);
        if (match != NULL)
            take_match(book, job, step, match, now);
        else
            take_absence(book, job, step, message, now);
    }
}
