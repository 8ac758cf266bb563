/* What an offer or a question means for a job, by what is known of it. */
#include "book_internal.h"

#include <stdlib.h>
#include <string.h>

static void keep_offer(struct book *book, struct book_job *job, const struct book_offer *offer)
{
    if (job->offer == NULL)
        job->offer = malloc(sizeof *job->offer);
    if (job->offer == NULL)
        abort();
    *job->offer = *offer;
    job->expires_unix_us = offer->expires_unix_us;
    if (offer->seq != 0)
        job->seq = offer->seq;
    if (offer->type == BOOK_TRADE && job->opened == 0) {
        struct order_identity identity;
        order_identity(job->job_id, 1, offer->magic_tag, &identity);
        book_note_opener(book, job, identity.magic);
    }
}

/* Answered and not sent, unless a record of the job says that sending is safe. */
static bool never_sent(const struct book_offer *offer)
{
    return offer->question || offer->epoch > 1;
}

static void write_recv(struct book *book, struct book_job *job, const struct book_offer *offer,
                       const struct book_now *now)
{
    struct record r = {.kind = RECORD_RECV,
                       .at_unix_us = now->unix_us,
                       .epoch = offer->epoch,
                       .job_seq = job->seq,
                       .expires_unix_us = offer->expires_unix_us,
                       .closing = offer->type == BOOK_CLOSE,
                       .terminal_only = offer->terminal_only && never_sent(offer)};
    book_write(book, job, &r);
}

/* A question about a job of which the journal says nothing that could have been sent. */
static void answer_from_nothing(struct book *book, struct book_job *job, bool terminal_only,
                                const struct book_now *now)
{
    job->terminal_only = terminal_only;
    if (terminal_only) /* the journal is younger than the job */
        book_add_search_steps(job, now);
    else
        book_void(book, job, CODE_NOT_EXECUTED, 0, now);
}

/* Never sent before: send it, if it may still start. */
static void begin(struct book *book, struct book_job *job, const struct book_now *now)
{
    job->received_unix_us = now->unix_us;
    job->sent_unix_us = job->filled_unix_us = 0;
    job->state = BOOK_WAITING;
    book_move(book, job, BOOK_LIST_OPEN); /* its turn comes after what was offered before */
    if (!job->offer->complete)
        book_fail(book, job, CODE_AGENT_UNSUPPORTED, "the offer describes no order", now);
    else if (book_check_windows(book, job, now) && job->type == BOOK_TRADE)
        book_plan_trade(book, job, now);
}

static void take_new_effect(struct book *book, const struct book_offer *offer,
                            const struct book_now *now)
{
    struct book_job *job = book_add(book, offer->job_id);
    job->type = offer->type;
    job->epoch = offer->epoch;
    keep_offer(book, job, offer);
    write_recv(book, job, offer, now);
    job->received_unix_us = now->unix_us;
    if (never_sent(offer))
        answer_from_nothing(book, job, offer->terminal_only, now);
    else
        begin(book, job, now);
}

/* Reads are simply run, and run again; nothing of them is journaled. */
static void take_read(struct book *book, const struct book_offer *offer, const struct book_now *now)
{
    struct book_job *job = book_add(book, offer->job_id);
    job->type = offer->type;
    job->epoch = offer->epoch;
    job->received_unix_us = now->unix_us;
    job->state = BOOK_WAITING;
    if (offer->type == BOOK_OTHER)
        book_fail(book, job, CODE_AGENT_UNSUPPORTED, "this agent cannot do this type of job", now);
}

/* Given up at an earlier epoch, and offered again. */
static void take_voided(struct book *book, struct book_job *job, const struct book_offer *offer,
                        const struct book_now *now)
{
    if (offer->question) {
        job->outcome = 0;
        job->state = BOOK_IDLE;
        book_void(book, job, CODE_NOT_EXECUTED, 0, now);
        return;
    }
    book_clear_steps(job);
    job->outcome = 0;
    job->sent_any = job->terminal_only = false;
    job->unknown_said = false;
    job->unknown_due_mono_us = 0;
    job->find_id = 0;
    job->find_count = 0;
    begin(book, job, now);
}

