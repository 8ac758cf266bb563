/* libpq's asynchronous connect, so that a signal ends it, too. */
#include "connect.h"

#include "database.h"
#include "interrupt.h"

#include "svc/clock.h"
#include "svc/pg.h"
#include "svc/retry.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    ATTEMPT_MS = 10000,
    OLDEST_SERVER = 15, /* invoker's views, ON DELETE SET NULL of some of a key's columns */
    SESSION_ROUNDS = 5, /* behind any pooler: another client may take the backend we look for */
};

/* Only warnings are shown: "already exists, skipping" tells an operator nothing. */
static void show_warning(void *unused, const PGresult *result)
{
    (void)unused;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && strcmp(severity, "WARNING") == 0)
        (void)fprintf(stderr, "migrate: warning: %s\n",
                      PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
}

void connect_close(PGconn **conn)
{
    if (*conn)
        PQfinish(*conn);
    *conn = NULL;
}

static bool ports_are_numbers(const char *ports)
{
    return !ports || strspn(ports, "0123456789,") == strlen(ports);
}

/* An unescaped '/' or '@' in a password makes parts of it the host, port or database, and libpq's
 * messages would show them. So its message is not shown. */
static enum migrate_exit check_url(const char *url, struct fault *fault)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &message);
    bool good = options != NULL;
    PQfreemem(message);
    for (const PQconninfoOption *o = options; o && o->keyword; o++)
        if (strcmp(o->keyword, "port") == 0)
            good = good && ports_are_numbers(o->val);
    PQconninfoFree(options);
    if (good)
        return MIGRATE_OK;
    (void)fault_set(fault, MIGRATE_USAGE, "bad_url", "the database URL cannot be read");
    fault->hint = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE; in USER and PASSWORD write "
                  "@ : / ? # % and blanks as %XX";
    return fault->exit;
}

/* PQstatus says how it went. */
static void drive(PGconn *conn)
{
    int64_t due_us = svc_mono_us() + (int64_t)ATTEMPT_MS * 1000;
    PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
    while (PQstatus(conn) != CONNECTION_BAD) {
        struct pollfd fds[] = {
            {.fd = PQsocket(conn),
             .events = (short)(wants == PGRES_POLLING_READING ? POLLIN : POLLOUT)},
            {.fd = interrupt_fd(), .events = POLLIN}};
        int64_t left_ms = (due_us - svc_mono_us()) / 1000;
        if (interrupt_requested() || left_ms <= 0 || poll(fds, 2, (int)left_ms) < 0)
            return;
        wants = PQconnectPoll(conn);
        if (wants == PGRES_POLLING_OK || wants == PGRES_POLLING_FAILED)
            return;
    }
}

static PGconn *attempt(const struct connect *to)
{
    const char *const keys[] = {"dbname",           "application_name",     "client_encoding",
                                "keepalives_idle",  "keepalives_interval",  "keepalives_count",
                                "tcp_user_timeout", "target_session_attrs", NULL};
    const char *const values[] = {to->url, to->application_name, "UTF8", "30", "10", "3",
                                  "60000", "read-write",         NULL};
    PGconn *conn = PQconnectStartParams(keys, values, 1);
    if (!conn)
        return NULL;
    /* With this the text of a refused login holds its SQLSTATE, which libpq gives no other way. */
    (void)PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
    (void)PQsetNoticeReceiver(conn, show_warning, NULL);
    drive(conn);
    (void)PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
    return conn;
}

/* "FATAL:  28P01: password authentication failed …"; NULL: the server did not say anything. */
static const char *find_sqlstate(struct svc_arena *arena, const char *message)
{
    for (const char *at = strstr(message, ":  "); at; at = strstr(at + 1, ":  "))
        if (strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && at[8] == ':')
            return svc_arena_copy(arena, at + 3, 5);
    return NULL;
}

/* By the beginning of the SQLSTATE; "" is everything else. */
static const struct advice {
    const char *sqlstate, *code, *hint;
    bool may_pass; /* worth waiting for */
} advices[] = {
    {"28", "login_refused",
     "check user and password: in the URL, PGPASSWORD or the passfile; and the server's "
     "pg_hba.conf",
     false},
    {"3D000", "no_database",
     "migrate makes what is in a database, not the database: CREATE DATABASE it first", false},
    {"42501", "login_refused", "the role needs CONNECT on this database", false},
    {"57P03", "unreachable", "the server is starting or stopping: --wait 60s waits for it", true},
    {"53300", "unreachable", "the server has no free connection: --wait 60s waits for one", true},
    {"", "unreachable",
     "does the server run, is the address right? --wait 60s waits for a server that is not up yet",
     true},
};

static const struct advice *advice_for(const char *sqlstate)
{
    const struct advice *advice = advices;
    while (sqlstate && *advice->sqlstate &&
           strncmp(sqlstate, advice->sqlstate, strlen(advice->sqlstate)) != 0)
        advice++;
    return sqlstate ? advice : &advices[sizeof advices / sizeof *advices - 1];
}

/* On one line, and without the place in the server's source that comes last. */
static const char *one_line(struct svc_arena *arena, const char *message)
{
    char *text = svc_arena_text(arena, message);
    char *location = strstr(text, "\nLOCATION:");
    if (location)
        *location = '\0';
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    for (char *at = text; *at; at++)
        if (*at == '\n' || *at == '\t')
            *at = ' ';
    return text;
}

