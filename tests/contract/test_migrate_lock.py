"""One migrate at a time: races, dead holders, waiting that explains itself."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tradewire_test.migrations import CHECKOUT, Folder, databases, history, migrate
from tradewire_test.scenario import until

PROGRAM = Path(os.environ["TRADEWIRE_BIN"]) / "migrate"
LONG = os.environ.get("TRADEWIRE_LONG") == "1"
ROUNDS = 50 if LONG else 2
PROCESSES = 20
EACH = "-- migrate:no-transaction\n"


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def start(database, *arguments):
    return subprocess.Popen([str(PROGRAM), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={"PATH": os.environ["PATH"], "DATABASE_URL": database.url})


def lock_key():
    return re.search(r'LOCK_KEY "(\d+)"', (CHECKOUT / "services/migrate/lock.c").read_text())[1]


# --- G1: twenty at once ------------------------------------------------------------------------------------------------


def race(database, folder):
    """All end well, each file was applied by exactly one of them, no index is invalid, no deadlock."""
    session = database.session()
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    running = [start(database, "up", "--json", *(["--dir", str(folder)] if folder else [])) for _ in range(PROCESSES)]
    outputs = [process.communicate(timeout=180) for process in running]
    assert [process.returncode for process in running] == [0] * PROCESSES, [err for _, err in outputs if err]
    applied = [step["version"] for out, _ in outputs for step in json.loads(out)["applied"]]
    assert sorted(applied) == sorted(str(row["version"]) for row in history(database))
    assert {row["state"] for row in history(database)} == {"applied"}
    assert session.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
    session.rows("SELECT pg_stat_force_next_flush()")
    assert session.value(deadlocks) == 0
    assert not any("deadlock" in err for _, err in outputs)
    return len(applied)


def test_twenty_at_once_apply_the_programs_files_once():
    for _ in range(ROUNDS):
        for database in databases():
            assert race(database, None) == len(list((CHECKOUT / "migrations").glob("*.sql")))


def test_twenty_at_once_with_concurrent_index_builds(folder):
    folder.add(1, "CREATE TABLE one (id int, note text); INSERT INTO one SELECT n, n::text FROM generate_series(1, 1000) n;")
    folder.add(2, EACH + "CREATE INDEX CONCURRENTLY one_id ON one (id);")
    folder.add(3, "ALTER TABLE one ADD more int;")
    folder.add(4, EACH + "CREATE INDEX CONCURRENTLY one_note ON one (note);\nCREATE UNIQUE INDEX CONCURRENTLY one_both ON one (id, note);")
    folder.add(5, "CREATE VIEW two AS SELECT id FROM one;")
    for _ in range(ROUNDS):
        for database in databases():
            assert race(database, folder) == 5


def test_twenty_at_once_with_two_index_builds_on_200000_rows(empty, folder):
    folder.add(1, "CREATE TABLE big (id int, note text); INSERT INTO big SELECT n, md5(n::text) FROM generate_series(1, 200000) n;")
    folder.add(2, EACH + "CREATE INDEX CONCURRENTLY big_note ON big (note);\nCREATE UNIQUE INDEX CONCURRENTLY big_id ON big (id);")
    folder.add(3, "ALTER TABLE big ADD more int;")
    assert race(empty, folder) == 3


def test_databases_of_one_cluster_at_once():
    """Roles are the cluster's: making them races."""
    for several in databases(5):
        running = [start(database, "up") for database in several]
        assert [(process.communicate(timeout=120)[1], process.returncode) for process in running] == [("", 0)] * 5


# --- G3: a dead holder -------------------------------------------------------------------------------------------------


def test_the_lock_of_a_killed_migrate_is_free_within_five_seconds(empty, folder):
    folder.add(1, "SELECT pg_sleep(60);")
    running = start(empty, "up", "--dir", str(folder))
    watcher = empty.session()
    until(lambda: watcher.rows("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"),
          what="the long statement")
    running.send_signal(signal.SIGKILL)
    running.communicate()
    folder.add(1, "SELECT 1;")
    begun = time.monotonic()
    migrate(empty, folder, "up")
    print(f"lock after {time.monotonic() - begun:.2f} s")
    assert time.monotonic() - begun < 5


# --- G4: waiting that explains -----------------------------------------------------------------------------------------


@pytest.fixture
def holder(empty):
    made = empty.session()
    made.rows("SET application_name = 'somebody else'")
    assert made.value(f"SELECT pg_try_advisory_lock({lock_key()})")
    made.rows("SELECT 'what it did last'")
    return made


def test_who_holds_the_lock_is_said_in_time(empty, holder):
    begun = time.monotonic()
    done = empty.migrate("up", "--lock-wait", "3s")
    took = time.monotonic() - begun
    assert done.returncode == 4 and 3 <= took < 3.5, took
    pid = holder.value("SELECT pg_backend_pid()")
    for text in (f"pid {pid}", "application somebody else", "client 127.0.0.1", "connected for ", "--lock-wait"):
        assert text in done.stderr, done.stderr


def test_who_holds_the_lock_is_said_in_json(empty, holder):
    done = migrate(empty, None, "up", "--lock-wait", "300ms", expect=4)
    assert done["error"]["code"] == "locked"
    found = done["lock_holder"]
    assert found["pid"] == holder.value("SELECT pg_backend_pid()")
    assert (found["application_name"], found["client_address"], found["state"]) == ("somebody else", "127.0.0.1", "idle")
    assert found["query"] == "SELECT 'what it did last'"
    assert 0 <= found["age_s"] < 60 and 0 <= found["state_age_s"] < 60


def test_the_lock_is_waited_for(empty, holder):
    waiting = start(empty, "up", "--lock-wait=30s")
    line = waiting.stdout.readline()
    assert line.startswith("waiting for another migrate: pid ")
    holder.rows(f"SELECT pg_advisory_unlock({lock_key()})")
    waiting.communicate(timeout=30)
    assert waiting.returncode == 0


def test_the_lock_is_not_waited_for_inside_a_statement(empty, holder):
    """A waiter must be idle between its tries: a snapshot of its would stop the holder's CREATE INDEX CONCURRENTLY."""
    holder.rows("CREATE TABLE a (id int)")
    waiting = [start(empty, "up", "--lock-wait=30s") for _ in range(3)]
    watcher = empty.session()
    until(lambda: watcher.value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migrate/%%' AND datname = current_database()")
          >= 3, what="three that wait")
    begun = time.monotonic()
    holder.rows("CREATE INDEX CONCURRENTLY a_id ON a (id)")
    assert time.monotonic() - begun < 2
    for process in waiting:
        process.kill()
        process.communicate()


def test_reading_needs_no_lock(empty, holder):
    assert empty.migrate("status").returncode == 0
