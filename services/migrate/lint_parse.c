/* Statements that are not about tables alone, and what DO blocks hide. */
#include "lint_acts.h"

#include <string.h>
#include <strings.h>

struct act *acts_add(struct acts *acts, enum act_kind kind, const struct words *words,
                     const char *object)
{
    if (acts->count == acts->capacity) {
        size_t capacity = acts->capacity ? acts->capacity * 2 : 64;
        struct act *items = svc_arena_alloc(acts->arena, capacity * sizeof *items);
        if (acts->count > 0)
            memcpy(items, acts->items, acts->count * sizeof *items);
        acts->items = items;
        acts->capacity = capacity;
    }
    struct act *act = &acts->items[acts->count++];
    *act = (struct act){.kind = kind,
                        .flags = acts->flags,
                        .offset = words_offset(words),
                        .statement = acts->statement,
                        .object = object ? object : "",
                        .part = "",
                        .text = "",
                        .words = *words};
    return act;
}

static const char *name_or_empty(struct acts *acts, struct words *words)
{
    const char *name = words_name(words, acts->arena);
    return name ? name : "";
}

static void read_create_index(struct acts *acts, struct words words, unsigned flags)
{
    struct words at = words;
    flags |= words_take(&words, "concurrently") ? ACT_CONCURRENTLY : 0;
    flags |= words_take(&words, "if not exists") ? ACT_IF_EXISTS : 0;
    const char *index = words_next_is(&words, "on") ? "" : name_or_empty(acts, &words);
    (void)words_skip_to(&words, "on");
    (void)words_take(&words, "only");
    struct act *act = acts_add(acts, ACT_CREATE_INDEX, &at, name_or_empty(acts, &words));
    act->flags |= flags;
    act->part = index;
}

static void read_create_function(struct acts *acts, struct words words, unsigned flags)
{
    struct words at = words;
    const char *name = name_or_empty(acts, &words);
    flags |= words_have(words, "security definer") ? ACT_DEFINER : 0;
    flags |= words_have(words, "set search_path") ? ACT_SEARCH_PATH : 0;
    flags |= words_have(words, "returns trigger") ? ACT_TRIGGER : 0;
    acts_add(acts, ACT_CREATE_FUNCTION, &at, name)->flags |= flags;
}

static void read_create(struct acts *acts, struct words words)
{
    unsigned flags = words_take(&words, "or replace") ? ACT_OR_REPLACE : 0;
    (void)words_take_any(&words, "global local");
    flags |= words_take_any(&words, "temporary temp") ? ACT_TEMPORARY : 0;
    (void)words_take(&words, "unlogged");
    (void)words_take(&words, "recursive");
    if (words_take(&words, "table"))
        acts_create_table(acts, &words, flags);
    else if (words_take(&words, "unique index"))
        read_create_index(acts, words, ACT_UNIQUE);
    else if (words_take(&words, "index"))
        read_create_index(acts, words, 0);
    else if (words_take_any(&words, "function procedure"))
        read_create_function(acts, words, flags);
    else if (words_take(&words, "view") || words_take(&words, "materialized view")) {
        (void)words_take(&words, "if not exists");
        struct words at = words;
        acts_add(acts, ACT_CREATE_VIEW, &at, name_or_empty(acts, &words))->flags |= flags;
    } else if (words_next_is(&words, "database") || words_next_is(&words, "tablespace"))
        acts_add(acts, ACT_ALONE, &words, NULL)->text =
            words_next_is(&words, "database") ? "CREATE DATABASE" : "CREATE TABLESPACE";
}

static void read_default_privileges(struct acts *acts, struct words words)
{
    struct words at = words;
    const char *role = "";
    if (words_take(&words, "for role") || words_take(&words, "for user"))
        role = name_or_empty(acts, &words);
    bool closes = words_skip_to(&words, "revoke") &&
                  (words_take(&words, "execute") || words_take(&words, "all")) &&
                  words_skip_to(&words, "on") && words_take_any(&words, "functions routines") &&
                  words_take(&words, "from public");
    if (closes)
        acts_add(acts, ACT_CLOSE_DEFAULTS, &at, NULL)->part = role;
}

static void read_alter(struct acts *acts, struct words words)
{
    struct words at = words;
    if (words_take(&words, "table"))
        acts_alter_table(acts, &words);
    else if (words_take(&words, "default privileges"))
        read_default_privileges(acts, words);
    else if (words_take_any(&words, "function procedure routine")) {
        if (words_have(words, "security definer") && !words_have(words, "set search_path"))
            acts_add(acts, ACT_ALTER_FUNCTION, &at, name_or_empty(acts, &words))->flags |=
                ACT_DEFINER;
    } else if (words_next_is(&words, "system"))
        acts_add(acts, ACT_ALONE, &words, NULL)->text = "ALTER SYSTEM";
}

