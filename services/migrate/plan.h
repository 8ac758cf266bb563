/* History against files: what is to do, and what does not fit. Pure. */
#pragma once

#include "files.h"

#include "svc/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct history_row {
    uint64_t version;
    const char *name, *checksum, *applied_at, *applied_by;
    uint64_t duration_ms;
};

struct history {
    struct history_row *rows; /* ascending by version */
    size_t count;
};

enum plan_state {
    PLAN_APPLIED,  /* in both, equal */
    PLAN_PENDING,  /* a file, to be applied */
    PLAN_CHANGED,  /* applied, and the file's text is another now */
    PLAN_RENAMED,  /* applied under another name */
    PLAN_MISSING,  /* applied, and its file is gone */
    PLAN_NEWER,    /* applied by a newer program, which had a file that this one lacks */
    PLAN_INSERTED, /* a file that would come before one that is applied */
};

struct plan_entry {
    enum plan_state state;
    uint64_t version;
    const struct migration *file;      /* NULL: missing, newer */
    const struct history_row *applied; /* NULL: pending, inserted */
};

struct plan {
    struct plan_entry *entries; /* ascending by version */
    size_t count, pending, faults;
};

/* Both sides ascending without repetition; the plan points into them. */
void plan_make(struct svc_arena *arena, const struct files *files, const struct history *history,
               struct plan *ret_plan);
const char *plan_state_name(enum plan_state state);
/* Nothing may be applied while an entry is in such a state. */
bool plan_is_fault(enum plan_state state);
/* What a fault means and what to do about it. */
const char *plan_explain(struct svc_arena *arena, const struct plan_entry *entry);
