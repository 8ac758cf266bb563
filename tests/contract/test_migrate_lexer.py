"""The lexer against the server: statements executed one by one do what the whole text does in one simple query.

Each text is compared twice. In an aborted transaction the server only parses: the first of our statements that it
does not understand must be the one in which it finds the whole text's error. Then, where the whole text was
understood, both ways are executed; results and the error that ends them must be equal.
"""

import json
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

from tradewire_test.database import Database
from tradewire_test.simple_query import Error, SimpleQuery

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
PROGRAM = Path(os.environ["TRADEWIRE_BIN"]).parent / "tests/print_statements"
ABORTED = "25P02"
SEED = int(os.environ.get("TEST_SEED", random.SystemRandom().randrange(1 << 32)))
GENERATED, DAMAGED = (3000, 6000) if os.environ.get("TRADEWIRE_LONG") == "1" else (300, 600)


@pytest.fixture(scope="module")
def scratch():
    made = Database(os.environ["TEST_ADMIN_DATABASE_URL"]).create()
    session = SimpleQuery(made.url)
    session.run("SET client_min_messages = error; SET statement_timeout = '10s'")
    yield session
    session.close()
    made.drop()


def split(texts):
    """For each text its statements, as our lexer sees them: (offset in bytes, text)."""
    encoded = [text.encode() for text in texts]
    stream = b"".join(b"%d\n%s" % (len(text), text) for text in encoded)
    lines = subprocess.run([str(PROGRAM)], input=stream, stdout=subprocess.PIPE, check=True).stdout.splitlines()
    assert len(lines) == len(texts)
    return [[(offset, text[offset:offset + size].decode()) for offset, size, _ in json.loads(line)]
            for text, line in zip(encoded, lines)]


def place(text, error):
    """The error's offset in bytes."""
    return len(text[:error.position - 1].encode())


def same_error(text, whole, offset, statement, alone):
    """The statement lacks what follows it: where that was the surprise, its end is one now."""
    if whole.sqlstate != alone.sqlstate:
        return False
    if whole.message.endswith('at or near ";"') and alone.message.endswith("at end of input"):
        return True
    if (whole.position is None) != (alone.position is None):
        return False
    if not whole.message.startswith(alone.message.removesuffix('"')):
        return False
    if whole.position is None or whole.message.endswith("at end of input"):
        return True
    return place(text, whole) == offset + place(statement, alone)


def compare_parsing(session, text, statements):
    """None when the server understands the text; else the error."""
    start_over(session)
    session.run("SELECT 1/0")
    whole = session.run(text)[1] if statements else None
    alone = [session.run(statement)[1] for _, statement in statements]
    session.run("ROLLBACK")
    if whole is None or whole.sqlstate == ABORTED:
        assert {error.sqlstate for error in alone} <= {ABORTED}
        return None
    first = next(i for i, error in enumerate(alone) if error.sqlstate != ABORTED)
    offset, statement = statements[first]
    assert same_error(text, whole, offset, statement, alone[first]), (whole, alone[first], statement)
    return whole


def start_over(session):
    """Prepared statements outlive a rollback."""
    session.run("ROLLBACK")
    session.run("DEALLOCATE ALL")
    session.run("BEGIN")


def compare_execution(session, text, statements):
    """How many statements succeeded."""
    start_over(session)
    whole, whole_error = session.run(text)
    start_over(session)
    alone, error = [], None
    for offset, statement in statements:
        results, error = session.run(statement)
        alone += results
        if error:
            assert whole_error and same_error(text, whole_error, offset, statement, error), (whole_error, error)
            break
        assert sum(1 for result in results if result.tag) == 1, statement  # a rule's SELECTs have no tag
    session.run("ROLLBACK")
    assert bool(error) == bool(whole_error), (whole_error, error)
    assert alone == whole
    return len(alone)


def compare(session, text, statements):
    __tracebackhide__ = True
    if any(re.match(r"end\b", statement, re.I) for _, statement in statements):
        return None  # damage made a COMMIT of it, and nothing could be taken back
    try:
        return compare_parsing(session, text, statements) or compare_execution(session, text, statements)
    except (AssertionError, AttributeError, StopIteration) as difference:
        pytest.fail(f"seed {SEED}: {difference!r}\n{text!r}\n{statements!r}", pytrace=False)