/* DROP FUNCTION a(int, text), b: every name, without its arguments. */
static void read_drop(struct acts *acts, struct words words)
{
    static const char kinds[] = "table index view function procedure routine aggregate type domain "
                                "sequence schema trigger policy database tablespace extension";
    bool is_materialized = words_take(&words, "materialized");
    const char *kind = words.at < words.count ? words.items[words.at].name : "";
    if (!words_take_any(&words, kinds))
        return;
    if (strcmp(kind, "database") == 0 || strcmp(kind, "tablespace") == 0) {
        acts_add(acts, ACT_ALONE, &words, NULL)->text = "DROP DATABASE";
        return;
    }
    unsigned flags = words_take(&words, "concurrently") ? ACT_CONCURRENTLY : 0;
    flags |= words_take(&words, "if exists") ? ACT_IF_EXISTS : 0;
    struct words item;
    while (words_item(&words, &item)) {
        bool is_index = strcmp(kind, "index") == 0;
        struct words at = item;
        struct act *act =
            acts_add(acts, is_index ? ACT_DROP_INDEX : ACT_DROP, &at, name_or_empty(acts, &item));
        act->flags |= flags;
        act->text = is_materialized ? "view" : kind;
    }
}

static void read_comment(struct acts *acts, struct words words)
{
    struct words at = words;
    if (words.at >= words.count)
        return;
    (void)words_take(&words, "materialized");
    const char *kind = words.items[words.at++].name, *part = "";
    const char *object = words_name(&words, acts->arena);
    struct words rest = words;
    if (!object || (words_skip_to(&rest, "is") && words_next_is(&rest, "null")))
        return;
    char *dot = strcmp(kind, "column") == 0 ? strrchr(object, '.') : NULL;
    if (dot) {
        part = dot + 1;
        object = svc_arena_copy(acts->arena, object, (size_t)(dot - object));
    }
    struct act *act = acts_add(acts, ACT_COMMENT, &at, object);
    act->text = strcmp(kind, "procedure") == 0 || strcmp(kind, "routine") == 0 ? "function" : kind;
    act->part = part;
}

static bool is_api_role(const char *role)
{
    return strcmp(role, "public") == 0 || strcmp(role, "anon") == 0 ||
           strcmp(role, "authenticated") == 0 || strcmp(role, "service_role") == 0;
}

/* … ON FUNCTION a(int), b FROM PUBLIC: the names, without their arguments. */
static void read_functions(struct acts *acts, struct words words, enum act_kind kind)
{
    struct words item;
    while (words_item(&words, &item)) {
        struct words at = item;
        acts_add(acts, kind, &at, name_or_empty(acts, &item));
    }
}

static void read_privileges(struct acts *acts, struct words words, bool is_grant)
{
    struct words what = words, whom = words;
    const char *to = is_grant ? "to" : "from";
    if (!words_skip_to(&whom, to))
        return;
    struct words role;
    bool to_public = false;
    while (words_item(&whom, &role)) {
        struct words at = role;
        const char *name = name_or_empty(acts, &role);
        to_public |= strcmp(name, "public") == 0;
        if (!is_grant && !is_api_role(name))
            acts_add(acts, ACT_REVOKE, &at, NULL)->part = name;
    }
    if (!to_public || !words_skip_to(&what, "on"))
        return;
    enum act_kind kind = is_grant ? ACT_GRANT_FUNCTION : ACT_CLOSE_FUNCTION;
    if (words_take(&what, "all functions in schema") || words_take(&what, "all routines in schema"))
        acts_add(acts, kind, &what, NULL);
    else if (words_take_any(&what, "function procedure routine")) {
        struct words names = what;
        (void)words_skip_to(&what, to);
        names.count = what.at - 1;
        read_functions(acts, names, kind);
    }
}

static void read_set(struct acts *acts, struct words words)
{
    struct words at = words;
    (void)words_take_any(&words, "local session");
    if (words_take(&words, "role"))
        acts_add(acts, ACT_SET_ROLE, &at, NULL)->part =
            words_next_is(&words, "none") ? "" : name_or_empty(acts, &words);
}

static void read_reindex(struct acts *acts, struct words words)
{
    if (words_have(words, "concurrently"))
        acts_add(acts, ACT_REINDEX, &words, NULL)->flags |= ACT_CONCURRENTLY;
}

/* The inside of a string or dollar quote. Escapes and doubled quotes stay: names rarely have any.
 */
static size_t inside(const char *text, const struct word *word, size_t *ret_end)
{
    const char *begin = text + word->offset;
    size_t tag = 1;
    if (word->kind == TOKEN_DOLLAR)
        tag = (size_t)((const char *)memchr(begin + 1, '$', word->len - 1) - begin) + 1;
    const char *open = word->kind == TOKEN_DOLLAR ? begin : memchr(begin, '\'', word->len);
    *ret_end = word->offset + word->len - tag;
    return (size_t)(open - text) + tag;
}

static bool mentions(const char *text, const struct word *word, const char *what)
{
    size_t len = strlen(what);
    for (size_t i = 0; i + len <= word->len; i++)
        if (strncasecmp(text + word->offset + i, what, len) == 0)
            return true;
    return false;
}

