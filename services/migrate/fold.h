/* What the catalog must look like: objects with their digests, by key ("table public.jobs").
 *
 * The history's rows say what each file did (`changes`); all of them, later ones over earlier ones,
 * are what the files made of the database. Objects that no row names are somebody else's. */
#pragma once

#include "catalog.h"

#include <stdbool.h>
#include <stdint.h>

struct fold_object {
    const char *key;    /* "<kind> <identity>" */
    const char *digest; /* NULL: it must not be there */
    bool is_kept;       /* one row's: the file found it so and left it so (CATALOG_KEPT) */
};

struct fold {
    struct fold_object *items; /* ascending by key, bytewise */
    size_t count;
    bool is_complete; /* false: a row's changes are not known, so digests may be out of date */
};

/* The history's rows but one; without 0: all. Texts live in the arena. */
enum migrate_exit fold_read(PGconn *conn, struct svc_arena *arena, uint64_t without,
                            struct fold *ret_fold, struct fault *fault);
/* One row's changes alone, as its column says. */
enum migrate_exit fold_read_changes(PGconn *conn, struct svc_arena *arena, const char *changes,
                                    struct fold *ret_fold, struct fault *fault);

/* Pure, all of these. */
void fold_from_catalog(struct svc_arena *arena, const struct catalog *catalog,
                       struct fold *ret_fold);
void fold_from_changes(struct svc_arena *arena, const struct catalog_changes *changes,
                       struct fold *ret_fold);
/* NULL: not in it. */
const struct fold_object *fold_find(const struct fold *fold, const char *key);

/* Whether an object is part of something that the fold names and is not named itself: somebody
 * added it by hand. Objects on their own that no row names are somebody else's. */
bool fold_is_unexpected(struct svc_arena *arena, const struct fold *fold,
                        const struct catalog_object *object);

/* An object that is not as expected. */
struct fold_difference {
    const char *key, *expected, *found; /* digests; NULL: not there */
};
struct fold_differences {
    struct fold_difference *items;
    size_t count;
};

/* Each object of `expected` against what is there; digests of different server versions count as
 * equal. */
void fold_compare(struct svc_arena *arena, const struct fold *expected, const struct fold *found,
                  struct fold_differences *ret);
/* What a down file left wrong.
 *
 * rest     the fold of the other rows: what it names must be as it says
 * undone   the row's own changes: what only it names may not be as the up file left it
 * changes  what the down file did: nothing but what either of them names, or drops
 * found    the catalog after it
 * Where `rest` is not complete, only the second is asked. What somebody changed by hand elsewhere
 * is not the down file's doing. */
void fold_check_undone(struct svc_arena *arena, const struct fold *rest, const struct fold *undone,
                       const struct fold *changes, const struct fold *found,
                       struct fold_differences *ret);

/* "index public.i is left over; table public.t is missing; …", the first ten. */
const char *fold_describe(struct svc_arena *arena, const struct fold_differences *differences);
/* The history column that says: these objects are as they were found. */
const char *fold_found_json(struct svc_arena *arena, const struct fold_differences *differences);