/* ret_may_pass: another attempt may succeed. */
static enum migrate_exit explain(PGconn *conn, struct svc_arena *arena, bool *ret_may_pass,
                                 struct fault *fault)
{
    const char *message = conn ? PQerrorMessage(conn) : "no memory";
    const char *sqlstate = find_sqlstate(arena, message);
    const struct advice *advice = advice_for(sqlstate);
    bool is_standby = strstr(message, "session is read-only") != NULL;
    *ret_may_pass = advice->may_pass;
    (void)fault_set(fault, MIGRATE_CONNECTION, is_standby ? "read_only" : advice->code,
                    *message ? one_line(arena, message) : "no answer within 10 s");
    fault->sqlstate = sqlstate;
    fault->hint = is_standby ? "connect to the primary" : advice->hint;
    if (interrupt_requested()) {
        *ret_may_pass = false;
        (void)fault_set(fault, MIGRATE_CONNECTION, "interrupted", "stopped by a signal");
    }
    return fault->exit;
}

enum migrate_exit connect_check_server(int version, struct svc_arena *arena, struct fault *fault)
{
    if (version == 0 || version >= OLDEST_SERVER * 10000)
        return MIGRATE_OK;
    (void)fault_set(fault, MIGRATE_CONNECTION, "old_server",
                    svc_arena_printf(arena,
                                     "the server is Postgres %d; the migrations need %d or newer",
                                     version / 10000, OLDEST_SERVER));
    fault->hint = "nothing was done; upgrade the server first (pg_upgrade, or dump and restore)";
    return fault->exit;
}

enum migrate_exit connect_open(const struct connect *to, struct svc_arena *arena, PGconn **ret_conn,
                               struct fault *fault)
{
    int64_t due_us = svc_mono_us() + (int64_t)to->wait_ms * 1000;
    struct svc_retry retry = {.base_ms = 100, .cap_ms = 1000};
    enum migrate_exit rc = check_url(to->url, fault);
    *ret_conn = NULL;
    while (rc == MIGRATE_OK) {
        bool may_pass;
        *ret_conn = attempt(to);
        if (PQstatus(*ret_conn) == CONNECTION_OK)
            break;
        rc = explain(*ret_conn, arena, &may_pass, fault);
        connect_close(ret_conn);
        if (!may_pass || svc_mono_us() >= due_us)
            break;
        interrupt_sleep(svc_retry_next_ms(&retry));
        rc = MIGRATE_OK;
    }
    if (rc == MIGRATE_OK)
        rc = connect_check_server(PQserverVersion(*ret_conn), arena, fault);
    if (rc != MIGRATE_OK)
        connect_close(ret_conn);
    return rc;
}

static enum migrate_exit backend_pid(PGconn *conn, struct svc_arena *arena, int64_t *ret_pid,
                                     struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum migrate_exit rc =
        database_run(conn, arena, "SELECT pg_backend_pid()", 0, NULL, &result, fault);
    *ret_pid = rc == MIGRATE_OK ? svc_pg_i64(result, 0, 0) : 0;
    return rc;
}

static enum migrate_exit refuse_pooler(struct fault *fault)
{
    (void)fault_set(fault, MIGRATE_CONNECTION, "pooler",
                    "a pooler in transaction mode is in between: it would give the lock of this "
                    "session to other clients");
    fault->hint = "set MIGRATE_DATABASE_URL to the server's own address, or to the pooler's port "
                  "for session mode (Supabase: 5432, not 6543)";
    return fault->exit;
}

/* While the other connection is in a transaction it holds a backend for itself. If that is the one
 * that we were on a moment ago, or if we are on another one now, then backends are not ours. */
static enum migrate_exit compare_backends(struct svc_arena *arena, PGconn *conn, PGconn *other,
                                          bool *ret_kept, struct fault *fault)
{
    int64_t before = 0, others = 0, after = 0;
    enum migrate_exit rc = backend_pid(conn, arena, &before, fault);
    if (rc == MIGRATE_OK && database_run(other, arena, "BEGIN", 0, NULL, NULL, fault) != MIGRATE_OK)
        return fault->sqlstate ? refuse_pooler(fault) : fault->exit; /* statement mode */
    if (rc == MIGRATE_OK)
        rc = backend_pid(other, arena, &others, fault);
    if (rc == MIGRATE_OK)
        rc = backend_pid(conn, arena, &after, fault);
    if (rc == MIGRATE_OK)
        rc = database_run(other, arena, "ROLLBACK", 0, NULL, NULL, fault);
    *ret_kept = before == after && before != others;
    return rc;
}

enum migrate_exit connect_check_session(const struct connect *to, struct svc_arena *arena,
                                        PGconn *conn, int64_t *ret_backend_pid, struct fault *fault)
{
    __attribute__((cleanup(connect_close))) PGconn *other = NULL;
    enum migrate_exit rc = connect_open(to, arena, &other, fault);
    for (int i = 0; i < SESSION_ROUNDS && rc == MIGRATE_OK; i++) {
        bool kept = false;
        rc = compare_backends(arena, conn, other, &kept, fault);
        if (rc == MIGRATE_OK && !kept)
            rc = refuse_pooler(fault);
        if (rc == MIGRATE_OK)
            rc = backend_pid(conn, arena, ret_backend_pid, fault);
        /* A server gives its own pid with the login; any pooler makes one up. */
        if (rc == MIGRATE_OK && *ret_backend_pid == PQbackendPID(conn))
            break;
    }
    return rc;
}
