/* What is said to the gateway about a job, and when it is said again. */
#include "book_internal.h"

enum { UNKNOWN_ACK_MS = 10000 };

static void describe(const struct book_job *job, struct book_report *ret)
{
    *ret = (struct book_report){.job_id = job->job_id,
                                .epoch = job->epoch,
                                .received_unix_us = job->received_unix_us,
                                .sent_unix_us = job->sent_unix_us,
                                .filled_unix_us = job->filled_unix_us};
}

/* Once, and not again: should it be lost, the lease ends and says the same. */
static bool say_unknown(struct book *book, struct book_job *job, const struct book_now *now,
                        struct book_action *ret)
{
    if (job->unknown_said || job->unknown_due_mono_us == 0 ||
        now->mono_us < job->unknown_due_mono_us || !job_is_asking(job))
        return false;
    job->unknown_said = true;
    job->unknown_unacked = 1;
    job->unknown_said_mono_us = now->mono_us;
    job->report_session = now->link_session;
    book->counts.unknown++;
    describe(job, &ret->report);
    ret->act = BOOK_REPORT;
    ret->report.outcome = BOOK_UNKNOWN;
    ret->report.code = code_name(CODE_UNKNOWN_OUTCOME);
    ret->report.text = "sent, and no answer; terminal and history are being asked";
    ret->report.filled_unix_us = 0;
    return true;
}

static bool say_end(struct book_job *job, const struct book_now *now, struct book_action *ret)
{
    if (job->report_session !=
        now->link_session) { /* nothing of another session arrives any more */
        job->report_due_mono_us = 0;
        job->unknown_unacked = 0;
    }
    /* An acknowledgement does not say of which report it is: take that of "unknown" first. */
    if (job->unknown_unacked > 0 &&
        now->mono_us - job->unknown_said_mono_us < ms_us(UNKNOWN_ACK_MS))
        return false;
    if (job->needs_seq > now->flushed_seq || now->mono_us < job->report_due_mono_us)
        return false;
    job->unknown_unacked = 0;
    job->reported = true;
    job->report_session = now->link_session;
    job->report_due_mono_us = now->mono_us + ms_us(BOOK_REPORT_AGAIN_MS);
    describe(job, &ret->report);
    ret->act = BOOK_REPORT;
    ret->report.outcome = job->outcome;
    ret->report.code = job->code;
    ret->report.text = job->text;
    ret->report.retcode = job->retcode;
    ret->report.steps = job->steps;
    ret->report.step_count = job->step_count;
    ret->report.ready_unix_us = job->ready_unix_us;
    if (job->outcome == BOOK_DONE && job->output.len > 0) {
        ret->report.output = job->output.bytes;
        ret->report.output_len = job->output.len;
    }
    return true;
}

bool book_next_report(struct book *book, struct book_job *job, const struct book_now *now,
                      struct book_action *ret)
{
    if (now->link_session == 0)
        return false;
    return job->state == BOOK_ENDED ? say_end(job, now, ret) : say_unknown(book, job, now, ret);
}
