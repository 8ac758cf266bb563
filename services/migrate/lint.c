/* The table of rules, and the way of a file through them:
 *
 *   text → statements → acts → findings, those that somebody took back left out → places */
#include "lint.h"

#include "lint_file.h"
#include "position.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UP = 1 << FILE_UP, DOWN = 1 << FILE_DOWN, VERIFY = 1 << FILE_VERIFY };

const struct lint_rule lint_rules[] = {
#define RULE(id, name, kinds, what, advice) {name, kinds, what, advice},
#include "lint.def"
#undef RULE
};
const size_t lint_rule_count = sizeof lint_rules / sizeof *lint_rules;

/* Room for one item more; the old ones stay in the arena. */
static void *grown(struct svc_arena *arena, const void *items, size_t count, size_t *capacity,
                   size_t size)
{
    *capacity = *capacity ? *capacity * 2 : 16;
    void *more = svc_arena_alloc(arena, *capacity * size);
    if (count > 0)
        memcpy(more, items, count * size);
    return more;
}

void lint_add(struct lint_file *file, enum lint_rule_id rule, size_t offset, size_t statement,
              const char *message)
{
    if (!(lint_rules[rule].kinds & (1U << file->kind)))
        return;
    if (file->finding_count == file->finding_capacity)
        file->findings = grown(file->arena, file->findings, file->finding_count,
                               &file->finding_capacity, sizeof *file->findings);
    file->findings[file->finding_count++] = (struct finding){rule, offset, statement, message};
}

void lint_act(struct lint_file *file, enum lint_rule_id rule, const struct act *act,
              const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    size_t size = (size_t)vsnprintf(NULL, 0, fmt, args) + 1;
    char *message = svc_arena_alloc(file->arena, size);
    (void)vsnprintf(message, size, fmt, again);
    va_end(again);
    va_end(args);
    lint_add(file, rule, act->offset, act->statement, message);
}

bool names_have(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

void names_add(struct svc_arena *arena, struct names *names, const char *name)
{
    if (names_have(names, name))
        return;
    if (names->count == names->capacity)
        names->items =
            grown(arena, names->items, names->count, &names->capacity, sizeof *names->items);
    names->items[names->count++] = name;
}

static int by_offset(const void *a, const void *b)
{
    const struct finding *left = a, *right = b;
    if (left->offset != right->offset)
        return left->offset > right->offset ? 1 : -1;
    return (int)left->rule - (int)right->rule;
}

struct collection {
    struct lint_findings found;
    size_t capacity;
};

static void collect(struct collection *all, struct svc_arena *arena, const struct lint_file *file)
{
    for (size_t i = 0; i < file->finding_count; i++) {
        const struct finding *finding = &file->findings[i];
        const struct lint_rule *rule = &lint_rules[finding->rule];
        if (all->found.count == all->capacity)
            all->found.items = grown(arena, all->found.items, all->found.count, &all->capacity,
                                     sizeof *all->found.items);
        struct lint_finding *item = &all->found.items[all->found.count++];
        *item = (struct lint_finding){.rule = rule->name,
                                      .file = file->name,
                                      .message = finding->message,
                                      .advice = rule->advice};
        position_of_byte(file->text, finding->offset, &item->line, &item->column);
    }
}

static void read_acts(struct lint_file *file)
{
    file->acts = (struct acts){.arena = file->arena, .text = file->text};
    lexer_split(file->arena, file->text, file->len, &file->statements);
    for (size_t i = 0; i < file->statements.count; i++) {
        const struct statement *statement = &file->statements.items[i];
        struct words words;
        words_read(file->arena, file->text, statement->offset, statement->offset + statement->len,
                   &words);
        file->acts.statement = i;
        acts_read(&file->acts, words);
    }
}

static void lint_one(struct lint_file *file)
{
    read_acts(file);
    lint_read_ignores(file);
    if (file->kind == FILE_VERIFY)
        lint_verify(file);
    else {
        lint_tables(file);
        lint_objects(file);
        lint_directives(file);
    }
    lint_use_ignores(file);
    if (file->finding_count > 0)
        qsort(file->findings, file->finding_count, sizeof *file->findings, by_offset);
}

static void lint_up(struct collection *all, struct svc_arena *arena,
                    const struct migration *migration, struct known *known)
{
    struct lint_file file = {.arena = arena,
                             .kind = FILE_UP,
                             .name = migration->file_name,
                             .text = migration->text,
                             .len = migration->len,
                             .directives = migration->directives,
                             .known = known};
    if (!migration->down.text)
        lint_add(&file, LINT_MISSING_DOWN, 0, NO_STATEMENT, "there is no rollback");
    if (!migration->verify.text)
        lint_add(&file, LINT_MISSING_VERIFY, 0, NO_STATEMENT, "there is no verification");
    lint_one(&file);
    collect(all, arena, &file);
}

/* What a rollback does is not what later files build on. */
static void lint_part(struct collection *all, struct svc_arena *arena, enum file_kind kind,
                      const struct migration_part *part)
{
    struct known nothing = {.role = ""};
    struct lint_file file = {.arena = arena,
                             .kind = kind,
                             .name = part->file_name,
                             .text = part->text,
                             .len = part->len,
                             .directives = part->directives,
                             .known = &nothing};
    if (!part->text)
        return;
    lint_one(&file);
    collect(all, arena, &file);
}

static void lint_orphan(struct collection *all, struct svc_arena *arena, const char *name)
{
    struct lint_file file = {.arena = arena, .kind = FILE_DOWN, .name = name, .text = ""};
    lint_add(&file, LINT_ORPHAN, 0, NO_STATEMENT, "its up file is missing");
    collect(all, arena, &file);
}

void lint_files(struct svc_arena *arena, const struct files *files, struct lint_findings *ret)
{
    struct collection all = {.found = {.items = NULL}};
    struct known known = {.role = ""};
    for (size_t i = 0; i < files->count; i++) {
        const struct migration *migration = &files->items[i];
        lint_up(&all, arena, migration, &known);
        lint_part(&all, arena, FILE_DOWN, &migration->down);
        lint_part(&all, arena, FILE_VERIFY, &migration->verify);
    }
    for (size_t i = 0; i < files->orphan_count; i++)
        lint_orphan(&all, arena, files->orphans[i]);
    *ret = all.found;
}
