/* See limiter.h. Tokens are kept in millionths, so that a bucket refills smoothly. */
#include "limiter.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum { SETS = 1024, WAYS = 4, TOKEN = 1000000 };

struct bucket {
    uint64_t address; /* keyed hash; 0: free */
    int64_t tokens;   /* in millionths, when it was touched */
    int64_t touched_mono_us;
};

struct limiter {
    int64_t per_s, full;
    uint8_t key[crypto_shorthash_KEYBYTES]; /* nobody can aim at another's bucket */
    struct bucket buckets[SETS][WAYS];
};

struct limiter *limiter_new(uint32_t per_s, uint32_t burst)
{
    struct limiter *limiter = calloc(1, sizeof *limiter);
    if (limiter != NULL) {
        limiter->per_s = per_s;
        limiter->full = (int64_t)burst * TOKEN;
        crypto_shorthash_keygen(limiter->key);
    }
    return limiter;
}

void limiter_free(struct limiter **limiter)
{
    free(*limiter);
    *limiter = NULL;
}

static uint64_t hash_address(const struct limiter *limiter, const char *address)
{
    uint8_t bytes[16] = {0}, digest[crypto_shorthash_BYTES];
    size_t len = 4;
    if (inet_pton(AF_INET, address, bytes) != 1)
        len = inet_pton(AF_INET6, address, bytes) == 1 ? 8 : 0;
    (void)crypto_shorthash(digest, bytes, len, limiter->key);
    uint64_t hash;
    memcpy(&hash, digest, sizeof hash);
    return hash != 0 ? hash : 1;
}

static int64_t tokens_now(const struct limiter *limiter, const struct bucket *bucket,
                          int64_t now_mono_us)
{
    /* per_s tokens a second are per_s millionths of a token a µs. Past a full refill the product
     * could overflow, and says nothing new. */
    const int64_t idle_us = now_mono_us - bucket->touched_mono_us;
    if (idle_us > limiter->full / limiter->per_s)
        return limiter->full;
    const int64_t tokens = bucket->tokens + idle_us * limiter->per_s;
    return tokens < limiter->full ? tokens : limiter->full;
}

bool limiter_has(const struct limiter *limiter, const char *address, int64_t now_mono_us)
{
    const uint64_t hash = hash_address(limiter, address);
    const struct bucket *set = limiter->buckets[hash % SETS];
    for (int way = 0; way < WAYS; way++)
        if (set[way].address == hash)
            return tokens_now(limiter, &set[way], now_mono_us) >= TOKEN;
    return true;
}

/* The address's bucket, or one that is free, or the longest untouched. */
static struct bucket *find_bucket(struct limiter *limiter, uint64_t hash)
{
    struct bucket *set = limiter->buckets[hash % SETS], *oldest = set;
    for (int way = 0; way < WAYS; way++) {
        if (set[way].address == hash)
            return &set[way];
        if (set[way].touched_mono_us < oldest->touched_mono_us)
            oldest = &set[way];
    }
    *oldest = (struct bucket){.address = hash, .tokens = limiter->full};
    return oldest;
}

bool limiter_take(struct limiter *limiter, const char *address, int64_t now_mono_us)
{
    struct bucket *bucket = find_bucket(limiter, hash_address(limiter, address));
    const int64_t tokens = tokens_now(limiter, bucket, now_mono_us);
    const bool taken = tokens >= TOKEN;
    bucket->tokens = taken ? tokens - TOKEN : tokens;
    bucket->touched_mono_us = now_mono_us;
    return taken;
}
