/* CREATE DATABASE, `up` in it, DROP DATABASE. */
#include "scratch.h"

#include "connect.h"
#include "database.h"
#include "history.h"
#include "lock.h"
#include "run.h"

#include "svc/pg.h"

#include <string.h>

static const char *const name_prefix = "tradewire_baseline_";

/* Names are our own: letters, digits, '_' and '-'. */
static enum migrate_exit drop_database(struct migrate *m, const char *name, struct fault *fault)
{
    const char *sql =
        svc_arena_printf(m->arena, "DROP DATABASE IF EXISTS \"%s\" WITH (FORCE)", name);
    return database_run(m->conn, m->arena, sql, 0, NULL, NULL, fault);
}

/* One that cannot be dropped is no reason to stop. */
static enum migrate_exit drop_leftovers(struct migrate *m, struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum migrate_exit rc = database_statement(m->conn, m->arena, MIGRATE_SQL_SCRATCH_LEFTOVERS, 1,
                                              &name_prefix, &result, fault);
    if (rc != MIGRATE_OK)
        return rc;
    for (int i = 0; i < PQntuples(result); i++) {
        struct fault ignored = {0};
        (void)drop_database(m, svc_pg_text(result, i, 0), &ignored);
    }
    return MIGRATE_OK;
}

static enum migrate_exit check_may_create(struct migrate *m, struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum migrate_exit rc = database_statement(m->conn, m->arena, MIGRATE_SQL_SCRATCH_MAY_CREATE, 0,
                                              NULL, &result, fault);
    if (rc != MIGRATE_OK || svc_pg_bool(result, 0, 0))
        return rc;
    (void)fault_set(fault, MIGRATE_CONNECTION, "no_scratch",
                    "to know what the files make they are run in a database of their own, and this "
                    "role may not create one");
    fault->hint = "give the role CREATEDB, or make an empty database and name it in "
                  "MIGRATE_SCRATCH_URL";
    return fault->exit;
}

static enum migrate_exit create_database(struct migrate *m, const char *name, struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum migrate_exit rc =
        database_statement(m->conn, m->arena, MIGRATE_SQL_SCRATCH_CREATE, 1, &name, &result, fault);
    return rc == MIGRATE_OK
               ? database_run(m->conn, m->arena, svc_pg_text(result, 0, 0), 0, NULL, NULL, fault)
               : rc;
}

/* "key='value'", as libpq reads it. */
static const char *conninfo_pair(struct svc_arena *arena, const char *key, const char *value)
{
    char *quoted = svc_arena_alloc(arena, 2 * strlen(value) + 1), *out = quoted;
    for (const char *at = value; *at; at++) {
        if (*at == '\'' || *at == '\\')
            *out++ = '\\';
        *out++ = *at;
    }
    return svc_arena_printf(arena, "%s='%s'", key, quoted);
}

/* The URL was read once already, by connect_open. */
static const char *url_of_database(struct svc_arena *arena, const char *url, const char *name)
{
    const char *text = conninfo_pair(arena, "dbname", name);
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    for (const PQconninfoOption *o = options; o && o->keyword; o++)
        if (o->val && strcmp(o->keyword, "dbname") != 0)
            text = svc_arena_printf(arena, "%s %s", text, conninfo_pair(arena, o->keyword, o->val));
    PQconninfoFree(options);
    return text;
}

static enum migrate_exit make_database(struct migrate *m, struct scratch *scratch,
                                       struct fault *fault)
{
    const char *name = svc_arena_printf(m->arena, "%s%s", name_prefix, m->run_id);
    enum migrate_exit rc = drop_leftovers(m, fault);
    if (rc == MIGRATE_OK)
        rc = check_may_create(m, fault);
    if (rc == MIGRATE_OK)
        rc = create_database(m, name, fault);
    if (rc != MIGRATE_OK)
        return rc;
    scratch->name = name;
    scratch->config.url = url_of_database(m->arena, m->config->url, name);
    return MIGRATE_OK;
}

