/* The registry of a program's metrics. Families are added at start, cells change at any time by one
 * atomic operation, printing is in metrics_print.c. */
#include "svc/metrics.h"

#include "memory.h"
#include "metrics_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct svc_counter {
    struct metric metric;
};
struct svc_gauge {
    struct metric metric;
};
struct svc_histogram {
    struct metric metric;
};

const int64_t metric_bucket_us[METRIC_BUCKETS] = {500,     1000,    2500,    5000,    10000,
                                                  25000,   50000,   100000,  250000,  500000,
                                                  1000000, 2500000, 5000000, 10000000};

struct svc_metrics *svc_metrics_new(const char *service)
{
    struct svc_metrics *metrics = svc_must_zalloc(sizeof *metrics);
    metrics->service = service;
    metrics->end = &metrics->first;
    (void)pthread_mutex_init(&metrics->lock, NULL);
    return metrics;
}

void svc_metrics_free(struct svc_metrics **metrics)
{
    struct svc_metrics *freeing = *metrics;
    *metrics = NULL;
    if (!freeing)
        return;
    for (struct metric *metric = freeing->first; metric;) {
        struct metric *next = metric->next;
        free(metric);
        metric = next;
    }
    (void)pthread_mutex_destroy(&freeing->lock);
    free(freeing);
}

static struct metric *find(struct svc_metrics *metrics, const char *name)
{
    struct metric *metric = metrics->first;
    while (metric && strcmp(metric->name, name) != 0)
        metric = metric->next;
    return metric;
}

/* Two parts of a program that ask for one name share it: a name twice would be no valid exposition.
 */
static struct metric *add(struct svc_metrics *metrics, const struct metric *shape)
{
    (void)pthread_mutex_lock(&metrics->lock);
    struct metric *metric = find(metrics, shape->name);
    if (!metric) {
        metric = svc_must_zalloc(sizeof *metric + shape->count * sizeof metric->cells[0]);
        memcpy(metric, shape, sizeof *shape);
        *metrics->end = metric;
        metrics->end = &metric->next;
    }
    assert(metric->kind == shape->kind && metric->count == shape->count);
    (void)pthread_mutex_unlock(&metrics->lock);
    return metric;
}

static struct metric *add_labelled(struct svc_metrics *metrics, enum metric_kind kind,
                                   const char *name, const char *help, const char *label,
                                   const char *const *values)
{
    unsigned count = label ? 0 : 1;
    while (label && values[count])
        count++;
    struct metric shape = {
        .kind = kind, .name = name, .help = help, .label = label, .count = count};
    shape.values = label ? values : NULL;
    return add(metrics, &shape);
}

struct svc_counter *svc_counter_new(struct svc_metrics *metrics, const char *name, const char *help,
                                    const char *label, const char *const *values)
{
    return (struct svc_counter *)add_labelled(metrics, METRIC_COUNTER, name, help, label, values);
}

void svc_counter_add(struct svc_counter *counter, unsigned value, uint64_t n)
{
    assert(value < counter->metric.count);
    atomic_fetch_add_explicit(&counter->metric.cells[value], n, memory_order_relaxed);
}

struct svc_gauge *svc_gauge_new(struct svc_metrics *metrics, const char *name, const char *help,
                                const char *label, const char *const *values)
{
    return (struct svc_gauge *)add_labelled(metrics, METRIC_GAUGE, name, help, label, values);
}

void svc_gauge_set(struct svc_gauge *gauge, unsigned value, int64_t n)
{
    assert(value < gauge->metric.count);
    atomic_store_explicit(&gauge->metric.cells[value], (uint64_t)n, memory_order_relaxed);
}

struct svc_histogram *svc_histogram_new(struct svc_metrics *metrics, const char *name,
                                        const char *help)
{
    struct metric shape = {
        .kind = METRIC_HISTOGRAM, .name = name, .help = help, .count = METRIC_BUCKETS + 2};
    return (struct svc_histogram *)add(metrics, &shape);
}

void svc_histogram_add_us(struct svc_histogram *histogram, int64_t us)
{
    unsigned bucket = 0;
    if (us < 0) /* a clock that was set back */
        us = 0;
    while (bucket < METRIC_BUCKETS && us > metric_bucket_us[bucket])
        bucket++;
    struct metric *metric = &histogram->metric;
    atomic_fetch_add_explicit(&metric->cells[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->cells[METRIC_BUCKETS + 1], (uint64_t)us,
                              memory_order_relaxed);
}
