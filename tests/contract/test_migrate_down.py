"""migrate down: takes back exactly what up did, loses nothing unasked, and knows when a down file does less."""

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from tradewire_test.migrations import MIGRATIONS, Folder, catalog, databases, history, migrate
from tradewire_test.scenario import until


@pytest.fixture
def folder(tmp_path):
    return (Folder(tmp_path)
            .add(1, "CREATE TABLE one (id int PRIMARY KEY, note text); COMMENT ON TABLE one IS 'first';", "DROP TABLE one;")
            .add(2, "ALTER TABLE one ADD COLUMN more text; CREATE INDEX one_more ON one (more);",
                 "DROP INDEX one_more; ALTER TABLE one DROP COLUMN more;")
            .add(3, "CREATE VIEW three AS SELECT id FROM one;", "DROP VIEW three;"))


def versions(database):
    return [row["version"] for row in history(database)]


# --- how far -----------------------------------------------------------------------------------------------------------


def test_steps_and_to(empty, folder):
    before = catalog(empty)
    migrate(empty, folder, "up")
    done = migrate(empty, folder, "down", "--steps", "1")
    assert [step["version"] for step in done["taken_back"]] == ["3"] and done["data_loss"] == []
    assert done["taken_back"][0]["summary"] == "dropped 1 view"
    assert versions(empty) == [1, 2]
    migrate(empty, folder, "up")
    done = migrate(empty, folder, "down", "--to", "1")
    assert [step["version"] for step in done["taken_back"]] == ["3", "2"] and versions(empty) == [1]
    assert migrate(empty, folder, "down", "--to", "1")["taken_back"] == []
    migrate(empty, folder, "down", "--to", "0")
    assert versions(empty) == [] and catalog(empty) == before
    assert empty.session().value("SELECT to_regclass('public.tradewire_migrations')") is not None
    assert len(migrate(empty, folder, "up")["applied"]) == 3


@pytest.mark.parametrize("arguments", [(), ("--to", "1", "--steps", "1"), ("--steps", "0"), ("--steps", "4"), ("--to", "7"),
                                       ("--to", "x")])
def test_how_far_must_be_said(empty, folder, arguments):
    migrate(empty, folder, "up")
    done = empty.migrate("down", *arguments, "--dir", str(folder))
    assert done.returncode == 2, done.stderr
    assert versions(empty) == [1, 2, 3]


def test_a_file_without_a_down_file(empty, folder):
    migrate(empty, folder, "up")
    Path(folder.path, "down", "2_file2.sql").unlink()
    done = migrate(empty, folder, "down", "--to", "0", expect=3)
    assert done["error"]["code"] == "no_down_file" and versions(empty) == [1, 2, 3]


def test_a_history_that_does_not_fit_is_not_taken_back(empty, folder):
    migrate(empty, folder, "up")
    folder.add(1, "SELECT 1;", "SELECT 1;")
    assert migrate(empty, folder, "down", "--steps", "1", expect=3)["error"]["code"] == "integrity"
    assert versions(empty) == [1, 2, 3]


# --- data ------------------------------------------------------------------------------------------------------------


def test_rows_are_not_lost_unasked(empty, folder):
    migrate(empty, folder, "up")
    session = empty.session()
    session.rows("INSERT INTO one VALUES (1, 'a', NULL), (2, NULL, 'x')")
    before = catalog(empty)
    refused = migrate(empty, folder, "down", "--to", "1", expect=3)
    assert refused["error"]["code"] == "data_loss"
    assert refused["data_loss"] == [{"kind": "column", "object": "public.one.more", "rows": 1}]
    assert "data loss: column public.one.more: 1 values" in refused["stderr"]
    refused = migrate(empty, folder, "down", "--to", "0", expect=3)
    assert refused["data_loss"] == [{"kind": "table", "object": "public.one", "rows": 2}], "a table's columns go with it"
    assert catalog(empty) == before and versions(empty) == [1, 2, 3] and "taken_back" not in refused
    done = migrate(empty, folder, "down", "--to", "1", "--allow-data-loss")
    assert done["data_loss"] == [{"kind": "column", "object": "public.one.more", "rows": 1}]
    assert session.rows("SELECT * FROM one ORDER BY id") == [{"id": 1, "note": "a"}, {"id": 2, "note": None}]


