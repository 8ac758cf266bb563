/* How often a source address may be wrong: one token bucket per address, in a table that does not
 * grow. An address that is not in the table has a full bucket; where the table is full the longest
 * untouched of a few candidates goes, so a flood from very many addresses weakens the limit and
 * never costs memory. IPv6 addresses count by their first 64 bits, because one peer owns all that
 * share them. Core: no I/O. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct limiter;

struct limiter *limiter_new(uint32_t per_s, uint32_t burst);
void limiter_free(struct limiter **limiter);

/* Is there a token? */
bool limiter_has(const struct limiter *limiter, const char *address, int64_t now_mono_us);
/* Take a token; false when there was none. */
bool limiter_take(struct limiter *limiter, const char *address, int64_t now_mono_us);
