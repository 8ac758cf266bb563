/* Everything migrate asks Postgres for itself. */
#include "database.h"

#include "svc/pg.h"

#include <stdio.h>
#include <string.h>

/* Only warnings are shown: "already exists, skipping" tells an operator nothing. */
static void show_warning(void *unused, const PGresult *result)
{
    (void)unused;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && strcmp(severity, "WARNING") == 0)
        (void)fprintf(stderr, "migrate: warning: %s\n",
                      PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
}

/* A killed migrate must not keep its lock and its transaction while the server finishes a long
 * statement: the server looks for its client every second. DDL that waits for a table lock makes
 * all who come later wait too, so it gives up soon. */
static const char session_settings[] = "SET client_connection_check_interval = '1s';"
                                       "SET statement_timeout = 0;"
                                       "SET idle_in_transaction_session_timeout = 0;"
                                       "SET lock_timeout = '10s'";

enum migrate_exit database_open(const char *url, bool writable, struct svc_arena *arena,
                                PGconn **ret_conn, struct fault *fault)
{
    const char *const keys[] = {"dbname",
                                "application_name",
                                "client_encoding",
                                "connect_timeout",
                                "keepalives_idle",
                                "target_session_attrs",
                                NULL};
    const char *const values[] = {url,  "migrate/" TRADEWIRE_VERSION,    "UTF8", "10",
                                  "30", writable ? "read-write" : "any", NULL};
    *ret_conn = PQconnectdbParams(keys, values, 1);
    if (PQstatus(*ret_conn) != CONNECTION_OK) {
        char *message = svc_arena_text(arena, PQerrorMessage(*ret_conn));
        message[strcspn(message, "\n")] = '\0';
        return fault_set(fault, MIGRATE_CONNECTION, "connection", message);
    }
    (void)PQsetNoticeReceiver(*ret_conn, show_warning, NULL);
    SVC_PGRESULT PGresult *result = PQexec(*ret_conn, session_settings);
    return PQresultStatus(result) == PGRES_COMMAND_OK
               ? MIGRATE_OK
               : fault_from_result(fault, arena, *ret_conn, result);
}

void database_close(PGconn **conn)
{
    if (*conn)
        PQfinish(*conn);
    *conn = NULL;
}

enum migrate_exit database_run(PGconn *conn, struct svc_arena *arena, const char *sql, int count,
                               const char *const *values, PGresult **ret_result,
                               struct fault *fault)
{
    SVC_PGRESULT PGresult *result = PQexecParams(conn, sql, count, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        return fault_from_result(fault, arena, conn, result);
    if (ret_result) {
        *ret_result = result;
        result = NULL;
    }
    return MIGRATE_OK;
}

enum migrate_exit database_make_history(PGconn *conn, struct svc_arena *arena, struct fault *fault)
{
    static const char sql[] =
        "DO $$ BEGIN IF to_regclass('public.tradewire_migrations') IS NULL THEN"
        " CREATE TABLE public.tradewire_migrations ("
        "  version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,"
        "  applied_at TIMESTAMPTZ NOT NULL DEFAULT now(), duration_ms BIGINT NOT NULL,"
        "  applied_by TEXT NOT NULL DEFAULT session_user);"
        " ALTER TABLE public.tradewire_migrations ENABLE ROW LEVEL SECURITY;"
        " REVOKE ALL ON public.tradewire_migrations FROM PUBLIC;"
        " COMMENT ON TABLE public.tradewire_migrations IS"
        "  'What migrate applied; each row was written in its file''s own transaction.';"
        " COMMENT ON COLUMN public.tradewire_migrations.version IS 'The digits in front of the "
        "file''s name.';"
        " COMMENT ON COLUMN public.tradewire_migrations.name IS 'The rest of the file''s name.';"
        " COMMENT ON COLUMN public.tradewire_migrations.checksum IS"
        "  'SHA-256 of the file with LF line ends, hex.';"
        " COMMENT ON COLUMN public.tradewire_migrations.applied_at IS 'When its transaction "
        "began.';"
        " COMMENT ON COLUMN public.tradewire_migrations.duration_ms IS 'How long the file took, "
        "ms.';"
        " COMMENT ON COLUMN public.tradewire_migrations.applied_by IS 'The role that was logged "
        "in.';"
        " END IF; END $$";
    return database_run(conn, arena, sql, 0, NULL, NULL, fault);
}

static void read_row(struct svc_arena *arena, const PGresult *result, int i,
                     struct history_row *ret_row)
{
    ret_row->version = (uint64_t)svc_pg_i64(result, i, 0);
    ret_row->name = svc_arena_text(arena, svc_pg_text(result, i, 1));
    ret_row->checksum = svc_arena_text(arena, svc_pg_text(result, i, 2));
    ret_row->applied_at = svc_arena_text(arena, svc_pg_text(result, i, 3));
    ret_row->duration_ms = (uint64_t)svc_pg_i64(result, i, 4);
    ret_row->applied_by = svc_arena_text(arena, svc_pg_text(result, i, 5));
}

enum migrate_exit database_read_history(PGconn *conn, struct svc_arena *arena,
                                        struct history *ret_history, struct fault *fault)
{
    static const char exists[] = "SELECT to_regclass('public.tradewire_migrations') IS NOT NULL";
    static const char rows[] =
        "SELECT version, name, checksum,"
        " to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
        " duration_ms, applied_by FROM public.tradewire_migrations ORDER BY version";
    SVC_PGRESULT PGresult *found = NULL;
    SVC_PGRESULT PGresult *result = NULL;
    *ret_history = (struct history){0};
    enum migrate_exit rc = database_run(conn, arena, exists, 0, NULL, &found, fault);
    if (rc != MIGRATE_OK || !svc_pg_bool(found, 0, 0))
        return rc;
    rc = database_run(conn, arena, rows, 0, NULL, &result, fault);
    if (rc != MIGRATE_OK)
        return rc;
    ret_history->count = (size_t)PQntuples(result);
    ret_history->rows =
        svc_arena_alloc(arena, (ret_history->count + 1) * sizeof *ret_history->rows);
    for (size_t i = 0; i < ret_history->count; i++)
        read_row(arena, result, (int)i, &ret_history->rows[i]);
    return MIGRATE_OK;
}

enum migrate_exit database_add_history(PGconn *conn, struct svc_arena *arena,
                                       const struct migration *file, uint64_t duration_ms,
                                       struct fault *fault)
{
    const char *values[] = {svc_arena_printf(arena, "%llu", (unsigned long long)file->version),
                            file->name, file->checksum,
                            svc_arena_printf(arena, "%llu", (unsigned long long)duration_ms)};
    return database_run(conn, arena,
                        "INSERT INTO public.tradewire_migrations"
                        " (version, name, checksum, duration_ms) VALUES ($1, $2, $3, $4)",
                        4, values, NULL, fault);
}
