/* Lines and JSON. */
#include "report.h"

#include <stdio.h>
#include <string.h>

void report_done(struct report *report)
{
    svc_buffer_done(&report->steps);
}

static void add_text(struct svc_buffer *json, const char *key, const char *text)
{
    svc_buffer_printf(json, "\"%s\":", key);
    if (text)
        svc_buffer_json(json, text, strlen(text));
    else
        svc_buffer_text(json, "null");
}

void report_step(struct report *report, const struct migration *file, uint64_t duration_ms)
{
    (void)fprintf(report->json ? stderr : stdout, "applied %s (%llu ms)\n", file->file_name,
                  (unsigned long long)duration_ms);
    (void)fflush(stdout); /* a pipe shows progress, too */
    svc_buffer_printf(&report->steps, "%s{\"version\":\"%llu\",", report->steps.len ? "," : "",
                      (unsigned long long)file->version);
    add_text(&report->steps, "name", file->name);
    svc_buffer_printf(&report->steps, ",\"duration_ms\":%llu}", (unsigned long long)duration_ms);
}

static void print_field(const char *name, const char *text)
{
    if (text)
        (void)fprintf(stderr, "  %s: %s\n", name, text);
}

/* file:line:column as editors understand it. */
static void print_fault(const struct fault *fault)
{
    (void)fputs("migrate: ", stderr);
    if (fault->file && fault->line)
        (void)fprintf(stderr, "%s:%u:%u: ", fault->file, fault->line, fault->column);
    else if (fault->file)
        (void)fprintf(stderr, "%s: ", fault->file);
    (void)fprintf(stderr, "%s: %s\n", fault->code, fault->message);
    print_field("SQLSTATE", fault->sqlstate);
    print_field("DETAIL", fault->detail);
    print_field("HINT", fault->hint);
    print_field("CONTEXT", fault->context);
}

static void add_place(struct svc_buffer *json, const char *key, unsigned number)
{
    svc_buffer_printf(json, number ? ",\"%s\":%u" : ",\"%s\":null", key, number);
}

static void add_fault(struct svc_buffer *json, const struct fault *fault)
{
    if (fault->exit == MIGRATE_OK || !fault->code) {
        svc_buffer_text(json, "\"error\":null");
        return;
    }
    svc_buffer_text(json, "\"error\":{");
    add_text(json, "code", fault->code);
    svc_buffer_text(json, ",");
    add_text(json, "message", fault->message);
    svc_buffer_text(json, ",");
    add_text(json, "file", fault->file);
    add_place(json, "line", fault->line);
    add_place(json, "column", fault->column);
    svc_buffer_text(json, ",");
    add_text(json, "sqlstate", fault->sqlstate);
    svc_buffer_text(json, ",");
    add_text(json, "detail", fault->detail);
    svc_buffer_text(json, ",");
    add_text(json, "hint", fault->hint);
    svc_buffer_text(json, ",");
    add_text(json, "context", fault->context);
    svc_buffer_text(json, "}");
}

static void print_json(struct svc_buffer *json)
{
    (void)puts(json->bytes);
    svc_buffer_done(json);
}

static size_t count_state(const struct plan *plan, enum plan_state state)
{
    size_t count = 0;
    for (size_t i = 0; plan && i < plan->count; i++)
        count += plan->entries[i].state == state ? 1 : 0;
    return count;
}

void report_up(struct report *report, const struct plan *plan, const struct fault *fault)
{
    if (fault->exit != MIGRATE_OK && fault->code)
        print_fault(fault);
    if (report->json) {
        struct svc_buffer json = {0};
        svc_buffer_printf(&json, "{\"command\":\"up\",\"already_applied\":%zu,\"applied\":[%s],",
                          count_state(plan, PLAN_APPLIED),
                          report->steps.len ? report->steps.bytes : "");
        add_fault(&json, fault);
        svc_buffer_text(&json, "}");
        print_json(&json);
    } else if (fault->exit == MIGRATE_OK && report->steps.len == 0)
        (void)printf("nothing to do: %zu migrations are applied\n",
                     count_state(plan, PLAN_APPLIED));
}

static void add_entry(struct svc_buffer *json, const struct plan_entry *entry)
{
    const struct history_row *applied = entry->applied;
    svc_buffer_printf(json, "{\"version\":\"%llu\",", (unsigned long long)entry->version);
    add_text(json, "name", entry->file ? entry->file->name : applied->name);
    svc_buffer_text(json, ",");
    add_text(json, "state", plan_state_name(entry->state));
    svc_buffer_text(json, ",");
    add_text(json, "file_checksum", entry->file ? entry->file->checksum : NULL);
    svc_buffer_text(json, ",");
    add_text(json, "applied_checksum", applied ? applied->checksum : NULL);
    svc_buffer_text(json, ",");
    add_text(json, "applied_at", applied ? applied->applied_at : NULL);
    svc_buffer_text(json, ",");
    add_text(json, "applied_by", applied ? applied->applied_by : NULL);
    if (applied)
        svc_buffer_printf(json, ",\"duration_ms\":%llu}", (unsigned long long)applied->duration_ms);
    else
        svc_buffer_text(json, ",\"duration_ms\":null}");
}

static void print_entry(const struct plan_entry *entry)
{
    const struct history_row *applied = entry->applied;
    (void)printf("%-8s  %llu_%s", plan_state_name(entry->state), (unsigned long long)entry->version,
                 entry->file ? entry->file->name : applied->name);
    if (applied)
        (void)printf("  %s by %s in %llu ms", applied->applied_at, applied->applied_by,
                     (unsigned long long)applied->duration_ms);
    (void)putchar('\n');
}

void report_status(struct report *report, const struct plan *plan, const struct fault *fault)
{
    if (fault->exit != MIGRATE_OK && fault->code)
        print_fault(fault);
    if (!report->json) {
        for (size_t i = 0; plan && i < plan->count; i++)
            print_entry(&plan->entries[i]);
        if (plan)
            (void)printf("%zu applied, %zu pending, %zu do not fit\n",
                         count_state(plan, PLAN_APPLIED), plan->pending, plan->faults);
        return;
    }
    struct svc_buffer json = {0};
    svc_buffer_text(&json, "{\"command\":\"status\",\"migrations\":[");
    for (size_t i = 0; plan && i < plan->count; i++) {
        svc_buffer_text(&json, i ? "," : "");
        add_entry(&json, &plan->entries[i]);
    }
    svc_buffer_printf(&json, "],\"pending\":%zu,\"faults\":%zu,", plan ? plan->pending : 0,
                      plan ? plan->faults : 0);
    add_fault(&json, fault);
    svc_buffer_text(&json, "}");
    print_json(&json);
}

void report_plan_faults(const struct plan *plan, struct svc_arena *arena)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        if (plan_is_fault(entry->state))
            (void)fprintf(stderr, "migrate: %llu_%s: %s: %s\n", (unsigned long long)entry->version,
                          entry->file ? entry->file->name : entry->applied->name,
                          plan_state_name(entry->state), plan_explain(arena, entry));
    }
}