NASTY = r"""
SELECT 1;; ;SELECT 2
SELECT 1 -- ; '
SELECT 'a;b''c;', 1; SELECT 'd\'; SELECT 2
SELECT E'a\';b''c;\\'; SELECT e'\\'; SELECT 2
SELECT E'a' -- ; it's
 '\';b'; SELECT 2
SELECT 'a'
'b;\'; SELECT 2
SELECT 'a' 'b;'; SELECT 2
SELECT E'a\\'/* ' */; SELECT 2
SELECT U&'d\0061;!' , u&"a;\0062" FROM (VALUES (1)) v("a;b"); SELECT 2
SELECT U&'d!0061;' UESCAPE '!'; SELECT 2
SELECT B'0101', b'1', X'1Ff', x'0'; SELECT N'a;b'; SELECT 2
SELECT "a;""b" FROM (VALUES (1)) v("a;""b"); SELECT 2
SELECT $$a;'"b$$; SELECT $a$ ; $$ ; $b$ $a$; SELECT 2
SELECT $_1$;$_1$; SELECT $ä$;$ä$; SELECT $é_2$ $é$ ; $é_2$; SELECT 2
SELECT $a$ ; $aa$a$; SELECT $a$ $$a$; SELECT 2
SELECT $A$ $a$ ; $A$; SELECT 2
PREPARE p AS SELECT $1::int+$2; EXECUTE p(1, 2); EXECUTE p(3,4)
SELECT a$b$c FROM (VALUES (1)) v(a$b$c); SELECT ';$b$'; SELECT 2
SELECT 1$$;$$; SELECT 2
SELECT /* ; /* ; */ ' ; */ 1; SELECT 2
SELECT 5 */* ; */ 3; SELECT 1 +-- ;
 2; SELECT 4 -/**/- 1; SELECT @-5; SELECT 2
/* a */ ; /* b */ SELECT 1 /* c; */ ; -- d;
SELECT 1; /* never closed ; SELECT 2
SELECT 1; SELECT 'never closed; SELECT 2
SELECT 1; SELECT $x$never closed; SELECT 2
SELECT 1; SELECT "never closed; SELECT 2
SELECT 1; SELECT E'never closed\'; SELECT 2
SELECT 1; \d x; SELECT 2
SELECT 1; \echo 'a; SELECT 2
SELECT 1; \; SELECT 2
SELECT (1; SELECT 2)
SELECT 1); SELECT 2
SELECT (SELECT 1) ; SELECT ((2))
SELECT ARRAY[1,2][1]; SELECT 2
SELECT 1 AS end, 2 AS case; SELECT 2 end, 3 case; SELECT CASE WHEN true THEN 1 END; SELECT 2
SELECT 1 begin, 2 atomic; SELECT 3
SELECT begin atomic FROM (VALUES (1)) v(begin); SELECT 2
BEGIN ATOMIC; SELECT 2
CREATE TABLE t (i int); CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2;); INSERT INTO t VALUES (1); SELECT 3
CREATE TABLE t (i int); CREATE RULE r AS ON UPDATE TO t DO INSTEAD (DELETE FROM t; INSERT INTO t VALUES (7)); INSERT INTO t VALUES (1); UPDATE t SET i = 2; SELECT * FROM t
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END; SELECT f(); SELECT 3
CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC END; SELECT 1
CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 ELSE 2 END; END; SELECT f(); SELECT 3
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE CASE 1 WHEN 1 THEN 2 END WHEN 2 THEN 3 END; SELECT 4; END; SELECT f(); SELECT 5
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT 2 end; SELECT 3 AS case; SELECT 4 case; END; SELECT f(); SELECT 5
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT t.end + t.case FROM (SELECT 1 AS end, 2 AS case) t; END; SELECT f(); SELECT 5
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT t.case + CASE WHEN t.end THEN 1 END FROM (SELECT true AS end, 2 AS case) t; END; SELECT f(); SELECT 5
CREATE TABLE t (i int PRIMARY KEY); CREATE FUNCTION f() RETURNS int BEGIN ATOMIC INSERT INTO t SELECT 1 AS case ON CONFLICT DO NOTHING; INSERT INTO t SELECT 1 case ON CONFLICT DO NOTHING; INSERT INTO t SELECT 2 case RETURNING i; END; SELECT f(); SELECT 5
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 case FROM (VALUES (1)) v; SELECT 2; END; SELECT f(); SELECT 5
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT (CASE WHEN (SELECT true end) THEN 1 END); END; SELECT f(); SELECT 5
CREATE FUNCTION f(begin int, atomic int) RETURNS int RETURN begin + atomic; SELECT f(1, 2); SELECT 3
CREATE FUNCTION f(a int DEFAULT CASE WHEN true THEN 1 END) RETURNS int BEGIN ATOMIC SELECT a; END; SELECT f(); SELECT 3
CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'SELECT 1;'; SELECT begin(); SELECT 2
CREATE FUNCTION f() RETURNS int BEGIN /* ; */ ATOMIC -- ;
 SELECT 1; END; SELECT f(); SELECT 2
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END END; SELECT 2
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC BEGIN; END; SELECT 2
CREATE PROCEDURE p(INOUT a int) BEGIN ATOMIC SELECT a + 1; END; CALL p(1); SELECT 2
CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN RETURN CASE WHEN true THEN 1 END; END; $f$; SELECT f(); SELECT 2
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT $a$;$b$'$a$; $$; SELECT f(); SELECT 2
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN length(''a;b''); END'; SELECT f(); SELECT 2
DO $do$ BEGIN EXECUTE $x$ SELECT $y$;$y$; $x$; PERFORM 1; END $do$; SELECT 2
DO $$ BEGIN RAISE 'no;'; END $$; SELECT 2
DO $$ BEGIN SELEC 1; END $$; SELECT 2
CREATE SCHEMA s CREATE TABLE t (i int) CREATE VIEW v AS SELECT 1 AS i; SELECT * FROM s.v
SELECT 1/0; SELECT 2
SELECT 1; SELECT nothing; SELECT 2
SELECT 1; SELEC 2; SELECT 3
SELECT 'ö', 'ü;' ; SELECT nichts; SELECT 2
SELECT 0x1F; SELECT 1_000; SELECT 2
SELECT 1a; SELECT 2
SELECT 1E'a\'; SELECT 2'; SELECT 3
SELECT 1.E'a\'; SELECT 2'; SELECT 3
SELECT $1a; SELECT 2
SELECT $a; SELECT 2
SELECT nE'a\'; SELECT 2'; SELECT 3
SELECT _E'a\'; SELECT 2'; SELECT 3
SELECT 'x'::name'a\'; SELECT 2'; SELECT 3
SELECT E'\'' 'a\'; SELECT 3
SELECT ''''; SELECT ''';'''; SELECT E''';'''; SELECT 3
SELECT U&'\'';'; SELECT 2
SELECT b'0''1;'; SELECT 2
SELECT "" ; SELECT 2
SELECT 1 where 1 operator(pg_catalog.=) 1; SELECT 2
SELECT 1 ?| 2; SELECT 2
SELECT '{"a":";"}'::jsonb->>'a', '{}'::jsonb @> '{}', 1<>2, 1!=2; SELECT 2
EXPLAIN (COSTS off) SELECT 1; SELECT 2
VALUES (1), (2); TABLE pg_am; SELECT 2
"""


