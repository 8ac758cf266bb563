/* The steps that most commands begin with. */
#include "migrate.h"

#include "connect.h"
#include "database.h"
#include "embedded.h"
#include "history.h"
#include "json.h"
#include "lock.h"
#include "supabase.h"

#include <inttypes.h>

void migrate_init(struct migrate *m, const struct config *config, struct svc_arena *arena)
{
    *m = (struct migrate){.config = config, .arena = arena};
    svc_uuid_random(m->run_id);
    svc_arena_init(&m->catalog_arenas[0], 256 * 1024);
    svc_arena_init(&m->catalog_arenas[1], 256 * 1024);
    report_begin(&m->report, config->json, config_command_name(config->command), m->run_id);
}

void migrate_done(struct migrate *m)
{
    connect_close(&m->conn);
    svc_arena_done(&m->catalog_arenas[0]);
    svc_arena_done(&m->catalog_arenas[1]);
}

enum migrate_exit migrate_read_files(struct migrate *m, struct fault *fault)
{
    struct svc_error err;
    enum svc_rc rc =
        m->config->folder
            ? files_from_folder(m->arena, m->config->folder, &m->files, &err)
            : files_from_program(m->arena, embedded_files, embedded_file_count, &m->files, &err);
    return rc == SVC_OK ? MIGRATE_OK : fault_from_error(fault, m->arena, &err);
}

struct connect migrate_target(const struct migrate *m)
{
    return (struct connect){
        .url = m->config->url,
        .application_name =
            svc_arena_printf(m->arena, "migrate/" TRADEWIRE_VERSION "/%s", m->run_id),
        .wait_ms = m->config->wait_ms,
    };
}

static enum migrate_exit connect_within(struct migrate *m, uint32_t wait_ms, struct fault *fault)
{
    struct connect to = migrate_target(m);
    to.wait_ms = wait_ms;
    enum migrate_exit rc = connect_open(&to, m->arena, &m->conn, fault);
    if (rc == MIGRATE_OK)
        rc = connect_check_session(&to, m->arena, m->conn, &m->backend_pid, fault);
    if (rc == MIGRATE_OK)
        rc = database_script(m->conn, m->arena,
                             database_settings(m->arena, m->config->lock_timeout_ms), fault);
    return rc;
}

enum migrate_exit migrate_connect(struct migrate *m, struct fault *fault)
{
    return connect_within(m, m->config->wait_ms, fault);
}

enum migrate_exit migrate_reconnect(struct migrate *m, struct fault *fault)
{
    connect_close(&m->conn);
    enum migrate_exit rc = connect_within(m, m->config->lock_wait_ms, fault);
    return rc == MIGRATE_OK ? lock_take(m, m->config->lock_wait_ms, fault) : rc;
}

enum migrate_exit migrate_lock(struct migrate *m, struct fault *fault)
{
    enum migrate_exit rc = lock_take(m, m->config->lock_wait_ms, fault);
    return rc == MIGRATE_OK ? history_make(m->conn, m->arena, fault) : rc;
}

enum migrate_exit migrate_read_history(struct migrate *m, struct fault *fault)
{
    enum migrate_exit rc = history_read(m->conn, m->arena, &m->history, fault);
    if (rc == MIGRATE_OK)
        rc = supabase_merge(m->conn, m->arena, &m->files, &m->history, fault);
    if (rc == MIGRATE_OK)
        plan_make(m->arena, &m->files, &m->history, &m->plan);
    return rc;
}

/* With --json: the member "integrity". */
static void add_integrity(struct migrate *m)
{
    struct svc_buffer *json = &m->report.members;
    json_begin_array(json, "integrity");
    for (size_t i = 0; i < m->plan.count; i++) {
        const struct plan_entry *entry = &m->plan.entries[i];
        const struct history_row *row = entry->applied;
        if (!plan_is_fault(entry->state))
            continue;
        json_begin_object(json, NULL);
        json_text(json, "version", svc_arena_printf(m->arena, "%" PRIu64, entry->version));
        json_text(json, "name", entry->file ? entry->file->name : row->name);
        json_text(json, "state", plan_state_name(entry->state));
        json_text(json, "file_checksum", entry->file ? entry->file->checksum : NULL);
        json_text(json, "applied_checksum", row ? row->checksum : NULL);
        json_text(json, "applied_at", row ? row->applied_at : NULL);
        json_text(json, "applied_by", row ? row->applied_by : NULL);
        json_text(json, "explanation", plan_explain(m->arena, entry));
        json_end_object(json);
    }
    json_end_array(json);
}

enum migrate_exit migrate_check_plan(struct migrate *m, struct fault *fault)
{
    if (m->plan.faults == 0)
        return MIGRATE_OK;
    report_plan_faults(&m->plan, m->arena);
    add_integrity(m);
    return fault_set(fault, MIGRATE_INTEGRITY, "integrity",
                     svc_arena_printf(m->arena,
                                      "%zu migrations do not fit the history; nothing was done",
                                      m->plan.faults));
}

enum migrate_exit migrate_begin(struct migrate *m, struct fault *fault)
{
    enum migrate_exit rc = migrate_read_files(m, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_connect(m, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_lock(m, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_read_history(m, fault);
    return rc == MIGRATE_OK ? migrate_check_plan(m, fault) : rc;
}

struct svc_arena *migrate_catalog_arena(struct migrate *m)
{
    if (!m->recycle_catalogs)
        return m->arena;
    struct svc_arena *free_one = &m->catalog_arenas[m->catalog_in_second ? 0 : 1];
    svc_arena_reset(free_one);
    return free_one;
}

void migrate_set_catalog(struct migrate *m, const struct catalog *catalog)
{
    m->catalog = *catalog;
    m->catalog_known = true;
    m->catalog_in_second = !m->catalog_in_second;
}

enum migrate_exit migrate_catalog(struct migrate *m, const struct catalog **ret_catalog,
                                  struct fault *fault)
{
    struct catalog now;
    *ret_catalog = &m->catalog;
    if (m->catalog_known)
        return MIGRATE_OK;
    enum migrate_exit rc = catalog_read(m->conn, migrate_catalog_arena(m), &now, fault);
    if (rc == MIGRATE_OK)
        migrate_set_catalog(m, &now);
    return rc;
}
