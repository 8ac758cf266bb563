/* The sequential connection: queue, sync, take results in order. The one wait is await_input():
 * poll(2) on the socket, bounded by deadline_ms without a byte from the server.
 *
 * Pipeline mode is left only for svc_pg_run_text(), whose text may hold several statements. */
#include "pg_internal.h"

#include "svc/cleanup.h"
#include "svc/clock.h"
#include "svc/log.h"
#include "svc/memory.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

struct svc_pg {
    struct svc_pg_options options;
    struct svc_pg_login *login;
    PGconn *conn; /* NULL: not connected */
    int waiting;  /* statements queued whose result was not taken */
    bool synced;  /* a sync was queued and not read yet */
    bool stale;   /* must not be used again once the pipeline has been read */
};

enum svc_rc svc_pg_new(const struct svc_pg_options *options, struct svc_pg **ret_pg,
                       struct svc_error *err)
{
    SVC_CLEANUP(svc_pg_close) struct svc_pg *pg = svc_must_zalloc(sizeof *pg);
    pg->options = *options;
    const enum svc_rc rc = svc_pg_login_new(&pg->options, &pg->login, err);
    if (rc != SVC_OK)
        return rc;
    *ret_pg = pg;
    pg = NULL;
    return SVC_OK;
}

void svc_pg_close(struct svc_pg **pg)
{
    if (*pg == NULL)
        return;
    svc_pg_drop(*pg);
    svc_pg_login_free(&(*pg)->login);
    free(*pg);
    *pg = NULL;
}

void svc_pg_drop(struct svc_pg *pg)
{
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->waiting = 0;
    pg->synced = false;
    pg->stale = false;
}

bool svc_pg_connected(const struct svc_pg *pg)
{
    return pg->conn != NULL;
}

static enum svc_rc not_connected(struct svc_error *err)
{
    return svc_fail(err, SVC_AGAIN, "connection_lost", "not connected to Postgres");
}

/* Explain, then forget the connection: nothing outstanding on it will ever be answered. */
static enum svc_rc lost(struct svc_pg *pg, struct svc_error *err)
{
    const enum svc_rc rc = svc_pg_classify(NULL, pg->conn, err);
    svc_pg_drop(pg);
    return rc;
}

/* Wait for the socket; false when due_mono_us (0: never) came first. */
static bool wait_socket(const PGconn *conn, short events, int64_t due_mono_us)
{
    for (;;) {
        struct pollfd fd = {.fd = PQsocket(conn), .events = events};
        int64_t left_ms = -1;
        if (due_mono_us != 0) {
            left_ms = (due_mono_us - svc_mono_us() + 999) / 1000;
            left_ms = left_ms < 0 ? 0 : left_ms;
        }
        const int ready = poll(&fd, 1, (int)left_ms);
        if (ready < 0 && errno == EINTR)
            continue;
        return ready != 0; /* an error shows itself in the next libpq call */
    }
}

/* Until PQgetResult would not block. */
static enum svc_rc await_input(struct svc_pg *pg, struct svc_error *err)
{
    while (PQisBusy(pg->conn)) {
        const int unsent = PQflush(pg->conn);
        if (unsent < 0)
            return lost(pg, err);
        const uint32_t limit_ms = pg->options.deadline_ms;
        const int64_t due = limit_ms == 0 ? 0 : svc_mono_us() + (int64_t)limit_ms * 1000;
        if (!wait_socket(pg->conn, (short)(POLLIN | (unsent > 0 ? POLLOUT : 0)), due)) {
            svc_pg_drop(pg);
            return svc_fail(err, SVC_AGAIN, "connection_lost", "Postgres said nothing for %u ms",
                            limit_ms);
        }
        if (PQconsumeInput(pg->conn) != 1)
            return lost(pg, err);
    }
    return SVC_OK;
}

/* The next result of the pipeline, the sync's included; NULLs only end one statement. */
static enum svc_rc read_item(struct svc_pg *pg, PGresult **ret_result, struct svc_error *err)
{
    enum { NULLS_MAX = 3 }; /* more in a row: libpq waits for nothing, and neither may we */
    for (int i = 0; i < NULLS_MAX; i++) {
        const enum svc_rc rc = await_input(pg, err);
        if (rc != SVC_OK)
            return rc;
        *ret_result = PQgetResult(pg->conn);
        if (*ret_result != NULL)
            return SVC_OK;
    }
    return lost(pg, err);
}

