/* `migrate repair`: what does not fit, what would mend it, and the next command; with --apply it is
 * done, in one transaction, and noted in the history.
 *
 * Only the history is ever changed, never the schema. What a file or the schema needs is said. */
#include "changes.h"
#include "commands.h"
#include "database.h"
#include "history.h"
#include "json.h"
#include "supabase.h"

#include "svc/cleanup.h"
#include "svc/pg.h"

#include <inttypes.h>
#include <string.h>

struct finding {
    const char
        *what; /* a plan state, unknown_changes, unrecorded, not_in_supabase, invalid_index */
    const char *subject; /* a file's title, or an index */
    const char *explanation;
    const char *action; /* what --apply does; NULL: nothing it could do */
    const char *next;   /* the next command */
};

#define APPLY "migrate repair --apply"

static void say(struct migrate *m, const struct finding *finding)
{
    struct svc_buffer *json = &m->report.members;
    report_say(&m->report, "%s: %s: %s", finding->subject, finding->what, finding->explanation);
    if (finding->action)
        report_say(&m->report, "  %s: %s", m->config->apply ? "does" : "would", finding->action);
    report_say(&m->report, "  next: %s", finding->next);
    json_begin_object(json, NULL);
    json_text(json, "fault", finding->what);
    json_text(json, "subject", finding->subject);
    json_text(json, "explanation", finding->explanation);
    json_text(json, "action", finding->action);
    json_text(json, "next", finding->next);
    json_end_object(json);
}

/* The chain that the row will have, once the rows before it are right. */
static const char *next_chain(struct migrate *m, const struct plan_entry *entry)
{
    char chain[CHECKSUM_TEXT];
    const struct history_row *row = entry->applied;
    plan_chain(row > m->history.rows ? row[-1].chain : "", entry->file->checksum, chain);
    return svc_arena_text(m->arena, chain);
}

static const char *action_for(struct migrate *m, const struct plan_entry *entry)
{
    const struct history_row *row = entry->applied;
    switch (entry->state) {
    case PLAN_CHANGED:
        return svc_arena_printf(m->arena,
                                "record checksum %s instead of %s, chain %s instead of %s, and the "
                                "chains after it",
                                entry->file->checksum, row->checksum, next_chain(m, entry),
                                row->chain);
    case PLAN_RENAMED:
        return svc_arena_printf(m->arena, "record the name %s instead of %s", entry->file->name,
                                row->name);
    case PLAN_MISSING:
        return "take its row out; what it made stays and counts as the file's before it";
    case PLAN_REORDERED:
        return svc_arena_printf(m->arena, "record chain %s instead of %s, and the chains after it",
                                next_chain(m, entry), row->chain);
    case PLAN_APPLIED:
    case PLAN_PENDING:
    case PLAN_RUNNING:
    case PLAN_NEWER:
    case PLAN_INSERTED:
        break;
    }
    return NULL;
}

static const char *next_for(const struct plan_entry *entry)
{
    switch (entry->state) {
    case PLAN_CHANGED:
        return "restore the file; or, when the database has what the file says now, " APPLY;
    case PLAN_RENAMED:
        return "give the file its name back; or " APPLY;
    case PLAN_MISSING:
        return "restore the file and its down file; or, when they are gone for good, " APPLY;
    case PLAN_REORDERED:
        return APPLY;
    case PLAN_RUNNING:
        return "migrate up";
    case PLAN_NEWER:
        return "use the program that applied it, or a later one";
    case PLAN_INSERTED:
        return "give the file a version after the newest applied one; then migrate up";
    case PLAN_APPLIED:
    case PLAN_PENDING:
        break;
    }
    return "";
}

static bool is_found(const struct plan_entry *entry)
{
    return plan_is_fault(entry->state) || entry->state == PLAN_RUNNING;
}

/* Returns how many entries do not fit or were interrupted, ret_mendable: how many --apply mends. */
static size_t say_history(struct migrate *m, size_t *ret_mendable)
{
    size_t found = 0;
    for (size_t i = 0; i < m->plan.count; i++) {
        const struct plan_entry *entry = &m->plan.entries[i];
        if (!is_found(entry))
            continue;
        struct finding finding = {
            .what = plan_state_name(entry->state),
            .subject = plan_title(m->arena, entry),
            .explanation = plan_explain(m->arena, entry),
            .action = action_for(m, entry),
            .next = next_for(entry),
        };
        say(m, &finding);
        found++;
        *ret_mendable += finding.action ? 1 : 0;
    }
    return found;
}

