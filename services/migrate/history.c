/* The table and its rows, by sql/history_*.sql. */
#include "history.h"

#include "database.h"

#include "svc/pg.h"

#include <inttypes.h>

enum migrate_exit history_make(PGconn *conn, struct svc_arena *arena, struct fault *fault)
{
    return database_statement(conn, arena, MIGRATE_SQL_HISTORY_MAKE, 0, NULL, NULL, fault);
}

static const char *text_at(struct svc_arena *arena, const PGresult *result, int i, int column)
{
    return svc_arena_text(arena, svc_pg_text(result, i, column));
}

static void read_row(struct svc_arena *arena, const PGresult *result, int i,
                     struct history_row *ret_row)
{
    *ret_row = (struct history_row){
        .version = (uint64_t)svc_pg_i64(result, i, 0),
        .name = text_at(arena, result, i, 1),
        .checksum = text_at(arena, result, i, 2),
        .chain = text_at(arena, result, i, 3),
        .is_running = svc_pg_bool(result, i, 4),
        .statements_done = (uint64_t)svc_pg_i64(result, i, 5),
        .statements = (uint64_t)svc_pg_i64(result, i, 6),
        .applied_at = text_at(arena, result, i, 7),
        .duration_ms = (uint64_t)svc_pg_i64(result, i, 8),
        .applied_by = text_at(arena, result, i, 9),
        .run_id = text_at(arena, result, i, 10),
        .is_contract = svc_pg_bool(result, i, 11),
        .changes = text_at(arena, result, i, 12),
        .note = text_at(arena, result, i, 13),
    };
}

enum migrate_exit history_read(PGconn *conn, struct svc_arena *arena, struct history *ret_history,
                               struct fault *fault)
{
    SVC_PGRESULT PGresult *found = NULL;
    SVC_PGRESULT PGresult *result = NULL;
    *ret_history = (struct history){0};
    enum migrate_exit rc =
        database_statement(conn, arena, MIGRATE_SQL_HISTORY_EXISTS, 0, NULL, &found, fault);
    if (rc != MIGRATE_OK || !svc_pg_bool(found, 0, 0))
        return rc;
    rc = database_statement(conn, arena, MIGRATE_SQL_HISTORY_READ, 0, NULL, &result, fault);
    if (rc != MIGRATE_OK)
        return rc;
    ret_history->count = (size_t)PQntuples(result);
    ret_history->rows =
        svc_arena_alloc(arena, (ret_history->count + 1) * sizeof *ret_history->rows);
    for (size_t i = 0; i < ret_history->count; i++)
        read_row(arena, result, (int)i, &ret_history->rows[i]);
    return MIGRATE_OK;
}

static const char *number(struct svc_arena *arena, uint64_t value)
{
    return svc_arena_printf(arena, "%" PRIu64, value);
}

static enum migrate_exit chain_below(PGconn *conn, struct svc_arena *arena,
                                     const struct migration *file, char ret_chain[CHECKSUM_TEXT],
                                     struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    const char *values[] = {number(arena, file->version)};
    enum migrate_exit rc =
        database_statement(conn, arena, MIGRATE_SQL_HISTORY_CHAIN_BELOW, 1, values, &result, fault);
    if (rc == MIGRATE_OK)
        plan_chain(PQntuples(result) ? svc_pg_text(result, 0, 0) : "", file->checksum, ret_chain);
    return rc;
}

/* Programs look whether the schema is one that they know (lib/contracts/schema_range.c). Their
 * roles are made by a migration, so each new row is a moment to look for one that may not read yet.
 */
static enum migrate_exit show_to_programs(PGconn *conn, struct svc_arena *arena,
                                          struct fault *fault)
{
    return database_statement(conn, arena, MIGRATE_SQL_HISTORY_SHOW_TO_PROGRAMS, 0, NULL, NULL,
                              fault);
}

enum migrate_exit history_add(PGconn *conn, struct svc_arena *arena,
                              const struct history_entry *entry, struct fault *fault)
{
    const struct migration *file = entry->file;
    char chain[CHECKSUM_TEXT];
    enum migrate_exit rc = chain_below(conn, arena, file, chain, fault);
    if (rc != MIGRATE_OK)
        return rc;
    const char *values[] = {
        number(arena, file->version),
        file->name,
        file->checksum,
        chain,
        entry->is_running ? "running" : "applied",
        number(arena, entry->statements_done),
        number(arena, entry->statements),
        number(arena, entry->duration_ms),
        entry->run_id,
        file->directives.contract ? "true" : "false",
        entry->changes,
        entry->note,
    };
    rc = database_statement(conn, arena, MIGRATE_SQL_HISTORY_ADD, 12, values, NULL, fault);
    return rc == MIGRATE_OK ? show_to_programs(conn, arena, fault) : rc;
}

enum migrate_exit history_remove(PGconn *conn, struct svc_arena *arena, uint64_t version,
                                 struct fault *fault)
{
    const char *values[] = {number(arena, version)};
    return database_statement(conn, arena, MIGRATE_SQL_HISTORY_REMOVE, 1, values, NULL, fault);
}

enum migrate_exit history_resume(PGconn *conn, struct svc_arena *arena, uint64_t version,
                                 const char *run_id, uint64_t statements, struct fault *fault)
{
    const char *values[] = {number(arena, version), run_id, number(arena, statements)};
    return database_statement(conn, arena, MIGRATE_SQL_HISTORY_RESUME, 3, values, NULL, fault);
}

enum migrate_exit history_advance(PGconn *conn, struct svc_arena *arena, uint64_t version,
                                  uint64_t statements_done, struct fault *fault)
{
    const char *values[] = {number(arena, version), number(arena, statements_done)};
    return database_statement(conn, arena, MIGRATE_SQL_HISTORY_ADVANCE, 2, values, NULL, fault);
}

enum migrate_exit history_finish(PGconn *conn, struct svc_arena *arena, uint64_t version,
                                 uint64_t duration_ms, const char *changes, struct fault *fault)
{
    const char *values[] = {number(arena, version), number(arena, duration_ms), changes};
    return database_statement(conn, arena, MIGRATE_SQL_HISTORY_FINISH, 3, values, NULL, fault);
}

enum migrate_exit history_has(PGconn *conn, struct svc_arena *arena, const struct migration *file,
                              const char *run_id, bool *ret_has, struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    const char *values[] = {number(arena, file->version), file->checksum, run_id};
    enum migrate_exit rc =
        database_statement(conn, arena, MIGRATE_SQL_HISTORY_HAS, 3, values, &result, fault);
    *ret_has = rc == MIGRATE_OK && PQntuples(result) > 0;
    return rc;
}
