/* Reading what the schema looks like: one statement, under fixed settings. */
#include "catalog.h"
#include "database.h"

#include "svc/pg.h"

#include <string.h>

const char catalog_settings[] =
    "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD';"
    "SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = 1;"
    "SET LOCAL bytea_output = 'hex'; SET LOCAL quote_all_identifiers = off;"
    "SET LOCAL standard_conforming_strings = on; SET LOCAL jit = off";

static void take_rows(struct svc_arena *arena, const PGresult *result, struct catalog *ret_catalog)
{
    size_t count = (size_t)PQntuples(result);
    struct catalog_object *items = svc_arena_alloc(arena, (count + 1) * sizeof *items);
    const char *kind = "";
    for (size_t i = 0; i < count; i++) {
        const char *text = svc_pg_text(result, (int)i, 0);
        if (strcmp(kind, text) != 0) /* a few words, thousands of rows */
            kind = svc_arena_text(arena, text);
        items[i] = (struct catalog_object){
            .kind = kind,
            .identity = svc_arena_text(arena, svc_pg_text(result, (int)i, 1)),
            .parent = svc_arena_text(arena, svc_pg_text(result, (int)i, 2)),
            .digest = svc_arena_text(arena, svc_pg_text(result, (int)i, 3)),
            .has_rows = svc_pg_bool(result, (int)i, 4),
        };
    }
    *ret_catalog = (struct catalog){.items = items, .count = count};
}

/* Everything that is set goes with the transaction, or with the savepoint where the caller has a
 * transaction; so do the locks on the tables and views that were looked at. */
enum migrate_exit catalog_read(PGconn *conn, struct svc_arena *arena, struct catalog *ret_catalog,
                               struct fault *fault)
{
    bool inside = PQtransactionStatus(conn) == PQTRANS_INTRANS;
    const char *begin =
        svc_arena_printf(arena, "%s; %s; SET LOCAL search_path = pg_catalog",
                         inside ? "SAVEPOINT catalog" : "BEGIN READ ONLY", catalog_settings);
    const char *end =
        inside ? "ROLLBACK TO SAVEPOINT catalog; RELEASE SAVEPOINT catalog" : "ROLLBACK";
    SVC_PGRESULT PGresult *result = NULL;
    enum migrate_exit rc = database_script(conn, arena, begin, fault);
    if (rc != MIGRATE_OK)
        return rc;
    rc = database_statement(conn, arena, MIGRATE_SQL_CATALOG, 0, NULL, &result, fault);
    struct fault later;
    enum migrate_exit end_rc = database_script(conn, arena, end, rc == MIGRATE_OK ? fault : &later);
    if (rc == MIGRATE_OK && end_rc == MIGRATE_OK)
        take_rows(arena, result, ret_catalog);
    return rc == MIGRATE_OK ? end_rc : rc;
}
