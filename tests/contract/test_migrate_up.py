"""migrate up, file by file: true figures, locks that are not free, no-transaction files that are interrupted."""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tradewire_test.migrations import Folder, catalog, history, migrate
from tradewire_test.scenario import until

PROGRAM = Path(os.environ["TRADEWIRE_BIN"]) / "migrate"
EACH = "-- migrate:no-transaction\n"


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def start(database, folder, *arguments):
    return subprocess.Popen([str(PROGRAM), "up", "--dir", str(folder), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env={"PATH": os.environ["PATH"], "DATABASE_URL": database.url})


def wait_for_backend(database, running, condition, *values):
    """The migrate backend of which the condition on pg_stat_activity holds: its pid."""
    watcher = database.session()

    def look():
        assert running.poll() is None, running.communicate()
        rows = watcher.rows("SELECT pid FROM pg_stat_activity a WHERE datname = current_database() "
                            f"AND application_name LIKE 'migrate/%%' AND ({condition})", *values)
        return rows and rows[0]["pid"]
    return until(look, what=condition)


def gone(database, pid):
    """The server noticed that its client is dead."""
    watcher = database.session()
    until(lambda: not watcher.rows("SELECT 1 FROM pg_stat_activity WHERE pid = %s", pid), what="the dead one's backend is gone")


def invalid(database):
    return [row["name"] for row in database.session().rows(
        "SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid")]


# --- what is printed and recorded --------------------------------------------------------------------------------------


def test_figures_come_from_the_catalog_not_from_comments(empty, folder):
    folder.add(1, "-- added 9 columns to jobs; created 40 tables\nCREATE TABLE jobs (id int); CREATE TABLE flows (id int);"
                  "CREATE TABLE dropped (id int);")
    folder.add(2, "/* creates three tables */ ALTER TABLE jobs ADD a int, ADD b int; ALTER TABLE flows ADD c int; DROP TABLE dropped;"
                  "CREATE TABLE d (e int); CREATE INDEX ON jobs (a); COMMENT ON TABLE d IS 'creates 7 views';")
    folder.add(3, "SELECT 'created 2 tables';")
    done = empty.migrate("up", "--dir", str(folder))
    assert [line.split("): ")[1] for line in done.stdout.splitlines()] == [
        "created 3 tables",
        "added 1 column to flows, 2 to jobs; created 1 table, 1 index; dropped 1 table",
        "changed nothing"]
    changes = history(empty)[1]["changes"]
    assert changes["table public.dropped"] is None and changes["column public.jobs.a"]
    assert set(history(empty)[2]["changes"] or {}) == set()


def test_the_history_row(empty, folder):
    folder.add(1, "SELECT 1; SELECT 2; ;")
    folder.add(2, "-- migrate:contract\n\nSELECT 1;", name="narrow")
    done = migrate(empty, folder, "up")
    first, second = history(empty)
    assert (first["state"], first["statements"], first["statements_done"], first["is_contract"]) == ("applied", 2, 2, False)
    assert (second["name"], second["is_contract"], second["note"]) == ("narrow", True, None)
    assert {first["run_id"], second["run_id"]} == {done["run_id"]}
    assert first["applied_by"] == empty.session().value("SELECT session_user")
    shown = migrate(empty, folder, "status")["migrations"]
    assert [(m["run_id"], m["contract"], m["no_transaction"]) for m in shown] == [(done["run_id"], False, False), (done["run_id"], True, False)]


def test_each_row_is_chained_to_the_one_before(empty, folder):
    for number in (1, 2, 3):
        folder.add(number, f"SELECT {number};")
    migrate(empty, folder, "up")
    session = empty.session()
    wrong = session.value("SELECT count(*) FROM (SELECT chain, encode(sha256(convert_to(coalesce(lag(chain) OVER (ORDER BY version), '')"
                          " || checksum, 'UTF8')), 'hex') AS expected FROM tradewire_migrations) c WHERE chain <> expected")
    assert wrong == 0
    session.rows("UPDATE tradewire_migrations SET chain = (SELECT chain FROM tradewire_migrations WHERE version = 1) WHERE version = 2")
    refused = migrate(empty, folder, "up", expect=3)
    assert refused["error"]["code"] == "integrity" and "2_file2: reordered" in refused["stderr"]


def test_nothing_of_a_file_lasts_in_the_session(empty, folder):
    folder.add(1, "SET search_path = nowhere; SET statement_timeout = '1ms'; SET lock_timeout = 0; SET default_transaction_read_only = on;"
                  "SET SESSION AUTHORIZATION DEFAULT; SET client_connection_check_interval = 0;")
    folder.add(2, "CREATE TABLE two AS SELECT pg_sleep(0.05) IS NULL AS a, current_setting('lock_timeout') AS lock,"
                  " current_setting('client_connection_check_interval') AS look;")
    migrate(empty, folder, "up", "--lock-timeout", "1234ms")
    assert empty.session().row("SELECT lock, look FROM public.two") == {"lock": "1234ms", "look": "1s"}


def test_nothing_to_do_is_fast_and_locks_nothing(empty, folder):
    """On the real files: no ACCESS EXCLUSIVE lock, no look at the catalog, and, on a machine that has time for it, 0.1 s."""
    migrate(empty, None, "up")
    blocker = empty.session()
    blocker.begin()
    for row in blocker.rows("SELECT oid::regclass::text AS name FROM pg_class WHERE relkind IN ('r', 'p') "
                            "AND relnamespace IN ('public'::regnamespace, 'pg_catalog'::regnamespace)"):
        blocker.rows(f"LOCK TABLE {row['name']} IN ACCESS SHARE MODE")
    took = []

    def fast():
        begun = time.monotonic()
        assert migrate(empty, None, "up", "--lock-timeout", "1ms")["applied"] == []
        took.append(time.monotonic() - begun)
        return took[-1] < 0.1
    until(fast, what="a no-op of 0.1 s")
    print(f"no-op up: {min(took) * 1000:.0f} ms")


# --- table locks -------------------------------------------------------------------------------------------------------


def test_a_table_in_use_makes_nobody_wait_long(empty, folder):
    """G5: ACCESS SHARE held on the target; readers queue behind the ALTER at most one lock timeout long."""
    folder.add(1, "CREATE TABLE busy (id int);")
    migrate(empty, folder, "up")
    folder.add(2, "ALTER TABLE busy ADD note text;")
    holder, worst, stop = empty.session(), [], threading.Event()
    holder.begin()
    holder.rows("SELECT * FROM busy")

    def read():
        reader = empty.session()
        while not stop.is_set():
            begun = time.monotonic()
            reader.rows("SELECT * FROM busy")
            worst.append(time.monotonic() - begun)
    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    running = start(empty, folder, "--lock-timeout", "500ms", "--json")
    lines = [running.stderr.readline() for _ in range(3)]
    holder.rollback()
    released = time.monotonic()
    out, _ = running.communicate(timeout=30)
    took = time.monotonic() - released
    stop.set()
    for reader in readers:
        reader.join()
    print(f"worst read {max(worst) * 1000:.0f} ms, done {took * 1000:.0f} ms after the holder left")
    assert running.returncode == 0 and took < 2
    assert max(worst) < 0.5 + 0.1
    assert all("2_file2.sql: attempt" in line and "55P03" in line for line in lines), lines
    waits = {line.rsplit("again in ", 1)[1] for line in lines}
    assert len(waits) > 1, "the back-off has jitter"
    assert json.loads(out)["applied"][0]["attempts"] >= 4


def test_a_table_that_never_gets_free(empty, folder):
    folder.add(1, "CREATE TABLE busy (id int); CREATE TABLE other (id int);")
    migrate(empty, folder, "up")
    folder.add(2, "ALTER TABLE other ADD a int; ALTER TABLE busy ADD note text;")
    holder = empty.session()
    holder.rows("SET application_name = 'a long report'")
    holder.begin()
    holder.rows("SELECT * FROM busy")
    begun = time.monotonic()
    done = migrate(empty, folder, "up", "--lock-timeout", "600ms", "--lock-wait", "2s", expect=4)
    assert 2 <= time.monotonic() - begun < 6
    error = done["error"]
    assert (error["code"], error["sqlstate"], error["file"]) == ("lock_timeout", "55P03", "2_file2.sql")
    assert "a long report" in error["detail"] and "pid" in error["detail"]
    assert len(history(empty)) == 1
    assert empty.session().value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'other'::regclass AND attname = 'a'") == 0


def test_a_deadlock_is_tried_again(empty, folder):
    folder.add(1, "CREATE TABLE a (id int); CREATE TABLE b (id int);")
    migrate(empty, folder, "up")
    folder.add(2, "LOCK TABLE a; SELECT pg_sleep(0.5); LOCK TABLE b; ALTER TABLE b ADD note text;")
    other = empty.session()
    other.rows("SET deadlock_timeout = '60s'")  # so it is migrate's session that finds the deadlock
    other.begin()
    other.rows("LOCK TABLE b IN SHARE MODE")
    running = start(empty, folder, "--lock-timeout", "30s")
    wait_for_backend(empty, running, "wait_event = 'PgSleep'")
    waiting = threading.Thread(target=lambda: other.rows("LOCK TABLE a"))
    waiting.start()
    line = running.stdout.readline()
    waiting.join()
    other.rollback()
    out, err = running.communicate(timeout=30)
    assert running.returncode == 0, err
    assert "attempt 1: deadlock detected (40P01)" in line


# --- no-transaction files ----------------------------------------------------------------------------------------------


def three_indexes(folder):
    folder.add(1, "CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE TABLE c (id int); INSERT INTO b VALUES (1);")
    return folder.add(2, EACH + "CREATE INDEX CONCURRENTLY a_id ON a (id);\nCREATE UNIQUE INDEX CONCURRENTLY b_id ON b (id);\n"
                                "CREATE INDEX CONCURRENTLY c_id ON c (id);")


@pytest.mark.parametrize("who", ["migrate", "backend"])
def test_killed_in_the_second_of_three_index_builds(empty, folder, who):
    """G6."""
    folder.add(1, "CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE TABLE c (id int); INSERT INTO b VALUES (1);")
    migrate(empty, folder, "up")
    three_indexes(folder)
    writer = empty.session()
    writer.begin()
    writer.rows("INSERT INTO b VALUES (2)")
    running = start(empty, folder)
    pid = wait_for_backend(empty, running, "query LIKE 'CREATE UNIQUE%%' AND wait_event_type = 'Lock'")
    row = history(empty)[1]
    assert (row["state"], row["statements_done"], row["statements"]) == ("running", 1, 3)
    if who == "migrate":
        running.send_signal(signal.SIGKILL)
    else:
        empty.session().rows("SELECT pg_terminate_backend(%s)", pid)
    running.communicate(timeout=10)
    assert running.returncode == (-9 if who == "migrate" else 5)
    gone(empty, pid)
    assert invalid(empty) == ["b_id"]
    shown = empty.migrate("status", "--dir", str(folder))
    assert "running" in shown.stdout and "1 of 3 statements" in shown.stdout
    assert empty.migrate("status", "--dir", str(folder), "--exit-code").returncode == 7
    writer.rollback()
    done = migrate(empty, folder, "up")
    assert "dropping the invalid index public.b_id" in done["stderr"] and "1/3" not in done["stderr"]
    assert done["applied"][0]["summary"] == "created 3 indexes", "those of the first run, too"
    row = history(empty)[1]
    assert (row["state"], row["statements_done"], row["run_id"]) == ("applied", 3, done["run_id"])
    assert sorted(k for k in row["changes"]) == ["index public.a_id", "index public.b_id", "index public.c_id"]
    assert invalid(empty) == []


def test_a_finished_statement_that_was_not_counted(empty, folder):
    """Killed after CREATE INDEX and before the count: it is there, valid, and taken for done."""
    three_indexes(folder)
    migrate(empty, folder, "up")
    session = empty.session()
    without = {key: digest for key, digest in catalog(empty).items() if not key.startswith("index ")}
    session.rows("UPDATE tradewire_migrations SET state = 'running', statements_done = 1, changes = %s WHERE version = 2", json.dumps(without))
    session.rows("DROP INDEX c_id")
    done = migrate(empty, folder, "up")
    assert "2/3 CREATE UNIQUE INDEX CONCURRENTLY b_id ON b (id): was done" in done["stderr"]
    assert done["applied"][0]["summary"] == "created 3 indexes"
    folder.add(3, EACH + "DROP INDEX CONCURRENTLY a_id;")
    before = catalog(empty)
    migrate(empty, folder, "up")
    session.rows("UPDATE tradewire_migrations SET state = 'running', statements_done = 0, changes = %s WHERE version = 3", json.dumps(before))
    assert migrate(empty, folder, "up")["applied"][0]["summary"] == "dropped 1 index"


def test_an_index_that_exists_is_a_fault_where_nothing_was_interrupted(empty, folder):
    folder.add(1, "CREATE TABLE a (id int); CREATE INDEX a_id ON a (id);")
    folder.add(2, EACH + "\nCREATE INDEX CONCURRENTLY a_id ON a (id);")
    error = migrate(empty, folder, "up", expect=1)["error"]
    assert (error["sqlstate"], error["file"], error["line"]) == ("42P07", "2_file2.sql", 3)
    assert [row["version"] for row in history(empty)] == [1], "nothing was done: the file can be edited"
    folder.add(2, EACH + "CREATE INDEX CONCURRENTLY IF NOT EXISTS a_id ON a (id);")
    assert migrate(empty, folder, "up")["applied"][0]["summary"] == "changed nothing"


def test_if_not_exists_does_not_take_an_invalid_index_for_a_good_one(empty, folder):
    """Finding 3: somebody's failed build left an index of that name."""
    folder.add(1, "CREATE TABLE a (id int); INSERT INTO a VALUES (1), (1);")
    migrate(empty, folder, "up")
    session = empty.session()
    with pytest.raises(Exception, match="could not create unique index"):
        session.rows("CREATE UNIQUE INDEX CONCURRENTLY a_id ON a (id)")
    with pytest.raises(Exception, match="could not create unique index"):
        session.rows("CREATE UNIQUE INDEX CONCURRENTLY a_id_2 ON a (id)")
    folder.add(2, EACH + "CREATE INDEX CONCURRENTLY IF NOT EXISTS a_id ON a (id);")
    migrate(empty, folder, "up")
    assert invalid(empty) == ["a_id_2"], "another name: not ours"


def test_a_failing_build_leaves_no_index_and_goes_on_where_it_stopped(empty, folder):
    folder.add(1, "CREATE TABLE a (id int); INSERT INTO a VALUES (1), (1);")
    folder.add(2, EACH + "CREATE INDEX CONCURRENTLY a_plain ON a (id);\n\n  CREATE UNIQUE INDEX CONCURRENTLY a_id ON a (id);")
    error = migrate(empty, folder, "up", expect=1)["error"]
    assert (error["sqlstate"], error["line"], error["column"]) == ("23505", 4, 3)
    assert "1 of 2 statements are done" in error["hint"]
    assert invalid(empty) == []
    empty.session().rows("DELETE FROM a")
    assert migrate(empty, folder, "up")["applied"][0]["summary"] == "created 2 indexes"


def test_reindex_that_was_interrupted(empty, folder):
    folder.add(1, "CREATE TABLE a (id int); CREATE INDEX a_id ON a (id);")
    migrate(empty, folder, "up")
    folder.add(2, EACH + "REINDEX INDEX CONCURRENTLY a_id;")
    writer = empty.session()
    writer.begin()
    writer.rows("INSERT INTO a VALUES (2)")
    running = start(empty, folder)
    pid = wait_for_backend(empty, running, "query LIKE 'REINDEX%%' AND wait_event_type = 'Lock'")
    running.kill()
    running.communicate(timeout=10)
    gone(empty, pid)
    assert invalid(empty) == ["a_id_ccnew"]
    writer.rollback()
    migrate(empty, folder, "up")
    assert invalid(empty) == []


def test_each_statement_stands_alone(empty, folder):
    folder.add(1, "CREATE TABLE a (id int);")
    folder.add(2, EACH + "SET lock_timeout = '7s'; CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS timeout; BEGIN; SELECT 1;")
    error = migrate(empty, folder, "up", expect=1)["error"]
    assert error["code"] == "transaction_open" and error["line"] == 2
    assert empty.session().value("SELECT timeout FROM seen") == "0"


def test_a_no_transaction_file_needs_a_statement(empty, folder):
    folder.add(1, EACH + "-- later\n;")
    assert migrate(empty, folder, "up", expect=1)["error"]["code"] == "empty_file"
    assert history(empty) == []
    folder.add(1, "-- later\n;")
    migrate(empty, folder, "up")


def test_a_back_fill_that_commits(empty, folder):
    folder.add(1, "CREATE TABLE a (id int, done bool); INSERT INTO a SELECT generate_series(1, 10);")
    folder.add(2, EACH + "DO $$ DECLARE n int; BEGIN LOOP UPDATE a SET done = true WHERE id IN"
                         " (SELECT id FROM a WHERE done IS NULL LIMIT 3); GET DIAGNOSTICS n = ROW_COUNT; EXIT WHEN n = 0; COMMIT;"
                         " END LOOP; END $$; VACUUM a; ANALYZE a;")
    done = migrate(empty, folder, "up")
    assert done["applied"][1]["statements"] == 3
    assert empty.session().value("SELECT bool_and(done) FROM a")


def test_progress_of_an_index_build(empty, folder):
    """The other connection sees the phase and who is in the way, and never a snapshot of its own in the way."""
    folder.add(1, "CREATE TABLE a (id int);")
    migrate(empty, folder, "up")
    folder.add(2, EACH + "CREATE INDEX CONCURRENTLY a_id ON a (id);")
    writer = empty.session()
    writer.rows("SET application_name = 'a slow writer'")
    writer.begin()
    writer.rows("INSERT INTO a VALUES (1)")
    running = start(empty, folder)
    line = running.stdout.readline()
    assert "1/1 CREATE INDEX CONCURRENTLY a_id ON a (id): 2 s" in line
    assert "waiting for writers before build" in line and "a slow writer" in line
    watcher = empty.session()
    for _ in range(20):
        assert watcher.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name"
                             " LIKE 'migrate/%%' AND backend_xmin IS NOT NULL AND query NOT LIKE 'CREATE INDEX%%' AND state <> 'active'") == 0
        time.sleep(0.05)
    writer.rollback()
    out, err = running.communicate(timeout=10)
    assert running.returncode == 0, err
    assert "applied 2_file2.sql" in out


