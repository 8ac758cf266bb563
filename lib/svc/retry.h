/* Back-off with jitter. A stop request ends every retry at once because waits are loop timers. */
#pragma once

#include <stdint.h>

struct svc_retry {
    uint32_t base_ms, cap_ms; /* first and longest wait */
    uint32_t attempt;         /* how many waits since the last success */
};

/* The next wait: min(cap, base * 2^attempt), of which a random half is taken off. Raises attempt.
 */
uint32_t svc_retry_next_ms(struct svc_retry *retry);
void svc_retry_reset(struct svc_retry *retry);
