/* BEGIN, the file, its history row, COMMIT. The server rolls back whatever does not reach COMMIT,
 * so a killed migrate leaves nothing to repair. */
#include "run.h"

#include "database.h"
#include "history.h"
#include "retry.h"
#include "run_each.h"
#include "summary.h"
#include "supabase.h"
#include "watch.h"

#include "svc/clock.h"
#include "svc/pg.h"

#include <string.h>

/* One run of a file in a transaction. */
struct run {
    struct migrate *m;
    const struct run_request *request;
    struct run_text text;
    struct watch watch;
    struct run_outcome *outcome;
    struct catalog after;
    bool committing; /* COMMIT was sent: if the connection is lost, the outcome is not known */
};

/* The result of a statement inside the file. COPY needs a client that feeds or reads it. */
static enum migrate_exit take_result(struct run *run, const PGresult *result, struct fault *fault)
{
    const struct run_text *text = &run->text;
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        run->outcome->statements++;
        return MIGRATE_OK;
    case PGRES_EMPTY_QUERY:
        return MIGRATE_OK;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        (void)fault_set(fault, MIGRATE_SQL, "copy_not_supported",
                        "COPY from or to the client does not work in a migration");
        fault->file = text->file_name;
        return fault->exit;
    default:
        (void)database_fault(run->m->conn, run->m->arena, result, fault);
        if (fault->sqlstate)
            fault_locate(fault, result, text->file_name, text->text, text->len,
                         run->outcome->statements);
        return fault->exit;
    }
}

/* One result per statement, so that counting them tells which one failed. After a failure the rest
 * is read over, so that the connection can be used for ROLLBACK; in COPY it cannot. */
static enum migrate_exit send_file(struct run *run, struct fault *fault)
{
    struct migrate *m = run->m;
    struct database_ticker ticker = watch_ticker(&run->watch);
    enum migrate_exit rc = database_send(m->conn, m->arena, run->text.text, fault);
    run->outcome->statements = 0;
    for (bool more = rc == MIGRATE_OK; more;) {
        SVC_PGRESULT PGresult *result = NULL;
        struct fault later;
        struct fault *to = rc == MIGRATE_OK ? fault : &later;
        enum migrate_exit now = database_next(m->conn, m->arena, &ticker, &result, to);
        if (now == MIGRATE_OK && result)
            now = take_result(run, result, to);
        rc = rc == MIGRATE_OK ? now : rc;
        more = result && PQtransactionStatus(m->conn) == PQTRANS_ACTIVE &&
               strcmp(to->code ? to->code : "", "copy_not_supported") != 0;
    }
    return rc;
}

/* A file that commits on its own would tear itself from its history row: seen by the transaction's
 * id. */
static enum migrate_exit transaction_id(struct migrate *m, const char **ret_id, struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum migrate_exit rc =
        database_run(m->conn, m->arena, "SELECT pg_current_xact_id()", 0, NULL, &result, fault);
    *ret_id = rc == MIGRATE_OK ? svc_arena_text(m->arena, svc_pg_text(result, 0, 0)) : NULL;
    return rc;
}

static enum migrate_exit check_transaction(struct run *run, const char *id, struct fault *fault)
{
    const char *now = NULL;
    if (PQtransactionStatus(run->m->conn) == PQTRANS_INTRANS) {
        enum migrate_exit rc = transaction_id(run->m, &now, fault);
        if (rc != MIGRATE_OK)
            return rc;
    }
    if (now && strcmp(now, id) == 0)
        return MIGRATE_OK;
    (void)fault_set(fault, MIGRATE_SQL, "transaction_ended",
                    "the file ended its transaction; migrate wraps each file in one");
    fault->file = run->text.file_name;
    fault->hint =
        "remove BEGIN, COMMIT and ROLLBACK; what the file committed must be undone by hand";
    return fault->exit;
}

/* A file may leave a role, a search path or any setting behind: none is the history's or the next
 * file's. */
static enum migrate_exit reset_session(struct migrate *m, struct fault *fault)
{
    return database_script(
        m->conn, m->arena,
        svc_arena_printf(m->arena, "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; %s",
                         database_settings(m->arena, m->config->lock_timeout_ms)),
        fault);
}

static enum migrate_exit note_changes(struct run *run, const struct catalog *before,
                                      struct fault *fault)
{
    struct migrate *m = run->m;
    enum migrate_exit rc = catalog_read(m->conn, migrate_catalog_arena(m), &run->after, fault);
    if (rc != MIGRATE_OK)
        return rc;
    catalog_diff(m->arena, before, &run->after, &run->outcome->changes);
    run->outcome->summary = summary_text(m->arena, &run->outcome->changes);
    return MIGRATE_OK;
}

static enum migrate_exit write_history(struct run *run, struct fault *fault)
{
    struct migrate *m = run->m;
    const struct migration *file = run->request->file;
    if (run->request->direction == RUN_DOWN) {
        enum migrate_exit rc = history_remove(m->conn, m->arena, file->version, fault);
        return rc == MIGRATE_OK ? supabase_remove(m->conn, m->arena, file->version, fault) : rc;
    }
    const struct history_entry entry = {
        .file = file,
        .run_id = m->run_id,
        .duration_ms = run->outcome->duration_ms,
        .statements_done = run->outcome->statements,
        .statements = run->outcome->statements,
        .changes = catalog_changes_json(m->arena, &run->outcome->changes),
    };
    enum migrate_exit rc = history_add(m->conn, m->arena, &entry, fault);
    return rc == MIGRATE_OK ? supabase_add(m->conn, m->arena, file, fault) : rc;
}

