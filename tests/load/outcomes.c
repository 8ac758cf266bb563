#include "outcomes.h"

#include "svc/clock.h"
#include "svc/pg.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 5000, POLL_US = 300000 };

struct reader {
    PGconn *conn;
    const struct alerts *alerts;
    struct outcomes *outcomes;
    struct svc_buffer ids; /* an array of signal ids */
    char run_prefix[ALERT_ID_MAX];
    char since[24];    /* the run's beginning, µs */
    uint64_t *waiting; /* accepted alerts that have not ended */
    uint64_t waiting_count;
};

static enum svc_rc query(struct reader *reader, const char *sql, int value_count,
                         const char *const *values, PGresult **ret, struct svc_error *err)
{
    PGresult *result = PQexecParams(reader->conn, sql, value_count, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        *ret = result;
        return SVC_OK;
    }
    (void)svc_fail(err, SVC_AGAIN, "database", "%s", PQerrorMessage(reader->conn));
    PQclear(result);
    return SVC_AGAIN;
}

/* --- waiting --------------------------------------------------------------------------------- */

static void find_accepted(struct reader *reader)
{
    for (uint64_t i = 0; i < reader->alerts->count; i++)
        if (reader->alerts->all[i].status == 202)
            reader->waiting[reader->waiting_count++] = i;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of waiting[from … from + PAGE), keep those that have not ended; where they are kept: *to. */
static enum svc_rc sift_page(struct reader *reader, uint64_t from, uint64_t *to,
                             struct svc_error *err)
{
    static const char sql[] =
        "SELECT id::text FROM tv_signals WHERE id = ANY($1::uuid[]) AND status <> 'pending'";
    const uint64_t end = from + PAGE < reader->waiting_count ? from + PAGE : reader->waiting_count;
    SVC_PGRESULT PGresult *rows = NULL;
    svc_pg_array_begin(&reader->ids);
    for (uint64_t i = from; i < end; i++)
        svc_pg_array_add(&reader->ids, reader->alerts->all[reader->waiting[i]].signal_id);
    svc_pg_array_end(&reader->ids);
    const char *const values[] = {reader->ids.bytes};
    const enum svc_rc rc = query(reader, sql, 1, values, &rows, err);
    if (rc != SVC_OK)
        return rc;
    const size_t count = (size_t)PQntuples(rows);
    const char *ended[PAGE];
    for (size_t row = 0; row < count && row < PAGE; row++)
        ended[row] = PQgetvalue(rows, (int)row, 0);
    qsort(ended, count, sizeof *ended, compare_ids);
    for (uint64_t i = from; i < end; i++) {
        const char *id = reader->alerts->all[reader->waiting[i]].signal_id;
        if (bsearch(&id, ended, count, sizeof *ended, compare_ids) == NULL)
            reader->waiting[(*to)++] = reader->waiting[i];
    }
    return SVC_OK;
}

static enum svc_rc sift(struct reader *reader, struct svc_error *err)
{
    uint64_t to = 0;
    enum svc_rc rc = SVC_OK;
    for (uint64_t from = 0; rc == SVC_OK && from < reader->waiting_count; from += PAGE)
        rc = sift_page(reader, from, &to, err);
    if (rc == SVC_OK)
        reader->waiting_count = to;
    return rc;
}

/* Postgres may be away for a while (a fault test kills it): that counts as time without an ending.
 */
static void wait_for_ends(struct reader *reader, uint32_t wait_s, const volatile sig_atomic_t *stop)
{
    int64_t moved_us = svc_mono_us(), shown_us = moved_us;
    while (reader->waiting_count > 0 && *stop == 0) {
        struct svc_error err = {.rc = SVC_OK};
        const uint64_t before = reader->waiting_count;
        if (PQstatus(reader->conn) != CONNECTION_OK)
            PQreset(reader->conn);
        (void)sift(reader, &err);
        const int64_t now = svc_mono_us();
        if (reader->waiting_count < before)
            moved_us = now;
        if (reader->waiting_count == 0 || now - moved_us > (int64_t)wait_s * 1000000)
            break;
        if (now - shown_us >= 1000000) {
            (void)fprintf(stderr, "loadgen: %" PRIu64 " signals have not ended yet\n",
                          reader->waiting_count);
            shown_us = now;
        }
        (void)usleep(POLL_US);
    }
}

/* --- reading --------------------------------------------------------------------------------- */

static void count_code(struct outcomes *outcomes, const char *message)
{
    char name[OUTCOME_CODE_MAX];
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(message, ":"), message);
    for (int i = 0; i < OUTCOME_CODES; i++) {
        struct outcome_code *code = &outcomes->codes[i];
        if (code->count == 0)
            memcpy(code->name, name, sizeof name);
        if (strcmp(code->name, name) == 0) {
            code->count++;
            return;
        }
    }
}

static void count_row(struct outcomes *outcomes, const char *status, const char *message)
{
    static const char nothing_to_do[] = "nothing_to_do:";
    if (strcmp(status, "executed") == 0)
        outcomes->executed++;
    else if (message != NULL && strncmp(message, nothing_to_do, strlen(nothing_to_do)) == 0)
        outcomes->nothing_to_do++;
    else if (strcmp(status, "failed") == 0)
        outcomes->failed++;
    else if (strcmp(status, "discarded") == 0)
        outcomes->discarded++;
    else
        outcomes->open++;
    if (message != NULL)
        count_code(outcomes, message);
}