static size_t say_unknown_changes(struct migrate *m)
{
    size_t count;
    const struct plan_entry **entries = changes_unknown(m, &count);
    for (size_t i = 0; i < count; i++)
        say(m, &(struct finding){
                   .what = "unknown_changes",
                   .subject = plan_title(m->arena, entries[i]),
                   .explanation = "what it changed is not in the history, so drift is not seen",
                   .action = "run the files in a database of their own and record what it changes "
                             "there; what is otherwise here counts as it is here",
                   .next = APPLY,
               });
    return count;
}

/* Both are mended by the next `up`. */
static enum migrate_exit say_supabase(struct migrate *m, size_t *found, struct fault *fault)
{
    const struct migration **absent;
    size_t absent_count = 0;
    enum migrate_exit rc = supabase_absent(m, &absent, &absent_count, fault);
    for (size_t i = 0; i < m->plan.count; i++) {
        const struct plan_entry *entry = &m->plan.entries[i];
        if (entry->state != PLAN_APPLIED || !entry->applied->is_unrecorded)
            continue;
        (*found)++;
        say(m, &(struct finding){"unrecorded", plan_title(m->arena, entry),
                                 "the Supabase CLI applied it, our history does not have it", NULL,
                                 "migrate up"});
    }
    for (size_t i = 0; rc == MIGRATE_OK && i < absent_count; i++) {
        (*found)++;
        say(m, &(struct finding){"not_in_supabase", absent[i]->file_name,
                                 "it is applied, supabase_migrations does not have it", NULL,
                                 "migrate up"});
    }
    return rc;
}

static enum migrate_exit say_indexes(struct migrate *m, size_t *found, struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum migrate_exit rc = database_statement(m->conn, m->arena, MIGRATE_SQL_REPAIR_INVALID_INDEXES,
                                              0, NULL, &result, fault);
    for (int i = 0; rc == MIGRATE_OK && i < PQntuples(result); i++) {
        (*found)++;
        say(m,
            &(struct finding){"invalid_index", svc_pg_text(result, i, 0),
                              "its concurrent build did not end, no query uses it", NULL,
                              svc_arena_printf(m->arena,
                                               "migrate up if its file is running, else in psql: "
                                               "%s",
                                               svc_pg_text(result, i, 1))});
    }
    return rc;
}

static const char *version_of(struct migrate *m, const struct plan_entry *entry)
{
    return svc_arena_printf(m->arena, "%" PRIu64, entry->version);
}

/* What only the CLI has recorded gets its row here, with the file as it is now. */
static enum migrate_exit add_unrecorded(struct migrate *m, const struct plan_entry *entry,
                                        struct fault *fault)
{
    struct history_entry row = {
        .file = entry->file,
        .run_id = m->run_id,
        .statements_done = entry->applied->statements,
        .statements = entry->applied->statements,
        .note = svc_arena_printf(m->arena, "adopted from supabase_migrations by repair: %s there",
                                 plan_state_name(entry->state)),
    };
    return history_add(m->conn, m->arena, &row, fault);
}

static enum migrate_exit mend_changed(struct migrate *m, const struct plan_entry *entry,
                                      struct fault *fault)
{
    const struct migration *file = entry->file;
    const char *values[] = {version_of(m, entry), file->checksum, file->name,
                            file->directives.contract ? "true" : "false"};
    return database_statement(m->conn, m->arena, MIGRATE_SQL_REPAIR_CHANGED, 4, values, NULL,
                              fault);
}

/* The row before it takes over its changes, so that the history still says what the catalog must
 * look like. */
static enum migrate_exit mend_missing(struct migrate *m, const struct plan_entry *entry,
                                      struct fault *fault)
{
    const char *values[] = {version_of(m, entry)};
    enum migrate_exit rc =
        database_statement(m->conn, m->arena, MIGRATE_SQL_REPAIR_MISSING, 1, values, NULL, fault);
    return rc == MIGRATE_OK ? history_remove(m->conn, m->arena, entry->version, fault) : rc;
}

static enum migrate_exit mend_entry(struct migrate *m, const struct plan_entry *entry,
                                    struct fault *fault)
{
    bool differs = entry->state == PLAN_CHANGED || entry->state == PLAN_RENAMED;
    if (differs && entry->applied->is_unrecorded)
        return add_unrecorded(m, entry, fault);
    if (differs)
        return mend_changed(m, entry, fault);
    if (entry->state == PLAN_MISSING)
        return mend_missing(m, entry, fault);
    return MIGRATE_OK; /* the chains are mended for all at once */
}

