/* Postgres on the loop. One connection is in one of four states:
 *
 *     WAITING ──timer──► CONNECTING ──PQconnectPoll──► CHECKING ──all statements good──► READY
 *        ▲                    │                           │                               │
 *        └────────────────────┴──── refused, silent, lost ┴───────────────────────────────┘
 *
 * One timer serves all four: the back-off, the limits of connecting and checking, the watch over a
 * silent server. A login that is refused is tried again (passwords rotate, roles are made by a
 * migration), with a limited warning; a statement that does not fit the schema ends the loop. */
#include "svc/pgq.h"

#include "pg_internal.h"

#include "svc/cleanup.h"
#include "svc/clock.h"
#include "svc/log.h"
#include "svc/memory.h"
#include "svc/retry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum pgq_state { PGQ_WAITING, PGQ_CONNECTING, PGQ_CHECKING, PGQ_READY };

struct submitted {
    svc_pgq_done_fn *done;
    void *arg;
    PGresult *result; /* held until the sync: only then is the statement committed */
};

struct svc_pgq {
    struct svc_loop *loop;
    struct svc_pgq_options options;
    struct svc_pg_login *login;
    enum pgq_state state;
    PGconn *conn;
    struct svc_source source;
    struct svc_timer timer;
    struct svc_retry retry;
    struct svc_log_limit limit;
    int64_t heard_mono_us;  /* last byte from the server, or when the oldest statement was sent */
    int host, hosts_left;   /* of this round of attempts */
    int checked;            /* checks passed so far */
    bool broken;            /* a statement is queued without its sync: of no more use */
    struct submitted *ring; /* in_flight_max entries */
    uint32_t oldest, in_flight;
};

/* Leaving a connection */

static void close_connection(struct svc_pgq *pgq)
{
    svc_timer_stop(&pgq->timer);
    svc_source_remove(&pgq->source); /* before PQfinish closes the descriptor */
    PQfinish(pgq->conn);
    pgq->conn = NULL;
    pgq->broken = false;
    pgq->state = PGQ_WAITING;
}

static struct submitted take_oldest(struct svc_pgq *pgq)
{
    const struct submitted s = pgq->ring[pgq->oldest];
    pgq->oldest = (pgq->oldest + 1) % pgq->options.in_flight_max;
    pgq->in_flight--;
    return s;
}

static void fail_outstanding(struct svc_pgq *pgq, const struct svc_error *cause)
{
    struct svc_error err = {.rc = SVC_OK};
    svc_fail(&err, SVC_AGAIN, "connection_lost", "outcome unknown: %s", cause->text);
    while (pgq->in_flight > 0) {
        const struct submitted s = take_oldest(pgq);
        PQclear(s.result);
        s.done(s.arg, NULL, &err);
    }
}

/* The connection is of no more use: report what was outstanding, and try again, the next host at
 * once. */
static void lose(struct svc_pgq *pgq, const struct svc_error *cause)
{
    const bool was_ready = pgq->state == PGQ_READY;
    close_connection(pgq);
    if (cause->rc == SVC_FATAL && strcmp(cause->code, "schema_mismatch") == 0) {
        svc_alert("schema_mismatch", SVC_ERR(cause));
        svc_loop_fail(pgq->loop, SVC_EXIT_SOFTWARE);
        return;
    }
    svc_warn_limited(&pgq->limit, was_ready ? "postgres_lost" : "postgres_unreachable",
                     SVC_ERR(cause));
    if (was_ready)
        pgq->hosts_left = 0; /* a new round, after a short wait */
    pgq->host = (pgq->host + 1) % svc_pg_login_hosts(pgq->login);
    svc_timer_after_ms(pgq->loop, &pgq->timer,
                       pgq->hosts_left > 0 ? 0 : svc_retry_next_ms(&pgq->retry));
    if (was_ready && pgq->options.on_state != NULL)
        pgq->options.on_state(pgq->options.arg, false);
    fail_outstanding(pgq, cause);
}

static void lose_conn(struct svc_pgq *pgq)
{
    struct svc_error err = {.rc = SVC_OK};
    svc_pg_classify(NULL, pgq->conn, &err);
    lose(pgq, &err);
}

/* Results */

static void watch(struct svc_pgq *pgq)
{
    const int unsent = PQflush(pgq->conn);
    if (unsent < 0)
        lose_conn(pgq);
    else
        svc_source_events(&pgq->source, EPOLLIN | (unsent > 0 ? EPOLLOUT : 0u));
}

static void become_ready(struct svc_pgq *pgq)
{
    pgq->state = PGQ_READY;
    svc_timer_stop(&pgq->timer);
    svc_retry_reset(&pgq->retry);
    svc_info("postgres_connected", SVC_T("host", PQhost(pgq->conn)));
    if (pgq->options.on_state != NULL)
        pgq->options.on_state(pgq->options.arg, true);
}

