/* What the database's schema looks like: one row per object, with a digest of its definition.
 *
 * An object's definition is printed by the server under fixed settings, so that the digest depends
 * neither on oids nor on the order of columns, the search path, the time zone or the way that led
 * there. The kinds, and what counts as a definition, are in sql/catalog.sql. The digest begins with
 * the server's major version and a dot: another version may print the same definition differently,
 * so only digests of one version can be compared (catalog_comparable). */
#pragma once

#include "fault.h"

#include "svc/arena.h"

#include <stdbool.h>
#include <stddef.h>

#include <libpq-fe.h>

struct catalog_object {
    const char *kind;     /* one word: table, column, index, function, grant, comment, … */
    const char *identity; /* schema-qualified: public.jobs, public.jobs.id, public.f(uuid) */
    const char *parent;   /* identity of the table, view or function it is part of; "": none */
    const char *digest;
    bool has_rows; /* tables: the storage is not empty, so there may be rows to lose */
};

struct catalog {
    struct catalog_object *items; /* ascending by kind, then identity, bytewise */
    size_t count;
};

/* All of schema public, and of schema auth what belongs to the history table's owner (the stand-ins
 * on plain Postgres). Without: the history table, members of extensions, partitions (they come and
 * go with time: data), temporary objects. One round trip; it may be called inside a transaction and
 * then leaves neither settings nor locks behind in it. Texts live in the arena: about half a
 * megabyte for our schema, so a run that reads many gives each an arena that it can reset.
 *
 * MIGRATE_SQL, MIGRATE_CONNECTION as database_run. */
enum migrate_exit catalog_read(PGconn *conn, struct svc_arena *arena, struct catalog *ret_catalog,
                               struct fault *fault);

/* SET LOCAL … of whatever else than the search path the text of a definition depends on; no JIT,
 * which would take longer than the query. */
extern const char catalog_settings[];

enum catalog_what {
    CATALOG_ADDED,
    CATALOG_CHANGED,
    CATALOG_DROPPED,
    CATALOG_KEPT, /* unchanged, but part of a table or view that itself changed */
};

struct catalog_change {
    enum catalog_what what;
    const struct catalog_object *object; /* as it is after; where dropped, as it was before */
};

struct catalog_changes {
    struct catalog_change *items; /* ascending by kind, then identity */
    size_t count;
};

/* Pure. The changes point into both catalogs.
 *
 * What is kept is there for the history only. A file that takes over a table which somebody else
 * had made (owner, row level security) changes the table's own row and not its columns; recorded
 * with it, they are ours from then on, and `verify` knows them from those that come by hand. */
void catalog_diff(struct svc_arena *arena, const struct catalog *before,
                  const struct catalog *after, struct catalog_changes *ret_changes);

/* The history's column `changes`: {"<kind> <identity>": "<digest>", …}; null where dropped,
 * "=<digest>" where kept. fold.h reads it. */
const char *catalog_changes_json(struct svc_arena *arena, const struct catalog_changes *changes);

/* Whether two digests were made by the same major version of the server. */
bool catalog_comparable(const char *digest, const char *other);
