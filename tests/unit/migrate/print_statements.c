/* The lexer for tests in other languages. Standard input: any number of texts, each with its length
 * in bytes on a line before it. For each a line: JSON, [[offset, length, line], …] of its
 * statements. */
#include "lexer.h"

#include <stdio.h>
#include <stdlib.h>

static void print(const char *text, size_t len)
{
    struct lexer lexer = {.text = text, .len = len};
    struct statement statement;
    const char *comma = "";
    (void)putchar('[');
    while (lexer_next_statement(&lexer, &statement)) {
        (void)printf("%s[%zu,%zu,%u]", comma, statement.offset, statement.len, statement.line);
        comma = ",";
    }
    (void)puts("]");
}

int main(void)
{
    char line[32];
    while (fgets(line, sizeof line, stdin)) {
        size_t len = strtoul(line, NULL, 10);
        char *text = malloc(len + 1);
        if (!text || fread(text, 1, len, stdin) != len)
            return 1;
        print(text, len);
        free(text);
    }
    return 0;
}
