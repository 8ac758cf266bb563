/* Where statements begin, and lines and columns. */
#include "position.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Every '^' in the text below marks where statement 0, 1, … begins; it is taken out first. */
static void check_statements(const char *marked)
{
    char text[256];
    size_t places[8], count = 0, len = 0;
    for (const char *at = marked; *at; at++)
        if (*at == '^')
            places[count++] = len;
        else
            text[len++] = *at;
    text[len] = '\0';
    for (unsigned n = 0; n < count; n++)
        assert_int_equal(position_statement(text, len, n), places[n]);
    assert_int_equal(position_statement(text, len, (unsigned)count), len);
}

static void statements(void **state)
{
    (void)state;
    check_statements("");
    check_statements("  \n-- nothing\n/* at all */ ; ;");
    check_statements("^a;^b");
    check_statements(" ^a ; \n ^b c ; -- end\n");
    check_statements(";;^a;;^b;;");
    check_statements("-- first;\n^a; /* second; */ ^b");
    check_statements("^a /* ; /* ; */ ; */ x; ^b");
    check_statements("^'a;''b;'; ^\"c;\"\"d;\";^e");
    check_statements("^'a\\'; ^b");      /* a backslash is itself … */
    check_statements("^E'a\\';b'; ^c");  /* … but in E'' */
    check_statements("^namee'a\\'; ^b"); /* a word that ends in e is no E'' */
    check_statements("^$$ ; $$; ^b");
    check_statements("^$f$ ; $$ ; $g$ ; $f$; ^b");
    check_statements("^$1 ; ^a$b$ ; ^c"); /* a parameter, and a name with dollars */
    check_statements("^'never closed; b");
    check_statements("^$$ never closed; b");
}

static void check_byte(const char *text, size_t offset, unsigned line, unsigned column)
{
    unsigned found_line, found_column;
    position_of_byte(text, offset, &found_line, &found_column);
    assert_int_equal(found_line, line);
    assert_int_equal(found_column, column);
}

static void lines_and_columns(void **state)
{
    (void)state;
    check_byte("abc", 0, 1, 1);
    check_byte("abc", 2, 1, 3);
    check_byte("a\nbc", 2, 2, 1);
    check_byte("a\n\nbc", 4, 3, 2);
    check_byte("\xc3\xa4"
               "b",
               2, 1, 2); /* ä is one column */
    check_byte("a\r\nb", 3, 2, 1);
}

static void characters_are_counted_not_bytes(void **state)
{
    (void)state;
    static const char text[] = "\xc3\xa4\n\xe2\x82\xac"
                               "x";
    assert_int_equal(position_byte(text, sizeof text - 1, 0), 0);
    assert_int_equal(position_byte(text, sizeof text - 1, 1), 2);
    assert_int_equal(position_byte(text, sizeof text - 1, 3), 6);
    assert_int_equal(position_byte(text, sizeof text - 1, 99), 7);
}

static void check_line(const char *text, size_t offset, const char *expected)
{
    size_t len, begin = position_line(text, strlen(text), offset, &len);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(text + begin, expected, len);
}

static void lines_of_a_text(void **state)
{
    (void)state;
    check_line("", 0, "");
    check_line("ab\ncd", 0, "ab");
    check_line("ab\ncd", 2, "ab");
    check_line("ab\ncd", 3, "cd");
    check_line("ab\ncd", 5, "cd");
    check_line("ab\ncd", 99, "cd");
    check_line("ab\r\ncd\r\n", 5, "cd");
    check_line("ab\n", 3, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements),
        cmocka_unit_test(lines_and_columns),
        cmocka_unit_test(characters_are_counted_not_bytes),
        cmocka_unit_test(lines_of_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
