/* What a migration should not do, found by reading it. Pure: nothing is executed.
 *
 * Names of rules are squawk's where squawk has the rule. lint.def is the one table of them;
 * docs/migrate-lint.md is printed from it.
 *
 *   -- migrate:ignore <rule>[,<rule>…] <reason>
 *
 * before a statement takes back these rules for that statement. */
#pragma once

#include "files.h"

#include "svc/arena.h"

#include <stddef.h>

struct lint_finding {
    const char *rule,
        *file; /* file: the name within the folder, "down/…" and "verify/…" included */
    unsigned line, column; /* from 1, column in characters */
    const char *message, *advice;
};

struct lint_findings {
    struct lint_finding *items; /* files in their order, each up, down, verify; then by place */
    size_t count;
};

/* All files of a set. What earlier files did (made functions, closed default privileges) is known
 * while later ones are read. Everything lives in the arena. */
void lint_files(struct svc_arena *arena, const struct files *files, struct lint_findings *ret);

/* The table, for the page and the tests. */
struct lint_rule {
    const char *name;
    unsigned kinds; /* bits 1 << enum file_kind: where it is looked for */
    const char *what, *advice;
};
extern const struct lint_rule lint_rules[];
extern const size_t lint_rule_count;
