/* Taking a statement apart, word by word. */
#include "lint_words.h"

#include <string.h>

static const char *lower(struct svc_arena *arena, const char *text, size_t len)
{
    char *copy = svc_arena_copy(arena, text, len);
    for (size_t i = 0; i < len; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] | 0x20);
    return copy;
}

/* Doubled quotes are one; U& escapes are left as they are. */
static const char *unquoted(struct svc_arena *arena, const char *text, size_t len)
{
    const char *quote = memchr(text, '"', len);
    char *copy = svc_arena_alloc(arena, len + 1);
    size_t count = 0;
    for (size_t i = (size_t)(quote - text) + 1; i + 1 < len; i++) {
        copy[count++] = text[i];
        i += text[i] == '"' ? 1 : 0;
    }
    return copy;
}

static const char *name_of(struct svc_arena *arena, const char *text, const struct token *token)
{
    switch (token->kind) {
    case TOKEN_WORD:
        return lower(arena, text + token->offset, token->len);
    case TOKEN_IDENTIFIER:
        return unquoted(arena, text + token->offset, token->len);
    case TOKEN_SYMBOL:
        return svc_arena_copy(arena, text + token->offset, token->len);
    default:
        return "";
    }
}

static size_t count_words(const char *text, size_t begin, size_t end)
{
    struct lexer lexer = {.text = text, .len = end, .at = begin};
    struct token token;
    size_t count = 0;
    while (lexer_next(&lexer, &token))
        count++;
    return count;
}

void words_read(struct svc_arena *arena, const char *text, size_t begin, size_t end,
                struct words *ret)
{
    struct lexer lexer = {.text = text, .len = end, .at = begin};
    struct token token;
    struct word *items =
        svc_arena_alloc(arena, (count_words(text, begin, end) + 1) * sizeof *items);
    *ret = (struct words){.items = items};
    while (lexer_next(&lexer, &token))
        if (token.kind != TOKEN_COMMENT)
            items[ret->count++] =
                (struct word){token.kind, token.offset, token.len, name_of(arena, text, &token)};
}

static bool word_is(const struct word *word, const char *name, size_t len)
{
    return (word->kind == TOKEN_WORD || word->kind == TOKEN_SYMBOL) &&
           strncmp(word->name, name, len) == 0 && word->name[len] == '\0';
}

bool words_is(const struct words *words, size_t at, const char *name)
{
    return at < words->count && word_is(&words->items[at], name, strlen(name));
}

bool words_next_is(const struct words *words, const char *name)
{
    return words_is(words, words->at, name);
}

static size_t see(const struct words *words, size_t at, const char *names)
{
    size_t begin = at;
    for (; *names; at++) {
        size_t len = strcspn(names, " ");
        if (at >= words->count || !word_is(&words->items[at], names, len))
            return 0;
        names += len + (names[len] ? 1 : 0);
    }
    return at - begin;
}

bool words_see(const struct words *words, const char *names)
{
    return see(words, words->at, names) > 0;
}

bool words_take(struct words *words, const char *names)
{
    size_t count = see(words, words->at, names);
    words->at += count;
    return count > 0;
}

bool words_take_any(struct words *words, const char *names)
{
    for (size_t len; *names; names += len + (names[len] ? 1 : 0)) {
        len = strcspn(names, " ");
        if (words->at < words->count && word_is(&words->items[words->at], names, len)) {
            words->at++;
            return true;
        }
    }
    return false;
}

bool words_skip_to(struct words *words, const char *names)
{
    unsigned depth = 0;
    for (size_t at = words->at; at < words->count; at++) {
        size_t count = depth == 0 ? see(words, at, names) : 0;
        if (count) {
            words->at = at + count;
            return true;
        }
        depth += words_is(words, at, "(") ? 1 : 0;
        depth -= words_is(words, at, ")") && depth > 0 ? 1 : 0;
    }
    return false;
}

bool words_have(struct words words, const char *names)
{
    return words_skip_to(&words, names);
}

static bool is_name(const struct words *words, size_t at)
{
    return at < words->count &&
           (words->items[at].kind == TOKEN_WORD || words->items[at].kind == TOKEN_IDENTIFIER);
}

const char *words_name(struct words *words, struct svc_arena *arena)
{
    const char *name = NULL;
    while (is_name(words, words->at)) {
        const char *part = words->items[words->at++].name;
        bool is_public = name && strcmp(name, "public") == 0;
        name = name && !is_public ? svc_arena_printf(arena, "%s.%s", name, part) : part;
        if (!words_take(words, "."))
            break;
    }
    return name;
}

bool words_group(struct words *words, struct words *ret)
{
    unsigned depth = 0;
    if (!words_next_is(words, "("))
        return false;
    *ret = (struct words){.items = words->items + words->at + 1};
    for (; words->at < words->count; words->at++) {
        depth += words_next_is(words, "(") ? 1 : 0;
        depth -= words_next_is(words, ")") ? 1 : 0;
        if (depth == 0)
            break;
    }
    ret->count = (size_t)(words->items + words->at - ret->items);
    words->at += words->at < words->count ? 1 : 0;
    return true;
}

bool words_item(struct words *words, struct words *ret)
{
    unsigned depth = 0;
    if (words->at >= words->count)
        return false;
    *ret = (struct words){.items = words->items + words->at};
    for (; words->at < words->count; words->at++) {
        if (depth == 0 && words_next_is(words, ","))
            break;
        depth += words_next_is(words, "(") ? 1 : 0;
        depth -= words_next_is(words, ")") && depth > 0 ? 1 : 0;
    }
    ret->count = (size_t)(words->items + words->at - ret->items);
    words->at += words->at < words->count ? 1 : 0;
    return true;
}

size_t words_offset(const struct words *words)
{
    size_t at = words->at < words->count ? words->at : words->count - 1;
    return words->count > 0 ? words->items[at].offset : 0;
}
