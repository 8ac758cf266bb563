/* The table of codes. */
#include "contracts/codes.h"

#include <string.h>

static const struct code_entry entries[CODE_COUNT] = {
#define CODE(constant, name, meaning, remedy) {name, meaning, remedy},
#include "contracts/codes.def"
#undef CODE
};

const char *code_name(enum code code)
{
    return entries[code].name;
}

const struct code_entry *code_entry(enum code code)
{
    return &entries[code];
}

static bool is_retcode(const char *name, size_t len)
{
    static const char prefix[] = "retcode_";
    const size_t head = sizeof prefix - 1;
    if (len <= head || len > head + 6 || memcmp(name, prefix, head) != 0)
        return false;
    for (size_t i = head; i < len; i++)
        if (name[i] < '0' || name[i] > '9')
            return false;
    return true;
}

bool code_known(const char *name, long len)
{
    const size_t size = len < 0 ? strlen(name) : (size_t)len;
    if (is_retcode(name, size))
        return true;
    for (size_t i = 0; i < CODE_COUNT; i++)
        if (i != CODE_RETCODE && strlen(entries[i].name) == size &&
            memcmp(entries[i].name, name, size) == 0)
            return true;
    return false;
}
