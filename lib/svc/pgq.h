/* Postgres on a loop: statements go out in pipeline mode, each its own transaction, and their
 * results come back in order through a callback. Never waits. Reconnects by itself with jittered
 * back-off; whatever was outstanding when the connection was lost is reported SVC_AGAIN (it may or
 * may not have happened: every statement sent here must be safe to repeat). */
#pragma once

#include "svc/loop.h"
#include "svc/pg.h"

struct svc_pgq;

/* err->rc SVC_OK: committed, and result is borrowed for the call. Otherwise result is NULL and err
 * says why. The callback records; it may submit further statements, but not close. */
typedef void svc_pgq_done_fn(void *arg, const PGresult *result, const struct svc_error *err);

struct svc_pgq_options {
    struct svc_pg_options pg;
    void (*on_state)(void *arg,
                     bool connected); /* after connecting (statements checked) and after a loss */
    void *arg;
    uint32_t in_flight_max; /* statements outstanding; above it submit says SVC_AGAIN */
    uint32_t answer_ms; /* > 0; silent for longer with a statement outstanding, a connection counts
                           as lost */
};

/* Starts connecting; SVC_FATAL only when DATABASE_URL cannot be read. A schema mismatch ends the
 * loop with SVC_EXIT_SOFTWARE. Everything else, a refused login too, is tried again for ever:
 * readiness shows it. Host names in DATABASE_URL are looked up by libpq, which blocks meanwhile;
 * addresses avoid that. */
enum svc_rc svc_pgq_open(struct svc_loop *loop, const struct svc_pgq_options *options,
                         struct svc_pgq **ret_pgq, struct svc_error *err) SVC_CHECK;
void svc_pgq_close(struct svc_pgq **pgq); /* outstanding callbacks are not called */
bool svc_pgq_connected(const struct svc_pgq *pgq);
uint32_t svc_pgq_in_flight(const struct svc_pgq *pgq);
/* values are copied by libpq before return. */
enum svc_rc svc_pgq_submit(struct svc_pgq *pgq, int statement, int value_count,
                           const char *const *values, svc_pgq_done_fn *done, void *arg,
                           struct svc_error *err) SVC_CHECK;