static bool succeeded(const PGresult *result)
{
    const ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* Explain a failed result, and see whether the connection can be kept. */
static enum svc_rc judge(struct svc_pg *pg, const PGresult *result, struct svc_error *err)
{
    struct svc_error cause = {.rc = SVC_OK};
    const enum svc_rc rc = svc_pg_classify(result, pg->conn, &cause);
    pg->stale = pg->stale || svc_pg_must_reconnect(&cause);
    if (err != NULL)
        *err = cause;
    if (PQstatus(pg->conn) == CONNECTION_BAD)
        svc_pg_drop(pg);
    return rc;
}

/* Connecting */

static enum svc_rc connect_host(struct svc_pg *pg, int host, struct svc_error *err)
{
    const uint32_t limit_ms = svc_pg_login_limit_ms(pg->login);
    const int64_t due = svc_mono_us() + (int64_t)limit_ms * 1000;
    pg->conn = svc_pg_login_start(pg->login, host);
    if (pg->conn == NULL)
        return svc_fail(err, SVC_FATAL, "no_memory", "no memory for a Postgres connection");
    PostgresPollingStatusType step =
        PQstatus(pg->conn) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING) {
        if (!wait_socket(pg->conn, step == PGRES_POLLING_READING ? POLLIN : POLLOUT, due)) {
            svc_pg_drop(pg);
            return svc_fail(err, SVC_AGAIN, "connect_timeout", "Postgres did not answer in %u ms",
                            limit_ms);
        }
        step = PQconnectPoll(pg->conn);
    }
    if (step == PGRES_POLLING_OK)
        return SVC_OK;
    const enum svc_rc rc = svc_pg_login_error(pg->conn, err);
    svc_pg_drop(pg);
    return rc;
}

static enum svc_rc check_statements(struct svc_pg *pg, struct svc_error *err)
{
    enum svc_rc rc = svc_pg_checks_send(pg->conn, &pg->options, err);
    pg->synced = rc == SVC_OK;
    for (int i = 0; i < svc_pg_checks_count(&pg->options) && rc == SVC_OK; i++) {
        SVC_PGRESULT PGresult *result = NULL;
        rc = read_item(pg, &result, err);
        if (rc == SVC_OK)
            rc = svc_pg_checks_judge(&pg->options, i, result, pg->conn, err);
    }
    if (rc == SVC_OK)
        rc = svc_pg_finish(pg, err);
    if (rc != SVC_OK)
        svc_pg_drop(pg);
    return rc;
}

/* A connection that ended while nobody used it is readable: find out now rather than with a batch.
 */
static void notice_end(struct svc_pg *pg)
{
    struct pollfd fd = {.fd = PQsocket(pg->conn), .events = POLLIN};
    while (pg->conn != NULL && poll(&fd, 1, 0) > 0) {
        if (PQconsumeInput(pg->conn) != 1 || PQstatus(pg->conn) == CONNECTION_BAD)
            svc_pg_drop(pg);
        else
            (void)PQisBusy(pg->conn); /* parses what came: notices, parameter changes */
    }
}

enum svc_rc svc_pg_ready(struct svc_pg *pg, struct svc_error *err)
{
    if (pg->conn != NULL && pg->waiting == 0 && !pg->synced)
        notice_end(pg);
    if (pg->conn != NULL)
        return SVC_OK;
    /* The worst answer wins: a host that refuses us names a thing to fix, one that is down may
     * pass. */
    enum svc_rc worst = SVC_OK;
    for (int host = 0; host < svc_pg_login_hosts(pg->login); host++) {
        struct svc_error cause = {.rc = SVC_OK};
        enum svc_rc rc = connect_host(pg, host, &cause);
        if (rc == SVC_OK)
            rc = check_statements(pg, &cause);
        if (rc == SVC_OK) {
            svc_debug("postgres_connected", SVC_T("host", PQhost(pg->conn)));
            return SVC_OK;
        }
        if (rc > worst && err != NULL)
            *err = cause;
        worst = rc > worst ? rc : worst;
    }
    return worst;
}

/* The pipeline */

/* A pipeline whose end was not read belongs to a caller that gave up at an error it has seen. */
static enum svc_rc settle(struct svc_pg *pg, struct svc_error *err)
{
    struct svc_error seen = {.rc = SVC_OK};
    if (pg->conn != NULL && pg->synced && svc_pg_finish(pg, &seen) != SVC_OK)
        svc_debug("postgres_pipeline_left", SVC_ERR(&seen));
    return pg->conn != NULL ? SVC_OK : not_connected(err);
}

enum svc_rc svc_pg_send(struct svc_pg *pg, int statement, int value_count,
                        const char *const *values, struct svc_error *err)
{
    const enum svc_rc rc = settle(pg, err);
    if (rc != SVC_OK)
        return rc;
    if (svc_pg_queue(pg->conn, &pg->options, statement, value_count, values) != 1)
        return lost(pg, err);
    pg->waiting++;
    return SVC_OK;
}

enum svc_rc svc_pg_send_text(struct svc_pg *pg, const char *sql, struct svc_error *err)
{
    const enum svc_rc rc = settle(pg, err);
    if (rc != SVC_OK)
        return rc;
    if (PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 0) != 1)
        return lost(pg, err);
    pg->waiting++;
    return SVC_OK;
}

enum svc_rc svc_pg_sync(struct svc_pg *pg, struct svc_error *err)
{
    if (pg->conn == NULL)
        return not_connected(err);
    assert(!pg->synced);
    if (PQpipelineSync(pg->conn) != 1)
        return lost(pg, err);
    pg->synced = true;
    return SVC_OK;
}

