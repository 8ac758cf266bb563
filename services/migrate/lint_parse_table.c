/* Tables: their columns and constraints, new and changed. */
#include "lint_acts.h"

#include <string.h>

/* Words that end a column's type. */
static const char column_clauses[] =
    "constraint not null default check unique primary references generated collate storage "
    "compression deferrable initially";
/* Functions that give every row another value. */
static const char volatile_functions[] =
    "gen_random_uuid uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 random clock_timestamp "
    "timeofday nextval";

static bool is_any(struct words words, const char *names)
{
    return words_take_any(&words, names);
}

/* "character varying(20)": the words of the type, parentheses and all. */
static const char *read_type(struct acts *acts, struct words *words)
{
    const char *type = "";
    while (words->at < words->count && !is_any(*words, column_clauses) &&
           !words_next_is(words, "using")) {
        const struct word *word = &words->items[words->at++];
        const char *name = word->kind == TOKEN_NUMBER ? "n" : word->name;
        bool tight = !*type || strchr("(),.[]", *name) || strchr("(.", type[strlen(type) - 1]);
        type = svc_arena_printf(acts->arena, "%s%s%s", type, tight ? "" : " ", name);
    }
    return type;
}

static bool has_volatile(struct words words)
{
    for (; words.at < words.count; words.at++)
        if (is_any(words, volatile_functions) && words_is(&words, words.at + 1, "("))
            return true;
    return false;
}

/* NOT VALID, USING INDEX, …: of a constraint that begins here. */
static unsigned constraint_flags(struct words words)
{
    unsigned flags = 0;
    if (words_next_is(&words, "check"))
        flags |= ACT_CHECK;
    if (words_see(&words, "primary key"))
        flags |= ACT_UNIQUE | ACT_PRIMARY;
    if (words_next_is(&words, "unique") || words_next_is(&words, "exclude"))
        flags |= ACT_UNIQUE;
    if (words_see(&words, "foreign key"))
        flags |= ACT_REFERENCES;
    flags |= words_have(words, "not valid") ? ACT_NOT_VALID : 0;
    flags |= words_have(words, "using index") ? ACT_USING_INDEX : 0;
    return flags;
}

static unsigned column_flags(struct words words)
{
    unsigned flags = 0;
    struct words value = words;
    flags |= words_have(words, "not null") ? ACT_NOT_NULL : 0;
    flags |= words_have(words, "primary key") ? ACT_UNIQUE | ACT_PRIMARY | ACT_NOT_NULL : 0;
    flags |= words_have(words, "unique") ? ACT_UNIQUE : 0;
    flags |= words_have(words, "references") ? ACT_REFERENCES : 0;
    flags |= words_have(words, "check") ? ACT_CHECK : 0;
    flags |= words_have(words, "as identity") ? ACT_SERIAL | ACT_DEFAULT : 0;
    flags |= words_have(words, "stored") ? ACT_VOLATILE | ACT_DEFAULT : 0;
    if (words_skip_to(&value, "default"))
        flags |= ACT_DEFAULT | (has_volatile(value) ? ACT_VOLATILE : 0);
    return flags;
}

static bool is_serial(const char *type)
{
    return strstr(type, "serial") != NULL;
}

/* At the column's name. */
static void read_column(struct acts *acts, const char *table, struct words words, unsigned flags)
{
    struct words at = words;
    const char *name = words_name(&words, acts->arena);
    if (!name)
        return;
    const char *type = read_type(acts, &words);
    struct act *act = acts_add(acts, ACT_COLUMN, &at, table);
    act->flags |= flags | column_flags(words);
    act->flags |= is_serial(type) ? ACT_SERIAL | ACT_DEFAULT : 0;
    act->part = name;
    act->text = type;
}

/* At CONSTRAINT or at what it is; false: it is none. */
static bool read_constraint(struct acts *acts, const char *table, struct words words,
                            unsigned flags)
{
    struct words at = words;
    const char *name = "";
    if (words_take(&words, "constraint"))
        name = words_name(&words, acts->arena);
    unsigned what = constraint_flags(words);
    if (!(what & (ACT_CHECK | ACT_UNIQUE | ACT_REFERENCES)))
        return false;
    struct act *act = acts_add(acts, ACT_CONSTRAINT, &at, table);
    act->flags |= flags | what;
    act->part = name ? name : "";
    return true;
}

