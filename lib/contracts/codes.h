/* The codes that users, tests and alerts see. A message is written "code: text"; the part before
 * the colon is one of these and never changes its meaning. The one table is codes.def. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum code {
#define CODE(constant, name, meaning, remedy) CODE_##constant,
#include "contracts/codes.def"
#undef CODE
    CODE_COUNT
};

struct code_entry {
    const char *name, *meaning, *remedy;
};

const char *code_name(enum code code);
const struct code_entry *code_entry(enum code code);

/* Is this name in the table? "retcode_10019" stands for "retcode_<n>". len < 0: NUL-terminated. */
bool code_known(const char *name, long len);
