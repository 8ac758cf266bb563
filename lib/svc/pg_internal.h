/* What svc_pg and svc_pgq share, and nobody else: how a connection is opened, how its statements
 * are checked, and the SQLSTATE table. */
#pragma once

#include "svc/pg.h"

/* The decision for one SQLSTATE (5 characters). */
enum svc_rc svc_pg_sqlstate_rc(const char *sqlstate);

/* DATABASE_URL taken apart once. A URL may list several hosts; each is tried by itself, so that
 * every host has its own time limit (PQconnectPoll knows none). */
struct svc_pg_login;

enum svc_rc svc_pg_login_new(const struct svc_pg_options *options, struct svc_pg_login **ret_login,
                             struct svc_error *err) SVC_CHECK;
void svc_pg_login_free(struct svc_pg_login **login);
int svc_pg_login_hosts(const struct svc_pg_login *login);
uint32_t svc_pg_login_limit_ms(const struct svc_pg_login *login); /* for one host */
/* Begin to connect to host 0 … hosts-1; go on with PQconnectPoll. Looking up a host name may block
 * here and in PQconnectPoll. NULL: no memory. */
PGconn *svc_pg_login_start(const struct svc_pg_login *login, int host);
/* Why connecting failed. SVC_FATAL: the server answered and refused us. */
enum svc_rc svc_pg_login_error(const PGconn *conn, struct svc_error *err);

/* Make a fresh connection non-blocking, enter pipeline mode and queue the gate, the check of every
 * statement and one sync. Results: svc_pg_checks_count() of them, then the sync. */
enum svc_rc svc_pg_checks_send(PGconn *conn, const struct svc_pg_options *options,
                               struct svc_error *err) SVC_CHECK;
int svc_pg_checks_count(const struct svc_pg_options *options);
/* Judge result number `check`. SVC_FATAL code schema_mismatch names the statement's file. */
enum svc_rc svc_pg_checks_judge(const struct svc_pg_options *options, int check,
                                const PGresult *result, const PGconn *conn,
                                struct svc_error *err) SVC_CHECK;
/* Queue one statement of the table, prepared or unnamed. */
int svc_pg_queue(PGconn *conn, const struct svc_pg_options *options, int statement, int value_count,
                 const char *const *values);
/* The connection can be used but must not be kept: prepared statements gone, or the server is a
 * standby. */
bool svc_pg_must_reconnect(const struct svc_error *err);
