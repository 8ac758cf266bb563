/* The table and its statements. */
#include "history.h"

#include "database.h"

#include "svc/pg.h"

#include <inttypes.h>

static const char table_sql[] =
    "DO $$ BEGIN IF to_regclass('public.tradewire_migrations') IS NULL THEN"
    " CREATE TABLE public.tradewire_migrations ("
    "  version BIGINT PRIMARY KEY,"
    "  name TEXT NOT NULL,"
    "  checksum TEXT NOT NULL,"
    "  chain TEXT NOT NULL,"
    "  state TEXT NOT NULL DEFAULT 'applied' CHECK (state IN ('applied', 'running')),"
    "  statements_done BIGINT NOT NULL,"
    "  statements BIGINT NOT NULL,"
    "  applied_at TIMESTAMPTZ NOT NULL DEFAULT now(),"
    "  duration_ms BIGINT NOT NULL,"
    "  applied_by TEXT NOT NULL DEFAULT session_user,"
    "  run_id UUID NOT NULL,"
    "  is_contract BOOLEAN NOT NULL,"
    "  changes JSONB,"
    "  note TEXT);"
    " ALTER TABLE public.tradewire_migrations ENABLE ROW LEVEL SECURITY;"
    /* Supabase gives every new table to its API roles, TRUNCATE included. */
    " EXECUTE (SELECT 'REVOKE ALL ON public.tradewire_migrations FROM PUBLIC'"
    "   || coalesce(string_agg(DISTINCT ', ' || quote_ident(pg_get_userbyid(e.grantee)), ''), '')"
    "  FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) e"
    "  WHERE c.oid = 'public.tradewire_migrations'::regclass AND e.grantee NOT IN (0, c.relowner));"
    " CREATE POLICY programs ON public.tradewire_migrations FOR SELECT USING (true);"
    " COMMENT ON TABLE public.tradewire_migrations IS"
    "  'What migrate applied; each row was written in its file''s own transaction.';"
    " COMMENT ON COLUMN public.tradewire_migrations.version IS"
    "  'The digits in front of the file''s name.';"
    " COMMENT ON COLUMN public.tradewire_migrations.name IS 'The rest of the file''s name.';"
    " COMMENT ON COLUMN public.tradewire_migrations.checksum IS"
    "  'SHA-256 of the file with LF line ends, hex.';"
    " COMMENT ON COLUMN public.tradewire_migrations.chain IS"
    "  'SHA-256, hex, of the chain of the row before it followed by this checksum.';"
    " COMMENT ON COLUMN public.tradewire_migrations.state IS"
    "  'applied; or running: a no-transaction file that did not reach its end yet.';"
    " COMMENT ON COLUMN public.tradewire_migrations.statements_done IS"
    "  'How many statements of the file are done.';"
    " COMMENT ON COLUMN public.tradewire_migrations.statements IS"
    "  'How many statements the file has; 0 while running: it is being taken back.';"
    " COMMENT ON COLUMN public.tradewire_migrations.applied_at IS 'When its transaction began.';"
    " COMMENT ON COLUMN public.tradewire_migrations.duration_ms IS 'How long the file took, ms.';"
    " COMMENT ON COLUMN public.tradewire_migrations.applied_by IS 'The role that was logged in.';"
    " COMMENT ON COLUMN public.tradewire_migrations.run_id IS"
    "  'Which run of migrate it was; also in its application_name.';"
    " COMMENT ON COLUMN public.tradewire_migrations.is_contract IS"
    "  'The file takes away what programs of the release before it use.';"
    " COMMENT ON COLUMN public.tradewire_migrations.changes IS"
    "  'Digest after it of every catalog object that the file added or changed, null where it"
    " dropped one. While running: digests of the whole catalog before it.';"
    " COMMENT ON COLUMN public.tradewire_migrations.note IS"
    "  'Why the row is here where up did not apply the file: baseline, repair, adopted.';"
    " END IF; END $$";

