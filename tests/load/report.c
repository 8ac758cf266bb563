#include "report.h"

#include <inttypes.h>

struct line {
    const char *name; /* as in JSON */
    uint64_t value;
};

static uint64_t count_closes(const struct report *report)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < report->run->sent; i++)
        count += alerts_is_close(report->alerts, i);
    return count;
}

static int lines_of(const struct report *report, struct line ret[16])
{
    int count = 0;
    const struct run_result *run = report->run;
    const struct outcomes *o = report->outcomes;
    ret[count++] = (struct line){"sent", run->sent};
    ret[count++] = (struct line){"closes", count_closes(report)};
    ret[count++] = (struct line){"accepted", run->accepted};
    ret[count++] = (struct line){"refused", run->refused};
    ret[count++] = (struct line){"unanswered", run->unanswered};
    ret[count++] = (struct line){"resends", run->resends};
    if (o == NULL)
        return count;
    ret[count++] = (struct line){"executed", o->executed};
    ret[count++] = (struct line){"nothing_to_do", o->nothing_to_do};
    ret[count++] = (struct line){"failed", o->failed};
    ret[count++] = (struct line){"discarded", o->discarded};
    ret[count++] = (struct line){"open", o->open};
    ret[count++] = (struct line){"missing", o->missing};
    ret[count++] = (struct line){"doubled", o->doubled};
    ret[count++] = (struct line){"landed_unaccepted", o->unasked};
    return count;
}

static void print_summary_text(const char *name, const struct summary *summary)
{
    if (summary->count > 0)
        (void)printf("%-18s p50 %.2f ms, p99 %.2f ms, max %.2f ms (%zu)\n", name, summary->p50,
                     summary->p99, summary->max, summary->count);
}

static void print_text(const struct report *report)
{
    struct line lines[16];
    const int count = lines_of(report, lines);
    (void)printf("%-18s %" PRIu64 "\n", "seed", report->alerts->seed);
    for (int i = 0; i < count; i++)
        (void)printf("%-18s %" PRIu64 "\n", lines[i].name, lines[i].value);
    for (int i = 0; report->outcomes != NULL && i < OUTCOME_CODES; i++)
        if (report->outcomes->codes[i].count > 0)
            (void)printf("  %-16s %" PRIu64 "\n", report->outcomes->codes[i].name,
                         report->outcomes->codes[i].count);
    print_summary_text("webhook -> 202", &report->to_202);
    print_summary_text("webhook -> order", &report->to_order);
    print_summary_text("webhook -> fill", &report->to_fill);
}

static void print_summary_json(const char *name, const struct summary *summary)
{
    if (summary->count > 0)
        (void)printf(", \"%s\": {\"count\": %zu, \"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}",
                     name, summary->count, summary->p50, summary->p99, summary->max);
    else
        (void)printf(", \"%s\": null", name);
}

static void print_json(const struct report *report)
{
    struct line lines[16];
    const int count = lines_of(report, lines);
    (void)printf("{\"seed\": %" PRIu64 ", \"run_id\": \"%s\"", report->alerts->seed,
                 report->alerts->run_id);
    for (int i = 0; i < count; i++)
        (void)printf(", \"%s\": %" PRIu64, lines[i].name, lines[i].value);
    if (report->outcomes != NULL) {
        (void)printf(", \"codes\": {");
        for (int i = 0; i < OUTCOME_CODES && report->outcomes->codes[i].count > 0; i++)
            (void)printf("%s\"%s\": %" PRIu64, i > 0 ? ", " : "", report->outcomes->codes[i].name,
                         report->outcomes->codes[i].count);
        (void)printf("}");
    }
    print_summary_json("webhook_to_202_ms", &report->to_202);
    print_summary_json("webhook_to_order_ms", &report->to_order);
    print_summary_json("webhook_to_fill_ms", &report->to_fill);
    (void)printf("}\n");
}

void report_print(const struct report *report, bool json)
{
    if (json)
        print_json(report);
    else
        print_text(report);
}
