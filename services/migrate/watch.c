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

static const char *look(struct watch *watch)
{
    SVC_PGRESULT PGresult *result = NULL;
    struct svc_arena *arena = &watch->arena;
    struct fault ignored;
    const char *values[] = {svc_arena_printf(arena, "%lld", (long long)watch->m->backend_pid)};
    if (!open_eye(watch))
        return "";
    if (database_statement(watch->conn, arena, MIGRATE_SQL_WATCH_LOOK, 1, values, &result,
                           &ignored) != MIGRATE_OK) {
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
