/* Hearing what a down file says, and letting that pass. */
#include "told.h"

#include "database.h"
#include "json.h"

#include "svc/pg.h"

#include <inttypes.h>
#include <string.h>

struct told_list *told_list(struct svc_arena *arena)
{
    struct told_list *list = svc_arena_alloc(arena, sizeof *list);
    *list = (struct told_list){.arena = arena};
    return list;
}

/* What shows all other notices: of every connection the same. */
static PQnoticeReceiver otherwise;

static const char *field(const struct told_list *list, const PGresult *notice, int code)
{
    const char *text = PQresultErrorField(notice, code);
    return text && *text ? svc_arena_text(list->arena, text) : NULL;
}

static struct told *add(struct told_list *list)
{
    if (list->count == list->capacity) {
        struct told *old = list->items;
        list->capacity = list->capacity ? 2 * list->capacity : 8;
        list->items = svc_arena_alloc(list->arena, list->capacity * sizeof *list->items);
        if (old)
            memcpy(list->items, old, list->count * sizeof *old);
    }
    return &list->items[list->count++];
}

/* The server's own warnings never name a table and a part of it. */
static void hear(void *arg, const PGresult *notice)
{
    struct told_list *list = arg;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *rule = field(list, notice, PG_DIAG_CONSTRAINT_NAME);
    const char *column = field(list, notice, PG_DIAG_COLUMN_NAME);
    struct told told = {
        .version = list->version,
        .kind = rule ? "rule" : "column",
        .schema = field(list, notice, PG_DIAG_SCHEMA_NAME),
        .table = field(list, notice, PG_DIAG_TABLE_NAME),
        .name = rule ? rule : column,
        .message = field(list, notice, PG_DIAG_MESSAGE_PRIMARY),
        .hint = field(list, notice, PG_DIAG_MESSAGE_HINT),
    };
    if (severity && strcmp(severity, "WARNING") == 0 && told.schema && told.table && told.name)
        *add(list) = told;
    else
        otherwise(NULL, notice);
}

void told_listen(struct told_list *list, PGconn *conn, uint64_t version)
{
    PQnoticeReceiver before = PQsetNoticeReceiver(conn, hear, list);
    list->version = version;
    if (before != hear)
        otherwise = before;
}

/* Is it among the items from that place on? */
static bool has_from(const struct told_list *list, size_t place, const struct told *told)
{
    for (size_t i = place; i < list->count; i++) {
        const struct told *item = &list->items[i];
        if (strcmp(item->kind, told->kind) == 0 && strcmp(item->schema, told->schema) == 0 &&
            strcmp(item->table, told->table) == 0 && strcmp(item->name, told->name) == 0)
            return true;
    }
    return false;
}

bool told_has(const struct told_list *list, const struct told *told)
{
    return has_from(list, 0, told);
}

static void say_one_told(struct svc_arena *arena, struct svc_buffer *json, const struct told *told)
{
    json_begin_object(json, NULL);
    json_text(json, "version", svc_arena_printf(arena, "%" PRIu64, told->version));
    json_text(json, "kind", told->kind);
    json_text(json, "table", svc_arena_printf(arena, "%s.%s", told->schema, told->table));
    json_text(json, "name", told->name);
    json_text(json, "message", told->message);
    json_text(json, "hint", told->hint);
    json_end_object(json);
}

void told_warn(const struct told *told)
{
    report_warn("not as it was: %s", told->message);
    if (told->hint)
        report_warn("  %s", told->hint);
}

void told_say(struct migrate *m, const struct told_list *list)
{
    struct svc_buffer *json = &m->report.members;
    json_begin_array(json, "not_as_it_was");
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].is_gone || has_from(list, i + 1, &list->items[i]))
            continue; /* an older file has the last word on a rule */
        told_warn(&list->items[i]);
        say_one_told(m->arena, json, &list->items[i]);
    }
    json_end_array(json);
}

static void take_out(struct fold_differences *differences, size_t place)
{
    differences->count--;
    memmove(&differences->items[place], &differences->items[place + 1],
            (differences->count - place) * sizeof *differences->items);
}

static enum migrate_exit record(struct migrate *m, uint64_t version,
                                const struct fold_difference *difference, struct fault *fault)
{
    const char *values[] = {svc_arena_printf(m->arena, "%" PRIu64, version), difference->key,
                            difference->found};
    return database_statement(m->conn, m->arena, MIGRATE_SQL_TOLD_RECORD, 3, values, NULL, fault);
}

/* One that was told, and all that differs because of it. */
static enum migrate_exit settle_one(struct migrate *m, struct told *told,
                                    struct fold_differences *differences, struct fault *fault)
{
    SVC_PGRESULT PGresult *keys = NULL;
    const char *values[] = {told->schema, told->table, told->name, told->kind};
    enum migrate_exit rc =
        database_statement(m->conn, m->arena, MIGRATE_SQL_TOLD_KEYS, 4, values, &keys, fault);
    if (rc == MIGRATE_OK && PQntuples(keys))
        told->relation = svc_arena_text(m->arena, svc_pg_text(keys, 0, 1));
    for (int i = 0; rc == MIGRATE_OK && i < PQntuples(keys); i++)
        for (size_t place = differences->count; rc == MIGRATE_OK && place-- > 0;)
            if (strcmp(differences->items[place].key, svc_pg_text(keys, i, 0)) == 0) {
                rc = record(m, told->version, &differences->items[place], fault);
                take_out(differences, place);
            }
    return rc;
}

enum migrate_exit told_settle(struct migrate *m, struct told_list *list, uint64_t version,
                              struct fold_differences *differences, struct fault *fault)
{
    enum migrate_exit rc = MIGRATE_OK;
    for (size_t i = 0; rc == MIGRATE_OK && i < list->count; i++)
        if (list->items[i].version == version)
            rc = settle_one(m, &list->items[i], differences, fault);
    return rc;
}

enum migrate_exit told_find_gone(struct migrate *m, struct told_list *list, struct fault *fault)
{
    enum migrate_exit rc = MIGRATE_OK;
    for (size_t i = 0; rc == MIGRATE_OK && i < list->count; i++) {
        SVC_PGRESULT PGresult *tables = NULL;
        struct told *told = &list->items[i];
        if (!told->relation)
            continue;
        rc = database_statement(m->conn, m->arena, MIGRATE_SQL_TOLD_TABLE, 1, &told->relation,
                                &tables, fault);
        told->is_gone = rc == MIGRATE_OK && PQntuples(tables) == 0;
    }
    return rc;
}
