/* The book from the journal's records, at start. */
#include "book_internal.h"
#include "retcode.h"

#include <string.h>

static struct book_step *step_of(struct book_job *job, uint32_t step)
{
    for (size_t i = 0; i < job->step_count; i++)
        if (job->steps[i].step == step)
            return &job->steps[i];
    return NULL;
}

static void reopen(struct book *book, struct book_job *job)
{
    book_clear_steps(job);
    job->state = BOOK_IDLE;
    job->outcome = 0;
    job->sent_any = false; /* what the earlier life had sent is proven not executed */
    job->sent_unix_us = job->filled_unix_us = 0;
    if (job->list != BOOK_LIST_OPEN)
        book_move(book, job, BOOK_LIST_OPEN);
}

static void replay_recv(struct book *book, struct book_job *job, const struct record *r)
{
    job->type = r->closing ? BOOK_CLOSE : BOOK_TRADE;
    job->expires_unix_us = r->expires_unix_us;
    job->terminal_only = r->terminal_only;
    if (r->job_seq != 0)
        job->seq = r->job_seq;
    if (r->epoch > job->epoch)
        job->epoch = r->epoch;
    /* An offer above the epochs given up is a new life; anything else that ended stays ended. */
    if (job->state == BOOK_ENDED && job->outcome == BOOK_VOID && r->epoch > job->void_epoch)
        reopen(book, job);
    if (job->state != BOOK_ENDED)
        job->received_unix_us = r->at_unix_us;
}

/* An earlier process may have sent it: only looking tells. */
static void replay_intent(struct book *book, struct book_job *job, const struct record *r)
{
    if (job->type == BOOK_TRADE)
        book_note_opener(book, job, r->magic);
    if (step_of(job, r->step) != NULL || job->step_count == BOOK_STEPS_MAX)
        return;
    struct book_step *step = book_add_step(job);
    step->step = r->step;
    step->identity.magic = r->magic;
    memcpy(step->identity.token, r->token, sizeof step->identity.token);
    step->close_position = r->close_position;
    memcpy(step->symbol, r->symbol, sizeof step->symbol);
    step->sell = r->sell;
    memcpy(step->volume, r->volume, sizeof step->volume);
    step->server_time_us = r->server_time_us;
    step->intent_unix_us = r->at_unix_us;
    step->state = BOOK_ASKING;
    job->state = BOOK_WORKING;
    job->sent_any = true;
    if (r->step > job->last_step)
        job->last_step = r->step;
}

static void end_replayed_step(struct book_step *step, const struct record *r)
{
    step->state = r->filled[0] == '\0'                    ? BOOK_REFUSED
                  : r->retcode == RETCODE_POSITION_CLOSED ? BOOK_CLOSED_BY_OTHER
                                                          : BOOK_EXECUTED;
    step->retcode = r->retcode;
    step->order = r->order;
    step->deal = r->deal;
    step->position = r->position;
    memcpy(step->price, r->price, sizeof step->price);
    memcpy(step->filled, r->filled, sizeof step->filled);
    memcpy(step->profit, r->profit, sizeof step->profit);
    memcpy(step->bid, r->bid, sizeof step->bid);
    memcpy(step->ask, r->ask, sizeof step->ask);
    memcpy(step->code, r->code, sizeof step->code);
    if (r->symbol[0] != '\0')
        memcpy(step->symbol, r->symbol, sizeof step->symbol);
}

static void replay_done(struct book *book, struct book_job *job, const struct record *r)
{
    static const struct book_now start = {.mono_us = 0}; /* ends by replay write nothing */
    struct book_step *step = step_of(job, r->step);
    if (r->step == 0) {
        book_enter_ended(book, job, BOOK_FAILED, r->code);
        return;
    }
    if (step == NULL) { /* found in the terminal without an INTENT of this journal */
        if (job->type == BOOK_TRADE)
            book_note_opener(book, job, r->magic);
        step = book_add_step(job);
        step->step = r->step;
        step->identity.magic = r->magic;
        memcpy(step->volume, r->volume, sizeof step->volume);
        step->sell = r->sell;
    }
    end_replayed_step(step, r);
    if (step->state == BOOK_EXECUTED)
        job->filled_unix_us = r->at_unix_us;
    book_conclude(book, job, &start);
}

void book_replay(struct book *book, const struct record *r)
{
    struct book_job *job = book_find(book, r->job_id);
    if (job == NULL) {
        job = book_add(book, r->job_id);
        job->state = BOOK_IDLE;
    }
    switch (r->kind) {
    case RECORD_RECV:
        replay_recv(book, job, r);
        break;
    case RECORD_INTENT:
        replay_intent(book, job, r);
        break;
    case RECORD_SENT:
        job->sent_unix_us = job->sent_unix_us == 0 ? r->at_unix_us : job->sent_unix_us;
        break;
    case RECORD_DONE:
        replay_done(book, job, r);
        break;
    case RECORD_VOID:
        job->void_epoch = r->epoch;
        job->epoch = r->epoch > job->epoch ? r->epoch : job->epoch;
        job->ready_unix_us = r->ready_unix_us;
        book_clear_steps(job);
        book_enter_ended(book, job, BOOK_VOID, r->code);
        break;
    case RECORD_ACKED:
        job->acked_unix_us = r->at_unix_us;
        if (job->state == BOOK_ENDED)
            book_move(book, job, BOOK_LIST_ACKED);
        break;
    case RECORD_JOURNAL:
        break;
    }
}

/* Orders found without an INTENT (a terminal_only search) end with the search that found them; what
 * is still missing of it is asked for again by the next question. */
void book_replayed(struct book *book)
{
    for (struct book_job *job = book->lists[BOOK_LIST_OPEN].first; job != NULL; job = job->next)
        job->epoch = job->epoch == 0 ? 1 : job->epoch;
    book->counts = (struct book_counts){.jobs = 0};
}
