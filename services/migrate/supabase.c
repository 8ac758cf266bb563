/* The Supabase CLI's table, read and written. Which of its columns are there depends on the version
 * of the CLI that made it: the first had `version` alone. */
#include "supabase.h"

#include "database.h"
#include "history.h"
#include "scratch.h"
#include "verify_file.h"

#include "svc/buffer.h"
#include "svc/cleanup.h"
#include "svc/pg.h"

#include <stdlib.h>
#include <string.h>

struct their_table {
    bool exists, has_name, has_statements;
};

static enum migrate_exit find_table(PGconn *conn, struct svc_arena *arena,
                                    struct their_table *ret_table, struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum migrate_exit rc =
        database_statement(conn, arena, MIGRATE_SQL_SUPABASE_TABLE, 0, NULL, &result, fault);
    if (rc == MIGRATE_OK)
        *ret_table = (struct their_table){
            .exists = svc_pg_bool(result, 0, 0),
            .has_name = svc_pg_bool(result, 0, 1),
            .has_statements = svc_pg_bool(result, 0, 2),
        };
    return rc;
}

static const char *version_text(struct svc_arena *arena, uint64_t version)
{
    return svc_arena_printf(arena, "%llu", (unsigned long long)version);
}

static const char *statements_array(struct svc_arena *arena, const struct migration *file)
{
    struct svc_buffer array = {0};
    struct statements statements;
    lexer_split(arena, file->text, file->len, &statements);
    svc_pg_array_begin(&array);
    for (size_t i = 0; i < statements.count; i++)
        svc_pg_array_add_bytes(&array, statements.items[i].text, statements.items[i].len);
    svc_pg_array_end(&array);
    const char *text = svc_arena_copy(arena, array.bytes, array.len);
    svc_buffer_done(&array);
    return text;
}

enum migrate_exit supabase_add(PGconn *conn, struct svc_arena *arena, const struct migration *file,
                               struct fault *fault)
{
    struct their_table table = {0};
    enum migrate_exit rc = find_table(conn, arena, &table, fault);
    if (rc != MIGRATE_OK || !table.exists)
        return rc;
    const char *values[] = {version_text(arena, file->version), file->name,
                            statements_array(arena, file)};
    if (table.has_name && table.has_statements)
        return database_statement(conn, arena, MIGRATE_SQL_SUPABASE_ADD, 3, values, NULL, fault);
    return database_statement(conn, arena, MIGRATE_SQL_SUPABASE_ADD_VERSION, 1, values, NULL,
                              fault);
}

enum migrate_exit supabase_remove(PGconn *conn, struct svc_arena *arena, uint64_t version,
                                  struct fault *fault)
{
    struct their_table table = {0};
    const char *values[] = {version_text(arena, version)};
    enum migrate_exit rc = find_table(conn, arena, &table, fault);
    if (rc != MIGRATE_OK || !table.exists)
        return rc;
    return database_statement(conn, arena, MIGRATE_SQL_SUPABASE_REMOVE, 1, values, NULL, fault);
}

/* Line ends of another checkout are no difference. */
static bool same_text(const struct statement *one, const struct statement *other)
{
    char left[CHECKSUM_TEXT], right[CHECKSUM_TEXT];
    files_checksum(one->text, one->len, left);
    files_checksum(other->text, other->len, right);
    return strcmp(left, right) == 0;
}

static bool same_statements(struct svc_arena *arena, const struct migration *file,
                            const char *theirs)
{
    struct statements ours, kept;
    lexer_split(arena, file->text, file->len, &ours);
    lexer_split(arena, theirs, strlen(theirs), &kept);
    bool same = ours.count == kept.count;
    for (size_t i = 0; same && i < ours.count; i++)
        same = same_text(&ours.items[i], &kept.items[i]);
    return same;
}

static const struct migration *find_file(const struct files *files, uint64_t version)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->items[i].version == version)
            return &files->items[i];
    return NULL;
}

static const struct history_row *find_row(const struct history *history, uint64_t version)
{
    for (size_t i = 0; i < history->count; i++)
        if (history->rows[i].version == version)
            return &history->rows[i];
    return NULL;
}

static struct history_row unrecorded_row(struct svc_arena *arena, const struct migration *file,
                                         const char *name)
{
    struct statements statements;
    lexer_split(arena, file->text, file->len, &statements);
    return (struct history_row){
        .version = file->version,
        .name = name ? svc_arena_text(arena, name) : file->name,
        .checksum = file->checksum,
        .applied_by = "the Supabase CLI",
        .is_contract = file->directives.contract,
        .statements_done = statements.count,
        .statements = statements.count,
        .note = "in supabase_migrations only",
        .is_unrecorded = true,
    };
}

