/* Every rule with a text that breaks it and one that does not. */
#include "lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OWNER "SET ROLE o; ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; "
#define ALONE "-- migrate:no-transaction\n"
#define CONTRACT "-- migrate:contract\n"
#define RIGHT "SELECT 'a' AS object, 'b' AS expected, 'c' AS found"

struct example {
    const char *rule;
    enum file_kind kind;
    const char *bad, *good;
};

static const struct example examples[] = {
    {"require-concurrent-index-creation", FILE_UP, "CREATE INDEX i ON t (a)",
     "CREATE TABLE t (a int); CREATE INDEX i ON t (a)"},
    {"require-concurrent-index-creation", FILE_UP,
     "CREATE UNIQUE INDEX IF NOT EXISTS i ON ONLY public.t (a)",
     ALONE "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)"},
    {"require-concurrent-index-creation", FILE_UP,
     "CREATE TABLE IF NOT EXISTS t (a int); CREATE INDEX i ON t (a)",
     "CREATE TABLE public.\"t\" (a int); CREATE INDEX ON T USING btree (a)"},
    {"require-concurrent-index-creation", FILE_UP,
     "DO $$ BEGIN IF true THEN CREATE INDEX i ON t (a); END IF; END $$",
     "DO $$ BEGIN IF true THEN CREATE TABLE t (a int); CREATE INDEX i ON t (a); END IF; END $$"},
    {"require-concurrent-index-creation", FILE_UP,
     "DO $$ BEGIN EXECUTE 'CREATE INDEX i ON t (a)'; END $$",
     "DO $$ BEGIN RAISE 'CREATE INDEX i ON t (a)'; END $$"},
    {"require-concurrent-index-creation", FILE_UP, "CREATE INDEX i ON t (a)",
     "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE INDEX i ON t (a); END "
     "$$"},
    {"require-concurrent-index-deletion", FILE_UP, "DROP INDEX i",
     ALONE "DROP INDEX CONCURRENTLY IF EXISTS i"},
    {"require-concurrent-index-deletion", FILE_UP, "DROP INDEX IF EXISTS public.i, j",
     "CREATE TABLE t (a int); CREATE INDEX i ON t (a); DROP INDEX public.i"},
    {"ban-concurrent-index-creation-in-transaction", FILE_UP,
     "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
     ALONE "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)"},
    {"ban-concurrent-index-creation-in-transaction", FILE_DOWN, "DROP INDEX CONCURRENTLY i",
     "DROP INDEX i"},
    {"ban-concurrent-index-creation-in-transaction", FILE_UP, "REINDEX INDEX CONCURRENTLY i",
     ALONE "REINDEX (VERBOSE) INDEX CONCURRENTLY i"},
    {"constraint-missing-not-valid", FILE_UP, "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)",
     "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID"},
    {"constraint-missing-not-valid", FILE_UP, "ALTER TABLE t ADD COLUMN b int CHECK (b > 0)",
     "ALTER TABLE t ADD COLUMN b int"},
    {"constraint-missing-not-valid", FILE_UP,
     "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c",
     "ALTER TABLE t VALIDATE CONSTRAINT c"},
    {"constraint-missing-not-valid", FILE_UP, "ALTER TABLE ONLY t ADD x int, ADD CHECK (a > 0)",
     "CREATE TABLE t (a int); ALTER TABLE t ADD CHECK (a > 0)"},
    {"constraint-missing-not-valid", FILE_UP, "ALTER TABLE IF EXISTS ONLY t * ADD CHECK (a > 0)",
     "ALTER TABLE ONLY t ADD CHECK (a > 0) NOT VALID"},
    {"adding-foreign-key-constraint", FILE_UP, "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u",
     "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u NOT VALID"},
    {"adding-foreign-key-constraint", FILE_UP, "ALTER TABLE t ADD COLUMN a uuid REFERENCES u (id)",
     "CREATE TABLE t (a uuid REFERENCES u (id))"},
    {"adding-not-nullable-field", FILE_UP, "ALTER TABLE t ADD a int NOT NULL",
     "ALTER TABLE t ADD a int NOT NULL DEFAULT 0"},
    {"adding-not-nullable-field", FILE_UP, "ALTER TABLE t ALTER COLUMN a SET NOT NULL",
     "ALTER TABLE t ALTER a DROP NOT NULL"},
    {"adding-field-with-default", FILE_UP, "ALTER TABLE t ADD a uuid DEFAULT gen_random_uuid()",
     "ALTER TABLE t ADD a timestamptz DEFAULT now()"},
    {"adding-field-with-default", FILE_UP, "ALTER TABLE t ADD a bigserial",
     "CREATE TABLE t (a bigserial)"},
    {"adding-field-with-default", FILE_UP,
     "ALTER TABLE t ADD a bigint GENERATED ALWAYS AS IDENTITY", "ALTER TABLE t ADD a bigint"},
    {"adding-field-with-default", FILE_UP,
     "ALTER TABLE t ADD a int GENERATED ALWAYS AS (b + 1) STORED", "ALTER TABLE t ADD a int"},
    {"disallowed-unique-constraint", FILE_UP, "ALTER TABLE t ADD CONSTRAINT c UNIQUE (a)",
     "ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i"},
    {"disallowed-unique-constraint", FILE_UP, "ALTER TABLE t ADD PRIMARY KEY (a)",
     "ALTER TABLE t ADD PRIMARY KEY USING INDEX i"},
    {"disallowed-unique-constraint", FILE_UP, "ALTER TABLE t ADD COLUMN a int UNIQUE",
     "CREATE TABLE t (a int UNIQUE, UNIQUE (a))"},
    {"disallowed-unique-constraint", FILE_UP, "ALTER TABLE t ADD EXCLUDE USING gist (a WITH &&)",
     "CREATE TABLE t (a int4range, EXCLUDE USING gist (a WITH &&))"},
    {"changing-column-type", FILE_UP, "ALTER TABLE t ALTER a TYPE bigint",
     "CREATE TABLE t (a int); ALTER TABLE t ALTER a TYPE bigint"},
    {"changing-column-type", FILE_UP,
     "ALTER TABLE t ALTER COLUMN \"type\" SET DATA TYPE bigint USING a::bigint",
     "ALTER TABLE t ALTER COLUMN type SET DEFAULT 1"},
    {"renaming-column", FILE_UP, "ALTER TABLE t RENAME COLUMN a TO b",
     CONTRACT "ALTER TABLE t RENAME a TO b"},
    {"renaming-column", FILE_UP, "ALTER TABLE t RENAME a TO b",
     "ALTER TABLE t RENAME CONSTRAINT a TO b"},
    {"renaming-table", FILE_UP, "ALTER TABLE IF EXISTS t RENAME TO u",
     "CREATE TABLE t (a int); ALTER TABLE t RENAME TO u"},
    {"ban-drop-column", FILE_UP, "ALTER TABLE t DROP COLUMN IF EXISTS a",
     CONTRACT "ALTER TABLE t DROP COLUMN a"},
    {"ban-drop-column", FILE_UP, "ALTER TABLE t ADD b int, DROP a",
     "ALTER TABLE t ADD a int; ALTER TABLE t DROP a"},
    {"ban-drop-column", FILE_UP, "ALTER TABLE t DROP a", "ALTER TABLE t DROP CONSTRAINT a"},
    {"ban-drop-table", FILE_UP, "DROP TABLE IF EXISTS t CASCADE", CONTRACT "DROP TABLE t"},
    {"ban-drop-table", FILE_UP, "DROP TABLE u, t", "CREATE TABLE t (a int); DROP TABLE t"},
    {"ban-truncate-cascade", FILE_UP, "TRUNCATE t, u CASCADE", "TRUNCATE TABLE t, u"},
    {"ban-truncate-cascade", FILE_DOWN, "TRUNCATE t CASCADE", "TRUNCATE t RESTRICT"},
    {"transaction-nesting", FILE_UP, "BEGIN; SELECT 1; COMMIT", "SELECT 'BEGIN; COMMIT'"},
    {"transaction-nesting", FILE_UP, "START TRANSACTION; END", "DO $$ BEGIN NULL; END $$"},
    {"transaction-nesting", FILE_UP, "DO $$ BEGIN EXECUTE 'BEGIN'; END $$",
     "DO $$ BEGIN BEGIN PERFORM 1; END; END $$"},
    {"transaction-nesting", FILE_DOWN, "ROLLBACK", "SAVEPOINT a; ROLLBACK TO SAVEPOINT a"},
    {"transaction-nesting", FILE_UP, "DO $$ BEGIN LOOP COMMIT; END LOOP; END $$",
     ALONE "DO $$ BEGIN LOOP COMMIT; END LOOP; END $$"},
    {"ban-uncommitted-transaction", FILE_UP, "BEGIN; SELECT 1", "BEGIN; SELECT 1; COMMIT"},
    {"prefer-timestamptz", FILE_UP, "CREATE TABLE t (a timestamp)",
     "CREATE TABLE t (a timestamptz, b timestamp(3) with time zone)"},
    {"prefer-timestamptz", FILE_UP, "ALTER TABLE t ADD a timestamp(3) without time zone",
     "ALTER TABLE t ADD \"timestamp\" text"},
    {"prefer-timestamptz", FILE_UP, "ALTER TABLE t ALTER a TYPE timestamp",
     "SELECT now()::timestamp"},
    {"prefer-bigint-over-int", FILE_UP, "CREATE TABLE t (a serial)",
     "CREATE TABLE t (a bigserial, b int)"},
    {"prefer-bigint-over-int", FILE_UP, "CREATE TABLE t (a int PRIMARY KEY)",
     "CREATE TABLE t (a bigint PRIMARY KEY, b smallint)"},
    {"prefer-bigint-over-int", FILE_UP, "ALTER TABLE t ADD user_id integer",
     "ALTER TABLE t ADD user_id uuid, ADD attempt integer"},
    {"prefer-bigint-over-int", FILE_UP,
     "CREATE TABLE t (a integer GENERATED BY DEFAULT AS IDENTITY)",
     "CREATE TABLE t (paid integer)"},
    {"prefer-text-field", FILE_UP, "CREATE TABLE t (a varchar(20))",
     "CREATE TABLE t (a varchar, b text CHECK (length(b) < 20))"},
    {"prefer-text-field", FILE_UP, "ALTER TABLE t ADD a character varying (20)",
     "ALTER TABLE t ADD a text"},
    {"prefer-text-field", FILE_UP, "CREATE TABLE t (a char(3))", "CREATE TABLE t (a \"char\")"},
    {"prefer-robust-stmts", FILE_UP, ALONE "CREATE INDEX CONCURRENTLY i ON t (a)",
     ALONE "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)"},
    {"prefer-robust-stmts", FILE_DOWN, ALONE "DROP INDEX CONCURRENTLY i",
     ALONE "DROP INDEX CONCURRENTLY IF EXISTS i"},
    {"definer-without-search-path", FILE_UP,
     "CREATE FUNCTION f() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'",
     "CREATE FUNCTION f() RETURNS int SECURITY DEFINER SET search_path = pg_catalog LANGUAGE sql "
     "AS 'SELECT 1'"},
    {"definer-without-search-path", FILE_UP,
     "CREATE FUNCTION f(set search_path) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
     "CREATE FUNCTION f(security definer) RETURNS int LANGUAGE sql AS 'SELECT 1'"},
    {"definer-without-search-path", FILE_DOWN, "ALTER FUNCTION f() SECURITY DEFINER",
     "ALTER FUNCTION f() SECURITY DEFINER SET search_path = ''"},
    {"function-executable-by-public", FILE_UP,
     "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
     "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION g(int, "
     "text), public.f() FROM PUBLIC"},
    {"function-executable-by-public", FILE_UP,
     OWNER "RESET ROLE; CREATE PROCEDURE f() LANGUAGE sql AS 'SELECT 1'",
     OWNER "CREATE PROCEDURE f() LANGUAGE sql AS 'SELECT 1'"},
    {"function-executable-by-public", FILE_UP,
     OWNER "GRANT EXECUTE ON FUNCTION f(int) TO u, PUBLIC",
     "GRANT EXECUTE ON FUNCTION f(int) TO u"},
    {"function-executable-by-public", FILE_UP,
     "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
     "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON ALL FUNCTIONS "
     "IN SCHEMA public FROM PUBLIC"},
    {"table-without-rls", FILE_UP, "CREATE TABLE t (a int)",
     "CREATE TABLE t (a int); ALTER TABLE public.t ENABLE ROW LEVEL SECURITY"},
    {"table-without-rls", FILE_UP, "CREATE UNLOGGED TABLE t (a int)",
     "CREATE TEMP TABLE t (a int)"},
    {"table-without-rls", FILE_UP, "CREATE TABLE t PARTITION OF u FOR VALUES IN (1)",
     "CREATE TABLE s.t (a int)"},
    {"table-without-rls", FILE_UP, "CREATE TABLE t AS SELECT 1 AS a",
     "CREATE TABLE t AS SELECT 1 AS a; DO $$ BEGIN EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL "
     "SECURITY', 't'); END $$"},
    {"superuser-only-clause", FILE_UP, "CREATE ROLE r BYPASSRLS", "CREATE ROLE r NOLOGIN"},
    {"superuser-only-clause", FILE_DOWN, "ALTER ROLE r NOSUPERUSER",
     "ALTER ROLE r SET statement_timeout = '1s'"},
    {"superuser-only-clause", FILE_UP, "ALTER SYSTEM SET work_mem = '1GB'", "SET work_mem = '1GB'"},
    {"superuser-only-clause", FILE_UP, "COPY t FROM '/tmp/x'", "COPY t FROM STDIN"},
    {"superuser-only-clause", FILE_UP, "COPY (SELECT 1) TO PROGRAM 'cat'", "SELECT 1"},
    {"superuser-only-clause", FILE_UP, "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x'",
     "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'x'"},
    {"superuser-only-clause", FILE_UP,
     "CREATE FUNCTION f() RETURNS int LEAKPROOF LANGUAGE sql AS 'x'",
     "CREATE FUNCTION f() RETURNS int NOT LEAKPROOF LANGUAGE sql AS 'x'"},
    {"superuser-only-clause", FILE_UP, "SET LOCAL session_replication_role = replica",
     "SET LOCAL lock_timeout = '1s'"},
    {"superuser-only-clause", FILE_UP, "ALTER TABLE t DISABLE TRIGGER ALL",
     "ALTER TABLE t DISABLE TRIGGER USER"},
    {"superuser-only-clause", FILE_UP,
     "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
     "CREATE TRIGGER e AFTER INSERT ON t EXECUTE FUNCTION f()"},
    {"superuser-only-clause", FILE_UP, "CREATE PUBLICATION p FOR ALL TABLES",
     "CREATE PUBLICATION p FOR TABLE t"},
    {"superuser-only-clause", FILE_UP, "DO $$ BEGIN CREATE ROLE r SUPERUSER; END $$",
     "SELECT 'SUPERUSER'"},
    {"writes-platform-schema", FILE_UP, "INSERT INTO auth.users (id) VALUES (1)",
     "INSERT INTO t SELECT id FROM auth.users"},
    {"writes-platform-schema", FILE_UP, "CREATE SCHEMA IF NOT EXISTS auth",
     "CREATE TABLE IF NOT EXISTS auth (a int)"},
    {"writes-platform-schema", FILE_UP, "GRANT SELECT ON auth.users TO r",
     "GRANT SELECT ON users TO auth"},
    {"writes-platform-schema", FILE_DOWN, "DROP FUNCTION auth.uid()",
     "DROP FUNCTION f(auth.level)"},
    {"writes-platform-schema", FILE_UP,
     "CREATE TRIGGER x AFTER INSERT ON \"auth\".users FOR EACH ROW EXECUTE FUNCTION f()",
     "CREATE POLICY p ON t USING (auth.uid() = a)"},
    {"writes-platform-schema", FILE_UP, "ALTER TABLE auth.users ADD a int",
     "ALTER TABLE t ADD a uuid REFERENCES auth.users"},
    {"writes-platform-schema", FILE_UP, "DO $$ BEGIN CREATE TABLE storage.t (a int); END $$",
     "DO $$ BEGIN PERFORM auth.uid(); END $$"},
    {"writes-platform-schema", FILE_UP, "UPDATE auth.users SET a = 1",
     "UPDATE t SET a = auth.uid()"},
    {"writes-platform-schema", FILE_UP, "COMMENT ON SCHEMA auth IS 'x'",
     "COMMENT ON TABLE t IS 'auth.users'"},
    {"writes-platform-schema", FILE_UP,
     "ALTER DEFAULT PRIVILEGES IN SCHEMA auth GRANT SELECT ON TABLES TO r",
     "DELETE FROM t USING auth.users"},
    {"contract-directive", FILE_UP, "DROP FUNCTION f(int)", CONTRACT "DROP FUNCTION f(int)"},
    {"contract-directive", FILE_UP, "DROP VIEW v", "DROP VIEW v; CREATE VIEW v AS SELECT 1"},
    {"contract-directive", FILE_UP, "DROP FUNCTION f()",
     "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'x'; DROP FUNCTION f()"},
    {"contract-directive", FILE_UP, "REVOKE SELECT ON t FROM worker",
     "REVOKE SELECT ON t FROM PUBLIC, anon"},
    {"contract-directive", FILE_UP, "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
     "ALTER TABLE t ADD COLUMN a int, ADD CONSTRAINT c CHECK (a > 0) NOT VALID"},
    {"contract-directive", FILE_UP, "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)",
     "ALTER TABLE t DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (a > 0)"},
    {"contract-directive", FILE_UP, "ALTER TABLE t ADD a int NOT NULL", "ALTER TABLE t ADD a int"},
    {"contract-directive", FILE_UP, "ALTER TABLE t ALTER a DROP DEFAULT",
     "CREATE TABLE IF NOT EXISTS t (a int); ALTER TABLE t ALTER a SET NOT NULL"},
    {"contract-directive", FILE_UP, "CREATE UNIQUE INDEX i ON t (a)", "CREATE INDEX i ON t (a)"},
    {"directive-mismatch", FILE_UP, ALONE "CREATE TABLE t (a int)",
     ALONE "ANALYZE t; VACUUM t; COMMENT ON INDEX i IS 'x'; CALL p(); DO 'BEGIN END'"},
    {"directive-mismatch", FILE_UP, ALONE "ALTER TABLE t VALIDATE CONSTRAINT c, ADD a int",
     ALONE "ALTER TABLE IF EXISTS ONLY t VALIDATE CONSTRAINT c, VALIDATE CONSTRAINT d"},
    {"directive-mismatch", FILE_UP, ALONE "SET lock_timeout = 1",
     ALONE "REINDEX TABLE CONCURRENTLY t"},
    {"directive-mismatch", FILE_UP, "VACUUM t", "ANALYZE t"},
    {"directive-mismatch", FILE_UP, "ALTER TABLE t DETACH PARTITION u CONCURRENTLY",
     "ALTER TABLE t DETACH PARTITION u"},
    {"directive-mismatch", FILE_UP, "CREATE DATABASE d", "CREATE SCHEMA d"},
    {"directive-mismatch", FILE_UP, "-- migrate:no-transactions\n", "-- migrate:no-transaction\n"},
    {"directive-mismatch", FILE_UP, "-- migrate:contract because\n", "-- migrate:contract\n"},
    {"directive-mismatch", FILE_UP, "SELECT 1;\n-- migrate:contract\n",
     "-- migrate:contract\nSELECT 1;"},
    {"directive-mismatch", FILE_DOWN, "-- migrate:contract\n", "-- migrate:no-transaction\n"},
    {"directive-mismatch", FILE_VERIFY, "-- migrate:no-transaction\n" RIGHT, RIGHT},
    {"missing-comment", FILE_UP, "CREATE TABLE t (a int); COMMENT ON COLUMN t.a IS 'x'",
     "CREATE TABLE t (a int); COMMENT ON TABLE public.t IS 'x'; COMMENT ON COLUMN \"t\".a IS 'x'"},
    {"missing-comment", FILE_UP, "CREATE TABLE t (a int); COMMENT ON TABLE t IS 'x'",
     "CREATE TABLE t (a int); COMMENT ON TABLE t IS 'x'; DO $$ BEGIN EXECUTE format('COMMENT ON "
     "COLUMN t.%I IS %L', 'a', 'x'); END $$"},
    {"missing-comment", FILE_UP, "ALTER TABLE t ADD IF NOT EXISTS a int",
     "ALTER TABLE t ADD a int; COMMENT ON COLUMN t.a IS 'x'"},
    {"missing-comment", FILE_UP, "ALTER TABLE t ADD a int; COMMENT ON COLUMN t.a IS NULL",
     "CREATE TEMP TABLE t (a int)"},
    {"missing-comment", FILE_UP, "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
     "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; COMMENT ON FUNCTION f IS 'x'"},
    {"missing-comment", FILE_UP, "CREATE VIEW v AS SELECT 1",
     "CREATE VIEW v AS SELECT 1; COMMENT ON VIEW v IS 'x'"},
    {"verify-shape", FILE_VERIFY, "", RIGHT},
    {"verify-shape", FILE_VERIFY, "SELECT 1 AS object, 2 AS found", RIGHT " FROM t WHERE a"},
    {"verify-shape", FILE_VERIFY, "SELECT 1 AS object, 2 AS found, 3 AS expected", RIGHT ";" RIGHT},
    {"verify-shape", FILE_VERIFY, "UPDATE t SET a = 1",
     "SELECT v.object, v.expected, (SELECT max(a) FROM t) found FROM v"},
    {"verify-shape", FILE_VERIFY, RIGHT "; SET a = 1",
     "WITH x AS (SELECT 1), y (a) AS MATERIALIZED (SELECT 2) SELECT DISTINCT x.object, f(1, 2) AS "
     "expected, y.a::text AS found FROM x, y"},
    {"verify-shape", FILE_VERIFY, "WITH x AS (DELETE FROM t RETURNING a) " RIGHT,
     "SELECT * FROM (VALUES ('a', 'b', 'c')) AS v (object, expected, found)"},
    {"verify-shape", FILE_VERIFY, "SELECT * FROM t", RIGHT " UNION ALL SELECT 'd', 'e', 'f'"},
    {"bad-ignore", FILE_UP, "-- migrate:ignore no-such-rule why\nSELECT 1",
     "-- migrate:ignored\nSELECT 1"},
    {"bad-ignore", FILE_UP, "-- migrate:ignore ban-drop-table\nDROP TABLE t",
     "-- migrate:ignore ban-drop-table it is empty\nDROP TABLE t"},
    {"bad-ignore", FILE_UP, "DROP TABLE -- migrate:ignore ban-drop-table it is empty\n t",
     "DROP TABLE t"},
    {"unused-ignore", FILE_UP, "-- migrate:ignore ban-drop-table it is empty\nSELECT 1",
     "-- migrate:ignore ban-drop-table it is empty\nDROP TABLE t"},
    {"unused-ignore", FILE_UP,
     "-- migrate:ignore ban-drop-table it is empty\nSELECT 1; DROP TABLE t", "DROP TABLE t"},
    {"unused-ignore", FILE_DOWN, "DROP TABLE t;\n-- migrate:ignore ban-drop-table it is empty\n",
     "DROP TABLE t"},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

static int set_up(void **state)
{
    static struct svc_arena arena;
    svc_arena_init(&arena, 65536);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    svc_arena_done(*state);
    return 0;
}

static struct migration_part part_of(const char *name, const char *text)
{
    return (struct migration_part){.file_name = name,
                                   .text = text,
                                   .len = strlen(text),
                                   .directives = lexer_directives(text, strlen(text))};
}

/* A sound migration with this text as one of its files. */
static struct migration migration_of(enum file_kind kind, const char *text)
{
    const char *up = kind == FILE_UP ? text : "SELECT 1";
    return (struct migration){
        .version = 1,
        .name = "a",
        .file_name = "1_a.sql",
        .text = up,
        .len = strlen(up),
        .directives = lexer_directives(up, strlen(up)),
        .down = part_of("down/1_a.sql", kind == FILE_DOWN ? text : "SELECT 1"),
        .verify = part_of("verify/1_a.sql", kind == FILE_VERIFY ? text : RIGHT),
    };
}

static struct lint_findings lint(struct svc_arena *arena, enum file_kind kind, const char *text)
{
    struct migration migration = migration_of(kind, text);
    struct files files = {.items = &migration, .count = 1};
    struct lint_findings found;
    lint_files(arena, &files, &found);
    return found;
}

static size_t count(const struct lint_findings *found, const char *rule)
{
    size_t times = 0;
    for (size_t i = 0; i < found->count; i++)
        times += strcmp(found->items[i].rule, rule) == 0 ? 1 : 0;
    return times;
}

static void bad_examples_are_found(void **state)
{
    for (size_t i = 0; i < EXAMPLES; i++) {
        const struct example *example = &examples[i];
        struct lint_findings found = lint(*state, example->kind, example->bad);
        if (count(&found, example->rule) == 0)
            fail_msg("%s: not found: %s", example->rule, example->bad);
    }
}

static void good_examples_are_not(void **state)
{
    for (size_t i = 0; i < EXAMPLES; i++) {
        const struct example *example = &examples[i];
        struct lint_findings found = lint(*state, example->kind, example->good);
        if (count(&found, example->rule) > 0)
            fail_msg("%s: found: %s", example->rule, example->good);
    }
}

/* The four that are about a set of files have tests of their own below. */
static void every_rule_has_an_example(void **state)
{
    (void)state;
    for (size_t i = 0; i < lint_rule_count; i++) {
        const char *name = lint_rules[i].name;
        bool found = strcmp(name, "missing-down") == 0 || strcmp(name, "missing-verify") == 0 ||
                     strcmp(name, "orphan-file") == 0;
        for (size_t k = 0; k < EXAMPLES; k++)
            found |= strcmp(examples[k].rule, name) == 0;
        if (!found)
            fail_msg("%s has no example", name);
    }
}

/* Every finding says what to do, and its place is in the text. */
static void findings_are_complete(void **state)
{
    for (size_t i = 0; i < EXAMPLES; i++) {
        struct lint_findings found = lint(*state, examples[i].kind, examples[i].bad);
        for (size_t k = 0; k < found.count; k++) {
            assert_true(found.items[k].line >= 1 && found.items[k].column >= 1);
            assert_true(*found.items[k].message && *found.items[k].advice);
        }
    }
}

static void only_one(void **state, enum file_kind kind, const char *text, const char *rule,
                     unsigned line, unsigned column)
{
    struct lint_findings found = lint(*state, kind, text);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0].rule, rule);
    assert_int_equal(found.items[0].line, line);
    assert_int_equal(found.items[0].column, column);
}

