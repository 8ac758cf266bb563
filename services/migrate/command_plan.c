/* `migrate plan`, which is `up --dry-run`: what `up` would do, found out by doing it.
 *
 * All pending files run in one transaction that is rolled back. Whoever uses the tables meanwhile
 * waits as long as `up` would make them wait, so a table's lock is waited for only once and
 * shortly. What cannot run in a transaction is listed, not executed. */
#include "commands.h"
#include "database.h"
#include "history.h"
#include "json.h"
#include "lock.h"
#include "run.h"

#include "svc/pg.h"

#include <inttypes.h>
#include <string.h>

enum { LINE_BYTES_MAX = 100, LOCKED_MAX = 4096 };

struct locked {
    const char *relation;
    int64_t strength;
};

struct rehearsal {
    const char *relations;            /* plan_relations.sql */
    struct locked locked[LOCKED_MAX]; /* after the file before this one */
    size_t locked_count;
    const char *left_out; /* the last file that was not executed; NULL: none */
    bool stopped;         /* a file failed after it: nothing more is executed */
};

static enum migrate_exit read_relations(struct migrate *m, struct rehearsal *rehearsal,
                                        struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum migrate_exit rc =
        database_statement(m->conn, m->arena, MIGRATE_SQL_PLAN_RELATIONS, 0, NULL, &result, fault);
    if (rc == MIGRATE_OK)
        rehearsal->relations = svc_arena_text(m->arena, svc_pg_text(result, 0, 0));
    return rc;
}

/* The first line, cut between characters. */
static const char *first_line(struct svc_arena *arena, const struct statement *statement)
{
    const char *end = memchr(statement->text, '\n', statement->len);
    size_t len = end ? (size_t)(end - statement->text) : statement->len;
    if (len > 0 && statement->text[len - 1] == '\r')
        len--;
    if (len > LINE_BYTES_MAX) {
        len = LINE_BYTES_MAX;
        while (len > 0 && ((unsigned char)statement->text[len] & 0xC0) == 0x80)
            len--;
    }
    return svc_arena_printf(arena, "%s%s", (char *)svc_arena_copy(arena, statement->text, len),
                            len < statement->len ? " …" : "");
}

static void say_statements(struct migrate *m, const struct migration *file)
{
    struct svc_buffer *json = &m->report.members;
    struct statements statements;
    lexer_split(m->arena, file->text, file->len, &statements);
    json_begin_array(json, "statements");
    for (size_t i = 0; i < statements.count; i++) {
        const char *line = first_line(m->arena, &statements.items[i]);
        report_say(&m->report, "  line %u: %s", statements.items[i].line, line);
        json_begin_object(json, NULL);
        json_number(json, "line", statements.items[i].line);
        json_text(json, "text", line);
        json_end_object(json);
    }
    json_end_array(json);
}

/* Is this lock new, or stronger than before? Remembers it. */
static bool note_lock(struct rehearsal *rehearsal, const char *relation, int64_t strength)
{
    struct locked *locked = rehearsal->locked;
    for (size_t i = 0; i < rehearsal->locked_count; i++)
        if (strcmp(locked[i].relation, relation) == 0) {
            bool stronger = strength > locked[i].strength;
            locked[i].strength = stronger ? strength : locked[i].strength;
            return stronger;
        }
    if (rehearsal->locked_count < LOCKED_MAX)
        locked[rehearsal->locked_count++] =
            (struct locked){.relation = relation, .strength = strength};
    return true;
}

static void say_lock(struct migrate *m, const char *relation, const char *mode, const char *rows)
{
    struct svc_buffer *json = &m->report.members;
    report_say(&m->report, "  %s on %s, %s", mode, relation,
               rows ? svc_arena_printf(m->arena, "about %s rows", rows) : "rows not counted yet");
    json_begin_object(json, NULL);
    json_text(json, "relation", relation);
    json_text(json, "mode", mode);
    json_raw(json, "rows", rows ? rows : "null");
    json_end_object(json);
}

static void say_locks(struct migrate *m, struct rehearsal *rehearsal, const PGresult *result)
{
    json_begin_array(&m->report.members, "locks");
    for (int i = 0; result && i < PQntuples(result); i++) {
        const char *relation = svc_arena_text(m->arena, svc_pg_text(result, i, 0));
        if (note_lock(rehearsal, relation, svc_pg_i64(result, i, 2)))
            say_lock(m, relation, svc_pg_text(result, i, 1), svc_pg_text(result, i, 3));
    }
    json_end_array(&m->report.members);
}

static void begin_file(struct migrate *m, const struct migration *file, bool executed,
                       const char *reason)
{
    struct svc_buffer *json = &m->report.members;
    json_begin_object(json, NULL);
    json_text(json, "version", svc_arena_printf(m->arena, "%" PRIu64, file->version));
    json_text(json, "name", file->name);
    json_bool(json, "executed", executed);
    json_text(json, "reason", reason);
}

static void say_executed(struct migrate *m, struct rehearsal *rehearsal,
                         const struct migration *file, const struct run_outcome *outcome,
                         const PGresult *locks)
{
    struct svc_buffer *json = &m->report.members;
    report_say(&m->report, "would apply %s (%" PRIu64 " ms): %s", file->file_name,
               outcome->duration_ms, outcome->summary);
    begin_file(m, file, true, NULL);
    json_number(json, "duration_ms", outcome->duration_ms);
    json_text(json, "summary", outcome->summary);
    say_statements(m, file);
    say_locks(m, rehearsal, locks);
    json_end_object(json);
}

