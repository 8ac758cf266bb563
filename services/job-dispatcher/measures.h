/* The dispatcher's metrics; thread-safe. */
#pragma once

#include "store.h"

#include "svc/metrics.h"

enum consumed { /* what became of a signal's record */
                CONSUMED_JOB,
                CONSUMED_DISCARDED,
                CONSUMED_DUPLICATE,
                CONSUMED_REPLAY,
                CONSUMED_DEAD_LETTER,
};

struct measures {
    struct svc_counter *consumed;     /* enum consumed */
    struct svc_counter *results;      /* enum store_verdict */
    struct svc_counter *dead_letters; /* both topics */
    struct svc_counter *rejoins;
    struct svc_counter *expired, *unknown;
    struct svc_counter *forgotten; /* kept results */
    struct svc_histogram *transaction, *signal_age;
};

void measures_init(struct measures *measures, struct svc_metrics *metrics);