static int by_version(const void *a, const void *b)
{
    const struct history_row *left = a, *right = b;
    return (left->version > right->version) - (left->version < right->version);
}

/* A copy that so many rows more fit into. */
static struct history with_room(struct svc_arena *arena, const struct history *history, size_t more)
{
    struct history copy = *history;
    copy.rows = svc_arena_alloc(arena, (history->count + more + 1) * sizeof *copy.rows);
    if (history->count)
        memcpy(copy.rows, history->rows, history->count * sizeof *copy.rows);
    return copy;
}

/* In the order of versions, each chained as history_add would write it: on from the row below. */
static void chain_unrecorded(struct svc_arena *arena, struct history *history)
{
    if (history->count)
        qsort(history->rows, history->count, sizeof *history->rows, by_version);
    for (size_t i = 0; i < history->count; i++) {
        struct history_row *row = &history->rows[i];
        char chain[CHECKSUM_TEXT];
        if (!row->is_unrecorded)
            continue;
        plan_chain(i ? history->rows[i - 1].chain : "", row->checksum, chain);
        row->chain = svc_arena_text(arena, chain);
    }
}

/* The history becoming one with theirs: our rows, then what only they have. */
struct merge {
    PGconn *conn;
    struct svc_arena *arena;
    const struct files *files;
    struct history merged;
};

static bool all_before_applied(const struct merge *merge, const struct migration *file)
{
    for (const struct migration *before = merge->files->items; before < file; before++)
        if (!find_row(&merge->merged, before->version))
            return false;
    return true;
}

/* An older CLI kept no statements. Then the row can only tell of our file where all files before it
 * are applied, as each needs those, and where what its own verify file promises is there. */
static enum migrate_exit may_be_ours(const struct merge *merge, const struct migration *file,
                                     bool *ret_ours, struct fault *fault)
{
    struct verify_report report = {0};
    *ret_ours = all_before_applied(merge, file);
    if (!*ret_ours || !file->verify.text)
        return MIGRATE_OK;
    enum migrate_exit rc =
        database_script(merge->conn, merge->arena, "SET default_transaction_read_only = on", fault);
    if (rc == MIGRATE_OK)
        rc = verify_file(merge->conn, merge->arena, file, &report, fault);
    if (rc == MIGRATE_OK)
        rc = database_script(merge->conn, merge->arena, "RESET default_transaction_read_only",
                             fault);
    *ret_ours = report.wrong == 0;
    return rc;
}

/* Other statements under a version of ours are an older installation's: the documents that asked
 * for these files named them. Ours is applied then, and brings its objects forward. */
static enum migrate_exit is_ours(const struct merge *merge, const struct migration *file,
                                 const char *theirs, bool *ret_ours, struct fault *fault)
{
    if (!theirs)
        return may_be_ours(merge, file, ret_ours, fault);
    *ret_ours = same_statements(merge->arena, file, theirs);
    return MIGRATE_OK;
}

/* Their rows come in the order of versions. */
static enum migrate_exit merge_rows(struct merge *merge, const PGresult *theirs,
                                    struct fault *fault)
{
    struct history *merged = &merge->merged;
    enum migrate_exit rc = MIGRATE_OK;
    for (int i = 0; rc == MIGRATE_OK && i < PQntuples(theirs); i++) {
        uint64_t version = (uint64_t)svc_pg_i64(theirs, i, 0);
        const struct migration *file = find_file(merge->files, version);
        bool ours = false;
        if (file && !find_row(merged, version))
            rc = is_ours(merge, file, svc_pg_text(theirs, i, 2), &ours, fault);
        if (rc == MIGRATE_OK && ours)
            merged->rows[merged->count++] =
                unrecorded_row(merge->arena, file, svc_pg_text(theirs, i, 1));
    }
    return rc;
}

enum migrate_exit supabase_merge(PGconn *conn, struct svc_arena *arena, const struct files *files,
                                 struct history *history, struct fault *fault)
{
    struct their_table table = {0};
    SVC_PGRESULT PGresult *theirs = NULL;
    enum migrate_exit rc = find_table(conn, arena, &table, fault);
    if (rc != MIGRATE_OK || !table.exists)
        return rc;
    rc = database_statement(conn, arena, MIGRATE_SQL_SUPABASE_READ, 0, NULL, &theirs, fault);
    struct merge merge = {.conn = conn, .arena = arena, .files = files};
    if (rc == MIGRATE_OK) {
        merge.merged = with_room(arena, history, (size_t)PQntuples(theirs));
        rc = merge_rows(&merge, theirs, fault);
    }
    if (rc == MIGRATE_OK) {
        chain_unrecorded(arena, &merge.merged);
        *history = merge.merged;
    }
    return rc;
}

