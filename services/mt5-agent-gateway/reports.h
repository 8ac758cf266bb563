/* Reports on their way to Kafka. An agent repeats a report until it is acknowledged; what is in
 * flight already is not sent a second time. A report that says something else about the same offer
 * (unknown, then done) is sent behind the first, and the acknowledgement waits for it: it would
 * otherwise be taken for one of the newer report. Core. */
#pragma once

#include "keymap.h"
#include "list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPORT_DIGEST_BYTES = 16, REPORT_ID_BYTES = 40 };

struct report_key { /* zeroed, then filled; no padding: compared as bytes */
    char agent_id[REPORT_ID_BYTES], job_id[REPORT_ID_BYTES]; /* UUIDs, lower case */
    uint64_t lease_epoch;
};

struct report;

/* One message at the producer, and what is to be done when it is durable. reports_delivered frees
 * it. */
struct flight {
    struct list all;
    struct report *report;
    unsigned number;
    size_t bytes;
    struct report_key key;
    /* The owner's: */
    void *owner;
    uint64_t session_no; /* of the session that reported it */
    bool fact, answer;   /* an order was executed; somebody waits for the acknowledgement */
    int64_t sent_mono_us;
};

struct reports {
    struct keymap keys;
    struct list all, flights;
    size_t bytes, bytes_max; /* in flight */
};

bool reports_init(struct reports *reports, size_t count_expected, size_t bytes_max);
void reports_done(
    struct reports *reports); /* after the producer is closed: also frees the flights */
size_t reports_count(const struct reports *reports);

enum report_verdict {
    REPORT_SEND,      /* *ret_flight is to be sent */
    REPORT_COLLAPSED, /* the same is in flight */
    REPORT_FULL,      /* bytes_max, or no memory: the agent repeats it */
};
enum report_verdict reports_begin(struct reports *reports, const struct report_key *key,
                                  const uint8_t digest[REPORT_DIGEST_BYTES], size_t bytes,
                                  struct flight **ret_flight);
/* The flight is over and freed. True: what the agent reported last is durable, acknowledge it. */
bool reports_delivered(struct reports *reports, struct flight *flight, bool durable);
