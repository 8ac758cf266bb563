/* migrate: files in, schema out.
 *
 *   config → files → connect → lock → history → plan → each pending file → report
 *
 * `status` is the same without lock and files run. A command is one function here; the steps are
 * its own modules, and plan.c decides. */
#include "config.h"
#include "database.h"
#include "embedded.h"
#include "lock.h"
#include "report.h"
#include "run.h"

#include "svc/cleanup.h"

#include <signal.h>

struct migrate {
    const struct config *config;
    struct svc_arena *arena;
    PGconn *conn;
    struct files files;
    struct plan plan;
    struct report report;
};

static enum migrate_exit read_files(struct migrate *m, struct fault *fault)
{
    struct svc_error err;
    enum svc_rc rc =
        m->config->folder
            ? files_from_folder(m->arena, m->config->folder, &m->files, &err)
            : files_from_program(m->arena, embedded_files, embedded_file_count, &m->files, &err);
    return rc == SVC_OK ? MIGRATE_OK : fault_from_error(fault, m->arena, &err);
}

static enum migrate_exit make_plan(struct migrate *m, struct fault *fault)
{
    struct history history;
    enum migrate_exit rc = database_read_history(m->conn, m->arena, &history, fault);
    if (rc != MIGRATE_OK)
        return rc;
    plan_make(m->arena, &m->files, &history, &m->plan);
    report_plan_faults(&m->plan, m->arena);
    if (m->plan.faults == 0)
        return MIGRATE_OK;
    return fault_set(fault, MIGRATE_INTEGRITY, "integrity",
                     svc_arena_printf(m->arena,
                                      "%zu migrations do not fit the history; nothing was applied",
                                      m->plan.faults));
}

static enum migrate_exit apply_pending(struct migrate *m, struct fault *fault)
{
    for (size_t i = 0; i < m->plan.count; i++) {
        const struct plan_entry *entry = &m->plan.entries[i];
        uint64_t duration_ms;
        if (entry->state != PLAN_PENDING)
            continue;
        enum migrate_exit rc = run_file(m->conn, m->arena, entry->file, &duration_ms, fault);
        if (rc != MIGRATE_OK)
            return rc;
        report_step(&m->report, entry->file, duration_ms);
    }
    return MIGRATE_OK;
}

static enum migrate_exit run_up(struct migrate *m)
{
    struct fault fault = {0};
    enum migrate_exit rc = read_files(m, &fault);
    if (rc == MIGRATE_OK)
        rc = database_open(m->config->url, true, m->arena, &m->conn, &fault);
    if (rc == MIGRATE_OK)
        rc = lock_take(m->conn, m->arena, m->config->lock_wait_ms, &fault);
    if (rc == MIGRATE_OK)
        rc = database_make_history(m->conn, m->arena, &fault);
    if (rc == MIGRATE_OK)
        rc = make_plan(m, &fault);
    if (rc == MIGRATE_OK)
        rc = apply_pending(m, &fault);
    report_up(&m->report, &m->plan, &fault);
    return rc;
}

static enum migrate_exit run_status(struct migrate *m)
{
    struct fault fault = {0};
    enum migrate_exit rc = read_files(m, &fault);
    if (rc == MIGRATE_OK)
        rc = database_open(m->config->url, false, m->arena, &m->conn, &fault);
    if (rc == MIGRATE_OK)
        rc = make_plan(m, &fault);
    report_status(&m->report, &m->plan, &fault);
    return rc == MIGRATE_OK && m->config->exit_code && m->plan.pending ? MIGRATE_PENDING : rc;
}

int main(int argc, char **argv)
{
    struct config config;
    enum migrate_exit rc;
    if (!config_load(argc, argv, &config, &rc))
        return (int)rc;
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that goes away is no reason to stop half-way */
    SVC_CLEANUP(svc_arena_done) struct svc_arena arena;
    svc_arena_init(&arena, 1024 * 1024);
    struct migrate m = {.config = &config, .arena = &arena, .report = {.json = config.json}};
    rc = config.command == COMMAND_UP ? run_up(&m) : run_status(&m);
    database_close(&m.conn);
    report_done(&m.report);
    return (int)rc;
}
