/* Counting lines and characters; where statements begin is the lexer's business. */
#include "position.h"

#include "lexer.h"

#include <stdbool.h>
#include <string.h>

size_t position_statement(const char *text, size_t len, unsigned n)
{
    struct lexer lexer = {.text = text, .len = len};
    struct statement statement;
    while (lexer_next_statement(&lexer, &statement))
        if (n-- == 0)
            return statement.offset;
    return len;
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

size_t position_byte(const char *text, size_t len, size_t character)
{
    size_t offset = 0;
    while (offset < len && character > 0) {
        offset++;
        while (offset < len && !begins_character(text[offset]))
            offset++;
        character--;
    }
    return offset;
}

size_t position_line(const char *text, size_t len, size_t offset, size_t *ret_len)
{
    size_t begin = offset < len ? offset : len;
    while (begin > 0 && text[begin - 1] != '\n')
        begin--;
    const char *end = memchr(text + begin, '\n', len - begin);
    *ret_len = end ? (size_t)(end - text) - begin : len - begin;
    if (*ret_len > 0 && text[begin + *ret_len - 1] == '\r')
        --*ret_len;
    return begin;
}
