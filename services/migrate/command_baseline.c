/* `migrate baseline --to N`: the files up to N are recorded as applied on a database that was built
 * by hand from the same SQL.
 *
 * Whether it was is found out: the same files run in a database of their own (scratch.h), and what
 * they make there must be here, too. What else is here does not matter. */
#include "commands.h"
#include "database.h"
#include "history.h"
#include "json.h"
#include "scratch.h"
#include "supabase.h"

#include "svc/cleanup.h"

#include <inttypes.h>

/* Rows that only the CLI has recorded will be ours with the others. */
static enum migrate_exit check_no_history(struct migrate *m, struct fault *fault)
{
    for (size_t i = 0; i < m->history.count; i++)
        if (!m->history.rows[i].is_unrecorded) {
            (void)fault_set(fault, MIGRATE_INTEGRITY, "history_not_empty",
                            "migrate has already recorded versions here");
            fault->hint = "`migrate status` shows them; `migrate up` goes on from there";
            return fault->exit;
        }
    return MIGRATE_OK;
}

static enum migrate_exit check_version(struct migrate *m, struct fault *fault)
{
    for (size_t i = 0; i < m->files.count; i++)
        if (m->files.items[i].version == m->config->to)
            return MIGRATE_OK;
    return fault_set(
        fault, MIGRATE_USAGE, "usage",
        svc_arena_printf(m->arena, "--to %" PRIu64 ": there is no such file", m->config->to));
}

static void say_differences(struct migrate *m, const struct fold_differences *differences)
{
    struct svc_buffer *json = &m->report.members;
    json_begin_array(json, "differences");
    for (size_t i = 0; i < differences->count; i++) {
        const struct fold_difference *difference = &differences->items[i];
        report_warn("%s: %s", difference->key,
                    !difference->found      ? "it is missing here"
                    : !difference->expected ? "no file makes it"
                                            : "it is another here");
        json_begin_object(json, NULL);
        json_text(json, "object", difference->key);
        json_text(json, "expected", difference->expected);
        json_text(json, "found", difference->found);
        json_end_object(json);
    }
    json_end_array(json);
}

static enum migrate_exit check_differences(struct migrate *m,
                                           const struct fold_differences *differences,
                                           struct fault *fault)
{
    if (differences->count == 0 || m->config->force_mismatch)
        return MIGRATE_OK;
    (void)fault_set(fault, MIGRATE_DRIFT, "mismatch",
                    svc_arena_printf(m->arena,
                                     "%zu objects are not as the files make them; nothing was "
                                     "recorded: %s",
                                     differences->count, fold_describe(m->arena, differences)));
    fault->hint =
        "make them so, or say --force-mismatch --reason TEXT; then they count as they are";
    return fault->exit;
}

static const char *note(struct migrate *m, const struct fold_differences *differences)
{
    return differences->count ? svc_arena_printf(m->arena, "baseline, %zu objects differed: %s",
                                                 differences->count, m->config->reason)
                              : "baseline";
}

/* What was found other than the files make it is from now on as it should be. */
static enum migrate_exit accept_differences(struct migrate *m,
                                            const struct fold_differences *differences,
                                            struct fault *fault)
{
    const char *values[] = {svc_arena_printf(m->arena, "%" PRIu64, m->config->to),
                            fold_found_json(m->arena, differences)};
    if (differences->count == 0)
        return MIGRATE_OK;
    return database_statement(m->conn, m->arena, MIGRATE_SQL_BASELINE_ACCEPT, 2, values, NULL,
                              fault);
}

/* In a transaction that the caller has begun. Row i of the scratch run is file i. */
static enum migrate_exit record(struct migrate *m, const struct scratch *scratch,
                                const struct fold_differences *differences, struct fault *fault)
{
    enum migrate_exit rc = MIGRATE_OK;
    for (size_t i = 0; rc == MIGRATE_OK && i < scratch->history.count; i++) {
        const struct history_row *made = &scratch->history.rows[i];
        struct history_entry entry = {
            .file = &m->files.items[i],
            .run_id = m->run_id,
            .statements_done = made->statements_done,
            .statements = made->statements,
            .changes = made->changes,
            .note = note(m, differences),
        };
        rc = history_add(m->conn, m->arena, &entry, fault);
        if (rc == MIGRATE_OK)
            rc = supabase_add(m->conn, m->arena, entry.file, fault);
    }
    return rc == MIGRATE_OK ? accept_differences(m, differences, fault) : rc;
}

static void say_recorded(struct migrate *m, const struct scratch *scratch)
{
    struct svc_buffer *json = &m->report.members;
    json_begin_array(json, "recorded");
    for (size_t i = 0; i < scratch->history.count; i++) {
        report_say(&m->report, "recorded %s", m->files.items[i].file_name);
        json_text(json, NULL, svc_arena_printf(m->arena, "%" PRIu64, m->files.items[i].version));
    }
    json_end_array(json);
}

static enum migrate_exit begin(struct migrate *m, struct fault *fault)
{
    enum migrate_exit rc = migrate_read_files(m, fault);
    if (rc == MIGRATE_OK)
        rc = check_version(m, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_connect(m, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_lock(m, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_read_history(m, fault);
    return rc == MIGRATE_OK ? check_no_history(m, fault) : rc;
}

enum migrate_exit command_baseline(struct migrate *m, struct fault *fault)
{
    SVC_CLEANUP(scratch_done) struct scratch scratch = {0};
    struct fold_differences differences = {0};
    enum migrate_exit rc = begin(m, fault);
    if (rc == MIGRATE_OK)
        rc = scratch_make(m, m->config->to, &scratch, fault);
    if (rc == MIGRATE_OK)
        rc = scratch_compare(m, &scratch, &differences, fault);
    say_differences(m, &differences);
    if (rc == MIGRATE_OK)
        rc = check_differences(m, &differences, fault);
    if (rc == MIGRATE_OK)
        rc = database_run(m->conn, m->arena, "BEGIN", 0, NULL, NULL, fault);
    if (rc == MIGRATE_OK)
        rc = record(m, &scratch, &differences, fault);
    if (rc == MIGRATE_OK)
        rc = database_run(m->conn, m->arena, "COMMIT", 0, NULL, NULL, fault);
    if (rc == MIGRATE_OK)
        say_recorded(m, &scratch);
    return rc;
}