static void places_are_exact(void **state)
{
    only_one(state, FILE_UP, "SELECT 'ä';\r\n\r\n  TRUNCATE t CASCADE;", "ban-truncate-cascade", 3,
             3);
    only_one(state, FILE_UP, "DO $ä$ BEGIN\n  /* ö */ TRUNCATE t CASCADE;\nEND $ä$;",
             "ban-truncate-cascade", 2, 11);
    only_one(state, FILE_UP, "DO $$ BEGIN\nEXECUTE 'TRUNCATE t CASCADE';\nEND $$;",
             "ban-truncate-cascade", 2, 10);
    only_one(state, FILE_UP, "ALTER TABLE t\n  ALTER x SET DEFAULT 1,\n  DROP y;",
             "ban-drop-column", 3, 8);
    only_one(state, FILE_DOWN, "\nCOMMIT", "transaction-nesting", 2, 1);
}

static void an_ignore_is_for_one_statement(void **state)
{
    static const char line[] = "-- migrate:ignore ban-truncate-cascade both are empty\r\n";
    const char *one = svc_arena_printf(*state, "%sTRUNCATE t CASCADE;TRUNCATE u CASCADE", line);
    struct lint_findings found = lint(*state, FILE_UP, one);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.items[0].line, 2);
    assert_int_equal(found.items[0].column, 20);
    const char *both = svc_arena_printf(
        *state, "%sTRUNCATE t CASCADE;\n%s\n-- and\nTRUNCATE u CASCADE", line, line);
    found = lint(*state, FILE_UP, both);
    assert_int_equal(found.count, 0);
}

