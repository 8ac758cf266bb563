/* Does the database look as the applied migrations left it? Four questions, in this order:
 *
 *   the verify file of each applied version     what requirements.md and the file itself promise
 *   rules (sql/verify_rules.sql)                valid indexes and constraints, owners, row level
 *                                               security, search paths, EXECUTE, invoker views
 *   drift: the catalog against the history's    what somebody did by hand: missing, changed,
 *   `changes` (fold.h)                          unexpected. Somebody else's tables never count
 *   claim (sql/verify_claim.sql)                the gateway's role sees and gets a seeded job
 *
 * All of it is read-only and rolled back; only the claim writes, in a transaction of its own that
 * is rolled back, too. Each statement of a verify file has VERIFY_STATEMENT_MS. */
#pragma once

#include "fault.h"
#include "plan.h"

#include "svc/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

enum {
    VERIFY_STATEMENT_MS = 30000,
    VERIFY_FILE_ROWS_MAX = 10000, /* of one SELECT; what is more is not looked at, and is wrong */
};

enum verify_state { VERIFY_RIGHT, VERIFY_WRONG, VERIFY_SKIPPED };

struct verify_row {
    enum verify_state state;
    const char *source; /* a verify file's name, or history, rules, drift, claim */
    const char *object, *expected, *found; /* NULL: SQL's NULL. Skipped: found says why */
};

struct verify_report {
    struct verify_row *items; /* in the order in which they were looked at */
    size_t count, capacity;
    size_t wrong, skipped;
};

/* All four questions about what the plan says is applied. A verify file that fails is a row that is
 * wrong, not a fault. Sets the session read-only; texts live in the arena.
 *
 * MIGRATE_OK also when something differs (ret_report->wrong). Faults are those of the connection;
 * then ret_report is filled as far as it got. */
enum migrate_exit verify_run(PGconn *conn, struct svc_arena *arena, const struct plan *plan,
                             struct verify_report *ret_report, struct fault *fault);

/* Only whether this version is applied, to its end: one row, source `history`. Pure. */
void verify_version(struct svc_arena *arena, const struct plan *plan, uint64_t version,
                    struct verify_report *ret_report);

/* Right where both are equal, or both NULL. The texts are kept, not copied. */
void verify_add(struct svc_arena *arena, struct verify_report *report, const char *source,
                const char *object, const char *expected, const char *found);
void verify_skip(struct svc_arena *arena, struct verify_report *report, const char *source,
                 const char *object, const char *why);
