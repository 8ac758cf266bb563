/* The topics, named once. Names are without TOPIC_PREFIX. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TOPIC_SIGNALS "signals.v1"
#define TOPIC_RESULTS "results.v1"
#define TOPIC_JOBS_REQUESTED "jobs.requested.v1"
#define TOPIC_AGENTS_EVENTS "agents.events.v1"
#define TOPIC_SYNC_REQUESTED "sync.requested.v1"
#define TOPIC_JOBS_READY "jobs.ready.v1"
#define TOPIC_JOBS_FINISHED "jobs.finished.v1"
#define TOPIC_DLQ_SUFFIX ".dlq"

struct topic_spec {
    const char *name;
    int32_t partitions;
    int64_t retention_ms;
    int32_t message_bytes_max; /* 0: the broker's default */
    bool append_time;          /* message.timestamp.type=LogAppendTime */
    bool dead_letters;         /* has a <name>.dlq */
};

enum { TOPIC_DLQ_PARTITIONS = 3 };
#define TOPIC_DLQ_RETENTION_MS INT64_C(2592000000) /* 30 days */

extern const struct topic_spec topic_specs[];
extern const int topic_spec_count;
