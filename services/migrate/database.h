/* Statements on a connection.
 *
 * Raw libpq and not svc_pg: a migration is many statements in one text, sent whole by the simple
 * protocol and never prepared; errors need every field of the server's answer; and the session must
 * be one real session, because it holds an advisory lock.
 *
 * Every wait ends on SIGTERM and SIGINT: what runs is cancelled, and from then on each call fails
 * with code `interrupted`. The server rolls back when the connection is closed. */
#pragma once

#include "fault.h"
#include "migrate_sql.h"

#include "svc/arena.h"

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

/* Somebody who wants to look while a statement runs. */
struct database_ticker {
    uint32_t every_ms;
    void (*tick)(void *arg);
    void *arg;
};

/* One statement with text parameters; ret_result may be NULL, else owned by the caller. */
enum migrate_exit database_run(PGconn *conn, struct svc_arena *arena, const char *sql, int count,
                               const char *const *values, PGresult **ret_result,
                               struct fault *fault);
/* The same with a statement of sql/. */
enum migrate_exit database_statement(PGconn *conn, struct svc_arena *arena,
                                     enum migrate_sql statement, int count,
                                     const char *const *values, PGresult **ret_result,
                                     struct fault *fault);
/* Statements of ours without parameters in one round trip; outside of a transaction they are one.
 */
enum migrate_exit database_script(PGconn *conn, struct svc_arena *arena, const char *sql,
                                  struct fault *fault);

/* For texts whose results matter one by one: send, then take results until *ret_result is NULL.
 * ticker may be NULL. Results, failed ones too, are owned by the caller. */
enum migrate_exit database_send(PGconn *conn, struct svc_arena *arena, const char *sql,
                                struct fault *fault);
enum migrate_exit database_next(PGconn *conn, struct svc_arena *arena,
                                const struct database_ticker *ticker, PGresult **ret_result,
                                struct fault *fault);
/* The fault of a failed result; `interrupted` where we cancelled it ourselves. */
enum migrate_exit database_fault(PGconn *conn, struct svc_arena *arena, const PGresult *result,
                                 struct fault *fault);

/* What every session of ours begins with, and each file again after RESET ALL. lock_timeout_ms 0:
 * no limit. */
const char *database_settings(struct svc_arena *arena, uint32_t lock_timeout_ms);
