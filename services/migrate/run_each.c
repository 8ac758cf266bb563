/* running → statement, count, statement, count, … → applied. Killed anywhere, the next run finds
 * the row and goes on after what it counts. */
#include "run_each.h"

#include "database.h"
#include "fold.h"
#include "history.h"
#include "leftover.h"
#include "retry.h"
#include "summary.h"
#include "supabase.h"
#include "watch.h"

#include "svc/clock.h"
#include "svc/pg.h"

#include <string.h>
#include <strings.h>

enum { TITLE_MAX = 60 };

struct each {
    struct migrate *m;
    const struct migration *file;
    const struct run_text *text;
    struct statements statements;
    size_t first; /* the ones before it are done */
    /* Statements below this may have been done by a run that could not count them any more. */
    size_t doubtful_below;
    struct run_outcome *outcome;
};

/* "2/3 CREATE INDEX CONCURRENTLY …", on one line. */
static const char *title(struct each *each, size_t i)
{
    const struct statement *statement = &each->statements.items[i];
    bool is_cut = statement->len > TITLE_MAX;
    size_t len = is_cut ? TITLE_MAX : statement->len;
    while (is_cut && len > 0 && ((unsigned char)statement->text[len] & 0xc0) == 0x80)
        len--; /* not in the middle of a character */
    char *words = svc_arena_copy(each->m->arena, statement->text, len);
    for (char *at = words; *at; at++)
        if (*at == '\n' || *at == '\r' || *at == '\t')
            *at = ' ';
    return svc_arena_printf(each->m->arena, "%s %zu/%zu %s%s", each->text->file_name, i + 1,
                            each->statements.count, words, is_cut ? "…" : "");
}

static bool begins_with(const struct statement *statement, const char *word)
{
    return strncasecmp(statement->text, word, strlen(word)) == 0;
}

/* Each statement by itself. One that changes rows queues for locks like a file in a transaction
 * does; building and dropping indexes concurrently waits without making others wait, as long as it
 * takes. */
static enum migrate_exit settle(struct each *each, const struct statement *statement,
                                struct fault *fault)
{
    struct migrate *m = each->m;
    bool takes_row_locks = begins_with(statement, "DO") || begins_with(statement, "CALL");
    const char *settings =
        database_settings(m->arena, takes_row_locks ? m->config->lock_timeout_ms : 0);
    return database_script(
        m->conn, m->arena,
        svc_arena_printf(m->arena, "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; %s",
                         settings),
        fault);
}

/* A run that was killed between a statement's end and its counting: the object is there, or gone,
 * already. */
static bool was_done(const struct each *each, size_t i, const struct fault *fault)
{
    const struct statement *statement = &each->statements.items[i];
    const char *sqlstate = fault->sqlstate ? fault->sqlstate : "";
    return i < each->doubtful_below &&
           ((begins_with(statement, "CREATE") && strcmp(sqlstate, "42P07") == 0) ||
            (begins_with(statement, "DROP") && strcmp(sqlstate, "42704") == 0));
}

static enum migrate_exit take_result(struct each *each, size_t i, const PGresult *result,
                                     struct fault *fault)
{
    const struct run_text *text = each->text;
    struct migrate *m = each->m;
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY)
        return MIGRATE_OK;
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
        return fault_set(fault, MIGRATE_SQL, "copy_not_supported",
                         "COPY from or to the client does not work in a migration");
    (void)database_fault(m->conn, m->arena, result, fault);
    if (fault->sqlstate)
        fault_locate_statement(fault, result, text->file_name, text->text, text->len,
                               &each->statements.items[i]);
    return fault->exit;
}

static enum migrate_exit send_statement(struct each *each, size_t i, struct watch *watch,
                                        struct fault *fault)
{
    struct migrate *m = each->m;
    const struct statement *statement = &each->statements.items[i];
    struct database_ticker ticker = watch_ticker(watch);
    const char *sql = svc_arena_copy(m->arena, statement->text, statement->len);
    enum migrate_exit rc = database_send(m->conn, m->arena, sql, fault);
    while (rc == MIGRATE_OK) {
        SVC_PGRESULT PGresult *result = NULL;
        rc = database_next(m->conn, m->arena, &ticker, &result, fault);
        if (rc == MIGRATE_OK && !result)
            break;
        if (rc == MIGRATE_OK)
            rc = take_result(each, i, result, fault);
    }
    for (PGresult *rest; rc != MIGRATE_OK && PQtransactionStatus(m->conn) == PQTRANS_ACTIVE &&
                         strcmp(fault->code, "copy_not_supported") != 0 &&
                         (rest = PQgetResult(m->conn)) != NULL;)
        PQclear(rest);
    return rc;
}

/* BEGIN as a statement of its own would put all later ones, and their counting, into doubt. */
static enum migrate_exit check_idle(struct each *each, size_t i, struct fault *fault)
{
    const struct run_text *text = each->text;
    if (PQtransactionStatus(each->m->conn) == PQTRANS_IDLE)
        return MIGRATE_OK;
    (void)fault_set(fault, MIGRATE_SQL, "transaction_open",
                    "the statement left a transaction open; in a no-transaction file each "
                    "statement stands alone");
    fault_place(fault, text->file_name, text->text, text->len, each->statements.items[i].offset);
    return fault->exit;
}

