"""migrate baseline: recorded is what is really there, or what somebody answers for with a reason."""

import os
import re
import secrets
import signal
import subprocess

import pytest

from tradewire_test.database import Database
from tradewire_test.migrations import Folder, catalog, databases, history, kept_statements, migrate, run_by_hand
from tradewire_test.scenario import until

UP1 = "CREATE TABLE one (id int PRIMARY KEY, note text); CREATE INDEX one_note ON one (note);"
UP2 = "ALTER TABLE one ADD more text; CREATE VIEW two AS SELECT id, more FROM one;"
DOWN1, DOWN2 = "DROP TABLE one;", "DROP VIEW two; ALTER TABLE one DROP more;"


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path).add(1, UP1, DOWN1).add(2, UP2, DOWN2)


def by_hand(database, *texts):
    session = database.session()
    for text in texts:
        session.rows(text)


def leftovers(database):
    return database.session().rows("SELECT datname FROM pg_database WHERE datname LIKE 'tradewire_baseline_%%'")


def test_built_by_hand_from_the_same_sql(empty, folder):
    by_hand(empty, UP1, UP2, "CREATE TABLE theirs (id int)")
    before = catalog(empty)
    done = migrate(empty, folder, "baseline", "--to", "2")
    assert done["recorded"] == ["1", "2"] and done["differences"] == []
    assert catalog(empty) == before
    rows = history(empty)
    assert [(row["version"], row["state"], row["note"]) for row in rows] == [(1, "applied", "baseline"), (2, "applied", "baseline")]
    assert "table public.one" in rows[0]["changes"] and "view public.two" in rows[1]["changes"]
    assert "table public.one" not in rows[1]["changes"] and "table public.theirs" not in str([r["changes"] for r in rows])
    assert leftovers(empty) == []
    assert migrate(empty, folder, "up")["applied"] == []
    assert migrate(empty, folder, "status")["faults"] == 0
    folder.add(3, "DROP VIEW two;", "CREATE VIEW two AS SELECT id, more FROM one;")
    migrate(empty, folder, "up")
    migrate(empty, folder, "down", "--to", "0")
    assert history(empty) == [] and "table public.theirs" in catalog(empty)


def test_the_same_as_up_would_have_recorded(folder):
    for other, empty in databases(2):
        by_hand(empty, UP1, UP2)
        migrate(empty, folder, "baseline", "--to", "2")
        migrate(other, folder, "up")
        def facts(database):
            return [(r["version"], r["name"], r["checksum"], r["chain"], r["changes"], r["statements"]) for r in history(database)]
        assert facts(empty) == facts(other)


def test_only_up_to_the_version(empty, folder):
    by_hand(empty, UP1)
    assert migrate(empty, folder, "baseline", "--to", "1")["recorded"] == ["1"]
    assert [m["version"] for m in migrate(empty, folder, "up")["applied"]] == ["2"]


@pytest.mark.parametrize("hand, told, objects", [
    ("DROP INDEX one_note", "index public.one_note: it is missing here", ["index public.one_note"]),
    ("ALTER TABLE one ALTER note TYPE varchar(9)", "column public.one.note: it is another here",
     ["column public.one.note"]),
    ("DROP VIEW two", "view public.two: it is missing here", ["view public.two"]),
    ("ALTER TABLE one ENABLE ROW LEVEL SECURITY", "table public.one: it is another here", ["table public.one"]),
    ("ALTER TABLE one ADD CONSTRAINT hand CHECK (id > 0)", "constraint public.one.hand: no file makes it",
     ["constraint public.one.hand"]),
    ("CREATE TABLE theirs (id int)", None, []),  # an object on its own is somebody else's
])
def test_a_database_that_is_not_like_that(empty, folder, hand, told, objects):
    by_hand(empty, UP1, UP2, "ALTER TABLE one REPLICA IDENTITY DEFAULT", hand)
    done = migrate(empty, folder, "baseline", "--to", "2", expect=6 if told else 0)
    assert set(objects) <= {d["object"] for d in done["differences"]}
    if told:
        assert done["error"]["code"] == "mismatch" and told in done["stderr"] and history(empty) == []
    assert leftovers(empty) == []


