/* Private to lib/svc: what loop.c, loop_timer.c and loop_run.c share. */
#pragma once

#include "svc/loop.h"

#include <stdatomic.h>

struct svc_loop {
    int epoll_fd;
    struct svc_source wake;                     /* an eventfd that other threads may write */
    struct svc_source *phases[SVC_PHASE_COUNT]; /* in the order of their registration */
    struct svc_source *cursor;                  /* the source that runs after the running one */
    struct svc_timer *timers;                   /* soonest first */
    atomic_bool drain_requested;
    bool draining;
    enum svc_exit code; /* SVC_EXIT_RUN until the loop is to end */
};

/* One pass: wait at most wait_max_ms (-1: any), note what is ready, run it by phase, run the
 * timers. */
void loop_turn(struct svc_loop *loop, int wait_max_ms);
void loop_run_timers(struct svc_loop *loop, int64_t now_mono_us);
