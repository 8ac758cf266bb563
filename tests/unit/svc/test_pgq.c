/* Postgres on the loop, against a fake server: what becomes of statements when it refuses, says
 * nothing, or does not fit. */
#include "cmocka_all.h"
#include "fake_postgres.h"

#include "svc/log.h"
#include "svc/pgq.h"

#include <string.h>

struct world {
    struct fake_postgres fake;
    struct svc_loop *loop;
    struct svc_pgq *pgq;
    struct svc_error answer; /* of the last statement */
    int answers, connects, losses;
    int submit_on_connect; /* so many statements; answered, they end the loop */
};

static const struct svc_statement statements[] = {{"first", "SELECT 1"}};

static void on_answer(void *arg, const PGresult *result, const struct svc_error *err)
{
    struct world *world = arg;
    assert_int_equal(result != NULL, err->rc == SVC_OK);
    world->answer = *err;
    world->answers++;
    if (world->answers == world->submit_on_connect)
        svc_loop_request_drain(world->loop);
}

static void on_state(void *arg, bool connected)
{
    struct world *world = arg;
    struct svc_error err = {.rc = SVC_OK};
    world->connects += connected;
    world->losses += !connected;
    assert_int_equal(svc_pgq_connected(world->pgq), connected);
    for (int i = 0; connected && world->answers == 0 && i < world->submit_on_connect; i++)
        assert_int_equal(svc_pgq_submit(world->pgq, 0, 0, NULL, on_answer, world, &err), SVC_OK);
    if (connected && world->submit_on_connect == 0)
        svc_loop_request_drain(world->loop);
}

static void stop(void *arg)
{
    struct world *world = arg;
    svc_loop_request_drain(world->loop);
}

static void nothing(void *arg)
{
    (void)arg;
}

static bool always(void *arg)
{
    (void)arg;
    return true;
}

/* Run against a server that answers so, at most for `ms`. */
static enum svc_exit run(struct world *world, const struct fake_answer *answers,
                         int statement_count, uint32_t ms)
{
    struct svc_error err = {.rc = SVC_OK};
    const struct svc_lifecycle life = {
        .begin_drain = nothing, .is_idle = always, .finish = nothing};
    fake_postgres_open(&world->fake, answers);
    assert_int_equal(svc_loop_open(&world->loop, &err), SVC_OK);
    const struct svc_pgq_options options = {
        .pg = {.server = {.url = world->fake.url, .pooled = true},
               .application_name = "test",
               .statements = statements,
               .statement_count = statement_count},
        .on_state = on_state,
        .arg = world,
        .in_flight_max = 2,
        .answer_ms = 200};
    assert_int_equal(svc_pgq_open(world->loop, &options, &world->pgq, &err), SVC_OK);
    assert_int_equal(svc_pgq_submit(world->pgq, 0, 0, NULL, on_answer, world, &err), SVC_AGAIN);
    struct svc_timer timer = {.run = stop, .arg = world};
    svc_timer_after_ms(world->loop, &timer, ms);
    const enum svc_exit code = svc_run(world->loop, &life, 1000);
    svc_timer_stop(&timer);
    svc_pgq_close(&world->pgq);
    svc_loop_close(&world->loop);
    fake_postgres_close(&world->fake);
    return code;
}

static void it_connects_and_says_so(void **state)
{
    (void)state;
    struct world world = {.connects = 0};
    const struct fake_answer answers[] = {FAKE_SAYS(FAKE_WELCOME, FAKE_READY),
                                          FAKE_SAYS(FAKE_READY), FAKE_SAYS(FAKE_SILENT), FAKE_LAST};
    assert_int_equal(run(&world, answers, 0, 3000), SVC_EXIT_OK);
    assert_int_equal(world.connects, 1);
    assert_int_equal(world.losses, 0);
}

static void a_schema_mismatch_ends_the_loop(void **state)
{
    (void)state;
    struct world world = {.connects = 0};
    const struct fake_answer answers[] = {FAKE_SAYS(FAKE_WELCOME, FAKE_READY),
                                          FAKE_REFUSES("42703", "column does not exist"),
                                          FAKE_LAST};
    assert_int_equal(run(&world, answers, 1, 3000), SVC_EXIT_SOFTWARE);
    assert_int_equal(world.connects, 0);
}

static void a_refused_login_is_tried_again(void **state)
{
    (void)state;
    struct world world = {.connects = 0};
    const struct fake_answer answers[] = {FAKE_REFUSES_AND_ENDS("28P01", "no"), FAKE_LAST};
    assert_int_equal(run(&world, answers, 0, 300), SVC_EXIT_OK);
    assert_int_equal(world.connects, 0);
}

static void an_error_reaches_its_statement_only(void **state)
{
    (void)state;
    struct world world = {.submit_on_connect = 1};
    const struct fake_answer answers[] = {
        FAKE_SAYS(FAKE_WELCOME, FAKE_READY), FAKE_SAYS(FAKE_PARSED, FAKE_READY),
        FAKE_REFUSES("23505", "duplicate"), FAKE_SAYS(FAKE_SILENT), FAKE_LAST};
    assert_int_equal(run(&world, answers, 1, 3000), SVC_EXIT_OK);
    assert_int_equal(world.answers, 1);
    assert_int_equal(world.answer.rc, SVC_REJECT);
    assert_string_equal(world.answer.code, "23505");
    assert_int_equal(world.losses, 0);
}

static void silence_loses_the_connection_and_answers_all(void **state)
{
    (void)state;
    struct world world = {.submit_on_connect = 2};
    const struct fake_answer answers[] = {FAKE_SAYS(FAKE_WELCOME, FAKE_READY),
                                          FAKE_SAYS(FAKE_PARSED, FAKE_READY),
                                          FAKE_SAYS(FAKE_SILENT),
                                          FAKE_SAYS(FAKE_SILENT),
                                          FAKE_SAYS(FAKE_SILENT),
                                          FAKE_LAST};
    assert_int_equal(run(&world, answers, 1, 3000), SVC_EXIT_OK);
    assert_int_equal(world.answers, 2);
    assert_int_equal(world.losses, 1);
    assert_int_equal(world.answer.rc, SVC_AGAIN);
    assert_string_equal(world.answer.code, "connection_lost");
}

int main(void)
{
    svc_log_setup("test", SVC_LOG_ERROR, SVC_LOG_LOGFMT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_connects_and_says_so),
        cmocka_unit_test(a_schema_mismatch_ends_the_loop),
        cmocka_unit_test(a_refused_login_is_tried_again),
        cmocka_unit_test(an_error_reaches_its_statement_only),
        cmocka_unit_test(silence_loses_the_connection_and_answers_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
