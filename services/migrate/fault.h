/* What went wrong, with everything that helps to find the place. */
#pragma once

#include "exits.h"
#include "lexer.h"

#include "svc/arena.h"
#include "svc/error.h"

#include <stddef.h>
#include <stdio.h>

#include <libpq-fe.h>

struct fault {
    enum migrate_exit exit; /* MIGRATE_OK: no fault */
    const char *code;       /* stable: sql_error, connection, lock_timeout, changed, … */
    const char *message;
    const char *file;      /* NULL: not about a file */
    unsigned line, column; /* from 1, column in characters; 0: not known */
    const char *source;    /* that line, borrowed from the file's text; NULL: not known */
    size_t source_len;     /* without its line end */
    const char *sqlstate, *detail, *hint, *context; /* NULL: none */
};

/* All texts are borrowed from the arena. Each returns fault->exit. */
enum migrate_exit fault_set(struct fault *fault, enum migrate_exit exit, const char *code,
                            const char *message);
/* From svc_error: SVC_REJECT is MIGRATE_INTEGRITY, anything else MIGRATE_USAGE. */
enum migrate_exit fault_from_error(struct fault *fault, struct svc_arena *arena,
                                   const struct svc_error *err);
/* From a failed statement of our own, or of a migration. */
enum migrate_exit fault_from_result(struct fault *fault, struct svc_arena *arena, PGconn *conn,
                                    const PGresult *result);

/* Where in a migration it went wrong; the text must outlive the fault. In this order: the place
 * that the server names; the line inside the innermost function or DO block that the file defines
 * (from CONTEXT, so only where the server speaks English); the begin of the statement. The whole
 * text was sent in one query, and statements_done of its statements succeeded. */
void fault_locate(struct fault *fault, const PGresult *result, const char *file, const char *text,
                  size_t len, unsigned statements_done);
/* The same where only this statement of the text was sent. */
void fault_locate_statement(struct fault *fault, const PGresult *result, const char *file,
                            const char *text, size_t len, const struct statement *statement);
/* At a byte of the text: for faults that the server knows nothing of. */
void fault_place(struct fault *fault, const char *file, const char *text, size_t len,
                 size_t offset);

/* The source line and a caret under the column; nothing where the place is not known. Long lines
 * are shown around the column. */
void fault_print_place(FILE *out, const struct fault *fault);