static void an_ignore_may_name_several_rules(void **state)
{
    struct lint_findings found =
        lint(*state, FILE_UP,
             "-- migrate:ignore ban-drop-column,adding-not-nullable-field,contract-directive old\n"
             "ALTER TABLE t DROP a, ALTER b SET NOT NULL;");
    assert_int_equal(found.count, 0);
    found = lint(*state, FILE_UP,
                 "-- migrate:ignore ban-drop-column,ban-drop-table,,x old\nALTER TABLE t DROP a;");
    assert_int_equal(found.count, 3);
    assert_int_equal(count(&found, "bad-ignore"), 2);
    assert_int_equal(count(&found, "unused-ignore"), 1);
}

static void missing_files_are_found(void **state)
{
    struct migration migration = migration_of(FILE_UP, "SELECT 1");
    struct files files = {.items = &migration, .count = 1};
    struct lint_findings found;
    const char *orphans[] = {"verify/2_b.sql"};
    lint_files(*state, &files, &found);
    assert_int_equal(found.count, 0);
    migration.down = (struct migration_part){.file_name = NULL};
    migration.verify = (struct migration_part){.file_name = NULL};
    files.orphans = orphans;
    files.orphan_count = 1;
    lint_files(*state, &files, &found);
    assert_int_equal(found.count, 3);
    assert_string_equal(found.items[0].rule, "missing-down");
    assert_string_equal(found.items[1].rule, "missing-verify");
    assert_string_equal(found.items[1].file, "1_a.sql");
    assert_string_equal(found.items[2].rule, "orphan-file");
    assert_string_equal(found.items[2].file, "verify/2_b.sql");
}

