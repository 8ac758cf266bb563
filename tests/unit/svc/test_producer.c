/* The producer against librdkafka's own mock cluster: delivery, limits, and above all the fatal
 * error that makes it a new handle. producer.c is included, because only its handle can be told to
 * fail. */
#include "../../../lib/svc/producer.c"
#include "cmocka_all.h"

#include <librdkafka/rdkafka_mock.h>

struct world {
    rd_kafka_t *mock_handle; /* what the mock cluster lives in */
    rd_kafka_mock_cluster_t *cluster;
    struct svc_loop *loop;
    struct svc_producer *producer;
    int ok, again, rejected, states, reports_until_drain;
    bool reachable;
    uint32_t resend; /* from a failed report, so many times */
};

static void on_state(void *arg, bool reachable)
{
    struct world *world = arg;
    world->states++;
    world->reachable = reachable;
}

static void on_delivery(void *arg, enum svc_rc rc, const struct svc_error *err)
{
    struct world *world = arg;
    assert_int_equal(err->rc, rc);
    world->ok += rc == SVC_OK;
    world->again += rc == SVC_AGAIN;
    world->rejected += rc == SVC_REJECT;
    if (rc == SVC_AGAIN && world->resend > 0) {
        world->resend--;
        assert_int_equal(svc_producer_send(world->producer, "signals", "k", "again", 5, NULL, 0,
                                           on_delivery, world, NULL),
                         SVC_OK);
    }
    if (--world->reports_until_drain == 0)
        svc_loop_request_drain(world->loop);
}

static void open_producer(struct world *world, uint32_t queue_max, const char *brokers)
{
    struct svc_error err = {.rc = SVC_OK};
    const struct svc_producer_options options = {.kafka = {brokers, "", "t.", ""},
                                                 .message_timeout_ms = 5000,
                                                 .linger_us = 500,
                                                 .queue_max = queue_max,
                                                 .on_state = on_state,
                                                 .arg = world};
    assert_int_equal(svc_producer_open(world->loop, &options, &world->producer, &err), SVC_OK);
}

static struct world *open_world(uint32_t queue_max)
{
    char text[256];
    struct world *world = svc_must_zalloc(sizeof *world);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL); /* it has no brokers, and would say so */
    world->mock_handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    assert_non_null(world->mock_handle);
    world->cluster = rd_kafka_mock_cluster_new(world->mock_handle, 1);
    assert_int_equal(rd_kafka_mock_topic_create(world->cluster, "t.signals", 3, 1), 0);
    assert_int_equal(svc_loop_open(&world->loop, NULL), SVC_OK);
    open_producer(world, queue_max, rd_kafka_mock_cluster_bootstraps(world->cluster));
    return world;
}

static void close_world(struct world *world)
{
    svc_producer_close(&world->producer);
    assert_null(world->producer);
    svc_loop_close(&world->loop);
    rd_kafka_mock_cluster_destroy(world->cluster);
    rd_kafka_destroy(world->mock_handle);
    free(world);
}

