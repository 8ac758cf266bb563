/* The loop: order of phases, asking again, safe removal, timers, and the life to the exit code. */
#include "cmocka_all.h"

#include "svc/clock.h"
#include "svc/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LOG_MAX = 256, SOURCES = 8 };

/* One loop with sources that write their letter when they run. */
static struct fixture {
    struct svc_loop *loop;
    char log[LOG_MAX];
    size_t len;
    struct svc_lifecycle life;
    struct svc_source sources[SOURCES];
    struct svc_timer timers[SOURCES];
    int fds[SOURCES];
} f;

static void note(char letter)
{
    assert_true(f.len < LOG_MAX - 1);
    f.log[f.len++] = letter;
    f.log[f.len] = '\0';
}

static int set_up(void **state)
{
    (void)state;
    struct svc_error err;
    memset(&f, 0, sizeof f);
    for (int i = 0; i < SOURCES; i++)
        f.fds[i] = -1;
    return svc_loop_open(&f.loop, &err) == SVC_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < SOURCES; i++) {
        svc_source_remove(&f.sources[i]);
        svc_timer_stop(&f.timers[i]);
        if (f.fds[i] >= 0)
            close(f.fds[i]);
    }
    svc_loop_close(&f.loop);
    svc_loop_close(&f.loop); /* NULL is fine */
    return 0;
}

static void add(int i, enum svc_phase phase, void (*run)(void *arg, uint32_t events), bool with_fd)
{
    f.fds[i] = with_fd ? eventfd(1, EFD_NONBLOCK) : -1;
    f.sources[i] = (struct svc_source){
        .fd = f.fds[i], .events = EPOLLIN, .phase = phase, .run = run, .arg = &f.sources[i]};
    svc_source_add(f.loop, &f.sources[i]);
}

static int index_of(void *arg)
{
    return (int)((struct svc_source *)arg - f.sources);
}

static void drained(int i)
{
    uint64_t count;
    assert_int_equal(read(f.fds[i], &count, sizeof count), sizeof count);
}

static void note_run(void *arg, uint32_t events)
{
    int i = index_of(arg);
    if (events) {
        assert_int_equal(events, EPOLLIN);
        drained(i);
    }
    note((char)((events ? 'A' : 'a') + i));
}

static void fail_loop(void *arg)
{
    (void)arg;
    svc_loop_fail(f.loop, SVC_EXIT_SOFTWARE);
}

/* Run for a while; the end is a timer that fails the loop with 70. */
static void run_ms(uint32_t ms)
{
    struct svc_timer end = {.run = fail_loop};
    svc_timer_after_ms(f.loop, &end, ms);
    assert_int_equal(svc_run(f.loop, &f.life, 1000), SVC_EXIT_SOFTWARE);
    svc_timer_stop(&end);
}

static void phases_run_in_their_order(void **state)
{
    (void)state;
    add(0, SVC_PHASE_PEER, note_run, true);
    add(1, SVC_PHASE_CONSUMER, note_run, true);
    add(2, SVC_PHASE_POSTGRES, note_run, true);
    add(3, SVC_PHASE_HTTP, note_run, true);
    add(4, SVC_PHASE_DELIVERY, note_run, true);
    add(5, SVC_PHASE_DELIVERY, note_run, true); /* inside a phase: as registered */
    run_ms(10);
    assert_string_equal(f.log, "EFDCBA");
}

static void ask_http_and_self(void *arg, uint32_t events)
{
    (void)arg;
    if (events)
        drained(0);
    note(events ? 'P' : 'p');
    svc_source_again(&f.sources[1]);
    svc_source_again(&f.sources[2]);
    if (events)
        svc_source_again(&f.sources[0]);
}

static void asked_for_runs_this_turn_or_the_next(void **state)
{
    (void)state;
    add(0, SVC_PHASE_POSTGRES, ask_http_and_self, true);
    add(1, SVC_PHASE_HTTP, note_run, false);     /* earlier: the next turn */
    add(2, SVC_PHASE_CONSUMER, note_run, false); /* later: this turn */
    run_ms(30);
    assert_string_equal(f.log, "Pcbpcb");
}

static void remove_all(void *arg, uint32_t events)
{
    (void)events;
    note((char)('A' + index_of(arg)));
    for (int i = 0; i < 5; i++)
        svc_source_remove(&f.sources[i]);
    svc_source_remove(&f.sources[0]); /* twice is fine */
    svc_source_again(&f.sources[1]);  /* and this is nothing */
}

static void removing_inside_run_is_safe(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        add(i, SVC_PHASE_HTTP, remove_all, true);
    add(4, SVC_PHASE_PEER, remove_all, true);
    run_ms(20);
    assert_string_equal(f.log, "A"); /* the other four were ready and did not run */
    for (int i = 0; i < 5; i++)
        assert_null(f.sources[i].loop);
}