def nasty_texts():
    """A line is a text; one that begins with a space or a quote goes on with the line before it."""
    texts = []
    for line in NASTY.strip("\n").split("\n"):
        if line[0] in " '" and texts:
            texts[-1] += "\n" + line
        else:
            texts.append(line)
    return texts


def test_nasty_texts(scratch):
    texts = nasty_texts()
    texts += ["SELECT 1\v; SELECT 2", "SELECT\u00a01; SELECT 2", "SELECT 1\u2028; SELECT 2", "\ufeffSELECT 1; SELECT 2", "SELECT '\u2028;'; SELECT 2"]
    texts += [text.replace("\n", "\r\n") for text in texts if "\n" in text] + ["", " ", ";", "--", "-- a\n;;/* b */", "/*"]
    texts += [f"SELECT 1;{text}" for text in texts] + [f"{text}\n; SELECT 9" for text in texts]
    assert len(texts) >= 250
    for text, statements in zip(texts, split(texts)):
        compare(scratch, text, statements)


class Writer:
    """Texts of valid statements (and now and then one that fails), hard to split."""

    def __init__(self, rng):
        self.rng = rng

    def words(self, alphabet=(";", "'", '"', "\\", "$", "$$", "--", "/*", "*/", " ", "\n", "a", "E", "end", "ä", "€", "(", ")")):
        return "".join(self.rng.choice(alphabet) for _ in range(self.rng.randrange(8)))

    def gap(self):
        return self.rng.choice((" ", " ", " ", "\n", "\t", "\r\n", "\f", " -- " + self.words().replace("\n", " ") + "\n",
                                " /*" + self.comment() + "*/ ", "/* /* ; */ ' */"))

    def comment(self):
        return self.words().replace("*/", "").replace("/*", "").replace("*", "").replace("/", "")

    def literal(self):
        text = self.words()
        plain = "'" + text.replace("'", "''") + "'"
        tag = "$" + self.rng.choice(("", "a", "_1", "ä", "end", "E")) + "$"
        forms = [plain, plain,
                 self.rng.choice("eE") + "'" + text.replace("\\", "\\\\").replace("'", self.rng.choice(("''", "\\'"))) + "'",
                 "U&'" + text.replace("\\", "\\\\").replace("'", "''") + "'", "N" + plain,
                 "B'01'::text", "X'1f'::text",
                 "E'a\\''\n" + "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'",
                 plain + "\n-- c ;'\n" + plain]
        if tag not in text + "$" and not (text + tag).startswith(tag + "$") and tag not in (text + tag)[:-1]:
            forms.append(tag + text + tag)
        return self.rng.choice(forms)

    def name(self):
        text = self.words().replace('"', '""')[:20].rstrip('"') or "x"
        return self.rng.choice(('"' + text.replace('"', "") + 'x"', "abc", "a$b$", "ä", "e", "n1"))

    def expression(self):
        return self.rng.choice((
            lambda: self.literal(),
            lambda: str(self.rng.randrange(1000)),
            lambda: f"({self.expression()},{self.gap()}{self.expression()})::text",
            lambda: f"length({self.literal()})",
            lambda: f"CASE{self.gap()}WHEN true THEN {self.rng.randrange(9)} ELSE 1{self.gap()}END",
            lambda: f"1{self.gap()}+{self.gap()}{self.rng.randrange(9)}",
            lambda: "5 */* ; */ 3", lambda: "@-5", lambda: "ARRAY[1,2]", lambda: "1.5e-3",
        ))()

    def body_statement(self):
        return self.rng.choice((
            lambda: f"SELECT {self.expression()}::text",
            lambda: f"SELECT 1 AS{self.gap()}end", lambda: f"SELECT 2{self.gap()}end", lambda: f"SELECT 3{self.gap()}case",
            lambda: "SELECT t.end FROM (SELECT 1 AS end) t",
            lambda: f"SELECT CASE WHEN true THEN CASE 1 WHEN 1 THEN {self.literal()} END END",
            lambda: f"INSERT INTO pg_temp.noted VALUES ({self.literal()})",
        ))()

    def statement(self, number):
        gap = self.gap
        return self.rng.choice((
            lambda: f"SELECT{gap()}{self.expression()}",
            lambda: f"SELECT{gap()}{self.expression()}{gap()}AS{gap()}{self.name()},{gap()}{self.literal()}",
            lambda: f"INSERT INTO pg_temp.noted VALUES{gap()}({self.literal()}){gap()}RETURNING{gap()}v",
            lambda: f"CREATE TABLE{gap()}pg_temp.t{number} ({self.name()} int); SELECT * FROM pg_temp.t{number}",
            lambda: f"DO $do${gap()}BEGIN{gap()}PERFORM {self.literal()};{gap()}END;{gap()}$do$" if True else "",
            lambda: f"CREATE{gap()}FUNCTION{gap()}pg_temp.f{number}(){gap()}RETURNS text{gap()}BEGIN{gap()}ATOMIC{gap()}"
                    + "".join(self.body_statement() + gap() + ";" for _ in range(self.rng.randrange(3)))
                    + f"SELECT {self.literal()};{gap()}END;{gap()}SELECT pg_temp.f{number}()",
            lambda: f"CREATE OR REPLACE FUNCTION pg_temp.g{number}() RETURNS text LANGUAGE sql AS $g$ SELECT {self.literal()}; $g$",
            lambda: f"CREATE TABLE pg_temp.r{number} (v text); CREATE RULE r AS ON INSERT TO pg_temp.r{number} DO ALSO{gap()}("
                    f"SELECT {self.literal()};{gap()}INSERT INTO pg_temp.noted VALUES ({self.literal()}));{gap()}"
                    f"INSERT INTO pg_temp.r{number} VALUES (NULL)",
            lambda: f"PREPARE p{number} AS SELECT $1::text || {self.literal()}; EXECUTE p{number}({self.literal()})",
            lambda: self.rng.choice(("SELECT 1/0", "SELECT nosuch", f"SELEC {self.literal()}", "DO $$ BEGIN RAISE 'a;'; END $$"))
            if self.rng.randrange(12) == 0 else "",
        ))()

    def text(self):
        pieces = ["CREATE TEMP TABLE noted (v text)"]
        pieces += [self.statement(number) for number in range(self.rng.randrange(1, 6))]
        end = lambda: self.gap() + ";" * self.rng.choice((1, 1, 1, 2)) + self.gap()
        return "".join(piece + end() for piece in pieces) + "SELECT * FROM pg_temp.noted" + self.rng.choice(("", ";", self.gap()))


