/* Follows src/backend/parser/scan.l of PostgreSQL 15 where quotes and comments are concerned, and
 * gram.y for the two places where a semicolon inside a statement is legal: CREATE RULE's
 * parentheses and BEGIN ATOMIC bodies. */
#include "lexer.h"

#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Any byte of a character that is not ASCII may stand in an identifier. */
static bool begins_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_tag(char c)
{
    return begins_word(c) || is_digit(c);
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\f' || is_line_end(c);
}

static bool sees(const struct lexer *s, size_t at, const char *what)
{
    size_t len = strlen(what);
    return s->len - at >= len && memcmp(s->text + at, what, len) == 0;
}

static char char_at(const struct lexer *s, size_t at)
{
    return at < s->len ? s->text[at] : '\0';
}

static size_t line_end(const struct lexer *s, size_t at)
{
    while (at < s->len && !is_line_end(s->text[at]))
        at++;
    return at;
}

/* Where the string goes on when the quote at `at - 1` closed its first piece: pieces with a line
 * end between them are one literal, read by the first one's rules. 0: it does not go on. */
static size_t continuation(const struct lexer *s, size_t at)
{
    while (char_at(s, at) == ' ' || char_at(s, at) == '\t' || char_at(s, at) == '\f')
        at++;
    if (sees(s, at, "--"))
        at = line_end(s, at);
    if (at >= s->len || !is_line_end(s->text[at]))
        return 0;
    for (;;) {
        while (at < s->len && is_space(s->text[at]))
            at++;
        if (!sees(s, at, "--"))
            return char_at(s, at) == '\'' ? at + 1 : 0;
        at = line_end(s, at);
    }
}

/* Each scan_… moves s->at behind its token; false: it has no end. */

/* A doubled quote is one quote, and so is no end. */
static bool scan_quoted(struct lexer *s, char quote, bool escapes)
{
    for (; s->at < s->len; s->at++) {
        if (escapes && s->text[s->at] == '\\') {
            s->at++;
            continue;
        }
        if (s->text[s->at] != quote)
            continue;
        size_t next = quote == '\'' ? continuation(s, s->at + 1) : 0;
        if (char_at(s, s->at + 1) == quote)
            s->at++;
        else if (next)
            s->at = next - 1;
        else {
            s->at++;
            return true;
        }
    }
    s->at = s->len;
    return false;
}

/* Block comments nest. */
static bool scan_block_comment(struct lexer *s)
{
    unsigned depth = 0;
    while (s->at < s->len) {
        if (sees(s, s->at, "/*"))
            depth++;
        else if (sees(s, s->at, "*/"))
            depth--;
        else {
            s->at++;
            continue;
        }
        s->at += 2;
        if (depth == 0)
            return true;
    }
    return false;
}

/* The length of a dollar quote's tag with both dollars; 0: there is none. */
static size_t dollar_tag(const struct lexer *s)
{
    size_t end = s->at + 1;
    if (begins_word(char_at(s, end)))
        while (is_tag(char_at(s, end)))
            end++;
    return char_at(s, end) == '$' ? end + 1 - s->at : 0;
}

static bool scan_dollar_quoted(struct lexer *s, size_t tag)
{
    const char *begin = s->text + s->at, *body = begin + tag;
    const char *end = memmem(body, s->len - s->at - tag, begin, tag);
    s->at = end ? (size_t)(end - s->text) + tag : s->len;
    return end != NULL;
}

/* What follows the digits without a space is an error for the server, so it may belong here. */
static void scan_number(struct lexer *s)
{
    while (is_tag(char_at(s, s->at)))
        s->at++;
    if (char_at(s, s->at) == '.' && char_at(s, s->at + 1) != '.')
        for (s->at++; is_tag(char_at(s, s->at));)
            s->at++;
}

static void scan_word(struct lexer *s)
{
    while (is_tag(char_at(s, s->at)) || char_at(s, s->at) == '$')
        s->at++;
}

/* The length of what stands in front of the opening quote; only there these letters are no word. */
static size_t quote_prefix(const struct lexer *s)
{
    char c = (char)(char_at(s, s->at) | 0x20);
    if (c == 'u' && char_at(s, s->at + 1) == '&' &&
        (char_at(s, s->at + 2) == '\'' || char_at(s, s->at + 2) == '"'))
        return 2;
    return (c == 'e' || c == 'b' || c == 'x' || c == 'n') && char_at(s, s->at + 1) == '\'' ? 1 : 0;
}

static enum token_kind scan_string(struct lexer *s)
{
    bool escapes = (char_at(s, s->at) | 0x20) == 'e';
    s->at += quote_prefix(s);
    char quote = s->text[s->at++];
    if (!scan_quoted(s, quote, escapes))
        return TOKEN_UNCLOSED;
    return quote == '"' ? TOKEN_IDENTIFIER : TOKEN_STRING;
}

