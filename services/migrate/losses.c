/* Counting what goes. The catalog tells which tables and columns, whatever a down file says. */
#include "losses.h"

#include "database.h"
#include "json.h"

#include "svc/pg.h"

#include <string.h>

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
void losses_note(struct svc_arena *arena, const struct catalog_changes *changes, struct goings *ret)
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
enum migrate_exit losses_count(struct migrate *m, struct goings *goings, size_t *ret_losses,
                               struct fault *fault)
{
    enum migrate_exit rc =
        database_script(m->conn, m->arena, "BEGIN; SET LOCAL row_security = off", fault);
    *ret_losses = 0;
    for (size_t i = 0; rc == MIGRATE_OK && i < goings->count; i++) {
        rc = count_rows(m, &goings->items[i], fault);
        *ret_losses += rc == MIGRATE_OK && holds_rows(&goings->items[i]) ? 1 : 0;
    }
    return rc == MIGRATE_OK ? database_run(m->conn, m->arena, "COMMIT", 0, NULL, NULL, fault) : rc;
}

void losses_say(struct migrate *m, const struct goings *goings)
{
    struct svc_buffer *json = &m->report.members;
    json_begin_array(json, "data_loss");
    for (size_t i = 0; i < goings->count; i++) {
        const struct going *going = &goings->items[i];
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

enum migrate_exit losses_refuse(struct fault *fault, const char *message)
{
    (void)fault_set(fault, MIGRATE_INTEGRITY, "data_loss", message);
    fault->hint = "save what is in them, then say --allow-data-loss";
    return fault->exit;
}

static enum migrate_exit check_one_still_empty(struct migrate *m, struct going *going,
                                               struct fault *fault)
{
    const char *lock = svc_arena_printf(m->arena, "LOCK TABLE %s", going->table);
    enum migrate_exit rc = database_run(m->conn, m->arena, lock, 0, NULL, NULL, fault);
    if (rc == MIGRATE_OK)
        rc = count_rows(m, going, fault);
    if (rc == MIGRATE_OK && holds_rows(going))
        rc = losses_refuse(
            fault, svc_arena_printf(m->arena, "rows came into %s meanwhile", going->object));
    return rc;
}

enum migrate_exit losses_check_empty(struct migrate *m, const struct goings *goings,
                                     struct fault *fault)
{
    enum migrate_exit rc =
        database_run(m->conn, m->arena, "SET LOCAL row_security = off", 0, NULL, NULL, fault);
    for (size_t i = 0; rc == MIGRATE_OK && i < goings->count; i++)
        rc = check_one_still_empty(m, &goings->items[i], fault);
    return rc == MIGRATE_OK ? database_run(m->conn, m->arena, "SET LOCAL row_security = on", 0,
                                           NULL, NULL, fault)
                            : rc;
}