def test_what_holds_nothing_may_go(empty, folder):
    migrate(empty, folder, "up")
    empty.session().rows("INSERT INTO one VALUES (1, 'a', NULL)")
    assert migrate(empty, folder, "down", "--to", "1")["data_loss"] == [], "the column was never filled"
    empty.session().rows("DELETE FROM one")
    assert migrate(empty, folder, "down", "--to", "0")["data_loss"] == []


def test_loss_is_seen_whatever_the_file_says(empty, tmp_path):
    """Dynamic SQL, CASCADE and quoted names: the catalog is asked, not the text."""
    folder = Folder(tmp_path).add(
        1, 'CREATE TABLE "Odd ""name""" ("a b" int);',
        "DO $$ BEGIN EXECUTE 'DR' || 'OP TABLE ' || quote_ident('Odd \"name\"') || ' CASCADE'; END $$; -- changes nothing")
    migrate(empty, folder, "up")
    empty.session().rows('INSERT INTO "Odd ""name""" VALUES (1), (2), (3)')
    refused = migrate(empty, folder, "down", "--to", "0", expect=3)
    assert refused["data_loss"] == [{"kind": "table", "object": 'public."Odd ""name"""', "rows": 3}]
    folder.add(2, 'ALTER TABLE "Odd ""name""" ADD "c.d" text DEFAULT \'full\';', 'ALTER TABLE "Odd ""name""" DROP "c.d";')
    migrate(empty, folder, "up")
    refused = migrate(empty, folder, "down", "--steps", "1", expect=3)
    assert refused["data_loss"] == [{"kind": "column", "object": 'public."Odd ""name"""."c.d"', "rows": 3}]


def test_rows_that_come_after_they_were_counted(empty, tmp_path):
    """The second file, taken back first, waits for us when it runs in earnest: after all was rehearsed and counted."""
    session = empty.session()
    session.rows("CREATE SEQUENCE runs")  # a sequence is not rolled back
    folder = Folder(tmp_path).add(1, "CREATE TABLE late (id int);", "DROP TABLE late;").add(
        2, "CREATE TABLE held (id int);",
        "DO $$ BEGIN IF nextval('runs') > 1 THEN PERFORM pg_advisory_xact_lock(77); END IF; END $$; DROP TABLE held;")
    migrate(empty, folder, "up")
    session.rows("SELECT pg_advisory_lock(77)")
    results = []
    thread = threading.Thread(target=lambda: results.append(empty.migrate("down", "--to", "0", "--dir", str(folder))))
    thread.start()
    until(lambda: session.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted"),
          what="the second file waits")
    session.rows("INSERT INTO late VALUES (1)")
    session.rows("SELECT pg_advisory_unlock(77)")
    thread.join(60)
    assert results[0].returncode == 3 and "data_loss: rows came into public.late meanwhile" in results[0].stderr
    assert versions(empty) == [1] and session.value("SELECT count(*) FROM late") == 1


def test_a_table_in_use_is_waited_for(empty, folder):
    migrate(empty, folder, "up")
    reader = empty.session()
    reader.begin()
    reader.rows("SELECT * FROM one")
    done = migrate(empty, folder, "down", "--to", "0", "--lock-timeout", "50ms", "--lock-wait", "200ms", expect=4)
    assert done["error"]["code"] == "lock_timeout" and versions(empty) == [1, 2, 3]
    results = []
    thread = threading.Thread(target=lambda: results.append(
        empty.migrate("down", "--to", "0", "--lock-timeout", "50ms", "--dir", str(folder))))
    thread.start()
    watcher = empty.session()
    until(lambda: watcher.value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migrate/%' "
                                "AND wait_event_type = 'Lock' AND datname = current_database()"), what="down waits")
    reader.rollback()
    thread.join(60)
    assert results[0].returncode == 0, results[0].stderr


# --- a down file that does something else ------------------------------------------------------------------------------


