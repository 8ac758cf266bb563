/* Who was answered a moment ago: so that a stranger's flood of messages does not become a flood of
 * refusals or of questions to Postgres. A small table of fixed size that forgets: two peers in one
 * place only push each other out. Core. */
#pragma once

#include "sessions.h"

enum { LIMITER_PLACES = 4096 };

struct limiter {
    uint8_t secret[16];
    struct {
        uint64_t who;
        int64_t until_mono_us;
    } places[LIMITER_PLACES];
};

void limiter_init(struct limiter *limiter);
/* Keep this peer quiet until then. */
void limiter_hold(struct limiter *limiter, const struct peer *peer, int64_t until_mono_us);
bool limiter_holds(const struct limiter *limiter, const struct peer *peer, int64_t now_mono_us);
