/* Running a verify file: BEGIN READ ONLY, its SELECTs, ROLLBACK. The session is read-only besides,
 * so a file that ends the transaction changes nothing either. */
#include "verify_file.h"

#include "catalog.h"
#include "database.h"

#include "svc/pg.h"

#include <string.h>

struct run {
    PGconn *conn;
    struct svc_arena *arena;
    const struct migration *file;
    struct verify_report *report;
    const char *source;
};

static void add_wrong(const struct run *run, const char *found)
{
    verify_add(run->arena, run->report, run->source, run->file->verify.file_name,
               "rows of object, expected, found", found);
}

static bool has_columns(const PGresult *result)
{
    static const char *const names[] = {"object", "expected", "found"};
    if (PQnfields(result) != 3)
        return false;
    for (int i = 0; i < 3; i++)
        if (strcmp(PQfname(result, i), names[i]) != 0)
            return false;
    return true;
}

static void add_rows(const struct run *run, const PGresult *result)
{
    int rows = PQntuples(result);
    if (!has_columns(result)) {
        add_wrong(run, "a statement with other columns");
        return;
    }
    for (int i = 0; i < rows && i < VERIFY_FILE_ROWS_MAX; i++)
        verify_add(run->arena, run->report, run->source,
                   svc_arena_text(run->arena, svc_pg_text(result, i, 0)),
                   svc_arena_text(run->arena, svc_pg_text(result, i, 1)),
                   svc_arena_text(run->arena, svc_pg_text(result, i, 2)));
    if (rows > VERIFY_FILE_ROWS_MAX)
        add_wrong(run, svc_arena_printf(run->arena, "more than %d rows", VERIFY_FILE_ROWS_MAX));
}

/* What does not fit the schema any more fails here: a difference, with its place. Only a lost
 * connection and a signal are faults. */
static enum migrate_exit add_failure(const struct run *run, const PGresult *result, unsigned done,
                                     struct fault *fault)
{
    const struct migration_part *part = &run->file->verify;
    enum migrate_exit rc = database_fault(run->conn, run->arena, result, fault);
    if (!fault->sqlstate || PQstatus(run->conn) == CONNECTION_BAD)
        return rc;
    fault_locate(fault, result, part->file_name, part->text, part->len, done);
    add_wrong(run, svc_arena_printf(run->arena, "error %s: %s (%s:%u:%u)", fault->sqlstate,
                                    fault->message, fault->file, fault->line, fault->column));
    *fault = (struct fault){0};
    return MIGRATE_OK;
}

static enum migrate_exit take_result(const struct run *run, const PGresult *result, unsigned done,
                                     struct fault *fault)
{
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
        add_rows(run, result);
        return MIGRATE_OK;
    case PGRES_EMPTY_QUERY:
        return MIGRATE_OK;
    case PGRES_COMMAND_OK:
        add_wrong(run, "a statement that is no SELECT");
        return MIGRATE_OK;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH: /* the connection waits for data that nobody has */
        (void)fault_set(fault, MIGRATE_SQL, "copy_not_supported",
                        "COPY from or to the client does not work in a verify file");
        fault->file = run->file->verify.file_name;
        return fault->exit;
    default:
        return add_failure(run, result, done, fault);
    }
}

static enum migrate_exit take_results(const struct run *run, struct fault *fault)
{
    enum migrate_exit rc = database_send(run->conn, run->arena, run->file->verify.text, fault);
    for (unsigned done = 0; rc == MIGRATE_OK; done++) {
        SVC_PGRESULT PGresult *result = NULL;
        rc = database_next(run->conn, run->arena, NULL, &result, fault);
        if (rc != MIGRATE_OK || !result)
            break;
        rc = take_result(run, result, done, fault);
    }
    return rc;
}

enum migrate_exit verify_file(PGconn *conn, struct svc_arena *arena, const struct migration *file,
                              struct verify_report *report, struct fault *fault)
{
    const char *begin = svc_arena_printf(
        arena, "BEGIN READ ONLY; %s; SET LOCAL search_path = public", catalog_settings);
    struct run run = {
        .conn = conn,
        .arena = arena,
        .file = file,
        .report = report,
        .source = svc_arena_copy(arena, file->file_name, strlen(file->file_name) - strlen(".sql"))};
    size_t before = report->count;
    enum migrate_exit rc = database_script(conn, arena, begin, fault);
    if (rc == MIGRATE_OK)
        rc = take_results(&run, fault);
    if (rc == MIGRATE_OK && report->count == before)
        add_wrong(&run, "no rows");
    if (rc == MIGRATE_OK && PQtransactionStatus(conn) != PQTRANS_IDLE)
        rc = database_script(conn, arena, "ROLLBACK", fault);
    return rc;
}
