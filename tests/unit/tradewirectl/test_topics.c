/* A topic that was made when there was one broker stays writable when there are three. */
#include "topics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

static int copies(int count, const int *replica_counts)
{
    struct rd_kafka_metadata_partition partitions[3] = {{.id = 0}};
    for (int i = 0; i < count; i++)
        partitions[i].replica_cnt = replica_counts[i];
    const struct rd_kafka_metadata_topic topic = {.partition_cnt = count, .partitions = partitions};
    return topics_replicas(&topic);
}

static void the_partition_with_the_fewest_counts(void **state)
{
    (void)state;
    assert_int_equal(copies(3, (const int[]){3, 3, 3}), 3);
    assert_int_equal(copies(3, (const int[]){3, 1, 3}), 1);
    assert_int_equal(copies(1, (const int[]){2}), 2);
    assert_int_equal(copies(0, NULL), 0);
}

static void never_more_in_sync_than_copies(void **state)
{
    (void)state;
    assert_int_equal(topics_min_insync(1), 1);
    assert_int_equal(topics_min_insync(2), 1); /* two of two: the loss of one would stop it */
    assert_int_equal(topics_min_insync(3), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_partition_with_the_fewest_counts),
        cmocka_unit_test(never_more_in_sync_than_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
