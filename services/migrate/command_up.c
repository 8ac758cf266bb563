/* `migrate up`: apply what is pending, in order; finish what was interrupted. */
#include "commands.h"
#include "json.h"
#include "run.h"
#include "supabase.h"

#include <inttypes.h>

static void report_applied(struct migrate *m, const struct migration *file,
                           const struct run_outcome *outcome)
{
    struct svc_buffer *json = &m->report.members;
    report_progress(&m->report, "applied %s (%" PRIu64 " ms): %s", file->file_name,
                    outcome->duration_ms, outcome->summary);
    json_begin_object(json, NULL);
    json_text(json, "version", svc_arena_printf(m->arena, "%" PRIu64, file->version));
    json_text(json, "name", file->name);
    json_number(json, "duration_ms", outcome->duration_ms);
    json_number(json, "statements", outcome->statements);
    json_number(json, "attempts", outcome->attempts);
    json_text(json, "summary", outcome->summary);
    json_end_object(json);
}

static enum migrate_exit apply_pending(struct migrate *m, struct fault *fault)
{
    enum migrate_exit rc = MIGRATE_OK;
    m->catalog_known = false;
    m->recycle_catalogs = true; /* two at a time are enough, however many files there are */
    for (size_t i = 0; i < m->plan.count && rc == MIGRATE_OK; i++) {
        const struct plan_entry *entry = &m->plan.entries[i];
        struct run_outcome outcome;
        if (!plan_is_work(entry->state))
            continue;
        const struct run_request request = {
            .direction = RUN_UP, .file = entry->file, .row = entry->applied};
        rc = run_file(m, &request, &outcome, fault);
        if (rc == MIGRATE_OK)
            report_applied(m, entry->file, &outcome);
    }
    return rc;
}

enum migrate_exit command_up(struct migrate *m, struct fault *fault)
{
    struct svc_buffer *json = &m->report.members;
    enum migrate_exit rc = migrate_begin(m, fault);
    if (rc == MIGRATE_OK)
        rc = supabase_adopt(m, fault);
    size_t applied = m->plan.count - m->plan.pending - m->plan.faults;
    json_number(json, "already_applied", applied);
    json_begin_array(json, "applied");
    if (rc == MIGRATE_OK)
        rc = apply_pending(m, fault);
    json_end_array(json);
    if (rc == MIGRATE_OK && m->plan.pending == 0)
        report_say(&m->report, "nothing to do: %zu migrations are applied", applied);
    return rc;
}
