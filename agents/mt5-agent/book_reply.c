/* Answers of the terminal: to orders, to a close's question for positions, to reads. */
#include "book_internal.h"
#include "retcode.h"
#include "wire/jsonline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The terminal refused by itself, before it asked the broker: proven not executed. */
static void take_own_refusal(struct book *book, struct book_job *job, struct book_step *step,
                             const struct wire_message *m, const struct book_now *now)
{
    bool expired = job->expires_unix_us != 0 && now->unix_us > job->expires_unix_us;
    step->retcode = 0;
    if (strcmp(m->error, "stale") == 0 && !expired) { /* a lease or the session ended first */
        book_refuse_step(book, job, step, BOOK_NOT_EXECUTED, CODE_NOT_EXECUTED, now);
        return;
    }
    (void)snprintf(job->text, sizeof job->text, "%s", m->message);
    const enum code code = strcmp(m->error, "stale") == 0              ? CODE_STALE
                           : strcmp(m->error, "account_mismatch") == 0 ? CODE_ACCOUNT_MISMATCH
                           : strcmp(m->error, "symbol_unmapped") == 0  ? CODE_SYMBOL_UNMAPPED
                                                                       : CODE_AGENT_UNSUPPORTED;
    book_refuse_step(book, job, step, BOOK_REFUSED, code, now);
}

static void take_execution(struct book *book, struct book_job *job, struct book_step *step,
                           const struct wire_result *result, const struct book_now *now)
{
    step->order = result->order;
    step->deal = result->deal;
    step->position = result->position;
    memcpy(step->price, result->price, sizeof step->price);
    memcpy(step->filled, result->volume, sizeof step->filled);
    memcpy(step->profit, result->profit, sizeof step->profit);
    if (result->symbol[0] != '\0')
        memcpy(step->symbol, result->symbol, sizeof step->symbol);
    book_end_step(book, job, step, BOOK_EXECUTED, now);
}

static void refuse(struct book *book, struct book_job *job, struct book_step *step,
                   const struct book_now *now)
{
    book_refuse_step(book, job, step, BOOK_REFUSED, CODE_RETCODE, now);
}

/* Proven not executed, and worth another try: the same step, a new attempt. Late answers (the step
 * was being asked about already) prove the same, but the time for another try is over. */
static void retry(struct book *book, struct book_job *job, struct book_step *step,
                  const struct retcode_rule *rule, const struct book_now *now)
{
    uint32_t done = step->attempts - 1;
    bool in_time = rule->class == RETCODE_CLASS_WAIT ||
                   now->mono_us - step->first_sent_mono_us < ms_us(RETCODE_RETRY_TOTAL_MS);
    if (step->state == BOOK_ASKING) {
        book_refuse_step(book, job, step, BOOK_NOT_EXECUTED, CODE_NOT_EXECUTED, now);
    } else if (done < rule->retries && in_time) {
        step->state = BOOK_PLANNED;
        step->retry_mono_us = now->mono_us + ms_us(retcode_pause_ms(rule, done + 1));
    } else if (rule->class_when_spent == RETCODE_CLASS_ASK) {
        book_begin_asking(job, step, now->mono_us + ms_us(BOOK_ASK_SAID_MS));
    } else {
        refuse(book, job, step, now);
    }
}

static void take_market_closed(struct book *book, struct book_job *job, struct book_step *step,
                               const struct wire_result *result, const struct book_now *now)
{
    step->ready_unix_us = result->ready_unix_us;
    if (step->close_position != 0)
        book_refuse_step(book, job, step, BOOK_MARKET_CLOSED, CODE_WAITING_MARKET, now);
    else
        refuse(book, job, step, now);
}

