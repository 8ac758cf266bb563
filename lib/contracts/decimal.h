/* Decimal numbers as text: prices and volumes never pass through binary floating point.
 *
 * A decimal is an optional '-', digits with at most one '.', and an optional exponent within ±30;
 * at most 40 characters. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DECIMAL_TEXT_MAX = 40, DECIMAL_NORMAL_TEXT = 96, DECIMAL_SCALED_TEXT = 32 };

bool decimal_valid(const char *text);
/* The canonical form: no exponent, no leading or trailing zeros, no "-0": "0.10" → "0.1", "1e2" →
 * "100". False when text is no decimal. */
bool decimal_normal(const char *text, char ret[DECIMAL_NORMAL_TEXT]);
/* <0, 0, >0; both must be valid. */
int decimal_compare(const char *a, const char *b);
/* text * 10^scale as an integer: exact, else false (too many decimals, too large, not a decimal).
 */
bool decimal_scaled(const char *text, unsigned scale, int64_t *ret);
/* The other way, with exactly `scale` decimals; scale ≤ 18. */
void decimal_print(int64_t scaled, unsigned scale, char ret[DECIMAL_SCALED_TEXT]);
