/* Any bytes as a migration: tokens cover them without a gap, statements lie in order between
 * blanks, comments and semicolons, splitting a statement again gives itself, and lint reads no byte
 * that is not there. */
#include "lint.h"
#include "position.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

extern const char *const fuzz_seeds[];
const char *const fuzz_seeds[] = {
    "-- migrate:no-transaction\n-- migrate:contract\n\nSELECT 1; -- x;\n/* a /* b; */ c */ SELECT "
    "2;;",
    "SELECT 'a;''b', E'a\\';b', U&'d\\0061;', B'01', X'1f', N'x' 'y;'\n-- ;\n'z;', \"a;\"\"b\", "
    "U&\"c;\";",
    "SELECT $$a;$$, $a$ $$ ; $b$ $a$, $_1$;$_1$, $1, a$b$c, 1$$;$$, \xc3\xa4$x$, "
    "$\xc3\xa4$;$\xc3\xa4$;",
    "CREATE OR REPLACE FUNCTION f(a int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN t.end THEN 1 "
    "END AS end;"
    " SELECT 1 case, t.case; CREATE FUNCTION g() BEGIN ATOMIC END; END; SELECT 3;",
    "CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO u VALUES (1); DELETE FROM v); SELECT (1; "
    "2);",
    "DO $do$ BEGIN IF true THEN CREATE TABLE auth.t (a varchar(3), b timestamp); EXECUTE 'DROP "
    "TABLE t'; "
    "EXECUTE $x$ALTER TABLE t ADD b int NOT NULL$x$; COMMIT; END IF; END $do$;",
    "-- migrate:ignore ban-drop-column gone since 2\nALTER TABLE ONLY public.\"t\" DROP COLUMN a, "
    "ADD b serial "
    "PRIMARY KEY, ADD CONSTRAINT c CHECK (d > 0) NOT VALID, ALTER e TYPE char(2) USING e::text, "
    "RENAME f TO g;",
    "GRANT EXECUTE ON FUNCTION f(int), g() TO PUBLIC; REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public "
    "FROM x; "
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t USING btree (a); COMMENT ON COLUMN t.a "
    "IS 'x';",
    "WITH a AS (SELECT 1), b (c) AS MATERIALIZED (SELECT 2) SELECT x.object, f(1, 2) AS expected, "
    "d AS found FROM e;",
    NULL,
};
extern const char fuzz_alphabet[];
const char fuzz_alphabet[] = ";;''\"\"$$$\\\\--/*()\n\n\r eEuUbx&,.:a1\xc3\xa4";

static void require(bool condition)
{
    if (!condition)
        abort();
}

static bool is_blank(char c)
{
    return c != '\0' && strchr(" \t\r\n\f", c) != NULL;
}

/* Between two tokens there are only blanks. */
static void check_gap(const char *text, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        require(is_blank(text[i]));
}

static void check_tokens(const char *text, size_t len)
{
    struct lexer lexer = {.text = text, .len = len};
    struct token token;
    size_t end = 0;
    while (lexer_next(&lexer, &token)) {
        require(token.len > 0 && token.offset >= end && token.offset + token.len <= len);
        check_gap(text, end, token.offset);
        end = token.offset + token.len;
        require(token.kind != TOKEN_UNCLOSED || end == len);
    }
    check_gap(text, end, len);
}

/* Comments and semicolons, as the lexer reads them from here. */
static void check_between(const char *text, size_t begin, size_t end)
{
    struct lexer lexer = {.text = text, .len = end, .at = begin};
    struct token token;
    while (lexer_next(&lexer, &token))
        require(token.kind == TOKEN_COMMENT ||
                (token.kind == TOKEN_SYMBOL && text[token.offset] == ';'));
}

static void check_again(struct svc_arena *arena, const struct statement *statement)
{
    struct statements again;
    lexer_split(arena, statement->text, statement->len, &again);
    require(again.count == 1 && again.items[0].offset == 0 && again.items[0].len == statement->len);
}

static void check_statements(struct svc_arena *arena, const char *text, size_t len)
{
    struct statements found;
    size_t end = 0;
    unsigned line, column;
    lexer_split(arena, text, len, &found);
    for (size_t i = 0; i < found.count; i++) {
        const struct statement *statement = &found.items[i];
        require(statement->len > 0 && statement->text == text + statement->offset);
        require(statement->offset >= end && statement->offset + statement->len <= len);
        check_between(text, end, statement->offset);
        end = statement->offset + statement->len;
        check_again(arena, statement);
        position_of_byte(text, statement->offset, &line, &column);
        require(statement->line == line);
        if (i < 3)
            require(position_statement(text, len, (unsigned)i) == statement->offset);
    }
    check_between(text, end, len);
}

static void check_lint(struct svc_arena *arena, const char *text, size_t len)
{
    struct directives directives = lexer_directives(text, len);
    struct migration_part part = {
        .file_name = "down/1_a.sql", .text = text, .len = len, .directives = directives};
    struct migration migration = {.version = 1,
                                  .name = "a",
                                  .file_name = "1_a.sql",
                                  .text = text,
                                  .len = len,
                                  .directives = directives,
                                  .down = part,
                                  .verify = part};
    struct files files = {.items = &migration, .count = 1};
    struct lint_findings found;
    lint_files(arena, &files, &found);
    for (size_t i = 0; i < found.count; i++)
        require(found.items[i].line > 0 && found.items[i].column > 0);
    require(lexer_head(text, len) <= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *text = (const char *)bytes;
    struct svc_arena arena;
    svc_arena_init(&arena, 16384);
    check_tokens(text, len);
    check_statements(&arena, text, len);
    check_lint(&arena, text, len);
    svc_arena_done(&arena);
    return 0;
}
