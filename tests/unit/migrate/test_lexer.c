/* Tokens, statements and directives. tests/contract/test_migrate_lexer.py asks a real server. */
#include "lexer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Tokens as letters: w word, i identifier, s string, d dollar, n number, p parameter, c comment,
 * u unclosed; a symbol is itself. */
static void tokens_are(const char *text, const char *expected)
{
    char found[64] = "";
    size_t count = 0;
    struct lexer lexer = {.text = text, .len = strlen(text)};
    struct token token;
    while (lexer_next(&lexer, &token)) {
        assert_true(count + 1 < sizeof found && token.len > 0);
        found[count++] = token.kind == TOKEN_SYMBOL ? text[token.offset] : "wisdnp?cu"[token.kind];
    }
    if (strcmp(found, expected) != 0)
        fail_msg("%s: %s, expected %s", text, found, expected);
}

static void words_and_numbers(void **state)
{
    (void)state;
    tokens_are("", "");
    tokens_are(" \t\r\n\f", "");
    tokens_are("select a_1, b$2$ from \xc3\xa4x", "ww,www");
    tokens_are("1 1.5 .5 1e-5 1.5E+3 1..2", "nnnn-nn+nn.n");
    tokens_are("$1 $12+a", "pp+w");
    tokens_are("a::int", "w::w");
    tokens_are("\v", "\v"); /* no space before version 16 */
}

static void quotes(void **state)
{
    (void)state;
    tokens_are("'a' 'b''c' ''", "sss");
    tokens_are("'a\\';E'a\\';b'", "s;s");
    tokens_are("e'\\\\' e'\\''", "ss");
    tokens_are("name'a\\' E'x'", "wss");
    tokens_are("B'01' x'1F' N'a' u&'d!0061' U&\"x;\" \"a;\"\"b\"", "ssssii");
    tokens_are("u & 'a' e 'b\\' b '1'", "w&swsws");
    tokens_are("'never", "u");
    tokens_are("E'never\\'", "u");
    tokens_are("E'never\\", "u");
    tokens_are("\"never", "u");
}

/* A literal goes on behind a line end, in the mode in which it began. */
static void continued_strings(void **state)
{
    (void)state;
    tokens_are("'a'\n'b'", "s");
    tokens_are("'a'\r'b'", "s");
    tokens_are("'a' 'b'", "ss");
    tokens_are("'a' -- c\n 'b'", "s");
    tokens_are("'a'\n-- c\n-- d\n'b'", "s");
    tokens_are("'a'\n-- c 'b'", "sc");
    tokens_are("'a' /* c */\n'b'", "scs");
    tokens_are("'a'\n/* c */'b'", "scs");
    tokens_are("E'a'\n'\\'b'", "s");
    tokens_are("E'a' '\\' 'b'", "sss");
    tokens_are("'a'\n'\\';", "s;");
    tokens_are("\"a\"\n\"b\"", "ii");
    tokens_are("'a'\n-", "s-");
}

static void dollar_quotes(void **state)
{
    (void)state;
    tokens_are("$$a;'$$", "d");
    tokens_are("$a$ $$ $b$ $a$", "d");
    tokens_are("$_a1$;$_a1$ $\xc3\xa4$;$\xc3\xa4$", "dd");
    tokens_are("$a$ $A$ $a$", "d");
    tokens_are("$a$ $aa$a$", "d"); /* the closing tag may begin with another's last dollar */
    tokens_are("$1$$;$$", "pd");
    tokens_are("1$$;$$", "nd");
    tokens_are("a$$;b$$", "w;w");
    tokens_are("$1a$ ;", "p$;");
    tokens_are("$ a$", "$w");
    tokens_are("$a b", "$ww");
    tokens_are("$a$ never $b$", "u");
}

static void comments(void **state)
{
    (void)state;
    tokens_are("a -- b ; ' \nc", "wcw");
    tokens_are("a -- b\rc", "wcw");
    tokens_are("a/*;*/b", "wcw");
    tokens_are("/* /* ; */ ; */ a", "cw");
    tokens_are("/*/ ; */ a", "cw");
    tokens_are("/* **/ a", "cw");
    tokens_are("1+--2\n3", "n+cn");
    tokens_are("*/* x */", "*c");
    tokens_are("/* /* */ never", "u");
    tokens_are("- - a", "--w");
}

