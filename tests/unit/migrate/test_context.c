/* From CONTEXT to a place, and the caret under it. A real server:
 * tests/contract/test_migrate_errors.py. */
#include "context.h"
#include "fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char text[] = "CREATE FUNCTION public.f(a int DEFAULT length('AS $$')) RETURNS int\n"
                           "  LANGUAGE plpgsql SET x = 'y' AS $$\n"
                           "BEGIN\n"
                           "  RAISE 'a';\n"
                           "  PERFORM 'b', c;\n"
                           "END $$;\n"
                           "CREATE FUNCTION \"G g\"() RETURNS int LANGUAGE sql AS 'SELECT 1;\n"
                           "  SELECT ''2'';';\n"
                           "CREATE FUNCTION h() RETURNS int BEGIN ATOMIC SELECT 1;\n"
                           "  SELECT 2; END;\n"
                           "DO LANGUAGE 'plpgsql' $x$\n"
                           "BEGIN\n"
                           "  PERFORM f();\n"
                           "END $x$;\n"
                           "CREATE FUNCTION late() RETURNS int LANGUAGE plpgsql AS $$\n"
                           "BEGIN END $$;";

/* The DO block fails; what is found begins with `expected`, "" where nothing is. */
static void found_is(const char *context, const char *query, size_t character, const char *expected)
{
    struct context_error error = {.context = context,
                                  .query = query,
                                  .character = character,
                                  .text = text,
                                  .len = sizeof text - 1};
    struct lexer lexer = {.text = text, .len = sizeof text - 1};
    size_t offset = 0;
    for (int i = 0; i < 4; i++)
        assert_true(lexer_next_statement(&lexer, &error.statement));
    bool found = context_find(&error, &offset);
    if (found != (*expected != '\0') ||
        (found && strncmp(text + offset, expected, strlen(expected)) != 0))
        fail_msg("%s: %.20s", context, found ? text + offset : "nothing");
}

static void frames(void **state)
{
    (void)state;
    found_is("PL/pgSQL function f(integer) line 3 at RAISE", NULL, 0, "RAISE 'a'");
    found_is("PL/pgSQL function public.f(integer) line 2 at RAISE", NULL, 0, "BEGIN\n  RAISE");
    found_is("PL/pgSQL function f(integer) line 1 during statement block exit", NULL, 0, "\nBEGIN");
    found_is("PL/pgSQL function inline_code_block line 3 at PERFORM", NULL, 0, "PERFORM f()");
    found_is("SQL function \"G g\" statement 2", NULL, 0, "SELECT ''2''");
    found_is("SQL function \"h\" statement 2", NULL, 0, "SELECT 2");
    found_is("compilation of PL/pgSQL function \"f\" near line 4", NULL, 0, "PERFORM 'b'");
}

static void the_innermost_that_the_file_has(void **state)
{
    (void)state;
    found_is("PL/pgSQL function other() line 9 at RAISE\nSQL statement \"SELECT\nline 4\"\n"
             "PL/pgSQL function f(integer) line 4 at PERFORM\nPL/pgSQL function inline_code_block "
             "line 3 at PERFORM",
             NULL, 0, "PERFORM 'b'");
    found_is("PL/pgSQL function inline_code_block line 1 at RAISE\nSQL statement \"DO\"\n"
             "PL/pgSQL function inline_code_block line 3 at EXECUTE",
             NULL, 0, "PERFORM f()");
    found_is("PL/pgSQL function late() line 2 at RAISE", NULL, 0, ""); /* defined after it failed */
    found_is("PL/pgSQL function f(integer) line 99 at RAISE", NULL, 0, "");
    found_is("SQL function \"h\" statement 9", NULL, 0, "");
    found_is("JSON data, line 1: {a", NULL, 0, "");
    found_is("PL/pgSQL function f(integer) while casting return value", NULL, 0, "");
    found_is("PL/pgSQL function line 99999999999999999999 at", NULL, 0, "");
    found_is("", NULL, 0, "");
    found_is(NULL, NULL, 0, "");
}

static void places_in_queries(void **state)
{
    static const char context[] = "PL/pgSQL function f(integer) line 4 at PERFORM";
    (void)state;
    found_is(context, "SELECT 'b', c", 13, "c;\nEND"); /* PERFORM became SELECT */
    found_is(context, "'b', c", 6, "c;\nEND");
    found_is(context, "SELECT nosuch", 8, "PERFORM 'b'");
    found_is(context, "SELECT 'b', c", 99, "PERFORM 'b'");
    found_is(context, "", 1, "PERFORM 'b'");
}

static void printed_is(const char *source, unsigned column, const char *expected)
{
    char *printed = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&printed, &len);
    struct fault fault = {
        .line = 1, .column = column, .source = source, .source_len = strlen(source)};
    fault_print_place(out, &fault);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(printed, expected);
    free(printed);
}

static void carets(void **state)
{
    (void)state;
    printed_is("SELECT a", 8, "  SELECT a\n         ^\n");
    printed_is("'\xc3\xa4\xe2\x82\xac' b", 6, "  '\xc3\xa4\xe2\x82\xac' b\n       ^\n");
    printed_is("\ta\tb", 4, "  \ta\tb\n  \t \t^\n");
    printed_is("", 1, "  \n  ^\n");
    printed_is("ab", 3, "  ab\n    ^\n");
}

static void long_lines_are_cut(void **state)
{
    char source[301] = "", expected[512];
    (void)state;
    memset(source, 'x', 300);
    source[200] = 'y';
    (void)snprintf(expected, sizeof expected, "  \xe2\x80\xa6%.80sy%.39s\xe2\x80\xa6\n   %80s^\n",
                   source, source, "");
    printed_is(source, 201, expected);
}

static void no_place_prints_nothing(void **state)
{
    (void)state;
    FILE *out = tmpfile();
    struct fault fault = {.line = 0};
    assert_non_null(out);
    fault_print_place(out, &fault);
    assert_int_equal(ftell(out), 0);
    assert_int_equal(fclose(out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames),
        cmocka_unit_test(the_innermost_that_the_file_has),
        cmocka_unit_test(places_in_queries),
        cmocka_unit_test(carets),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(no_place_prints_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
