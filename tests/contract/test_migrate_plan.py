"""migrate plan: everything is really executed, everything is told, nothing stays."""

import threading

import pytest

from tradewire_test.migrations import MIGRATIONS, Folder, catalog, history, migrate
from tradewire_test.scenario import until


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_nothing_stays(empty):
    before = catalog(empty)
    session = empty.session()
    done = migrate(empty, None, "plan")
    files = sorted(MIGRATIONS.glob("*.sql"))
    assert [f"{m['version']}_{m['name']}.sql" for m in done["migrations"]] == [file.name for file in files]
    alone = ["-- migrate:no-transaction\n" in file.read_text() for file in files]
    assert all(m["statements"] for m in done["migrations"])
    for file, is_alone in zip(done["migrations"], alone):
        if is_alone:
            assert file["reason"] == "it runs outside of a transaction"
        else:  # none needs a file that was left out
            assert file["executed"], file
    assert catalog(empty) == before
    assert session.value("SELECT to_regclass('public.tradewire_migrations')") is None, "not even the history table"
    migrate(empty, None, "up")
    after = catalog(empty)
    assert migrate(empty, None, "plan")["migrations"] == [] and catalog(empty) == after


def test_up_dry_run_is_plan(empty, folder):
    folder.add(1, "CREATE TABLE one (id int);")
    done, dry = migrate(empty, folder, "plan"), migrate(empty, folder, "up", "--dry-run")
    for document in (done, dry):
        document.pop("run_id")
        document["migrations"][0].pop("duration_ms")
    assert done == dry and history(empty) == []


def test_what_is_told(empty, folder):
    session = empty.session()
    session.rows("CREATE TABLE big AS SELECT generate_series(1, 5000) AS id; ANALYZE big")
    session.rows("CREATE TABLE uncounted (id int)")
    folder.add(1, "CREATE TABLE one (id int);\n-- über big;\nALTER TABLE big\n  ADD COLUMN more text;\nSELECT count(*) FROM one;")
    folder.add(2, "CREATE INDEX big_id ON big (id);\nINSERT INTO uncounted SELECT id FROM big;")
    first, second = migrate(empty, folder, "plan")["migrations"]
    assert first["statements"] == [{"line": 1, "text": "CREATE TABLE one (id int)"}, {"line": 3, "text": "ALTER TABLE big …"},
                                   {"line": 5, "text": "SELECT count(*) FROM one"}]
    assert first["locks"] == [{"relation": "public.big", "mode": "AccessExclusiveLock", "rows": 5000}], "one is its own"
    assert first["summary"] == "added 1 column to big; created 1 table" and first["duration_ms"] >= 0
    assert second["locks"] == [{"relation": "public.uncounted", "mode": "RowExclusiveLock", "rows": None}], \
        "big is locked more strongly already"
    assert session.value("SELECT count(*) FROM uncounted") == 0
    text = empty.migrate("plan", "--dir", str(folder)).stdout
    assert "would apply 1_file1.sql" in text and "  line 3: ALTER TABLE big …\n" in text
    assert "  AccessExclusiveLock on public.big, about 5000 rows\n" in text
    assert "  RowExclusiveLock on public.uncounted, rows not counted yet\n" in text


def test_long_lines_are_cut_between_characters(empty, folder):
    folder.add(1, "SELECT '" + "ä" * 200 + "';")
    text = migrate(empty, folder, "plan")["migrations"][0]["statements"][0]["text"]
    assert text == "SELECT '" + "ä" * 46 + " …"


def test_only_what_is_pending(empty, folder):
    folder.add(1, "CREATE TABLE one (id int);")
    migrate(empty, folder, "up")
    folder.add(2, "ALTER TABLE one ADD a int;")
    assert [m["version"] for m in migrate(empty, folder, "plan")["migrations"]] == ["2"]
    assert [row["version"] for row in history(empty)] == [1]


def test_a_failing_file(empty, folder):
    before = catalog(empty)
    folder.add(1, "CREATE TABLE one (id int);").add(2, "CREATE TABLE two (id int);\nSELECT nonsense;")
    done = migrate(empty, folder, "plan", expect=1)
    assert (done["error"]["file"], done["error"]["line"], done["error"]["sqlstate"]) == ("2_file2.sql", 2, "42703")
    assert [m["version"] for m in done["migrations"]] == ["1"] and catalog(empty) == before


def test_a_file_without_a_transaction_is_listed_and_not_executed(empty, folder):
    before = catalog(empty)
    folder.add(1, "CREATE TABLE one (id int);")
    folder.add(2, "-- migrate:no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY one_id ON one (id);")
    folder.add(3, "CREATE TABLE three (id int);")
    one, two, three = migrate(empty, folder, "plan")["migrations"]
    assert (one["executed"], two["executed"], three["executed"]) == (True, False, True)
    assert two["reason"] == "it runs outside of a transaction"
    assert two["statements"] == [{"line": 2, "text": "CREATE UNIQUE INDEX CONCURRENTLY one_id ON one (id)"}]
    folder.add(4, "ALTER TABLE one ADD CONSTRAINT one_pkey PRIMARY KEY USING INDEX one_id;").add(5, "SELECT 1;")
    done = migrate(empty, folder, "plan")
    four, five = done["migrations"][3:]
    assert not four["executed"] and "perhaps because 2_file2.sql was left out" in four["reason"]
    assert not five["executed"] and five["reason"] == "a file before it failed"
    assert "4_file4.sql:1:" in done["stderr"] and done["error"] is None
    assert catalog(empty) == before


def test_a_table_in_use_is_waited_for_only_shortly(empty, folder):
    session, reader = empty.session(), empty.session()
    session.rows("CREATE TABLE used (id int)")
    folder.add(1, "ALTER TABLE used ADD a int;")
    reader.begin()
    reader.rows("SELECT * FROM used")
    done = migrate(empty, folder, "plan", "--lock-timeout", "100ms", expect=4)
    assert done["error"]["code"] == "lock_timeout"
    reader.rollback()
    migrate(empty, folder, "plan")


def test_another_migrate_at_work(empty, folder):
    """It takes the lock that `up` takes: both would want the same tables."""
    folder.add(1, "SELECT pg_advisory_xact_lock(78);")
    session = empty.session()
    session.rows("SELECT pg_advisory_lock(78)")
    thread = threading.Thread(target=lambda: empty.migrate("up", "--dir", str(folder)))
    thread.start()
    until(lambda: session.value("SELECT count(*) FROM pg_locks WHERE objid = 78 AND NOT granted"), what="up runs")
    assert migrate(empty, folder, "plan", "--lock-wait", "100ms", expect=4)["error"]["code"] == "locked"
    session.rows("SELECT pg_advisory_unlock(78)")
    thread.join(60)


def test_a_history_that_does_not_fit(empty, folder):
    folder.add(1, "SELECT 1;")
    migrate(empty, folder, "up")
    folder.add(1, "SELECT 2;").add(2, "SELECT 3;")
    assert migrate(empty, folder, "plan", expect=3)["error"]["code"] == "integrity"
