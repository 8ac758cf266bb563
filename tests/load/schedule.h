/* When each alert is due. Open loop: the times are fixed before the first alert is sent, and
 * nothing that the server does moves them. Core: no I/O. */
#pragma once

#include <stdint.h>

enum pattern {
    PATTERN_STEADY,   /* evenly spaced */
    PATTERN_BURST,    /* all of a second at its beginning */
    PATTERN_BARCLOSE, /* bars of BAR_S seconds: all of a bar within its first second, most of them
                         early */
    PATTERN_RAMP,     /* the rate rises evenly from 0 to the given one */
};
enum { BAR_S = 5 };

/* How many alerts fill this time; at least 1. */
uint64_t schedule_count(enum pattern pattern, uint32_t rate, uint32_t seconds);
/* µs from the beginning at which alert `index` of `count` is due; never before alert `index - 1`.
 */
int64_t schedule_due_us(enum pattern pattern, uint32_t rate, uint64_t count, uint64_t index);

/* A repeatable random number for (seed, index, what for). */
uint32_t schedule_random(uint64_t seed, uint64_t index, uint32_t purpose);
