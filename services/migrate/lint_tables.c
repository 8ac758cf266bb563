/* Tables that are there already: what locks them for long, and what takes something away from
 * programs that use them. A table of the same file is nobody's yet; CREATE TABLE IF NOT EXISTS
 * makes none where there is one, so its table counts as there already. */
#include "lint_file.h"

#include <string.h>

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* An act of this kind for this object, and for this part unless that is NULL; before another act
 * unless that is NULL. */
static const struct act *find_act(const struct lint_file *file, enum act_kind kind,
                                  const char *object, const char *part, const struct act *before)
{
    for (const struct act *act = file->acts.items; act < file->acts.items + file->acts.count; act++)
        if (act->kind == kind && same(act->object, object) && (!part || same(act->part, part)) &&
            (!before || act < before))
            return act;
    return NULL;
}

static bool is_new_table(const struct lint_file *file, const struct act *act)
{
    const struct act *made = find_act(file, ACT_CREATE_TABLE, act->object, NULL, act);
    return made && !(made->flags & ACT_IF_EXISTS);
}

static bool is_new_column(const struct lint_file *file, const char *table, const char *column)
{
    for (size_t i = 0; i < file->acts.count; i++) {
        const struct act *act = &file->acts.items[i];
        if (act->kind == ACT_COLUMN && !(act->flags & ACT_IN_CREATE) && same(act->object, table) &&
            same(act->part, column))
            return true;
    }
    return false;
}

static bool is_new_index(const struct lint_file *file, const struct act *act)
{
    for (const struct act *made = file->acts.items; made < act; made++)
        if (made->kind == ACT_CREATE_INDEX && same(made->part, act->object))
            return true;
    return false;
}

static void check_index(struct lint_file *file, const struct act *act)
{
    bool concurrently = (act->flags & ACT_CONCURRENTLY) != 0;
    if (concurrently && !file->directives.no_transaction)
        lint_act(file, LINT_CONCURRENT_IN_TRANSACTION, act,
                 "CONCURRENTLY needs a file without a transaction");
    else if (!concurrently && act->kind == ACT_CREATE_INDEX && !is_new_table(file, act))
        lint_act(file, LINT_CONCURRENT_INDEX, act, "%s cannot be written to while this is built",
                 act->object);
    else if (!concurrently && act->kind == ACT_DROP_INDEX && !is_new_index(file, act))
        lint_act(file, LINT_CONCURRENT_DROP, act, "dropping %s locks its table", act->object);
}

static const char *title(const struct act *act)
{
    return *act->part ? act->part : "it";
}

static void check_constraint(struct lint_file *file, const struct act *act)
{
    bool is_valid = !(act->flags & ACT_NOT_VALID);
    if ((act->flags & ACT_CHECK) && is_valid)
        lint_act(file, LINT_NOT_VALID, act, "%s is checked for all rows of %s at once", title(act),
                 act->object);
    if ((act->flags & ACT_REFERENCES) && is_valid)
        lint_act(file, LINT_FOREIGN_KEY, act, "%s is checked for all rows of %s at once",
                 title(act), act->object);
    if ((act->flags & ACT_UNIQUE) && !(act->flags & ACT_USING_INDEX))
        lint_act(file, LINT_UNIQUE_CONSTRAINT, act, "%s builds an index while %s is locked",
                 title(act), act->object);
}

static void check_added_column(struct lint_file *file, const struct act *act)
{
    if ((act->flags & ACT_NOT_NULL) && !(act->flags & ACT_DEFAULT))
        lint_act(file, LINT_NOT_NULLABLE, act, "rows of %s have nothing for %s", act->object,
                 act->part);
    if (act->flags & (ACT_VOLATILE | ACT_SERIAL))
        lint_act(file, LINT_DEFAULT_REWRITE, act, "%s gives every row of %s a value of its own",
                 act->part, act->object);
    check_constraint(file, act);
}

static void check_type(struct lint_file *file, const struct act *act)
{
    static const char *const narrow[] = {"int",    "integer", "int4",        "smallint", "int2",
                                         "serial", "serial4", "smallserial", "serial2"};
    size_t len = strlen(act->part);
    bool is_key = (act->flags & (ACT_SERIAL | ACT_PRIMARY)) || same(act->part, "id") ||
                  (len > 3 && same(act->part + len - 3, "_id"));
    if (strncmp(act->text, "timestamp", 9) == 0 && act->text[9] != 't' &&
        !strstr(act->text, "with time zone"))
        lint_act(file, LINT_TIMESTAMPTZ, act, "%s is %s", act->part, act->text);
    if (strncmp(act->text, "varchar(", 8) == 0 || strncmp(act->text, "char(", 5) == 0 ||
        strncmp(act->text, "character", 9) == 0)
        lint_act(file, LINT_TEXT_FIELD, act, "%s is %s", act->part, act->text);
    for (size_t i = 0; is_key && i < sizeof narrow / sizeof *narrow; i++)
        if (same(act->text, narrow[i]))
            lint_act(file, LINT_BIGINT, act, "%s is %s", act->part, act->text);
}

/* Both in one transaction: the lock of the first is held while the second reads all rows. */
static void check_validate(struct lint_file *file, const struct act *act)
{
    const struct act *added = find_act(file, ACT_CONSTRAINT, act->object, act->part, act);
    if (added && !file->directives.no_transaction)
        lint_act(file, LINT_NOT_VALID, act, "%s is validated in the transaction that added it",
                 act->part);
}

