/* A statement as a row of words, and a cursor in it. Comments are left out. */
#pragma once

#include "lexer.h"

#include "svc/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct word {
    enum token_kind kind;
    size_t offset, len; /* in the file */
    const char *name;   /* TOKEN_WORD: in lower case; TOKEN_IDENTIFIER: without its quotes;
                           TOKEN_SYMBOL: the byte; else "" */
};

struct words {
    const struct word *items;
    size_t count, at;
};

/* The words of text[begin, end); offsets are the text's. */
void words_read(struct svc_arena *arena, const char *text, size_t begin, size_t end,
                struct words *ret);

/* Is the next word, or the word at an index, this keyword or symbol? */
bool words_next_is(const struct words *words, const char *name);
bool words_is(const struct words *words, size_t at, const char *name);
/* Go behind these words, separated by single spaces, if they come next. words_see stays. */
bool words_see(const struct words *words, const char *names);
bool words_take(struct words *words, const char *names);
/* Go behind the next word if it is one of these. */
bool words_take_any(struct words *words, const char *names);
/* Go behind the next occurrence outside of parentheses of these words; stay when there is none. */
bool words_skip_to(struct words *words, const char *names);
/* Do these words come anywhere from the cursor on, outside of parentheses? */
bool words_have(struct words words, const char *names);

/* A name with its dots, the schema "public" left out; NULL: no name comes next. */
const char *words_name(struct words *words, struct svc_arena *arena);
/* The words between a parenthesis that comes next and its end; false: none comes next. */
bool words_group(struct words *words, struct words *ret);
/* The words up to the next comma outside of parentheses, which is passed; false: at the end. */
bool words_item(struct words *words, struct words *ret);
/* The offset of the next word; at the end, of the last one. */
size_t words_offset(const struct words *words);
