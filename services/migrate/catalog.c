/* Comparing what the schema looks like, and writing it down. */
#include "catalog.h"

#include "svc/buffer.h"

#include <stdlib.h>
#include <string.h>

static int compare(const struct catalog_object *left, const struct catalog_object *right)
{
    int kinds = strcmp(left->kind, right->kind);
    return kinds ? kinds : strcmp(left->identity, right->identity);
}

static void add_change(struct catalog_changes *changes, enum catalog_what what,
                       const struct catalog_object *object)
{
    changes->items[changes->count++] = (struct catalog_change){.what = what, .object = object};
}

/* bsearch wants the key first. */
static int compare_objects(const void *key, const void *item)
{
    return compare(key, item);
}

static const struct catalog_object *find(const struct catalog *catalog, const char *kind,
                                         const char *identity)
{
    struct catalog_object key = {.kind = kind, .identity = identity};
    return catalog->count
               ? bsearch(&key, catalog->items, catalog->count, sizeof key, compare_objects)
               : NULL;
}

/* Whether the table or view that an object is part of changed itself. */
static bool is_whole_changed(const struct catalog *before, const struct catalog *after,
                             const struct catalog_object *part)
{
    static const char *const kinds[] = {"table", "view"};
    for (size_t i = 0; part->parent[0] && i < sizeof kinds / sizeof *kinds; i++) {
        const struct catalog_object *old = find(before, kinds[i], part->parent);
        const struct catalog_object *new = find(after, kinds[i], part->parent);
        if (old && new)
            return strcmp(old->digest, new->digest) != 0;
    }
    return false;
}

void catalog_diff(struct svc_arena *arena, const struct catalog *before,
                  const struct catalog *after, struct catalog_changes *ret_changes)
{
    size_t b = 0, a = 0;
    ret_changes->items =
        svc_arena_alloc(arena, (before->count + after->count + 1) * sizeof *ret_changes->items);
    ret_changes->count = 0;
    while (b < before->count || a < after->count) {
        const struct catalog_object *old = b < before->count ? &before->items[b] : NULL;
        const struct catalog_object *new = a < after->count ? &after->items[a] : NULL;
        int order = !old ? 1 : !new ? -1 : compare(old, new);
        if (order < 0)
            add_change(ret_changes, CATALOG_DROPPED, old);
        else if (order > 0)
            add_change(ret_changes, CATALOG_ADDED, new);
        else if (strcmp(old->digest, new->digest) != 0)
            add_change(ret_changes, CATALOG_CHANGED, new);
        else if (is_whole_changed(before, after, new))
            add_change(ret_changes, CATALOG_KEPT, new);
        b += order <= 0 ? 1 : 0;
        a += order >= 0 ? 1 : 0;
    }
}

const char *catalog_changes_json(struct svc_arena *arena, const struct catalog_changes *changes)
{
    struct svc_buffer json = {0};
    svc_buffer_text(&json, "{");
    for (size_t i = 0; i < changes->count; i++) {
        const struct catalog_object *object = changes->items[i].object;
        const char *key = svc_arena_printf(arena, "%s %s", object->kind, object->identity);
        svc_buffer_text(&json, i ? ", " : "");
        svc_buffer_json(&json, key, strlen(key));
        svc_buffer_text(&json, ": ");
        const char *kept = changes->items[i].what == CATALOG_KEPT ? "=" : "";
        if (changes->items[i].what == CATALOG_DROPPED)
            svc_buffer_text(&json, "null");
        else /* hex digits, a dot, a sign: nothing to escape */
            svc_buffer_printf(&json, "\"%s%s\"", kept, object->digest);
    }
    svc_buffer_text(&json, "}");
    const char *text = svc_arena_copy(arena, json.bytes, json.len);
    svc_buffer_done(&json);
    return text;
}

bool catalog_comparable(const char *digest, const char *other)
{
    size_t len = strcspn(digest, ".");
    return len == strcspn(other, ".") && memcmp(digest, other, len) == 0;
}
