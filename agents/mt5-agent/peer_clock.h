/* What another machine's clock says, from exchanges of messages. Core.
 *
 * One exchange bounds the difference from both sides: the peer cannot have got a message before it
 * was sent, nor have sent one after it arrived. The narrowest of the last eight exchanges counts;
 * its middle is the estimate, its low end the earliest that the peer's clock can show. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { PEER_CLOCK_EXCHANGES = 8 };

struct peer_clock { /* zero it first; all in µs, peer's clock minus ours */
    struct {
        int64_t low_us, high_us;
    } exchanges[PEER_CLOCK_EXCHANGES];
    unsigned count, next;
    int64_t low_us, middle_us; /* valid when count > 0 */
};

/* own_*: our clock; peer_*: theirs. An exchange that contradicts itself is left out. */
void peer_clock_add(struct peer_clock *clock, int64_t own_sent_us, int64_t peer_received_us,
                    int64_t peer_sent_us, int64_t own_received_us);