@pytest.mark.parametrize("down, told", [
    ("ALTER TABLE one DROP COLUMN more;", None),  # the index goes with its column
    ("DROP INDEX one_more;", "column public.one.more is left over"),
    ("ALTER TABLE one DROP COLUMN more; ALTER TABLE one DROP COLUMN note;", "column public.one.note is missing"),
    ("ALTER TABLE one DROP COLUMN more; CREATE TABLE rubbish (id int);", "table public.rubbish is left over"),
    ("ALTER TABLE one DROP COLUMN more; ALTER TABLE one ALTER note SET NOT NULL;", "column public.one.note is another"),
    ("ALTER TABLE one DROP COLUMN more; GRANT SELECT ON one TO PUBLIC;", "grant table public.one is left over"),
    ("ALTER TABLE one DROP COLUMN more; COMMENT ON TABLE one IS 'second';", "comment table public.one is another"),
    ("ALTER TABLE one RENAME COLUMN more TO most;", "column public.one.most is left over"),
    ("", "index public.one_more is left over"),
])
def test_a_down_file_that_does_not_undo_its_up_file(empty, folder, down, told):
    folder.add(2, "ALTER TABLE one ADD COLUMN more text; CREATE INDEX one_more ON one (more);", down)
    folder.remove(3)
    migrate(empty, folder, "up")
    before = catalog(empty)
    done = migrate(empty, folder, "down", "--steps", "1", expect=6 if told else 0)
    if told:
        assert done["error"]["code"] == "down_incomplete" and done["error"]["file"] == "down/2_file2.sql"
        assert told in done["error"]["message"]
        assert catalog(empty) == before and versions(empty) == [1, 2]
    else:
        assert versions(empty) == [1]


def test_a_forgotten_index_on_somebody_elses_table(empty, tmp_path):
    """Nothing in the history says what the table was like: the index itself is enough."""
    empty.session().rows("CREATE TABLE theirs (id int, a int)")
    folder = Folder(tmp_path).add(1, "CREATE INDEX theirs_a ON theirs (a); ALTER TABLE theirs ADD b int;",
                                  "ALTER TABLE theirs DROP b;")
    migrate(empty, folder, "up")
    done = migrate(empty, folder, "down", "--to", "0", expect=6)
    assert "index public.theirs_a is left over" in done["error"]["message"] and versions(empty) == [1]
    folder.add(1, Path(folder.path, "1_file1.sql").read_text(), "DROP INDEX theirs_a; ALTER TABLE theirs DROP b;")
    migrate(empty, folder, "down", "--to", "0")
    assert empty.session().value("SELECT to_regclass('theirs')") == "theirs"


def test_what_was_there_before_is_given_back(empty, tmp_path):
    session = empty.session()
    session.rows("CREATE TABLE theirs (id int, a int CHECK (a > 0)); CREATE VIEW seen AS SELECT a FROM theirs")
    folder = Folder(tmp_path).add(
        1, "DROP VIEW seen; ALTER TABLE theirs ALTER a TYPE bigint; CREATE VIEW seen AS SELECT id FROM theirs;",
        "DROP VIEW seen; ALTER TABLE theirs ALTER a TYPE int; CREATE VIEW seen AS SELECT a FROM theirs;")
    before = catalog(empty)
    migrate(empty, folder, "up")
    migrate(empty, folder, "down", "--to", "0")
    assert catalog(empty) == before


def test_hands_on_other_objects_do_not_stop_it(empty, folder):
    migrate(empty, folder, "up")
    empty.session().rows("ALTER TABLE one ALTER note SET DEFAULT 'by hand'; CREATE TABLE theirs (id int)")
    migrate(empty, folder, "down", "--to", "1")
    assert versions(empty) == [1]


def test_roles_stay(empty, tmp_path):
    role = f"tw_test_{empty.name}"
    folder = Folder(tmp_path).add(1, f"CREATE ROLE {role}; CREATE TABLE one (id int); GRANT SELECT ON one TO {role};",
                                  "DROP TABLE one;")
    try:
        migrate(empty, folder, "up")
        migrate(empty, folder, "down", "--to", "0")
        assert empty.session().value("SELECT count(*) FROM pg_roles WHERE rolname = %s", role) == 1
    finally:
        empty.session().rows(f"DROP ROLE IF EXISTS {role}")


