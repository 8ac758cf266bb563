/* The limits hold for the decoded text; see secret.h. */
#include "secret.h"

#include "hex.h"

#include "svc/text.h"

#include <string.h>

/* Postgres is asked about what passes here, so it has to be text to Postgres. */
static bool plausible(const struct secret *secret)
{
    if (secret->len == 0 || !svc_utf8_valid(secret->text, secret->len))
        return false;
    for (size_t i = 0; i < secret->len; i++)
        if ((unsigned char)secret->text[i] < 0x20 || secret->text[i] == 0x7f)
            return false;
    return true;
}

bool secret_from_text(const char *text, size_t len, struct secret *ret)
{
    if (text == NULL || len > SECRET_MAX)
        return false;
    memcpy(ret->text, text, len);
    ret->text[len] = '\0';
    ret->len = len;
    return plausible(ret);
}

bool secret_from_segment(const char *segment, struct secret *ret)
{
    size_t len = 0;
    for (const char *at = segment; *at != '\0'; at++) {
        char byte = *at;
        if (byte == '%') {
            const int high = hex_value(at[1]), low = high < 0 ? -1 : hex_value(at[2]);
            if (low < 0)
                return false;
            byte = (char)(high * 16 + low);
            at += 2;
        }
        if (len == SECRET_MAX)
            return false;
        ret->text[len++] = byte;
    }
    ret->text[len] = '\0';
    ret->len = len;
    return plausible(ret);
}
