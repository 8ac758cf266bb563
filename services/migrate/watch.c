/* One query, one line. */
#include "watch.h"

#include "connect.h"

#include "svc/clock.h"
#include "svc/pg.h"

enum {
    LOOK_MS = 500,
    SAY_MS = 2000,
};

void watch_begin(struct watch *watch, struct migrate *m, const char *what)
{
    *watch =
        (struct watch){.m = m, .what = what, .begun_us = svc_mono_us(), .said_us = svc_mono_us()};
    svc_arena_init(&watch->arena, 4096);
}

void watch_end(struct watch *watch)
{
    connect_close(&watch->conn);
    svc_arena_done(&watch->arena);
}

/* Its own waits are bounded: while it waits nobody reads what the watched statement answers. */
static bool open_eye(struct watch *watch)
{
    struct fault ignored;
    struct connect to = migrate_target(watch->m);
    to.wait_ms = 0;
    if (watch->conn || watch->blind)
        return !watch->blind;
    watch->blind = connect_open(&to, &watch->arena, &watch->conn, &ignored) != MIGRATE_OK ||
                   database_script(watch->conn, &watch->arena, "SET statement_timeout = '2s'",
                                   &ignored) != MIGRATE_OK;
    return !watch->blind;
}

/* Columns: what the index build does, who is in the way. Either may be NULL. */
static const char look_sql[] =
    "SELECT (SELECT format('%s%s%s', p.phase,"
    "   CASE WHEN p.blocks_total > 0 THEN format(', %s of %s blocks', p.blocks_done,"
    "    p.blocks_total) END,"
    "   CASE WHEN p.tuples_total > 0 THEN format(', %s of %s rows', p.tuples_done,"
    "    p.tuples_total) END)"
    "  FROM pg_stat_progress_create_index p WHERE p.pid = $1::int),"
    " (SELECT string_agg(format('pid %s, application %s, %s for %s s', b.pid,"
    "   coalesce(nullif(b.application_name, ''), '-'), b.state,"
    "   extract(epoch FROM clock_timestamp() - b.state_change)::int), '; ')"
    "  FROM pg_stat_activity b WHERE b.pid = ANY (pg_blocking_pids($1::int)))";

static const char *look(struct watch *watch)
{
    SVC_PGRESULT PGresult *result = NULL;
    struct svc_arena *arena = &watch->arena;
    struct fault ignored;
    const char *values[] = {svc_arena_printf(arena, "%lld", (long long)watch->m->backend_pid)};
    if (!open_eye(watch))
        return "";
    if (database_run(watch->conn, arena, look_sql, 1, values, &result, &ignored) != MIGRATE_OK) {
        watch->blind = true;
        return "";
    }
    const char *progress = svc_pg_text(result, 0, 0), *blocker = svc_pg_text(result, 0, 1);
    if (blocker)
        (void)snprintf(watch->blocker, sizeof watch->blocker, "%s", blocker);
    return svc_arena_printf(arena, "%s%s%s%s", progress ? ", " : "", progress ? progress : "",
                            blocker ? ", waits for " : "", blocker ? blocker : "");
}

static void tick(void *arg)
{
    struct watch *watch = arg;
    svc_arena_reset(&watch->arena);
    const char *seen = look(watch);
    int64_t now_us = svc_mono_us();
    if (now_us - watch->said_us < (int64_t)SAY_MS * 1000)
        return;
    watch->said_us = now_us;
    report_progress(&watch->m->report, "  %s: %lld s%s", watch->what,
                    (long long)(now_us - watch->begun_us) / 1000000, seen);
}

struct database_ticker watch_ticker(struct watch *watch)
{
    return (struct database_ticker){.every_ms = LOOK_MS, .tick = tick, .arg = watch};
}