def test_a_failing_down_file_leaves_all_as_it_was(empty, folder):
    folder.add(1, Path(folder.path, "1_file1.sql").read_text(), "DROP TABLE one;\nSELECT nonsense;")
    migrate(empty, folder, "up")
    before = catalog(empty)
    done = migrate(empty, folder, "down", "--to", "0", expect=1)
    assert (done["error"]["file"], done["error"]["line"]) == ("down/1_file1.sql", 2)
    assert catalog(empty) == before and versions(empty) == [1, 2, 3], "the rehearsal found it before anything was done"


# --- rows made since that an old rule does not know -----------------------------------------------------------------------

SAY = """DO $$ BEGIN RAISE WARNING USING MESSAGE = '{name} of {table}: 1 rows made since do not fit', HINT = 'mend it',
    SCHEMA = 'public', TABLE = '{table}', {part} = '{name}'; END $$;"""


def say(table, part, name):
    return SAY.format(table=table, part=part, name=name)


@pytest.fixture
def ruled(empty, folder):
    """The second file widens what the first one ruled; rows use it."""
    folder.remove(3)
    folder.add(1, "CREATE TABLE one (id int PRIMARY KEY, note text NOT NULL, "
                  "CONSTRAINT one_note CHECK (note <> 'x'), CONSTRAINT one_key UNIQUE (note)); "
                  "CREATE UNIQUE INDEX one_id ON one ((-id)); "
                  "COMMENT ON CONSTRAINT one_key ON one IS 'The key.'; COMMENT ON INDEX one_id IS 'The other.';", "DROP TABLE one;")
    folder.add(2, "ALTER TABLE one DROP CONSTRAINT one_note, DROP CONSTRAINT one_key, ALTER note DROP NOT NULL; DROP INDEX one_id;")
    migrate(empty, folder, "up")
    empty.session().rows("INSERT INTO one VALUES (1, 'x'), (2, 'y'), (3, NULL)")
    return empty


INEXACT = ("ALTER TABLE one ADD CONSTRAINT one_note CHECK (note <> 'x') NOT VALID;" + say("one", "CONSTRAINT", "one_note")
           + say("one", "CONSTRAINT", "one_key") + say("one", "CONSTRAINT", "one_id") + say("one", "COLUMN", "note"))


def down_file(folder, text):
    Path(folder.path, "down", "2_file2.sql").write_text(text)


def test_what_a_down_file_tells_is_no_fault_of_it(ruled, folder):
    """A check comes back NOT VALID, a key and an index with their comments are left out, a column stays nullable."""
    down_file(folder, INEXACT)
    done = migrate(ruled, folder, "down", "--steps", "1")
    assert versions(ruled) == [1]
    assert [(told["version"], told["kind"], told["table"], told["name"], told["hint"]) for told in done["not_as_it_was"]] == [
        ("2", "rule", "public.one", "one_note", "mend it"), ("2", "rule", "public.one", "one_key", "mend it"),
        ("2", "rule", "public.one", "one_id", "mend it"), ("2", "column", "public.one", "note", "mend it")]
    assert done["stderr"].count("not as it was: ") == 4, "once, not for the rehearsal as well"
    # The history follows: for verify, for the first file's own down, and for the way up again.
    assert "down 2: " in history(ruled)[0]["note"]
    catalog_check = next(check for check in migrate(ruled, folder, "verify")["checks"] if check["object"] == "catalog")
    assert catalog_check["state"] == "right"
    assert migrate(ruled, folder, "down", "--to", "0", "--allow-data-loss")["not_as_it_was"] == []


def test_after_it_the_way_up_ends_the_same(ruled, folder):
    upgraded = catalog(ruled)
    down_file(folder, INEXACT)
    migrate(ruled, folder, "down", "--steps", "1")
    folder.add(2, "ALTER TABLE one DROP CONSTRAINT IF EXISTS one_note, DROP CONSTRAINT IF EXISTS one_key, "
                  "ALTER note DROP NOT NULL; DROP INDEX IF EXISTS one_id;", INEXACT)
    migrate(ruled, folder, "up")
    assert catalog(ruled) == upgraded
    assert [check for check in migrate(ruled, folder, "verify")["checks"] if check["state"] == "wrong"] == []
    assert ruled.session().value("SELECT count(*) FROM one") == 3