/* Nothing in public but the schema itself and its grants, and no history. */
static enum migrate_exit check_empty(struct migrate *run, struct fault *fault)
{
    const struct catalog *catalog;
    enum migrate_exit rc = migrate_read_history(run, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_catalog(run, &catalog, fault);
    if (rc != MIGRATE_OK)
        return rc;
    const char *found = run->history.count ? "a history" : NULL;
    for (size_t i = 0; i < catalog->count && !found; i++) {
        const struct catalog_object *object = &catalog->items[i];
        bool is_object = strcmp(object->kind, "table") == 0 || strcmp(object->kind, "view") == 0 ||
                         strcmp(object->kind, "function") == 0;
        if (is_object)
            found = svc_arena_printf(run->arena, "%s %s", object->kind, object->identity);
    }
    if (!found)
        return MIGRATE_OK;
    (void)fault_set(
        fault, MIGRATE_USAGE, "scratch_not_empty",
        svc_arena_printf(run->arena, "the database to compare with is not empty: %s", found));
    fault->hint = "MIGRATE_SCRATCH_URL names a database that was made for this and holds nothing";
    return fault->exit;
}

static enum migrate_exit run_files(struct migrate *run, uint64_t to, struct fault *fault)
{
    enum migrate_exit rc = MIGRATE_OK;
    for (size_t i = 0; rc == MIGRATE_OK && i < run->files.count; i++) {
        struct run_request request = {.direction = RUN_UP, .file = &run->files.items[i]};
        struct run_outcome outcome;
        if (request.file->version > to)
            break;
        rc = run_file(run, &request, &outcome, fault);
    }
    if (rc != MIGRATE_OK)
        fault->message = svc_arena_printf(run->arena, "in the database made to compare with: %s",
                                          fault->message);
    return rc;
}

static enum migrate_exit fill(struct scratch *scratch, uint64_t to, struct fault *fault)
{
    struct migrate *run = &scratch->run;
    enum migrate_exit rc = migrate_connect(run, fault);
    if (rc == MIGRATE_OK) /* refused, too, where it is the database that is to be compared */
        rc = lock_take(run, 0, fault);
    if (rc == MIGRATE_OK)
        rc = check_empty(run, fault);
    if (rc == MIGRATE_OK)
        rc = history_make(run->conn, run->arena, fault);
    if (rc == MIGRATE_OK)
        rc = run_files(run, to, fault);
    if (rc == MIGRATE_OK)
        rc = history_read(run->conn, run->arena, &scratch->history, fault);
    if (rc == MIGRATE_OK)
        rc = fold_read(run->conn, run->arena, 0, &scratch->fold, fault);
    return rc;
}

enum migrate_exit scratch_make(struct migrate *m, uint64_t to, struct scratch *ret_scratch,
                               struct fault *fault)
{
    *ret_scratch = (struct scratch){.of = m, .config = *m->config};
    ret_scratch->config.against = NULL;
    ret_scratch->config.url = m->config->against;
    enum migrate_exit rc = m->config->against ? MIGRATE_OK : make_database(m, ret_scratch, fault);
    if (rc != MIGRATE_OK)
        return rc;
    ret_scratch->run = (struct migrate){.config = &ret_scratch->config,
                                        .arena = m->arena,
                                        .files = m->files,
                                        .report = {.json = true}}; /* progress to stderr */
    memcpy(ret_scratch->run.run_id, m->run_id, sizeof m->run_id);
    return fill(ret_scratch, to, fault);
}

void scratch_done(struct scratch *scratch)
{
    struct fault fault = {0};
    connect_close(&scratch->run.conn);
    svc_buffer_done(&scratch->run.report.members);
    if (!scratch->of || !scratch->name)
        return;
    if (PQtransactionStatus(scratch->of->conn) != PQTRANS_IDLE ||
        drop_database(scratch->of, scratch->name, &fault) != MIGRATE_OK)
        report_warn("the database %s was left behind; the next baseline drops it", scratch->name);
    scratch->name = NULL;
}

static enum migrate_exit platform_has_auth(struct migrate *m, bool *ret_has, struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum migrate_exit rc = database_statement(m->conn, m->arena, MIGRATE_SQL_SCRATCH_HAS_AUTH, 0,
                                              NULL, &result, fault);
    *ret_has = rc == MIGRATE_OK && svc_pg_bool(result, 0, 0);
    return rc;
}

/* "table auth.users", "grant schema auth to anon", "comment column auth.users.id": what it is comes
 * first, in one word or, after grant and comment, two. */
static bool is_of_auth(const char *key)
{
    bool is_about = strncmp(key, "grant ", 6) == 0 || strncmp(key, "comment ", 8) == 0;
    const char *at = strchr(key, ' ');
    at = at && is_about ? strchr(at + 1, ' ') : at;
    return at && strncmp(at, " auth", 5) == 0 && strchr(". ", at[5]) != NULL;
}

static void leave_out_auth(struct fold *fold)
{
    size_t kept = 0;
    for (size_t i = 0; i < fold->count; i++)
        if (!is_of_auth(fold->items[i].key))
            fold->items[kept++] = fold->items[i];
    fold->count = kept;
}

static void add_unexpected(struct svc_arena *arena, const struct fold *expected,
                           const struct catalog *catalog, struct fold_differences *differences)
{
    struct fold_difference *items =
        svc_arena_alloc(arena, (differences->count + catalog->count + 1) * sizeof *items);
    if (differences->count)
        memcpy(items, differences->items, differences->count * sizeof *items);
    differences->items = items;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct catalog_object *object = &catalog->items[i];
        if (fold_is_unexpected(arena, expected, object))
            items[differences->count++] = (struct fold_difference){
                .key = svc_arena_printf(arena, "%s %s", object->kind, object->identity),
                .found = object->digest,
            };
    }
}

enum migrate_exit scratch_compare(struct migrate *m, const struct scratch *scratch,
                                  struct fold_differences *ret, struct fault *fault)
{
    struct fold expected = scratch->fold, found;
    const struct catalog *catalog;
    bool has_auth;
    enum migrate_exit rc = migrate_catalog(m, &catalog, fault);
    if (rc == MIGRATE_OK)
        rc = platform_has_auth(m, &has_auth, fault);
    if (rc != MIGRATE_OK)
        return rc;
    fold_from_catalog(m->arena, catalog, &found);
    if (has_auth && !fold_find(&found, "schema auth"))
        leave_out_auth(&expected);
    fold_compare(m->arena, &expected, &found, ret);
    add_unexpected(m->arena, &expected, catalog, ret);
    return MIGRATE_OK;
}
