"""Errors in files point at their place. In the texts below ^^ stands right before it and is taken out."""

import json
import os

import pytest

from tradewire_test.database import Database

MARK = "^^"

# name: (SQLSTATE, text). Each is tried with LF and with CR LF.
ERRORS = {
    # The server names the place.
    "syntax": ("42601", "SELECT 1;\nSELECT 'ä€😀' AS \"ö\", 2 FROM ^^;\n"),
    "keyword": ("42601", "-- ü\n\n  ^^SELEC 1;"),
    "column": ("42703", "SELECT 'ä',\n\t'€' || ^^nonsense;"),
    "table": ("42P01", "/* a;\n /* 'b; */ */ SELECT $x$ ; $$ ' $x$, 'ö'\nFROM ^^nosuch;"),
    "function": ("42883", "SELECT E'\\'; ä', ^^nosuch(1);"),
    "literal": ("22P02", "SELECT 'ä',\n  ^^'abc'::int;"),
    "end of input": ("42601", "SELECT 1;\nSELECT (1^^\n\n\n"),
    "open quote": ("42601", "SELECT 1;\n SELECT ^^'ä; SELECT 2;\n"),
    "open dollar quote": ("42601", "SELECT 1;\nSELECT ^^$ä$ ;\n$$ SELECT 2;"),
    "open comment": ("42601", "SELECT 'ö';\n^^/* SELECT /* 2 */"),
    "view": ("42703", "CREATE VIEW v AS\n  SELECT 'ß' AS a, ^^b FROM (SELECT 1 AS c) d;"),
    "long line": ("42703", "SELECT " + "'ä€😀', " * 60 + "^^nonsense" + ", 'ö'" * 60 + ";"),
    # Bodies that do not compile.
    "plpgsql syntax": ("42601", "SELECT 'ä';\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $ä$\nBEGIN\n  -- 'ö\n  RETURN 'x' FORM ^^y;\nEND $ä$;"),
    "plpgsql word": ("42601", "DO $$\nBEGIN\n  PERFORM 1;\n  ^^SELEC 'ä';\nEND $$;"),
    "sql body": ("42703", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\n  SELECT 1;\n  SELECT ^^nosuch;\n$$;"),
    "quoted body": ("42703", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS '\n  SELECT length(''ä'');\n  SELECT ^^nosuch;\n';"),
    "atomic body": ("42703", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC\n  SELECT CASE WHEN true THEN 1 END;\n  SELECT 'ä', ^^nosuch;\nEND;"),
    "same body twice": ("42601", "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1;\nEND $$;\n"
                                 "CREATE FUNCTION g() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1\nEND ^^$$;"),
    "unknown type": ("42704", "DO $$\nDECLARE\n  a int;\n  b ^^nosuch;\nBEGIN\nEND $$;"),
    "unknown variable": ("42601", "DO $$\nDECLARE\n  a int;\nBEGIN\n  ^^b := 1;\nEND $$;"),
    # SQL inside of bodies, found out when it runs.
    "statement in a block": ("42703", "SELECT 'ä';\nDO $do$\nBEGIN\n  PERFORM 1;\n  CREATE TEMP TABLE x AS\n    SELECT 'ö' AS a,\n      ^^nosuch AS b;\nEND $do$;"),
    "perform": ("42883", "DO $$\nBEGIN\n  PERFORM 1,\n    ^^nosuch('ä');\nEND $$;"),
    "into": ("42P01", "DO $$\nDECLARE\n  a text;\nBEGIN\n  SELECT 'ä' INTO a\n  FROM ^^nosuch;\nEND $$;"),
    "expression": ("42703", "DO $$\nDECLARE\n  a text;\nBEGIN\n  a := 'ä' || ^^nosuch;\nEND $$;"),
    "condition": ("42703", "DO $$\nBEGIN\n  IF true\n     AND ^^nosuch THEN\n    NULL;\n  END IF;\nEND $$;"),
    "loop": ("42703", "DO $$\nDECLARE\n  r record;\nBEGIN\n  FOR r IN SELECT ^^nosuch LOOP\n    NULL;\n  END LOOP;\nEND $$;"),
    "execute": ("42P01", "DO $a$\nBEGIN\n  EXECUTE $b$ SELECT 'ä'\n    FROM ^^nosuch $b$;\nEND $a$;"),
    "execute format": ("42P01", "DO $$\nBEGIN\n  PERFORM 'ä';\n  ^^EXECUTE format('SELECT * FROM %I', 'nosuch');\nEND $$;"),
    # Errors without a place: the line of the innermost body that the file has.
    "raise": ("P0001", "SELECT 'ä';\n\nDO $x$\nDECLARE a int := 1;\nBEGIN\n  /* ö */\n  IF a = 1 THEN\n    ^^RAISE 'no' USING HINT = 'h';\n  END IF;\nEND $x$;"),
    "quoted block": ("P0001", "DO LANGUAGE plpgsql '\nBEGIN\n  ^^RAISE ''ä'';\nEND';"),
    "one line": ("P0001", "DO $$ ^^BEGIN RAISE 'ä'; END $$;"),
    "division": ("22012", "DO $$\nDECLARE\n  a int := 0;\nBEGIN\n  a := a + 1;\n  ^^a := 1\n    / (a - 1);\nEND $$;"),
    "variable": ("22P02", "DO $$\nDECLARE\n  a text := 'ä';\n  ^^b int := a;\nBEGIN\n  NULL;\nEND $$;"),
    "assert": ("P0004", "DO $$\nBEGIN\n  PERFORM 1;\n  ^^ASSERT false, 'ä';\nEND $$;"),
    "nested functions": ("P0001", "CREATE FUNCTION inner_one(a int) RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  IF a > 1 THEN\n    ^^RAISE 'ä';\n  END IF;\n"
                                  "  RETURN a;\nEND $$;\nCREATE FUNCTION outer_one() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n\n\n\n  RETURN inner_one(2);\nEND $$;\n"
                                  "DO $$\nBEGIN\n\n  PERFORM outer_one();\nEND $$;"),
    "replaced function": ("P0001", "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RAISE 'old';\nEND $$;\n"
                                   "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n\n\n  ^^RAISE 'new';\nEND $$;\nSELECT f();"),
    "quoted name": ("P0001", "CREATE SCHEMA \"S ä\";\nCREATE FUNCTION \"S ä\".\"F \"\"é(\"(a int) RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  ^^RAISE 'ä';\nEND $$;\n"
                             "SELECT \"S ä\".\"F \"\"é(\"(1);"),
    "upper case name": ("P0001", "CREATE FUNCTION public.Mixed_Case() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  ^^RAISE 'ä';\nEND $$;\nSELECT mixed_case();"),
    "procedure": ("P0001", "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$\nBEGIN\n  ^^RAISE 'ä';\nEND $$;\nCALL p();"),
    "trigger": ("P0001", "CREATE TABLE t (a int);\nCREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  PERFORM 'ä';\n  ^^RAISE 'no';\nEND $$;\n"
                         "CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();\nINSERT INTO t VALUES (1);"),
    "sql function": ("22012", "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS $$\n  SELECT length('ä;');\n  ^^SELECT 1 /\n    a;\n$$;\nSELECT f(0) FROM generate_series(1, 2);"),
    "atomic function": ("22012", "CREATE FUNCTION f(a int) RETURNS int BEGIN ATOMIC\n  SELECT CASE WHEN true THEN 'ä' END;\n  ^^SELECT 1 / a;\nEND;\nSELECT f(0) FROM generate_series(1, 2);"),
    "foreign block": ("P0001", "DO $$\nBEGIN\n\n  ^^EXECUTE 'DO $x$ BEGIN RAISE ''ä''; END $x$';\nEND $$;"),
    "foreign function": ("22P02", "DO $$\nBEGIN\n  PERFORM 'ä';\n  ^^PERFORM ('{' || 'a')::jsonb;\nEND $$;"),
    # Nothing but the statement.
    "key": ("23505", "CREATE TABLE t (a text PRIMARY KEY);\nDO $$ BEGIN PERFORM ';'; END $$; -- ;\n\n  ^^INSERT INTO t\n    VALUES ('ä'), ('ä');"),
    "check": ("23514", "CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\nCREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;\n^^ALTER TABLE t ADD CHECK (a > 1);"),
    "duplicate": ("42P07", "CREATE TABLE t (a int);;\n\n;; ^^CREATE TABLE\n  t (a int);"),
}


def place(text):
    before = text[:text.index(MARK)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


@pytest.fixture(scope="module")
def scratch():
    made = Database(os.environ["TEST_ADMIN_DATABASE_URL"]).create()
    yield made
    made.drop()


def fail(database, folder, text, name="1_bad.sql"):
    (folder / name).write_bytes(text.replace(MARK, "", 1).encode())
    done = database.migrate("up", "--json", "--dir", str(folder))
    return json.loads(done.stdout)["error"], done.stderr


def check_caret(text, stderr, line, column):
    """Under the line that the file has, or a piece of a long one, the caret stands under its character."""
    lines = stderr.split("\n")
    at_line = next(number for number, text in enumerate(lines) if text.strip() == "^")
    shown, at = lines[at_line - 1], lines[at_line].index("^")
    source = text.replace(MARK, "", 1).split("\n")[line - 1].rstrip("\r")
    if len(source) < 100:
        assert shown == "  " + source and at == column + 1
    else:
        assert len(shown) < 130 and shown[at:at + 5] == source[column - 1:column + 4]
    assert all(before == ("\t" if over == "\t" else " ") for before, over in zip(lines[at_line][:at], shown))


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("name", ERRORS)
def test_the_place_is_exact(scratch, tmp_path, name, line_end):
    sqlstate, text = ERRORS[name]
    text = text.replace("\n", line_end)
    error, stderr = fail(scratch, tmp_path, text)
    assert (error["sqlstate"], error["line"], error["column"]) == (sqlstate, *place(text)), (error, stderr)
    assert error["file"] == "1_bad.sql" and (f"migrate: 1_bad.sql:{error['line']}:{error['column']}: sql_error: " in stderr)
    check_caret(text, stderr, *place(text))


def test_there_are_enough():
    assert len(ERRORS) >= 30


def test_everything_that_the_server_says_is_printed(scratch, tmp_path):
    _, stderr = fail(scratch, tmp_path, "CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RAISE 'm' USING DETAIL = 'd', HINT = 'h', "
                                        "ERRCODE = 'TW001';\nEND $$;\nSELECT f(1);")
    assert stderr == ("migrate: 1_bad.sql:3:3: sql_error: m\n"
                      "    RAISE 'm' USING DETAIL = 'd', HINT = 'h', ERRCODE = 'TW001';\n"
                      "    ^\n"
                      "  SQLSTATE: TW001\n  DETAIL: d\n  HINT: h\n"
                      "  CONTEXT: PL/pgSQL function f(integer) line 3 at RAISE\n")


def test_a_function_of_an_earlier_file_is_named_and_its_caller_shown(tmp_path):
    made = Database(os.environ["TEST_ADMIN_DATABASE_URL"]).create()
    try:
        (tmp_path / "1_good.sql").write_text("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RAISE 'ä';\nEND $$;\n")
        text = "SELECT 1;\nDO $$\nBEGIN\n  PERFORM 1;\n  ^^PERFORM f();\nEND $$;"
        error, _ = fail(made, tmp_path, text, "2_bad.sql")
        assert (error["file"], error["line"], error["column"]) == ("2_bad.sql", *place(text))
        assert error["context"].startswith("PL/pgSQL function f() line 3 at RAISE")
    finally:
        made.drop()


@pytest.mark.parametrize("text", [
    "-- migrate:no-transaction\nSELECT 'ä';\n\nSELECT 'ö', ^^nonsense;\nSELECT 2;",
    "-- migrate:no-transaction\nSELECT 'ä;';\n  DO $$\nBEGIN\n  ^^RAISE 'ö';\nEND $$;",
    "-- migrate:no-transaction\r\nSELECT 'ä';\r\n ^^CREATE INDEX CONCURRENTLY i\r\n  ON nosuch (a);",
])
def test_a_file_that_runs_statement_by_statement(tmp_path, text):
    made = Database(os.environ["TEST_ADMIN_DATABASE_URL"]).create()
    try:
        error, stderr = fail(made, tmp_path, text)
        assert (error["line"], error["column"]) == place(text), (error, stderr)
        check_caret(text, stderr, *place(text))
    finally:
        made.drop()