/* Closed defaults and functions of earlier files count; what a rollback does, doesn't. */
static void earlier_files_are_known(void **state)
{
    static const char function[] = "OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'";
    const char *replace = svc_arena_printf(*state, "CREATE %s", function);
    const char *as_owner = svc_arena_printf(*state, "SET ROLE o; CREATE %s", function);
    struct migration items[] = {
        migration_of(FILE_UP,
                     "ALTER DEFAULT PRIVILEGES FOR ROLE o REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"),
        migration_of(
            FILE_DOWN,
            "SET ROLE other; ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC"),
        migration_of(FILE_UP, as_owner),
        migration_of(FILE_UP, replace),
    };
    struct files files = {.items = items, .count = 4};
    struct lint_findings found;
    lint_files(*state, &files, &found);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0].rule, "missing-comment");
    items[2] = migration_of(FILE_UP, "SET ROLE o"); /* not the next file's */
    lint_files(*state, &files, &found);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.items[0].rule, "function-executable-by-public");
}

/* What only triggers call, nobody misses. */
static void functions_of_triggers_may_go(void **state)
{
    static const char make[] = "CREATE FUNCTION f() RETURNS %s LANGUAGE plpgsql AS 'BEGIN END'; "
                               "COMMENT ON FUNCTION f IS 'x'; REVOKE ALL ON FUNCTION f FROM PUBLIC";
    char text[256];
    (void)snprintf(text, sizeof text, make, "trigger");
    struct migration items[] = {migration_of(FILE_UP, text),
                                migration_of(FILE_UP, "DROP FUNCTION f()")};
    struct files files = {.items = items, .count = 2};
    struct lint_findings found;
    lint_files(*state, &files, &found);
    assert_int_equal(found.count, 0);
    (void)snprintf(text, sizeof text, make, "integer");
    items[0] = migration_of(FILE_UP, text);
    lint_files(*state, &files, &found);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0].rule, "contract-directive");
}

