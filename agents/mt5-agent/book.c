/* Table and lists of jobs, and what to do next. */
#include "book_internal.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS_FIRST = 1024, WORK_AGAIN_MS = 250 };

/* An agent without memory cannot keep its promises; the journal has everything. */
static void *must(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

struct book *book_new(uint64_t (*write)(void *arg, const struct record *record), void *arg)
{
    struct book *book = must(calloc(1, sizeof *book));
    book->write = write;
    book->arg = arg;
    book->bucket_count = BUCKETS_FIRST;
    book->buckets = must(calloc(book->bucket_count, sizeof(struct book_job *)));
    book->openers = must(calloc(book->bucket_count, sizeof(struct book_job *)));
    return book;
}

static void job_free(struct book_job *job)
{
    free(job->offer);
    free(job->steps);
    free(job->candidates);
    svc_buffer_done(&job->output);
    free(job);
}

void book_free(struct book **book)
{
    if (*book == NULL)
        return;
    for (int list = 0; list < BOOK_LISTS; list++) {
        for (struct book_job *job = (*book)->lists[list].first, *next; job != NULL; job = next) {
            next = job->next;
            job_free(job);
        }
    }
    free((*book)->buckets);
    free((*book)->openers);
    free(*book);
    *book = NULL;
}

/* FNV-1a: ids are UUIDs made by ourselves, nobody can choose colliding ones from outside. */
static struct book_job **bucket_of(const struct book *book, const char *job_id)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *c = job_id; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    return &book->buckets[hash & (book->bucket_count - 1)];
}

struct book_job *book_find(const struct book *book, const char *job_id)
{
    struct book_job *job = *bucket_of(book, job_id);
    while (job != NULL && strcmp(job->job_id, job_id) != 0)
        job = job->in_bucket;
    return job;
}

static void put_in_bucket(struct book *book, struct book_job *job)
{
    struct book_job **bucket = bucket_of(book, job->job_id);
    job->in_bucket = *bucket;
    *bucket = job;
}

/* The low half of a magic is a hash. */
static struct book_job **opener_bucket(const struct book *book, uint64_t magic)
{
    return &book->openers[magic & (book->bucket_count - 1)];
}

static void put_in_opened(struct book *book, struct book_job *job)
{
    struct book_job **bucket = opener_bucket(book, job->opened);
    job->in_opened = *bucket;
    *bucket = job;
}

void book_note_opener(struct book *book, struct book_job *job, uint64_t magic)
{
    if (job->opened != 0)
        return;
    job->opened = magic;
    put_in_opened(book, job);
}

const struct book_job *book_opener(const struct book *book, uint64_t magic)
{
    const struct book_job *found = NULL;
    for (const struct book_job *job = *opener_bucket(book, magic); job != NULL;
         job = job->in_opened) {
        if (job->opened != magic)
            continue;
        if (found != NULL)
            return NULL; /* two of a strategy's many jobs may share one: it tells nothing then */
        found = job;
    }
    return found;
}

static void grow_table(struct book *book)
{
    free(book->buckets);
    free(book->openers);
    book->bucket_count *= 2;
    book->buckets = must(calloc(book->bucket_count, sizeof(struct book_job *)));
    book->openers = must(calloc(book->bucket_count, sizeof(struct book_job *)));
    for (int list = 0; list < BOOK_LISTS; list++)
        for (struct book_job *job = book->lists[list].first; job != NULL; job = job->next) {
            put_in_bucket(book, job);
            if (job->opened != 0)
                put_in_opened(book, job);
        }
}

static void unlink_job(struct book *book, struct book_job *job)
{
    struct book_job **first = &book->lists[job->list].first, **last = &book->lists[job->list].last;
    *(job->previous != NULL ? &job->previous->next : first) = job->next;
    *(job->next != NULL ? &job->next->previous : last) = job->previous;
    job->previous = job->next = NULL;
}

static void link_job(struct book *book, struct book_job *job, enum book_list list)
{
    job->list = list;
    job->previous = book->lists[list].last;
    *(job->previous != NULL ? &job->previous->next : &book->lists[list].first) = job;
    book->lists[list].last = job;
}

void book_move(struct book *book, struct book_job *job, enum book_list list)
{
    unlink_job(book, job);
    link_job(book, job, list);
}

struct book_job *book_add(struct book *book, const char *job_id)
{
    if (book->job_count >= BOOK_JOBS_MAX && book->lists[BOOK_LIST_ACKED].first != NULL)
        book_remove(book, book->lists[BOOK_LIST_ACKED].first);
    if (book->job_count >= book->bucket_count)
        grow_table(book);
    struct book_job *job = must(calloc(1, sizeof *job));
    memcpy(job->job_id, job_id, strnlen(job_id, sizeof job->job_id - 1));
    put_in_bucket(book, job);
    link_job(book, job, BOOK_LIST_OPEN);
    book->job_count++;
    return job;
}

