/* Prometheus' text exposition, version 0.0.4. */
#include "metrics_internal.h"

#include "svc/log.h"

#include <inttypes.h>

static void print_head(struct svc_buffer *out, const char *name, const char *help, const char *type)
{
    svc_buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Label values escape backslash, quote and line feed (exposition formats, "Text format details").
 */
static void print_value(struct svc_buffer *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '\n')
            svc_buffer_text(out, "\\n");
        else if (*value == '"' || *value == '\\')
            svc_buffer_printf(out, "\\%c", *value);
        else
            svc_buffer_add(out, value, 1);
    }
}

static uint64_t cell(const struct metric *metric, unsigned index)
{
    return atomic_load_explicit(&metric->cells[index], memory_order_relaxed);
}

static void print_cells(struct svc_buffer *out, const struct metric *metric)
{
    for (unsigned i = 0; i < metric->count; i++) {
        svc_buffer_text(out, metric->name);
        if (metric->label) {
            svc_buffer_printf(out, "{%s=\"", metric->label);
            print_value(out, metric->values[i]);
            svc_buffer_text(out, "\"}");
        }
        if (metric->kind == METRIC_GAUGE)
            svc_buffer_printf(out, " %" PRId64 "\n", (int64_t)cell(metric, i));
        else
            svc_buffer_printf(out, " %" PRIu64 "\n", cell(metric, i));
    }
}

static void print_histogram(struct svc_buffer *out, const struct metric *metric)
{
    uint64_t below = 0;
    for (unsigned i = 0; i < METRIC_BUCKETS; i++) {
        below += cell(metric, i);
        svc_buffer_printf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", metric->name,
                          (double)metric_bucket_us[i] / 1e6, below);
    }
    /* The count is the sum of what was read here, so that it agrees with the buckets even while
     * other threads add. */
    below += cell(metric, METRIC_BUCKETS);
    uint64_t sum_us = cell(metric, METRIC_BUCKETS + 1);
    svc_buffer_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", metric->name, below);
    svc_buffer_printf(out, "%s_sum %" PRIu64 ".%06" PRIu64 "\n", metric->name, sum_us / 1000000,
                      sum_us % 1000000);
    svc_buffer_printf(out, "%s_count %" PRIu64 "\n", metric->name, below);
}

static void print_family(struct svc_buffer *out, const struct metric *metric)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    print_head(out, metric->name, metric->help, types[metric->kind]);
    if (metric->kind == METRIC_HISTOGRAM)
        print_histogram(out, metric);
    else
        print_cells(out, metric);
}

static void print_own(struct svc_buffer *out, const char *service)
{
    print_head(out, "tradewire_build_info", "Always 1; the labels say what runs.", "gauge");
    svc_buffer_text(out, "tradewire_build_info{version=\"" TRADEWIRE_VERSION "\",service=\"");
    print_value(out, service);
    svc_buffer_text(out, "\"} 1\n");
    print_head(out, "tradewire_log_dropped_total",
               "Log lines lost because the reader of stderr was slow or gone.", "counter");
    svc_buffer_printf(out, "tradewire_log_dropped_total %" PRIu64 "\n", svc_log_dropped());
}

void svc_metrics_print(const struct svc_metrics *metrics, struct svc_buffer *out)
{
    print_own(out, metrics->service);
    metrics_print_process(out);
    /* The lock is the one thing that changes in a registry that is only read. */
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&metrics->lock;
    (void)pthread_mutex_lock(lock);
    for (const struct metric *metric = metrics->first; metric; metric = metric->next)
        print_family(out, metric);
    (void)pthread_mutex_unlock(lock);
}
