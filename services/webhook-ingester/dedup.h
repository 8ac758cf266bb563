/* Which alerts are the same alert (domain-trading.md section 3). Three kinds, tried in this order:
 *
 *   key   the alert has an alert_id                      never again; the signal's id follows from
 * it time  the alert has its own time (timenow)           never again; the signal's id follows from
 * it body  neither: the same body within 40 s is the same, which the dispatcher judges; the id is
 * random
 *
 * dedup_key = SHA-256 of strategy id, NUL, kind, NUL, and: the alert_id | canonical body, NUL, µs |
 * canonical body. The canonical body has its members sorted and its numbers without exponent and
 * needless zeros, so that it does not matter how a sender happens to write them. Core: no I/O. */
#pragma once

#include "alert.h"

#include "svc/buffer.h"
#include "svc/text.h"

enum { DEDUP_KEY_BYTES = 32 };

struct dedup {
    Tradewire__V1__DedupKind kind;
    uint8_t key[DEDUP_KEY_BYTES];
    char signal_id[SVC_UUID_TEXT];
};

/* scratch: reused memory for the canonical body. */
void dedup_of(const struct json *json, const struct alert *alert, const char *strategy_id,
              struct svc_buffer *scratch, struct dedup *ret);

void dedup_canonical(const struct json *json, struct svc_buffer *ret);
