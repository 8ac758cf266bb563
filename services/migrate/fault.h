/* What went wrong, with everything that helps to find the place. */
#pragma once

#include "exits.h"

#include "svc/arena.h"
#include "svc/error.h"

#include <stddef.h>

#include <libpq-fe.h>

struct fault {
    enum migrate_exit exit; /* MIGRATE_OK: no fault */
    const char *code;       /* stable: sql_error, connection, lock_timeout, changed, … */
    const char *message;
    const char *file;                               /* NULL: not about a file */
    unsigned line, column;                          /* from 1, column in characters; 0: not known */
    const char *sqlstate, *detail, *hint, *context; /* NULL: none */
};

/* All texts are borrowed from the arena. Each returns fault->exit. */
enum migrate_exit fault_set(struct fault *fault, enum migrate_exit exit, const char *code,
                            const char *message);
/* From svc_error: SVC_REJECT is MIGRATE_INTEGRITY, anything else MIGRATE_USAGE. */
enum migrate_exit fault_from_error(struct fault *fault, struct svc_arena *arena,
                                   const struct svc_error *err);
/* From a failed statement of our own or, with `file`, of a migration: text and statements_done (how
 * many of its statements succeeded) locate errors for which the server names no place. */
enum migrate_exit fault_from_result(struct fault *fault, struct svc_arena *arena, PGconn *conn,
                                    const PGresult *result);
void fault_locate(struct fault *fault, const PGresult *result, const char *file, const char *text,
                  size_t len, unsigned statements_done);
