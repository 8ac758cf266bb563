/* `migrate down`: take back the newest files, newest first.
 *
 *   which rows → rehearse all of it, roll back → what would be lost, what cannot be as it was →
 * each down file
 *
 * Nobody's word is taken for what a down file does: the rehearsal shows which tables and columns
 * go, and after each file the catalog must be what the other rows of the history say, but for rules
 * that rows made since do not fit (told.h). */
#include "commands.h"
#include "database.h"
#include "fold.h"
#include "history.h"
#include "json.h"
#include "losses.h"
#include "retry.h"
#include "run.h"
#include "told.h"

#include "svc/pg.h"

#include <inttypes.h>
#include <string.h>

struct target {
    const struct plan_entry *entry;
    struct goings goings; /* with its down file, as rehearsed */
    struct told_list *told;
};

struct down {
    struct target *targets; /* newest first */
    size_t count;
    struct goings goings;               /* with all of them together */
    size_t losses;                      /* how many of those hold rows */
    struct told_list *rehearsed, *done; /* what the files told, tried out and in earnest */
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

/* What the row's own file changed; of one that was interrupted on its way up nobody knows. Read
 * anew: a file taken back before it may have changed it (told_settle). */
static enum migrate_exit read_undone(struct migrate *m, const struct history_row *row,
                                     struct fold *ret_undone, struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    const char *version = svc_arena_printf(m->arena, "%" PRIu64, row->version);
    *ret_undone = (struct fold){.is_complete = false};
    if (!row->changes || (row->is_running && row->statements > 0))
        return MIGRATE_OK;
    enum migrate_exit rc = database_statement(m->conn, m->arena, MIGRATE_SQL_HISTORY_CHANGES, 1,
                                              &version, &result, fault);
    if (rc == MIGRATE_OK && PQntuples(result) == 1)
        rc = fold_read_changes(m->conn, m->arena, svc_pg_text(result, 0, 0), ret_undone, fault);
    return rc;
}

static enum migrate_exit check_undone(struct migrate *m, const struct run_request *request,
                                      const struct catalog *after,
                                      const struct catalog_changes *changes, struct fault *fault)
{
    struct fold rest, undone, done, found;
    struct fold_differences wrong;
    const struct target *target = request->arg;
    uint64_t version = request->file->version;
    enum migrate_exit rc = fold_read(m->conn, m->arena, version, &rest, fault);
    if (rc == MIGRATE_OK)
        rc = read_undone(m, request->row, &undone, fault);
    if (rc != MIGRATE_OK)
        return rc;
    fold_from_changes(m->arena, changes, &done);
    fold_from_catalog(m->arena, after, &found);
    fold_check_undone(m->arena, &rest, &undone, &done, &found, &wrong);
    rc = told_settle(m, target->told, version, &wrong, fault);
    if (rc != MIGRATE_OK || wrong.count == 0)
        return rc;
    (void)fault_set(fault, MIGRATE_DRIFT, "down_incomplete",
                    svc_arena_printf(m->arena,
                                     "it does not take back exactly what its up file did: %s",
                                     fold_describe(m->arena, &wrong)));
    fault->file = request->file->down.file_name;
    return fault->exit;
}

/* In a transaction that the caller rolls back. Statements that cannot run in one are left out. What
 * fails after them may fail because of that, and what the catalog must look like then is not known;
 * it is asked when the files run in earnest. */
static enum migrate_exit rehearse(struct migrate *m, const struct down *down, struct fault *fault)
{
    const char *left_out = NULL;
    enum migrate_exit rc = MIGRATE_OK;
    down->rehearsed->count = 0;
    for (size_t i = 0; rc == MIGRATE_OK && i < down->count; i++) {
        struct target *target = &down->targets[i];
        const struct plan_entry *entry = target->entry;
        struct run_request request = {.direction = RUN_DOWN,
                                      .file = entry->file,
                                      .row = entry->applied,
                                      .rehearse = true,
                                      .check = left_out ? NULL : check_undone,
                                      .arg = target};
        target->told = down->rehearsed;
        told_listen(target->told, m->conn, entry->version);
        struct run_outcome outcome = {0};
        if (entry->file->down.directives.no_transaction) {
            left_out = entry->file->down.file_name;
            rc = history_remove(m->conn, m->arena, entry->version, fault);
        } else
            rc = run_file(m, &request, &outcome, fault);
        if (rc == MIGRATE_OK)
            losses_note(m->arena, &outcome.changes, &target->goings);
    }
    if (rc != MIGRATE_OK && left_out)
        fault->hint = svc_arena_printf(m->arena,
                                       "%s cannot be rehearsed and was left out; take it back in a "
                                       "run of its own first",
                                       left_out);
    return rc;
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
    if (rc == MIGRATE_OK)
        rc = told_find_gone(m, down->rehearsed, fault);
    if (rc != MIGRATE_OK)
        return rc;
    catalog_diff(m->arena, before, after, &changes);
    losses_note(m->arena, &changes, &down->goings);
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
    return losses_count(m, &down->goings, &down->losses, fault);
}

static enum migrate_exit check_losses(struct migrate *m, const struct down *down,
                                      struct fault *fault)
{
    if (down->losses == 0 || m->config->allow_data_loss)
        return MIGRATE_OK;
    return losses_refuse(fault,
                         svc_arena_printf(m->arena,
                                          "%zu tables or columns with data would go; nothing "
                                          "was done",
                                          down->losses));
}

/* Before each attempt: on a new connection if the last one was lost, and what a file that was
 * rolled back had told counts no more. */
static enum migrate_exit prepare(struct migrate *m, const struct run_request *request,
                                 struct fault *fault)
{
    const struct target *target = request->arg;
    target->told->count = 0;
    told_listen(target->told, m->conn, request->file->version);
    return m->config->allow_data_loss ? MIGRATE_OK : losses_check_empty(m, &target->goings, fault);
}

/* The rehearsal said it, unless the rows came meanwhile. */
static void warn_what_is_new(const struct down *down)
{
    for (size_t i = 0; i < down->done->count; i++)
        if (!told_has(down->rehearsed, &down->done->items[i]))
            told_warn(&down->done->items[i]);
}

static enum migrate_exit take_back(struct migrate *m, const struct down *down,
                                   struct target *target, struct fault *fault)
{
    struct svc_buffer *json = &m->report.members;
    const struct plan_entry *entry = target->entry;
    struct run_request request = {.direction = RUN_DOWN,
                                  .file = entry->file,
                                  .row = entry->applied,
                                  .prepare = prepare,
                                  .check = check_undone,
                                  .arg = target};
    struct run_outcome outcome;
    target->told = down->done;
    target->told->count = 0;
    told_listen(target->told, m->conn, entry->version);
    enum migrate_exit rc = run_file(m, &request, &outcome, fault);
    if (rc != MIGRATE_OK)
        return rc;
    warn_what_is_new(down);
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
        rc = take_back(m, down, &down->targets[i], fault);
    json_end_array(&m->report.members);
    if (rc == MIGRATE_OK && down->count == 0)
        report_say(&m->report, "nothing to do");
    return rc;
}

static void say(struct migrate *m, const struct down *down)
{
    losses_say(m, &down->goings);
    told_say(m, down->rehearsed);
}

enum migrate_exit command_down(struct migrate *m, struct fault *fault)
{
    struct down down = {.rehearsed = told_list(m->arena), .done = told_list(m->arena)};
    enum migrate_exit rc = migrate_begin(m, fault);
    if (rc == MIGRATE_OK)
        rc = choose(m, &down, fault);
    if (rc == MIGRATE_OK)
        rc = check_down_files(m, &down, fault);
    if (rc == MIGRATE_OK && down.count)
        rc = find_losses(m, &down, fault);
    if (rc == MIGRATE_OK)
        say(m, &down);
    if (rc == MIGRATE_OK)
        rc = check_losses(m, &down, fault);
    return rc == MIGRATE_OK ? take_back_all(m, &down, fault) : rc;
}
