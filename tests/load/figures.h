/* Latencies: collected as they come, sorted once. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct figures {
    int64_t *us;
    size_t count, capacity;
};

struct summary { /* ms; 0 without figures */
    size_t count;
    double p50, p99, max;
};

void figures_add(struct figures *figures, int64_t us);
/* The smallest value that at least the given part of all is not above (nearest rank). */
struct summary figures_sum_up(struct figures *figures);
void figures_done(struct figures *figures);
