/* The four questions, and the rows of their answers. */
#include "verify.h"

#include "catalog.h"
#include "database.h"
#include "fold.h"
#include "verify_file.h"

#include "svc/buffer.h"
#include "svc/pg.h"

#include <string.h>

static struct verify_row *new_row(struct svc_arena *arena, struct verify_report *report)
{
    if (report->count == report->capacity) {
        size_t capacity = report->capacity ? 2 * report->capacity : 256;
        struct verify_row *items = svc_arena_alloc(arena, capacity * sizeof *items);
        if (report->count)
            memcpy(items, report->items, report->count * sizeof *items);
        report->items = items;
        report->capacity = capacity;
    }
    return &report->items[report->count++];
}

static bool same(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

void verify_add(struct svc_arena *arena, struct verify_report *report, const char *source,
                const char *object, const char *expected, const char *found)
{
    enum verify_state state = same(expected, found) ? VERIFY_RIGHT : VERIFY_WRONG;
    *new_row(arena, report) = (struct verify_row){state, source, object, expected, found};
    report->wrong += state == VERIFY_WRONG ? 1 : 0;
}

void verify_skip(struct svc_arena *arena, struct verify_report *report, const char *source,
                 const char *object, const char *why)
{
    *new_row(arena, report) = (struct verify_row){
        .state = VERIFY_SKIPPED, .source = source, .object = object, .found = why};
    report->skipped++;
}

static const char *running_text(struct svc_arena *arena, const struct history_row *row)
{
    return svc_arena_printf(
        arena, "interrupted after %llu of %llu statements; migrate up goes on with it",
        (unsigned long long)row->statements_done, (unsigned long long)row->statements);
}

static enum migrate_exit ask_files(PGconn *conn, struct svc_arena *arena, const struct plan *plan,
                                   struct verify_report *report, struct fault *fault)
{
    enum migrate_exit rc = MIGRATE_OK;
    for (size_t i = 0; i < plan->count && rc == MIGRATE_OK; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        if (entry->state == PLAN_RUNNING)
            verify_add(arena, report, "history", plan_title(arena, entry), "applied",
                       running_text(arena, entry->applied));
        else if (entry->state == PLAN_APPLIED && !entry->file->verify.text)
            verify_skip(arena, report, plan_title(arena, entry), plan_title(arena, entry),
                        "it has no verify file");
        else if (entry->state == PLAN_APPLIED)
            rc = verify_file(conn, arena, entry->file, report, fault);
    }
    return rc;
}

/* Identities of our tables, views and functions, as an array parameter. */
static void add_ours(struct svc_buffer *array, const struct fold *recorded)
{
    static const char *const kinds[] = {"table ", "view ", "function "};
    svc_pg_array_begin(array);
    for (size_t i = 0; i < recorded->count; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
            if (recorded->items[i].digest &&
                strncmp(recorded->items[i].key, kinds[k], strlen(kinds[k])) == 0)
                svc_pg_array_add(array, recorded->items[i].key + strlen(kinds[k]));
    svc_pg_array_end(array);
}

static enum migrate_exit ask_rules(PGconn *conn, struct svc_arena *arena, const struct plan *plan,
                                   const struct fold *recorded, struct verify_report *report,
                                   struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    struct svc_buffer ours = {0};
    add_ours(&ours, recorded);
    const char *values[] = {svc_arena_copy(arena, ours.bytes, ours.len),
                            plan->pending ? "false" : "true"};
    svc_buffer_done(&ours);
    enum migrate_exit rc =
        database_statement(conn, arena, MIGRATE_SQL_VERIFY_RULES, 2, values, &result, fault);
    if (rc == MIGRATE_OK && plan->pending)
        verify_skip(arena, report, "rules", "constraints",
                    "a pending migration may be about to validate them");
    for (int i = 0; rc == MIGRATE_OK && i < PQntuples(result); i++)
        verify_add(arena, report, "rules", svc_arena_text(arena, svc_pg_text(result, i, 0)),
                   svc_arena_text(arena, svc_pg_text(result, i, 1)),
                   svc_arena_text(arena, svc_pg_text(result, i, 2)));
    return rc;
}

static void add_differences(struct svc_arena *arena, const struct fold *recorded,
                            const struct fold *found, struct verify_report *report)
{
    struct fold_differences differences;
    fold_compare(arena, recorded, found, &differences);
    for (size_t i = 0; i < differences.count; i++) {
        const struct fold_difference *difference = &differences.items[i];
        verify_add(arena, report, "drift", difference->key,
                   difference->expected ? "as it was made" : "dropped",
                   !difference->found     ? "missing"
                   : difference->expected ? "changed since"
                                          : "there again");
    }
}

/* Another server version prints definitions differently: then being there is all that can be
 * compared. */
static size_t count_incomparable(const struct fold *recorded, const struct catalog *catalog)
{
    size_t count = 0;
    for (size_t i = 0; i < recorded->count && catalog->count; i++)
        count += recorded->items[i].digest &&
                         !catalog_comparable(recorded->items[i].digest, catalog->items[0].digest)
                     ? 1
                     : 0;
    return count;
}

static void compare_catalog(struct svc_arena *arena, const struct fold *recorded,
                            const struct catalog *catalog, struct verify_report *report)
{
    size_t wrong_before = report->wrong, objects = 0;
    struct fold found;
    fold_from_catalog(arena, catalog, &found);
    add_differences(arena, recorded, &found, report);
    for (size_t i = 0; i < catalog->count; i++)
        if (fold_is_unexpected(arena, recorded, &catalog->items[i]))
            verify_add(arena, report, "drift",
                       svc_arena_printf(arena, "%s %s", catalog->items[i].kind,
                                        catalog->items[i].identity),
                       "not there: no migration made it", "there");
    for (size_t i = 0; i < recorded->count; i++)
        objects += recorded->items[i].digest ? 1 : 0;
    size_t incomparable = count_incomparable(recorded, catalog);
    if (incomparable)
        verify_skip(arena, report, "drift", "definitions",
                    svc_arena_printf(arena,
                                     "%zu objects were recorded on another major version of "
                                     "Postgres; only that they are there was looked at",
                                     incomparable));
    const char *all = svc_arena_printf(arena, "%zu objects as they were made", objects);
    if (report->wrong == wrong_before)
        verify_add(arena, report, "drift", "catalog", all, all);
}

static enum migrate_exit ask_drift(PGconn *conn, struct svc_arena *arena,
                                   const struct fold *recorded, struct verify_report *report,
                                   struct fault *fault)
{
    struct catalog catalog;
    if (!recorded->is_complete) {
        verify_skip(arena, report, "drift", "catalog",
                    "what a version changed is not in the history, so nothing can be compared; "
                    "migrate repair records it");
        return MIGRATE_OK;
    }
    enum migrate_exit rc = catalog_read(conn, arena, &catalog, fault);
    if (rc == MIGRATE_OK)
        compare_catalog(arena, recorded, &catalog, report);
    return rc;
}

static enum migrate_exit take_claim(PGconn *conn, struct svc_arena *arena,
                                    struct verify_report *report, struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum migrate_exit rc =
        database_statement(conn, arena, MIGRATE_SQL_VERIFY_CLAIM_ANSWER, 0, NULL, &result, fault);
    if (rc != MIGRATE_OK)
        return rc;
    const char *skipped = svc_pg_text(result, 0, 1);
    if (*skipped)
        verify_skip(arena, report, "claim", "claim by tradewire_gateway",
                    svc_arena_text(arena, skipped));
    else
        verify_add(arena, report, "claim", "claim by tradewire_gateway", "the seeded job",
                   svc_arena_text(arena, svc_pg_text(result, 0, 0)));
    return MIGRATE_OK;
}

/* The session is read-only by default; this transaction is not. Whatever happens, it is rolled
 * back.
 */
static enum migrate_exit ask_claim(PGconn *conn, struct svc_arena *arena,
                                   struct verify_report *report, struct fault *fault)
{
    enum migrate_exit rc =
        database_script(conn, arena, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", fault);
    if (rc == MIGRATE_OK)
        rc = database_statement(conn, arena, MIGRATE_SQL_VERIFY_CLAIM, 0, NULL, NULL, fault);
    if (rc == MIGRATE_OK)
        rc = take_claim(conn, arena, report, fault);
    struct fault later;
    enum migrate_exit end_rc =
        database_script(conn, arena, "ROLLBACK", rc == MIGRATE_OK ? fault : &later);
    return rc == MIGRATE_OK ? end_rc : rc;
}

static bool is_anything_applied(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->entries[i].applied)
            return true;
    return false;
}

enum migrate_exit verify_run(PGconn *conn, struct svc_arena *arena, const struct plan *plan,
                             struct verify_report *ret_report, struct fault *fault)
{
    struct fold recorded;
    *ret_report = (struct verify_report){0};
    if (!is_anything_applied(plan))
        return MIGRATE_OK;
    enum migrate_exit rc = database_script(
        conn, arena,
        svc_arena_printf(arena,
                         "SET default_transaction_read_only = on; SET statement_timeout = %d",
                         VERIFY_STATEMENT_MS),
        fault);
    if (rc == MIGRATE_OK)
        rc = ask_files(conn, arena, plan, ret_report, fault);
    if (rc == MIGRATE_OK)
        rc = fold_read(conn, arena, 0, &recorded, fault);
    if (rc == MIGRATE_OK)
        rc = ask_rules(conn, arena, plan, &recorded, ret_report, fault);
    if (rc == MIGRATE_OK)
        rc = ask_drift(conn, arena, &recorded, ret_report, fault);
    return rc == MIGRATE_OK ? ask_claim(conn, arena, ret_report, fault) : rc;
}

static const char *version_found(struct svc_arena *arena, const struct plan *plan, uint64_t version)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        if (entry->version == version && entry->applied)
            return entry->applied->is_running ? running_text(arena, entry->applied) : "applied";
    }
    return "not applied";
}

void verify_version(struct svc_arena *arena, const struct plan *plan, uint64_t version,
                    struct verify_report *ret_report)
{
    *ret_report = (struct verify_report){0};
    verify_add(arena, ret_report, "history",
               svc_arena_printf(arena, "version %llu", (unsigned long long)version), "applied",
               version_found(arena, plan, version));
}
