/* Folding the history's changes, and comparing them with the catalog. */
#include "fold.h"

#include "database.h"

#include "svc/buffer.h"
#include "svc/pg.h"

#include <stdlib.h>
#include <string.h>

/* catalog_changes_json marks what was kept with an equals sign. */
static void take_object(struct svc_arena *arena, const char *key, const char *value,
                        struct fold_object *ret)
{
    bool is_kept = value && value[0] == '=';
    *ret = (struct fold_object){
        .key = svc_arena_text(arena, key),
        .digest = svc_arena_text(arena, is_kept ? value + 1 : value),
        .is_kept = is_kept,
    };
}

static enum migrate_exit read_fold(PGconn *conn, struct svc_arena *arena,
                                   enum migrate_sql statement, const char *value,
                                   struct fold *ret_fold, struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum migrate_exit rc = database_statement(conn, arena, statement, 1, &value, &result, fault);
    if (rc != MIGRATE_OK)
        return rc;
    size_t rows = (size_t)PQntuples(result);
    *ret_fold = (struct fold){.is_complete = true};
    ret_fold->items = svc_arena_alloc(arena, (rows + 1) * sizeof *ret_fold->items);
    for (size_t i = 0; i < rows; i++) {
        const char *key = svc_pg_text(result, (int)i, 0);
        if (!key) /* the row that stands for changes that are not known */
            ret_fold->is_complete = false;
        else
            take_object(arena, key, svc_pg_text(result, (int)i, 1),
                        &ret_fold->items[ret_fold->count++]);
    }
    return MIGRATE_OK;
}

enum migrate_exit fold_read(PGconn *conn, struct svc_arena *arena, uint64_t without,
                            struct fold *ret_fold, struct fault *fault)
{
    return read_fold(conn, arena, MIGRATE_SQL_FOLD_HISTORY,
                     svc_arena_printf(arena, "%llu", (unsigned long long)without), ret_fold, fault);
}

enum migrate_exit fold_read_changes(PGconn *conn, struct svc_arena *arena, const char *changes,
                                    struct fold *ret_fold, struct fault *fault)
{
    return read_fold(conn, arena, MIGRATE_SQL_FOLD_CHANGES, changes, ret_fold, fault);
}

static int by_key(const void *a, const void *b)
{
    const struct fold_object *left = a, *right = b;
    return strcmp(left->key, right->key);
}

static void add_object(struct svc_arena *arena, struct fold *fold,
                       const struct catalog_object *object, const char *digest)
{
    fold->items[fold->count++] = (struct fold_object){
        .key = svc_arena_printf(arena, "%s %s", object->kind, object->identity),
        .digest = digest,
    };
}

void fold_from_catalog(struct svc_arena *arena, const struct catalog *catalog,
                       struct fold *ret_fold)
{
    *ret_fold = (struct fold){.is_complete = true};
    ret_fold->items = svc_arena_alloc(arena, (catalog->count + 1) * sizeof *ret_fold->items);
    for (size_t i = 0; i < catalog->count; i++)
        add_object(arena, ret_fold, &catalog->items[i], catalog->items[i].digest);
    qsort(ret_fold->items, ret_fold->count, sizeof *ret_fold->items, by_key);
}

void fold_from_changes(struct svc_arena *arena, const struct catalog_changes *changes,
                       struct fold *ret_fold)
{
    *ret_fold = (struct fold){.is_complete = true};
    ret_fold->items = svc_arena_alloc(arena, (changes->count + 1) * sizeof *ret_fold->items);
    for (size_t i = 0; i < changes->count; i++) {
        const struct catalog_change *change = &changes->items[i];
        if (change->what == CATALOG_KEPT)
            continue;
        add_object(arena, ret_fold, change->object,
                   change->what == CATALOG_DROPPED ? NULL : change->object->digest);
    }
    qsort(ret_fold->items, ret_fold->count, sizeof *ret_fold->items, by_key);
}

const struct fold_object *fold_find(const struct fold *fold, const char *key)
{
    struct fold_object wanted = {.key = key};
    return fold->count ? bsearch(&wanted, fold->items, fold->count, sizeof wanted, by_key) : NULL;
}

static const char *digest_in(const struct fold *fold, const char *key)
{
    const struct fold_object *object = fold_find(fold, key);
    return object ? object->digest : NULL;
}

bool fold_is_unexpected(struct svc_arena *arena, const struct fold *fold,
                        const struct catalog_object *object)
{
    static const char *const wholes[] = {"table",  "view", "function", "sequence",
                                         "domain", "enum", "type"};
    if (!object->parent[0] ||
        fold_find(fold, svc_arena_printf(arena, "%s %s", object->kind, object->identity)))
        return false;
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++)
        if (digest_in(fold, svc_arena_printf(arena, "%s %s", wholes[i], object->parent)))
            return true;
    return false;
}

