/* Whose secret is it, when the cache does not know: one question to Postgres, shared by all
 * requests that wait for the same secret, with a limit of time. "Nobody's" is remembered for a
 * second, so that a sender with an old secret costs one question a second.
 *
 * Limits: LOOKUP_SECRETS secrets asked for at once, LOOKUP_WAITERS requests waiting in all. */
#pragma once

#include "store.h"

enum { LOOKUP_SECRETS = 64, LOOKUP_WAITERS = 1024, LOOKUP_REMEMBERED_US = 1000000 };

struct lookup;

struct lookup_waiter { /* embedded in the request; set done and arg first */
    void (*done)(void *arg, enum store_answer answer);
    void *arg;
    struct lookup_waiter *next;
};

struct lookup *lookup_new(struct svc_loop *loop, struct store *store, uint32_t wait_ms);
void lookup_free(struct lookup **lookup);

enum lookup_state {
    LOOKUP_WAITS,      /* waiter->done comes later, once, within wait_ms */
    LOOKUP_UNKNOWN,    /* nobody's, as Postgres said within the last second */
    LOOKUP_CANNOT_ASK, /* Postgres is away, or a limit is reached */
};
/* secret: NUL-terminated; hash: its SHA-256. */
enum lookup_state lookup_ask(struct lookup *lookup, const char *secret,
                             const uint8_t hash[SECRET_HASH_BYTES], struct lookup_waiter *waiter);
