/* The rows whose `changes` is NULL. */
#include "changes.h"

#include "database.h"

#include "svc/pg.h"

#include <inttypes.h>

const struct plan_entry **changes_unknown(struct migrate *m, size_t *ret_count)
{
    const struct plan_entry **entries =
        svc_arena_alloc(m->arena, (m->plan.count + 1) * sizeof(void *));
    *ret_count = 0;
    for (size_t i = 0; i < m->plan.count; i++) {
        const struct plan_entry *entry = &m->plan.entries[i];
        const struct history_row *row = entry->applied;
        if (row && entry->file && !row->changes && !row->is_running && !row->is_unrecorded)
            entries[(*ret_count)++] = entry;
    }
    return entries;
}

/* All that is applied is run there, known or not, so that both databases are equally far. */
enum migrate_exit changes_find_out(struct migrate *m, struct scratch *ret_scratch,
                                   struct fold_differences *ret_differences, struct fault *fault)
{
    size_t count;
    uint64_t newest = 0;
    (void)changes_unknown(m, &count);
    *ret_scratch = (struct scratch){0};
    *ret_differences = (struct fold_differences){0};
    if (count == 0)
        return MIGRATE_OK;
    for (size_t i = 0; i < m->plan.count; i++)
        if (m->plan.entries[i].applied && m->plan.entries[i].file)
            newest = m->plan.entries[i].version;
    enum migrate_exit rc = scratch_make(m, newest, ret_scratch, fault);
    return rc == MIGRATE_OK ? scratch_compare(m, ret_scratch, ret_differences, fault) : rc;
}

/* What differs, by the version that changed it last; version 0: no version made it. */
static enum migrate_exit share_out(struct migrate *m, const struct scratch *scratch,
                                   const struct fold_differences *differences,
                                   PGresult **ret_shares, struct fault *fault)
{
    const char *found = fold_found_json(m->arena, differences);
    return database_statement(scratch->run.conn, m->arena, MIGRATE_SQL_CHANGES_SHARE_OUT, 1, &found,
                              ret_shares, fault);
}

static const char *share_of(const PGresult *shares, uint64_t version)
{
    for (int i = 0; i < PQntuples(shares); i++)
        if ((uint64_t)svc_pg_i64(shares, i, 0) == version)
            return svc_pg_text(shares, i, 1);
    return "{}";
}

static enum migrate_exit record(struct migrate *m, const struct history_row *made,
                                const char *differing, const char *added, struct fault *fault)
{
    const char *values[] = {svc_arena_printf(m->arena, "%" PRIu64, made->version), made->changes,
                            differing, added};
    return database_statement(m->conn, m->arena, MIGRATE_SQL_CHANGES_RECORD, 4, values, NULL,
                              fault);
}

static const struct history_row *made_by(const struct scratch *scratch, uint64_t version)
{
    for (size_t i = 0; i < scratch->history.count; i++)
        if (scratch->history.rows[i].version == version)
            return &scratch->history.rows[i];
    return NULL;
}

enum migrate_exit changes_record(struct migrate *m, const struct scratch *scratch,
                                 const struct fold_differences *differences, struct fault *fault)
{
    size_t count;
    const struct plan_entry **entries = changes_unknown(m, &count);
    SVC_PGRESULT PGresult *shares = NULL;
    if (count == 0)
        return MIGRATE_OK;
    enum migrate_exit rc = share_out(m, scratch, differences, &shares, fault);
    for (size_t i = 0; rc == MIGRATE_OK && i < count; i++) {
        uint64_t version = entries[i]->version;
        const struct history_row *made = made_by(scratch, version);
        if (made)
            rc = record(m, made, share_of(shares, version),
                        i + 1 == count ? share_of(shares, 0) : "{}", fault);
    }
    return rc;
}
