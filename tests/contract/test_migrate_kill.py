"""Whatever dies whenever: the next `migrate up` finishes, with no other command, and the schema is that of an
undisturbed run (G2). Seeds are printed; TEST_SEED repeats one."""

import json
import os
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg2
import pytest

from tradewire_test.database import Database
from tradewire_test.migrations import CHECKOUT, Folder, databases, history, migrate
from tradewire_test.postgres_proxy import Proxy
from tradewire_test.scenario import until

PROGRAM = Path(os.environ["TRADEWIRE_BIN"]) / "migrate"
LONG = os.environ.get("TRADEWIRE_LONG") == "1"
SEED = int(os.environ.get("TEST_SEED", secrets.randbelow(1 << 32)))
EACH = "-- migrate:no-transaction\n"
KILLS, STOPS = (210, 30) if LONG else (8, 2)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture
def chain(folder):
    """All kinds of files, long enough to be hit: tables with rows, index builds, a back-fill that commits."""
    folder.add(1, "CREATE TABLE a (id int PRIMARY KEY, note text); INSERT INTO a SELECT n, md5(n::text) FROM generate_series(1, 20000) n;")
    folder.add(2, EACH + "CREATE INDEX CONCURRENTLY a_note ON a (note);\nCREATE UNIQUE INDEX CONCURRENTLY a_both ON a (id, note);\n"
                         "REINDEX INDEX CONCURRENTLY a_note;")
    folder.add(3, "ALTER TABLE a ADD done boolean; CREATE TABLE b (id int REFERENCES a (id)); INSERT INTO b SELECT id FROM a;")
    folder.add(4, EACH + "DO $$ BEGIN FOR i IN 0 .. 19 LOOP UPDATE a SET done = true WHERE id % 20 = i AND done IS NULL; COMMIT; END LOOP; END $$;\n"
                         "CREATE INDEX CONCURRENTLY b_id ON b (id);\nDROP INDEX CONCURRENTLY a_note;\nVACUUM a;\nANALYZE a;")
    folder.add(5, "CREATE VIEW c AS SELECT count(*) AS n FROM b; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';"
                  "SELECT pg_sleep(0.05); ALTER TABLE a ALTER done SET NOT NULL;")
    return folder


def start(database, folder, *arguments, **environment):
    where = ["--dir", str(folder)] if folder else []
    return subprocess.Popen([str(PROGRAM), "up", *where, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={"PATH": os.environ["PATH"], "DATABASE_URL": database.url, **environment})


def dump(database):
    done = subprocess.run(["pg_dump", "--schema-only", database.url], capture_output=True, text=True, check=True)
    return re.sub(r"^\\(un)?restrict .*$", "", done.stdout, flags=re.M)  # newer clients write a random word


def undisturbed(folder, admin_url=None):
    """The dump, and how long it took."""
    database = Database(admin_url or os.environ["TEST_ADMIN_DATABASE_URL"]).create()
    try:
        begun = time.monotonic()
        migrate(database, folder, "up")
        took = time.monotonic() - begun
        return dump(database), took
    finally:
        database.drop()


def check_finished(database, folder, expected):
    migrate(database, folder, "up")
    assert dump(database) == expected
    session = database.session()
    assert session.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
    assert {row["state"] for row in history(database)} == {"applied"}
    assert all(row["changes"] is not None for row in history(database))
    assert session.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
                         "(SELECT oid FROM pg_database WHERE datname = current_database())") == 0


def terminate(database):
    """Of the backend that migrate works with, and of the one that it looks with."""
    session = psycopg2.connect(database.url)
    with session.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                       " AND application_name LIKE 'migrate/%'")
    session.close()


@pytest.mark.parametrize("which", ["chain", "program"])
def test_killed_at_random_times(chain, which):
    folder = chain if which == "chain" else None
    rng = random.Random(f"{SEED} {which}")
    expected, took = undisturbed(folder)
    print(f"seed {SEED}, undisturbed {took:.2f} s")
    hit = rounds = 0
    while hit < KILLS // 2:  # what ended by itself before its kill is no kill
        rounds += 1
        assert rounds <= 5 * KILLS, "hardly one is killed in time"
        for database in databases():
            for _ in range(rng.choice([1, 1, 2])):
                how, after = rng.choice(["migrate", "backend"]), rng.uniform(0, took * 1.1)
                running = start(database, folder)
                try:
                    running.wait(timeout=after)
                except subprocess.TimeoutExpired:
                    running.kill() if how == "migrate" else terminate(database)
                running.communicate(timeout=30)
                hit += running.returncode != 0
                print(f"{hit}: {how} after {after:.3f} s: exit {running.returncode}")
            check_finished(database, folder, expected)