/* Some of its orders may have left: it is answered when it ends, under this epoch. */
static void take_sent(struct book *book, struct book_job *job, const struct book_offer *offer,
                      const struct book_now *now)
{
    if (!offer->question)
        return;
    for (size_t i = 0; i < job->step_count; i++) /* the lease that allowed these is gone */
        if (job->steps[i].state == BOOK_PLANNED)
            book_refuse_step(book, job, &job->steps[i], BOOK_NOT_EXECUTED, CODE_NOT_EXECUTED, now);
    if (job->unknown_due_mono_us == 0 && job_is_asking(job))
        job->unknown_due_mono_us = now->mono_us;
}

static void take_open(struct book *book, struct book_job *job, const struct book_offer *offer,
                      const struct book_now *now)
{
    bool search = job->terminal_only; /* begun by an earlier process */
    if (job->sent_any)
        take_sent(book, job, offer, now);
    else if (offer->question || search)
        answer_from_nothing(book, job, search, now);
    else if (job->state == BOOK_IDLE)
        begin(book, job, now);
    /* else it waits for its turn already, now under a newer lease */
}

static void report_again(struct book_job *job)
{
    job->report_due_mono_us = 0;
    job->reported = false;
}

static enum book_taken take_known(struct book *book, struct book_job *job,
                                  const struct book_offer *offer, const struct book_now *now)
{
    if (offer->epoch < job->epoch)
        return BOOK_OLD;
    bool newer = offer->epoch > job->epoch;
    bool ended = job->state == BOOK_ENDED;
    if (ended && job->list == BOOK_LIST_ACKED)
        book_move(book, job, BOOK_LIST_UNACKED);
    if (ended)
        report_again(job);
    if (!newer && (ended || job->offer != NULL))
        return BOOK_REPEATED;
    job->epoch = offer->epoch;
    keep_offer(book, job, offer);
    if (newer)
        write_recv(book, job, offer, now);
    if (ended && job->outcome == BOOK_VOID)
        take_voided(book, job, offer, now);
    else if (!ended)
        take_open(book, job, offer, now);
    return BOOK_TAKEN;
}

enum book_taken book_offer(struct book *book, const struct book_offer *offer,
                           const struct book_now *now)
{
    bool effect = offer->type == BOOK_TRADE || offer->type == BOOK_CLOSE;
    struct book_job *job = book_find(book, offer->job_id);
    if (job == NULL && effect) {
        take_new_effect(book, offer, now);
        return BOOK_TAKEN;
    }
    if (job != NULL && job_is_effect(job))
        return take_known(book, job, offer, now);
    if (job != NULL && offer->epoch <= job->epoch) {
        if (job->state == BOOK_ENDED)
            report_again(job);
        return offer->epoch == job->epoch ? BOOK_REPEATED : BOOK_OLD;
    }
    if (job != NULL)
        book_remove(book, job);
    take_read(book, offer, now);
    return BOOK_TAKEN;
}

void book_acked(struct book *book, const char *job_id, uint64_t epoch, const struct book_now *now)
{
    struct book_job *job = book_find(book, job_id);
    if (job == NULL)
        return;
    if (job->unknown_unacked > 0) { /* it is for the earlier report, "unknown" */
        job->unknown_unacked--;
        return;
    }
    /* A fact is good at any epoch; a negative answer must be durable under the present one. */
    if (job->state != BOOK_ENDED || job->list != BOOK_LIST_UNACKED || !job->reported ||
        (job->outcome != BOOK_DONE && epoch != job->epoch))
        return;
    if (!job_is_effect(job)) {
        book_remove(book, job);
        return;
    }
    struct record r = {.kind = RECORD_ACKED, .at_unix_us = now->unix_us, .epoch = epoch};
    book_write(book, job, &r);
    job->acked_unix_us = now->unix_us;
    free(job->offer);
    job->offer = NULL;
    book_move(book, job, BOOK_LIST_ACKED);
}