/* Digests of two server versions say nothing about each other: then being there is what counts. */
static bool agree(const char *one, const char *other)
{
    if (!one || !other)
        return one == other;
    return strcmp(one, other) == 0 || !catalog_comparable(one, other);
}

static void add_difference(struct fold_differences *differences, const char *key,
                           const char *expected, const char *found)
{
    differences->items[differences->count++] =
        (struct fold_difference){.key = key, .expected = expected, .found = found};
}

void fold_compare(struct svc_arena *arena, const struct fold *expected, const struct fold *found,
                  struct fold_differences *ret)
{
    *ret = (struct fold_differences){
        .items = svc_arena_alloc(arena, (expected->count + 1) * sizeof *ret->items)};
    for (size_t i = 0; i < expected->count; i++) {
        const struct fold_object *object = &expected->items[i];
        const char *there = digest_in(found, object->key);
        if (!agree(object->digest, there))
            add_difference(ret, object->key, object->digest, there);
    }
}

/* An object that only the undone file names: before it, it was there otherwise or not at all, and
 * nobody wrote down which. So it is enough that it is not as the up file left it. */
static void check_own(const struct fold_object *undone, const char *there,
                      struct fold_differences *ret)
{
    if (undone->digest && there && strcmp(undone->digest, there) == 0)
        add_difference(ret, undone->key, NULL, there);
    else if (!undone->digest && !there)
        add_difference(ret, undone->key, "", NULL);
}

/* What the up file only found and left as it was, the down file leaves, too; what somebody else did
 * to it since is not its doing. */
static void check_kept(const struct fold_object *undone, const struct fold *changes,
                       const char *there, struct fold_differences *ret)
{
    if (fold_find(changes, undone->key) && !agree(undone->digest, there))
        add_difference(ret, undone->key, undone->digest, there);
}

static void check_undone(const struct fold *rest, const struct fold *undone,
                         const struct fold *changes, const struct fold *found,
                         struct fold_differences *ret)
{
    for (size_t i = 0; i < undone->count; i++) {
        const struct fold_object *object = &undone->items[i];
        const struct fold_object *before = fold_find(rest, object->key);
        const char *there = digest_in(found, object->key);
        if (!before && object->is_kept)
            check_kept(object, changes, there, ret);
        else if (!before)
            check_own(object, there, ret);
        else if (rest->is_complete && !agree(before->digest, there))
            add_difference(ret, object->key, before->digest, there);
    }
}

/* What the down file did beyond what the up file had done. */
static void check_changes(const struct fold *rest, const struct fold *undone,
                          const struct fold *changes, struct fold_differences *ret)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct fold_object *object = &changes->items[i];
        const struct fold_object *before = fold_find(rest, object->key);
        if (fold_find(undone, object->key))
            continue;
        if (before ? !agree(before->digest, object->digest) : object->digest != NULL)
            add_difference(ret, object->key, before ? before->digest : NULL, object->digest);
    }
}

void fold_check_undone(struct svc_arena *arena, const struct fold *rest, const struct fold *undone,
                       const struct fold *changes, const struct fold *found,
                       struct fold_differences *ret)
{
    *ret = (struct fold_differences){
        .items = svc_arena_alloc(arena, (undone->count + changes->count + 1) * sizeof *ret->items)};
    check_undone(rest, undone, changes, found, ret);
    if (rest->is_complete && undone->is_complete)
        check_changes(rest, undone, changes, ret);
}

static const char *describe_one(const struct fold_difference *difference)
{
    if (!difference->found)
        return "is missing";
    return difference->expected ? "is another" : "is left over";
}

const char *fold_describe(struct svc_arena *arena, const struct fold_differences *differences)
{
    enum { SHOWN_MAX = 10 };
    const char *text = "";
    for (size_t i = 0; i < differences->count && i < SHOWN_MAX; i++)
        text = svc_arena_printf(arena, "%s%s%s %s", text, i ? "; " : "", differences->items[i].key,
                                describe_one(&differences->items[i]));
    return differences->count > SHOWN_MAX
               ? svc_arena_printf(arena, "%s; and %zu more", text, differences->count - SHOWN_MAX)
               : text;
}

const char *fold_found_json(struct svc_arena *arena, const struct fold_differences *differences)
{
    struct svc_buffer json = {0};
    svc_buffer_text(&json, "{");
    for (size_t i = 0; i < differences->count; i++) {
        const struct fold_difference *difference = &differences->items[i];
        svc_buffer_text(&json, i ? ", " : "");
        svc_buffer_json(&json, difference->key, strlen(difference->key));
        svc_buffer_text(&json, ": ");
        if (difference->found)
            svc_buffer_json(&json, difference->found, strlen(difference->found));
        else
            svc_buffer_text(&json, "null");
    }
    svc_buffer_text(&json, "}");
    const char *text = svc_arena_copy(arena, json.bytes, json.len);
    svc_buffer_done(&json);
    return text;
}