enum migrate_exit history_make(PGconn *conn, struct svc_arena *arena, struct fault *fault)
{
    return database_run(conn, arena, table_sql, 0, NULL, NULL, fault);
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
    static const char exists[] = "SELECT to_regclass('public.tradewire_migrations') IS NOT NULL";
    static const char rows[] =
        "SELECT version, name, checksum, chain, state = 'running', statements_done, statements,"
        " to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), duration_ms,"
        " applied_by, run_id, is_contract, changes, note"
        " FROM public.tradewire_migrations ORDER BY version";
    SVC_PGRESULT PGresult *found = NULL;
    SVC_PGRESULT PGresult *result = NULL;
    *ret_history = (struct history){0};
    enum migrate_exit rc = database_run(conn, arena, exists, 0, NULL, &found, fault);
    if (rc != MIGRATE_OK || !svc_pg_bool(found, 0, 0))
        return rc;
    rc = database_run(conn, arena, rows, 0, NULL, &result, fault);
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
    static const char sql[] = "SELECT chain FROM public.tradewire_migrations WHERE version < $1"
                              " ORDER BY version DESC LIMIT 1";
    SVC_PGRESULT PGresult *result = NULL;
    const char *values[] = {number(arena, file->version)};
    enum migrate_exit rc = database_run(conn, arena, sql, 1, values, &result, fault);
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
    static const char sql[] =
        "DO $$ DECLARE v_role text; BEGIN"
        " FOR v_role IN SELECT rolname FROM pg_roles WHERE rolname IN ('tradewire_ingester',"
        "   'tradewire_dispatcher', 'tradewire_gateway', 'tradewire_sync', 'tradewire_operator')"
        "  AND NOT has_column_privilege(oid, 'public.tradewire_migrations', 'version', 'SELECT')"
        " LOOP EXECUTE format('GRANT SELECT (version, state, is_contract)"
        " ON public.tradewire_migrations TO %I', v_role);"
        " END LOOP; END $$";
    return database_run(conn, arena, sql, 0, NULL, NULL, fault);
}

enum migrate_exit history_add(PGconn *conn, struct svc_arena *arena,
                              const struct history_entry *entry, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO public.tradewire_migrations (version, name, checksum, chain, state,"
        " statements_done, statements, duration_ms, run_id, is_contract, changes, note)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
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
    rc = database_run(conn, arena, sql, 12, values, NULL, fault);
    return rc == MIGRATE_OK ? show_to_programs(conn, arena, fault) : rc;
}

enum migrate_exit history_remove(PGconn *conn, struct svc_arena *arena, uint64_t version,
                                 struct fault *fault)
{
    const char *values[] = {number(arena, version)};
    return database_run(conn, arena, "DELETE FROM public.tradewire_migrations WHERE version = $1",
                        1, values, NULL, fault);
}

enum migrate_exit history_resume(PGconn *conn, struct svc_arena *arena, uint64_t version,
                                 const char *run_id, uint64_t statements, struct fault *fault)
{
    static const char sql[] =
        "UPDATE public.tradewire_migrations SET state = 'running', run_id = $2, statements = $3,"
        /* of a file that never got to its end: not what it changed, so nothing to keep */
        " changes = CASE WHEN state = 'running' AND statements > 0 AND $3::bigint = 0 THEN NULL"
        "  ELSE changes END,"
        " statements_done = least(statements_done, $3) WHERE version = $1";
    const char *values[] = {number(arena, version), run_id, number(arena, statements)};
    return database_run(conn, arena, sql, 3, values, NULL, fault);
}

enum migrate_exit history_advance(PGconn *conn, struct svc_arena *arena, uint64_t version,
                                  uint64_t statements_done, struct fault *fault)
{
    static const char sql[] =
        "UPDATE public.tradewire_migrations SET statements_done = $2 WHERE version = $1";
    const char *values[] = {number(arena, version), number(arena, statements_done)};
    return database_run(conn, arena, sql, 2, values, NULL, fault);
}

enum migrate_exit history_finish(PGconn *conn, struct svc_arena *arena, uint64_t version,
                                 uint64_t duration_ms, const char *changes, struct fault *fault)
{
    static const char sql[] =
        "UPDATE public.tradewire_migrations SET state = 'applied', applied_at = now(),"
        " duration_ms = $2, changes = coalesce($3, changes) WHERE version = $1";
    const char *values[] = {number(arena, version), number(arena, duration_ms), changes};
    return database_run(conn, arena, sql, 3, values, NULL, fault);
}

enum migrate_exit history_has(PGconn *conn, struct svc_arena *arena, const struct migration *file,
                              const char *run_id, bool *ret_has, struct fault *fault)
{
    static const char sql[] = "SELECT 1 FROM public.tradewire_migrations"
                              " WHERE version = $1 AND checksum = $2"
                              " AND run_id = coalesce($3, run_id)";
    SVC_PGRESULT PGresult *result = NULL;
    const char *values[] = {number(arena, file->version), file->checksum, run_id};
    enum migrate_exit rc = database_run(conn, arena, sql, 3, values, &result, fault);
    *ret_has = rc == MIGRATE_OK && PQntuples(result) > 0;
    return rc;
}
