"""Who can do what, tried object by object, role by role and verb by verb against `rights/matrix.txt`, which is written by hand.

On a plain Postgres, on a database with Supabase's default privileges, and on older installations brought forward. How a
cell is tried is in `rights/try.sql`, with whose rows in `rights/seed.sql`. Then the matrix is shown to find what it must:
rights are given by hand, and taken back.
"""

import os
import time
from pathlib import Path

import pytest

from tradewire_test.database import Database
from tradewire_test.installations import Supabase, load, plain_auth

RIGHTS = Path(__file__).parent / "rights"
VERBS = {"schema": "XC", "sequence": "SUX", "function": "X", "type": "U"}
RELATION = "SIUDTRG"


def cells(letters):
    """'SI*U' → {'S': '', 'I': '*', 'U': ''}"""
    found = {}
    for letter in letters.replace("-", ""):
        if letter == "*":
            found[next(reversed(found))] = "*"
        else:
            found[letter] = ""
    return found


def matrix():
    """(object, actor, verb, cell) of every cell: the letter, with its columns where not all; or -."""
    lines = [line for line in (RIGHTS / "matrix.txt").read_text().splitlines() if line and not line.startswith("#")]
    split = next(number for number, line in enumerate(lines) if line.startswith("columns "))
    columns = {}
    for line in lines[split:]:
        head, _, names = line.removeprefix("columns ").partition(": ")
        assert tuple(head.split()) not in columns, line
        columns[tuple(head.split())] = ", ".join(sorted(names.split(", ")))
    actors = [name.strip() for name in lines[0].split("|")][1:]
    rows, objects = [], set()
    for line in lines[1:split]:
        name, *given = (part.strip() for part in line.split("|"))
        assert name not in objects, f"{name} is there twice"
        assert len(given) == len(actors), line
        objects.add(name)
        verbs = VERBS.get(name.split()[0], RELATION)
        for actor, letters in [*zip(actors, given), ("nobody", given[actors.index("other")])]:
            mine = cells(letters)
            assert letters and set(mine) <= set(verbs), line
            for verb in verbs:
                only = columns.pop((name.split()[1], actor, verb)) if mine.get(verb) else None
                rows.append((name, actor, verb, "-" if verb not in mine else f"{verb}({only})" if only else verb))
    assert not columns, f"columns of no cell: {list(columns)}"
    return rows


class Tried:
    """A migrated and seeded database, and one session of its superuser."""

    def __init__(self, database):
        self.database = database
        applied = database.migrate("up")
        assert applied.returncode == 0, applied.stderr
        self.session = database.platform() if isinstance(database, Supabase) else database.session()
        for file in ("try.sql", "seed.sql"):
            self.session.rows((RIGHTS / file).read_text())
        rows = matrix()
        self.session.rows("INSERT INTO rights_test.expected SELECT * FROM unnest(%s, %s, %s, %s) v",
                          *[list(column) for column in zip(*rows)])

    def run(self, *statements, objects=None, actors=None):
        """(what is tried, what differs) when these statements have been run; all of it is undone."""
        self.session.begin()
        try:
            for statement in statements:
                self.session.rows(statement)
            lines = [row["run"] for row in self.session.rows("SELECT rights_test.run(%s, %s)", objects, actors)]
        finally:
            self.session.rollback()
        assert not [line for line in lines if line.startswith("Bail out")], lines
        wrong = [line.partition(" - ")[2].partition("\n")[0] for line in lines if line.startswith("not ok ")]
        right = sum(int(line.split()[-2]) for line in lines if line.startswith("ok "))
        return right + sum(": expected " in line for line in wrong), wrong


@pytest.fixture(scope="module", params=[Database, Supabase], ids=["plain", "supabase"])
def tried(request):
    made = request.param(os.environ["TEST_ADMIN_DATABASE_URL"]).create()
    try:
        yield Tried(made)
    finally:
        made.drop()


def test_every_cell(tried):
    begin = time.monotonic()
    count, wrong = tried.run()
    print(f"{count} cells tried in {time.monotonic() - begin:.1f} s")
    assert not wrong, "\n" + "\n".join(wrong)
    assert count > 5000