static void read_definitions(struct acts *acts, const char *table, struct words *words)
{
    struct words inside, item;
    if (!words_group(words, &inside))
        return;
    while (words_item(&inside, &item))
        if (!read_constraint(acts, table, item, ACT_IN_CREATE) && !words_next_is(&item, "like"))
            read_column(acts, table, item, ACT_IN_CREATE);
}

void acts_create_table(struct acts *acts, struct words *words, unsigned flags)
{
    flags |= words_take(words, "if not exists") ? ACT_IF_EXISTS : 0;
    struct words at = *words;
    const char *table = words_name(words, acts->arena);
    if (!table)
        return;
    bool is_partition = words_take(words, "partition of");
    acts_add(acts, ACT_CREATE_TABLE, &at, table)->flags |=
        flags | (is_partition ? ACT_PARTITION : 0);
    if (!is_partition)
        read_definitions(acts, table, words);
}

static void read_add(struct acts *acts, const char *table, struct words action)
{
    if (read_constraint(acts, table, action, 0))
        return;
    (void)words_take(&action, "column");
    unsigned flags = words_take(&action, "if not exists") ? ACT_IF_EXISTS : 0;
    read_column(acts, table, action, flags);
}

static void read_drop(struct acts *acts, const char *table, struct words action)
{
    struct words at = action;
    bool is_constraint = words_take(&action, "constraint");
    if (!is_constraint)
        (void)words_take(&action, "column");
    unsigned flags = words_take(&action, "if exists") ? ACT_IF_EXISTS : 0;
    const char *name = words_name(&action, acts->arena);
    struct act *act =
        acts_add(acts, is_constraint ? ACT_DROP_CONSTRAINT : ACT_DROP_COLUMN, &at, table);
    act->flags |= flags;
    act->part = name ? name : "";
}

static void read_alter_column(struct acts *acts, const char *table, struct words action)
{
    (void)words_take(&action, "column");
    struct words at = action;
    const char *name = words_name(&action, acts->arena);
    enum act_kind kind;
    if (words_take(&action, "set data type") || words_take(&action, "type"))
        kind = ACT_SET_TYPE;
    else if (words_take(&action, "set not null"))
        kind = ACT_SET_NOT_NULL;
    else if (words_take(&action, "drop default"))
        kind = ACT_DROP_DEFAULT;
    else
        return;
    const char *type = kind == ACT_SET_TYPE ? read_type(acts, &action) : "";
    struct act *act = acts_add(acts, kind, &at, table);
    act->part = name ? name : "";
    act->text = type;
}

static void read_rename(struct acts *acts, const char *table, struct words action)
{
    struct words at = action;
    if (words_take(&action, "constraint"))
        return;
    if (words_next_is(&action, "to")) {
        acts_add(acts, ACT_RENAME_TABLE, &at, table);
        return;
    }
    (void)words_take(&action, "column");
    const char *name = words_name(&action, acts->arena);
    acts_add(acts, ACT_RENAME_COLUMN, &at, table)->part = name ? name : "";
}

static void read_action(struct acts *acts, const char *table, struct words action)
{
    struct words at = action;
    if (words_take(&action, "add"))
        read_add(acts, table, action);
    else if (words_take(&action, "drop"))
        read_drop(acts, table, action);
    else if (words_take(&action, "alter"))
        read_alter_column(acts, table, action);
    else if (words_take(&action, "rename"))
        read_rename(acts, table, action);
    else if (words_take(&action, "validate constraint")) {
        const char *name = words_name(&action, acts->arena);
        acts_add(acts, ACT_VALIDATE, &at, table)->part = name ? name : "";
    } else if (words_take(&action, "enable row level security"))
        acts_add(acts, ACT_ENABLE_RLS, &at, table);
    else if (words_next_is(&action, "detach") && words_have(action, "concurrently"))
        acts_add(acts, ACT_ALONE, &at, table)->text = "DETACH PARTITION CONCURRENTLY";
}

void acts_alter_table(struct acts *acts, struct words *words)
{
    (void)words_take(words, "if exists");
    (void)words_take(words, "only");
    const char *table = words_name(words, acts->arena);
    struct words action;
    (void)words_take(words, "*");
    if (table)
        while (words_item(words, &action))
            read_action(acts, table, action);
}
