/* The one wait point. A loop waits on file descriptors, timers and its own wake-ups, and then runs
 * what is ready in a fixed order of phases, so that one turn reads like one pass of a message
 * through the program:
 *
 *     wait → note what is ready → delivery reports → HTTP → Postgres results → consumer → peers →
 * timers
 *
 * Kafka's and ZeroMQ's descriptors are edges: a source drains to empty, or at its limit asks for
 * another run with svc_source_again(). A source that is asked for while an earlier phase runs is
 * run in the same turn; asked for by a later phase, in the next turn, which then does not wait. (A
 * delivery report that resumes an HTTP request is answered in the same turn; after every zmq_send
 * the peer source is asked for again, because its descriptor will not say so.) */
#pragma once

#include "svc/config.h"
#include "svc/error.h"

#include <stdbool.h>
#include <stdint.h>

struct svc_loop;

enum svc_phase {
    SVC_PHASE_DELIVERY, /* Kafka delivery reports */
    SVC_PHASE_HTTP,
    SVC_PHASE_POSTGRES,
    SVC_PHASE_CONSUMER,
    SVC_PHASE_PEER, /* ZeroMQ, TCP peers */
    SVC_PHASE_COUNT,
};

/* Owned by the caller (embed it); valid until svc_source_remove. */
struct svc_source {
    struct svc_loop *loop; /* NULL: not registered */
    int fd;                /* -1: only run when asked for */
    uint32_t events;       /* EPOLLIN | EPOLLOUT, what is waited for */
    enum svc_phase phase;
    void (*run)(void *arg, uint32_t events); /* events as epoll gave them; 0 when only asked for */
    void *arg;
    /* The longest wait this source allows in ms, -1 = any; NULL = any. Asked before every wait. */
    int (*wait_ms)(void *arg);
    bool again;
    uint32_t ready;
    int allowed_ms; /* wait_ms()'s last answer; when that long was waited, run() is called with 0 */
    struct svc_source *next;
};

struct svc_timer { /* owned by the caller; zero it first */
    struct svc_loop *loop;
    void (*run)(void *arg);
    void *arg;
    int64_t due_mono_us; /* 0: not set */
    struct svc_timer *next;
};

enum svc_rc svc_loop_open(struct svc_loop **ret_loop, struct svc_error *err) SVC_CHECK;
void svc_loop_close(struct svc_loop **loop);

/* Fill source->{fd, events, phase, run, arg, wait_ms} first. */
void svc_source_add(struct svc_loop *loop, struct svc_source *source);
void svc_source_events(struct svc_source *source, uint32_t events); /* change what is waited for */
void svc_source_again(struct svc_source *source);
void svc_source_remove(
    struct svc_source *source); /* before its descriptor is closed; may be in run() */

/* Fill timer->{run, arg} first. Runs once; set it again for the next time. */
void svc_timer_after_ms(struct svc_loop *loop, struct svc_timer *timer, uint32_t ms);
void svc_timer_stop(struct svc_timer *timer);

/* Ask the loop to drain (as SIGTERM does), from any thread. */
void svc_loop_request_drain(struct svc_loop *loop);
/* End with this exit code once the current turn is over: a broken invariant, a fatal error. */
void svc_loop_fail(struct svc_loop *loop, enum svc_exit code);
bool svc_loop_draining(const struct svc_loop *loop);
/* A descriptor another thread may write (eventfd) to wake the loop; rarely needed. */
void svc_loop_wake(struct svc_loop *loop);

struct svc_lifecycle {
    void (*begin_drain)(
        void *arg);             /* stop taking: close listeners, pause partitions, stop claiming */
    bool (*is_idle)(void *arg); /* a pure question: nothing in flight */
    void (*finish)(void *arg);  /* flush, commit, give back, leave; bounded. Also at the deadline;
                                 * not after a second signal or svc_loop_fail */
    void *arg;
    bool
        catch_signals; /* SIGTERM and SIGINT drain, a second one leaves at once; main thread only */
};

/* Loop until a drain is requested, then drain at most drain_timeout_ms. SVC_EXIT_OK when idle in
 * time, SVC_EXIT_DEADLINE when work was left, or what svc_loop_fail said. */
enum svc_exit svc_run(struct svc_loop *loop, const struct svc_lifecycle *life,
                      uint32_t drain_timeout_ms);