/* Things that -- migrate:contract allows. */
static void check_taken(struct lint_file *file, const struct act *act)
{
    if (file->directives.contract)
        return;
    if (act->kind == ACT_RENAME_COLUMN)
        lint_act(file, LINT_RENAME_COLUMN, act, "%s of %s is renamed", act->part, act->object);
    if (act->kind == ACT_RENAME_TABLE)
        lint_act(file, LINT_RENAME_TABLE, act, "%s is renamed", act->object);
    if (act->kind == ACT_DROP_COLUMN && !is_new_column(file, act->object, act->part))
        lint_act(file, LINT_DROP_COLUMN, act, "%s of %s is dropped", act->part, act->object);
    if (act->kind == ACT_DROP && same(act->text, "table"))
        lint_act(file, LINT_DROP_TABLE, act, "%s is dropped", act->object);
}

static void check_existing(struct lint_file *file, const struct act *act)
{
    bool is_added = !(act->flags & ACT_IN_CREATE);
    if (act->kind == ACT_CONSTRAINT && is_added)
        check_constraint(file, act);
    else if (act->kind == ACT_COLUMN && is_added)
        check_added_column(file, act);
    else if (act->kind == ACT_SET_NOT_NULL)
        lint_act(file, LINT_NOT_NULLABLE, act, "all rows of %s are read for %s", act->object,
                 act->part);
    else if (act->kind == ACT_SET_TYPE)
        lint_act(file, LINT_COLUMN_TYPE, act, "%s of %s becomes %s", act->part, act->object,
                 act->text);
    else
        check_taken(file, act);
}

/* Is the constraint or index about a column that this file adds? Old programs don't write that. */
static bool is_about_new_column(const struct lint_file *file, const struct act *act)
{
    for (size_t i = 0; i < act->words.count; i++) {
        const struct word *word = &act->words.items[i];
        if ((word->kind == TOKEN_WORD || word->kind == TOKEN_IDENTIFIER) &&
            is_new_column(file, act->object, word->name))
            return true;
    }
    return false;
}

/* A thing that comes again in the same file, or that the file made, is not taken away; nor is a
 * trigger's function, which no program can call. */
static bool is_gone(const struct lint_file *file, const struct act *act)
{
    static const char *const kinds[] = {"function", "procedure", "routine", "aggregate",
                                        "view",     "type",      "domain",  "sequence",
                                        "schema",   "extension"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (same(act->text, kinds[i]))
            return !names_have(&file->known->triggers, act->object) &&
                   !find_act(file, ACT_CREATE_FUNCTION, act->object, NULL, NULL) &&
                   !find_act(file, ACT_CREATE_VIEW, act->object, NULL, NULL);
    return false;
}

/* Nobody has used a table since before this file made it, or made sure of it. */
static bool is_own(const struct lint_file *file, const struct act *act)
{
    return find_act(file, ACT_CREATE_TABLE, act->object, NULL, act) != NULL;
}

/* What it takes away, in words; NULL: nothing. */
static const char *narrows(const struct lint_file *file, const struct act *act)
{
    bool is_added = !(act->flags & ACT_IN_CREATE) && !is_own(file, act);
    switch (act->kind) {
    case ACT_DROP:
        return is_gone(file, act) ? "something is dropped" : NULL;
    case ACT_REVOKE:
        return "a right is taken away";
    case ACT_DROP_DEFAULT:
    case ACT_SET_NOT_NULL:
    case ACT_SET_TYPE:
        return is_added && !is_new_column(file, act->object, act->part)
                   ? "a column takes less than before"
                   : NULL;
    case ACT_COLUMN:
        return is_added && (act->flags & ACT_NOT_NULL) && !(act->flags & ACT_DEFAULT)
                   ? "rows without the new column are refused"
                   : NULL;
    case ACT_CONSTRAINT:
        return is_added && !is_about_new_column(file, act) &&
                       !find_act(file, ACT_DROP_CONSTRAINT, act->object, act->part, act)
                   ? "rows that were allowed are refused"
                   : NULL;
    case ACT_CREATE_INDEX:
        return is_added && (act->flags & ACT_UNIQUE) && !is_about_new_column(file, act)
                   ? "rows that were allowed are refused"
                   : NULL;
    default:
        return NULL;
    }
}

static void check_contract(struct lint_file *file)
{
    size_t reported = NO_STATEMENT;
    for (size_t i = 0; i < file->acts.count && !file->directives.contract; i++) {
        const struct act *act = &file->acts.items[i];
        const char *what = narrows(file, act);
        if (!what || act->statement == reported)
            continue;
        lint_act(file, LINT_CONTRACT, act, "%s, and the file has no -- migrate:contract", what);
        reported = act->statement;
    }
}

void lint_tables(struct lint_file *file)
{
    for (size_t i = 0; i < file->acts.count; i++) {
        const struct act *act = &file->acts.items[i];
        if (act->kind == ACT_CREATE_INDEX || act->kind == ACT_DROP_INDEX ||
            act->kind == ACT_REINDEX)
            check_index(file, act);
        else if (act->kind == ACT_TRUNCATE && (act->flags & ACT_CASCADE))
            lint_act(file, LINT_TRUNCATE_CASCADE, act, "tables that nobody named are emptied, too");
        else if (act->kind == ACT_VALIDATE)
            check_validate(file, act);
        else if (!is_new_table(file, act))
            check_existing(file, act);
        if (act->kind == ACT_COLUMN || act->kind == ACT_SET_TYPE)
            check_type(file, act);
    }
    check_contract(file);
}
