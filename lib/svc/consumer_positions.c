/* Where a consumer stands: consumer_offsets in Postgres. Read when an assignment begins, moved in
 * each batch's own transaction. */
#include "consumer_internal.h"

#include <string.h>

enum { BEGINNING_MS = 3000 }; /* longest wait for the brokers' first offsets */

/* Reading */

static enum svc_rc read_positions(struct svc_consumer *consumer, int *ret_missing,
                                  struct svc_error *err)
{
    const char *values[] = {consumer->group, consumer->topic};
    SVC_PGRESULT PGresult *result = NULL;
    const enum svc_rc rc =
        svc_pg_run(consumer->options.pg, consumer->options.offsets.load, 2, values, &result, err);
    if (rc != SVC_OK)
        return rc;
    for (int i = 0; i < consumer->partition_count; i++)
        consumer->partitions[i].position = -1;
    *ret_missing = consumer->partition_count;
    for (int row = 0; row < PQntuples(result); row++) {
        struct consumer_partition *p =
            consumer_partition(consumer, (int32_t)svc_pg_i64(result, row, 0));
        if (p == NULL)
            continue;
        p->position = svc_pg_i64(result, row, 1);
        if (p->position < 0)
            return svc_fail(err, SVC_FATAL, "position_out_of_range",
                            "consumer_offsets: partition %d has next_offset %lld", p->id,
                            (long long)p->position);
        --*ret_missing;
    }
    return SVC_OK;
}

/* Ask the brokers where the partitions without a position begin. Waits. */
static enum svc_rc query_beginnings(struct svc_consumer *consumer,
                                    rd_kafka_topic_partition_list_t *list, struct svc_error *err)
{
    for (int i = 0; i < consumer->partition_count; i++)
        if (consumer->partitions[i].position < 0)
            rd_kafka_topic_partition_list_add(list, consumer->topic, consumer->partitions[i].id)
                ->offset =
                RD_KAFKA_OFFSET_BEGINNING; /* in place of a time: the protocol's EARLIEST */
    const rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(consumer->rk, list, BEGINNING_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return svc_kafka_classify(code, "first offsets", err);
    for (int i = 0; i < list->cnt; i++) {
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return svc_kafka_classify(list->elems[i].err, "first offset", err);
        if (list->elems[i].offset < 0)
            return svc_fail(err, SVC_AGAIN, "no_first_offset", "partition %d has no first offset",
                            list->elems[i].partition);
    }
    return SVC_OK;
}

static enum svc_rc make_positions(struct svc_consumer *consumer, struct svc_error *err)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(consumer->partition_count);
    enum svc_rc rc = query_beginnings(consumer, list, err);
    struct svc_buffer *ids = &consumer->arrays[0], *offsets = &consumer->arrays[1];
    svc_pg_array_begin(ids);
    svc_pg_array_begin(offsets);
    for (int i = 0; i < list->cnt; i++) {
        svc_pg_array_add_i64(ids, list->elems[i].partition);
        svc_pg_array_add_i64(offsets, list->elems[i].offset);
    }
    svc_pg_array_end(ids);
    svc_pg_array_end(offsets);
    rd_kafka_topic_partition_list_destroy(list);
    const char *values[] = {consumer->group, consumer->topic, ids->bytes, offsets->bytes};
    if (rc == SVC_OK)
        rc =
            svc_pg_run(consumer->options.pg, consumer->options.offsets.begin, 4, values, NULL, err);
    return rc;
}

enum svc_rc consumer_load_positions(struct svc_consumer *consumer, struct svc_error *err)
{
    int missing = 0;
    enum svc_rc rc = svc_pg_ready(consumer->options.pg, err);
    if (rc == SVC_OK)
        rc = read_positions(consumer, &missing, err);
    if (rc == SVC_OK && missing > 0) {
        rc = make_positions(consumer, err);
        if (rc == SVC_OK)
            rc = read_positions(consumer, &missing, err);
        if (rc == SVC_OK && missing > 0)
            rc = svc_fail(err, SVC_AGAIN, "no_position", "%d partitions have no position", missing);
    }
    return rc;
}

/* Moving */

/* Where each partition stands after these records, in partition->next. SVC_REJECT: one is not ours.
 */
static enum svc_rc sum_up(struct svc_consumer *consumer, const struct svc_record *records,
                          size_t count, struct svc_error *err)
{
    for (int i = 0; i < consumer->partition_count; i++)
        consumer->partitions[i].next = -1;
    for (size_t i = 0; i < count; i++) {
        struct consumer_partition *p = consumer_partition(consumer, records[i].partition);
        if (p == NULL)
            return svc_fail(err, SVC_REJECT, "position_moved", "partition %d was taken away",
                            records[i].partition);
        if (records[i].offset >= p->next)
            p->next = records[i].offset + 1;
    }
    return SVC_OK;
}

enum svc_rc svc_offsets_advance(struct svc_consumer *consumer, const struct svc_record *records,
                                size_t count, struct svc_error *err)
{
    const enum svc_rc rc = sum_up(consumer, records, count, err);
    if (rc != SVC_OK)
        return rc;
    struct svc_buffer *ids = &consumer->arrays[0], *expected = &consumer->arrays[1],
                      *next = &consumer->arrays[2];
    svc_pg_array_begin(ids);
    svc_pg_array_begin(expected);
    svc_pg_array_begin(next);
    for (int i = 0; i < consumer->partition_count; i++) {
        const struct consumer_partition *p = &consumer->partitions[i];
        if (p->next < 0)
            continue;
        svc_pg_array_add_i64(ids, p->id);
        svc_pg_array_add_i64(expected, p->position);
        svc_pg_array_add_i64(next, p->next);
    }
    svc_pg_array_end(ids);
    svc_pg_array_end(expected);
    svc_pg_array_end(next);
    const char *values[] = {consumer->group, consumer->topic, ids->bytes, expected->bytes,
                            next->bytes};
    return svc_pg_send(consumer->options.pg, consumer->options.offsets.advance, 5, values, err);
}

enum svc_rc svc_offsets_check(struct svc_consumer *consumer, struct svc_error *err)
{
    static const char not_moved[] = "22012"; /* sql/offsets_advance.sql */
    SVC_PGRESULT PGresult *result = NULL;
    struct svc_error cause = {.rc = SVC_OK};
    const enum svc_rc rc = svc_pg_result(consumer->options.pg, &result, &cause);
    if (rc == SVC_REJECT && strcmp(cause.code, not_moved) == 0)
        return svc_fail(err, SVC_REJECT, "position_moved",
                        "%s: a position is not where it was read: somebody else has the partition",
                        consumer->topic);
    if (rc != SVC_OK && err != NULL)
        *err = cause;
    return rc;
}

void svc_consumer_advanced(struct svc_consumer *consumer, const struct svc_record *records,
                           size_t count)
{
    if (sum_up(consumer, records, count, NULL) != SVC_OK)
        return; /* revoked since: the next owner reads them from Postgres */
    for (int i = 0; i < consumer->partition_count; i++) {
        struct consumer_partition *p = &consumer->partitions[i];
        if (p->next < 0)
            continue;
        p->position = p->next;
        p->untold = true;
    }
}
