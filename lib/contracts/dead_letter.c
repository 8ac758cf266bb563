/* Dead letters: one record with the reason in its headers. */
#include "contracts/dead_letter.h"

#include "contracts/topics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct svc_header text_header(const char *name, const char *value)
{
    return (struct svc_header){.name = name, .value = value, .len = strlen(value)};
}

enum { REASONS = 6, KEPT_MAX = 2 };

/* As they came, also what is malformed: it may be why the record is here. Returns how many. */
static size_t keep_headers(const struct svc_record *record, struct svc_header ret[KEPT_MAX])
{
    static const char *const names[KEPT_MAX] = {"traceparent", "schema"};
    size_t kept = 0;
    for (size_t i = 0; i < KEPT_MAX; i++) {
        struct svc_header header = {.name = names[i]};
        header.value = svc_record_header(record, names[i], &header.len);
        if (header.value != NULL)
            ret[kept++] = header;
    }
    return kept;
}

enum svc_rc dead_letter_send(struct svc_producer *producer, const struct svc_record *record,
                             const char *service, const char *code, const char *text,
                             svc_delivery_fn *done, void *arg, struct svc_error *err)
{
    char topic[128], partition[16], offset[24], key[64];
    (void)snprintf(topic, sizeof topic, "%s" TOPIC_DLQ_SUFFIX, record->topic);
    (void)snprintf(partition, sizeof partition, "%" PRId32, record->partition);
    (void)snprintf(offset, sizeof offset, "%" PRId64, record->offset);
    /* A key of ours is a UUID; a stranger's may be anything, and only places the record. */
    const size_t key_len = record->key_len < sizeof key ? record->key_len : sizeof key - 1;
    if (key_len > 0)
        memcpy(key, record->key, key_len);
    key[key_len] = '\0';
    struct svc_header headers[REASONS + KEPT_MAX] = {
        text_header("dlq.reason", code),
        text_header("dlq.detail", text),
        text_header("dlq.service", service),
        text_header("dlq.source.topic", record->topic),
        text_header("dlq.source.partition", partition),
        text_header("dlq.source.offset", offset),
    };
    const size_t kept = keep_headers(record, headers + REASONS);
    return svc_producer_send(producer, topic, key, record->payload, record->payload_len, headers,
                             REASONS + kept, done, arg, err);
}
