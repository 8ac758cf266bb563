/* How often a strategy may enter: a bucket of `burst` tokens that gains rate_per_min tokens a
 * minute, evenly; each entry takes one. Core.
 *
 * Its state is one time, when the bucket is full again: what is missing from it is that far away
 * (the generic cell rate algorithm). Times are those at which alerts were received, so a backlog is
 * judged as if it had been planned at once, and a record that is read again finds its row first. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rate {
    uint32_t per_min;     /* 0: no limit */
    uint32_t burst;       /* tokens in a full bucket, at least 1 */
    int64_t full_unix_us; /* 0, or past: it is full */
};

/* Take a token. False: there is none; *ret_wait_us says how long until one comes. full_unix_us
 * moves on success; and when the limits were changed such that the bucket would be emptier than
 * empty, so that new limits hold at once. */
bool rate_take(struct rate *rate, int64_t at_unix_us, int64_t *ret_wait_us);