static enum migrate_exit mend_chains(struct migrate *m, struct fault *fault)
{
    struct history history;
    const char *previous = "";
    enum migrate_exit rc = history_read(m->conn, m->arena, &history, fault);
    for (size_t i = 0; rc == MIGRATE_OK && i < history.count; i++) {
        const struct history_row *row = &history.rows[i];
        char chain[CHECKSUM_TEXT];
        plan_chain(previous, row->checksum, chain);
        previous = svc_arena_text(m->arena, chain);
        const char *values[] = {svc_arena_printf(m->arena, "%" PRIu64, row->version), chain};
        if (strcmp(chain, row->chain) != 0)
            rc = database_statement(m->conn, m->arena, MIGRATE_SQL_REPAIR_CHAIN, 2, values, NULL,
                                    fault);
    }
    return rc;
}

/* What cannot be found out does not keep the rest from being mended. */
static bool find_out_changes(struct migrate *m, struct scratch *scratch,
                             struct fold_differences *differences)
{
    struct fault fault = {0};
    if (changes_find_out(m, scratch, differences, &fault) != MIGRATE_OK) {
        report_fault(&fault);
        return false;
    }
    for (size_t i = 0; i < differences->count; i++)
        report_warn("%s is not as the files make it", differences->items[i].key);
    return true;
}

static enum migrate_exit mend(struct migrate *m, struct fault *fault)
{
    SVC_CLEANUP(scratch_done) struct scratch scratch = {0};
    struct fold_differences differences;
    bool known = find_out_changes(m, &scratch, &differences);
    enum migrate_exit rc = database_run(m->conn, m->arena, "BEGIN", 0, NULL, NULL, fault);
    for (size_t i = 0; rc == MIGRATE_OK && i < m->plan.count; i++)
        rc = mend_entry(m, &m->plan.entries[i], fault);
    if (rc == MIGRATE_OK)
        rc = mend_chains(m, fault);
    if (rc == MIGRATE_OK && known)
        rc = changes_record(m, &scratch, &differences, fault);
    if (rc == MIGRATE_OK)
        rc = database_run(m->conn, m->arena, "COMMIT", 0, NULL, NULL, fault);
    return rc == MIGRATE_OK ? migrate_read_history(m, fault) : rc;
}

static enum migrate_exit verdict(struct migrate *m, size_t mendable, struct fault *fault)
{
    if (m->plan.faults == 0)
        return MIGRATE_OK;
    (void)fault_set(fault, MIGRATE_INTEGRITY, "integrity",
                    svc_arena_printf(m->arena, "%zu migrations do not fit the history%s",
                                     m->plan.faults,
                                     m->config->apply ? "; what is left --apply cannot mend"
                                                      : "; nothing was changed"));
    if (!m->config->apply && mendable)
        fault->hint = svc_arena_printf(m->arena, APPLY " mends %zu", mendable);
    return fault->exit;
}

static enum migrate_exit find_all(struct migrate *m, size_t *ret_mendable, struct fault *fault)
{
    json_begin_array(&m->report.members, "findings");
    size_t found = say_history(m, ret_mendable);
    size_t unknown = say_unknown_changes(m);
    *ret_mendable += unknown;
    found += unknown;
    enum migrate_exit rc = say_supabase(m, &found, fault);
    if (rc == MIGRATE_OK)
        rc = say_indexes(m, &found, fault);
    json_end_array(&m->report.members);
    if (rc == MIGRATE_OK && found == 0)
        report_say(&m->report, "nothing to repair");
    return rc;
}

/* What --apply could mend and is not there any more. */
static size_t count_repaired(struct migrate *m, size_t mendable)
{
    size_t left;
    (void)changes_unknown(m, &left);
    for (size_t i = 0; i < m->plan.count; i++)
        left += action_for(m, &m->plan.entries[i]) ? 1 : 0;
    return left < mendable ? mendable - left : 0;
}

enum migrate_exit command_repair(struct migrate *m, struct fault *fault)
{
    size_t mendable = 0;
    enum migrate_exit rc = migrate_read_files(m, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_connect(m, fault);
    if (rc == MIGRATE_OK && m->config->apply)
        rc = migrate_lock(m, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_read_history(m, fault);
    if (rc == MIGRATE_OK)
        rc = find_all(m, &mendable, fault);
    bool applied = rc == MIGRATE_OK && m->config->apply && mendable;
    if (applied)
        rc = mend(m, fault);
    json_number(&m->report.members, "repaired",
                applied && rc == MIGRATE_OK ? count_repaired(m, mendable) : 0);
    return rc == MIGRATE_OK ? verdict(m, mendable, fault) : rc;
}
