/* A scanner that knows just enough of PostgreSQL's lexical structure (manual, section 4.1) to tell
 * which semicolons end a statement. The server gets the file whole; this only serves messages. */
#include "position.h"

#include <stdbool.h>
#include <string.h>

struct scanner {
    const char *text;
    size_t len, at;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool sees(const struct scanner *s, const char *what)
{
    size_t len = strlen(what);
    return s->len - s->at >= len && memcmp(s->text + s->at, what, len) == 0;
}

static void skip_line_comment(struct scanner *s)
{
    while (s->at < s->len && s->text[s->at] != '\n')
        s->at++;
}

/* Block comments nest. */
static void skip_block_comment(struct scanner *s)
{
    unsigned depth = 0;
    do {
        bool opens = sees(s, "/*"), closes = sees(s, "*/");
        depth += opens ? 1 : 0;
        depth -= closes ? 1 : 0;
        s->at += opens || closes ? 2 : 1;
    } while (depth > 0 && s->at < s->len);
}

/* A doubled quote stands for itself; a backslash escapes only in E'…'. */
static void skip_quoted(struct scanner *s, char quote, bool escapes)
{
    for (s->at++; s->at < s->len; s->at++) {
        if (escapes && s->text[s->at] == '\\')
            s->at++;
        else if (s->text[s->at] == quote) {
            s->at++;
            if (s->at >= s->len || s->text[s->at] != quote)
                return;
        }
    }
    s->at = s->len;
}

/* The length of a dollar quote's tag with both dollars, or 0: `$1` and `a$b` are none. */
static size_t dollar_tag(const struct scanner *s)
{
    size_t end = s->at + 1;
    if (s->at > 0 && is_word(s->text[s->at - 1]))
        return 0;
    while (end < s->len && is_word(s->text[end]))
        end++;
    bool is_number = end > s->at + 1 && s->text[s->at + 1] >= '0' && s->text[s->at + 1] <= '9';
    return end < s->len && s->text[end] == '$' && !is_number ? end + 1 - s->at : 0;
}

static void skip_dollar_quoted(struct scanner *s, size_t tag)
{
    const char *body = s->text + s->at + tag;
    const char *end = memmem(body, s->len - s->at - tag, s->text + s->at, tag);
    s->at = end ? (size_t)(end - s->text) + tag : s->len;
}

static bool skip_blank(struct scanner *s)
{
    if (is_space(s->text[s->at]))
        s->at++;
    else if (sees(s, "--"))
        skip_line_comment(s);
    else if (sees(s, "/*"))
        skip_block_comment(s);
    else
        return false;
    return true;
}

static void skip_token(struct scanner *s)
{
    char c = s->text[s->at];
    size_t tag = c == '$' ? dollar_tag(s) : 0;
    bool after_e = s->at > 0 && (s->text[s->at - 1] | 0x20) == 'e' &&
                   (s->at < 2 || !is_word(s->text[s->at - 2]));
    if (c == '\'' || c == '"')
        skip_quoted(s, c, c == '\'' && after_e);
    else if (tag)
        skip_dollar_quoted(s, tag);
    else
        s->at++;
}

size_t position_statement(const char *text, size_t len, unsigned n)
{
    struct scanner s = {.text = text, .len = len};
    while (s.at < len) {
        while (s.at < len && (skip_blank(&s) || text[s.at] == ';'))
            s.at += s.at < len && text[s.at] == ';' ? 1 : 0;
        if (n == 0 || s.at >= len)
            break;
        while (s.at < len && text[s.at] != ';')
            if (!skip_blank(&s))
                skip_token(&s);
        n--;
    }
    return s.at < len ? s.at : len;
}

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

void position_of_byte(const char *text, size_t offset, unsigned *ret_line, unsigned *ret_column)
{
    *ret_line = 1;
    *ret_column = 1;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            ++*ret_line;
            *ret_column = 1;
        } else if (begins_character(text[i]))
            ++*ret_column;
    }
}

void position_of_character(const char *text, size_t len, size_t character, unsigned *ret_line,
                           unsigned *ret_column)
{
    size_t offset = 0;
    while (offset < len && character > 0) {
        offset++;
        while (offset < len && !begins_character(text[offset]))
            offset++;
        character--;
    }
    position_of_byte(text, offset, ret_line, ret_column);
}