static void say_left_out(struct migrate *m, struct rehearsal *rehearsal,
                         const struct migration *file, const char *reason)
{
    struct svc_buffer *json = &m->report.members;
    report_say(&m->report, "not executed: %s: %s", file->file_name, reason);
    begin_file(m, file, false, reason);
    json_raw(json, "duration_ms", "null");
    json_raw(json, "summary", "null");
    say_statements(m, file);
    say_locks(m, rehearsal, NULL);
    json_end_object(json);
}

/* `up` would try again; here nobody is kept waiting more than once. */
static enum migrate_exit explain_lock(struct fault *fault)
{
    if (!fault->sqlstate || strcmp(fault->sqlstate, "55P03") != 0)
        return fault->exit;
    fault->exit = MIGRATE_LOCK;
    fault->code = "lock_timeout";
    fault->hint =
        "a table is in use: `up` tries again until --lock-wait; for `plan` choose another "
        "moment, or give --lock-timeout more time";
    return fault->exit;
}

static enum migrate_exit execute(struct migrate *m, struct rehearsal *rehearsal,
                                 const struct migration *file, struct fault *fault)
{
    struct run_request request = {.direction = RUN_UP, .file = file, .rehearse = true};
    struct run_outcome outcome;
    SVC_PGRESULT PGresult *locks = NULL;
    enum migrate_exit rc = run_file(m, &request, &outcome, fault);
    if (rc != MIGRATE_OK)
        return explain_lock(fault);
    rc = database_statement(m->conn, m->arena, MIGRATE_SQL_PLAN_LOCKS, 1, &rehearsal->relations,
                            &locks, fault);
    if (rc == MIGRATE_OK)
        say_executed(m, rehearsal, file, &outcome, locks);
    return rc;
}

/* A file that needs what a file left out makes fails here and not in `up`. Nobody can say whether
 * that is the cause, so it is told and is no fault. */
static enum migrate_exit forgive(struct migrate *m, struct rehearsal *rehearsal,
                                 const struct migration *file, struct fault *fault)
{
    if (!rehearsal->left_out || fault->exit != MIGRATE_SQL || !fault->sqlstate)
        return fault->exit;
    report_fault(fault);
    rehearsal->stopped = true;
    say_left_out(m, rehearsal, file,
                 svc_arena_printf(m->arena, "it failed, perhaps because %s was left out: %s",
                                  rehearsal->left_out, fault->message));
    *fault = (struct fault){0};
    return MIGRATE_OK;
}

static enum migrate_exit rehearse_file(struct migrate *m, struct rehearsal *rehearsal,
                                       const struct migration *file, struct fault *fault)
{
    if (file->directives.no_transaction) {
        say_left_out(m, rehearsal, file, "it runs outside of a transaction");
        rehearsal->left_out = file->file_name;
        return MIGRATE_OK;
    }
    if (rehearsal->stopped) {
        say_left_out(m, rehearsal, file, "a file before it failed");
        return MIGRATE_OK;
    }
    enum migrate_exit rc = execute(m, rehearsal, file, fault);
    return rc == MIGRATE_OK ? rc : forgive(m, rehearsal, file, fault);
}

static enum migrate_exit rehearse_all(struct migrate *m, struct rehearsal *rehearsal,
                                      struct fault *fault)
{
    enum migrate_exit rc = MIGRATE_OK;
    json_begin_array(&m->report.members, "migrations");
    for (size_t i = 0; rc == MIGRATE_OK && i < m->plan.count; i++)
        if (plan_is_work(m->plan.entries[i].state))
            rc = rehearse_file(m, rehearsal, m->plan.entries[i].file, fault);
    json_end_array(&m->report.members);
    return rc;
}

/* The history table, too, is made only to be rolled back. */
static enum migrate_exit rehearse(struct migrate *m, struct fault *fault)
{
    struct rehearsal *rehearsal = svc_arena_alloc(m->arena, sizeof *rehearsal);
    enum migrate_exit rc = read_relations(m, rehearsal, fault);
    if (rc == MIGRATE_OK)
        rc = database_run(m->conn, m->arena, "BEGIN", 0, NULL, NULL, fault);
    if (rc == MIGRATE_OK)
        rc = history_make(m->conn, m->arena, fault);
    if (rc == MIGRATE_OK)
        rc = rehearse_all(m, rehearsal, fault);
    if (rc != MIGRATE_OK)
        return rc;
    m->catalog_known = false;
    return database_run(m->conn, m->arena, "ROLLBACK", 0, NULL, NULL, fault);
}

enum migrate_exit command_plan(struct migrate *m, struct fault *fault)
{
    enum migrate_exit rc = migrate_read_files(m, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_connect(m, fault);
    if (rc == MIGRATE_OK)
        rc = lock_take(m, m->config->lock_wait_ms, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_read_history(m, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_check_plan(m, fault);
    if (rc == MIGRATE_OK)
        rc = rehearse(m, fault);
    if (rc == MIGRATE_OK && m->plan.pending == 0)
        report_say(&m->report, "nothing to do");
    return rc;
}
