/* Back-off. Half of each wait is random: callers that failed together do not come back together. */
#include "svc/retry.h"

#include <sodium.h>

uint32_t svc_retry_next_ms(struct svc_retry *retry)
{
    uint64_t full = (uint64_t)retry->base_ms << (retry->attempt < 31 ? retry->attempt : 31);
    if (full > retry->cap_ms)
        full = retry->cap_ms;
    if (retry->attempt < UINT32_MAX)
        retry->attempt++;
    return (uint32_t)full - randombytes_uniform((uint32_t)full / 2 + 1);
}

void svc_retry_reset(struct svc_retry *retry)
{
    retry->attempt = 0;
}
