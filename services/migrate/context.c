/* CONTEXT has one frame per line, the innermost first:
 *
 *   PL/pgSQL function f(integer) line 3 at RAISE
 *   compilation of PL/pgSQL function "f" near line 2
 *   SQL function "f" statement 2
 *
 * with other lines between them. PL/pgSQL calls a DO block inline_code_block and counts lines from
 * the opening quote. Of overloaded functions the one that the file defines last is taken. */
#include "context.h"

#include "position.h"

#include "svc/text.h"

#include <string.h>
#include <strings.h>

enum { NAME_MAX_BYTES = 64, LINE_MAX_NUMBER = 10000000 };

enum unit { UNIT_LINE, UNIT_STATEMENT };

struct frame {
    char name[NAME_MAX_BYTES]; /* without schema, arguments and quotes */
    enum unit unit;
    uint64_t number; /* from 1 */
};

struct span {
    size_t begin, end;
};

static bool token_is(const char *text, const struct token *token, const char *word)
{
    return token->kind == TOKEN_WORD && token->len == strlen(word) &&
           strncasecmp(text + token->offset, word, token->len) == 0;
}

static bool next_code(struct lexer *lexer, struct token *ret)
{
    while (lexer_next(lexer, ret))
        if (ret->kind != TOKEN_COMMENT)
            return true;
    return false;
}

/* An identifier as the catalog has it; "" when it is too long to be one. */
static void set_name(char ret[NAME_MAX_BYTES], const char *text, const struct token *token)
{
    size_t len = 0;
    bool quoted = token->kind == TOKEN_IDENTIFIER;
    for (size_t i = quoted ? 1 : 0; i + (quoted ? 1 : 0) < token->len; i++) {
        char c = text[token->offset + i];
        if (len + 1 == NAME_MAX_BYTES) {
            len = 0;
            break;
        }
        ret[len++] = !quoted && c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        i += quoted && c == '"' ? 1 : 0;
    }
    ret[len] = '\0';
}

/* [schema.]name at the lexer; the token after it is not taken. */
static bool read_name(struct lexer *lexer, char ret[NAME_MAX_BYTES])
{
    struct token token;
    for (;;) {
        if (!next_code(lexer, &token) ||
            (token.kind != TOKEN_WORD && token.kind != TOKEN_IDENTIFIER))
            return false;
        set_name(ret, lexer->text, &token);
        struct lexer ahead = *lexer;
        if (!next_code(&ahead, &token) || token.kind != TOKEN_SYMBOL ||
            lexer->text[token.offset] != '.')
            return true;
        *lexer = ahead;
    }
}

static uint64_t number_after(const char *line, size_t len, const char *word)
{
    const char *found = memmem(line, len, word, strlen(word));
    char digits[12] = "";
    uint64_t number = 0;
    if (!found)
        return 0;
    found += strlen(word);
    size_t count = strspn(found, "0123456789");
    if (count == 0 || count >= sizeof digits)
        return 0;
    memcpy(digits, found, count);
    return svc_parse_u64(digits, 1, LINE_MAX_NUMBER, &number) == 0 ? number : 0;
}

static bool read_frame(const char *line, size_t len, struct frame *ret)
{
    static const char pl[] = "PL/pgSQL function ", sql[] = "SQL function ";
    const char *found = memmem(line, len, pl, sizeof pl - 1);
    size_t skip = sizeof pl - 1;
    ret->unit = UNIT_LINE;
    if (!found) {
        found = len > sizeof sql && memcmp(line, sql, sizeof sql - 1) == 0 ? line : NULL;
        skip = sizeof sql - 1;
        ret->unit = UNIT_STATEMENT;
    }
    if (!found)
        return false;
    found += skip;
    struct lexer lexer = {.text = found, .len = len - (size_t)(found - line)};
    if (!read_name(&lexer, ret->name))
        return false;
    ret->number = number_after(found + lexer.at, lexer.len - lexer.at,
                               ret->unit == UNIT_LINE ? " line " : " statement ");
    return ret->number > 0;
}

/* The inside of a quoted body; doubled quotes and escapes are left as they are. */
static struct span inside(const char *text, const struct token *token)
{
    size_t begin = token->offset, end = token->offset + token->len;
    if (token->kind == TOKEN_DOLLAR) {
        const char *tag = memchr(text + begin + 1, '$', token->len - 1);
        size_t tag_len = (size_t)(tag - text) + 1 - begin;
        return (struct span){begin + tag_len, end - tag_len};
    }
    const char *quote = memchr(text + begin, '\'', token->len);
    return (struct span){(size_t)(quote - text) + 1, end - 1};
}

/* The body of a function stands behind AS or between BEGIN ATOMIC and END, that of a block is its
 * first string that names no language. */
static bool read_body(struct lexer *lexer, bool is_block, struct span *ret)
{
    const char *text = lexer->text;
    struct token token, before = {.kind = TOKEN_SYMBOL};
    unsigned parens = 0;
    for (; next_code(lexer, &token); before = token) {
        char symbol = token.kind == TOKEN_SYMBOL ? text[token.offset] : '\0';
        parens += symbol == '(' ? 1 : 0;
        parens -= symbol == ')' && parens > 0 ? 1 : 0;
        if (parens > 0)
            continue;
        if (token_is(text, &before, "begin") && token_is(text, &token, "atomic")) {
            *ret = (struct span){lexer->at, lexer->len};
            return true;
        }
        bool is_body =
            is_block ? !token_is(text, &before, "language") : token_is(text, &before, "as");
        if (is_body && (token.kind == TOKEN_STRING || token.kind == TOKEN_DOLLAR)) {
            *ret = inside(text, &token);
            return true;
        }
    }
    return false;
}

