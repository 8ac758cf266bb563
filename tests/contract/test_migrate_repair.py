"""migrate repair: says what does not fit and the next command; --apply mends the history, never the schema."""

import hashlib
from pathlib import Path

import pytest

from tradewire_test.migrations import Folder, catalog, history, migrate


@pytest.fixture
def folder(tmp_path):
    return (Folder(tmp_path).add(1, "CREATE TABLE one (id int);", "DROP TABLE one;")
            .add(2, "ALTER TABLE one ADD a int; COMMENT ON TABLE one IS 'two';",
                 "ALTER TABLE one DROP a; COMMENT ON TABLE one IS NULL;")
            .add(3, "CREATE TABLE three (id int);", "DROP TABLE three;"))


@pytest.fixture
def applied(empty, folder):
    migrate(empty, folder, "up")
    return empty


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def chained(database):
    """The chain as it should be, row by row."""
    chain = ""
    for row in history(database):
        chain = sha(chain + row["checksum"])
        assert row["chain"] == chain, row["version"]
    return chain


def finding(document):
    assert len(document["findings"]) == 1, document["findings"]
    return document["findings"][0]


def fits(database, folder):
    assert migrate(database, folder, "status")["faults"] == 0
    assert migrate(database, folder, "repair")["findings"] == []
    chained(database)


def test_nothing_to_repair(applied, folder):
    fits(applied, folder)
    done = applied.migrate("repair", "--apply", "--dir", str(folder))
    assert done.returncode == 0 and done.stdout == "nothing to repair\n"


def test_a_changed_file(applied, folder):
    before, schema = history(applied), catalog(applied)
    Path(folder.path, "2_file2.sql").write_text("ALTER TABLE one ADD a int; COMMENT ON TABLE one IS 'two'; -- better\n")
    new = sha(Path(folder.path, "2_file2.sql").read_text())
    dry = migrate(applied, folder, "repair", expect=3)
    assert history(applied) == before, "dry by default"
    found = finding(dry)
    assert (found["fault"], found["subject"]) == ("changed", "2_file2") and "migrate repair --apply" in found["next"]
    for text in (before[1]["checksum"], new, before[1]["chain"], sha(before[0]["chain"] + new)):
        assert text in found["action"]
    done = migrate(applied, folder, "repair", "--apply")
    assert done["repaired"] == 1 and done["error"] is None
    after = history(applied)
    assert after[1]["checksum"] == new and f"checksum was {before[1]['checksum']}" in after[1]["note"]
    assert f"chain was {before[2]['chain']}" in after[2]["note"] and after[0] == before[0]
    assert catalog(applied) == schema
    fits(applied, folder)


def test_a_renamed_file(applied, folder):
    for path in folder.path.glob("**/2_file2.sql"):
        path.rename(path.with_name("2_other.sql"))
    found = finding(migrate(applied, folder, "repair", expect=3))
    assert found["fault"] == "renamed" and "record the name other instead of file2" in found["action"]
    migrate(applied, folder, "repair", "--apply")
    assert history(applied)[1]["name"] == "other" and "name file2" in history(applied)[1]["note"]
    fits(applied, folder)


def test_a_missing_file(applied, folder):
    """What it made stays and is still known: verify goes on seeing what happens to it."""
    schema = catalog(applied)
    folder.remove(2)
    found = finding(migrate(applied, folder, "repair", expect=3))
    assert found["fault"] == "missing" and "restore the file" in found["next"]
    migrate(applied, folder, "repair", "--apply")
    rows = history(applied)
    assert [row["version"] for row in rows] == [1, 3] and "took over 2_file2" in rows[0]["note"]
    assert rows[0]["changes"]["column public.one.a"] == schema["column public.one.a"]
    assert rows[0]["changes"]["comment table public.one"] == schema["comment table public.one"]
    assert catalog(applied) == schema
    fits(applied, folder)
    applied.session().rows("ALTER TABLE one DROP a")
    assert "column public.one.a" in str(migrate(applied, folder, "verify", expect=6)["checks"])


def test_the_first_file_is_missing(applied, folder):
    folder.remove(1)
    migrate(applied, folder, "repair", "--apply")
    assert [row["version"] for row in history(applied)] == [2, 3]
    fits(applied, folder)


def test_rows_moved_by_hand(applied, folder):
    session = applied.session()
    session.rows("UPDATE tradewire_migrations SET chain = md5(chain) WHERE version = 2")
    for command in ("up", "status"):
        assert "reordered" in migrate(applied, folder, command, expect=3)["stderr"]
    dry = migrate(applied, folder, "repair", expect=3)
    assert {f["fault"] for f in dry["findings"]} == {"reordered"} and dry["error"]["hint"] == "migrate repair --apply mends 2"
    migrate(applied, folder, "repair", "--apply")
    fits(applied, folder)


