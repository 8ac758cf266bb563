/* Faults from libpq's results: which exit code, which place in the file. */
#include "fault.h"

#include "position.h"

#include "svc/text.h"

#include <string.h>

enum migrate_exit fault_set(struct fault *fault, enum migrate_exit exit, const char *code,
                            const char *message)
{
    *fault = (struct fault){.exit = exit, .code = code, .message = message};
    return exit;
}

enum migrate_exit fault_from_error(struct fault *fault, struct svc_arena *arena,
                                   const struct svc_error *err)
{
    return fault_set(fault, err->rc == SVC_REJECT ? MIGRATE_INTEGRITY : MIGRATE_USAGE,
                     svc_arena_text(arena, err->code), svc_arena_text(arena, err->text));
}

static const char *field(struct svc_arena *arena, const PGresult *result, int code)
{
    return svc_arena_text(arena, PQresultErrorField(result, code));
}

/* Class 28: who are you; 42501: you may not; 08, 57P: the connection or the server is going away.
 */
static enum migrate_exit exit_of(const char *sqlstate)
{
    if (strncmp(sqlstate, "28", 2) == 0 || strcmp(sqlstate, "42501") == 0 ||
        strncmp(sqlstate, "08", 2) == 0 || strncmp(sqlstate, "57P", 3) == 0)
        return MIGRATE_CONNECTION;
    return MIGRATE_SQL;
}

/* libpq ends its messages with a line end. */
static const char *without_line_end(char *text)
{
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    return text;
}

enum migrate_exit fault_from_result(struct fault *fault, struct svc_arena *arena, PGconn *conn,
                                    const PGresult *result)
{
    const char *sqlstate = field(arena, result, PG_DIAG_SQLSTATE);
    if (!sqlstate)
        return fault_set(fault, MIGRATE_CONNECTION, "connection",
                         without_line_end(svc_arena_text(arena, PQerrorMessage(conn))));
    (void)fault_set(fault, exit_of(sqlstate), "sql_error",
                    field(arena, result, PG_DIAG_MESSAGE_PRIMARY));
    fault->sqlstate = sqlstate;
    fault->detail = field(arena, result, PG_DIAG_MESSAGE_DETAIL);
    fault->hint = field(arena, result, PG_DIAG_MESSAGE_HINT);
    fault->context = field(arena, result, PG_DIAG_CONTEXT);
    return fault->exit;
}

void fault_locate(struct fault *fault, const PGresult *result, const char *file, const char *text,
                  size_t len, unsigned statements_done)
{
    const char *at = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    uint64_t character;
    fault->file = file;
    if (at && svc_parse_u64(at, 1, len + 1, &character) == 0)
        position_of_character(text, len, (size_t)character - 1, &fault->line, &fault->column);
    else if (fault
                 ->sqlstate) /* the server names no place: then where the failed statement begins */
        position_of_byte(text, position_statement(text, len, statements_done), &fault->line,
                         &fault->column);
}