/* The lexer reads the migration up to the statement's end, so that offsets are the migration's. */
static struct lexer lexer_of(const struct context_error *error, const struct statement *statement)
{
    return (struct lexer){
        .text = error->text, .len = statement->offset + statement->len, .at = statement->offset};
}

static bool next_is(struct lexer *lexer, const char *word)
{
    struct lexer ahead = *lexer;
    struct token token;
    if (!next_code(&ahead, &token) || !token_is(lexer->text, &token, word))
        return false;
    *lexer = ahead;
    return true;
}

/* CREATE [OR REPLACE] FUNCTION|PROCEDURE name; the lexer stands behind the name. */
static bool defines(struct lexer *lexer, const char *name)
{
    char found[NAME_MAX_BYTES];
    if (!next_is(lexer, "create") || (next_is(lexer, "or") && !next_is(lexer, "replace")))
        return false;
    if (!next_is(lexer, "function") && !next_is(lexer, "procedure"))
        return false;
    return read_name(lexer, found) && strcmp(found, name) == 0;
}

static bool find_function(const struct context_error *error, const char *name, struct span *ret)
{
    struct lexer all = {.text = error->text, .len = error->len};
    struct statement statement;
    bool found = false;
    while (lexer_next_statement(&all, &statement) && statement.offset <= error->statement.offset) {
        struct lexer lexer = lexer_of(error, &statement);
        struct span body;
        if (!defines(&lexer, name) || !read_body(&lexer, false, &body))
            continue;
        *ret = body;
        found = true;
    }
    return found;
}

/* Only the outermost DO block is the file's own; `outer` are the frames around this one. */
static bool find_block(const struct context_error *error, const char *outer, struct span *ret)
{
    struct lexer lexer = lexer_of(error, &error->statement);
    return !strstr(outer, "inline_code_block") && next_is(&lexer, "do") &&
           read_body(&lexer, true, ret);
}

static size_t first_code(const char *text, struct span body, size_t at)
{
    while (at < body.end && strchr(" \t\r\f", text[at]))
        at++;
    return at;
}

static bool find_line(const char *text, struct span body, uint64_t line, size_t *ret)
{
    size_t at = body.begin;
    for (; line > 1; line--) {
        const char *end = memchr(text + at, '\n', body.end - at);
        if (!end)
            return false;
        at = (size_t)(end - text) + 1;
    }
    *ret = first_code(text, body, at);
    return true;
}

static bool find_statement(const char *text, struct span body, uint64_t number, size_t *ret)
{
    *ret = body.begin +
           position_statement(text + body.begin, body.end - body.begin, (unsigned)number - 1);
    return *ret < body.end;
}

/* Does the statement end here? */
static bool ends_at(const char *text, struct span body, size_t at)
{
    while (at < body.end && strchr(" \t\r\n\f", text[at]))
        at++;
    return at == body.end || text[at] == ';';
}

/* The internal query stands in the body as it is or, where PL/pgSQL changed its beginning (PERFORM,
 * INTO), from the place of the error on. */
static void refine(const struct context_error *error, struct span body, size_t *offset)
{
    if (!error->query || error->character == 0)
        return;
    const char *from = error->text + *offset;
    size_t left = body.end - *offset, len = strlen(error->query);
    size_t at = position_byte(error->query, len, error->character - 1);
    const char *found = len > 0 ? memmem(from, left, error->query, len) : NULL;
    if (found) {
        *offset = (size_t)(found - error->text) + at;
        return;
    }
    while (at < len && (found = memmem(from, left, error->query + at, len - at)) != NULL) {
        if (ends_at(error->text, body, (size_t)(found - error->text) + len - at)) {
            *offset = (size_t)(found - error->text);
            return;
        }
        left -= (size_t)(found - from) + 1;
        from = found + 1;
    }
}

static bool find_frame(const struct context_error *error, const struct frame *frame,
                       const char *outer, bool innermost, size_t *ret_offset)
{
    struct span body;
    bool is_block = strcmp(frame->name, "inline_code_block") == 0;
    if (is_block ? !find_block(error, outer, &body) : !find_function(error, frame->name, &body))
        return false;
    if (frame->unit == UNIT_LINE ? !find_line(error->text, body, frame->number, ret_offset)
                                 : !find_statement(error->text, body, frame->number, ret_offset))
        return false;
    if (innermost)
        refine(error, body, ret_offset);
    return true;
}

bool context_find(const struct context_error *error, size_t *ret_offset)
{
    struct frame frame;
    bool innermost = true;
    for (const char *line = error->context; line && *line;) {
        size_t len = strcspn(line, "\n");
        const char *outer = line + len + (line[len] ? 1 : 0);
        if (read_frame(line, len, &frame)) {
            if (find_frame(error, &frame, outer, innermost, ret_offset))
                return true;
            innermost = false;
        }
        line = outer;
    }
    return false;
}
