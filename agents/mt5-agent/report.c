#include "report.h"

#include <string.h>

static char *text_or_null(struct svc_arena *arena, const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : svc_arena_text(arena, text);
}

static Tradewire__V1__Fill *build_fill(struct svc_arena *arena, const struct book_step *step)
{
    Tradewire__V1__Fill *fill = svc_arena_alloc(arena, sizeof *fill);
    tradewire__v1__fill__init(fill);
    fill->has_step = fill->has_retcode = fill->has_order = fill->has_deal = 1;
    fill->has_position = fill->has_symbol = 1;
    fill->step = step->step;
    fill->retcode = step->retcode;
    fill->order = step->order;
    fill->deal = step->deal;
    fill->position = step->position;
    fill->price = svc_arena_text(arena, step->price);
    fill->volume = svc_arena_text(arena, step->filled);
    fill->requested_volume = text_or_null(arena, step->volume);
    fill->bid = text_or_null(arena, step->bid);
    fill->ask = text_or_null(arena, step->ask);
    if (step->close_position != 0)
        fill->profit = text_or_null(arena, step->profit);
    fill->side = svc_arena_text(arena, step->sell ? "sell" : "buy");
    fill->symbol.len = strlen(step->symbol);
    fill->symbol.data = svc_arena_copy(arena, step->symbol, fill->symbol.len);
    return fill;
}

static void add_steps(struct svc_arena *arena, const struct book_report *report,
                      enum book_step_state state, Tradewire__V1__JobReport *ret)
{
    for (size_t i = 0; i < report->step_count; i++)
        if (report->steps[i].state == state)
            ret->fills[ret->n_fills++] = build_fill(arena, &report->steps[i]);
}

/* The job's own orders first: a reader who looks at one looks at the first. */
static void add_fills(struct svc_arena *arena, const struct book_report *report,
                      Tradewire__V1__JobReport *ret)
{
    ret->fills = svc_arena_alloc(arena, (report->step_count + 1) * sizeof(Tradewire__V1__Fill *));
    add_steps(arena, report, BOOK_EXECUTED, ret);
    add_steps(arena, report, BOOK_CLOSED_BY_OTHER, ret);
}

static Tradewire__V1__AgentTimes *build_times(struct svc_arena *arena,
                                              const struct book_report *report, int64_t now_unix_us)
{
    Tradewire__V1__AgentTimes *times = svc_arena_alloc(arena, sizeof *times);
    tradewire__v1__agent_times__init(times);
    times->has_at_agent = times->has_order_sent = times->has_filled = times->has_reported = 1;
    times->at_agent = report->received_unix_us;
    times->order_sent = report->sent_unix_us;
    times->filled = report->outcome == BOOK_DONE ? report->filled_unix_us : 0;
    times->reported = now_unix_us;
    return times;
}

void report_build(struct svc_arena *arena, const struct book_report *report, int64_t now_unix_us,
                  Tradewire__V1__JobReport *ret)
{
    tradewire__v1__job_report__init(ret);
    ret->job_id = svc_arena_text(arena, report->job_id);
    ret->has_lease_epoch = ret->has_outcome = ret->has_retcode = 1;
    ret->lease_epoch = report->epoch;
    ret->outcome = (Tradewire__V1__Outcome)report->outcome;
    ret->code = text_or_null(arena, report->code);
    ret->retcode = report->retcode;
    if (report->text != NULL && report->text[0] != '\0') {
        ret->has_text = 1;
        ret->text.len = strlen(report->text);
        ret->text.data = svc_arena_copy(arena, report->text, ret->text.len);
    }
    if (report->outcome == BOOK_DONE)
        add_fills(arena, report, ret);
    if (report->output != NULL) {
        ret->has_output = 1;
        ret->output.len = report->output_len;
        ret->output.data = svc_arena_copy(arena, report->output, report->output_len);
    }
    if (report->ready_unix_us > 0) {
        ret->has_ready_unix_us = 1;
        ret->ready_unix_us = report->ready_unix_us;
    }
    ret->times = build_times(arena, report, now_unix_us);
}