# A stand-in for service_role that an ordinary user made passes no row level security: policies let it through.
def test_service_role_needs_no_bypass(tried):
    count, wrong = tried.run("ALTER ROLE service_role NOBYPASSRLS", actors=["service"])
    assert count > 100 and not wrong, "\n" + "\n".join(wrong)


# Rights that an older installation gave are gone, whoever has them. Where it had `profiles`, programs of then still read it.
@pytest.mark.parametrize("kind, shape, extra", [
    (Database, "first_backend", "view profiles"), (Database, "half_there", None), (Supabase, "half_there", None)])
def test_an_older_installation_brought_forward(kind, shape, extra):
    made = kind(os.environ["TEST_ADMIN_DATABASE_URL"]).create()
    try:
        if (kind, shape) == (Database, "half_there"):
            plain_auth(made)
        load(made, shape)
        upgraded = Tried(made)
        if extra:
            upgraded.session.rows("""
                INSERT INTO rights_test.expected SELECT %s, actor, verb, cell FROM rights_test.expected WHERE object = 'table user_profiles';
                INSERT INTO rights_test.rows SELECT split_part(%s, ' ', 2), key FROM rights_test.rows WHERE relation = 'user_profiles'""",
                                  extra, extra)
        count, wrong = upgraded.run()
        assert count > 5000 and not wrong, "\n" + "\n".join(wrong)
    finally:
        made.drop()


