/* See lookup.h. A question whose time is over has no waiters any more, and stays in the table until
 * Postgres answers or its connection is lost: that is what bounds the questions. */
#include "lookup.h"

#include "svc/clock.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum { REMEMBERED = 1024 };

struct question {
    struct lookup *lookup;
    bool asked; /* Postgres owes an answer */
    uint8_t hash[SECRET_HASH_BYTES];
    int64_t due_mono_us;
    struct lookup_waiter *first;
};

struct remembered {
    uint8_t hash[SECRET_HASH_BYTES];
    int64_t until_mono_us;
};

struct lookup {
    struct svc_loop *loop;
    struct store *store;
    struct svc_timer timer; /* the next due_mono_us */
    uint32_t wait_ms, waiters;
    struct question questions[LOOKUP_SECRETS];
    struct remembered
        remembered[REMEMBERED]; /* by the hash's first bytes; a newer one replaces an older */
};

static void expire(void *arg);

struct lookup *lookup_new(struct svc_loop *loop, struct store *store, uint32_t wait_ms)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL)
        return NULL;
    lookup->loop = loop;
    lookup->store = store;
    lookup->wait_ms = wait_ms;
    lookup->timer.run = expire;
    lookup->timer.arg = lookup;
    for (int i = 0; i < LOOKUP_SECRETS; i++)
        lookup->questions[i].lookup = lookup;
    return lookup;
}

void lookup_free(struct lookup **lookup)
{
    if (*lookup != NULL)
        svc_timer_stop(&(*lookup)->timer);
    free(*lookup);
    *lookup = NULL;
}

static struct remembered *remembered_of(struct lookup *lookup, const uint8_t *hash)
{
    return &lookup->remembered[(hash[0] | hash[1] << 8) % REMEMBERED];
}

/* Also empties the question, so that what the callbacks ask next finds it settled. */
static void tell(struct question *question, enum store_answer answer)
{
    struct lookup_waiter *waiter = question->first;
    question->first = NULL;
    while (waiter != NULL) {
        struct lookup_waiter *next = waiter->next;
        question->lookup->waiters--;
        waiter->done(waiter->arg, answer);
        waiter = next;
    }
}

static void answered(void *arg, enum store_answer answer)
{
    struct question *question = arg;
    if (answer == STORE_NOT_FOUND) {
        struct remembered *remembered = remembered_of(question->lookup, question->hash);
        memcpy(remembered->hash, question->hash, SECRET_HASH_BYTES);
        remembered->until_mono_us = svc_mono_us() + LOOKUP_REMEMBERED_US;
    }
    question->asked = false;
    tell(question, answer);
}

static void set_timer(struct lookup *lookup, int64_t now_mono_us)
{
    int64_t next = 0;
    for (int i = 0; i < LOOKUP_SECRETS; i++) {
        const struct question *question = &lookup->questions[i];
        if (question->first != NULL && (next == 0 || question->due_mono_us < next))
            next = question->due_mono_us;
    }
    if (next != 0) {
        const int64_t wait_us = next > now_mono_us ? next - now_mono_us : 0;
        svc_timer_after_ms(lookup->loop, &lookup->timer, (uint32_t)(wait_us / 1000) + 1);
    }
}

static void expire(void *arg)
{
    struct lookup *lookup = arg;
    const int64_t now = svc_mono_us();
    for (int i = 0; i < LOOKUP_SECRETS; i++) {
        struct question *question = &lookup->questions[i];
        if (question->first != NULL && question->due_mono_us <= now)
            tell(question, STORE_CANNOT_ASK);
    }
    set_timer(lookup, now);
}

/* The question about this secret, or one that is free; NULL: all are taken. */
static struct question *find_question(struct lookup *lookup, const uint8_t *hash)
{
    struct question *unused = NULL;
    for (int i = 0; i < LOOKUP_SECRETS; i++) {
        struct question *question = &lookup->questions[i];
        if (question->asked && sodium_memcmp(question->hash, hash, SECRET_HASH_BYTES) == 0)
            return question;
        if (!question->asked)
            unused = question;
    }
    return unused;
}

static bool ask(struct lookup *lookup, struct question *question, const char *secret,
                const uint8_t *hash, int64_t now_mono_us)
{
    struct svc_error err = {.rc = SVC_OK};
    memcpy(question->hash, hash, SECRET_HASH_BYTES);
    question->due_mono_us = now_mono_us + (int64_t)lookup->wait_ms * 1000;
    question->asked = store_ask_secret(lookup->store, secret, answered, question, &err) == SVC_OK;
    return question->asked;
}

enum lookup_state lookup_ask(struct lookup *lookup, const char *secret,
                             const uint8_t hash[SECRET_HASH_BYTES], struct lookup_waiter *waiter)
{
    const int64_t now = svc_mono_us();
    const struct remembered *remembered = remembered_of(lookup, hash);
    if (remembered->until_mono_us > now &&
        sodium_memcmp(remembered->hash, hash, SECRET_HASH_BYTES) == 0)
        return LOOKUP_UNKNOWN;
    struct question *question = find_question(lookup, hash);
    if (lookup->waiters == LOOKUP_WAITERS || question == NULL)
        return LOOKUP_CANNOT_ASK;
    if (!question->asked && !ask(lookup, question, secret, hash, now))
        return LOOKUP_CANNOT_ASK;
    if (question->due_mono_us <= now) /* its time is over; Postgres is stuck */
        return LOOKUP_CANNOT_ASK;
    waiter->next = question->first;
    question->first = waiter;
    lookup->waiters++;
    set_timer(lookup, now);
    return LOOKUP_WAITS;
}
