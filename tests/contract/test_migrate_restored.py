"""A database that was dumped and restored is as good as the one that the dump was taken from: nothing is pending, nothing
differs, and everything can be taken back, to the letter."""

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import pytest

from tradewire_test.database import Database, Session
from tradewire_test.folder import until
from tradewire_test.installations import SHAPES, Supabase, load, plain_auth, rows
from tradewire_test.migrations import Folder, catalog, migrate

ADMIN_URL = os.environ["TEST_ADMIN_DATABASE_URL"]
TOOLS = Path(os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))


def tool(name, url, *arguments, text=None):
    """One of the server's own programs; what it wrote."""
    parts = urlsplit(url)
    done = subprocess.run([str(TOOLS / name), *arguments], input=text, capture_output=True, timeout=120, env={
        "PATH": os.environ["PATH"], "PGHOST": parts.hostname, "PGPORT": str(parts.port), "PGUSER": unquote(parts.username),
        "PGPASSWORD": unquote(parts.password or ""), "PGDATABASE": parts.path[1:]})
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@contextmanager
def installation(kind, shape):
    """A database of this kind, empty or with an older installation in it."""
    made = {"plain": Database, "supabase": Supabase}[kind](ADMIN_URL).create()
    try:
        if shape:
            if kind == "plain" and "auth.users" in (SHAPES / f"{shape}.sql").read_text():
                plain_auth(made)
            load(made, shape)
        yield made
    finally:
        made.drop()


def everything(database):
    """A session that row level security hides nothing from."""
    session = Session(getattr(database, "super_url", database.url))
    database.sessions.append(session)
    return session