def test_force_needs_a_reason_and_records_it(empty, folder):
    by_hand(empty, UP1, UP2, "DROP INDEX one_note")
    assert empty.migrate("baseline", "--to", "2", "--force-mismatch", "--dir", str(folder)).returncode == 2
    done = migrate(empty, folder, "baseline", "--to", "2", "--force-mismatch", "--reason", "built in 2024, no index")
    assert [d["object"] for d in done["differences"]] == ["index public.one_note"]
    rows = history(empty)
    assert {row["note"] for row in rows} == {"baseline, 1 objects differed: built in 2024, no index"}
    assert rows[1]["changes"]["index public.one_note"] is None, "as it is now is how it should be"
    assert "index public.one_note" not in migrate(empty, folder, "verify")["stderr"]


def test_a_version_that_is_no_file(empty, folder):
    assert migrate(empty, folder, "baseline", "--to", "3", expect=2)["error"]["code"] == "usage"
    assert empty.migrate("baseline", "--dir", str(folder)).returncode == 2


def test_a_history_that_is_there_already(empty, folder):
    migrate(empty, folder, "up")
    assert migrate(empty, folder, "baseline", "--to", "2", expect=3)["error"]["code"] == "history_not_empty"


def test_a_file_that_fails(empty, folder):
    folder.add(2, "SELECT 1;\nSELECT nonsense;")
    error = migrate(empty, folder, "baseline", "--to", "2", expect=1)["error"]
    assert (error["file"], error["line"]) == ("2_file2.sql", 2)
    assert "in the database made to compare with" in error["message"] and leftovers(empty) == []


def test_files_without_a_transaction(empty, folder):
    folder.add(3, "-- migrate:no-transaction\nCREATE INDEX CONCURRENTLY one_more ON one (more);",
               "-- migrate:no-transaction\nDROP INDEX CONCURRENTLY one_more;")
    by_hand(empty, UP1, UP2, "CREATE INDEX one_more ON one (more)")
    assert migrate(empty, folder, "baseline", "--to", "3")["recorded"] == ["1", "2", "3"]


@pytest.fixture
def poor(empty):
    """The database owner is a role that may not create databases."""
    admin, role = empty.session(), "tw_test_" + secrets.token_hex(4)
    admin.rows(f"CREATE ROLE {role} LOGIN PASSWORD 'weak'; GRANT CREATE ON DATABASE {empty.name} TO {role}")
    admin.rows(f"ALTER DATABASE {empty.name} OWNER TO {role}")
    url = re.sub(r"//[^@]*@", f"//{role}:weak@", empty.url)
    yield empty, role, url
    for database in (empty.name, "postgres"):
        session = Database(empty.admin_url, database).session()
        session.rows(f"REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}")
        session.close()
    admin.rows(f"DROP ROLE {role}")


def test_a_role_that_may_not_create_a_database(poor, folder):
    empty, role, url = poor
    session = empty.session()
    session.rows(f"SET ROLE {role}")
    session.rows(UP1)
    session.rows(UP2)
    done = migrate(empty, folder, "baseline", "--to", "2", expect=5, DATABASE_URL=url)
    assert done["error"]["code"] == "no_scratch" and "MIGRATE_SCRATCH_URL" in done["error"]["hint"]
    assert history(empty) == []
    for scratch in databases():
        scratch.session().rows(f"ALTER DATABASE {scratch.name} OWNER TO {role}")
        urls = {"DATABASE_URL": url, "MIGRATE_SCRATCH_URL": re.sub(r"//[^@]*@", f"//{role}:weak@", scratch.url)}
        itself = migrate(empty, folder, "baseline", "--to", "2", expect=4, DATABASE_URL=url, MIGRATE_SCRATCH_URL=url)
        assert itself["error"]["code"] == "locked"
        done = migrate(empty, folder, "baseline", "--to", "2", **urls)
        assert done["recorded"] == ["1", "2"] and "weak" not in done["stderr"]
        assert migrate(empty, folder, "baseline", "--to", "2", expect=3, **urls)["error"]["code"] == "history_not_empty"
        session.rows("TRUNCATE tradewire_migrations")
        assert migrate(empty, folder, "baseline", "--to", "2", expect=2, **urls)["error"]["code"] == "scratch_not_empty"
        scratch.session().rows(f"REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}")