static void on_check(struct svc_pgq *pgq, const PGresult *result)
{
    struct svc_error err = {.rc = SVC_OK};
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC)
        become_ready(pgq);
    else if (pgq->checked == svc_pg_checks_count(&pgq->options.pg))
        lose_conn(pgq); /* an error in place of the sync */
    else if (svc_pg_checks_judge(&pgq->options.pg, pgq->checked, result, pgq->conn, &err) != SVC_OK)
        lose(pgq, &err);
    else
        pgq->checked++;
}

/* The oldest statement is over, committed or not: tell its owner. */
static void on_sync(struct svc_pgq *pgq)
{
    const struct submitted s = take_oldest(pgq);
    SVC_PGRESULT PGresult *result = s.result;
    struct svc_error err = {.rc = SVC_OK};
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        s.done(s.arg, result, &err);
        return;
    }
    svc_pg_classify(result, pgq->conn, &err);
    s.done(s.arg, NULL, &err);
    if (svc_pg_must_reconnect(&err))
        lose(pgq, &err);
}

static void on_result(struct svc_pgq *pgq, PGresult *result)
{
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        on_sync(pgq);
        return;
    }
    /* An error after the result is one at commit, and replaces it. */
    struct submitted *s = &pgq->ring[pgq->oldest];
    PQclear(s->result);
    s->result = result;
}

static bool expecting(const struct svc_pgq *pgq)
{
    return pgq->state == PGQ_CHECKING || (pgq->state == PGQ_READY && pgq->in_flight > 0);
}

static void read_results(struct svc_pgq *pgq)
{
    if (PQconsumeInput(pgq->conn) != 1) {
        lose_conn(pgq);
        return;
    }
    pgq->heard_mono_us = svc_mono_us();
    bool busy = PQisBusy(pgq->conn); /* parses the input, also when nothing is expected */
    while (!busy && expecting(pgq)) {
        PGresult *result = PQgetResult(pgq->conn); /* NULL only ends one statement */
        if (result != NULL && pgq->state == PGQ_CHECKING) {
            on_check(pgq, result);
            PQclear(result);
        } else if (result != NULL) {
            on_result(pgq, result);
        }
        busy = pgq->conn != NULL && PQisBusy(pgq->conn);
    }
    if (pgq->conn != NULL && PQstatus(pgq->conn) == CONNECTION_BAD)
        lose_conn(pgq);
    if (pgq->conn != NULL)
        watch(pgq);
}

/* Connecting */

static void begin_checks(struct svc_pgq *pgq)
{
    struct svc_error err = {.rc = SVC_OK};
    pgq->state = PGQ_CHECKING;
    pgq->checked = 0;
    svc_timer_after_ms(pgq->loop, &pgq->timer, pgq->options.answer_ms);
    if (svc_pg_checks_send(pgq->conn, &pgq->options.pg, &err) != SVC_OK)
        lose(pgq, &err);
    else
        watch(pgq);
}

/* libpq may open another descriptor inside PQconnectPoll: it is registered afresh around each call.
 */
static void connect_step(struct svc_pgq *pgq)
{
    svc_source_remove(&pgq->source);
    const PostgresPollingStatusType step =
        PQstatus(pgq->conn) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PQconnectPoll(pgq->conn);
    if (step == PGRES_POLLING_FAILED) {
        struct svc_error err = {.rc = SVC_OK};
        svc_pg_login_error(pgq->conn, &err);
        lose(pgq, &err);
        return;
    }
    pgq->source.fd = PQsocket(pgq->conn);
    pgq->source.events = step == PGRES_POLLING_WRITING ? EPOLLOUT : EPOLLIN;
    svc_source_add(pgq->loop, &pgq->source);
    if (step == PGRES_POLLING_OK)
        begin_checks(pgq);
}

static void start_connecting(struct svc_pgq *pgq)
{
    if (pgq->hosts_left == 0)
        pgq->hosts_left = svc_pg_login_hosts(pgq->login);
    pgq->hosts_left--;
    pgq->state = PGQ_CONNECTING;
    pgq->conn = svc_pg_login_start(pgq->login, pgq->host);
    if (pgq->conn == NULL || PQstatus(pgq->conn) == CONNECTION_BAD) {
        struct svc_error err = {.rc = SVC_OK};
        svc_pg_login_error(pgq->conn, &err);
        lose(pgq, &err);
        return;
    }
    /* PQconnectStart's manual: wait as if PQconnectPoll had said WRITING. */
    pgq->source.fd = PQsocket(pgq->conn);
    pgq->source.events = EPOLLOUT;
    svc_source_add(pgq->loop, &pgq->source);
    svc_timer_after_ms(pgq->loop, &pgq->timer, svc_pg_login_limit_ms(pgq->login));
}

