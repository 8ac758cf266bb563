/* A loop's timers: one list, soonest first. There are tens to hundreds, most of them far away, and
 * setting one walks past the sooner ones only. */
#include "loop_internal.h"

#include "svc/clock.h"

static void unlink_timer(struct svc_timer *timer)
{
    struct svc_timer **at = &timer->loop->timers;
    while (*at != timer)
        at = &(*at)->next;
    *at = timer->next;
    timer->next = NULL;
    timer->due_mono_us = 0;
}

void svc_timer_stop(struct svc_timer *timer)
{
    if (timer->due_mono_us)
        unlink_timer(timer);
}

void svc_timer_after_ms(struct svc_loop *loop, struct svc_timer *timer, uint32_t ms)
{
    svc_timer_stop(timer);
    timer->loop = loop;
    /* 1 µs more: a timer that sets itself to 0 ms is due after the pass that runs it, not in it. */
    timer->due_mono_us = svc_mono_us() + (int64_t)ms * 1000 + 1;
    struct svc_timer **at = &loop->timers;
    while (*at && (*at)->due_mono_us <= timer->due_mono_us)
        at = &(*at)->next;
    timer->next = *at;
    *at = timer;
}

void loop_run_timers(struct svc_loop *loop, int64_t now_mono_us)
{
    while (loop->timers && loop->timers->due_mono_us <= now_mono_us) {
        struct svc_timer *timer = loop->timers;
        unlink_timer(timer); /* before run(): it may set, stop or free any timer, itself too */
        timer->run(timer->arg);
    }
}
