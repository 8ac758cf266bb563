/* What a file says about itself in "-- migrate:" lines, and whether its statements agree. */
#include "lint.h"
#include "lint_file.h"

#include <string.h>

/* A piece of a comment. */
struct piece {
    const char *text;
    size_t len;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct piece trimmed(struct piece piece)
{
    while (piece.len > 0 && is_blank(*piece.text)) {
        piece.text++;
        piece.len--;
    }
    while (piece.len > 0 && is_blank(piece.text[piece.len - 1]))
        piece.len--;
    return piece;
}

static struct piece next_word(struct piece *rest)
{
    struct piece word = trimmed(*rest);
    size_t len = 0;
    while (len < word.len && !is_blank(word.text[len]))
        len++;
    *rest = trimmed((struct piece){word.text + len, word.len - len});
    return (struct piece){word.text, len};
}

static bool piece_is(struct piece piece, const char *text)
{
    return piece.len == strlen(text) && memcmp(piece.text, text, piece.len) == 0;
}

/* "-- migrate:<word> <rest>"; false: an ordinary comment. */
static bool read_directive(const struct lint_file *file, const struct token *token,
                           struct piece *ret_word, struct piece *ret_rest)
{
    static const char mark[] = "migrate:";
    struct piece comment = {file->text + token->offset, token->len};
    if (comment.len < 2 || memcmp(comment.text, "--", 2) != 0)
        return false;
    *ret_rest = (struct piece){comment.text + 2, comment.len - 2};
    *ret_word = next_word(ret_rest);
    if (ret_word->len < sizeof mark - 1 || memcmp(ret_word->text, mark, sizeof mark - 1) != 0)
        return false;
    ret_word->text += sizeof mark - 1;
    ret_word->len -= sizeof mark - 1;
    return true;
}

/* The statement that an offset is in front of or, then *ret_inside, inside of. */
static size_t statement_at(const struct lint_file *file, size_t offset, bool *ret_inside)
{
    size_t i = 0;
    const struct statement *items = file->statements.items;
    while (i < file->statements.count && items[i].offset + items[i].len <= offset)
        i++;
    *ret_inside = i < file->statements.count && items[i].offset <= offset;
    return i < file->statements.count ? i : NO_STATEMENT;
}

static enum lint_rule_id find_rule(struct piece name)
{
    size_t i = 0;
    while (i < LINT_RULE_COUNT && !piece_is(name, lint_rules[i].name))
        i++;
    return (enum lint_rule_id)i;
}

/* One rule of a line. */
static void read_ignored(struct lint_file *file, size_t offset, struct piece name, bool has_reason)
{
    bool inside;
    struct ignore *ignore = &file->ignores[file->ignore_count];
    *ignore = (struct ignore){.rule = find_rule(name), .offset = offset};
    ignore->statement = statement_at(file, offset, &inside);
    if (ignore->rule == LINT_RULE_COUNT)
        lint_add(
            file, LINT_BAD_IGNORE, offset, NO_STATEMENT,
            svc_arena_printf(file->arena, "there is no rule \"%.*s\"", (int)name.len, name.text));
    else if (!has_reason)
        lint_add(file, LINT_BAD_IGNORE, offset, NO_STATEMENT, "the reason is missing");
    else if (inside)
        lint_add(file, LINT_BAD_IGNORE, offset, NO_STATEMENT, "it stands inside of a statement");
    else
        file->ignore_count++;
}

/* "<rule>[,<rule>…] <reason>" */
static void read_ignore(struct lint_file *file, size_t offset, struct piece rest)
{
    struct piece names = next_word(&rest);
    for (;;) {
        const char *comma = memchr(names.text, ',', names.len);
        size_t len = comma ? (size_t)(comma - names.text) : names.len;
        read_ignored(file, offset, (struct piece){names.text, len}, rest.len > 0);
        if (!comma)
            return;
        names = (struct piece){comma + 1, names.len - len - 1};
    }
}

static void check_directive(struct lint_file *file, size_t offset, struct piece word,
                            struct piece rest)
{
    const char *fault = NULL;
    bool is_contract = piece_is(word, "contract");
    if (!is_contract && !piece_is(word, "no-transaction"))
        fault = "there is no such directive";
    else if (rest.len > 0)
        fault = "nothing may follow the directive on its line";
    else if (offset >= lexer_head(file->text, file->len))
        fault = "it counts only in the comment that the file begins with";
    else if (file->kind == FILE_VERIFY || (is_contract && file->kind == FILE_DOWN))
        fault = "it means nothing in this kind of file";
    if (fault)
        lint_add(file, LINT_DIRECTIVE, offset, NO_STATEMENT, fault);
}

/* How many rules the comments of a file can name at most. */
static size_t count_ignores(const struct lint_file *file)
{
    struct lexer lexer = {.text = file->text, .len = file->len};
    struct token token;
    size_t count = 0;
    while (lexer_next(&lexer, &token)) {
        if (token.kind != TOKEN_COMMENT)
            continue;
        count++;
        for (size_t i = 0; i < token.len; i++)
            count += file->text[token.offset + i] == ',' ? 1 : 0;
    }
    return count;
}

void lint_read_ignores(struct lint_file *file)
{
    struct lexer lexer = {.text = file->text, .len = file->len};
    struct token token;
    struct piece word, rest;
    file->ignores = svc_arena_alloc(file->arena, (count_ignores(file) + 1) * sizeof *file->ignores);
    while (lexer_next(&lexer, &token))
        if (token.kind == TOKEN_COMMENT && read_directive(file, &token, &word, &rest)) {
            if (piece_is(word, "ignore"))
                read_ignore(file, token.offset, rest);
            else
                check_directive(file, token.offset, word, rest);
        }
}

void lint_use_ignores(struct lint_file *file)
{
    size_t kept = 0, count = file->finding_count;
    for (size_t i = 0; i < count; i++) {
        const struct finding *finding = &file->findings[i];
        bool ignored = false;
        for (size_t k = 0; k < file->ignore_count; k++) {
            struct ignore *ignore = &file->ignores[k];
            if (finding->statement != NO_STATEMENT && ignore->statement == finding->statement &&
                ignore->rule == finding->rule)
                ignored = ignore->used = true;
        }
        if (!ignored)
            file->findings[kept++] = *finding;
    }
    file->finding_count = kept;
    for (size_t k = 0; k < file->ignore_count; k++)
        if (!file->ignores[k].used)
            lint_add(file, LINT_UNUSED_IGNORE, file->ignores[k].offset, NO_STATEMENT,
                     svc_arena_printf(file->arena, "%s finds nothing here",
                                      lint_rules[file->ignores[k].rule].name));
}

/* ALTER TABLE t VALIDATE CONSTRAINT a, VALIDATE CONSTRAINT b */
static bool only_validates(struct lint_file *file, struct words words)
{
    struct words action;
    (void)words_take(&words, "if exists");
    (void)words_take(&words, "only");
    if (!words_name(&words, file->arena))
        return false;
    while (words_item(&words, &action))
        if (!words_take(&action, "validate constraint"))
            return false;
    return true;
}

/* What may be run again after an interruption, and outside of a transaction. */
static bool may_be_alone(struct lint_file *file, struct words words)
{
    if (words_take(&words, "create index") || words_take(&words, "create unique index") ||
        words_take(&words, "drop index"))
        return words_next_is(&words, "concurrently");
    if (words_take(&words, "reindex"))
        return words_have(words, "concurrently");
    if (words_take(&words, "alter table"))
        return only_validates(file, words);
    return words_take_any(&words, "vacuum analyze analyse do call comment");
}

static void check_alone(struct lint_file *file, size_t number)
{
    const struct statement *statement = &file->statements.items[number];
    struct words words;
    words_read(file->arena, file->text, statement->offset, statement->offset + statement->len,
               &words);
    if (!may_be_alone(file, words))
        lint_add(file, LINT_DIRECTIVE, statement->offset, number,
                 "this statement does not belong into a no-transaction file");
}

static bool ends_later(const struct lint_file *file, const struct act *begin)
{
    for (const struct act *act = begin + 1; act < file->acts.items + file->acts.count; act++)
        if (act->kind == ACT_END)
            return true;
    return false;
}

static void check_act(struct lint_file *file, const struct act *act)
{
    bool alone = file->directives.no_transaction;
    if (!alone && (act->kind == ACT_BEGIN || act->kind == ACT_END))
        lint_act(file, LINT_NESTING, act, "the file has a transaction already");
    if (act->kind == ACT_BEGIN && !ends_later(file, act))
        lint_act(file, LINT_UNCOMMITTED, act, "no COMMIT follows");
    if (!alone && act->kind == ACT_ALONE)
        lint_act(file, LINT_DIRECTIVE, act, "no transaction may have %s", act->text);
    if (alone && (act->kind == ACT_CREATE_INDEX || act->kind == ACT_DROP_INDEX) &&
        !(act->flags & ACT_IF_EXISTS))
        lint_act(file, LINT_ROBUST, act, "it fails when it is run again");
}

void lint_directives(struct lint_file *file)
{
    for (size_t i = 0; i < file->acts.count; i++)
        check_act(file, &file->acts.items[i]);
    for (size_t i = 0; file->directives.no_transaction && i < file->statements.count; i++)
        check_alone(file, i);
}
