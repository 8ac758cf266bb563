/* Lines, and the document around a command's members. */
#include "report.h"

#include "json.h"

#include <stdarg.h>
#include <stdio.h>

void report_begin(struct report *report, bool json, const char *command, const char *run_id)
{
    *report = (struct report){.json = json};
    json_begin_object(&report->members, NULL);
    json_text(&report->members, "command", command);
    json_text(&report->members, "run_id", run_id);
}

void report_progress(const struct report *report, const char *fmt, ...)
{
    FILE *to = report->json ? stderr : stdout;
    va_list args;
    va_start(args, fmt);
    (void)vfprintf(to, fmt, args);
    va_end(args);
    (void)fputc('\n', to);
    (void)fflush(to); /* a pipe shows progress, too */
}

void report_say(const struct report *report, const char *fmt, ...)
{
    if (report->json)
        return;
    va_list args;
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    (void)putchar('\n');
}

void report_warn(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)fputs("migrate: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

void report_plan_faults(const struct plan *plan, struct svc_arena *arena)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        if (plan_is_fault(entry->state))
            report_warn("%s: %s: %s", plan_title(arena, entry), plan_state_name(entry->state),
                        plan_explain(arena, entry));
    }
}

static void print_field(const char *name, const char *text)
{
    if (text)
        (void)fprintf(stderr, "  %s: %s\n", name, text);
}

/* file:line:column as editors understand it. */
void report_fault(const struct fault *fault)
{
    (void)fputs("migrate: ", stderr);
    if (fault->file && fault->line)
        (void)fprintf(stderr, "%s:%u:%u: ", fault->file, fault->line, fault->column);
    else if (fault->file)
        (void)fprintf(stderr, "%s: ", fault->file);
    (void)fprintf(stderr, "%s: %s\n", fault->code, fault->message);
    fault_print_place(stderr, fault);
    print_field("SQLSTATE", fault->sqlstate);
    print_field("DETAIL", fault->detail);
    print_field("HINT", fault->hint);
    print_field("CONTEXT", fault->context);
}

static void add_place(struct svc_buffer *json, const char *key, unsigned number)
{
    if (number)
        json_number(json, key, number);
    else
        json_raw(json, key, "null");
}

static void add_fault(struct svc_buffer *json, const struct fault *fault)
{
    if (!fault->code) {
        json_raw(json, "error", "null");
        return;
    }
    json_begin_object(json, "error");
    json_text(json, "code", fault->code);
    json_text(json, "message", fault->message);
    json_text(json, "file", fault->file);
    add_place(json, "line", fault->line);
    add_place(json, "column", fault->column);
    json_text(json, "sqlstate", fault->sqlstate);
    json_text(json, "detail", fault->detail);
    json_text(json, "hint", fault->hint);
    json_text(json, "context", fault->context);
    json_end_object(json);
}

void report_end(struct report *report, const struct fault *fault)
{
    if (fault->code)
        report_fault(fault);
    if (report->lock_holder)
        json_raw(&report->members, "lock_holder", report->lock_holder);
    add_fault(&report->members, fault);
    json_end_object(&report->members);
    if (report->json)
        (void)puts(report->members.bytes);
    svc_buffer_done(&report->members);
}