/* All between BEGIN and COMMIT. */
static enum migrate_exit inside(struct run *run, struct fault *fault)
{
    const char *id;
    const struct catalog *before;
    enum migrate_exit rc = transaction_id(run->m, &id, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_catalog(run->m, &before, fault);
    if (rc == MIGRATE_OK && run->request->prepare)
        rc = run->request->prepare(run->m, run->request, fault);
    int64_t begun_us = svc_mono_us();
    if (rc == MIGRATE_OK)
        rc = send_file(run, fault);
    if (rc == MIGRATE_OK)
        rc = check_transaction(run, id, fault);
    run->outcome->duration_ms = (uint64_t)(svc_mono_us() - begun_us) / 1000;
    if (rc == MIGRATE_OK)
        rc = reset_session(run->m, fault);
    if (rc == MIGRATE_OK)
        rc = note_changes(run, before, fault);
    if (rc == MIGRATE_OK && run->request->check)
        rc = run->request->check(run->m, run->request, &run->after, &run->outcome->changes, fault);
    if (rc == MIGRATE_OK)
        rc = write_history(run, fault);
    return rc;
}

static enum migrate_exit attempt(struct run *run, struct fault *fault)
{
    struct migrate *m = run->m;
    const char *begin = svc_arena_printf(m->arena, "BEGIN; SET LOCAL lock_timeout = %u",
                                         m->config->lock_timeout_ms);
    run->committing = false;
    enum migrate_exit rc = database_script(m->conn, m->arena, begin, fault);
    if (rc == MIGRATE_OK)
        rc = inside(run, fault);
    if (rc != MIGRATE_OK)
        return rc;
    run->committing = true;
    return database_run(m->conn, m->arena, "COMMIT", 0, NULL, NULL, fault);
}

/* The answer to COMMIT was lost: under the lock, which the dead session has let go of by then, the
 * history row tells. */
static enum migrate_exit find_out(struct run *run, bool *ret_done, struct fault *fault)
{
    struct migrate *m = run->m;
    bool is_up = run->request->direction == RUN_UP, has = false;
    report_progress(&m->report,
                    "  %s: the connection was lost during COMMIT; looking what became of it",
                    run->text.file_name);
    enum migrate_exit rc = migrate_reconnect(m, fault);
    if (rc == MIGRATE_OK)
        rc = history_has(m->conn, m->arena, run->request->file, is_up ? m->run_id : NULL, &has,
                         fault);
    *ret_done = rc == MIGRATE_OK && has == is_up;
    if (rc != MIGRATE_OK)
        fault->detail = svc_arena_printf(
            m->arena,
            "%s may have been applied: the connection was lost during its COMMIT; `migrate status` "
            "tells%s%s",
            run->text.file_name, fault->detail ? "; " : "", fault->detail ? fault->detail : "");
    return rc;
}

/* What to do with a failed attempt: again (true), or is that the end (*rc, *fault)? */
static bool go_on(struct run *run, struct retry *retry, enum migrate_exit *rc, struct fault *fault)
{
    enum { LOST_MAX = 3 };
    struct migrate *m = run->m;
    bool done = false;
    if (run->committing && PQstatus(m->conn) == CONNECTION_BAD) {
        if (retry->attempts > LOST_MAX)
            return false;
        *rc = find_out(run, &done, fault);
        retry->attempts += done ? 0 : 1;
    } else if (retry_again(retry, m, run->text.file_name, run->watch.blocker, fault))
        *rc = database_run(m->conn, m->arena, "ROLLBACK", 0, NULL, NULL, fault);
    else
        *rc = fault->exit;
    if (*rc == MIGRATE_OK)
        *fault = (struct fault){0};
    return *rc == MIGRATE_OK && !done;
}

static enum migrate_exit in_transaction(struct run *run, struct fault *fault)
{
    struct retry retry;
    enum migrate_exit rc;
    retry_begin(&retry);
    do
        rc = attempt(run, fault);
    while (rc != MIGRATE_OK && go_on(run, &retry, &rc, fault));
    run->outcome->attempts = retry.attempts;
    return rc;
}

static enum migrate_exit find_text(const struct run_request *request, struct run_text *ret_text,
                                   struct fault *fault)
{
    const struct migration *file = request->file;
    const struct migration_part *down = &file->down;
    *ret_text = request->direction == RUN_UP
                    ? (struct run_text){file->file_name, file->text, file->len, file->directives}
                    : (struct run_text){down->file_name, down->text, down->len, down->directives};
    if (!ret_text->text)
        return fault_set(fault, MIGRATE_INTEGRITY, "no_down_file",
                         "there is no down file of this name");
    if (request->rehearse && ret_text->directives.no_transaction)
        return fault_set(fault, MIGRATE_USAGE, "no_transaction",
                         "a no-transaction file cannot be executed and rolled back");
    return MIGRATE_OK;
}

enum migrate_exit run_file(struct migrate *m, const struct run_request *request,
                           struct run_outcome *ret_outcome, struct fault *fault)
{
    struct run run = {.m = m, .request = request, .outcome = ret_outcome};
    *ret_outcome = (struct run_outcome){.attempts = 1};
    enum migrate_exit rc = find_text(request, &run.text, fault);
    if (rc == MIGRATE_OK && run.text.directives.no_transaction)
        rc = run_each(m, request, &run.text, ret_outcome, fault);
    else if (rc == MIGRATE_OK) {
        watch_begin(&run.watch, m, run.text.file_name);
        rc = request->rehearse ? inside(&run, fault) : in_transaction(&run, fault);
        watch_end(&run.watch);
        if (rc == MIGRATE_OK)
            migrate_set_catalog(m, &run.after);
    }
    if (rc != MIGRATE_OK && !fault->file)
        fault->file = run.text.file_name ? run.text.file_name : request->file->file_name;
    return rc;
}