def test_generated_texts(scratch):
    print("seed", SEED)
    writer = Writer(random.Random(SEED))
    texts = [writer.text() for _ in range(GENERATED)]
    counts = [compare(scratch, text, statements) for text, statements in zip(texts, split(texts))]
    whole = [count for count in counts if isinstance(count, int)]
    assert len(whole) > GENERATED / 2 and sum(whole) > 3 * len(whole), "most texts are valid ones of several statements"


def damaged(rng, text):
    at, size = rng.randrange(len(text) + 1), rng.randrange(1, 12)
    piece = rng.choice((";", "'", '"', "\\", "$$", "$a$", "--", "/*", "*/", "E'", "(", ")", "\n", " end ", " case ", " begin atomic ",
                        text[at:at + size]))
    return rng.choice((text[:at] + piece + text[at:], text[:at] + text[at + size:], text[:at]))


def test_damaged_texts(scratch):
    """One byte more or less, and everything after it is read differently: both must read it the same way."""
    print("seed", SEED)
    rng = random.Random(SEED)
    writer = Writer(rng)
    sound = nasty_texts() + [writer.text() for _ in range(60)]
    texts = [damaged(rng, rng.choice(sound)) for _ in range(DAMAGED)]
    found = [compare(scratch, text, statements) for text, statements in zip(texts, split(texts))]
    assert any(isinstance(count, Error) for count in found) and any(isinstance(count, int) for count in found)