static void remove_next(void *arg, uint32_t events)
{
    int i = index_of(arg);
    note_run(arg, events);
    if (i == 0)
        svc_source_remove(&f.sources[1]);
}

static void the_source_after_a_removed_one_runs(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        add(i, SVC_PHASE_HTTP, remove_next, true);
    add(3, SVC_PHASE_PEER, note_run, true);
    run_ms(20);
    assert_string_equal(f.log, "ACD"); /* C in the same turn */
}

static void replace_self(void *arg, uint32_t events)
{
    int i = index_of(arg);
    note_run(arg, events);
    svc_source_remove(&f.sources[i]);
    close(f.fds[i]);
    f.fds[i] = -1;
    if (i == 0)
        add(1, SVC_PHASE_HTTP, replace_self, true); /* likely the same descriptor number */
}

static void a_reconnect_replaces_its_source(void **state)
{
    (void)state;
    add(0, SVC_PHASE_HTTP, replace_self, true);
    run_ms(30);
    assert_string_equal(f.log, "AB");
}

static void note_out(void *arg, uint32_t events)
{
    note(events & EPOLLOUT ? 'W' : 'R');
    svc_source_events(arg, events & EPOLLOUT ? EPOLLIN : 0);
}

static void what_is_waited_for_can_change(void **state)
{
    (void)state;
    add(0, SVC_PHASE_HTTP, note_out, true);
    svc_source_events(&f.sources[0], EPOLLOUT);
    run_ms(20);
    assert_string_equal(f.log, "WR");
}

static int wait_10_ms(void *arg)
{
    (void)arg;
    return f.len < 3 ? 10 : -1;
}

static void a_source_may_bound_the_wait(void **state)
{
    (void)state;
    add(0, SVC_PHASE_HTTP, note_run, false);
    f.sources[0].wait_ms = wait_10_ms;
    int64_t before = svc_mono_us();
    run_ms(200);
    assert_string_equal(f.log, "aaa");
    assert_true(svc_mono_us() - before >= 200000);
}

static int count_waits(void *arg)
{
    (void)arg;
    f.len++;
    return -1;
}

static void waiting_for_a_timer_does_not_spin(void **state)
{
    (void)state;
    add(0, SVC_PHASE_HTTP, note_run, false);
    f.sources[0].wait_ms = count_waits;
    run_ms(30);
    assert_in_range(f.len, 1, 3);
}

static void note_timer(void *arg)
{
    note(*(const char *)arg);
}

static void set_timer(int i, uint32_t ms, const char *letter)
{
    f.timers[i].run = note_timer;
    f.timers[i].arg = (void *)(uintptr_t)letter;
    svc_timer_after_ms(f.loop, &f.timers[i], ms);
}

static void timers_run_once_soonest_first(void **state)
{
    (void)state;
    set_timer(0, 30, "3");
    set_timer(1, 10, "1");
    set_timer(2, 20, "2");
    set_timer(3, 15, "x");
    set_timer(4, 500, "late");
    svc_timer_stop(&f.timers[3]);
    svc_timer_stop(&f.timers[3]);
    set_timer(4, 5, "0"); /* set again: moved */
    run_ms(60);
    assert_string_equal(f.log, "0123");
    assert_int_equal(f.timers[0].due_mono_us, 0);
}

static void stop_next_and_repeat(void *arg)
{
    note(*(const char *)arg);
    svc_timer_stop(&f.timers[1]);
    if (f.len < 3)
        svc_timer_after_ms(f.loop, &f.timers[0], 0);
}

static void a_timer_may_stop_another_and_set_itself(void **state)
{
    (void)state;
    f.timers[0] = (struct svc_timer){.run = stop_next_and_repeat, .arg = (void *)(uintptr_t) "t"};
    svc_timer_after_ms(f.loop, &f.timers[0], 5);
    set_timer(1, 5, "never");
    add(2, SVC_PHASE_HTTP, note_run, false);
    run_ms(30);
    assert_string_equal(f.log, "ttt");
}

static void note_begin(void *arg)
{
    (void)arg;
    assert_true(svc_loop_draining(f.loop));
    note('B');
}

static bool idle_after_five(void *arg)
{
    (void)arg;
    note('?');
    return f.len >= 6;
}

static bool never_idle(void *arg)
{
    (void)arg;
    return false;
}

static void note_finish(void *arg)
{
    (void)arg;
    note('F');
}

