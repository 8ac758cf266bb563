/* The lock is polled. A session that waits inside pg_advisory_lock() is running a statement and
 * holds a snapshot, and CREATE INDEX CONCURRENTLY in the lock's holder waits for just that
 * snapshot: a deadlock. */
#include "lock.h"

#include "database.h"

#include "svc/clock.h"
#include "svc/pg.h"

#include <time.h>

#define LOCK_KEY "8391162081140042089" /* "tradewi" and a digit, as a number: ours alone */
enum { POLL_MS = 100 };

static enum migrate_exit try_lock(PGconn *conn, struct svc_arena *arena, bool *ret_taken,
                                  struct fault *fault)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum migrate_exit rc = database_run(conn, arena, "SELECT pg_try_advisory_lock(" LOCK_KEY ")", 0,
                                        NULL, &result, fault);
    *ret_taken = rc == MIGRATE_OK && svc_pg_bool(result, 0, 0);
    return rc;
}

/* Who holds it, for people. A role that may not see others' queries gets what the server shows it.
 */
static const char *describe_holder(PGconn *conn, struct svc_arena *arena)
{
    static const char sql[] =
        "SELECT format('pid %s, application %s, client %s, user %s, connected for %s, %s for %s: "
        "%s',"
        "  a.pid, coalesce(nullif(a.application_name, ''), '-'), coalesce(a.client_addr::text, "
        "'local'),"
        "  a.usename, date_trunc('second', clock_timestamp() - a.backend_start), a.state,"
        "  date_trunc('second', clock_timestamp() - a.state_change),"
        "  left(regexp_replace(a.query, '\\s+', ' ', 'g'), 120))"
        " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
        " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
        "  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        "  AND (l.classid::bigint << 32) | l.objid::bigint = " LOCK_KEY;
    SVC_PGRESULT PGresult *result = NULL;
    struct fault ignored;
    if (database_run(conn, arena, sql, 0, NULL, &result, &ignored) != MIGRATE_OK ||
        PQntuples(result) == 0)
        return "it is not visible any more";
    const char *holder = svc_pg_text(result, 0, 0);
    return svc_arena_text(arena, holder ? holder : "not visible to this role");
}

static void sleep_ms(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

enum migrate_exit lock_take(PGconn *conn, struct svc_arena *arena, uint32_t wait_ms,
                            struct fault *fault)
{
    int64_t deadline_us = svc_mono_us() + (int64_t)wait_ms * 1000;
    for (;;) {
        bool taken;
        enum migrate_exit rc = try_lock(conn, arena, &taken, fault);
        if (rc != MIGRATE_OK || taken)
            return rc;
        int64_t left_ms = (deadline_us - svc_mono_us()) / 1000;
        if (left_ms <= 0)
            break;
        sleep_ms(left_ms < POLL_MS ? (long)left_ms : POLL_MS);
    }
    (void)fault_set(
        fault, MIGRATE_LOCK, "locked",
        svc_arena_printf(arena, "another migrate is at work, waited %u ms for it", wait_ms));
    fault->detail = svc_arena_printf(arena, "holder: %s", describe_holder(conn, arena));
    fault->hint = "wait for it, or give --lock-wait more time";
    return MIGRATE_LOCK;
}