/* Commands that a block puts together with format() are not read, but these two are taken for
 * done. */
static void read_dynamic(struct acts *acts, const struct words *words)
{
    for (size_t i = 0; i < words->count; i++) {
        struct words at = {words->items, words->count, i};
        const struct word *word = &words->items[i];
        if (word->kind != TOKEN_STRING && word->kind != TOKEN_DOLLAR)
            continue;
        if (mentions(acts->text, word, "enable row level security"))
            acts_add(acts, ACT_DYNAMIC_RLS, &at, NULL);
        if (mentions(acts->text, word, "comment on column"))
            acts_add(acts, ACT_DYNAMIC_COMMENTS, &at, NULL);
    }
}

static void read_text(struct acts *acts, size_t begin, size_t end)
{
    struct lexer lexer = {.text = acts->text, .len = end, .at = begin, .counted = begin};
    struct statement statement;
    while (lexer_next_statement(&lexer, &statement)) {
        struct words words;
        words_read(acts->arena, acts->text, statement.offset, statement.offset + statement.len,
                   &words);
        acts_read(acts, words);
    }
}

/* One command of a block; words.at is its first word. */
static void read_command(struct acts *acts, struct words words)
{
    words.items += words.at;
    words.count -= words.at;
    words.at = 0;
    if (words_take(&words, "execute") && words.count == 2 &&
        (words.items[1].kind == TOKEN_STRING || words.items[1].kind == TOKEN_DOLLAR)) {
        size_t end, begin = inside(acts->text, &words.items[1], &end);
        read_text(acts, begin, end);
    } else if (words.at == 0)
        acts_read(acts, words);
}

/* PL/pgSQL: a command stands behind a semicolon or one of these words. */
static void read_block(struct acts *acts, size_t begin, size_t end)
{
    static const char openers[] = "begin then else loop ;";
    struct words words;
    words_read(acts->arena, acts->text, begin, end, &words);
    read_dynamic(acts, &words);
    while (words.at < words.count) {
        if (!words_take_any(&words, openers)) {
            words.at++;
            continue;
        }
        struct words rest = words;
        if (words_take_any(&rest, openers) || !words_skip_to(&rest, ";"))
            continue;
        struct words command = {words.items, rest.at - 1, words.at};
        read_command(acts, command);
    }
}

static void read_do(struct acts *acts, struct words words)
{
    for (; words.at < words.count; words.at++) {
        const struct word *word = &words.items[words.at];
        if (word->kind != TOKEN_DOLLAR && word->kind != TOKEN_STRING)
            continue;
        size_t end, begin = inside(acts->text, word, &end);
        unsigned flags = acts->flags;
        acts->flags |= ACT_IN_BLOCK;
        read_block(acts, begin, end);
        acts->flags = flags;
        return;
    }
}

/* END is a word of PL/pgSQL inside a block; BEGIN comes here only from an EXECUTE. */
static bool read_transaction(struct acts *acts, struct words words)
{
    struct words at = words;
    bool in_block = (acts->flags & ACT_IN_BLOCK) != 0;
    if (words_take(&words, "start transaction") || words_take(&words, "begin"))
        acts_add(acts, ACT_BEGIN, &at, NULL);
    else if (words_take(&words, "commit") || words_take(&words, "abort") ||
             words_take(&words, "prepare transaction") || (!in_block && words_take(&words, "end")))
        acts_add(acts, ACT_END, &at, NULL);
    else if (words_take(&words, "rollback")) {
        (void)words_take_any(&words, "work transaction");
        if (!words_next_is(&words, "to"))
            acts_add(acts, ACT_END, &at, NULL);
    } else
        return false;
    return true;
}

void acts_read(struct acts *acts, struct words words)
{
    struct words at = words;
    acts_rights(acts, &words);
    if (read_transaction(acts, words))
        return;
    if (words_take(&words, "create"))
        read_create(acts, words);
    else if (words_take(&words, "alter"))
        read_alter(acts, words);
    else if (words_take(&words, "drop"))
        read_drop(acts, words);
    else if (words_take(&words, "comment on"))
        read_comment(acts, words);
    else if (words_take(&words, "grant"))
        read_privileges(acts, words, true);
    else if (words_take(&words, "revoke"))
        read_privileges(acts, words, false);
    else if (words_take(&words, "set"))
        read_set(acts, words);
    else if (words_take(&words, "reset role") || words_take(&words, "reset all"))
        acts_add(acts, ACT_SET_ROLE, &at, NULL);
    else if (words_take(&words, "reindex"))
        read_reindex(acts, words);
    else if (words_take(&words, "vacuum"))
        acts_add(acts, ACT_ALONE, &at, NULL)->text = "VACUUM";
    else if (words_take(&words, "truncate"))
        acts_add(acts, ACT_TRUNCATE, &at, NULL)->flags |=
            words_have(words, "cascade") ? ACT_CASCADE : 0;
    else if (words_take(&words, "do"))
        read_do(acts, words);
}
