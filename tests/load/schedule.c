#include "schedule.h"

#include <math.h>

uint64_t schedule_count(enum pattern pattern, uint32_t rate, uint32_t seconds)
{
    const uint64_t steady = (uint64_t)rate * seconds;
    return pattern == PATTERN_RAMP ? (steady + 1) / 2 : steady;
}

/* Traders' alerts come in a rush behind the close of a bar: the k-th of n at 1 - sqrt(1 - k/n) of a
 * second, which is densest at the beginning. */
static int64_t behind_close_us(uint64_t index, uint64_t in_bar)
{
    const double part = (double)index / (double)in_bar;
    return (int64_t)(1e6 * (1 - sqrt(1 - part)));
}

int64_t schedule_due_us(enum pattern pattern, uint32_t rate, uint64_t count, uint64_t index)
{
    const uint64_t in_bar = (uint64_t)rate * BAR_S;
    switch (pattern) {
    case PATTERN_BURST:
        return (int64_t)(index / rate) * 1000000;
    case PATTERN_BARCLOSE:
        return (int64_t)(index / in_bar) * BAR_S * 1000000 +
               behind_close_us(index % in_bar, in_bar);
    case PATTERN_RAMP:
        /* The rate grows to `rate` in 2 * count / rate seconds, so the number sent grows as the
         * square of the time. */
        return (int64_t)(2e6 * sqrt((double)count * (double)index) / rate);
    case PATTERN_STEADY:
        break;
    }
    return (int64_t)(index * 1000000 / rate);
}

/* splitmix64 */
uint32_t schedule_random(uint64_t seed, uint64_t index, uint32_t purpose)
{
    uint64_t z = seed + (index * 16 + purpose + 1) * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}