@pytest.mark.parametrize("which", ["chain", "program"])
def test_cut_at_a_statement(chain, which):
    """The connection ends at a statement of migrate's, chosen among all that it sends; long: at each of them. Either it
    never arrives, or it is done and nobody hears. A cut COMMIT is found out about, so there `up` itself ends well."""
    folder = chain if which == "chain" else None
    rng = random.Random(f"{SEED} {which} cuts")
    expected, _ = undisturbed(folder)
    for database in databases():
        proxy = Proxy(database.url)
        subprocess.run([str(PROGRAM), "up", *(["--dir", str(folder)] if folder else [])], check=True, capture_output=True,
                       env={"PATH": os.environ["PATH"], "DATABASE_URL": proxy.url})
        count = len(proxy.statements)
        proxy.close()
    chosen = range(1, count + 1) if LONG else sorted(rng.sample(range(1, count + 1), 5))
    print(f"seed {SEED}, {count} statements, cut at {list(chosen)}")
    hit = 0
    for target in chosen:
        for database in databases():
            proxy, when = Proxy(database.url), rng.choice(["before", "after"])
            proxy.cut(lambda number, _, target=target, when=when: when if number == target else None)
            running = start(database, folder, DATABASE_URL=proxy.url)
            _, err = running.communicate(timeout=60)
            proxy.close()
            if proxy.cuts:  # not, where this run had less to look at than the one that was counted
                cut = proxy.statements[target - 1]
                survives = cut == "COMMIT" or "pg_stat_progress" in cut or "SET statement_timeout = '2s'" == cut
                assert running.returncode in ((0, 5) if survives else (5,)), (target, when, cut, running.returncode, err)
                hit += 1
            assert (err == "") == (running.returncode == 0), err
            check_finished(database, folder, expected)
    assert hit > len(chosen) / 2


@pytest.mark.parametrize("when, attempts", [("before", 2), ("after", 1)])
def test_a_lost_commit_is_found_out(empty, folder, when, attempts):
    folder.add(1, "CREATE TABLE a (id int);").add(2, "CREATE TABLE b (id int);")
    proxy = Proxy(empty.url)
    proxy.cut(lambda _, text: when if text == "COMMIT" and proxy.cuts == 0 else None)
    done = subprocess.run([str(PROGRAM), "up", "--json", "--dir", str(folder)], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.environ["PATH"], "DATABASE_URL": proxy.url})
    proxy.close()
    assert done.returncode == 0 and proxy.cuts == 1, done.stderr
    assert "the connection was lost during COMMIT" in done.stderr
    steps = json.loads(done.stdout)["applied"]
    assert [(step["version"], step["summary"]) for step in steps] == [("1", "created 1 table"), ("2", "created 1 table")]
    assert steps[0]["attempts"] == attempts
    assert len([text for text in proxy.statements if text == "CREATE TABLE a (id int);"]) == attempts
    assert [row["version"] for row in history(empty)] == [1, 2]


def test_a_lost_commit_that_cannot_be_found_out(empty, folder):
    """Cut, and then somebody else has the lock: it is said that the file's state is not known. The document is whole."""
    folder.add(1, "CREATE TABLE a (id int);").add(2, "CREATE TABLE b (id int);")
    proxy, other = Proxy(empty.url), empty.session()
    key = re.search(r'LOCK_KEY "(\d+)"', (CHECKOUT / "services/migrate/lock.c").read_text())[1]

    def decide(_, text):
        if text != "COMMIT" or proxy.cuts:
            return None
        holder = [row["pid"] for row in other.rows("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
                                                   " (SELECT oid FROM pg_database WHERE datname = current_database())")]
        other.rows("SELECT pg_terminate_backend(%s, 5000)", holder[0])
        assert other.value(f"SELECT pg_try_advisory_lock({key})")
        return "before"
    proxy.cut(decide)
    done = migrate(empty, folder, "up", "--lock-wait", "1s", expect=4, DATABASE_URL=proxy.url)
    proxy.close()
    assert done["error"]["code"] == "locked" and "1_file1.sql may have been applied" in done["error"]["detail"]
    assert done["lock_holder"]["pid"] == other.value("SELECT pg_backend_pid()") and done["applied"] == []
    other.rows(f"SELECT pg_advisory_unlock({key})")
    assert len(migrate(empty, folder, "up")["applied"]) == 2


# --- a server of its own that is stopped -------------------------------------------------------------------------------


class Server:
    def __init__(self):
        self.state = tempfile.mkdtemp(prefix="tw-kill-", dir="/var/tmp")
        os.chmod(self.state, 0o711)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.environment = {**os.environ, "TRADEWIRE_STATE": self.state, "POSTGRES_PORT": str(port)}
        self("start")
        self.url = subprocess.run(["bash", "-c", ". deploy/local/state; state_admin_database_url"], cwd=CHECKOUT, check=True,
                                  env=self.environment, capture_output=True, text=True).stdout.strip()

    def __call__(self, action):
        subprocess.run(["deploy/local/postgres", action], cwd=CHECKOUT, env=self.environment, check=True, capture_output=True)

    def remove(self):
        self("stop")
        shutil.rmtree(self.state)