@contextmanager
def restored(database, *options, custom=False):
    """A new database with what a dump of this one holds; the roles are the cluster's and there already."""
    new = Database(ADMIN_URL).create()
    try:
        if isinstance(database, Supabase):
            everything(new).rows(f'ALTER DATABASE "{new.name}" OWNER TO {database.owner}')
            new.super_url, new.url = new.url, urlunsplit(urlsplit(database.url)._replace(path="/" + new.name))
        into = getattr(new, "super_url", new.url)
        dump = tool("pg_dump", getattr(database, "super_url", database.url), "--format=custom" if custom else "--format=plain", *options)
        if custom:
            tool("pg_restore", into, "--exit-on-error", "--dbname", new.name, text=dump)
        else:
            tool("psql", into, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", text=dump)
        yield new
    finally:
        new.drop()


def differences(one, other):
    return {key: (one.get(key), other.get(key)) for key in {*one, *other} if one.get(key) != other.get(key)}


def wrong(document):
    return [check for check in document["checks"] if check["state"] == "wrong"]


def check_restored(new):
    assert wrong(migrate(new, None, "verify")) == []
    assert {entry["state"] for entry in migrate(new, None, "status", "--exit-code")["migrations"]} == {"applied"}
    assert migrate(new, None, "up")["applied"] == []
    assert migrate(new, None, "repair")["findings"] == []


@pytest.mark.parametrize("kind, shape, custom", [
    ("plain", None, False), ("plain", None, True), ("supabase", None, False), ("plain", "first_backend", False),
    ("plain", "half_there", True), ("plain", "documents", False), ("supabase", "supabase_app", True)])
def test_verified_and_taken_back(kind, shape, custom):
    with installation(kind, shape) as database:
        before_catalog, before_rows = catalog(database), rows(everything(database))
        migrate(database, None, "up")
        with restored(database, custom=custom) as new:
            assert differences(catalog(database), catalog(new)) == {}
            check_restored(new)
            migrate(new, None, "down", "--to", "0", "--allow-data-loss")
            assert differences(before_catalog, catalog(new)) == {}
            assert rows(everything(new)) == before_rows


@pytest.mark.parametrize("version", [20251105000000, 20260201000000])
def test_restored_on_the_way(version, tmp_path):
    """A dump of an installation that is half brought forward: the rest is done, and all of it taken back."""
    with installation("plain", "half_there") as database:
        before_catalog, before_rows = catalog(database), rows(everything(database))
        migrate(database, until(version, tmp_path), "up")
        with restored(database) as new:
            assert differences(catalog(database), catalog(new)) == {}
            assert migrate(new, None, "up")["applied"]
            assert wrong(migrate(new, None, "verify")) == []
            migrate(new, None, "down", "--to", "0", "--allow-data-loss")
            assert differences(before_catalog, catalog(new)) == {}
            assert rows(everything(new)) == before_rows


def test_restored_after_a_restore():
    """What the first one printed otherwise, the second one prints the same."""
    with installation("plain", "half_there") as database:
        migrate(database, None, "up")
        with restored(database) as new, restored(new) as newer:
            assert differences(catalog(database), catalog(newer)) == {}
            check_restored(newer)


def test_an_older_installation_that_was_restored_before():
    """Its own checks are then printed as after a restore, and come back like that."""
    with installation("plain", "half_there") as database, restored(database) as new:
        before_catalog, before_rows = catalog(new), rows(everything(new))
        migrate(new, None, "up")
        assert wrong(migrate(new, None, "verify")) == []
        migrate(new, None, "down", "--to", "0", "--allow-data-loss")
        assert differences(before_catalog, catalog(new)) == {}
        assert rows(everything(new)) == before_rows


@pytest.mark.parametrize("option, expected", [
    ("--no-owner", "owner of jobs postgres, row level security"), ("--no-privileges", "grant function public.claim_next_job(uuid)")])
def test_a_dump_without_owners_or_rights_is_seen(option, expected):
    with installation("plain", None) as database:
        migrate(database, None, "up")
        with restored(database, option) as new:
            found = wrong(migrate(new, None, "verify", expect=6))
            assert any(expected in f"{check['object']} {check['found']}" for check in found), found
            assert migrate(new, None, "up")["applied"] == []


# The server prints each of these otherwise once it was restored, and the meaning is the same.
OWN = """
CREATE TABLE own (
    word varchar(20), other varchar, n numeric, is_it boolean,
    CONSTRAINT list CHECK (word IN ('a', 'it''s, ]', 'c')),
    CONSTRAINT not_list CHECK (NOT word IN ('x', NULL) OR other NOT IN ('y'::varchar(3), 'z')),
    CONSTRAINT between_and CHECK (n BETWEEN 1 AND 2 AND is_it),
    CONSTRAINT both_of_them CHECK (n BETWEEN 1 AND 2 AND word IN ('a', 'c') AND is_it)
);
CREATE INDEX own_some ON own (n) WHERE word IN ('a', 'c');
CREATE VIEW own_view AS SELECT word, n BETWEEN 1 AND 2 AND is_it AS fits FROM own WHERE word IN ('a', 'c');
ALTER TABLE own ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_policy ON own USING (word IN ('a', 'c') AND n > 1) WITH CHECK (n BETWEEN 1 AND 2 AND word IN ('a', 'c'));
CREATE FUNCTION own_changed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER own_trigger BEFORE UPDATE ON own FOR EACH ROW WHEN (NEW.word IN ('a', 'c')) EXECUTE FUNCTION own_changed();
CREATE DOMAIN own_domain AS varchar(10) CHECK (VALUE IN ('a', 'b'));
"""
OWN_DOWN = "DROP DOMAIN own_domain; DROP VIEW own_view; DROP TABLE own; DROP FUNCTION own_changed();"


def printed(database):
    """Everything that the server has another way to print."""
    return {row["text"] for row in everything(database).rows("""
        SELECT conname || ' ' || pg_get_constraintdef(oid) AS text FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conname IN
            ('list', 'not_list', 'between_and', 'both_of_them', 'own_domain_check')
        UNION ALL SELECT pg_get_indexdef('own_some'::regclass) UNION ALL SELECT pg_get_viewdef('own_view'::regclass)
        UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'own_trigger'
        UNION ALL SELECT pg_get_expr(polqual, polrelid) || pg_get_expr(polwithcheck, polrelid) FROM pg_policy
        WHERE polname = 'own_policy'""")}


def test_what_is_printed_otherwise_is_no_difference(empty, tmp_path):
    folder = Folder(tmp_path).add(1, OWN, OWN_DOWN)
    migrate(empty, folder, "up")
    with restored(empty) as new:
        assert len(printed(empty)) == 9 and not printed(empty) & printed(new), "or the test says nothing"
        assert differences(catalog(empty), catalog(new)) == {}
        migrate(new, folder, "verify")
        migrate(new, folder, "down", "--to", "0")
        assert everything(new).value("SELECT to_regclass('own')") is None


@pytest.mark.parametrize("name, definition", [
    ("list", "word IN ('a', 'it''s, ]')"), ("list", "word NOT IN ('a', 'it''s, ]', 'c')"), ("list", "other IN ('a', 'it''s, ]', 'c')"),
    ("between_and", "n BETWEEN 1 AND 3 AND is_it"), ("between_and", "n BETWEEN 1 AND 2 OR is_it"),
    ("between_and", "(NOT n BETWEEN 1 AND 2) AND is_it"), ("between_and", "n BETWEEN 1 AND 2 AND (is_it OR n > 1)")])
def test_another_meaning_is_a_difference(empty, tmp_path, name, definition):
    folder = Folder(tmp_path).add(1, OWN, OWN_DOWN)
    migrate(empty, folder, "up")
    with restored(empty) as new:
        everything(new).rows(f"ALTER TABLE own DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({definition})")
        assert [check["object"] for check in wrong(migrate(new, folder, "verify", expect=6))] == [f"constraint public.own.{name}"]
