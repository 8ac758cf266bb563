/* The one wait point: sources, phases, one turn. Timers are in loop_timer.c, the life from run to
 * drain to exit code in loop_run.c. */
#include "svc/loop.h"

#include "loop_internal.h"

#include "svc/clock.h"
#include "svc/log.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_PER_TURN = 64 }; /* what does not fit is still ready in the next turn */

static void read_wake(void *arg, uint32_t events)
{
    const struct svc_loop *loop = arg;
    (void)events;
    uint64_t count;
    /* The value says nothing; EAGAIN only means that nobody asked. */
    if (read(loop->wake.fd, &count, sizeof count) < 0 && errno != EAGAIN)
        svc_loop_fail(arg, SVC_EXIT_SOFTWARE);
}

enum svc_rc svc_loop_open(struct svc_loop **ret_loop, struct svc_error *err)
{
    struct svc_loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "loop: out of memory");
    loop->code = SVC_EXIT_RUN;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->epoll_fd < 0 || loop->wake.fd < 0) {
        svc_fail(err, SVC_FATAL, "loop_failed", "epoll or eventfd: %s", strerrordesc_np(errno));
        svc_loop_close(&loop);
        return SVC_FATAL;
    }
    loop->wake.events = EPOLLIN;
    loop->wake.run = read_wake;
    loop->wake.arg = loop;
    svc_source_add(loop, &loop->wake);
    /* A peer that is gone is an error code (EPIPE), not the end of the process. */
    (void)signal(SIGPIPE, SIG_IGN);
    *ret_loop = loop;
    return SVC_OK;
}

void svc_loop_close(struct svc_loop **loop)
{
    struct svc_loop *closing = *loop;
    *loop = NULL;
    if (!closing)
        return;
    if (closing->wake.fd >= 0)
        (void)close(closing->wake.fd);
    if (closing->epoll_fd >= 0)
        (void)close(closing->epoll_fd);
    free(closing);
}

static int control(const struct svc_loop *loop, int operation, struct svc_source *source)
{
    struct epoll_event event = {.events = source->events, .data.ptr = source};
    return epoll_ctl(loop->epoll_fd, operation, source->fd, &event);
}

/* Watching fails only for descriptors that are not ours any more, or at the kernel's limit: from
 * there on this process would wait for events that never come. */
static void control_or_fail(struct svc_loop *loop, int operation, struct svc_source *source)
{
    if (source->fd < 0 || control(loop, operation, source) == 0)
        return;
    svc_alert("loop_watch_failed", SVC_N("fd", source->fd), SVC_T("err", strerrordesc_np(errno)));
    svc_loop_fail(loop, SVC_EXIT_SOFTWARE);
}

void svc_source_add(struct svc_loop *loop, struct svc_source *source)
{
    assert(!source->loop && source->phase < SVC_PHASE_COUNT && source->run);
    source->loop = loop;
    source->again = false;
    source->ready = 0;
    source->next = NULL;
    struct svc_source **at = &loop->phases[source->phase];
    while (*at)
        at = &(*at)->next;
    *at = source;
    control_or_fail(loop, EPOLL_CTL_ADD, source);
}

void svc_source_events(struct svc_source *source, uint32_t events)
{
    if (source->events == events)
        return;
    source->events = events;
    if (source->loop)
        control_or_fail(source->loop, EPOLL_CTL_MOD, source);
}

void svc_source_again(struct svc_source *source)
{
    source->again = source->loop != NULL;
}

void svc_source_remove(struct svc_source *source)
{
    struct svc_loop *loop = source->loop;
    if (!loop)
        return;
    struct svc_source **at = &loop->phases[source->phase];
    while (*at != source)
        at = &(*at)->next;
    *at = source->next;
    if (loop->cursor == source)
        loop->cursor = source->next;
    if (source->fd >= 0) /* fails only when the descriptor is closed already, and then it is gone */
        (void)control(loop, EPOLL_CTL_DEL, source);
    source->loop = NULL;
    source->next = NULL;
    source->again = false;
    source->ready = 0;
}

static int shorter(int a, int b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* Ask every source and the timers how long the loop may wait, in ms; -1 = until something happens.
 */
static int allowed_wait(struct svc_loop *loop, int64_t now)
{
    int wait = -1;
    for (int phase = 0; phase < SVC_PHASE_COUNT; phase++) {
        for (struct svc_source *source = loop->phases[phase]; source; source = source->next) {
            source->allowed_ms = source->wait_ms ? source->wait_ms(source->arg) : -1;
            wait = shorter(wait, source->again ? 0 : source->allowed_ms);
        }
    }
    if (!loop->timers)
        return wait;
    int64_t left_us = loop->timers->due_mono_us - now;
    int64_t left_ms = left_us <= 0 ? 0 : (left_us + 999) / 1000; /* up: waking early would spin */
    return shorter(wait, left_ms > 60000 ? 60000 : (int)left_ms);
}

static void note_ready(struct svc_loop *loop, int wait_ms)
{
    struct epoll_event events[EVENTS_PER_TURN];
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, wait_ms);
    /* Interrupted, as by SIGCONT after a stop: look at what is there before timers judge the
     * silence. */
    if (count < 0 && errno == EINTR)
        count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, 0);
    if (count < 0 && errno != EINTR) {
        svc_alert("loop_wait_failed", SVC_T("err", strerrordesc_np(errno)));
        svc_loop_fail(loop, SVC_EXIT_SOFTWARE);
    }
    for (int i = 0; i < count; i++) {
        struct svc_source *source = events[i].data.ptr;
        source->ready |= events[i].events;
    }
}

/* A source whose own longest wait is over is asked for. */
static void note_waited(struct svc_loop *loop, int64_t waited_us)
{
    for (int phase = 0; phase < SVC_PHASE_COUNT; phase++)
        for (struct svc_source *source = loop->phases[phase]; source; source = source->next)
            if (source->allowed_ms >= 0 && (int64_t)source->allowed_ms * 1000 <= waited_us)
                source->again = true;
}

static void run_phase(struct svc_loop *loop, enum svc_phase phase)
{
    for (struct svc_source *source = loop->phases[phase]; source; source = loop->cursor) {
        loop->cursor = source->next;
        uint32_t events = source->ready;
        if (!events && !source->again)
            continue;
        source->ready = 0;
        source->again = false;
        source->run(source->arg, events); /* may remove any source: cursor knows */
    }
    loop->cursor = NULL;
}

void loop_turn(struct svc_loop *loop, int wait_max_ms)
{
    int64_t before = svc_mono_us();
    note_ready(loop, shorter(wait_max_ms, allowed_wait(loop, before)));
    note_waited(loop, svc_mono_us() - before);
    for (int phase = 0; phase < SVC_PHASE_COUNT; phase++)
        run_phase(loop, (enum svc_phase)phase);
    loop_run_timers(loop, svc_mono_us());
}

void svc_loop_wake(struct svc_loop *loop)
{
    const uint64_t one = 1;
    /* EAGAIN: 2^64 - 2 wakes are waiting already. */
    if (write(loop->wake.fd, &one, sizeof one) < 0)
        return;
}

void svc_loop_request_drain(struct svc_loop *loop)
{
    atomic_store(&loop->drain_requested, true);
    svc_loop_wake(loop);
}

void svc_loop_fail(struct svc_loop *loop, enum svc_exit code)
{
    if (loop->code == SVC_EXIT_RUN) /* the first reason counts */
        loop->code = code;
}

bool svc_loop_draining(const struct svc_loop *loop)
{
    return loop->draining;
}