static void take_result(struct book *book, struct book_job *job, struct book_step *step,
                        const struct wire_message *m, const struct book_now *now)
{
    const struct wire_result *result = &m->result;
    memcpy(step->bid, result->bid, sizeof step->bid);
    memcpy(step->ask, result->ask, sizeof step->ask);
    if (m->error[0] != '\0') {
        take_own_refusal(book, job, step, m, now);
        return;
    }
    const struct retcode_rule *rule = retcode_rule(result->retcode, step->close_position != 0);
    bool has_deal = result->deal != 0 && result->price[0] != '\0' && result->volume[0] != '\0';
    step->retcode = result->retcode;
    switch (rule->class) {
    case RETCODE_CLASS_OK:
        if (has_deal)
            take_execution(book, job, step, result, now);
        else
            book_begin_asking(job, step, step->sent_mono_us + ms_us(BOOK_ANSWER_MS));
        break;
    case RETCODE_CLASS_ACK:
        book_begin_asking(job, step, step->sent_mono_us + ms_us(BOOK_ANSWER_MS));
        break;
    case RETCODE_CLASS_ASK:
        book_begin_asking(job, step, now->mono_us + ms_us(BOOK_ASK_SAID_MS));
        break;
    case RETCODE_CLASS_PRICE:
    case RETCODE_CLASS_WAIT:
        retry(book, job, step, rule, now);
        break;
    case RETCODE_CLASS_LOOK:
        step->look_once = true;
        book_begin_asking(job, step, now->mono_us + ms_us(BOOK_ANSWER_MS));
        break;
    case RETCODE_CLASS_CLOSED:
        take_market_closed(book, job, step, result, now);
        break;
    case RETCODE_CLASS_STOP:
        refuse(book, job, step, now);
        break;
    }
}

/* May this close act on the position? On what was opened before its alert; and where the journal
 * knows the trade of its strategy that opened it, their order alone decides: an entry that waited
 * together with its close is filled after the close's alert came, and must not stay open; a later
 * entry is none of its business. Where clocks and order differ, the order is right. */
static bool is_candidate(const struct book *book, const struct book_job *job,
                         const struct wire_position *p, int64_t server_offset_s)
{
    const struct book_offer *offer = job->offer;
    const bool own = p->magic != 0 && magic_tag_of(p->magic) == offer->magic_tag;
    if (offer->scope == BOOK_SCOPE_STRATEGY && !own)
        return false;
    const struct book_job *opener =
        offer->scope == BOOK_SCOPE_STRATEGY ? book_opener(book, p->magic) : NULL;
    if (opener != NULL && opener->seq != 0 && job->seq != 0)
        return opener->seq < job->seq;
    return p->open_time_us - server_offset_s * 1000000 < offer->opened_before_unix_us;
}

static void keep_candidate(struct book_job *job, const struct wire_position *p)
{
    job->candidates =
        realloc(job->candidates, (job->candidate_count + 1) * sizeof *job->candidates);
    if (job->candidates == NULL)
        abort();
    struct book_candidate *candidate = &job->candidates[job->candidate_count++];
    *candidate = (struct book_candidate){
        .ticket = p->ticket, .sell = p->sell, .open_time_us = p->open_time_us};
    memcpy(candidate->symbol, p->symbol, sizeof candidate->symbol);
    (void)snprintf(candidate->volume, sizeof candidate->volume, "%s", p->volume);
}

static void take_close_positions(struct book *book, struct book_job *job,
                                 const struct wire_message *m, const struct book_now *now)
{
    if (m->error[0] != '\0') {
        book_fail(book, job,
                  strcmp(m->error, "symbol_unmapped") == 0 ? CODE_SYMBOL_UNMAPPED
                                                           : CODE_AGENT_UNSUPPORTED,
                  m->message, now);
        return;
    }
    for (size_t i = 0; i < m->count; i++)
        if (is_candidate(book, job, &m->positions[i], m->clocks.server_offset_s))
            keep_candidate(job, &m->positions[i]);
    job->asked_id = 0;
    if (m->more && m->count > 0 && job->candidate_count < BOOK_CANDIDATES_MAX)
        job->after = m->positions[m->count - 1].ticket;
    else
        book_plan_close(book, job, now);
}

