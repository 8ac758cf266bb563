/* What a consumer believes: which record is the next one, and where the positions stand after a
 * batch. The group, the brokers and Postgres are tested for real by tests/integration.
 * consumer_group.c is included, because only librdkafka could call what is tested here. */
#include "../../../lib/svc/consumer_group.c"
#include "cmocka_all.h"

static struct svc_consumer consumer;
static struct consumer_partition partitions[2];

static void open_consumer(void)
{
    struct svc_error err = {.rc = SVC_OK};
    consumer = (struct svc_consumer){.group = (char *)(uintptr_t) "g",
                                     .topic = (char *)(uintptr_t) "t",
                                     .state = CONSUMER_RUNNING,
                                     .partitions = partitions,
                                     .partition_count = 2};
    partitions[0] =
        (struct consumer_partition){.id = 4, .position = 100, .fetch = 100, .after_gap = -1};
    partitions[1] =
        (struct consumer_partition){.id = 7, .position = 0, .fetch = 0, .after_gap = -1};
    assert_int_equal(svc_loop_open(&consumer.loop, &err), SVC_OK);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(svc_kafka_set(conf, "group.id", "g", &err), SVC_OK);
    assert_int_equal(svc_kafka_set(conf, "bootstrap.servers", "127.0.0.1:1", &err), SVC_OK);
    rd_kafka_conf_set_log_cb(conf, NULL);
    assert_int_equal(svc_kafka_new(RD_KAFKA_CONSUMER, conf, &consumer.rk, &err), SVC_OK);
    consumer.step = (struct svc_timer){.run = on_step_timer, .arg = &consumer};
}

static void close_consumer(void)
{
    svc_timer_stop(&consumer.step);
    rd_kafka_destroy(consumer.rk);
    svc_loop_close(&consumer.loop);
}

static bool next_is(int32_t partition, int64_t offset)
{
    const rd_kafka_message_t message = {.partition = partition, .offset = offset};
    return is_next(&consumer, &message);
}

static void records_come_in_their_order(void **state)
{
    (void)state;
    open_consumer();
    assert_true(next_is(4, 100));
    assert_true(next_is(7, 0));
    assert_true(next_is(4, 101));
    assert_false(next_is(4, 101)); /* again: fetched before the positions were read */
    assert_false(next_is(4, 99));
    assert_false(next_is(5, 0)); /* not ours */
    assert_true(next_is(4, 102));
    assert_int_equal(consumer.state, CONSUMER_RUNNING);
    close_consumer();
}

static void nothing_is_believed_while_positions_are_unknown(void **state)
{
    (void)state;
    open_consumer();
    consumer_reload(&consumer, 1000);
    assert_int_equal(consumer.state, CONSUMER_LOADING);
    assert_false(next_is(4, 100));
    assert_int_equal(partitions[0].fetch, 100);
    close_consumer();
}

static void a_gap_is_read_again_and_believed_the_second_time(void **state)
{
    (void)state;
    open_consumer();
    const uint32_t generation = consumer.generation;
    assert_true(next_is(4, 100));
    assert_false(next_is(4, 105));
    assert_int_equal(consumer.state, CONSUMER_LOADING);
    assert_int_equal(consumer.generation, generation + 1); /* a batch being taken is dropped */
    partitions[0].fetch = partitions[0].position;          /* as after reading them again */
    consumer.state = CONSUMER_RUNNING;
    assert_true(next_is(4, 100));
    assert_true(next_is(4, 105));
    assert_true(next_is(4, 106));
    assert_false(next_is(4, 110)); /* another gap is another matter */
    close_consumer();
}

static void advancing_moves_each_partition_past_its_last_record(void **state)
{
    (void)state;
    open_consumer();
    const struct svc_record records[] = {{.partition = 4, .offset = 100},
                                         {.partition = 7, .offset = 0},
                                         {.partition = 4, .offset = 103}};
    svc_consumer_advanced(&consumer, records, 1);
    assert_int_equal(partitions[0].position, 101);
    assert_true(partitions[0].untold);
    assert_int_equal(partitions[1].position, 0);
    assert_false(partitions[1].untold);
    svc_consumer_advanced(&consumer, records, 3);
    assert_int_equal(partitions[0].position, 104);
    assert_int_equal(partitions[1].position, 1);
    close_consumer();
}

static void a_record_of_a_partition_taken_away_cannot_advance(void **state)
{
    (void)state;
    open_consumer();
    struct svc_error err = {.rc = SVC_OK};
    const struct svc_record records[] = {{.partition = 4, .offset = 100},
                                         {.partition = 9, .offset = 1}};
    assert_int_equal(svc_offsets_advance(&consumer, records, 2, &err), SVC_REJECT);
    assert_string_equal(err.code, "position_moved");
    svc_consumer_advanced(&consumer, records, 2);
    assert_int_equal(partitions[0].position, 100); /* all or nothing */
    close_consumer();
}

/* One that was kept in Postgres, say. */
static void a_record_made_by_hand_has_no_headers(void **state)
{
    (void)state;
    const struct svc_record record = {.topic = "results.v1", .partition = -1, .offset = -1};
    size_t len = 0;
    assert_null(svc_record_header(&record, "traceparent", &len));
}

int main(void)
{
    svc_log_setup("test", SVC_LOG_ERROR, SVC_LOG_LOGFMT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_in_their_order),
        cmocka_unit_test(nothing_is_believed_while_positions_are_unknown),
        cmocka_unit_test(a_gap_is_read_again_and_believed_the_second_time),
        cmocka_unit_test(advancing_moves_each_partition_past_its_last_record),
        cmocka_unit_test(a_record_of_a_partition_taken_away_cannot_advance),
        cmocka_unit_test(a_record_made_by_hand_has_no_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
