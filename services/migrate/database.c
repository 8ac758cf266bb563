/* Sending, waiting, cancelling. */
#include "database.h"

#include "interrupt.h"

#include "svc/clock.h"
#include "svc/pg.h"

#include <poll.h>
#include <string.h>

static enum migrate_exit interrupted(struct fault *fault)
{
    return fault_set(fault, MIGRATE_SQL, "interrupted", "stopped by a signal");
}

enum migrate_exit database_fault(PGconn *conn, struct svc_arena *arena, const PGresult *result,
                                 struct fault *fault)
{
    static const char query_canceled[] = "57014", insufficient_privilege[] = "42501";
    static const char permission_hint[] =
        "MIGRATE_DATABASE_URL (else DATABASE_URL) must name a role that owns what it changes and "
        "may "
        "create roles and objects in schema public; on Supabase that is postgres";
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (sqlstate && strcmp(sqlstate, query_canceled) == 0 && interrupt_requested())
        return interrupted(fault);
    (void)fault_from_result(fault, arena, conn, result);
    if (PQstatus(conn) == CONNECTION_BAD) {
        fault->exit = MIGRATE_CONNECTION;
        fault->code = "connection_lost";
        fault->hint = "nothing half done remains: run the command again";
    } else if (sqlstate && strcmp(sqlstate, insufficient_privilege) == 0) {
        fault->code = "no_permission";
        fault->hint = fault->hint ? fault->hint : permission_hint;
    }
    return fault->exit;
}

/* Asks the server once to stop the statement; its answer comes as the statement's result. */
static void cancel(PGconn *conn)
{
    char error[256];
    PGcancel *handle = PQgetCancel(conn);
    (void)PQcancel(handle, error, sizeof error);
    PQfreeCancel(handle);
}

/* Until PQgetResult does not block. */
static void await_result(PGconn *conn, const struct database_ticker *ticker)
{
    bool cancelled = false;
    int64_t next_tick_us = ticker ? svc_mono_us() + (int64_t)ticker->every_ms * 1000 : 0;
    while (PQisBusy(conn)) {
        struct pollfd fds[] = {{.fd = PQsocket(conn), .events = POLLIN},
                               {.fd = cancelled ? -1 : interrupt_fd(), .events = POLLIN}};
        int64_t left_ms = ticker ? (next_tick_us - svc_mono_us()) / 1000 + 1 : -1;
        (void)poll(fds, 2, ticker && left_ms < 0 ? 0 : (int)left_ms);
        if (fds[0].revents && PQconsumeInput(conn) != 1)
            return; /* lost: PQgetResult says how */
        if (!cancelled && interrupt_requested()) {
            cancel(conn);
            cancelled = true;
        }
        if (ticker && !cancelled && svc_mono_us() >= next_tick_us) {
            ticker->tick(ticker->arg);
            next_tick_us = svc_mono_us() + (int64_t)ticker->every_ms * 1000;
        }
    }
}

enum migrate_exit database_send(PGconn *conn, struct svc_arena *arena, const char *sql,
                                struct fault *fault)
{
    if (interrupt_requested())
        return interrupted(fault);
    return PQsendQuery(conn, sql) ? MIGRATE_OK : database_fault(conn, arena, NULL, fault);
}

enum migrate_exit database_next(PGconn *conn, struct svc_arena *arena,
                                const struct database_ticker *ticker, PGresult **ret_result,
                                struct fault *fault)
{
    await_result(conn, ticker);
    *ret_result = PQgetResult(conn);
    if (!*ret_result && PQstatus(conn) == CONNECTION_BAD)
        return database_fault(conn, arena, NULL, fault);
    return MIGRATE_OK;
}

static bool failed(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
}

/* Takes all results; the first failed one is the fault, the last one is handed over. */
static enum migrate_exit take_results(PGconn *conn, struct svc_arena *arena, PGresult **ret_result,
                                      struct fault *fault)
{
    enum migrate_exit rc = MIGRATE_OK;
    SVC_PGRESULT PGresult *last = NULL;
    for (bool more = true; more;) {
        SVC_PGRESULT PGresult *result = NULL;
        struct fault later;
        struct fault *to = rc == MIGRATE_OK ? fault : &later;
        enum migrate_exit now = database_next(conn, arena, NULL, &result, to);
        more = now == MIGRATE_OK && result;
        if (more && failed(result))
            now = database_fault(conn, arena, result, to);
        rc = rc == MIGRATE_OK ? now : rc;
        if (more) {
            PQclear(last);
            last = result;
            result = NULL;
        }
    }
    *ret_result = last;
    last = NULL;
    return rc;
}

enum migrate_exit database_run(PGconn *conn, struct svc_arena *arena, const char *sql, int count,
                               const char *const *values, PGresult **ret_result,
                               struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    if (interrupt_requested())
        return interrupted(fault);
    if (!PQsendQueryParams(conn, sql, count, NULL, values, NULL, NULL, 0))
        return database_fault(conn, arena, NULL, fault);
    enum migrate_exit rc = take_results(conn, arena, &result, fault);
    if (rc == MIGRATE_OK && ret_result) {
        *ret_result = result;
        result = NULL;
    }
    return rc;
}

enum migrate_exit database_statement(PGconn *conn, struct svc_arena *arena,
                                     enum migrate_sql statement, int count,
                                     const char *const *values, PGresult **ret_result,
                                     struct fault *fault)
{
    return database_run(conn, arena, migrate_statements[statement].text, count, values, ret_result,
                        fault);
}

enum migrate_exit database_script(PGconn *conn, struct svc_arena *arena, const char *sql,
                                  struct fault *fault)
{
    SVC_PGRESULT PGresult *last = NULL;
    enum migrate_exit rc = database_send(conn, arena, sql, fault);
    return rc == MIGRATE_OK ? take_results(conn, arena, &last, fault) : rc;
}

const char *database_settings(struct svc_arena *arena, uint32_t lock_timeout_ms)
{
    /* A killed migrate must not keep its lock and its transaction while the server finishes a long
     * statement: the server looks for its client every second. DDL that waits for a table lock
     * makes all who come later wait too, so it gives up soon. */
    return svc_arena_printf(arena,
                            "SET client_connection_check_interval = '1s';"
                            "SET statement_timeout = 0;"
                            "SET idle_in_transaction_session_timeout = 0;"
                            "SET idle_session_timeout = 0;"
                            "SET lock_timeout = %u",
                            lock_timeout_ms);
}
