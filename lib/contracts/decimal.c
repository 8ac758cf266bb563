/* Decimal text. Every operation goes through one parsed form: sign, digits, and where the point is.
 */
#include "contracts/decimal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { EXPONENT_MAX = 30 };

struct parts {
    bool negative;
    char digits[DECIMAL_TEXT_MAX]; /* without leading zeros; count 0 means zero */
    int count;
    int point; /* the value is 0.digits * 10^point */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads "e±dd" at *at; moves it behind. */
static bool parse_exponent(const char **at, int *ret)
{
    *ret = 0;
    if (**at != 'e' && **at != 'E')
        return true;
    ++*at;
    const bool negative = **at == '-';
    if (**at == '-' || **at == '+')
        ++*at;
    if (!is_digit(**at))
        return false;
    int value = 0;
    for (; is_digit(**at); ++*at) {
        value = value * 10 + (**at - '0');
        if (value > EXPONENT_MAX)
            return false;
    }
    *ret = negative ? -value : value;
    return true;
}

static bool parse(const char *text, struct parts *p)
{
    *p = (struct parts){.negative = *text == '-'};
    if (strnlen(text, DECIMAL_TEXT_MAX + 1) > DECIMAL_TEXT_MAX)
        return false;
    const char *at = text + (p->negative ? 1 : 0);
    bool any = false, behind_point = false;
    for (; is_digit(*at) || (*at == '.' && !behind_point); at++) {
        if (*at == '.') {
            behind_point = true;
            continue;
        }
        any = true;
        if (p->count > 0 || *at != '0') {
            p->digits[p->count++] = *at;
            p->point += behind_point ? 0 : 1;
        } else if (behind_point) {
            p->point--;
        }
    }
    int exponent = 0;
    if (!any || !parse_exponent(&at, &exponent) || *at != '\0')
        return false;
    p->point += exponent;
    while (p->count > 0 && p->digits[p->count - 1] == '0')
        p->count--;
    if (p->count == 0) {
        p->negative = false;
        p->point = 0;
    }
    return true;
}

bool decimal_valid(const char *text)
{
    struct parts p;
    return parse(text, &p);
}

bool decimal_normal(const char *text, char ret[DECIMAL_NORMAL_TEXT])
{
    struct parts p;
    if (!parse(text, &p))
        return false;
    char *out = ret;
    if (p.negative)
        *out++ = '-';
    if (p.point <= 0)
        *out++ = '0';
    for (int i = 0; i < p.point; i++)
        *out++ = i < p.count ? p.digits[i] : '0';
    if (p.count > p.point) {
        *out++ = '.';
        for (int i = p.point; i < p.count; i++)
            *out++ = i < 0 ? '0' : p.digits[i];
    }
    *out = '\0';
    return true;
}

static int compare_magnitude(const struct parts *a, const struct parts *b)
{
    if (a->count == 0 || b->count == 0)
        return (a->count != 0) - (b->count != 0);
    if (a->point != b->point)
        return a->point < b->point ? -1 : 1;
    for (int i = 0; i < a->count || i < b->count; i++) {
        const char x = i < a->count ? a->digits[i] : '0', y = i < b->count ? b->digits[i] : '0';
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

int decimal_compare(const char *a, const char *b)
{
    struct parts pa, pb;
    if (!parse(a, &pa) || !parse(b, &pb))
        return 0;
    if (pa.negative != pb.negative)
        return pa.negative ? -1 : 1;
    const int magnitude = compare_magnitude(&pa, &pb);
    return pa.negative ? -magnitude : magnitude;
}

bool decimal_scaled(const char *text, unsigned scale, int64_t *ret)
{
    struct parts p;
    if (!parse(text, &p))
        return false;
    const int length = p.point + (int)scale; /* digits of the result */
    if (p.count > 0 && (p.count > length || length > 18))
        return false;
    int64_t value = 0;
    for (int i = 0; p.count > 0 && i < length; i++)
        value = value * 10 + (i < p.count ? p.digits[i] - '0' : 0);
    *ret = p.negative ? -value : value;
    return true;
}

void decimal_print(int64_t scaled, unsigned scale, char ret[DECIMAL_SCALED_TEXT])
{
    char digits[24];
    const uint64_t magnitude = scaled < 0 ? 0 - (uint64_t)scaled : (uint64_t)scaled;
    const int count = snprintf(digits, sizeof digits, "%0*" PRIu64, (int)scale + 1, magnitude);
    const int whole = count - (int)scale;
    (void)snprintf(ret, DECIMAL_SCALED_TEXT, "%s%.*s%s%s", scaled < 0 ? "-" : "", whole, digits,
                   scale > 0 ? "." : "", digits + whole);
}