def test_a_down_that_stopped_half_way_is_gone_through_again(empty, folder):
    folder.add(1, "CREATE TABLE a (id int); CREATE TABLE b (id int);")
    folder.add(2, EACH + "CREATE INDEX CONCURRENTLY a_id ON a (id); CREATE INDEX CONCURRENTLY b_id ON b (id);",
               EACH + "DROP INDEX CONCURRENTLY b_id; DROP INDEX CONCURRENTLY a_id;")
    migrate(empty, folder, "up")
    before = history(empty)[1]
    writer = empty.session()
    writer.begin()
    writer.rows("INSERT INTO a VALUES (1)")
    running = subprocess.Popen([str(PROGRAM), "down", "--steps", "1", "--dir", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env={"PATH": os.environ["PATH"], "DATABASE_URL": empty.url})
    pid = wait_for_backend(empty, running, "query LIKE 'DROP INDEX%%a_id' AND wait_event_type = 'Lock'")
    running.kill()
    running.communicate(timeout=10)
    gone(empty, pid)
    writer.rollback()
    row = history(empty)[1]
    assert (row["state"], row["statements"]) == ("running", 0)
    migrate(empty, folder, "up")
    after = history(empty)[1]
    assert (after["state"], after["changes"], after["statements"]) == ("applied", before["changes"], 2)
    assert invalid(empty) == [] and empty.session().value("SELECT to_regclass('b_id') IS NOT NULL")
