/* `migrate down`: take back the newest files, newest first.
 *
 *   which rows → rehearse all of it, roll back → what would be lost → each down file
 *
 * Nobody's word is taken for what a down file does: the rehearsal shows which tables and columns
 * go, and after each file the catalog must be what the other rows of the history say. */
#include "commands.h"
#include "database.h"
#include "fold.h"
#include "history.h"
#include "json.h"
#include "retry.h"
#include "run.h"

#include "svc/pg.h"

#include <inttypes.h>
#include <string.h>

/* A table or column that goes. */
struct going {
    const char *kind, *object;
    const char *table, *counted; /* of which table, what of it: "*" or the column */
    const char *rows;            /* how many are lost, as text; "0": none */
};

struct goings {
    struct going *items;
    size_t count;
};

struct target {
    const struct plan_entry *entry;
    struct goings goings; /* with its down file, as rehearsed */
};

struct down {
    struct target *targets; /* newest first */
    size_t count;
    struct goings goings; /* with all of them together */
    size_t losses;        /* how many of those hold rows */
};

static enum migrate_exit usage(struct fault *fault, const char *message)
{
    return fault_set(fault, MIGRATE_USAGE, "usage", message);
}

/* The entries that are in the history, newest first. */
static size_t recorded(struct migrate *m, struct target *ret_targets)
{
    size_t count = 0;
    for (size_t i = m->plan.count; i-- > 0;)
        if (m->plan.entries[i].applied)
            ret_targets[count++].entry = &m->plan.entries[i];
    return count;
}

static enum migrate_exit choose(struct migrate *m, struct down *down, struct fault *fault)
{
    const struct config *config = m->config;
    down->targets = svc_arena_alloc(m->arena, (m->plan.count + 1) * sizeof *down->targets);
    size_t count = recorded(m, down->targets);
    if (config->has_to) {
        while (down->count < count && down->targets[down->count].entry->version > config->to)
            down->count++;
        bool known = config->to == 0 || (down->count < count &&
                                         down->targets[down->count].entry->version == config->to);
        return known ? MIGRATE_OK
                     : usage(fault, svc_arena_printf(m->arena, "--to %" PRIu64 ": not applied here",
                                                     config->to));
    }
    if (config->steps > count)
        return usage(fault, svc_arena_printf(m->arena, "--steps %" PRIu32 ": only %zu are applied",
                                             config->steps, count));
    down->count = config->steps;
    return MIGRATE_OK;
}

static enum migrate_exit check_down_files(struct migrate *m, const struct down *down,
                                          struct fault *fault)
{
    for (size_t i = 0; i < down->count; i++)
        if (!down->targets[i].entry->file->down.text) {
            (void)fault_set(fault, MIGRATE_INTEGRITY, "no_down_file",
                            svc_arena_printf(m->arena, "%s has no down file; nothing was done",
                                             down->targets[i].entry->file->file_name));
            fault->hint = "write it as down/<the same name>";
            return fault->exit;
        }
    return MIGRATE_OK;
}

/* What the row's own file changed; of one that was interrupted on its way up nobody knows. */
static enum migrate_exit read_undone(struct migrate *m, const struct history_row *row,
                                     struct fold *ret_undone, struct fault *fault)
{
    if (row->changes && (!row->is_running || row->statements == 0))
        return fold_read_changes(m->conn, m->arena, row->changes, ret_undone, fault);
    *ret_undone = (struct fold){.is_complete = false};
    return MIGRATE_OK;
}

static enum migrate_exit check_undone(struct migrate *m, const struct run_request *request,
                                      const struct catalog *after,
                                      const struct catalog_changes *changes, struct fault *fault)
{
    struct fold rest, undone, done, found;
    struct fold_differences wrong;
    enum migrate_exit rc = fold_read(m->conn, m->arena, request->file->version, &rest, fault);
    if (rc == MIGRATE_OK)
        rc = read_undone(m, request->row, &undone, fault);
    if (rc != MIGRATE_OK)
        return rc;
    fold_from_changes(m->arena, changes, &done);
    fold_from_catalog(m->arena, after, &found);
    fold_check_undone(m->arena, &rest, &undone, &done, &found, &wrong);
    if (wrong.count == 0)
        return MIGRATE_OK;
    (void)fault_set(fault, MIGRATE_DRIFT, "down_incomplete",
                    svc_arena_printf(m->arena,
                                     "it does not take back exactly what its up file did: %s",
                                     fold_describe(m->arena, &wrong)));
    fault->file = request->file->down.file_name;
    return fault->exit;
}

static bool is_dropped(const struct catalog_changes *changes, const char *kind,
                       const char *identity)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct catalog_change *change = &changes->items[i];
        if (change->what == CATALOG_DROPPED && strcmp(change->object->kind, kind) == 0 &&
            strcmp(change->object->identity, identity) == 0)
            return true;
    }
    return false;
}

/* Identities are quoted by the server; a column's is its table's, a dot and its name. The texts are
 * copied: a catalog does not live long. */
