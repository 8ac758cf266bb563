/* What people and scripts read. Text: everything on stdout, faults on stderr. With --json stdout is
 * one document and progress goes to stderr. */
#pragma once

#include "fault.h"
#include "plan.h"

#include "svc/buffer.h"

#include <stdbool.h>

struct report {
    bool json;
    struct svc_buffer steps; /* JSON of what was applied */
};

void report_done(struct report *report);
/* A file was applied just now. */
void report_step(struct report *report, const struct migration *file, uint64_t duration_ms);
/* The end of `up`; fault->exit MIGRATE_OK: none. */
void report_up(struct report *report, const struct plan *plan, const struct fault *fault);
/* All of `status`. plan may be NULL where the fault came before it. */
void report_status(struct report *report, const struct plan *plan, const struct fault *fault);
/* Each entry that does not fit, on stderr. */
void report_plan_faults(const struct plan *plan, struct svc_arena *arena);
