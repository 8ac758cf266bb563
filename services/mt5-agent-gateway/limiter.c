/* One place per hash, the last one wins. */
#include "limiter.h"

#include <string.h>

#include <sodium.h>

_Static_assert(sizeof((struct limiter *)0)->secret == crypto_shorthash_KEYBYTES, "SipHash's key");

void limiter_init(struct limiter *limiter)
{
    memset(limiter, 0, sizeof *limiter);
    crypto_shorthash_keygen(limiter->secret);
}

/* Never 0, which is a place that nobody has. */
static uint64_t who(const struct limiter *limiter, const struct peer *peer)
{
    uint8_t digest[crypto_shorthash_BYTES];
    uint64_t number;
    (void)crypto_shorthash(digest, (const uint8_t *)peer, sizeof *peer, limiter->secret);
    memcpy(&number, digest, sizeof number);
    return number | 1;
}

void limiter_hold(struct limiter *limiter, const struct peer *peer, int64_t until_mono_us)
{
    const uint64_t number = who(limiter, peer);
    const size_t at = (number >> 1) % LIMITER_PLACES;
    limiter->places[at].who = number;
    limiter->places[at].until_mono_us = until_mono_us;
}

bool limiter_holds(const struct limiter *limiter, const struct peer *peer, int64_t now_mono_us)
{
    const uint64_t number = who(limiter, peer);
    const size_t at = (number >> 1) % LIMITER_PLACES;
    return limiter->places[at].who == number && now_mono_us < limiter->places[at].until_mono_us;
}
