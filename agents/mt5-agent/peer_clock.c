#include "peer_clock.h"

void peer_clock_add(struct peer_clock *clock, int64_t own_sent_us, int64_t peer_received_us,
                    int64_t peer_sent_us, int64_t own_received_us)
{
    int64_t low = peer_sent_us - own_received_us, high = peer_received_us - own_sent_us;
    if (low > high) /* one of the clocks was set in between */
        return;
    clock->exchanges[clock->next].low_us = low;
    clock->exchanges[clock->next].high_us = high;
    clock->next = (clock->next + 1) % PEER_CLOCK_EXCHANGES;
    if (clock->count < PEER_CLOCK_EXCHANGES)
        clock->count++;
    unsigned best = 0;
    for (unsigned i = 1; i < clock->count; i++)
        if (clock->exchanges[i].high_us - clock->exchanges[i].low_us <
            clock->exchanges[best].high_us - clock->exchanges[best].low_us)
            best = i;
    clock->low_us = clock->exchanges[best].low_us;
    clock->middle_us = clock->low_us + (clock->exchanges[best].high_us - clock->low_us) / 2;
}
