/* The lock is polled. A session that waits inside pg_advisory_lock() is running a statement and
 * holds a snapshot, and CREATE INDEX CONCURRENTLY in the lock's holder waits for just that
 * snapshot: a deadlock. */
#include "lock.h"

#include "database.h"
#include "interrupt.h"
#include "json.h"

#include "svc/clock.h"
#include "svc/pg.h"

#define LOCK_KEY "8391162081140042089" /* "tradewi" and a digit, as a number: ours alone */
enum {
    POLL_MS = 100,
    SAY_AFTER_MS = 1000, /* and again after ten times that */
};

static enum migrate_exit try_lock(struct migrate *m, bool *ret_taken, struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum migrate_exit rc = database_run(
        m->conn, m->arena, "SELECT pg_try_advisory_lock(" LOCK_KEY ")", 0, NULL, &result, fault);
    *ret_taken = rc == MIGRATE_OK && svc_pg_bool(result, 0, 0);
    return rc;
}

/* Columns of the holder, as names in JSON; the last three are times in seconds and the query. */
static const char *const columns[] = {
    "pid", "application_name", "client_address", "user", "state", "age_s", "state_age_s", "query"};
enum { COLUMNS = sizeof columns / sizeof *columns };

struct holder {
    const char *values[COLUMNS]; /* NULL: not visible to this role */
    bool found;
};

static void find_holder(struct migrate *m, struct holder *ret_holder)
{
    SVC_PGRESULT PGresult *result = NULL;
    struct fault ignored;
    const char *values[] = {LOCK_KEY};
    *ret_holder = (struct holder){0};
    if (database_statement(m->conn, m->arena, MIGRATE_SQL_LOCK_HOLDER, 1, values, &result,
                           &ignored) != MIGRATE_OK ||
        PQntuples(result) == 0)
        return;
    ret_holder->found = true;
    for (int i = 0; i < COLUMNS; i++)
        ret_holder->values[i] = svc_arena_text(m->arena, svc_pg_text(result, 0, i));
}

static const char *known(const char *value)
{
    return value && *value ? value : "-";
}

static const char *describe(struct migrate *m, const struct holder *holder)
{
    const char *const *v = holder->values;
    if (!holder->found)
        return "nobody any more";
    return svc_arena_printf(m->arena,
                            "pid %s, application %s, client %s, user %s, connected for %s s, "
                            "%s for %s s: %s",
                            known(v[0]), known(v[1]), known(v[2]), known(v[3]), known(v[5]),
                            known(v[4]), known(v[6]), known(v[7]));
}

/* Kept for the document's end: the lock may be taken once more in the middle of an array. */
static const char *to_json(struct migrate *m, const struct holder *holder)
{
    struct svc_buffer json = {0};
    if (!holder->found)
        return "null";
    json_begin_object(&json, NULL);
    for (int i = 0; i < COLUMNS; i++)
        if (holder->values[i] && (i == 0 || i == 5 || i == 6))
            json_raw(&json, columns[i], holder->values[i]);
        else
            json_text(&json, columns[i], holder->values[i]);
    json_end_object(&json);
    const char *text = svc_arena_copy(m->arena, json.bytes, json.len);
    svc_buffer_done(&json);
    return text;
}

static enum migrate_exit give_up(struct migrate *m, uint32_t wait_ms, struct fault *fault)
{
    struct holder holder;
    find_holder(m, &holder);
    m->report.lock_holder = to_json(m, &holder);
    (void)fault_set(
        fault, MIGRATE_LOCK, "locked",
        svc_arena_printf(m->arena, "another migrate is at work, waited %u ms for it", wait_ms));
    fault->detail = svc_arena_printf(m->arena, "holder: %s", describe(m, &holder));
    fault->hint = "wait for it, or give --lock-wait more time; "
                  "SELECT pg_terminate_backend(pid) ends it";
    return MIGRATE_LOCK;
}

enum migrate_exit lock_take(struct migrate *m, uint32_t wait_ms, struct fault *fault)
{
    int64_t begun_us = svc_mono_us(), say_ms = SAY_AFTER_MS;
    for (;;) {
        bool taken;
        enum migrate_exit rc = try_lock(m, &taken, fault);
        if (rc != MIGRATE_OK || taken)
            return rc;
        int64_t waited_ms = (svc_mono_us() - begun_us) / 1000;
        int64_t left_ms = (int64_t)wait_ms - waited_ms;
        if (left_ms <= 0)
            return give_up(m, wait_ms, fault);
        if (waited_ms >= say_ms) {
            struct holder holder;
            find_holder(m, &holder);
            report_progress(&m->report, "waiting for another migrate: %s", describe(m, &holder));
            say_ms *= 10;
        }
        interrupt_sleep(left_ms < POLL_MS ? (uint32_t)left_ms : POLL_MS);
    }
}
