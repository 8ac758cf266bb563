/* Two looks. */
#include "lapse.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static int by_job(const void *a, const void *b)
{
    const struct lapse_lease *x = a, *y = b;
    return strcmp(x->job_id, y->job_id);
}

void lapse_forget(struct lapse *lapse)
{
    lapse->count = 0;
}

static const struct lapse_lease *remembered(const struct lapse *lapse,
                                            const struct lapse_lease *seen)
{
    const struct lapse_lease *old =
        bsearch(seen, lapse->leases, lapse->count, sizeof *seen, by_job);
    return old != NULL && old->lease_epoch == seen->lease_epoch ? old : NULL;
}

static void swap(struct lapse_lease *a, struct lapse_lease *b)
{
    const struct lapse_lease held = *a;
    *a = *b;
    *b = held;
}

size_t lapse_look(struct lapse *lapse, struct lapse_lease *seen, size_t count, int64_t now_mono_us)
{
    assert(count <= LAPSE_MAX);
    if (count == 0) {
        lapse->count = 0;
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        const struct lapse_lease *old = remembered(lapse, &seen[i]);
        seen[i].since_mono_us = old != NULL ? old->since_mono_us : now_mono_us;
    }
    qsort(seen, count, sizeof *seen, by_job);
    memcpy(lapse->leases, seen, count * sizeof *seen);
    lapse->count = count;
    size_t believed = 0;
    for (size_t i = 0; i < count; i++)
        if (now_mono_us - seen[i].since_mono_us >= LAPSE_LOOK_US)
            swap(&seen[believed++], &seen[i]);
    return believed;
}
