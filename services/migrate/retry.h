/* Trying again while table locks are not free: how often, how long, and what is said about it. */
#pragma once

#include "migrate.h"
#include "watch.h"

#include "svc/retry.h"

#include <stdbool.h>

struct retry {
    struct svc_retry backoff;
    unsigned attempts;
    int64_t first_failed_us; /* 0: none failed yet */
};

void retry_begin(struct retry *retry);
/* Another attempt failed: is it one that passes (lock_not_available, deadlock_detected), and is
 * there time left of --lock-wait? Then that is said, waited, and true returned. Otherwise, where
 * only the time ran out, the fault becomes MIGRATE_LOCK with code lock_timeout. blocker: who was
 * seen in the way, "" nobody. */
bool retry_again(struct retry *retry, struct migrate *m, const char *what, const char *blocker,
                 struct fault *fault);