def up_files():
    return sorted(MIGRATIONS.glob("*.sql"), key=lambda path: int(path.name.split("_")[0]))


def apply(session, text, parts):
    """In one transaction where the file allows it; every statement's result."""
    in_one = "\n-- migrate:no-transaction" not in "\n" + text
    session.run("SET client_min_messages = error" + ("; BEGIN" if in_one else ""))
    outcomes = [session.run(part) for part in parts]
    session.run("COMMIT; RESET ROLE; RESET search_path")
    assert [error for _, error in outcomes if error] == []
    return [result for results, _ in outcomes for result in results]


def test_migrations():
    """Each file of the folder: whole in one database, statement by statement in another; the same catalog at the end."""
    made = [Database(os.environ["TEST_ADMIN_DATABASE_URL"]).create() for _ in range(2)]
    sessions = [SimpleQuery(database.url) for database in made]
    try:
        texts = [path.read_text() for path in up_files()]
        for path, text, statements in zip(up_files(), texts, split(texts)):
            alone = [part for _, part in statements]
            whole = alone if "-- migrate:no-transaction" in text else [text]
            results = apply(sessions[0], text, whole)
            assert len(results) == len(alone) and results == apply(sessions[1], text, alone), path.name
        dumps = [dump(database) for database in made]
        assert dumps[0] == dumps[1] and "CREATE TABLE public.jobs" in dumps[0]
    finally:
        for session in sessions:
            session.close()
        for database in made:
            database.drop()


def dump(database):
    text = subprocess.run(["pg_dump", "--schema-only", database.url], stdout=subprocess.PIPE, check=True, text=True).stdout
    # pg_dump's own lines have a random word.
    return "\n".join(line for line in text.split("\n") if not line.startswith(("\\restrict", "\\unrestrict")))
