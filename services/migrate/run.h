/* Running one file, up or down. */
#pragma once

#include "migrate.h"

#include <stdbool.h>
#include <stdint.h>

enum run_direction { RUN_UP, RUN_DOWN };

struct run_request;
/* Asked inside the file's transaction, before the file. */
typedef enum migrate_exit run_prepare(struct migrate *m, const struct run_request *request,
                                      struct fault *fault);
/* The same after it, before COMMIT; of a no-transaction file: after its last statement. A fault of
 * either rolls the file back. */
typedef enum migrate_exit run_check(struct migrate *m, const struct run_request *request,
                                    const struct catalog *after,
                                    const struct catalog_changes *changes, struct fault *fault);

struct run_request {
    enum run_direction direction;
    const struct migration *file;
    const struct history_row *row; /* the version's row; NULL: none yet */
    bool rehearse;
    run_prepare *prepare; /* NULL: none; not asked for a no-transaction file */
    run_check *check;     /* NULL: none */
    const void *arg;      /* for both */
};

struct run_outcome {
    uint64_t duration_ms;
    unsigned statements; /* how many the file has */
    unsigned attempts;   /* more than one: table locks were not free at once */
    struct catalog_changes changes;
    const char *summary; /* summary_text of the changes */
};

/* The file and its history row: written (up) or removed (down), in one transaction, which is tried
 * again while table locks are not free. A no-transaction file runs statement by statement
 * (run_each.c) and goes on where it was interrupted.
 *
 * rehearse: the caller has begun a transaction and will roll it back. The file and its history row
 * are written inside it, once, without trying again; a no-transaction file is refused with
 * MIGRATE_USAGE (code no_transaction). m->catalog moves along all the same, so the caller sets
 * m->catalog_known = false after its ROLLBACK.
 *
 * On a fault nothing of the file remains but finished statements of a no-transaction file, which
 * the history row counts, and the connection is only good for closing.
 *
 * MIGRATE_SQL         the file is wrong (fault names the place), or SIGTERM (code interrupted)
 * MIGRATE_LOCK        code lock_timeout: a table's lock was not free within --lock-wait
 * MIGRATE_CONNECTION  lost, or the role may not; the file was not applied */
enum migrate_exit run_file(struct migrate *m, const struct run_request *request,
                           struct run_outcome *ret_outcome, struct fault *fault);