static enum migrate_exit run_statement(struct each *each, size_t i, struct fault *fault)
{
    struct migrate *m = each->m;
    const struct statement *statement = &each->statements.items[i];
    const char *what = title(each, i);
    struct retry retry;
    enum migrate_exit rc;
    int64_t begun_us = svc_mono_us();
    retry_begin(&retry);
    for (;;) {
        struct watch watch;
        watch_begin(&watch, m, what);
        rc = settle(each, statement, fault);
        if (rc == MIGRATE_OK)
            rc = leftover_drop(m, statement, fault);
        if (rc == MIGRATE_OK)
            rc = send_statement(each, i, &watch, fault);
        watch_end(&watch);
        if (rc == MIGRATE_OK || was_done(each, i, fault))
            break;
        if (!retry_again(&retry, m, what, watch.blocker, fault))
            return fault->exit;
    }
    each->outcome->attempts += retry.attempts - 1;
    report_progress(&m->report, "  %s: %s (%lld ms)", what, rc == MIGRATE_OK ? "done" : "was done",
                    (long long)(svc_mono_us() - begun_us) / 1000);
    *fault = (struct fault){0};
    rc = check_idle(each, i, fault);
    return rc == MIGRATE_OK ? settle(each, statement, fault) : rc;
}

/* A file whose first statement is wrong is as good as not begun: without its row it can be edited.
 */
static enum migrate_exit explain(struct each *each, size_t i, bool is_up, struct fault *fault)
{
    struct migrate *m = each->m;
    struct fault ignored;
    bool can_talk = PQtransactionStatus(m->conn) == PQTRANS_IDLE;
    if (can_talk && fault->sqlstate)
        (void)leftover_drop(m, &each->statements.items[i], &ignored);
    if (!is_up || i > 0 || !can_talk) {
        if (!fault->hint)
            fault->hint = svc_arena_printf(
                m->arena, "%zu of %zu statements are done; the next run goes on after them", i,
                each->statements.count);
        return fault->exit;
    }
    (void)settle(each, &each->statements.items[i], &ignored);
    (void)history_remove(m->conn, m->arena, each->file->version, &ignored);
    return fault->exit;
}

/* progress: each statement is counted in the row. */
static enum migrate_exit run_statements(struct each *each, bool is_up, struct fault *fault)
{
    struct migrate *m = each->m;
    int64_t begun_us = svc_mono_us();
    enum migrate_exit rc = MIGRATE_OK;
    for (size_t i = each->first; i < each->statements.count && rc == MIGRATE_OK; i++) {
        rc = run_statement(each, i, fault);
        if (rc != MIGRATE_OK)
            return explain(each, i, is_up, fault);
        if (is_up)
            rc = history_advance(m->conn, m->arena, each->file->version, i + 1, fault);
    }
    each->outcome->duration_ms = (uint64_t)(svc_mono_us() - begun_us) / 1000;
    each->outcome->statements = (unsigned)each->statements.count;
    return rc;
}

/* While the row says `running`, its changes hold the catalog as it was before the file. */
static const char *catalog_json(struct svc_arena *arena, const struct catalog *catalog)
{
    struct catalog_changes all;
    catalog_diff(arena, &(struct catalog){0}, catalog, &all);
    return catalog_changes_json(arena, &all);
}

static enum migrate_exit catalog_of_row(struct migrate *m, const struct history_row *row,
                                        struct catalog *ret_catalog, struct fault *fault)
{
    struct fold fold;
    enum migrate_exit rc = fold_read_changes(m->conn, m->arena, row->changes, &fold, fault);
    if (rc != MIGRATE_OK)
        return rc;
    ret_catalog->items = svc_arena_alloc(m->arena, (fold.count + 1) * sizeof *ret_catalog->items);
    ret_catalog->count = fold.count;
    for (size_t i = 0; i < fold.count; i++) {
        const char *key = fold.items[i].key;
        size_t kind = strcspn(key, " ");
        ret_catalog->items[i] = (struct catalog_object){
            .kind = svc_arena_copy(m->arena, key, kind),
            .identity = key + kind + (key[kind] ? 1 : 0),
            .parent = "",
            .digest = fold.items[i].digest,
        };
    }
    return MIGRATE_OK;
}

static enum migrate_exit note_changes(struct each *each, const struct catalog *before,
                                      struct fault *fault)
{
    struct migrate *m = each->m;
    struct catalog after;
    enum migrate_exit rc = catalog_read(m->conn, migrate_catalog_arena(m), &after, fault);
    if (rc != MIGRATE_OK)
        return rc;
    migrate_set_catalog(m, &after);
    catalog_diff(m->arena, before, &m->catalog, &each->outcome->changes);
    each->outcome->summary = summary_text(m->arena, &each->outcome->changes);
    return MIGRATE_OK;
}

