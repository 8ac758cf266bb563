/* All that this program asks Postgres: the strategies, as a cache that keeps itself fresh, and one
 * secret. Never waits. When Postgres is away the cache stays as it is. */
#pragma once

#include "config.h"
#include "strategies.h"

#include "svc/loop.h"

struct store;

struct store_events { /* any may be NULL */
    void (*on_reachable)(void *arg, bool reachable);
    void (*on_loaded)(void *arg); /* the strategies were read to the end; after every full load */
    void (*on_schema)(void *arg, bool good, const char *text); /* as schema_watch says */
    void *arg;
};

/* strategies: borrowed, filled from here. */
enum svc_rc store_open(struct svc_loop *loop, const struct config *config,
                       struct strategies *strategies, const struct store_events *events,
                       struct store **ret_store, struct svc_error *err) SVC_CHECK;
void store_close(struct store **store);
bool store_reachable(const struct store *store);

enum store_answer {
    STORE_FOUND,      /* it is in the cache now */
    STORE_NOT_FOUND,  /* Postgres says that nobody has this secret */
    STORE_CANNOT_ASK, /* Postgres did not say */
};
typedef void store_answer_fn(void *arg, enum store_answer answer);

/* Ask whose secret this is. done is called once, later, unless this fails (SVC_AGAIN) or the store
 * is closed. secret: NUL-terminated, copied. */
enum svc_rc store_ask_secret(struct store *store, const char *secret, store_answer_fn *done,
                             void *arg, struct svc_error *err) SVC_CHECK;