# What is done by hand, on which object, and what the matrix says of it.
BY_HAND = {
    "a grant that row level security still holds back": (
        ["GRANT UPDATE ON jobs TO tradewire_operator"], "table jobs", ["operator, update: expected -, got u"]),
    "a grant and its policy": (
        ["GRANT INSERT ON tv_signals TO tradewire_gateway",
         "CREATE POLICY more ON tv_signals FOR INSERT TO tradewire_gateway WITH CHECK (true)"],
        "table tv_signals", ["gateway, insert: expected -, got I"]),
    "a secret's column": (
        ["GRANT SELECT (pairing_key_hash, id) ON mt5_agents TO tradewire_sync"], "table mt5_agents",
        ["sync, select: expected -, got s(id, pairing_key_hash)"]),
    "a column of a row that is the user's": (
        ["GRANT UPDATE (arm_state) ON tv_strategies TO authenticated"], "table tv_strategies",
        ["user, update: expected U(allowed_pairs, broker_connection_id, is_enabled, name, risk_override_pct, settings), "
         "got U(allowed_pairs, arm_state, broker_connection_id, is_enabled, name, risk_override_pct, settings)"]),
    "a right for everybody": (
        ["GRANT SELECT ON signal_keys TO PUBLIC"], "table signal_keys",
        [f"{actor}, select: expected -, got {'S' if actor == 'service' else 's'}" for actor in (
            "anon", "user", "other", "admin", "service", "ingester", "dispatcher", "gateway", "sync", "operator", "nobody")]),
    "a right taken away": (
        ["REVOKE SELECT ON trades FROM tradewire_sync"], "table trades", ["sync, select: expected S, got -"]),
    "a policy for all rows": (
        ["CREATE POLICY more ON trades FOR SELECT TO authenticated USING (true)"], "table trades",
        [f"{actor}, select: expected -, got S" for actor in ("other", "admin", "nobody")]),
    "a policy that forgets whose row it is": (
        ["DROP POLICY own ON ea_versions", """CREATE POLICY own ON ea_versions FOR SELECT TO authenticated
            USING (EXISTS (SELECT FROM ea_projects p WHERE p.user_id = auth.uid()))"""],
        "table ea_versions", ["other, select: expected -, got S"]),
    "a policy that lets write for others": (
        ["ALTER POLICY tv_strategies_own ON tv_strategies WITH CHECK (true)"], "table tv_strategies",
        [f"{actor}, insert: expected -, got I(allowed_pairs, broker_connection_id, is_enabled, name, risk_override_pct, settings, user_id)"
         for actor in ("other", "admin", "nobody")]),
    "a policy gone": (
        ["DROP POLICY own ON jobs"], "table jobs",
        [f"{actor}, select: expected {letter}, got s" for actor, letter in (
            ("user", "S"), ("other", "-"), ("admin", "-"), ("nobody", "-"))]),
    "row level security off": (
        ["ALTER TABLE signal_legs DISABLE ROW LEVEL SECURITY"], "table signal_legs",
        [f"{actor}, select: expected -, got S" for actor in ("other", "admin", "nobody")]),
    "a view with its owner's rights": (
        ["ALTER VIEW account_sync_health SET (security_invoker = false)"], "view account_sync_health",
        [f"{actor}, select: expected -, got S" for actor in ("other", "admin", "nobody")]),
    "a grant on a view that can't be written through": (
        ["GRANT DELETE, TRUNCATE ON lapsed TO tradewire_dispatcher"], "view lapsed",
        ["dispatcher, delete: expected -, got D", "dispatcher, truncate: expected -, got T"]),
    "a partition": (
        ["GRANT TRUNCATE ON audit_log_default TO tradewire_dispatcher"], "table audit_log_default",
        ["dispatcher, truncate: expected -, got T"]),
    "references and triggers": (
        ["GRANT REFERENCES (id), TRIGGER ON jobs TO service_role"], "table jobs",
        ["service, references: expected -, got R", "service, trigger: expected -, got G"]),
    "a sequence": (
        ["GRANT USAGE ON SEQUENCE job_seq TO authenticated"], "sequence job_seq",
        [f"{actor}, nextval: expected -, got X" for actor in ("user", "other", "admin", "nobody")]),
    "a schema": (
        ["GRANT CREATE ON SCHEMA public TO tradewire_ingester"], "schema public", ["ingester, create: expected -, got C"]),
    "a function for everybody": (
        ["GRANT EXECUTE ON FUNCTION job_resolve TO PUBLIC"], "function job_resolve",
        [f"{actor}, execute: expected -, got X" for actor in (
            "anon", "user", "other", "admin", "service", "ingester", "dispatcher", "gateway", "sync", "nobody")]),
    "a strict function": (
        ["ALTER FUNCTION unix_us STRICT", "GRANT EXECUTE ON FUNCTION unix_us TO anon"], "function unix_us",
        ["anon, execute: expected -, got X"]),
    "a type": (
        ["GRANT USAGE ON TYPE result_judged TO tradewire_sync"], "type result_judged", ["sync, usage: expected -, got U"]),
    "a trigger's function": (
        ["GRANT EXECUTE ON FUNCTION jobs_fill TO anon"], "function jobs_fill", ["anon, execute: expected -, got X"]),
    "a procedure": (
        ["GRANT EXECUTE ON PROCEDURE installation_remember TO anon"], "function installation_remember",
        ["anon, execute: expected -, got X"]),
    "a program that becomes another": (
        ["GRANT tradewire_gateway TO tradewire_ingester"], "function agent_hello", ["ingester, execute: expected -, got X"]),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_what_is_done_by_hand_is_found(tried, case):
    statements, changed, expected = BY_HAND[case]
    assert tried.run(*statements, objects=[changed])[1] == [f"{changed}, {line}" for line in expected]
    assert tried.run(objects=[changed])[1] == []


@pytest.mark.parametrize("statement, expected", [
    ("CREATE TABLE added ()", ["table added: in the database, not in the matrix"]),
    ("CREATE VIEW added AS SELECT 1 AS one", ["view added: in the database, not in the matrix"]),
    ("CREATE SEQUENCE added", ["sequence added: in the database, not in the matrix"]),
    ("CREATE FUNCTION added() RETURNS int LANGUAGE sql AS 'SELECT 1'", ["function added: in the database, not in the matrix"]),
    ("CREATE SCHEMA added CREATE TABLE t ()",
     ["schema added: in the database, not in the matrix", "table added.t: in the database, not in the matrix"]),
    ("CREATE FUNCTION unix_us(p_at date) RETURNS int LANGUAGE sql AS 'SELECT 1'",
     ["function unix_us(p_at date): in the database, not in the matrix",
      "function unix_us(p_at timestamp with time zone): in the database, not in the matrix",
      "function unix_us: in the matrix, not in the database"]),
    ("DROP VIEW job_queue", ["view job_queue: in the matrix, not in the database"]),
    ("DELETE FROM rights_test.rows WHERE relation = 'trades'", ["table trades: seed.sql says no row of it"])])
def test_what_comes_and_goes_is_found(tried, statement, expected):
    assert sorted(tried.run(statement, objects=[])[1]) == sorted(expected)


# --- I10: whoever may write a row may not hang it on somebody else's -------------------------------------------------------------

# Columns of foreign keys that users write: (table, column). Their own user_id is row level security's.
REFERENCES = """
    SELECT DISTINCT c.oid::regclass::text AS relation, a.attname AS column
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey) AND a.attname <> 'user_id'
    WHERE k.contype = 'f' AND c.relnamespace = 'public'::regnamespace
      AND (has_column_privilege('authenticated', c.oid, a.attnum, 'INSERT')
           OR has_column_privilege('authenticated', c.oid, a.attnum, 'UPDATE'))"""
# What user a gets from setting a column of an own row, or of a new one like it, to $3.
HANGING = """
    SELECT rights_test.rights_try('authenticated', a.claims, format('UPDATE %%s SET %%I = %%L WHERE id = %%L', t.name, t.changed, t.value,
               rights_test.of('a', t.thing))) AS updated,
           rights_test.rights_try('authenticated', a.claims, format('INSERT INTO %%s (user_id, name, %%I) VALUES (%%L, %%L, %%L)', t.name,
               t.changed, rights_test.of('a', 'user'), 'hung', t.value)) AS inserted
    FROM rights_test.actors a, (SELECT %s AS name, %s AS changed, %s::uuid AS value, %s AS thing) t WHERE a.actor = 'user'"""


def hang(tried, value):
    return tried.session.row(HANGING, "tv_strategies", "broker_connection_id", value, "strategy")


def thing(tried, person, name):
    return tried.session.value("SELECT rights_test.of(%s, %s)", person, name)


def test_a_users_row_refers_to_the_users_rows_only(tried):
    # Another table that users may write gets its lines here.
    assert tried.session.rows(REFERENCES) == [{"relation": "tv_strategies", "column": "broker_connection_id"}]
    assert hang(tried, thing(tried, "b", "connection")) == {"updated": "error 23503", "inserted": "error 23503"}
    assert hang(tried, thing(tried, "nobody", "connection")) == {"updated": "error 23503", "inserted": "error 23503"}
    assert hang(tried, thing(tried, "a", "connection")) == {"updated": "rows 1", "inserted": "rows 1"}


def test_a_reference_without_its_user_is_noticed(tried):
    tried.session.begin()
    try:
        tried.session.rows("""ALTER TABLE tv_strategies DROP CONSTRAINT tv_strategies_broker_connection_fkey,
            ADD FOREIGN KEY (broker_connection_id) REFERENCES broker_connections (id)""")
        assert hang(tried, thing(tried, "b", "connection")) == {"updated": "rows 1", "inserted": "rows 1"}
    finally:
        tried.session.rollback()


def test_a_secret_is_the_servers(tried):
    attempt = "SELECT rights_test.rights_try(role, claims, %s) FROM rights_test.actors WHERE actor = %s"
    update = "UPDATE tv_strategies SET webhook_secret = repeat('a', 64)"
    insert = "INSERT INTO tv_strategies (user_id, name, webhook_secret) SELECT user_id, name, repeat('a', 64) FROM tv_strategies"
    for statement in (update, insert):
        assert tried.session.value(attempt, statement, "user") == "denied: permission denied for table tv_strategies"
    # Another backend makes strategies, but the trigger makes their secrets.
    assert tried.session.value(attempt, update, "service") == "error 42501"
    assert tried.session.value(attempt, f"{insert} LIMIT 1", "service") == "rows 1"
    tried.session.begin()
    try:
        tried.session.rows("SET LOCAL ROLE service_role")
        secret = tried.session.value(f"{insert} LIMIT 1 RETURNING webhook_secret")
    finally:
        tried.session.rollback()
    assert len(secret) == 64 and secret != "a" * 64
