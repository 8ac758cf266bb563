/* Canonical comparison of symbols. */
#include "symbols.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_BYTES = 64, PAIR_LETTERS = 6 };

struct name {
    char bytes[NAME_MAX_BYTES + 1];
    size_t len;
};

static bool is_separator(char c)
{
    return c == '/' || c == '-' || c == '_' || c == ' ';
}

/* Six letters once the separators are out: a currency pair, which is written without them. */
static void join_pair(struct name *name)
{
    char pair[PAIR_LETTERS + 1];
    size_t len = 0;
    for (size_t i = 0; i < name->len; i++) {
        if (is_separator(name->bytes[i]))
            continue;
        if (len == PAIR_LETTERS || !isalpha((unsigned char)name->bytes[i]))
            return;
        pair[len++] = name->bytes[i];
    }
    if (len != PAIR_LETTERS)
        return;
    memcpy(name->bytes, pair, PAIR_LETTERS);
    name->bytes[PAIR_LETTERS] = '\0';
    name->len = PAIR_LETTERS;
}

/* False: nothing is left, or it is longer than any symbol. */
static bool canonical(const char *text, size_t len, struct name *ret)
{
    const char *colon = memrchr(text, ':', len);
    if (colon != NULL) {
        len -= (size_t)(colon + 1 - text);
        text = colon + 1;
    }
    while (len > 0 && isspace((unsigned char)text[0])) {
        text++;
        len--;
    }
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    if (len > 2 && text[len - 2] == '.' && (text[len - 1] == 'P' || text[len - 1] == 'p'))
        len -= 2;
    if (len == 0 || len > NAME_MAX_BYTES)
        return false;
    memcpy(ret->bytes, text, len);
    ret->bytes[len] = '\0';
    ret->len = len;
    join_pair(ret);
    return true;
}

bool symbol_allowed(const char *symbol, const char *lines)
{
    struct name wanted, entry;
    if (lines == NULL)
        return true;
    if (!canonical(symbol, strlen(symbol), &wanted))
        return false;
    while (*lines != '\0') {
        const size_t len = strcspn(lines, "\n");
        if (canonical(lines, len, &entry) && strcasecmp(entry.bytes, wanted.bytes) == 0)
            return true;
        lines += len + (lines[len] == '\n' ? 1 : 0);
    }
    return false;
}
