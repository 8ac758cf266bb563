/* Counters, gauges and histograms with at most one label, in Prometheus' text exposition (HELP and
 * TYPE for all, known label values made at start). Thread-safe: atomics. Handles live as long as
 * the registry. */
#pragma once

#include "svc/buffer.h"

#include <stdint.h>

struct svc_metrics;
struct svc_counter;
struct svc_gauge;
struct svc_histogram;

struct svc_metrics *svc_metrics_new(const char *service); /* adds tradewire_build_info, process_* */
void svc_metrics_free(struct svc_metrics **metrics);

/* label NULL: no label, use value 0. values: label values, NULL-terminated; the index is the
 * handle's. All texts are borrowed for the life of the registry. The same name again gives the same
 * metric. */
struct svc_counter *svc_counter_new(struct svc_metrics *metrics, const char *name, const char *help,
                                    const char *label, const char *const *values);
void svc_counter_add(struct svc_counter *counter, unsigned value, uint64_t n);

struct svc_gauge *svc_gauge_new(struct svc_metrics *metrics, const char *name, const char *help,
                                const char *label, const char *const *values);
void svc_gauge_set(struct svc_gauge *gauge, unsigned value, int64_t n);

/* Buckets for latencies, 0.5 ms … 10 s, in seconds. */
struct svc_histogram *svc_histogram_new(struct svc_metrics *metrics, const char *name,
                                        const char *help);
void svc_histogram_add_us(struct svc_histogram *histogram, int64_t us);

void svc_metrics_print(const struct svc_metrics *metrics, struct svc_buffer *out);
