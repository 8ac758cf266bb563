#include "figures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void figures_add(struct figures *figures, int64_t us)
{
    if (figures->count == figures->capacity) {
        figures->capacity = figures->capacity > 0 ? figures->capacity * 2 : 1024;
        figures->us = realloc(figures->us, figures->capacity * sizeof *figures->us);
        if (figures->us == NULL) {
            (void)fputs("loadgen: out of memory\n", stderr);
            abort();
        }
    }
    figures->us[figures->count++] = us;
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double rank_ms(const struct figures *figures, double part)
{
    const size_t rank = (size_t)ceil(part * (double)figures->count);
    return (double)figures->us[rank > 0 ? rank - 1 : 0] / 1000;
}

struct summary figures_sum_up(struct figures *figures)
{
    if (figures->count == 0)
        return (struct summary){.count = 0};
    qsort(figures->us, figures->count, sizeof *figures->us, compare);
    return (struct summary){.count = figures->count,
                            .p50 = rank_ms(figures, 0.50),
                            .p99 = rank_ms(figures, 0.99),
                            .max = rank_ms(figures, 1)};
}

void figures_done(struct figures *figures)
{
    free(figures->us);
    *figures = (struct figures){.us = NULL};
}