void book_remove(struct book *book, struct book_job *job)
{
    struct book_job **at = bucket_of(book, job->job_id);
    while (*at != job)
        at = &(*at)->in_bucket;
    *at = job->in_bucket;
    if (job->opened != 0) {
        at = opener_bucket(book, job->opened);
        while (*at != job)
            at = &(*at)->in_opened;
        *at = job->in_opened;
    }
    unlink_job(book, job);
    book->job_count--;
    job_free(job);
}

void book_write(struct book *book, struct book_job *job, struct record *record)
{
    memcpy(record->job_id, job->job_id, sizeof record->job_id);
    uint64_t seq = book->write(book->arg, record);
    /* SENT and ACKED promise nothing, so nothing waits for them */
    if (record->kind != RECORD_SENT && record->kind != RECORD_ACKED)
        job->needs_seq = seq;
}

void book_clear_steps(struct book_job *job)
{
    free(job->steps);
    job->steps = NULL;
    job->step_count = 0;
}

struct book_step *book_add_step(struct book_job *job)
{
    job->steps = must(realloc(job->steps, (job->step_count + 1) * sizeof *job->steps));
    struct book_step *step = &job->steps[job->step_count++];
    *step = (struct book_step){.step = 0};
    return step;
}

static void watch_connection(struct book *book, const struct book_now *now)
{
    if (now->terminal_session == 0 || !now->trade_connected) {
        book->connected_since_mono_us = 0;
    } else if (book->connected_since_mono_us == 0 ||
               book->connected_session != now->terminal_session) {
        book->connected_since_mono_us = now->mono_us;
        book->connected_session = now->terminal_session;
    }
}

static bool has_unsent(const struct book_job *job)
{
    for (size_t i = 0; i < job->step_count; i++)
        if (job->steps[i].state == BOOK_PLANNED)
            return true;
    return false;
}

static bool awaits_answer(const struct book_job *job)
{
    for (size_t i = 0; i < job->step_count; i++)
        if (job->steps[i].state == BOOK_SENT)
            return true;
    return false;
}

/* Time passes: answers become overdue, orders too late. */
static void tick(struct book *book, const struct book_now *now)
{
    watch_connection(book, now);
    for (struct book_job *job = book->lists[BOOK_LIST_OPEN].first, *next; job != NULL; job = next) {
        next = job->next;
        if (!job_is_effect(job))
            continue;
        book_watch_steps(job, now);
        book_watch_paused(book, job, now);
        if (job->state == BOOK_WAITING || has_unsent(job))
            (void)book_check_windows(book, job, now);
    }
}

/* Effects are executed one by one, in the order of their offers: while an answer is awaited nothing
 * is sent, then the first that has something to send is the one. What was sent and is only being
 * asked about lets the others pass. */
static struct book_job *effect_in_turn(const struct book *book)
{
    struct book_job *in_turn = NULL;
    for (struct book_job *job = book->lists[BOOK_LIST_OPEN].first; job != NULL; job = job->next) {
        if (!job_is_effect(job))
            continue;
        if (awaits_answer(job))
            return NULL;
        if (in_turn == NULL && (job->state == BOOK_WAITING || has_unsent(job)))
            in_turn = job;
    }
    return in_turn;
}

static bool next_read(struct book *book, const struct book_now *now, struct book_action *ret)
{
    for (struct book_job *job = book->lists[BOOK_LIST_OPEN].first, *next; job != NULL; job = next) {
        next = job->next;
        if (job_is_effect(job))
            continue;
        if (now->terminal_session == 0) {
            book_fail(book, job, CODE_AGENT_OFFLINE, "no terminal is connected", now);
        } else if (job->asked_id != 0 &&
                   (job->asked_session != now->terminal_session ||
                    now->mono_us - job->asked_mono_us > ms_us(BOOK_ANSWER_MS))) {
            book_fail(book, job, CODE_TIMEOUT, "the terminal did not answer", now);
        } else if (job->asked_id == 0) {
            job->asked_id = ret->command_id = ++book->command_id;
            job->asked_session = now->terminal_session;
            job->asked_mono_us = now->mono_us;
            ret->act = job->type == BOOK_GET_ACCOUNT ? BOOK_ACCOUNT : BOOK_POSITIONS;
            ret->symbol = "";
            ret->after = job->after;
            return true;
        }
    }
    return false;
}

