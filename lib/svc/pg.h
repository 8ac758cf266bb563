/* Postgres: one connection with a table of statements (files in sql/, embedded by
 * cmake/embed.cmake).
 *
 * Every connection is opened with target_session_attrs=read-write, connect_timeout, keepalives and
 * tcp_user_timeout; statement_timeout and the like are set on the roles, never here. Every
 * statement is checked by PREPARE when the connection opens, after the gate was passed (a schema
 * mismatch is SVC_FATAL, code `schema_mismatch`, and names the file), and stays prepared unless
 * `pooled` is set, when it is sent unnamed each time.
 *
 * Two ways of use:
 *   sequential  svc_pg_send … svc_pg_sync, svc_pg_result: the caller may wait, bounded by
 * statement_timeout and by deadline_ms (a server that says nothing for that long counts as lost).
 *   on a loop   svc_pgq (pgq.h): never waits.
 * Parameters and results are text; bytea goes in as '\x…' hex text. */
#pragma once

#include "svc/buffer.h"
#include "svc/config.h"
#include "svc/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

struct svc_statement {
    const char *name; /* the file's name without .sql */
    const char *text;
};

/* A question asked once on every new connection, before the statements are checked: may this
 * program work on this database? */
struct svc_pg_gate {
    const char *sql; /* without parameters; NULL: no gate */
    /* result: its rows, or NULL when the server refused the question (err says how). Anything but
     * SVC_OK, with err filled, closes the connection: SVC_AGAIN is asked again on the next one. */
    enum svc_rc (*judge)(void *arg, const PGresult *result, struct svc_error *err);
    void *arg;
};

struct svc_pg_options {
    struct svc_cfg_pg server;
    const char *application_name; /* program name; borrowed for the life of the connection */
    struct svc_pg_gate gate;
    const struct svc_statement *statements;
    int statement_count;
    uint32_t
        deadline_ms; /* sequential use: longest silence while waiting for an answer; 0: no limit */
};

struct svc_pg;

/* Make a connection object; does not connect. */
enum svc_rc svc_pg_new(const struct svc_pg_options *options, struct svc_pg **ret_pg,
                       struct svc_error *err) SVC_CHECK;
void svc_pg_close(struct svc_pg **pg);
/* Connected? If not, connect and check the statements now. Waits, at most connect_timeout (3 s) per
 * host of DATABASE_URL, and for the look-up of their names. Nothing else connects: every other call
 * fails with SVC_AGAIN, code connection_lost, while there is no connection, so no statement of a
 * transaction can slip into the next connection. SVC_AGAIN: cannot be reached; SVC_FATAL: wrong
 * password, no such database, schema mismatch. */
enum svc_rc svc_pg_ready(struct svc_pg *pg, struct svc_error *err) SVC_CHECK;
bool svc_pg_connected(const struct svc_pg *pg);
/* Drop the connection (its transaction is rolled back by the server). */
void svc_pg_drop(struct svc_pg *pg);

/* Pipeline: queue statements, then sync, then take one result per statement in order, then finish.
 * One sync is out at a time. `values[i]` NULL is SQL NULL. The statements before a sync are one
 * transaction unless BEGIN and COMMIT are sent; without them the commit happens at the sync, so
 * only svc_pg_finish() says that it did. To give up before the sync: svc_pg_finish(), which then
 * drops the connection. svc_pg_send_text takes one statement without parameters. */
enum svc_rc svc_pg_send(struct svc_pg *pg, int statement, int value_count,
                        const char *const *values, struct svc_error *err) SVC_CHECK;
enum svc_rc svc_pg_send_text(struct svc_pg *pg, const char *sql, struct svc_error *err) SVC_CHECK;
enum svc_rc svc_pg_sync(struct svc_pg *pg, struct svc_error *err) SVC_CHECK;
/* The next statement's result; *ret_result is owned by the caller (PQclear, or SVC_PGRESULT).
 * On an error inside a pipeline the rest of it is skipped by the server and each further result
 * fails with code `pipeline_aborted`; svc_pg_finish() reads over them. */
enum svc_rc svc_pg_result(struct svc_pg *pg, PGresult **ret_result,
                          struct svc_error *err) SVC_CHECK;
/* Read everything outstanding up to and including the sync. Returns the first error not yet
 * reported. A transaction that failed is rolled back here. */
enum svc_rc svc_pg_finish(struct svc_pg *pg, struct svc_error *err) SVC_CHECK;
/* One statement, alone: send, sync, result, finish. ret_result may be NULL. */
enum svc_rc svc_pg_run(struct svc_pg *pg, int statement, int value_count, const char *const *values,
                       PGresult **ret_result, struct svc_error *err) SVC_CHECK;
/* SQL text with no parameters, alone; for BEGIN, COMMIT, ROLLBACK and migrate. Several statements
 * are allowed (one transaction unless the text says otherwise); ret_result is the last one's. COPY
 * FROM STDIN is not. A transaction that failed is rolled back here. */
enum svc_rc svc_pg_run_text(struct svc_pg *pg, const char *sql, PGresult **ret_result,
                            struct svc_error *err) SVC_CHECK;

/* SQLSTATE → decision; house-style.md section 4. Fills err from the result or the connection. */
enum svc_rc svc_pg_classify(const PGresult *result, const PGconn *conn, struct svc_error *err);

static inline void svc_pg_clear(PGresult **result)
{
    PQclear(*result);
    *result = NULL;
}
#define SVC_PGRESULT __attribute__((cleanup(svc_pg_clear)))

/* Columns of a result; borrowed until PQclear. */
static inline const char *svc_pg_text(const PGresult *result, int row,
                                      int column) /* NULL for SQL NULL */
{
    return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}
int64_t svc_pg_i64(const PGresult *result, int row, int column); /* 0 for SQL NULL */
bool svc_pg_bool(const PGresult *result, int row, int column);

/* Build one array parameter ('{…}'): begin (which resets the buffer), add elements, end; then pass
 * array->bytes. Texts hold no NUL byte. */
void svc_pg_array_begin(struct svc_buffer *array);
void svc_pg_array_add(struct svc_buffer *array, const char *text); /* NULL adds SQL NULL */
void svc_pg_array_add_bytes(struct svc_buffer *array, const char *text, size_t len);
void svc_pg_array_add_bytea(struct svc_buffer *array, const uint8_t *bytes,
                            size_t len); /* NULL: SQL NULL */
void svc_pg_array_add_i64(struct svc_buffer *array, int64_t number);
/* A timestamptz from a µs time; 0 adds SQL NULL. */
void svc_pg_array_add_time(struct svc_buffer *array, int64_t unix_us);
void svc_pg_array_end(struct svc_buffer *array);