/* The row's last step, together with the Supabase CLI's. */
static enum migrate_exit finish_up(struct each *each, bool changes_stay, struct fault *fault)
{
    struct migrate *m = each->m;
    const char *changes =
        changes_stay ? NULL : catalog_changes_json(m->arena, &each->outcome->changes);
    enum migrate_exit rc = database_run(m->conn, m->arena, "BEGIN", 0, NULL, NULL, fault);
    if (rc == MIGRATE_OK)
        rc = history_finish(m->conn, m->arena, each->file->version, each->outcome->duration_ms,
                            changes, fault);
    if (rc == MIGRATE_OK)
        rc = supabase_add(m->conn, m->arena, each->file, fault);
    return rc == MIGRATE_OK ? database_run(m->conn, m->arena, "COMMIT", 0, NULL, NULL, fault) : rc;
}

/* A fresh file, one that was interrupted, or one whose way back was interrupted (statements 0): the
 * last begins again, and its row's changes are still those of its first time. */
static enum migrate_exit begin_up(struct each *each, const struct history_row *row,
                                  struct catalog *ret_before, struct fault *fault)
{
    struct migrate *m = each->m;
    size_t count = each->statements.count;
    const struct catalog *now;
    enum migrate_exit rc;
    if (row && row->statements > 0) {
        each->first = row->statements_done;
        each->doubtful_below = each->first ? each->first + 1 : count; /* 0: perhaps by `repair` */
        rc = catalog_of_row(m, row, ret_before, fault);
    } else {
        each->doubtful_below = row ? count : 0;
        rc = migrate_catalog(m, &now, fault);
        *ret_before = *now;
    }
    if (rc != MIGRATE_OK)
        return rc;
    if (row)
        return history_resume(m->conn, m->arena, row->version, m->run_id, count, fault);
    const struct history_entry entry = {.file = each->file,
                                        .run_id = m->run_id,
                                        .is_running = true,
                                        .statements = count,
                                        .changes = catalog_json(m->arena, ret_before)};
    return history_add(m->conn, m->arena, &entry, fault);
}

static enum migrate_exit run_up(struct each *each, const struct history_row *row,
                                struct fault *fault)
{
    struct catalog before;
    if (each->statements.count == 0) /* its row would look like one that is being taken back */
        return fault_set(fault, MIGRATE_SQL, "empty_file",
                         "a no-transaction file without a statement; let it run in a transaction");
    enum migrate_exit rc = begin_up(each, row, &before, fault);
    if (rc == MIGRATE_OK)
        rc = run_statements(each, true, fault);
    if (rc == MIGRATE_OK)
        rc = leftover_check(each->m, each->text->text, each->text->len, fault);
    if (rc == MIGRATE_OK)
        rc = note_changes(each, &before, fault);
    if (rc == MIGRATE_OK)
        rc = finish_up(each, row && row->statements == 0, fault);
    return rc;
}

static enum migrate_exit finish_down(struct each *each, struct fault *fault)
{
    struct migrate *m = each->m;
    uint64_t version = each->file->version;
    enum migrate_exit rc = database_run(m->conn, m->arena, "BEGIN", 0, NULL, NULL, fault);
    if (rc == MIGRATE_OK)
        rc = history_remove(m->conn, m->arena, version, fault);
    if (rc == MIGRATE_OK)
        rc = supabase_remove(m->conn, m->arena, version, fault);
    return rc == MIGRATE_OK ? database_run(m->conn, m->arena, "COMMIT", 0, NULL, NULL, fault) : rc;
}

/* Always from the first statement on: what an interrupted way back took away is not there, which is
 * as good. */
static enum migrate_exit run_down(struct each *each, const struct run_request *request,
                                  struct fault *fault)
{
    struct migrate *m = each->m;
    const struct history_row *row = request->row;
    const struct catalog *now;
    each->doubtful_below = row->is_running ? each->statements.count : 0;
    enum migrate_exit rc = migrate_catalog(m, &now, fault);
    struct catalog before = *now;
    if (rc == MIGRATE_OK)
        rc = history_resume(m->conn, m->arena, row->version, m->run_id, 0, fault);
    if (rc == MIGRATE_OK)
        rc = run_statements(each, false, fault);
    if (rc == MIGRATE_OK)
        rc = note_changes(each, &before, fault);
    if (rc == MIGRATE_OK && request->check)
        rc = request->check(m, request, &m->catalog, &each->outcome->changes, fault);
    if (rc == MIGRATE_OK)
        rc = finish_down(each, fault);
    return rc;
}

enum migrate_exit run_each(struct migrate *m, const struct run_request *request,
                           const struct run_text *text, struct run_outcome *ret_outcome,
                           struct fault *fault)
{
    struct each each = {.m = m, .file = request->file, .text = text, .outcome = ret_outcome};
    lexer_split(m->arena, text->text, text->len, &each.statements);
    return request->direction == RUN_UP ? run_up(&each, request->row, fault)
                                        : run_down(&each, request, fault);
}
