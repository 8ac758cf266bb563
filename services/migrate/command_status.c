/* `migrate status`: what is applied, what is pending, what does not fit. Changes nothing. */
#include "commands.h"
#include "json.h"

#include <inttypes.h>

static void add_entry(struct svc_buffer *json, struct migrate *m, const struct plan_entry *entry)
{
    const struct history_row *row = entry->applied;
    json_begin_object(json, NULL);
    json_text(json, "version", svc_arena_printf(m->arena, "%" PRIu64, entry->version));
    json_text(json, "name", entry->file ? entry->file->name : row->name);
    json_text(json, "state", plan_state_name(entry->state));
    json_text(json, "file_checksum", entry->file ? entry->file->checksum : NULL);
    json_text(json, "applied_checksum", row ? row->checksum : NULL);
    json_text(json, "applied_at", row ? row->applied_at : NULL);
    json_text(json, "applied_by", row ? row->applied_by : NULL);
    json_text(json, "run_id", row ? row->run_id : NULL);
    json_text(json, "note", row ? row->note : NULL);
    json_bool(json, "no_transaction", entry->file && entry->file->directives.no_transaction);
    json_bool(json, "contract", entry->file ? entry->file->directives.contract : row->is_contract);
    if (row) {
        json_number(json, "duration_ms", row->duration_ms);
        json_number(json, "statements_done", row->statements_done);
        json_number(json, "statements", row->statements);
    } else {
        json_raw(json, "duration_ms", "null");
        json_raw(json, "statements_done", "null");
        json_raw(json, "statements", "null");
    }
    json_end_object(json);
}

static void add_json(struct migrate *m)
{
    struct svc_buffer *json = &m->report.members;
    json_begin_array(json, "migrations");
    for (size_t i = 0; i < m->plan.count; i++)
        add_entry(json, m, &m->plan.entries[i]);
    json_end_array(json);
    json_number(json, "applied", m->plan.count - m->plan.pending - m->plan.faults);
    json_number(json, "pending", m->plan.pending);
    json_number(json, "faults", m->plan.faults);
}

static const char *how(struct migrate *m, const struct plan_entry *entry)
{
    const struct history_row *row = entry->applied;
    if (entry->state == PLAN_RUNNING)
        return plan_explain(m->arena, entry);
    if (!row)
        return "";
    if (!row->applied_at)
        return "by the Supabase CLI";
    return svc_arena_printf(m->arena, "%s by %s in %" PRIu64 " ms%s%s", row->applied_at,
                            row->applied_by, row->duration_ms, row->note ? ", " : "",
                            row->note ? row->note : "");
}

static void say(struct migrate *m)
{
    for (size_t i = 0; i < m->plan.count; i++) {
        const struct plan_entry *entry = &m->plan.entries[i];
        const char *said = how(m, entry);
        report_say(&m->report, "%-9s  %s%s%s", plan_state_name(entry->state),
                   plan_title(m->arena, entry), *said ? "  " : "", said);
    }
    report_say(&m->report, "%zu applied, %zu pending, %zu do not fit",
               m->plan.count - m->plan.pending - m->plan.faults, m->plan.pending, m->plan.faults);
}

enum migrate_exit command_status(struct migrate *m, struct fault *fault)
{
    enum migrate_exit rc = migrate_read_files(m, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_connect(m, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_read_history(m, fault);
    if (rc == MIGRATE_OK)
        say(m);
    if (rc == MIGRATE_OK)
        rc = migrate_check_plan(m, fault);
    add_json(m);
    return rc == MIGRATE_OK && m->config->exit_code && m->plan.pending ? MIGRATE_PENDING : rc;
}