def test_it_is_told_before_anything_is_done(ruled, folder):
    down_file(folder, INEXACT)
    folder.add(3, "CREATE TABLE three AS SELECT 1 AS id;", "DROP TABLE three;")
    migrate(ruled, folder, "up")
    refused = migrate(ruled, folder, "down", "--to", "1", expect=3)
    assert refused["error"]["code"] == "data_loss" and len(refused["not_as_it_was"]) == 4
    assert versions(ruled) == [1, 2, 3] and history(ruled)[0]["note"] is None, "the rehearsal leaves nothing"
    assert migrate(ruled, folder, "down", "--to", "0", expect=3)["not_as_it_was"] == [], "there the table goes"


@pytest.mark.parametrize("more, told", [
    # Another rule than the one that is named; a rule that is named and is another, and valid; what is not named.
    (say("one", "CONSTRAINT", "two_note"), "constraint public.one.one_note is missing"),
    ("ALTER TABLE one ADD CONSTRAINT one_note CHECK (note <> 'z');" + say("one", "CONSTRAINT", "one_note"),
     "constraint public.one.one_note is another"),
    (INEXACT + "CREATE INDEX one_more ON one (note);", "index public.one_more is left over"),
    (INEXACT + "ALTER TABLE one ALTER id SET DEFAULT 1;", "column public.one.id is another"),
    (INEXACT.replace("COLUMN = 'note'", "COLUMN = 'id'"), "column public.one.note is another"),
    (INEXACT.replace("TABLE = 'one'", "TABLE = 'two'"), "column public.one.note is another"),
    (INEXACT.replace("RAISE WARNING", "RAISE NOTICE"), "column public.one.note is another"),
], ids=["another rule", "valid", "an index more", "a default", "another column", "another table", "no warning"])
def test_nothing_but_what_is_told_may_differ(ruled, folder, more, told):
    before = catalog(ruled)
    down_file(folder, more)
    done = migrate(ruled, folder, "down", "--steps", "1", expect=6)
    assert done["error"]["code"] == "down_incomplete" and told in done["error"]["message"]
    assert catalog(ruled) == before and versions(ruled) == [1, 2]


# --- files without a transaction ---------------------------------------------------------------------------------------

CONCURRENT_UP = "-- migrate:no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS one_note ON one (note);\n"
CONCURRENT_DOWN = "-- migrate:no-transaction\nDROP INDEX CONCURRENTLY IF EXISTS one_note;\n"


def test_a_down_file_without_a_transaction(empty, folder):
    folder.remove(3)
    folder.add(4, CONCURRENT_UP, CONCURRENT_DOWN)
    migrate(empty, folder, "up")
    before = catalog(empty)
    done = migrate(empty, folder, "down", "--steps", "1")
    assert done["taken_back"][0]["version"] == "4" and versions(empty) == [1, 2]
    migrate(empty, folder, "up")
    assert catalog(empty) == before
    migrate(empty, folder, "down", "--to", "0")
    assert versions(empty) == []


def test_a_down_file_without_a_transaction_that_forgets(empty, folder):
    folder.remove(3)
    folder.add(4, CONCURRENT_UP, "-- migrate:no-transaction\nANALYZE one;\n")
    migrate(empty, folder, "up")
    done = migrate(empty, folder, "down", "--steps", "1", expect=6)
    assert done["error"]["code"] == "down_incomplete" and "one_note" in done["error"]["message"]
    folder.add(4, CONCURRENT_UP, CONCURRENT_DOWN)
    migrate(empty, folder, "down", "--steps", "1")
    assert versions(empty) == [1, 2]


