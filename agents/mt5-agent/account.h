/* A trading account, as a terminal says it and as an offer names it. Core. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct account { /* texts are "" when not said */
    char server[129], login[65], currency[65], margin_mode[16];
    bool is_real;
    char balance[41]; /* account currency, decimal */
    uint32_t leverage;
};

/* The same account for the purpose of trading: server, login, currency, margin mode, demo or real.
 */
bool account_same(const struct account *a, const struct account *b);
