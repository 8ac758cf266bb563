/* History against files: what is to do, and what does not fit. Pure. */
#pragma once

#include "files.h"

#include "svc/arena.h"

#include <stdbool.h>
#include <stddef.h>

/* A row of public.tradewire_migrations. */
struct history_row {
    uint64_t version;
    const char *name, *checksum, *chain, *applied_at, *applied_by, *run_id;
    uint64_t duration_ms;
    bool is_running; /* a no-transaction file that did not reach its end */
    bool is_contract;
    uint64_t statements_done, statements; /* of a no-transaction file; else equal */
    const char *changes;                  /* JSON, as the column says; NULL: not known */
    const char *note;                     /* NULL: applied by `up`; else why it is here */
    bool is_unrecorded; /* not in our table: the Supabase CLI applied it; applied_at is NULL */
};

struct history {
    struct history_row *rows; /* ascending by version */
    size_t count;
};

enum plan_state {
    PLAN_APPLIED,   /* in both, equal */
    PLAN_PENDING,   /* a file, to be applied */
    PLAN_RUNNING,   /* a no-transaction file that was interrupted: `up` goes on with it */
    PLAN_CHANGED,   /* applied, and the file's text is another now */
    PLAN_RENAMED,   /* applied under another name */
    PLAN_MISSING,   /* applied, and its file is gone */
    PLAN_NEWER,     /* applied by a newer program, which had a file that this one lacks */
    PLAN_INSERTED,  /* a file that would come before one that is applied */
    PLAN_REORDERED, /* its chain does not follow from the row before it */
};

struct plan_entry {
    enum plan_state state;
    uint64_t version;
    const struct migration *file;      /* NULL: missing, newer */
    const struct history_row *applied; /* NULL: pending, inserted */
};

struct plan {
    struct plan_entry *entries; /* ascending by version */
    size_t count;
    size_t pending; /* entries that `up` has work with: pending and running */
    size_t faults;
};

/* Both sides ascending without repetition; the plan points into them. */
void plan_make(struct svc_arena *arena, const struct files *files, const struct history *history,
               struct plan *ret_plan);
/* The chain of a row: SHA-256, in hex, of the chain of the row before it ("" for the first)
 * followed by its own checksum, both in hex. A row removed, added or renumbered by hand breaks it.
 */
void plan_chain(const char *previous, const char *checksum, char ret[CHECKSUM_TEXT]);

const char *plan_state_name(enum plan_state state);
/* Nothing may be applied while an entry is in such a state. */
bool plan_is_fault(enum plan_state state);
/* What `up` has work with. */
bool plan_is_work(enum plan_state state);
/* What a fault, or an interrupted file, means and what to do about it; else "". */
const char *plan_explain(struct svc_arena *arena, const struct plan_entry *entry);
/* The entry's file name without .sql: "20251101001000_base". */
const char *plan_title(struct svc_arena *arena, const struct plan_entry *entry);
