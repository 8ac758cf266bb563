/* PostgreSQL's lexical structure, as version 15's scanner has it (manual, section 4.1; with
 * standard_conforming_strings on): where tokens and where statements begin and end. One lexer for
 * messages, for files that run statement by statement, and for lint. Pure; any bytes will do. */
#pragma once

#include "svc/arena.h"

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
    TOKEN_WORD,       /* a keyword, or an identifier without quotes */
    TOKEN_IDENTIFIER, /* "…" or U&"…" */
    TOKEN_STRING,     /* '…' with its prefix E, B, X, N or U&, and its continuation lines */
    TOKEN_DOLLAR,     /* $tag$…$tag$ */
    TOKEN_NUMBER,
    TOKEN_PARAMETER, /* $1 */
    TOKEN_SYMBOL,    /* one byte that is none of the others; "::" is two of them */
    TOKEN_COMMENT,   /* one "--" line without its line end, or one block comment */
    TOKEN_UNCLOSED,  /* a quote or block comment without its end: all the rest of the text */
};

struct token {
    enum token_kind kind;
    size_t offset, len;
};

struct lexer {
    const char *text;
    size_t len, at; /* at: the next byte to read; begin with 0 */
    size_t counted; /* private: line ends before it are counted */
    unsigned line_ends;
};

/* The next token; white space is skipped. false: no more. */
bool lexer_next(struct lexer *lexer, struct token *ret);

/* From its first token to its last: without the semicolon, and without comments around it. Borrowed
 * from the file's text, so not NUL-terminated. */
struct statement {
    const char *text;
    size_t len, offset;
    unsigned line; /* of its first byte, from 1 */
};

/* The next statement that is not empty. Semicolons in quotes, comments, parentheses and BEGIN
 * ATOMIC … END end nothing. false: no more. */
bool lexer_next_statement(struct lexer *lexer, struct statement *ret);

struct statements {
    struct statement *items;
    size_t count;
};

/* All of them. Executed one by one they do what the whole text does in one simple query; only a
 * text that sets standard_conforming_strings is read differently. */
void lexer_split(struct svc_arena *arena, const char *text, size_t len, struct statements *ret);

/* What a file says about itself: a line `-- migrate:<directive>` among the "--" lines that it
 * begins with (blank lines may come before them). Unknown ones are lint's business. */
struct directives {
    bool no_transaction, contract;
};
struct directives lexer_directives(const char *text, size_t len);
/* Where the comment block at the text's beginning ends. */
size_t lexer_head(const char *text, size_t len);
