/* Private to lib/svc: how metrics.c keeps what metrics_print.c prints. */
#pragma once

#include "svc/metrics.h"

#include <pthread.h>
#include <stdatomic.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
enum { METRIC_BUCKETS = 14 };
extern const int64_t metric_bucket_us[METRIC_BUCKETS]; /* upper bounds, ascending */

/* A family: one name, one or more cells. The public handles are families, too. */
struct metric {
    struct metric *next;
    enum metric_kind kind;
    const char *name, *help, *label; /* borrowed: literals of the program */
    const char *const *values;       /* label values, NULL-terminated; NULL without a label */
    unsigned count;                  /* of cells */
    /* Counter: totals. Gauge: int64_t values as their bits. Histogram: METRIC_BUCKETS buckets, the
     * one above them all, the sum in µs. */
    atomic_uint_fast64_t cells[];
};

struct svc_metrics {
    const char *service;
    pthread_mutex_t lock; /* of the list, not of the cells */
    struct metric *first, **end;
};

/* process_* as the kernel tells them. */
void metrics_print_process(struct svc_buffer *out);
