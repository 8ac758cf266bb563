/* The connection and the history table.
 *
 * Raw libpq and not svc_pg: a migration is many statements in one text, sent whole by the simple
 * protocol and never prepared; errors need every field of the server's answer; and the session must
 * be one real session, because it holds an advisory lock. */
#pragma once

#include "fault.h"
#include "plan.h"

#include <stdbool.h>

#include <libpq-fe.h>

/* Connects with waiting bounded to 10 s. writable: refuse a standby. The caller closes with
 * database_close, also after a fault. */
enum migrate_exit database_open(const char *url, bool writable, struct svc_arena *arena,
                                PGconn **ret_conn, struct fault *fault);
void database_close(PGconn **conn);

/* One statement with text parameters; ret_result may be NULL, else owned by the caller. */
enum migrate_exit database_run(PGconn *conn, struct svc_arena *arena, const char *sql, int count,
                               const char *const *values, PGresult **ret_result,
                               struct fault *fault);

/* Make the history table where it is missing. Call it under the lock. */
enum migrate_exit database_make_history(PGconn *conn, struct svc_arena *arena, struct fault *fault);
/* Rows live in the arena; without a table the history is empty. */
enum migrate_exit database_read_history(PGconn *conn, struct svc_arena *arena,
                                        struct history *ret_history, struct fault *fault);
/* Inside the file's own transaction: both or neither. */
enum migrate_exit database_add_history(PGconn *conn, struct svc_arena *arena,
                                       const struct migration *file, uint64_t duration_ms,
                                       struct fault *fault);
