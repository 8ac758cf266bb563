/* Is a symbol in a strategy's list of pairs? Both are compared in canonical form
 * (domain-trading.md section 2.4, steps 1 and 2), without regard to case. Core. */
#pragma once

#include <stdbool.h>

/* symbol  canonical, as the signal carries it.
 * lines   the list as the user wrote it, one entry per line; NULL: every symbol; "": none. */
bool symbol_allowed(const char *symbol, const char *lines);