/* µs columns: received, order_sent, filled. */
static void count_times(struct outcomes *outcomes, const PGresult *rows, int row)
{
    const int64_t received = svc_pg_i64(rows, row, 3);
    const int64_t order_sent = svc_pg_i64(rows, row, 4), filled = svc_pg_i64(rows, row, 5);
    if (received > 0 && order_sent > 0)
        figures_add(&outcomes->to_order, order_sent - received);
    if (received > 0 && filled > 0)
        figures_add(&outcomes->to_fill, filled - received);
}

/* The rows of this run, by signal; whether an alert was answered 202 is known here only. */
static enum svc_rc read_rows(struct reader *reader, struct svc_error *err)
{
    static const char sql[] =
        "SELECT s.id::text, s.status, s.error_message,"
        "       (j.timeline->>'received')::bigint, (j.timeline->>'order_sent')::bigint,"
        "       (j.timeline->>'filled')::bigint"
        "  FROM tv_signals s"
        "  LEFT JOIN LATERAL (SELECT timeline FROM jobs WHERE jobs.signal_id = s.id"
        "                      ORDER BY seq LIMIT 1) j ON true"
        " WHERE s.id = ANY($1::uuid[])";
    const struct alerts *alerts = reader->alerts;
    enum svc_rc rc = SVC_OK;
    for (uint64_t from = 0; rc == SVC_OK && from < alerts->count; from += PAGE) {
        SVC_PGRESULT PGresult *rows = NULL;
        uint64_t asked = 0;
        svc_pg_array_begin(&reader->ids);
        for (uint64_t i = from; i < alerts->count && i < from + PAGE; i++) {
            if (alerts->all[i].status == 202) {
                svc_pg_array_add(&reader->ids, alerts->all[i].signal_id);
                asked++;
            }
        }
        svc_pg_array_end(&reader->ids);
        const char *const values[] = {reader->ids.bytes};
        rc = query(reader, sql, 1, values, &rows, err);
        for (int row = 0; rc == SVC_OK && row < PQntuples(rows); row++) {
            count_row(reader->outcomes, PQgetvalue(rows, row, 1), svc_pg_text(rows, row, 2));
            count_times(reader->outcomes, rows, row);
        }
        if (rc == SVC_OK)
            reader->outcomes->missing += asked - (uint64_t)PQntuples(rows);
    }
    return rc;
}

/* Alerts with two rows or two jobs; and rows of alerts whatever they were answered. */
static enum svc_rc read_doubled(struct reader *reader, struct svc_error *err)
{
    static const char sql[] =
        "WITH mine AS ("
        "  SELECT s.id, s.raw_payload->>'alert_id' AS alert_id,"
        "         (SELECT count(*) FROM jobs j WHERE j.signal_id = s.id) AS jobs"
        "    FROM tv_signals s"
        "   WHERE s.created_at >= timestamptz 'epoch' + $2::bigint * interval '1 microsecond'"
        "                         - interval '1 minute'"
        "     AND starts_with(s.raw_payload->>'alert_id', $1)"
        "     AND NOT (s.status = 'discarded' AND coalesce(s.error_message, '') LIKE "
        "'duplicate:%')),"
        " each AS (SELECT alert_id, count(*) AS n, sum(jobs) AS jobs FROM mine GROUP BY alert_id)"
        " SELECT count(*), count(*) FILTER (WHERE n > 1 OR jobs > 1) FROM each";
    const char *const values[] = {reader->run_prefix, reader->since};
    SVC_PGRESULT PGresult *rows = NULL;
    const enum svc_rc rc = query(reader, sql, 2, values, &rows, err);
    if (rc != SVC_OK)
        return rc;
    const struct outcomes *o = reader->outcomes;
    const uint64_t known = o->executed + o->nothing_to_do + o->failed + o->discarded + o->open;
    const uint64_t all = (uint64_t)svc_pg_i64(rows, 0, 0);
    reader->outcomes->unasked = all > known ? all - known : 0;
    reader->outcomes->doubled = (uint64_t)svc_pg_i64(rows, 0, 1);
    return SVC_OK;
}

static enum svc_rc open_reader(struct reader *reader, const char *database, struct svc_error *err)
{
    reader->conn = PQconnectdb(database);
    reader->waiting = calloc(reader->alerts->count, sizeof *reader->waiting);
    (void)snprintf(reader->run_prefix, sizeof reader->run_prefix, "lg-%s-", reader->alerts->run_id);
    (void)snprintf(reader->since, sizeof reader->since, "%" PRId64, reader->alerts->begin_unix_us);
    if (reader->waiting == NULL)
        return svc_fail(err, SVC_FATAL, "memory_exhausted", "no memory for outcomes");
    if (PQstatus(reader->conn) != CONNECTION_OK)
        return svc_fail(err, SVC_AGAIN, "database", "%s", PQerrorMessage(reader->conn));
    return SVC_OK;
}

enum svc_rc outcomes_read(const struct options *options, const struct alerts *alerts,
                          const volatile sig_atomic_t *stop, struct outcomes *ret,
                          struct svc_error *err)
{
    *ret = (struct outcomes){.executed = 0};
    struct reader reader = {.alerts = alerts, .outcomes = ret};
    enum svc_rc rc = open_reader(&reader, options->database, err);
    if (rc == SVC_OK) {
        find_accepted(&reader);
        wait_for_ends(&reader, options->wait_s, stop);
        rc = read_rows(&reader, err);
    }
    if (rc == SVC_OK)
        rc = read_doubled(&reader, err);
    PQfinish(reader.conn);
    svc_buffer_done(&reader.ids);
    free(reader.waiting);
    return rc;
}

void outcomes_done(struct outcomes *outcomes)
{
    figures_done(&outcomes->to_order);
    figures_done(&outcomes->to_fill);
}
