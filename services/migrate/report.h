/* What people and scripts read. Text: results and progress on stdout, faults on stderr. With --json
 * stdout is one document, and progress goes to stderr. */
#pragma once

#include "fault.h"
#include "plan.h"

#include "svc/buffer.h"
#include "svc/error.h"

#include <stdbool.h>

struct report {
    bool json;
    struct svc_buffer members; /* with --json: the document's members so far, written with json.h;
                                  begins with "{" */
    const char *lock_holder;   /* JSON, in the arena: added at the end; NULL: not about the lock */
};

void report_begin(struct report *report, bool json, const char *command, const char *run_id);
/* A line about what goes on. */
void report_progress(const struct report *report, const char *fmt, ...) SVC_PRINTF(2, 3);
/* A line of the result; not printed with --json, where the document says it. */
void report_say(const struct report *report, const char *fmt, ...) SVC_PRINTF(2, 3);
/* A line on stderr, in both forms: "migrate: …". */
void report_warn(const char *fmt, ...) SVC_PRINTF(1, 2);
/* Each entry that does not fit, on stderr. */
void report_plan_faults(const struct plan *plan, struct svc_arena *arena);
/* One fault on stderr, as report_end does it: for commands that find several. */
void report_fault(const struct fault *fault);
/* The end: the fault on stderr and, with --json, the document with its member "error". */
void report_end(struct report *report, const struct fault *fault);
