/* One file while it is looked at. */
#pragma once

#include "files.h"
#include "lint_acts.h"

#include "svc/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lint_rule_id {
#define RULE(id, name, kinds, what, advice) LINT_##id,
#include "lint.def"
#undef RULE
    LINT_RULE_COUNT
};

enum { NO_STATEMENT = SIZE_MAX };

struct finding {
    enum lint_rule_id rule;
    size_t offset, statement; /* NO_STATEMENT: about the file, cannot be ignored */
    const char *message;
};

struct ignore {
    enum lint_rule_id rule;
    size_t offset, statement;
    bool used;
};

/* Texts, each once. */
struct names {
    const char **items;
    size_t count, capacity;
};

/* What earlier up files did. */
struct known {
    struct names functions;    /* made, with comment and rights */
    struct names triggers;     /* of these: only triggers may call them */
    struct names closed_roles; /* whose new functions PUBLIC may not execute */
    const char *role;          /* "" or SET ROLE's, while a file is read */
};

struct lint_file {
    struct svc_arena *arena;
    enum file_kind kind;
    const char *name, *text;
    size_t len;
    struct directives directives;
    struct statements statements;
    struct acts acts;
    struct known *known;
    struct finding *findings;
    size_t finding_count, finding_capacity;
    struct ignore *ignores;
    size_t ignore_count;
};

/* Kept only where the rule looks at this kind of file. */
void lint_add(struct lint_file *file, enum lint_rule_id rule, size_t offset, size_t statement,
              const char *message);
void lint_act(struct lint_file *file, enum lint_rule_id rule, const struct act *act,
              const char *fmt, ...) SVC_PRINTF(4, 5);

bool names_have(const struct names *names, const char *name);
void names_add(struct svc_arena *arena, struct names *names, const char *name);

/* Each adds its findings. */
void lint_tables(struct lint_file *file);     /* lint_tables.c: locks, types, what is taken away */
void lint_objects(struct lint_file *file);    /* lint_objects.c: comments, rights, RLS */
void lint_directives(struct lint_file *file); /* lint_directives.c: transactions, directives */
void lint_verify(struct lint_file *file);     /* lint_verify.c */
/* lint_directives.c: reads the ignores, and in the end takes back what they say. */
void lint_read_ignores(struct lint_file *file);
void lint_use_ignores(struct lint_file *file);