static void a_drain_asks_until_idle_and_finishes(void **state)
{
    (void)state;
    f.life = (struct svc_lifecycle){note_begin, idle_after_five, note_finish, NULL, false};
    svc_loop_request_drain(f.loop);
    int64_t before = svc_mono_us();
    assert_int_equal(svc_run(f.loop, &f.life, 5000), SVC_EXIT_OK);
    assert_string_equal(f.log, "B?????F");
    /* Four turns in between with nothing to do, each at most 20 ms. */
    assert_true(svc_mono_us() - before >= 40000);
}

static void work_left_at_the_deadline_is_75(void **state)
{
    (void)state;
    f.life = (struct svc_lifecycle){note_begin, never_idle, note_finish, NULL, false};
    svc_loop_request_drain(f.loop);
    int64_t before = svc_mono_us();
    assert_int_equal(svc_run(f.loop, &f.life, 60), SVC_EXIT_DEADLINE);
    assert_true(svc_mono_us() - before >= 60000);
    assert_string_equal(f.log, "BF");
}

static void a_failure_leaves_without_finish(void **state)
{
    (void)state;
    f.life = (struct svc_lifecycle){note_begin, never_idle, note_finish, NULL, false};
    svc_loop_request_drain(f.loop);
    f.timers[0].run = fail_loop;
    svc_timer_after_ms(f.loop, &f.timers[0], 10);
    assert_int_equal(svc_run(f.loop, &f.life, 5000), SVC_EXIT_SOFTWARE);
    svc_loop_fail(f.loop, SVC_EXIT_OK); /* the first reason stays */
    assert_string_equal(f.log, "B");
    assert_int_equal(svc_run(f.loop, &f.life, 5000), SVC_EXIT_SOFTWARE);
}

static void raise_term(void *arg)
{
    (void)arg;
    note('T');
    (void)raise(SIGTERM);
}

static void a_signal_drains(void **state)
{
    (void)state;
    f.life = (struct svc_lifecycle){note_begin, idle_after_five, note_finish, NULL, true};
    f.timers[0].run = raise_term;
    svc_timer_after_ms(f.loop, &f.timers[0], 5);
    assert_int_equal(svc_run(f.loop, &f.life, 5000), SVC_EXIT_OK);
    assert_string_equal(f.log, "TB????F");
}

static void a_second_signal_leaves_at_once(void **state)
{
    (void)state;
    f.life = (struct svc_lifecycle){note_begin, never_idle, note_finish, NULL, true};
    f.timers[0].run = f.timers[1].run = raise_term;
    svc_timer_after_ms(f.loop, &f.timers[0], 5);
    svc_timer_after_ms(f.loop, &f.timers[1], 50);
    int64_t before = svc_mono_us();
    assert_int_equal(svc_run(f.loop, &f.life, 60000), SVC_EXIT_DEADLINE);
    assert_true(svc_mono_us() - before < 5000000);
    assert_string_equal(f.log, "TBT");
}

static void *drain_from_outside(void *arg)
{
    (void)arg;
    usleep(20000);
    svc_loop_wake(f.loop);
    svc_loop_request_drain(f.loop);
    return NULL;
}

static void another_thread_may_ask_to_drain(void **state)
{
    (void)state;
    pthread_t thread;
    f.life.begin_drain = note_begin;
    assert_int_equal(pthread_create(&thread, NULL, drain_from_outside, NULL), 0);
    assert_int_equal(svc_run(f.loop, &f.life, 1000), SVC_EXIT_OK);
    assert_string_equal(f.log, "B");
    pthread_join(thread, NULL);
}

static void a_lost_descriptor_ends_the_loop(void **state)
{
    (void)state;
    int null = dup(STDERR_FILENO);
    assert_non_null(freopen("/dev/null", "w", stderr)); /* its log line is not this test's */
    f.sources[0] = (struct svc_source){.fd = 987654, .events = EPOLLIN, .run = note_run};
    svc_source_add(f.loop, &f.sources[0]);
    assert_int_equal(svc_run(f.loop, &f.life, 1000), SVC_EXIT_SOFTWARE);
    (void)dup2(null, STDERR_FILENO);
    close(null);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(phases_run_in_their_order),
        CASE(asked_for_runs_this_turn_or_the_next),
        CASE(removing_inside_run_is_safe),
        CASE(the_source_after_a_removed_one_runs),
        CASE(a_reconnect_replaces_its_source),
        CASE(what_is_waited_for_can_change),
        CASE(a_source_may_bound_the_wait),
        CASE(waiting_for_a_timer_does_not_spin),
        CASE(timers_run_once_soonest_first),
        CASE(a_timer_may_stop_another_and_set_itself),
        CASE(a_drain_asks_until_idle_and_finishes),
        CASE(work_left_at_the_deadline_is_75),
        CASE(a_failure_leaves_without_finish),
        CASE(a_signal_drains),
        CASE(a_second_signal_leaves_at_once),
        CASE(another_thread_may_ask_to_drain),
        CASE(a_lost_descriptor_ends_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