static void note_goings(struct svc_arena *arena, const struct catalog_changes *changes,
                        struct goings *ret)
{
    ret->items = svc_arena_alloc(arena, (changes->count + 1) * sizeof *ret->items);
    ret->count = 0;
    for (size_t i = 0; i < changes->count; i++) {
        const struct catalog_object *object = changes->items[i].object;
        bool is_table = strcmp(object->kind, "table") == 0;
        bool is_column = strcmp(object->kind, "column") == 0;
        if (changes->items[i].what != CATALOG_DROPPED || !(is_table || is_column) ||
            (is_column && is_dropped(changes, "table", object->parent)))
            continue;
        const char *identity = svc_arena_text(arena, object->identity);
        ret->items[ret->count++] = (struct going){
            .kind = is_table ? "table" : "column",
            .object = identity,
            .table = is_table ? identity : svc_arena_text(arena, object->parent),
            .counted = is_table ? "*" : identity + strlen(object->parent) + 1,
            .rows = "0",
        };
    }
}

/* In a transaction that the caller rolls back. Statements that cannot run in one are left out. What
 * fails after them may fail because of that, and what the catalog must look like then is not known;
 * it is asked when the files run in earnest. */
static enum migrate_exit rehearse(struct migrate *m, const struct down *down, struct fault *fault)
{
    const char *left_out = NULL;
    enum migrate_exit rc = MIGRATE_OK;
    for (size_t i = 0; rc == MIGRATE_OK && i < down->count; i++) {
        struct target *target = &down->targets[i];
        const struct plan_entry *entry = target->entry;
        struct run_request request = {.direction = RUN_DOWN,
                                      .file = entry->file,
                                      .row = entry->applied,
                                      .rehearse = true,
                                      .check = left_out ? NULL : check_undone};
        struct run_outcome outcome = {0};
        if (entry->file->down.directives.no_transaction) {
            left_out = entry->file->down.file_name;
            rc = history_remove(m->conn, m->arena, entry->version, fault);
        } else
            rc = run_file(m, &request, &outcome, fault);
        if (rc == MIGRATE_OK)
            note_goings(m->arena, &outcome.changes, &target->goings);
    }
    if (rc != MIGRATE_OK && left_out)
        fault->hint = svc_arena_printf(m->arena,
                                       "%s cannot be rehearsed and was left out; take it back in a "
                                       "run of its own first",
                                       left_out);
    return rc;
}

static enum migrate_exit count_rows(struct migrate *m, struct going *going, struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    const char *sql =
        svc_arena_printf(m->arena, "SELECT count(%s) FROM %s", going->counted, going->table);
    enum migrate_exit rc = database_run(m->conn, m->arena, sql, 0, NULL, &result, fault);
    if (rc == MIGRATE_OK)
        going->rows = svc_arena_text(m->arena, svc_pg_text(result, 0, 0));
    return rc;
}

static bool holds_rows(const struct going *going)
{
    return strcmp(going->rows, "0") != 0;
}

/* row_security off: rather no answer than a count of what this role may see. */
static enum migrate_exit count_all(struct migrate *m, struct down *down, struct fault *fault)
{
    enum migrate_exit rc =
        database_script(m->conn, m->arena, "BEGIN; SET LOCAL row_security = off", fault);
    for (size_t i = 0; rc == MIGRATE_OK && i < down->goings.count; i++) {
        rc = count_rows(m, &down->goings.items[i], fault);
        down->losses += rc == MIGRATE_OK && holds_rows(&down->goings.items[i]) ? 1 : 0;
    }
    return rc == MIGRATE_OK ? database_run(m->conn, m->arena, "COMMIT", 0, NULL, NULL, fault) : rc;
}

static enum migrate_exit roll_back(struct migrate *m, struct fault *fault)
{
    m->catalog_known = false;
    return database_run(m->conn, m->arena, "ROLLBACK", 0, NULL, NULL, fault);
}

