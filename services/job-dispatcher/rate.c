/* See rate.h. */
#include "rate.h"

#define MINUTE_US INT64_C(60000000)

/* Alerts that are received at about the same time do not come in the order of their times: of a
 * token's time, a tenth is forgiven. It is less than a token, so a full bucket gives no more than
 * its burst. */
enum { FORGIVEN_PART = 10 };

bool rate_take(struct rate *rate, int64_t at_unix_us, int64_t *ret_wait_us)
{
    const int64_t token_us = MINUTE_US / rate->per_min;
    const int64_t most_us = token_us * (rate->burst - 1) + token_us / FORGIVEN_PART;
    int64_t missing_us = rate->full_unix_us - at_unix_us;
    if (missing_us < 0)
        missing_us = 0;
    if (missing_us > most_us + token_us) {
        missing_us = most_us + token_us;
        rate->full_unix_us = at_unix_us + missing_us;
    }
    if (missing_us > most_us) {
        *ret_wait_us = missing_us - most_us;
        return false;
    }
    rate->full_unix_us = at_unix_us + missing_us + token_us;
    return true;
}