def test_a_row_taken_out_by_hand(applied, folder):
    """Its file is there: it counts as one that comes too late, which no repair of the history can mend."""
    applied.session().rows("DELETE FROM tradewire_migrations WHERE version = 2")
    done = migrate(applied, folder, "repair", "--apply", expect=3)
    assert {f["subject"]: f["fault"] for f in done["findings"]} == {"2_file2": "inserted", "3_file3": "reordered"}
    assert "what is left --apply cannot mend" in done["error"]["message"]
    chained(applied)


def test_newer_and_inserted_are_nobodys_to_mend(applied, folder):
    folder.remove(3)
    found = finding(migrate(applied, folder, "repair", expect=3))
    assert (found["fault"], found["action"]) == ("newer", None) and "program that applied it" in found["next"]
    assert migrate(applied, folder, "repair", "--apply", expect=3)["repaired"] == 0
    folder.add(3, "CREATE TABLE three (id int);", "DROP TABLE three;")
    migrate(applied, folder, "down", "--steps", "1")
    folder.remove(3)
    folder.add(5, "SELECT 5;")
    migrate(applied, folder, "up")
    folder.add(4, "SELECT 4;")
    found = finding(migrate(applied, folder, "repair", expect=3))
    assert (found["fault"], found["action"]) == ("inserted", None) and "a version after the newest" in found["next"]


def test_an_interrupted_file(applied, folder):
    folder.add(4, "-- migrate:no-transaction\nCREATE INDEX CONCURRENTLY one_id ON one (id);\nSELECT nonsense;\n")
    migrate(applied, folder, "up", expect=1)
    found = finding(migrate(applied, folder, "repair"))
    assert (found["fault"], found["action"], found["next"]) == ("running", None, "migrate up")
    assert "after 1 of 2 statements" in found["explanation"]
    # The mistake is mended in the file: from now on it is that text, from its first statement on.
    folder.add(4, "-- migrate:no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS one_id ON one (id);\n"
                  "CREATE INDEX CONCURRENTLY IF NOT EXISTS one_a ON one (a);\n",
               "-- migrate:no-transaction\nDROP INDEX CONCURRENTLY one_id;\nDROP INDEX CONCURRENTLY one_a;\n")
    assert finding(migrate(applied, folder, "repair", expect=3))["fault"] == "changed"
    migrate(applied, folder, "repair", "--apply")
    row = history(applied)[-1]
    assert (row["state"], row["statements_done"]) == ("running", 0)
    migrate(applied, folder, "up")
    assert "index public.one_a" in catalog(applied)
    fits(applied, folder)


def test_an_invalid_index(applied, folder):
    session = applied.session()
    session.rows("INSERT INTO one VALUES (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        session.rows("CREATE UNIQUE INDEX CONCURRENTLY one_key ON one (id)")
    found = finding(migrate(applied, folder, "repair"))
    assert (found["fault"], found["subject"], found["action"]) == ("invalid_index", "public.one_key", None)
    statement = found["next"].split("psql: ")[1]
    assert statement == "REINDEX INDEX CONCURRENTLY public.one_key"
    session.rows("DELETE FROM one")
    session.rows(statement)
    fits(applied, folder)


def test_several_at_once(applied, folder):
    folder.remove(2)
    folder.add(1, "CREATE TABLE one (id int); -- here, too", "DROP TABLE one;")
    done = migrate(applied, folder, "repair", "--apply")
    assert [f["fault"] for f in done["findings"]] == ["changed", "missing"] and done["repaired"] == 2
    fits(applied, folder)


def test_what_people_read(applied, folder):
    folder.add(2, "SELECT 2;")
    done = applied.migrate("repair", "--dir", str(folder))
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert lines[0].startswith("2_file2: changed: its text changed after it was applied 20")
    assert lines[1].startswith("  would: record checksum ") and lines[2].startswith("  next: restore the file; or")
    assert "integrity: 1 migrations do not fit the history; nothing was changed" in done.stderr


def test_apply_waits_for_another_migrate(applied, folder):
    holder = applied.session()
    source = (Path(__file__).resolve().parents[2] / "services/migrate/lock.c").read_text()
    key = source.split('LOCK_KEY "')[1].split('"')[0]
    holder.rows(f"SELECT pg_advisory_lock({key})")
    assert migrate(applied, folder, "repair", "--apply", "--lock-wait", "100ms", expect=4)["error"]["code"] == "locked"
    assert migrate(applied, folder, "repair")["findings"] == [], "looking needs no lock"