static void on_ready(void *arg, uint32_t events)
{
    struct svc_pgq *pgq = arg;
    if (pgq->state == PGQ_CONNECTING)
        connect_step(pgq);
    else if (pgq->broken || PQstatus(pgq->conn) == CONNECTION_BAD)
        lose_conn(pgq);
    else if (events != 0)
        read_results(pgq);
    else
        watch(pgq); /* asked for after a submit: something may be left to send */
}

/* READY: the server owes an answer; has it been silent for too long? */
static bool silent(struct svc_pgq *pgq)
{
    if (pgq->state != PGQ_READY)
        return true;
    const int64_t silent_ms = (svc_mono_us() - pgq->heard_mono_us) / 1000;
    if (pgq->in_flight == 0 || silent_ms < pgq->options.answer_ms) {
        if (pgq->in_flight > 0)
            svc_timer_after_ms(pgq->loop, &pgq->timer,
                               pgq->options.answer_ms - (uint32_t)silent_ms);
        return false;
    }
    return true;
}

static void on_timer(void *arg)
{
    struct svc_pgq *pgq = arg;
    if (pgq->state == PGQ_WAITING) {
        start_connecting(pgq);
    } else if (silent(pgq)) {
        struct svc_error err = {.rc = SVC_OK};
        svc_fail(&err, SVC_AGAIN, "connection_lost", "Postgres does not answer");
        lose(pgq, &err);
    }
}

/* Use */

enum svc_rc svc_pgq_open(struct svc_loop *loop, const struct svc_pgq_options *options,
                         struct svc_pgq **ret_pgq, struct svc_error *err)
{
    SVC_CLEANUP(svc_pgq_close) struct svc_pgq *pgq = svc_must_zalloc(sizeof *pgq);
    pgq->loop = loop;
    pgq->options = *options;
    const enum svc_rc rc = svc_pg_login_new(&pgq->options.pg, &pgq->login, err);
    if (rc != SVC_OK)
        return rc;
    pgq->ring = svc_must_zalloc(options->in_flight_max * sizeof *pgq->ring);
    pgq->retry = (struct svc_retry){.base_ms = 50, .cap_ms = 1000};
    pgq->source = (struct svc_source){.phase = SVC_PHASE_POSTGRES, .run = on_ready, .arg = pgq};
    pgq->timer = (struct svc_timer){.run = on_timer, .arg = pgq};
    svc_timer_after_ms(loop, &pgq->timer, 0);
    *ret_pgq = pgq;
    pgq = NULL;
    return SVC_OK;
}

void svc_pgq_close(struct svc_pgq **pgq)
{
    struct svc_pgq *closing = *pgq;
    *pgq = NULL;
    if (closing == NULL)
        return;
    close_connection(closing);
    while (closing->in_flight > 0)
        PQclear(take_oldest(closing).result);
    svc_pg_login_free(&closing->login);
    free(closing->ring);
    free(closing);
}

bool svc_pgq_connected(const struct svc_pgq *pgq)
{
    return pgq->state == PGQ_READY;
}

uint32_t svc_pgq_in_flight(const struct svc_pgq *pgq)
{
    return pgq->in_flight;
}

enum svc_rc svc_pgq_submit(struct svc_pgq *pgq, int statement, int value_count,
                           const char *const *values, svc_pgq_done_fn *done, void *arg,
                           struct svc_error *err)
{
    if (pgq->state != PGQ_READY)
        return svc_fail(err, SVC_AGAIN, "connection_lost", "not connected to Postgres");
    if (pgq->in_flight == pgq->options.in_flight_max)
        return svc_fail(err, SVC_AGAIN, "queue_full", "%u statements wait for Postgres",
                        pgq->in_flight);
    const int queued = svc_pg_queue(pgq->conn, &pgq->options.pg, statement, value_count, values);
    if (queued != 1 || PQpipelineSync(pgq->conn) != 1) {
        /* The loss is found, and reported, by the source itself: callbacks don't run in here. */
        pgq->broken = queued == 1;
        svc_source_again(&pgq->source);
        return svc_pg_classify(NULL, pgq->conn, err);
    }
    if (pgq->in_flight == 0) {
        pgq->heard_mono_us = svc_mono_us();
        svc_timer_after_ms(pgq->loop, &pgq->timer, pgq->options.answer_ms);
    }
    pgq->ring[(pgq->oldest + pgq->in_flight) % pgq->options.in_flight_max] =
        (struct submitted){.done = done, .arg = arg};
    pgq->in_flight++;
    svc_source_again(&pgq->source); /* to see what PQpipelineSync could not send */
    return SVC_OK;
}
