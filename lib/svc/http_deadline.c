/* Deadlines of connections on one loop timer. The timer is not moved when a deadline is cleared: it
 * wakes once too early instead, at most once per deadline length, which is cheaper than moving it
 * per request. */
#include "http_deadline.h"

#include "svc/clock.h"

void http_deadline_clear(struct http_deadlines *all, struct http_deadline *deadline)
{
    if (deadline->kind == HTTP_DEADLINE_KINDS)
        return;
    if (deadline->previous)
        deadline->previous->next = deadline->next;
    else
        all->queues[deadline->kind].first = deadline->next;
    if (deadline->next)
        deadline->next->previous = deadline->previous;
    else
        all->queues[deadline->kind].last = deadline->previous;
    deadline->previous = deadline->next = NULL;
    deadline->kind = HTTP_DEADLINE_KINDS;
}

static void run_passed(void *arg);

static void wake_by(struct http_deadlines *all, int64_t due_mono_us, int64_t now_mono_us)
{
    if (all->timer.due_mono_us && all->timer.due_mono_us <= due_mono_us)
        return;
    int64_t left_us = due_mono_us > now_mono_us ? due_mono_us - now_mono_us : 0;
    all->timer.run = run_passed;
    all->timer.arg = all;
    svc_timer_after_ms(all->loop, &all->timer, (uint32_t)((left_us + 999) / 1000));
}

void http_deadline_set(struct http_deadlines *all, struct http_deadline *deadline,
                       enum http_deadline_kind kind, int64_t now_mono_us)
{
    http_deadline_clear(all, deadline);
    deadline->kind = kind;
    deadline->due_mono_us = now_mono_us + (int64_t)all->queues[kind].ms * 1000;
    deadline->previous = all->queues[kind].last;
    if (deadline->previous)
        deadline->previous->next = deadline;
    else
        all->queues[kind].first = deadline;
    all->queues[kind].last = deadline;
    wake_by(all, deadline->due_mono_us, now_mono_us);
}

static void run_passed(void *arg)
{
    struct http_deadlines *all = arg;
    int64_t now = svc_mono_us();
    for (int kind = 0; kind < HTTP_DEADLINE_KINDS; kind++) {
        struct http_deadline *first;
        while ((first = all->queues[kind].first) != NULL && first->due_mono_us <= now) {
            http_deadline_clear(all, first);
            all->passed(all->arg, first, (enum http_deadline_kind)kind);
        }
    }
    for (int kind = 0; kind < HTTP_DEADLINE_KINDS; kind++)
        if (all->queues[kind].first)
            wake_by(all, all->queues[kind].first->due_mono_us, now);
}

void http_deadlines_done(struct http_deadlines *all)
{
    svc_timer_stop(&all->timer);
}