static enum token_kind scan_dollar(struct lexer *s)
{
    size_t tag = dollar_tag(s);
    if (tag)
        return scan_dollar_quoted(s, tag) ? TOKEN_DOLLAR : TOKEN_UNCLOSED;
    s->at++;
    if (!is_digit(char_at(s, s->at)))
        return TOKEN_SYMBOL;
    while (is_tag(char_at(s, s->at)))
        s->at++;
    return TOKEN_PARAMETER;
}

static enum token_kind scan(struct lexer *s)
{
    char c = s->text[s->at];
    if (sees(s, s->at, "--")) {
        s->at = line_end(s, s->at);
        return TOKEN_COMMENT;
    }
    if (sees(s, s->at, "/*"))
        return scan_block_comment(s) ? TOKEN_COMMENT : TOKEN_UNCLOSED;
    if (c == '\'' || c == '"' || quote_prefix(s))
        return scan_string(s);
    if (c == '$')
        return scan_dollar(s);
    if (is_digit(c) || (c == '.' && is_digit(char_at(s, s->at + 1)))) {
        scan_number(s);
        return TOKEN_NUMBER;
    }
    if (begins_word(c)) {
        scan_word(s);
        return TOKEN_WORD;
    }
    s->at++;
    return TOKEN_SYMBOL;
}

bool lexer_next(struct lexer *lexer, struct token *ret)
{
    while (lexer->at < lexer->len && is_space(lexer->text[lexer->at]))
        lexer->at++;
    if (lexer->at >= lexer->len)
        return false;
    ret->offset = lexer->at;
    ret->kind = scan(lexer);
    ret->len = lexer->at - ret->offset;
    return true;
}

/* How far a statement begins like CREATE [OR REPLACE] FUNCTION|PROCEDURE: only such a one has a
 * body between BEGIN ATOMIC and END. */
enum head { HEAD_START, HEAD_CREATE, HEAD_OR, HEAD_REPLACE, HEAD_ROUTINE, HEAD_OTHER };

struct nesting {
    enum head head; /* of the statement, or of the present one in a body */
    unsigned parens;
    unsigned bodies;     /* open BEGIN ATOMIC */
    unsigned cases;      /* open CASE … END in the innermost body */
    bool begins;         /* nothing was read since the last semicolon or BEGIN ATOMIC */
    struct token before; /* the last token */
};

static bool is_word(const struct lexer *s, const struct token *token, const char *word)
{
    return token->kind == TOKEN_WORD && token->len == strlen(word) &&
           strncasecmp(s->text + token->offset, word, token->len) == 0;
}

static bool is_symbol(const struct lexer *s, const struct token *token, char symbol)
{
    return token->kind == TOKEN_SYMBOL && s->text[token->offset] == symbol;
}

static bool next_significant(struct lexer *s, struct token *ret)
{
    while (lexer_next(s, ret))
        if (ret->kind != TOKEN_COMMENT)
            return true;
    return false;
}

static enum head next_head(const struct lexer *s, const struct token *token, enum head head)
{
    bool is_routine = is_word(s, token, "function") || is_word(s, token, "procedure");
    switch (head) {
    case HEAD_START:
        return is_word(s, token, "create") ? HEAD_CREATE : HEAD_OTHER;
    case HEAD_CREATE:
        if (is_word(s, token, "or"))
            return HEAD_OR;
        return is_routine ? HEAD_ROUTINE : HEAD_OTHER;
    case HEAD_OR:
        return is_word(s, token, "replace") ? HEAD_REPLACE : HEAD_OTHER;
    case HEAD_REPLACE:
        return is_routine ? HEAD_ROUTINE : HEAD_OTHER;
    default:
        return head;
    }
}

/* A column's label may be any keyword: `SELECT 1 AS end`, `t.case`, `SELECT 1 case, 2`. */
static bool is_label(const struct lexer *s, const struct nesting *nesting)
{
    return is_symbol(s, &nesting->before, '.') || is_word(s, &nesting->before, "as");
}

/* CASE begins an expression unless what follows can begin none. */
static bool opens_case(const struct lexer *s, const struct nesting *nesting)
{
    static const char *const clauses[] = {
        "from",  "where", "group",  "having", "window", "union", "intersect", "except",
        "order", "limit", "offset", "fetch",  "for",    "into",  "on",        "returning"};
    struct lexer ahead = *s;
    struct token next;
    if (is_label(s, nesting) || !next_significant(&ahead, &next) || is_symbol(s, &next, ',') ||
        is_symbol(s, &next, ';'))
        return false;
    for (size_t i = 0; i < sizeof clauses / sizeof *clauses; i++)
        if (is_word(s, &next, clauses[i]))
            return false;
    return true;
}

