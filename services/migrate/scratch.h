/* A database made from the files alone, to compare another with: of our own making, dropped in the
 * end, or (MIGRATE_SCRATCH_URL) an empty one that somebody gave.
 *
 * Its name is tradewire_baseline_<run id>. After a kill it stays behind; the next scratch_make of
 * the cluster drops those whose run is gone. */
#pragma once

#include "fold.h"
#include "migrate.h"

struct scratch {
    struct migrate *of;     /* NULL: nothing was made */
    const char *name;       /* of the database to be dropped; NULL: none */
    struct config config;   /* as of->config, with another URL */
    struct migrate run;     /* on the scratch database */
    struct history history; /* one row per file, with what it changed */
    struct fold fold;       /* all of them together */
};

/* Run the files up to version `to` there. The connection of m is in no transaction and m holds its
 * lock. Texts live in m's arena; scratch_done also after a fault.
 *
 * MIGRATE_CONNECTION  no_scratch: the role may not create a database, and none is given
 * MIGRATE_USAGE       scratch_not_empty: the given one holds something
 * else                as run_file: the files themselves fail there */
enum migrate_exit scratch_make(struct migrate *m, uint64_t to, struct scratch *ret_scratch,
                               struct fault *fault);
/* What the files make against what m's database has, and what somebody added to it there; objects
 * on their own are somebody else's. The schema auth counts only where it is not the platform's. */
enum migrate_exit scratch_compare(struct migrate *m, const struct scratch *scratch,
                                  struct fold_differences *ret, struct fault *fault);
/* Ends the connection, drops the database. */
void scratch_done(struct scratch *scratch);
