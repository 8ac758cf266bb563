/* A loop's life:
 *
 *     running ─ drain requested ─► draining ─ idle ────────► finish ─► SVC_EXIT_OK
 *        │                            ├────── deadline ────► finish ─► SVC_EXIT_DEADLINE
 *        │                            └────── second signal ─────────► SVC_EXIT_DEADLINE
 *        └─ svc_loop_fail, also while draining ──────────────────────► its code
 *
 * After svc_loop_fail nothing is finished: what a broken process would still flush or commit is
 * worth less than the redelivery that its end causes. */
#include "loop_internal.h"

#include "svc/clock.h"
#include "svc/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { DRAIN_TURN_MS = 20 }; /* is_idle is asked at least this often while draining */

struct run {
    struct svc_loop *loop;
    const struct svc_lifecycle *life;
    struct svc_source signals;
    unsigned signal_count;
    int64_t deadline_mono_us;
};

static void take_signal(void *arg, uint32_t events)
{
    struct run *run = arg;
    struct signalfd_siginfo info;
    (void)events;
    while (read(run->signals.fd, &info, sizeof info) == (ssize_t)sizeof info) {
        run->signal_count++;
        svc_info("signal_received", SVC_N("signal", info.ssi_signo),
                 SVC_N("count", run->signal_count));
        if (run->signal_count > 1)
            svc_loop_fail(run->loop, SVC_EXIT_DEADLINE);
        else
            svc_loop_request_drain(run->loop);
    }
}

static void catch_signals(struct run *run)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    run->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (run->signals.fd < 0) {
        svc_alert("loop_signals_failed", SVC_T("err", strerrordesc_np(errno)));
        svc_loop_fail(run->loop, SVC_EXIT_SOFTWARE);
        return;
    }
    svc_source_add(run->loop, &run->signals);
}

static void begin_drain(struct run *run, uint32_t drain_timeout_ms)
{
    run->loop->draining = true;
    run->deadline_mono_us = svc_mono_us() + (int64_t)drain_timeout_ms * 1000;
    if (run->life->begin_drain)
        run->life->begin_drain(run->life->arg);
}

static void end_drain(struct run *run, enum svc_exit code)
{
    if (run->life->finish)
        run->life->finish(run->life->arg);
    svc_loop_fail(run->loop, code); /* keeps an earlier code, should finish() itself have failed */
}

static void drain_step(struct run *run, uint32_t drain_timeout_ms)
{
    struct svc_loop *loop = run->loop;
    if (!loop->draining && atomic_load(&loop->drain_requested))
        begin_drain(run, drain_timeout_ms);
    if (!loop->draining || loop->code != SVC_EXIT_RUN)
        return;
    if (!run->life->is_idle || run->life->is_idle(run->life->arg))
        end_drain(run, SVC_EXIT_OK);
    else if (svc_mono_us() >= run->deadline_mono_us)
        end_drain(run, SVC_EXIT_DEADLINE);
}

enum svc_exit svc_run(struct svc_loop *loop, const struct svc_lifecycle *life,
                      uint32_t drain_timeout_ms)
{
    struct run run = {.loop = loop, .life = life, .signals = {.fd = -1, .events = EPOLLIN}};
    run.signals.run = take_signal;
    run.signals.arg = &run;
    if (life->catch_signals)
        catch_signals(&run);
    while (loop->code == SVC_EXIT_RUN) {
        loop_turn(loop, loop->draining ? DRAIN_TURN_MS : -1);
        if (loop->code == SVC_EXIT_RUN)
            drain_step(&run, drain_timeout_ms);
    }
    svc_source_remove(&run.signals);
    if (run.signals.fd >= 0)
        (void)close(run.signals.fd);
    return loop->code;
}
