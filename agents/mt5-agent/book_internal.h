/* How the book keeps jobs; private to book*.c.
 *
 *   book.c         table, lists, counts, what to do next
 *   book_replay.c  from the journal's records
 *   book_offer.c   what an offer or a question means
 *   book_step.c    one step: plan, may it start, send, end; and the job's end
 *   book_reply.c   answers of the terminal to orders and reads
 *   book_ask.c     reconciling: barrier, looking, proving
 *   book_report.c  what is said to the gateway, and when again */
#pragma once

#include "book.h"
#include "contracts/codes.h"

#include "svc/buffer.h"

enum book_state {
    BOOK_IDLE,    /* of an earlier process: received, never intended; a question will come */
    BOOK_WAITING, /* a close whose positions are not known yet */
    BOOK_WORKING, /* steps journaled */
    BOOK_ENDED,
};

enum book_list { BOOK_LIST_OPEN, BOOK_LIST_UNACKED, BOOK_LIST_ACKED, BOOK_LISTS };

struct book_candidate { /* a position that a close may act on */
    uint64_t ticket;
    char symbol[RECORD_SYMBOL_TEXT];
    bool sell;
    char volume[RECORD_DECIMAL_TEXT];
    int64_t open_time_us;
};

struct book_job {
    char job_id[SVC_UUID_TEXT];
    struct book_job *in_bucket, *in_opened, *previous, *next;
    enum book_list list;
    enum book_type type;
    enum book_state state;
    uint64_t epoch, void_epoch;
    uint64_t seq; /* as the offer's; 0: not known */
    uint64_t
        opened; /* a trade's: magic of its order, and of the position that this opens; 0: none */
    int64_t expires_unix_us;
    struct book_offer *offer; /* owned; NULL: of an earlier process, or ended */
    struct book_step *steps;  /* owned */
    size_t step_count;
    uint32_t last_step;     /* highest number ever used */
    bool terminal_only;     /* only the terminal can tell: look for every possible step */
    uint64_t went_on_epoch; /* the rest of a close was sent again under this lease; 0: never */
    int64_t paused_mono_us; /* the rest of a close waits for a lease since then; 0: it does not */
    bool sent_any;          /* an order may have left, in this process or an earlier one */
    uint64_t
        needs_seq; /* flushed before anything leaves: INTENT before orders, ends before reports */
    /* questions to the terminal: positions of a close, reads */
    uint64_t asked_id, asked_session;
    int64_t asked_mono_us;
    uint64_t after;
    struct book_candidate *candidates; /* owned */
    size_t candidate_count;
    struct svc_buffer output; /* of a read */
    /* looking for orders */
    uint64_t find_id, find_session;
    int64_t find_mono_us, find_due_mono_us;
    unsigned find_count;
    /* end and report */
    enum book_outcome outcome;
    char code[RECORD_CODE_TEXT], text[WIRE_MESSAGE_TEXT];
    uint32_t retcode;
    int64_t ready_unix_us;
    int64_t unknown_due_mono_us; /* 0: no need yet to say that the outcome is open */
    bool unknown_said;
    unsigned unknown_unacked;
    int64_t unknown_said_mono_us;
    int64_t report_due_mono_us;
    uint64_t report_session;
    bool reported;
    int64_t acked_unix_us, received_unix_us, sent_unix_us, filled_unix_us;
};

struct book {
    uint64_t (*write)(void *arg, const struct record *record);
    void *arg;
    struct book_job **buckets; /* owned; by job id */
    struct book_job **openers; /* owned, as many; trades by the magic of their order */
    size_t bucket_count, job_count;
    struct {
        struct book_job *first, *last;
    } lists[BOOK_LISTS];
    uint64_t command_id;
    /* since when the terminal and its trade server have been connected without a break */
    uint64_t connected_session;
    int64_t connected_since_mono_us; /* 0: not connected */
    struct book_counts counts;
};

static inline int64_t ms_us(int64_t ms)
{
    return ms * 1000;
}
static inline bool job_is_effect(const struct book_job *job)
{
    return job->type == BOOK_TRADE || job->type == BOOK_CLOSE;
}

/* book.c */
struct book_job *book_find(const struct book *book, const char *job_id);
struct book_job *book_add(struct book *book, const char *job_id);
void book_remove(struct book *book, struct book_job *job);
void book_move(struct book *book, struct book_job *job, enum book_list list); /* to its end */
/* A trade's order carries this magic. Known once, kept as long as the job. */
void book_note_opener(struct book *book, struct book_job *job, uint64_t magic);
/* The trade that opened a position with this magic; NULL: none that is known, or more than one. */
const struct book_job *book_opener(const struct book *book, uint64_t magic);
void book_write(struct book *book, struct book_job *job, struct record *record); /* fills id */
void book_clear_steps(struct book_job *job);
struct book_step *book_add_step(struct book_job *job);

/* book_step.c */
void book_plan_trade(struct book *book, struct book_job *job, const struct book_now *now);
void book_plan_close(struct book *book, struct book_job *job, const struct book_now *now);
void book_add_search_steps(struct book_job *job, const struct book_now *now);
/* One step is over: EXECUTED or CLOSED_BY_OTHER. Ends the job when it was the last. */
void book_end_step(struct book *book, struct book_job *job, struct book_step *step,
                   enum book_step_state state, const struct book_now *now);
/* The same for all other ends. CODE_RETCODE: of the step's retcode. */
void book_refuse_step(struct book *book, struct book_job *job, struct book_step *step,
                      enum book_step_state state, enum code code, const struct book_now *now);
void book_conclude(struct book *book, struct book_job *job, const struct book_now *now);
/* The rest of a close that waits for a lease: go on, wait, or end. */
void book_watch_paused(struct book *book, struct book_job *job, const struct book_now *now);
/* The job ends before any order left. */
void book_fail(struct book *book, struct book_job *job, enum code code, const char *text,
               const struct book_now *now);
void book_void(struct book *book, struct book_job *job, enum code code, int64_t ready_unix_us,
               const struct book_now *now);
/* code: as the record has it; "" when done. */
void book_enter_ended(struct book *book, struct book_job *job, enum book_outcome outcome,
                      const char *code);
/* End what may not start any more; true when the job is still to be worked on. */
bool book_check_windows(struct book *book, struct book_job *job, const struct book_now *now);
bool book_next_order(struct book *book, struct book_job *job, const struct book_now *now,
                     struct book_action *ret);
int64_t book_not_after(const struct book_job *job, const struct book_now *now);

/* book_ask.c */
void book_begin_asking(struct book_job *job, struct book_step *step, int64_t unknown_due_mono_us);
void book_watch_steps(struct book_job *job, const struct book_now *now);
void book_note_answer(struct book *book, const struct wire_message *message,
                      const struct book_now *now);
bool book_next_find(struct book *book, struct book_job *job, const struct book_now *now,
                    struct book_action *ret);
void book_found(struct book *book, struct book_job *job, const struct wire_message *message,
                const struct book_now *now);
bool job_is_asking(const struct book_job *job);

/* book_report.c */
bool book_next_report(struct book *book, struct book_job *job, const struct book_now *now,
                      struct book_action *ret);
