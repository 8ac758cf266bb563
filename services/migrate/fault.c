/* Faults from libpq's results: which exit code, which place in the file. */
#include "fault.h"

#include "context.h"
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

/* The place in what was sent, which begins at byte `sent`. Where it is the end of the text, the
 * last line that says anything is meant. */
static size_t named_place(const char *text, size_t sent, size_t end, uint64_t character)
{
    size_t offset = sent + position_byte(text + sent, end - sent, (size_t)character - 1);
    if (offset < end)
        return offset;
    while (offset > sent && strchr(" \t\r\n\f", text[offset - 1]))
        offset--;
    return offset;
}

static size_t number_field(const PGresult *result, int code)
{
    const char *digits = PQresultErrorField(result, code);
    uint64_t number;
    return digits && svc_parse_u64(digits, 1, UINT32_MAX, &number) == 0 ? (size_t)number : 0;
}

void fault_place(struct fault *fault, const char *file, const char *text, size_t len, size_t offset)
{
    fault->file = file;
    fault->source = text + position_line(text, len, offset, &fault->source_len);
    position_of_byte(text, offset, &fault->line, &fault->column);
}

/* sent: what went to the server in one query. */
static void locate(struct fault *fault, const PGresult *result, const char *file, const char *text,
                   size_t len, const struct statement *sent, const struct statement *failed)
{
    size_t character = number_field(result, PG_DIAG_STATEMENT_POSITION), offset;
    struct context_error error = {
        .context = PQresultErrorField(result, PG_DIAG_CONTEXT),
        .query = PQresultErrorField(result, PG_DIAG_INTERNAL_QUERY),
        .character = number_field(result, PG_DIAG_INTERNAL_POSITION),
        .text = text,
        .len = len,
        .statement = *failed,
    };
    fault->file = file;
    if (!fault->sqlstate)
        return; /* no server said it: the connection is gone */
    if (character)
        offset = named_place(text, sent->offset, sent->offset + sent->len, character);
    else if (!context_find(&error, &offset))
        offset = failed->offset;
    fault_place(fault, file, text, len, offset);
}

void fault_locate(struct fault *fault, const PGresult *result, const char *file, const char *text,
                  size_t len, unsigned statements_done)
{
    struct statement whole = {.text = text, .len = len}, failed = {.offset = len};
    struct lexer lexer = {.text = text, .len = len};
    for (unsigned i = 0; i <= statements_done && lexer_next_statement(&lexer, &failed); i++)
        ;
    locate(fault, result, file, text, len, &whole, &failed);
}

void fault_locate_statement(struct fault *fault, const PGresult *result, const char *file,
                            const char *text, size_t len, const struct statement *statement)
{
    locate(fault, result, file, text, len, statement, statement);
}

/* How much of a long line is shown, in characters, and how much of it before the column. */
enum { SHOWN_MAX = 120, SHOWN_BEFORE = 80 };

/* Prints the characters from first to last, or blanks as wide as they are: a tab stays one. */
static void print_characters(FILE *out, const struct fault *fault, size_t first, size_t last,
                             bool blank)
{
    size_t begin = position_byte(fault->source, fault->source_len, first);
    size_t end = position_byte(fault->source, fault->source_len, last);
    for (size_t i = begin; i < end; i++) {
        char c = fault->source[i];
        bool goes_on = ((unsigned char)c & 0xc0) == 0x80;
        if (blank && goes_on)
            continue;
        (void)fputc(blank && c != '\t' ? ' ' : c, out);
    }
}

void fault_print_place(FILE *out, const struct fault *fault)
{
    if (!fault->source || fault->line == 0)
        return;
    size_t at = fault->column - 1, first = at > SHOWN_BEFORE ? at - SHOWN_BEFORE : 0;
    size_t last = first + SHOWN_MAX;
    bool cut = position_byte(fault->source, fault->source_len, last) < fault->source_len;
    (void)fputs(first > 0 ? "  …" : "  ", out);
    print_characters(out, fault, first, last, false);
    (void)fputs(cut ? "…\n" : "\n", out);
    (void)fputs(first > 0 ? "   " : "  ", out);
    print_characters(out, fault, first, at, true);
    (void)fputs("^\n", out);
}
