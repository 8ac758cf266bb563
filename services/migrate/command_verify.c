/* `verify`: what was expected against what was found, row by row, and one line that says how many
 * differ. --min-version only looks into the history: for services and init containers. */
#include "commands.h"
#include "json.h"
#include "verify.h"

#include <stdio.h>
#include <string.h>

enum { WIDTH_MAX = 60 }; /* of a column of text; what is longer moves its row's rest */

static const char *state_word(enum verify_state state)
{
    static const char *const words[] = {"right", "wrong", "skipped"};
    return words[state];
}

static const char *shown(const char *text)
{
    return text ? text : "NULL";
}

/* In characters, as far as UTF-8 tells them. */
static size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += (*text & 0xc0) != 0x80 ? 1 : 0;
    return width;
}

/* One line per row: line ends and tabs of definitions become blanks. */
static void print_cell(const char *text, size_t width)
{
    for (const char *c = text; *c; c++)
        (void)putchar(*c == '\n' || *c == '\r' || *c == '\t' ? ' ' : *c);
    for (size_t w = text_width(text); w < width; w++)
        (void)putchar(' ');
}

static size_t widest(size_t width, const char *text)
{
    size_t other = text_width(text);
    return other > width && other <= WIDTH_MAX ? other : width;
}

static void print_row(const char *mark, const char *object, size_t object_width,
                      const char *expected, size_t expected_width, const char *found)
{
    (void)printf("%-6s ", mark);
    print_cell(object, object_width);
    (void)fputs(" | ", stdout);
    print_cell(expected, expected_width);
    (void)fputs(" | ", stdout);
    print_cell(found, 0);
    (void)putchar('\n');
}

static void print_table(const struct verify_report *report)
{
    static const char *const marks[] = {"ok", "WRONG", "skip"};
    size_t object_width = strlen("object"), expected_width = strlen("expected");
    const char *source = "";
    for (size_t i = 0; i < report->count; i++) {
        object_width = widest(object_width, shown(report->items[i].object));
        expected_width = widest(expected_width, shown(report->items[i].expected));
    }
    print_row("", "object", object_width, "expected", expected_width, "found");
    for (size_t i = 0; i < report->count; i++) {
        const struct verify_row *row = &report->items[i];
        if (strcmp(source, row->source) != 0)
            (void)printf("%s\n", row->source);
        source = row->source;
        print_row(marks[row->state], shown(row->object), object_width,
                  row->state == VERIFY_SKIPPED ? "" : shown(row->expected), expected_width,
                  shown(row->found));
    }
}

static void add_members(struct svc_buffer *json, const struct verify_report *report)
{
    json_begin_array(json, "checks");
    for (size_t i = 0; i < report->count; i++) {
        const struct verify_row *row = &report->items[i];
        json_begin_object(json, NULL);
        json_text(json, "source", row->source);
        json_text(json, "object", row->object);
        json_text(json, "expected", row->expected);
        json_text(json, "found", row->found);
        json_text(json, "state", state_word(row->state));
        json_end_object(json);
    }
    json_end_array(json);
    json_number(json, "checked", report->count - report->skipped);
    json_number(json, "wrong", report->wrong);
    json_number(json, "skipped", report->skipped);
}

static void print_end(const struct migrate *m, const struct verify_report *report)
{
    size_t checked = report->count - report->skipped;
    if (report->count == 0)
        report_say(&m->report, "nothing is applied, so there is nothing to verify");
    else if (report->wrong)
        report_say(&m->report, "%zu of %zu are not as expected, %zu skipped", report->wrong,
                   checked, report->skipped);
    else
        report_say(&m->report, "all %zu as expected, %zu skipped", checked, report->skipped);
    if (m->plan.pending)
        report_say(&m->report, "%zu migrations are pending", m->plan.pending);
}

static enum migrate_exit verify_all(struct migrate *m, struct verify_report *report,
                                    struct fault *fault)
{
    enum migrate_exit rc = migrate_check_plan(m, fault);
    return rc == MIGRATE_OK ? verify_run(m->conn, m->arena, &m->plan, report, fault) : rc;
}

enum migrate_exit command_verify(struct migrate *m, struct fault *fault)
{
    struct verify_report report = {0};
    enum migrate_exit rc = migrate_read_files(m, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_connect(m, fault);
    if (rc == MIGRATE_OK)
        rc = migrate_read_history(m, fault);
    if (rc == MIGRATE_OK && m->config->min_version)
        verify_version(m->arena, &m->plan, m->config->min_version, &report);
    else if (rc == MIGRATE_OK)
        rc = verify_all(m, &report, fault);
    if (m->report.json)
        add_members(&m->report.members, &report);
    else if (report.count)
        print_table(&report);
    if (rc == MIGRATE_OK)
        print_end(m, &report);
    return rc == MIGRATE_OK && report.wrong ? MIGRATE_DRIFT : rc;
}