/* The second word of BEGIN ATOMIC is taken, too. */
static bool opens_body(struct lexer *s, const struct token *token)
{
    struct lexer ahead = *s;
    struct token next;
    if (!is_word(s, token, "begin") || !next_significant(&ahead, &next) ||
        !is_word(s, &next, "atomic"))
        return false;
    *s = ahead;
    return true;
}

/* Inside a body END closes the innermost CASE; the body itself only where a statement would begin,
 * elsewhere it is a label. */
static void enter_word(struct lexer *s, const struct token *token, struct nesting *nesting)
{
    bool begins = nesting->begins;
    nesting->begins = false;
    if (nesting->head == HEAD_ROUTINE && opens_body(s, token)) {
        nesting->bodies++;
        nesting->head = HEAD_START;
        nesting->begins = true;
    } else if (nesting->bodies == 0)
        return;
    else if (is_word(s, token, "case") && opens_case(s, nesting))
        nesting->cases++;
    else if (is_word(s, token, "end") && !is_label(s, nesting)) {
        if (nesting->cases > 0)
            nesting->cases--;
        else if (begins) {
            nesting->bodies--;
            nesting->head = HEAD_OTHER;
        }
    }
}

/* false: the token is a semicolon that ends the statement. */
static bool enter(struct lexer *s, const struct token *token, struct nesting *nesting)
{
    if (is_symbol(s, token, ';') && nesting->parens == 0) {
        if (nesting->bodies == 0)
            return false;
        nesting->head = HEAD_START;
        nesting->begins = true;
        nesting->before = *token;
        return true;
    }
    if (is_symbol(s, token, '('))
        nesting->parens++;
    else if (is_symbol(s, token, ')') && nesting->parens > 0)
        nesting->parens--;
    enum head head = nesting->head;
    if (token->kind == TOKEN_WORD && nesting->parens == 0)
        enter_word(s, token, nesting);
    else
        nesting->begins = false;
    if (nesting->head == head)
        nesting->head = next_head(s, token, head);
    nesting->before = *token;
    return true;
}

static unsigned line_of(struct lexer *lexer, size_t offset)
{
    for (; lexer->counted < offset; lexer->counted++)
        lexer->line_ends += lexer->text[lexer->counted] == '\n' ? 1 : 0;
    return lexer->line_ends + 1;
}

bool lexer_next_statement(struct lexer *lexer, struct statement *ret)
{
    struct nesting nesting = {.head = HEAD_START};
    struct token token;
    size_t begin = 0, end = 0;
    while (next_significant(lexer, &token)) {
        bool is_empty = end == 0;
        if (enter(lexer, &token, &nesting)) {
            begin = is_empty ? token.offset : begin;
            end = lexer->at;
        } else if (!is_empty)
            break;
    }
    if (end == 0)
        return false;
    *ret = (struct statement){lexer->text + begin, end - begin, begin, line_of(lexer, begin)};
    return true;
}

void lexer_split(struct svc_arena *arena, const char *text, size_t len, struct statements *ret)
{
    struct statement statement;
    size_t count = 0;
    struct lexer counting = {.text = text, .len = len};
    while (lexer_next_statement(&counting, &statement))
        count++;
    ret->items = svc_arena_alloc(arena, (count ? count : 1) * sizeof *ret->items);
    ret->count = 0;
    struct lexer lexer = {.text = text, .len = len};
    while (ret->count < count && lexer_next_statement(&lexer, &ret->items[ret->count]))
        ret->count++;
}

static size_t next_line(const char *text, size_t len, size_t at)
{
    const char *end = memchr(text + at, '\n', len - at);
    return end ? (size_t)(end - text) + 1 : len;
}

static size_t skip_spaces(const char *text, size_t at, size_t end)
{
    while (at < end && is_space(text[at]))
        at++;
    return at;
}

size_t lexer_head(const char *text, size_t len)
{
    size_t at = skip_spaces(text, 0, len);
    for (;;) {
        size_t end = next_line(text, len, at), begin = skip_spaces(text, at, end);
        if (end - begin < 2 || memcmp(text + begin, "--", 2) != 0)
            return at;
        at = end;
    }
}

static bool line_says(const char *text, size_t at, size_t end, const char *what)
{
    size_t len = strlen(what);
    at = skip_spaces(text, skip_spaces(text, at, end) + 2, end);
    while (end > at && is_space(text[end - 1]))
        end--;
    return end - at == len && memcmp(text + at, what, len) == 0;
}

struct directives lexer_directives(const char *text, size_t len)
{
    struct directives found = {0};
    size_t head = lexer_head(text, len);
    for (size_t at = skip_spaces(text, 0, head); at < head; at = next_line(text, head, at)) {
        size_t end = next_line(text, head, at);
        found.no_transaction |= line_says(text, at, end, "migrate:no-transaction");
        found.contract |= line_says(text, at, end, "migrate:contract");
    }
    return found;
}