/* Whatever the bytes, no rule reads past them. */
static void broken_texts_are_read(void **state)
{
    static const char text[] =
        "-- migrate:ignore a b\nALTER TABLE t ADD CONSTRAINT c CHECK (a > 'x'), ADD COLUMN \"b\" "
        "varchar(2) DEFAULT nextval('s') NOT NULL; DO $x$ BEGIN EXECUTE $y$DROP TABLE t$y$; END "
        "$x$; CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; GRANT a ON FUNCTION f() "
        "TO PUBLIC; COMMENT ON COLUMN t.b IS 'x'; WITH a AS (SELECT 1) SELECT 1 AS object";
    for (size_t len = 0; len < sizeof text; len++)
        for (int kind = FILE_UP; kind <= FILE_VERIFY; kind++)
            (void)lint(*state, (enum file_kind)kind, svc_arena_copy(*state, text, len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bad_examples_are_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(good_examples_are_not, set_up, tear_down),
        cmocka_unit_test(every_rule_has_an_example),
        cmocka_unit_test_setup_teardown(findings_are_complete, set_up, tear_down),
        cmocka_unit_test_setup_teardown(places_are_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_ignore_is_for_one_statement, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_ignore_may_name_several_rules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_files_are_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(earlier_files_are_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(functions_of_triggers_may_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_texts_are_read, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