static void put_position(struct svc_buffer *out, const struct wire_position *p, int64_t offset_s)
{
    svc_buffer_printf(out, "{\"ticket\":\"%llu\",\"position_id\":\"%llu\"",
                      (unsigned long long)p->ticket, (unsigned long long)p->position_id);
    jsonline_put_text(out, "symbol", p->symbol);
    jsonline_put_text(out, "side", p->sell ? "sell" : "buy");
    jsonline_put_text(out, "volume", p->volume);
    jsonline_put_text(out, "open_price", p->open_price);
    jsonline_put_text(out, "current_price", p->current_price);
    jsonline_put_text(out, "sl", p->sl);
    jsonline_put_text(out, "tp", p->tp);
    jsonline_put_text(out, "profit", p->profit);
    jsonline_put_text(out, "swap", p->swap);
    svc_buffer_printf(out, ",\"magic\":\"%llu\"", (unsigned long long)p->magic);
    jsonline_put_text(out, "comment", p->comment);
    svc_buffer_printf(out, ",\"open_time_unix_us\":%lld}",
                      (long long)(p->open_time_us - offset_s * 1000000));
}

static void end_read(struct book *book, struct book_job *job, const struct book_now *now)
{
    job->filled_unix_us = now->unix_us;
    if (job->output.len > BOOK_READ_BYTES_MAX) {
        svc_buffer_reset(&job->output);
        book_fail(book, job, CODE_AGENT_UNSUPPORTED, "the answer is larger than a report may be",
                  now);
        return;
    }
    book_enter_ended(book, job, BOOK_DONE, "");
}

static void take_read(struct book *book, struct book_job *job, const struct wire_message *m,
                      const struct book_now *now)
{
    if (m->error[0] != '\0') {
        book_fail(book, job, CODE_AGENT_UNSUPPORTED, m->message, now);
        return;
    }
    if (m->kind == WIRE_ACCOUNT) {
        svc_buffer_text(&job->output, m->account_json);
        end_read(book, job, now);
        return;
    }
    if (job->output.len == 0)
        svc_buffer_text(&job->output, "{\"positions\":[");
    for (size_t i = 0; i < m->count; i++) {
        svc_buffer_text(&job->output, job->after == 0 && i == 0 ? "" : ",");
        put_position(&job->output, &m->positions[i], m->clocks.server_offset_s);
    }
    job->asked_id = 0;
    if (m->more && m->count > 0 && job->output.len <= BOOK_READ_BYTES_MAX) {
        job->after = m->positions[m->count - 1].ticket;
        return;
    }
    svc_buffer_text(&job->output, "]}");
    end_read(book, job, now);
}

static struct book_step *step_of_command(struct book_job *job, uint64_t command_id)
{
    for (size_t i = 0; i < job->step_count; i++)
        if (job->steps[i].command_id == command_id &&
            (job->steps[i].state == BOOK_SENT || job->steps[i].state == BOOK_ASKING))
            return &job->steps[i];
    return NULL;
}

/* Was this the answer that the job waits for? */
static bool take_answer(struct book *book, struct book_job *job, const struct wire_message *m,
                        const struct book_now *now)
{
    struct book_step *step = m->kind == WIRE_RESULT ? step_of_command(job, m->id) : NULL;
    if (step != NULL)
        take_result(book, job, step, m, now);
    else if (m->kind == WIRE_FOUND && job->find_id == m->id)
        book_found(book, job, m, now);
    else if ((m->kind == WIRE_POSITIONS || m->kind == WIRE_ACCOUNT) && job->asked_id == m->id)
        (job_is_effect(job) ? take_close_positions : take_read)(book, job, m, now);
    else
        return false;
    return true;
}

void book_answered(struct book *book, const struct wire_message *message,
                   const struct book_now *now)
{
    book_note_answer(book, message, now);
    if (message->kind == WIRE_PONG || message->kind == WIRE_HELLO)
        return;
    for (struct book_job *job = book->lists[BOOK_LIST_OPEN].first; job != NULL; job = job->next)
        if (take_answer(book, job, message, now))
            return;
}
