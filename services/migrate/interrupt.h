/* SIGTERM and SIGINT: noticed where migrate waits, never in the middle of something. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* From here on both are held back and only noticed. Call it once, before anything else runs. */
void interrupt_begin(void);
/* Did one arrive? Stays true. From the first true on the process has 4 s to end, then SIGALRM ends
 * it: a server or a network that says nothing cannot hold it up. */
bool interrupt_requested(void);
/* Readable when one has arrived; for poll. */
int interrupt_fd(void);
/* Ends early when one arrives. */
void interrupt_sleep(uint32_t ms);