/* Every '^' marks where a statement begins, every '~' where it ends; they are taken out first. */
static void statements_are(const char *marked)
{
    char text[512];
    size_t begins[8], ends[8], count = 0, len = 0;
    for (const char *at = marked; *at; at++)
        if (*at == '^')
            begins[count] = len;
        else if (*at == '~')
            ends[count++] = len;
        else
            text[len++] = *at;
    text[len] = '\0';
    struct svc_arena arena;
    struct statements found;
    svc_arena_init(&arena, 1024);
    lexer_split(&arena, text, len, &found);
    if (found.count != count)
        fail_msg("%s: %zu statements, expected %zu", text, found.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(found.items[i].offset, begins[i]);
        assert_int_equal(found.items[i].offset + found.items[i].len, ends[i]);
        assert_ptr_equal(found.items[i].text, text + begins[i]);
    }
    svc_arena_done(&arena);
}

static void statements(void **state)
{
    (void)state;
    statements_are("");
    statements_are(" ; ; -- a\n ; /* b */ ");
    statements_are("^a~;^b~");
    statements_are("-- a;\n^b c~ /* d; */ ; -- e\n ^f~ -- g");
    statements_are("^'a;''b;'~;^\"c;\"~;^$$d;$$~;^E'\\';'~;");
    statements_are("^'never closed; b~");
    statements_are("^a~; ^/* never closed; b~");
    statements_are("^\\d a~;^\\echo x~");
    statements_are(
        "^create rule r as on insert to t do also (insert into a values (1); delete from b)~;^c~");
    statements_are("^(a; b~");
    statements_are("^a)~; ^b~");
}

static void function_bodies(void **state)
{
    (void)state;
    statements_are("^create function f() returns int begin atomic select 1; select 2; end~; ^b~");
    statements_are("^create or replace function f() begin atomic end~;^b~");
    statements_are(
        "^CREATE /* x */ OR -- y\n REPLACE PROCEDURE p() BEGIN /* ; */ ATOMIC a; END~;^b~");
    statements_are("^create function f() begin atomic select case when a then b end; end~;^c~");
    statements_are("^create function f() begin atomic select case case a when b then c end when d "
                   "then e end; end~;^g~");
    statements_are("^create function f() begin atomic select 1 as end, t.end, 2 end; end~;^c~");
    statements_are("^create function f() begin atomic select 1 as case, t.case, 2 case, 3 case "
                   "from x; end~;^c~");
    statements_are("^create function f() begin atomic select (case when a then (b) end); end~;^c~");
    statements_are("^create function f() begin atomic select \"end\", \"begin\", 'end'; end~;^c~");
    statements_are(
        "^create function f() begin atomic create function g() begin atomic a; end; b; end~;^c~");
    statements_are("^create function f(begin int, atomic int) as 'a;b'~;^c~");
    statements_are("^create function begin() as 'a'~;^c~");
}

static void no_function_bodies(void **state)
{
    (void)state;
    statements_are("^begin~;^a~;^end~;");
    statements_are("^select begin atomic~;^b~");
    statements_are("^create view v as select begin atomic~;^b~");
    statements_are("^begin atomic~;^b~");
    statements_are("^select case when a then b end~;^end~");
}

static void lines(void **state)
{
    (void)state;
    static const char text[] = "a;\r\n\r\n/* \n */ b;\n'\n';c";
    struct svc_arena arena;
    struct statements found;
    svc_arena_init(&arena, 1024);
    lexer_split(&arena, text, sizeof text - 1, &found);
    static const unsigned expected[] = {1, 4, 5, 6};
    assert_int_equal(found.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(found.items[i].line, expected[i]);
    svc_arena_done(&arena);
}

static void directives_are(const char *text, bool no_transaction, bool contract)
{
    struct directives found = lexer_directives(text, strlen(text));
    if (found.no_transaction != no_transaction || found.contract != contract)
        fail_msg("%s: %d %d", text, found.no_transaction, found.contract);
}

static void directives(void **state)
{
    (void)state;
    directives_are("", false, false);
    directives_are("-- migrate:no-transaction", true, false);
    directives_are("\n\n -- a\n--migrate:contract  \r\n--\n-- migrate:no-transaction\r\nselect 1;",
                   true, true);
    directives_are("-- a\n\n-- migrate:contract\n", false, false);
    directives_are("select 1;\n-- migrate:contract\n", false, false);
    directives_are("-- migrate:contract because\n-- xmigrate:contract\n-- migrate: contract\n",
                   false, false);
    directives_are("-- a migrate:contract\n", false, false);
    directives_are("/* -- migrate:contract */", false, false);
    directives_are("-", false, false);
    assert_int_equal(lexer_head("\n-- a\n-- b\n\n-- c\n", 17), 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_numbers),
        cmocka_unit_test(quotes),
        cmocka_unit_test(continued_strings),
        cmocka_unit_test(dollar_quotes),
        cmocka_unit_test(comments),
        cmocka_unit_test(statements),
        cmocka_unit_test(function_bodies),
        cmocka_unit_test(no_function_bodies),
        cmocka_unit_test(lines),
        cmocka_unit_test(directives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