@pytest.fixture
def halfway(empty, folder):
    """Killed between the two statements of a down file without a transaction."""
    slow = CONCURRENT_DOWN + "DO $$ BEGIN PERFORM pg_sleep(60); END $$;\n"
    folder.remove(3)
    folder.add(4, CONCURRENT_UP, slow)
    migrate(empty, folder, "up")
    empty.complete = catalog(empty)
    running = subprocess.Popen([os.environ["TRADEWIRE_BIN"] + "/migrate", "down", "--steps", "1", "--dir", str(folder)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"DATABASE_URL": empty.url})
    session = empty.session()
    until(lambda: session.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
                                "AND datname = current_database()"), what="the second statement runs")
    running.kill()
    running.communicate()
    folder.add(4, CONCURRENT_UP, CONCURRENT_DOWN)
    assert "index public.one_note" not in catalog(empty) and versions(empty) == [1, 2, 4]
    shown = migrate(empty, folder, "status")["migrations"][2]
    assert shown["state"] == "running"
    assert "it was being taken back" in empty.migrate("status", "--dir", str(folder)).stdout
    return empty


def test_an_interrupted_down_goes_on(halfway, folder):
    migrate(halfway, folder, "down", "--steps", "1")
    assert versions(halfway) == [1, 2]
    migrate(halfway, folder, "up")
    assert catalog(halfway) == halfway.complete


def test_an_interrupted_down_is_brought_back(halfway, folder):
    migrate(halfway, folder, "up")
    assert catalog(halfway) == halfway.complete
    assert (history(halfway)[2]["state"], set(history(halfway)[2]["changes"])) == ("applied", {"index public.one_note"})
    migrate(halfway, folder, "down", "--to", "0")
    assert versions(halfway) == []


def test_an_interrupted_up_is_taken_back(empty, folder):
    folder.remove(3)
    folder.add(4, CONCURRENT_UP + "SELECT nonsense;\n", CONCURRENT_DOWN)
    migrate(empty, folder, "up", expect=1)
    assert history(empty)[2]["state"] == "running" and "index public.one_note" in catalog(empty)
    migrate(empty, folder, "down", "--steps", "1")
    assert versions(empty) == [1, 2] and "index public.one_note" not in catalog(empty)


# --- every file of the folder -------------------------------------------------------------------------------------------


def test_every_way_down_can_be_rehearsed():
    """What cannot run in a transaction is left out of the rehearsal, and nothing after it can be checked there."""
    statements = [line for path in (MIGRATIONS / "down").glob("*.sql") for line in path.read_text().splitlines()]
    assert statements and not [line for line in statements if line.startswith("-- migrate:no-transaction")]



@pytest.mark.parametrize("name", sorted(path.name for path in MIGRATIONS.glob("*.sql")))
def test_up_down_up_of_every_file(name, round_trip):
    """After down the catalog is what it was before up; after up, down, up it is what it was after up."""
    before, after_up, after_down, after_again = round_trip(name)
    assert after_down == before
    assert after_again == after_up


@pytest.fixture(scope="module")
def module_database():
    yield from databases()


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    """The folder as it is now: somebody may be writing on the files while all these tests run."""
    return Path(shutil.copytree(MIGRATIONS, tmp_path_factory.mktemp("migrations") / "all"))


@pytest.fixture
def round_trip(module_database, snapshot, tmp_path):
    """The files in order, on one database: each test goes one further. Rows that the files themselves make may go."""
    def run(name):
        files = [path for path in sorted(snapshot.glob("*.sql")) if path.name <= name]
        before_it, with_it = upto(tmp_path / "before", files[:-1]), upto(tmp_path / "with", files)
        migrate(module_database, before_it, "up")  # nothing, unless a test before this one failed
        before = catalog(module_database)
        migrate(module_database, with_it, "up")
        after_up = catalog(module_database)
        migrate(module_database, with_it, "down", "--steps", "1", "--allow-data-loss")
        after_down = catalog(module_database)
        migrate(module_database, with_it, "up")
        return before, after_up, after_down, catalog(module_database)

    return run


def upto(path, files):
    """A folder that ends with the last of the files."""
    folder = Folder(path)
    for file in files:
        shutil.copy(file, folder.path)
        for part in ("down", "verify"):
            if Path(file.parent, part, file.name).exists():
                shutil.copy(Path(file.parent, part, file.name), folder.path / part)
    return folder


def test_all_the_way_down_and_up_again():
    for database in databases():
        before = catalog(database)
        migrate(database, None, "up")
        after = catalog(database)
        migrate(database, None, "down", "--to", "0", "--allow-data-loss")
        assert catalog(database) == before and versions(database) == []
        migrate(database, None, "up")
        assert catalog(database) == after
