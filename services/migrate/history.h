/* The history table, public.tradewire_migrations; its rows are plan.h's. */
#pragma once

#include "fault.h"
#include "plan.h"

#include "svc/arena.h"

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

/* Make the table where it is missing. Call it under the lock. */
enum migrate_exit history_make(PGconn *conn, struct svc_arena *arena, struct fault *fault);
/* Rows live in the arena; without a table the history is empty. */
enum migrate_exit history_read(PGconn *conn, struct svc_arena *arena, struct history *ret_history,
                               struct fault *fault);

/* A new row. Its chain goes on from the newest row below its version. */
struct history_entry {
    const struct migration *file;
    const char *run_id;
    uint64_t duration_ms;
    bool is_running;
    uint64_t statements_done, statements;
    const char *changes; /* JSON; NULL: not known. While is_running: the whole catalog before it */
    const char *note;    /* NULL: applied by `up` */
};
enum migrate_exit history_add(PGconn *conn, struct svc_arena *arena,
                              const struct history_entry *entry, struct fault *fault);
enum migrate_exit history_remove(PGconn *conn, struct svc_arena *arena, uint64_t version,
                                 struct fault *fault);

/* The steps of a no-transaction file: goes on (or begins to be taken back, statements 0), one
 * statement is done, all are. changes NULL: what the row holds stays. */
enum migrate_exit history_resume(PGconn *conn, struct svc_arena *arena, uint64_t version,
                                 const char *run_id, uint64_t statements, struct fault *fault);
enum migrate_exit history_advance(PGconn *conn, struct svc_arena *arena, uint64_t version,
                                  uint64_t statements_done, struct fault *fault);
enum migrate_exit history_finish(PGconn *conn, struct svc_arena *arena, uint64_t version,
                                 uint64_t duration_ms, const char *changes, struct fault *fault);

/* After a connection was lost during COMMIT: is the row there? run_id NULL: from whatever run. */
enum migrate_exit history_has(PGconn *conn, struct svc_arena *arena, const struct migration *file,
                              const char *run_id, bool *ret_has, struct fault *fault);
