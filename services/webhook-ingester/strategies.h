/* The strategies this program knows, by the SHA-256 of their webhook secret. The secrets themselves
 * are never here. Core: no I/O; store.c fills it.
 *
 * A full load is begun, put page by page, and ended: what it did not bring is gone. Between full
 * loads single strategies are put as they change. When Postgres is away everything stays. */
#pragma once

#include "svc/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SECRET_HASH_BYTES = 32 };

struct strategy { /* borrowed; valid until the next change */
    char id[SVC_UUID_TEXT], user_id[SVC_UUID_TEXT];
    uint8_t secret_hash[SECRET_HASH_BYTES];
    uint32_t load; /* the full load that last saw it */
    struct strategy *next_by_secret, *next_by_id;
};

struct strategies;

struct strategies *strategies_new(void);
void strategies_free(struct strategies **strategies);

const struct strategy *strategies_find(const struct strategies *strategies,
                                       const uint8_t secret_hash[SECRET_HASH_BYTES]);
/* New, or known by its id: then with the secret and the user it has now. */
const struct strategy *strategies_put(struct strategies *strategies, const char *id,
                                      const char *user_id,
                                      const uint8_t secret_hash[SECRET_HASH_BYTES]);
void strategies_load_begin(struct strategies *strategies);
void strategies_load_end(struct strategies *strategies);
size_t strategies_count(const struct strategies *strategies);

void strategies_hash_secret(const char *secret, size_t len, uint8_t ret[SECRET_HASH_BYTES]);