STAND_IN = ("DO $$ BEGIN IF to_regnamespace('auth') IS NULL THEN CREATE SCHEMA auth; CREATE TABLE auth.users (id int); "
            "COMMENT ON SCHEMA auth IS 'Stand-in.'; GRANT USAGE ON SCHEMA auth TO PUBLIC; END IF; END $$; ")


def test_a_platform_that_has_the_schema_auth(poor, folder):
    """There the stand-ins are not made, and what the platform has instead is its own. On plain Postgres they count."""
    empty, role, url = poor
    admin, session = empty.session(), empty.session()
    admin.rows(f"ALTER ROLE {role} CREATEDB; CREATE SCHEMA auth; CREATE TABLE auth.users (id uuid, email text)")
    session.rows(f"SET ROLE {role}")
    folder.add(1, STAND_IN + UP1)
    session.rows(UP1)
    session.rows(UP2)
    assert migrate(empty, folder, "baseline", "--to", "2", DATABASE_URL=url)["recorded"] == ["1", "2"]
    for plain in databases():
        by_hand(plain, UP1, UP2)
        done = migrate(plain, folder, "baseline", "--to", "2", expect=6)
        assert {"schema auth", "table auth.users", "comment schema auth", "grant schema auth to PUBLIC"} <= {
            d["object"] for d in done["differences"]}
        plain.session().rows(STAND_IN)
        migrate(plain, folder, "baseline", "--to", "2")


def test_what_a_killed_baseline_leaves_the_next_one_drops(empty, folder):
    by_hand(empty, UP1, UP2, "CREATE SEQUENCE anything")
    folder.add(2, UP2 + " SELECT pg_sleep(60);")
    admin = empty.session()
    running = subprocess.Popen([os.environ["TRADEWIRE_BIN"] + "/migrate", "baseline", "--to", "2", "--dir", str(folder)], stderr=subprocess.PIPE,
                               stdout=subprocess.PIPE, env={"DATABASE_URL": empty.url})
    until(lambda: admin.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
                              "AND datname LIKE 'tradewire_baseline_%%'"), what="the files run in the scratch database")
    others = {row["datname"] for row in leftovers(empty)}
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert {row["datname"] for row in leftovers(empty)} >= others and others
    until(lambda: not admin.value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migrate/%%' "
                                  "AND right(application_name, 36) = %s", next(iter(others))[-36:]), what="its sessions end")
    folder.add(2, UP2, DOWN2)
    migrate(empty, folder, "baseline", "--to", "2")
    assert not others & {row["datname"] for row in leftovers(empty)}


def test_another_runs_scratch_database_is_left_alone(empty, folder):
    admin, theirs = empty.session(), "00000000-0000-4000-8000-" + secrets.token_hex(6)
    admin.rows(f'CREATE DATABASE "tradewire_baseline_{theirs}"')
    try:
        admin.rows(f"SET application_name = 'migrate/0.1.0/{theirs}'")
        by_hand(empty, UP1, UP2)
        migrate(empty, folder, "baseline", "--to", "2")
        assert f"tradewire_baseline_{theirs}" in {row["datname"] for row in leftovers(empty)}
    finally:
        admin.rows(f'DROP DATABASE IF EXISTS "tradewire_baseline_{theirs}"')


def test_the_programs_own_files(empty):
    files, session = kept_statements(), empty.session()
    for _, _, is_alone, statements in files:
        run_by_hand(session, is_alone, statements)
    done = migrate(empty, None, "baseline", "--to", files[-1][0])
    assert done["recorded"] == [version for version, *_ in files]
    assert migrate(empty, None, "up")["applied"] == []