enum migrate_exit supabase_absent(struct migrate *m, const struct migration ***ret_files,
                                  size_t *ret_count, struct fault *fault)
{
    struct their_table table = {0};
    SVC_PGRESULT PGresult *theirs = NULL;
    *ret_count = 0;
    *ret_files = svc_arena_alloc(m->arena, (m->plan.count + 1) * sizeof(void *));
    enum migrate_exit rc = find_table(m->conn, m->arena, &table, fault);
    if (rc != MIGRATE_OK || !table.exists)
        return rc;
    rc = database_statement(m->conn, m->arena, MIGRATE_SQL_SUPABASE_READ, 0, NULL, &theirs, fault);
    if (rc != MIGRATE_OK)
        return rc;
    int t = 0, rows = PQntuples(theirs);
    for (size_t i = 0; i < m->plan.count; i++) {
        const struct plan_entry *entry = &m->plan.entries[i];
        while (t < rows && (uint64_t)svc_pg_i64(theirs, t, 0) < entry->version)
            t++;
        if (entry->state == PLAN_APPLIED &&
            (t == rows || (uint64_t)svc_pg_i64(theirs, t, 0) != entry->version))
            (*ret_files)[(*ret_count)++] = entry->file;
    }
    return MIGRATE_OK;
}

/* The newest version that is to be recorded; 0: there is none. */
static uint64_t newest_unrecorded(const struct history *history)
{
    uint64_t version = 0;
    for (size_t i = 0; i < history->count; i++)
        if (history->rows[i].is_unrecorded)
            version = history->rows[i].version;
    return version;
}

/* What the versions changed, as far as it can be known. It is, when a database made from the files
 * alone has the same objects as this one; otherwise the rows say that it is not. */
static void find_changes(struct migrate *m, struct scratch *scratch)
{
    struct fault fault = {0};
    struct fold_differences differences = {0};
    enum migrate_exit rc = scratch_make(m, newest_unrecorded(&m->history), scratch, &fault);
    if (rc == MIGRATE_OK)
        rc = scratch_compare(m, scratch, &differences, &fault);
    if (rc == MIGRATE_OK && differences.count == 0)
        return;
    scratch->history.count = 0;
    report_warn(
        "what the Supabase CLI's migrations made of this database is not known, so drift is "
        "not seen: %s; `migrate repair --apply` takes it as it is",
        rc != MIGRATE_OK ? fault.message : fold_describe(m->arena, &differences));
}

static enum migrate_exit record(struct migrate *m, const struct history_row *row,
                                const struct scratch *scratch, struct fault *fault)
{
    const struct migration *file = find_file(&m->files, row->version);
    const struct history_row *made = find_row(&scratch->history, row->version);
    struct history_entry entry = {
        .file = file,
        .run_id = m->run_id,
        .statements_done = row->statements,
        .statements = row->statements,
        .changes = made ? made->changes : NULL,
        .note = "adopted from supabase_migrations",
    };
    report_progress(&m->report, "adopted %s: the Supabase CLI applied it", file->file_name);
    return history_add(m->conn, m->arena, &entry, fault);
}

/* In one transaction that the caller has begun. */
static enum migrate_exit record_all(struct migrate *m, const struct scratch *scratch,
                                    const struct migration *const *absent, size_t absent_count,
                                    struct fault *fault)
{
    enum migrate_exit rc = MIGRATE_OK;
    for (size_t i = 0; rc == MIGRATE_OK && i < m->history.count; i++)
        if (m->history.rows[i].is_unrecorded)
            rc = record(m, &m->history.rows[i], scratch, fault);
    for (size_t i = 0; rc == MIGRATE_OK && i < absent_count; i++)
        rc = supabase_add(m->conn, m->arena, absent[i], fault);
    return rc;
}

enum migrate_exit supabase_adopt(struct migrate *m, struct fault *fault)
{
    SVC_CLEANUP(scratch_done) struct scratch scratch = {0};
    const struct migration **absent;
    size_t absent_count;
    enum migrate_exit rc = supabase_absent(m, &absent, &absent_count, fault);
    if (rc != MIGRATE_OK || (newest_unrecorded(&m->history) == 0 && absent_count == 0))
        return rc;
    if (newest_unrecorded(&m->history))
        find_changes(m, &scratch);
    rc = database_run(m->conn, m->arena, "BEGIN", 0, NULL, NULL, fault);
    if (rc == MIGRATE_OK)
        rc = record_all(m, &scratch, absent, absent_count, fault);
    if (rc == MIGRATE_OK)
        rc = database_run(m->conn, m->arena, "COMMIT", 0, NULL, NULL, fault);
    return rc == MIGRATE_OK ? migrate_read_history(m, fault) : rc;
}