@pytest.fixture(scope="module")
def server():
    made = Server()
    yield made
    made.remove()


@pytest.mark.parametrize("which", ["chain", "program"])
def test_the_server_is_stopped_at_random_times(server, chain, which):
    folder = chain if which == "chain" else None
    rng = random.Random(f"{SEED} {which} stops")
    expected, took = undisturbed(folder, server.url)
    for number in range(STOPS // 2):
        database = Database(server.url).create()
        after = rng.uniform(0.05, took)
        running = start(database, folder)
        try:
            running.wait(timeout=after)
        except subprocess.TimeoutExpired:
            pass
        server("immediate")
        server("start")  # where COMMIT was lost, migrate waits for it to find out
        _, err = running.communicate(timeout=60)
        print(f"seed {SEED}, {number}: stopped after {after:.3f} s: exit {running.returncode}")
        assert running.returncode in (0, 5), err
        check_finished(database, folder, expected)
        database.drop()


def test_a_server_that_is_not_up_yet_is_waited_for(server, folder):
    folder.add(1, "CREATE TABLE a (id int);")
    database = Database(server.url).create()
    server("stop")
    refused = migrate(database, folder, "up", expect=5)["error"]
    assert refused["code"] == "unreachable" and "--wait" in refused["hint"]
    running = start(database, folder, "--wait", "60s")
    time.sleep(0.5)
    assert running.poll() is None
    server("start")
    out, err = running.communicate(timeout=30)
    assert running.returncode == 0 and "created 1 table" in out, err
    database.drop()


# --- SIGTERM -----------------------------------------------------------------------------------------------------------


def sleeper(database, folder, *arguments):
    folder.add(1, "CREATE TABLE one (id int);").add(2, "CREATE TABLE two (id int); SELECT pg_sleep(60);")
    running = start(database, folder, *arguments)
    watcher = database.session()

    def look():
        assert running.poll() is None, running.communicate()
        rows = watcher.rows("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()")
        return rows and rows[0]["pid"]
    return running, until(look, what="the long statement")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_cancels_and_rolls_back(empty, folder, how):
    running, pid = sleeper(empty, folder, "--json")
    begun = time.monotonic()
    running.send_signal(how)
    out, err = running.communicate(timeout=10)
    assert time.monotonic() - begun < 5
    document = json.loads(out)
    assert running.returncode == 1 and document["error"]["code"] == "interrupted", err
    assert [step["version"] for step in document["applied"]] == ["1"]
    assert document["error"]["file"] == "2_file2.sql"
    session = empty.session()
    until(lambda: not session.rows("SELECT 1 FROM pg_stat_activity WHERE pid = %s", pid), seconds=2, what="the session ended")
    assert session.value("SELECT to_regclass('two')") is None
    assert [row["version"] for row in history(empty)] == [1]


def test_a_signal_ends_also_when_the_server_says_nothing(empty, folder):
    running, pid = sleeper(empty, folder)
    os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=10)
        assert running.returncode != 0 and time.monotonic() - begun < 5
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_signal_ends_waiting(empty, folder):
    running, _ = sleeper(empty, folder)
    for waiting in (start(empty, folder, "--lock-wait", "60s"), start(empty, folder, "--wait", "60s", DATABASE_URL="postgresql://x@127.0.0.1:1/x")):
        time.sleep(0.5)
        assert waiting.poll() is None
        begun = time.monotonic()
        waiting.send_signal(signal.SIGTERM)
        _, err = waiting.communicate(timeout=10)
        assert time.monotonic() - begun < 2 and waiting.returncode in (1, 5) and "interrupted" in err
    running.kill()
    running.communicate()


def test_a_signal_in_an_index_build_leaves_what_the_next_run_finishes(empty, folder):
    folder.add(1, "CREATE TABLE a (id int);")
    migrate(empty, folder, "up")
    folder.add(2, EACH + "CREATE INDEX CONCURRENTLY a_id ON a (id);")
    writer = empty.session()
    writer.begin()
    writer.rows("INSERT INTO a VALUES (1)")
    running = start(empty, folder)
    until(lambda: empty.session().rows("SELECT 1 FROM pg_stat_progress_create_index WHERE datname = current_database()"),
          what="the build")
    running.terminate()
    _, err = running.communicate(timeout=5)
    assert running.returncode == 1 and "interrupted" in err
    writer.rollback()
    assert migrate(empty, folder, "up")["applied"][0]["summary"] == "created 1 index"
