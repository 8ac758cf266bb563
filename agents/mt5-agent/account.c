#include "account.h"

#include <string.h>

bool account_same(const struct account *a, const struct account *b)
{
    return strcmp(a->server, b->server) == 0 && strcmp(a->login, b->login) == 0 &&
           strcmp(a->currency, b->currency) == 0 && strcmp(a->margin_mode, b->margin_mode) == 0 &&
           a->is_real == b->is_real;
}