static bool next_find(struct book *book, const struct book_now *now, struct book_action *ret)
{
    for (struct book_job *job = book->lists[BOOK_LIST_OPEN].first; job != NULL; job = job->next)
        if (job_is_effect(job) && book_next_find(book, job, now, ret))
            return true;
    return false;
}

static bool next_report(struct book *book, const struct book_now *now, struct book_action *ret)
{
    static const enum book_list lists[] = {BOOK_LIST_OPEN, BOOK_LIST_UNACKED};
    for (size_t i = 0; i < 2; i++)
        for (struct book_job *job = book->lists[lists[i]].first; job != NULL; job = job->next)
            if (book_next_report(book, job, now, ret))
                return true;
    return false;
}

/* Does anything wait for the disk: an order of the job in turn, or the report of an end? */
static bool wants_flush(const struct book *book, const struct book_job *in_turn,
                        const struct book_now *now)
{
    if (in_turn != NULL && in_turn->needs_seq > now->flushed_seq)
        return true;
    for (const struct book_job *job = book->lists[BOOK_LIST_UNACKED].first; job != NULL;
         job = job->next)
        if (job->needs_seq > now->flushed_seq)
            return true;
    return false;
}

static int64_t wake_at(const struct book *book, const struct book_now *now)
{
    if (book->lists[BOOK_LIST_OPEN].first == NULL && book->lists[BOOK_LIST_UNACKED].first == NULL)
        return 0;
    int64_t wake = now->mono_us + ms_us(WORK_AGAIN_MS);
    for (const struct book_job *job = book->lists[BOOK_LIST_OPEN].first; job != NULL;
         job = job->next)
        for (size_t i = 0; i < job->step_count; i++)
            if (job->steps[i].state == BOOK_PLANNED && job->steps[i].retry_mono_us > now->mono_us &&
                job->steps[i].retry_mono_us < wake)
                wake = job->steps[i].retry_mono_us;
    return wake;
}

void book_next(struct book *book, const struct book_now *now, struct book_action *ret)
{
    *ret = (struct book_action){.act = BOOK_NOTHING};
    tick(book, now);
    struct book_job *job = effect_in_turn(book), *before = NULL;
    while (job != NULL && job != before) { /* one that ends here gives way to the next */
        if (book_next_order(book, job, now, ret))
            return;
        before = job;
        job = effect_in_turn(book);
    }
    if (next_read(book, now, ret) || next_find(book, now, ret) || next_report(book, now, ret))
        return;
    if (wants_flush(book, job, now))
        ret->act = BOOK_FLUSH;
    else
        ret->wake_mono_us = wake_at(book, now);
}

uint64_t book_number(struct book *book)
{
    return ++book->command_id;
}

bool book_needs_terminal(const struct book *book)
{
    for (const struct book_job *job = book->lists[BOOK_LIST_OPEN].first; job != NULL;
         job = job->next)
        if (job_is_effect(job) &&
            (job->state == BOOK_WAITING || has_unsent(job) || awaits_answer(job)))
            return true;
    return false;
}

size_t book_unlooked(const struct book *book)
{
    size_t count = 0;
    for (const struct book_job *job = book->lists[BOOK_LIST_OPEN].first; job != NULL;
         job = job->next)
        count += job_is_effect(job) && job_is_asking(job) && job->find_count == 0;
    return count;
}

bool book_is_idle(const struct book *book)
{
    for (const struct book_job *job = book->lists[BOOK_LIST_OPEN].first; job != NULL;
         job = job->next)
        if (awaits_answer(job))
            return false;
    return book->lists[BOOK_LIST_UNACKED].first == NULL;
}

bool book_is_quiet(const struct book *book)
{
    return book->lists[BOOK_LIST_OPEN].first == NULL;
}

void book_forget_old(struct book *book, int64_t now_unix_us)
{
    int64_t limit = now_unix_us - ms_us(INT64_C(86400000) * BOOK_KEEP_DAYS);
    struct book_job *job;
    while ((job = book->lists[BOOK_LIST_ACKED].first) != NULL && job->acked_unix_us < limit)
        book_remove(book, job);
}

bool book_keeps(const struct book *book, const char *job_id)
{
    return book_find(book, job_id) != NULL;
}

struct book_counts book_counts(const struct book *book)
{
    struct book_counts counts = book->counts;
    counts.jobs = book->job_count;
    counts.open = counts.asking = counts.unreported = 0;
    for (const struct book_job *job = book->lists[BOOK_LIST_OPEN].first; job != NULL;
         job = job->next) {
        counts.open++;
        counts.asking += job_is_asking(job);
    }
    for (const struct book_job *job = book->lists[BOOK_LIST_UNACKED].first; job != NULL;
         job = job->next)
        counts.unreported++;
    return counts;
}
