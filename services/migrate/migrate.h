/* What all commands share: the state of one run, and the steps that most of them begin with.
 *
 *   migrate_read_files → migrate_connect → migrate_lock → migrate_read_history → the command's work
 *
 * A command returns its exit code with the fault filled, or MIGRATE_OK; MIGRATE_DRIFT and
 * MIGRATE_PENDING may come without a fault (fault->code NULL): then the command has said all
 * itself. With --json it adds its members to report.members (json.h), all brackets closed, also
 * when it fails. Nothing is freed one by one: texts live in the arena, main closes the connection.
 */
#pragma once

#include "catalog.h"
#include "config.h"
#include "connect.h"
#include "fault.h"
#include "files.h"
#include "plan.h"
#include "report.h"

#include "svc/text.h"

#include <libpq-fe.h>

struct migrate {
    const struct config *config;
    struct svc_arena *arena;
    char run_id[SVC_UUID_TEXT]; /* in application_name and in every history row of this run */
    PGconn *conn;               /* NULL before migrate_connect; holds the lock after migrate_lock */
    int64_t backend_pid;        /* the server's process behind conn, also through a pooler */
    struct files files;
    struct history history;
    struct plan plan;
    struct catalog catalog; /* as the last file left it, see migrate_catalog */
    bool catalog_known;
    struct svc_arena catalog_arenas[2]; /* used in turn where recycle_catalogs is set: a catalog and
                                           its changes are gone after the next file */
    bool recycle_catalogs;
    bool catalog_in_second;
    struct report report;
};

/* config and arena are borrowed. */
void migrate_init(struct migrate *m, const struct config *config, struct svc_arena *arena);
void migrate_done(struct migrate *m);

/* Reads files: the program's, or with --dir the folder's. */
enum migrate_exit migrate_read_files(struct migrate *m, struct fault *fault);
/* Waits up to --wait for a server. A pooler in transaction mode is refused. */
enum migrate_exit migrate_connect(struct migrate *m, struct fault *fault);
/* After the connection was lost: a new one and the lock again; both waits are --lock-wait long. */
enum migrate_exit migrate_reconnect(struct migrate *m, struct fault *fault);
/* How to connect once more; in the arena. */
struct connect migrate_target(const struct migrate *m);
/* Waits up to --lock-wait for another migrate; with --json the holder is the member "lock_holder".
 */
enum migrate_exit migrate_lock(struct migrate *m, struct fault *fault);
/* Reads history and makes plan; entries that do not fit are only counted (plan.faults). */
enum migrate_exit migrate_read_history(struct migrate *m, struct fault *fault);
/* MIGRATE_INTEGRITY, each entry on stderr, when any does not fit. */
enum migrate_exit migrate_check_plan(struct migrate *m, struct fault *fault);
/* All of the above in that order: what a command that works file by file begins with. */
enum migrate_exit migrate_begin(struct migrate *m, struct fault *fault);
/* The catalog as it is now: read once, then what run_file saw last. */
enum migrate_exit migrate_catalog(struct migrate *m, const struct catalog **ret_catalog,
                                  struct fault *fault);
/* The steps of a file that changes it: where to read it anew, and that this is what it is now. */
struct svc_arena *migrate_catalog_arena(struct migrate *m);
void migrate_set_catalog(struct migrate *m, const struct catalog *catalog);
