/* Identities that are derived from their cause, so that a repeat is the same thing again. */
#pragma once

#include "svc/text.h"

#include <stdint.h>

/* What an order carries so that it can be found again (domain-trading.md section 7): h = SHA-256 of
 * "<job id, lower case>:<step>"; token = Crockford base32 of h[0..7], 13 characters; hash32 =
 * h[8..11], big-endian; magic = magic_tag * 2^32 + hash32, under 2^53 so that it survives tools
 * that use doubles. */
struct order_identity {
    uint64_t magic;
    uint32_t hash32;
    char token[14];
};

enum { MAGIC_TAG_MAX = (1 << 20) - 1 };

void order_identity(const char *job_id, uint32_t step, uint32_t magic_tag,
                    struct order_identity *ret);
uint32_t magic_tag_of(uint64_t magic);

/* The job of a signal on one of its connections: a repeat of the signal plans the same job. */
void signal_job_id(const char *signal_id, const char *connection_id, uint32_t leg,
                   char ret[SVC_UUID_TEXT]);
