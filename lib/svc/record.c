/* What a fetched message looks like to a program, for consumer and tail alike. */
#include "record_internal.h"

static int64_t append_time_us(const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    const int64_t ms = rd_kafka_message_timestamp(message, &type);
    return type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? ms * 1000 : 0;
}

void svc_record_fill(const rd_kafka_message_t *message, const char *topic,
                     struct svc_record *ret_record)
{
    *ret_record = (struct svc_record){.topic = topic,
                                      .partition = message->partition,
                                      .offset = message->offset,
                                      .append_unix_us = append_time_us(message),
                                      .key = message->key,
                                      .key_len = message->key_len,
                                      .payload = message->payload,
                                      .payload_len = message->len,
                                      .message = message};
}

const void *svc_record_header(const struct svc_record *record, const char *name, size_t *ret_len)
{
    rd_kafka_headers_t *headers = NULL;
    const void *value = NULL;
    size_t len = 0;
    if (record->message == NULL ||
        rd_kafka_message_headers(record->message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &len) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    *ret_len = len;
    return value;
}
