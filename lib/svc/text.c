/* Numbers and identifiers from text and back. */
#include "svc/text.h"

#include "utf8.h"

#include <string.h>

#include <sodium.h>

static int parse_digits(const char *text, uint64_t limit, uint64_t *ret)
{
    uint64_t value = 0;
    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        uint64_t next = (uint64_t)(*text - '0');
        if (value > (limit - next) / 10)
            return -1;
        value = value * 10 + next;
    }
    *ret = value;
    return 0;
}

int svc_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
    uint64_t value;
    if (parse_digits(text, UINT64_MAX, &value) != 0 || value < min || value > max)
        return -1;
    *ret = value;
    return 0;
}

int svc_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret)
{
    bool negative = *text == '-';
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0), size;
    if (parse_digits(text + negative, limit, &size) != 0)
        return -1;
    /* Subtracted from zero in unsigned arithmetic: -INT64_MIN has no signed form. */
    int64_t value = negative ? (int64_t)(0 - size) : (int64_t)size;
    if (value < min || value > max)
        return -1;
    *ret = value;
    return 0;
}

void svc_hex(const uint8_t *bytes, size_t len, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *ret++ = digits[bytes[i] >> 4];
        *ret++ = digits[bytes[i] & 15];
    }
    *ret = '\0';
}

static bool dash_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

/* RFC 9562 section 4: the version is the high half of byte 6, the variant the two high bits of
 * byte 8. */
static void uuid_text(uint8_t bytes[16], unsigned version, char ret[SVC_UUID_TEXT])
{
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | version << 4);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    char hex[33];
    svc_hex(bytes, 16, hex);
    const char *from = hex;
    for (size_t i = 0; i < SVC_UUID_TEXT - 1; i++)
        if (dash_at(i))
            ret[i] = '-';
        else
            ret[i] = *from++;
    ret[SVC_UUID_TEXT - 1] = '\0';
}

void svc_uuid_random(char ret[SVC_UUID_TEXT])
{
    uint8_t bytes[16];
    randombytes_buf(bytes, sizeof bytes);
    uuid_text(bytes, 4, ret);
}

void svc_uuid_from_digest(const uint8_t digest[16], char ret[SVC_UUID_TEXT])
{
    uint8_t bytes[16];
    memcpy(bytes, digest, sizeof bytes);
    uuid_text(bytes, 8, ret);
}

static bool hex_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool svc_uuid_valid(const char *text)
{
    for (size_t i = 0; i < SVC_UUID_TEXT - 1; i++)
        if (dash_at(i) ? text[i] != '-' : !hex_digit(text[i]))
            return false; /* also at an early NUL */
    return text[SVC_UUID_TEXT - 1] == '\0';
}

size_t svc_utf8_step(const uint8_t *at, size_t left)
{
    uint8_t lead = at[0];
    if (lead < 0x80)
        return 1;
    /* Per lead byte: how many bytes, and the range of the second, which is where overlong forms
     * (0xe0, 0xf0), surrogates (0xed) and what is past U+10FFFF (0xf4) show. */
    size_t len = lead >= 0xc2 && lead <= 0xdf ? 2 : (lead & 0xf0) == 0xe0 ? 3 : 4;
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead < 0xc2 || lead > 0xf4 || left < len || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool svc_utf8_valid(const void *bytes, size_t len)
{
    const uint8_t *at = bytes, *end = at + len;
    while (at < end) {
        size_t step = *at ? svc_utf8_step(at, (size_t)(end - at)) : 0;
        if (!step)
            return false;
        at += step;
    }
    return true;
}
