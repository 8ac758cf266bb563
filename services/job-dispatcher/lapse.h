/* Leases that look lapsed are believed at the second look, at least two seconds after the first: a
 * gateway that renewed late, or a Postgres that stood still, has had its chance. Core. */
#pragma once

#include "svc/text.h"

#include <stddef.h>
#include <stdint.h>

enum {
    LAPSE_MAX = 4096, /* leases in one look; what is beyond waits for its turn */
    LAPSE_LOOK_US = 2000000,
};

struct lapse_lease {
    char job_id[SVC_UUID_TEXT];
    int64_t lease_epoch;
    int64_t since_mono_us; /* when it was first seen lapsed at this epoch, without a break */
};

struct lapse {                            /* starts zeroed */
    struct lapse_lease leases[LAPSE_MAX]; /* the last look, sorted by job id */
    size_t count;
};

/* After a reconnect: what was seen before counts for nothing. */
void lapse_forget(struct lapse *lapse);

/* Note what is lapsed now. seen: {job_id, lease_epoch} set, each job once, at most LAPSE_MAX, any
 * order. Returns how many of seen[] are believed now; they are moved to its front. */
size_t lapse_look(struct lapse *lapse, struct lapse_lease *seen, size_t count, int64_t now_mono_us);