/* What all the down files do, tried out. */
static enum migrate_exit try_out(struct migrate *m, struct down *down, const struct catalog *before,
                                 struct fault *fault)
{
    const struct catalog *after;
    struct catalog_changes changes;
    enum migrate_exit rc = database_run(m->conn, m->arena, "BEGIN", 0, NULL, NULL, fault);
    if (rc == MIGRATE_OK)
        rc = rehearse(m, down, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_catalog(m, &after, fault);
    if (rc != MIGRATE_OK)
        return rc;
    catalog_diff(m->arena, before, after, &changes);
    note_goings(m->arena, &changes, &down->goings);
    return roll_back(m, fault);
}

/* Again while tables are in use, as run_file does it. */
static enum migrate_exit find_losses(struct migrate *m, struct down *down, struct fault *fault)
{
    struct catalog before;
    struct retry retry;
    enum migrate_exit rc = catalog_read(m->conn, m->arena, &before, fault);
    if (rc != MIGRATE_OK)
        return rc;
    retry_begin(&retry);
    while ((rc = try_out(m, down, &before, fault)) != MIGRATE_OK) {
        if (!retry_again(&retry, m, "rehearsal", "", fault))
            return fault->exit;
        *fault = (struct fault){0};
        rc = roll_back(m, fault);
        if (rc != MIGRATE_OK)
            return rc;
    }
    return count_all(m, down, fault);
}

static void say_losses(struct migrate *m, const struct down *down)
{
    struct svc_buffer *json = &m->report.members;
    json_begin_array(json, "data_loss");
    for (size_t i = 0; i < down->goings.count; i++) {
        const struct going *going = &down->goings.items[i];
        if (!holds_rows(going))
            continue;
        report_warn("data loss: %s %s: %s %s", going->kind, going->object, going->rows,
                    strcmp(going->kind, "table") == 0 ? "rows" : "values");
        json_begin_object(json, NULL);
        json_text(json, "kind", going->kind);
        json_text(json, "object", going->object);
        json_raw(json, "rows", going->rows);
        json_end_object(json);
    }
    json_end_array(json);
}

static enum migrate_exit refuse_loss(struct fault *fault, const char *message)
{
    (void)fault_set(fault, MIGRATE_INTEGRITY, "data_loss", message);
    fault->hint = "save what is in them, then say --allow-data-loss";
    return fault->exit;
}

static enum migrate_exit check_losses(struct migrate *m, const struct down *down,
                                      struct fault *fault)
{
    if (down->losses == 0 || m->config->allow_data_loss)
        return MIGRATE_OK;
    return refuse_loss(fault, svc_arena_printf(m->arena,
                                               "%zu tables or columns with data would go; nothing "
                                               "was done",
                                               down->losses));
}

static enum migrate_exit check_one_still_empty(struct migrate *m, struct going *going,
                                               struct fault *fault)
{
    const char *lock = svc_arena_printf(m->arena, "LOCK TABLE %s", going->table);
    enum migrate_exit rc = database_run(m->conn, m->arena, lock, 0, NULL, NULL, fault);
    if (rc == MIGRATE_OK)
        rc = count_rows(m, going, fault);
    if (rc == MIGRATE_OK && holds_rows(going))
        rc = refuse_loss(fault,
                         svc_arena_printf(m->arena, "rows came into %s meanwhile", going->object));
    return rc;
}

/* Rows may have come since they were counted, so what goes is locked and looked at once more. */
static enum migrate_exit check_still_empty(struct migrate *m, const struct run_request *request,
                                           struct fault *fault)
{
    const struct target *target = request->arg;
    enum migrate_exit rc =
        database_run(m->conn, m->arena, "SET LOCAL row_security = off", 0, NULL, NULL, fault);
    for (size_t i = 0; rc == MIGRATE_OK && i < target->goings.count; i++)
        rc = check_one_still_empty(m, &target->goings.items[i], fault);
    return rc == MIGRATE_OK ? database_run(m->conn, m->arena, "SET LOCAL row_security = on", 0,
                                           NULL, NULL, fault)
                            : rc;
}

static enum migrate_exit take_back(struct migrate *m, const struct target *target,
                                   struct fault *fault)
{
    struct svc_buffer *json = &m->report.members;
    const struct plan_entry *entry = target->entry;
    struct run_request request = {.direction = RUN_DOWN,
                                  .file = entry->file,
                                  .row = entry->applied,
                                  .prepare = m->config->allow_data_loss ? NULL : check_still_empty,
                                  .check = check_undone,
                                  .arg = target};
    struct run_outcome outcome;
    enum migrate_exit rc = run_file(m, &request, &outcome, fault);
    if (rc != MIGRATE_OK)
        return rc;
    report_progress(&m->report, "took back %s (%" PRIu64 " ms): %s", entry->file->file_name,
                    outcome.duration_ms, outcome.summary);
    json_begin_object(json, NULL);
    json_text(json, "version", svc_arena_printf(m->arena, "%" PRIu64, entry->version));
    json_text(json, "name", entry->file->name);
    json_number(json, "duration_ms", outcome.duration_ms);
    json_text(json, "summary", outcome.summary);
    json_end_object(json);
    return MIGRATE_OK;
}

static enum migrate_exit take_back_all(struct migrate *m, const struct down *down,
                                       struct fault *fault)
{
    enum migrate_exit rc = MIGRATE_OK;
    json_begin_array(&m->report.members, "taken_back");
    for (size_t i = 0; rc == MIGRATE_OK && i < down->count; i++)
        rc = take_back(m, &down->targets[i], fault);
    json_end_array(&m->report.members);
    if (rc == MIGRATE_OK && down->count == 0)
        report_say(&m->report, "nothing to do");
    return rc;
}

enum migrate_exit command_down(struct migrate *m, struct fault *fault)
{
    struct down down = {0};
    enum migrate_exit rc = migrate_begin(m, fault);
    if (rc == MIGRATE_OK)
        rc = choose(m, &down, fault);
    if (rc == MIGRATE_OK)
        rc = check_down_files(m, &down, fault);
    if (rc == MIGRATE_OK && down.count)
        rc = find_losses(m, &down, fault);
    if (rc == MIGRATE_OK)
        say_losses(m, &down);
    if (rc == MIGRATE_OK)
        rc = check_losses(m, &down, fault);
    return rc == MIGRATE_OK ? take_back_all(m, &down, fault) : rc;
}