static enum svc_rc send_text(struct world *world, const char *text)
{
    const struct svc_header header = {"schema", "v1", 2};
    return svc_producer_send(world->producer, "signals", "user", text, strlen(text), &header, 1,
                             on_delivery, world, NULL);
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

/* Turn the loop until so many reports came. */
static enum svc_exit run(struct world *world, int reports)
{
    const struct svc_lifecycle life = {
        .begin_drain = nothing, .is_idle = always, .finish = nothing};
    world->reports_until_drain = reports;
    return svc_run(world->loop, &life, 1000);
}

static void messages_are_reported_once_each(void **state)
{
    (void)state;
    struct world *world = open_world(1000);
    for (int i = 0; i < 100; i++)
        assert_int_equal(send_text(world, "x"), SVC_OK);
    assert_int_equal(world->producer->in_flight, 100);
    assert_int_equal(run(world, 100), SVC_EXIT_OK);
    assert_int_equal(world->ok, 100);
    assert_int_equal(world->producer->in_flight, 0);
    assert_true(svc_producer_reachable(world->producer));
    assert_true(world->reachable);
    close_world(world);
}

static void waiting_without_a_loop_serves_reports(void **state)
{
    (void)state;
    struct svc_error err = {.rc = SVC_OK};
    struct world *world = open_world(1000);
    assert_int_equal(send_text(world, "x"), SVC_OK);
    assert_int_equal(
        svc_producer_send(world->producer, "signals", NULL, NULL, 0, NULL, 0, NULL, NULL, &err),
        SVC_OK); /* a hint: nobody to tell */
    assert_int_equal(svc_producer_wait(world->producer, 5000, &err), SVC_OK);
    assert_int_equal(world->ok, 1);
    close_world(world);
}

static void a_full_queue_and_a_large_message_are_refused(void **state)
{
    (void)state;
    struct svc_error err = {.rc = SVC_OK};
    struct world *world = open_world(2);
    char *large = svc_must_zalloc(2000000);
    assert_int_equal(svc_producer_send(world->producer, "signals", "k", large, 2000000, NULL, 0,
                                       on_delivery, world, &err),
                     SVC_REJECT);
    free(large);
    assert_int_equal(send_text(world, "1"), SVC_OK);
    assert_int_equal(send_text(world, "2"), SVC_OK);
    assert_int_equal(svc_producer_send(world->producer, "signals", "k", "3", 1, NULL, 0,
                                       on_delivery, world, &err),
                     SVC_AGAIN);
    assert_string_equal(err.code, "queue_full");
    assert_int_equal(world->producer->in_flight, 2);
    assert_int_equal(svc_producer_wait(world->producer, 5000, &err), SVC_OK);
    assert_int_equal(world->ok, 2); /* the refused ones were not reported as well */
    close_world(world);
}

/* Nobody answers any more: what is sent from now on stays in flight. */
static void break_cluster(struct world *world)
{
    assert_int_equal(rd_kafka_mock_broker_set_down(world->cluster, 1), 0);
}

static void a_fatal_error_makes_a_new_handle(void **state)
{
    (void)state;
    struct world *world = open_world(1000);
    assert_int_equal(send_text(world, "first"), SVC_OK);
    assert_int_equal(svc_producer_wait(world->producer, 5000, NULL), SVC_OK);
    break_cluster(world);
    assert_int_equal(send_text(world, "a"), SVC_OK);
    assert_int_equal(send_text(world, "b"), SVC_OK);
    world->resend = 1; /* from inside the report: it must go to the new handle, and wait there */
    world->producer->fatal = true;
    svc_source_again(&world->producer->source);
    assert_int_equal(run(world, 2), SVC_EXIT_OK);
    assert_int_equal(world->again, 2);
    assert_false(world->reachable);
    assert_int_equal(world->producer->recreated, 1);
    assert_int_equal(world->producer->in_flight, 1);
    assert_int_equal(rd_kafka_mock_broker_set_up(world->cluster, 1), 0);
    assert_int_equal(svc_producer_wait(world->producer, 5000, NULL), SVC_OK);
    assert_int_equal(world->ok, 2); /* the first, and the one sent again */
    assert_true(world->reachable);
    close_world(world);
}

static void a_second_fatal_error_at_once_ends_the_loop(void **state)
{
    (void)state;
    struct world *world = open_world(1000);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rd_kafka_test_fatal_error(world->producer->rk,
                                                   RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                                                   "test"),
                         0);
        while (world->producer->recreated == 0)
            (void)serve(world->producer, 100);
    }
    assert_int_equal(run(world, -1), SVC_EXIT_SOFTWARE);
    assert_int_equal(world->producer->recreated, 1);
    close_world(world);
}

static void an_absent_cluster_is_found_when_it_comes(void **state)
{
    (void)state;
    struct world *world = open_world(1000);
    svc_producer_close(&world->producer);
    break_cluster(world);
    open_producer(world, 1000, rd_kafka_mock_cluster_bootstraps(world->cluster));
    assert_int_equal(send_text(world, "early"), SVC_OK);
    assert_int_equal(svc_producer_wait(world->producer, 300, NULL), SVC_AGAIN);
    assert_false(svc_producer_reachable(world->producer));
    assert_int_equal(rd_kafka_mock_broker_set_up(world->cluster, 1), 0);
    assert_int_equal(run(world, 1), SVC_EXIT_OK);
    assert_int_equal(world->ok, 1);
    assert_true(svc_producer_reachable(world->producer));
    close_world(world);
}

int main(void)
{
    svc_log_setup("test", SVC_LOG_ERROR, SVC_LOG_LOGFMT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_reported_once_each),
        cmocka_unit_test(waiting_without_a_loop_serves_reports),
        cmocka_unit_test(a_full_queue_and_a_large_message_are_refused),
        cmocka_unit_test(a_fatal_error_makes_a_new_handle),
        cmocka_unit_test(a_second_fatal_error_at_once_ends_the_loop),
        cmocka_unit_test(an_absent_cluster_is_found_when_it_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
