/* BEGIN, the file, its history row, COMMIT. The server rolls back whatever does not reach COMMIT,
 * so a killed migrate leaves nothing to repair. */
#include "run.h"

#include "database.h"

#include "svc/clock.h"
#include "svc/pg.h"

#include <string.h>

/* The result of a statement inside the file. COPY needs a client that feeds or reads it. */
static enum migrate_exit take_result(PGconn *conn, struct svc_arena *arena, const PGresult *result,
                                     const struct migration *file, unsigned statements_done,
                                     struct fault *fault)
{
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
        return MIGRATE_OK;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        (void)fault_set(fault, MIGRATE_SQL, "copy_not_supported",
                        "COPY from or to the client does not work in a migration");
        fault->file = file->file_name;
        return fault->exit;
    default:
        (void)fault_from_result(fault, arena, conn, result);
        fault_locate(fault, result, file->file_name, file->text, file->len, statements_done);
        return fault->exit;
    }
}

/* One result per statement, so that counting them tells which one failed. */
static enum migrate_exit run_text(PGconn *conn, struct svc_arena *arena,
                                  const struct migration *file, struct fault *fault)
{
    if (!PQsendQuery(conn, file->text))
        return fault_from_result(fault, arena, conn, NULL);
    enum migrate_exit rc = MIGRATE_OK;
    for (unsigned done = 0; rc == MIGRATE_OK; done++) {
        SVC_PGRESULT PGresult *result = PQgetResult(conn);
        if (!result)
            break;
        rc = take_result(conn, arena, result, file, done, fault);
    }
    return rc;
}

/* A file that commits on its own would tear itself from its history row: seen by the transaction's
 * id. */
static enum migrate_exit transaction_id(PGconn *conn, struct svc_arena *arena, const char **ret_id,
                                        struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum migrate_exit rc =
        database_run(conn, arena, "SELECT pg_current_xact_id()", 0, NULL, &result, fault);
    *ret_id = rc == MIGRATE_OK ? svc_arena_text(arena, svc_pg_text(result, 0, 0)) : NULL;
    return rc;
}

static enum migrate_exit check_transaction(PGconn *conn, struct svc_arena *arena, const char *id,
                                           const struct migration *file, struct fault *fault)
{
    const char *now = NULL;
    if (PQtransactionStatus(conn) == PQTRANS_INTRANS) {
        enum migrate_exit rc = transaction_id(conn, arena, &now, fault);
        if (rc != MIGRATE_OK)
            return rc;
    }
    if (now && strcmp(now, id) == 0)
        return MIGRATE_OK;
    (void)fault_set(fault, MIGRATE_SQL, "transaction_ended",
                    "the file ended its transaction; migrate wraps each file in one");
    fault->file = file->file_name;
    fault->hint =
        "remove BEGIN, COMMIT and ROLLBACK; what the file committed must be undone by hand";
    return fault->exit;
}

enum migrate_exit run_file(PGconn *conn, struct svc_arena *arena, const struct migration *file,
                           uint64_t *ret_duration_ms, struct fault *fault)
{
    const char *id;
    int64_t begun_us = svc_mono_us();
    enum migrate_exit rc = database_run(conn, arena, "BEGIN", 0, NULL, NULL, fault);
    if (rc == MIGRATE_OK)
        rc = transaction_id(conn, arena, &id, fault);
    if (rc == MIGRATE_OK)
        rc = run_text(conn, arena, file, fault);
    if (rc == MIGRATE_OK)
        rc = check_transaction(conn, arena, id, file, fault);
    /* A file may leave a role or a search path behind: neither is the history's or the next file's.
     */
    if (rc == MIGRATE_OK)
        rc = database_run(conn, arena, "RESET ROLE", 0, NULL, NULL, fault);
    if (rc == MIGRATE_OK)
        rc = database_run(conn, arena, "RESET search_path", 0, NULL, NULL, fault);
    uint64_t duration_ms = (uint64_t)(svc_mono_us() - begun_us) / 1000;
    if (rc == MIGRATE_OK)
        rc = database_add_history(conn, arena, file, duration_ms, fault);
    if (rc == MIGRATE_OK)
        rc = database_run(conn, arena, "COMMIT", 0, NULL, NULL, fault);
    if (rc == MIGRATE_OK)
        *ret_duration_ms = duration_ms;
    else if (!fault->file)
        fault->file = file->file_name;
    return rc;
}