enum svc_rc svc_pg_result(struct svc_pg *pg, PGresult **ret_result, struct svc_error *err)
{
    if (pg->conn == NULL)
        return not_connected(err);
    assert(pg->synced && pg->waiting > 0);
    SVC_PGRESULT PGresult *result = NULL;
    const enum svc_rc rc = read_item(pg, &result, err);
    if (rc != SVC_OK)
        return rc;
    pg->waiting--;
    if (!succeeded(result))
        return judge(pg, result, err);
    *ret_result = result;
    result = NULL;
    return SVC_OK;
}

/* Nothing but a rollback can be done in a failed transaction, so nobody needs to be asked. */
static void roll_back(struct svc_pg *pg)
{
    if (svc_pg_send_text(pg, "ROLLBACK", NULL) != SVC_OK || svc_pg_sync(pg, NULL) != SVC_OK ||
        svc_pg_finish(pg, NULL) != SVC_OK)
        svc_pg_drop(pg);
}

enum svc_rc svc_pg_finish(struct svc_pg *pg, struct svc_error *err)
{
    if (pg->conn == NULL)
        return not_connected(err);
    if (!pg->synced && pg->waiting > 0)
        svc_pg_drop(pg); /* given up before its sync: nothing of it may ever be committed */
    enum svc_rc first = SVC_OK;
    while (pg->conn != NULL && pg->synced) {
        SVC_PGRESULT PGresult *result = NULL;
        const enum svc_rc rc = read_item(pg, &result, first == SVC_OK ? err : NULL);
        if (rc != SVC_OK)
            return first != SVC_OK ? first : rc;
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC)
            pg->synced = false;
        else if (!succeeded(result) && PQresultStatus(result) != PGRES_PIPELINE_ABORTED &&
                 first == SVC_OK)
            first = judge(pg, result, err);
    }
    pg->waiting = 0;
    if (pg->conn == NULL)
        return first;
    if (pg->stale)
        svc_pg_drop(pg);
    else if (PQtransactionStatus(pg->conn) == PQTRANS_INERROR)
        roll_back(pg);
    return first;
}

enum svc_rc svc_pg_run(struct svc_pg *pg, int statement, int value_count, const char *const *values,
                       PGresult **ret_result, struct svc_error *err)
{
    SVC_PGRESULT PGresult *result = NULL;
    assert(pg->synced || pg->waiting == 0);
    enum svc_rc rc = svc_pg_send(pg, statement, value_count, values, err);
    if (rc == SVC_OK)
        rc = svc_pg_sync(pg, err);
    if (rc != SVC_OK)
        return rc;
    rc = svc_pg_result(pg, &result, err);
    /* Without BEGIN the statement commits at the sync, so only its end says that it happened. */
    const enum svc_rc end = pg->conn != NULL ? svc_pg_finish(pg, rc == SVC_OK ? err : NULL) : rc;
    rc = rc != SVC_OK ? rc : end;
    if (rc == SVC_OK && ret_result != NULL) {
        *ret_result = result;
        result = NULL;
    }
    return rc;
}

/* Text that may hold several statements */

/* Read the results of a simple query: the last good one, or the first error. */
static enum svc_rc read_simple(struct svc_pg *pg, PGresult **ret_result, struct svc_error *err)
{
    enum svc_rc first = SVC_OK;
    for (;;) {
        const enum svc_rc rc = await_input(pg, first == SVC_OK ? err : NULL);
        if (rc != SVC_OK)
            return first != SVC_OK ? first : rc;
        SVC_PGRESULT PGresult *result = PQgetResult(pg->conn);
        if (result == NULL)
            return first;
        const ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
            svc_pg_drop(pg);
            return svc_fail(err, SVC_FATAL, "copy_refused",
                            "COPY FROM STDIN or TO STDOUT in SQL text");
        }
        if (succeeded(result) || status == PGRES_EMPTY_QUERY) {
            PQclear(*ret_result);
            *ret_result = result;
            result = NULL;
        } else if (first == SVC_OK) {
            first = judge(pg, result, err);
            if (pg->conn == NULL)
                return first;
        }
    }
}

enum svc_rc svc_pg_run_text(struct svc_pg *pg, const char *sql, PGresult **ret_result,
                            struct svc_error *err)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum svc_rc rc = settle(pg, err);
    if (rc != SVC_OK)
        return rc;
    assert(pg->waiting == 0);
    if (PQexitPipelineMode(pg->conn) != 1 || PQsendQuery(pg->conn, sql) != 1)
        return lost(pg, err);
    rc = read_simple(pg, &result, err);
    if (pg->conn != NULL && PQenterPipelineMode(pg->conn) != 1)
        svc_pg_drop(pg);
    if (pg->conn != NULL && pg->stale)
        svc_pg_drop(pg);
    if (pg->conn != NULL && PQtransactionStatus(pg->conn) == PQTRANS_INERROR)
        roll_back(pg);
    if (rc == SVC_OK && ret_result != NULL) {
        *ret_result = result;
        result = NULL;
    }
    return rc;
}
