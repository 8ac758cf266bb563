"""migrate up and status: once each, all or nothing, and every refusal with its exit code."""

import json
import os
import re
import secrets
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tradewire_test.database import Database

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
PROGRAM = Path(os.environ["TRADEWIRE_BIN"]) / "migrate"


@pytest.fixture
def empty():
    made = Database(os.environ["TEST_ADMIN_DATABASE_URL"]).create()
    yield made
    made.drop()


@pytest.fixture
def folder(tmp_path):
    """A folder of migrations: folder(name=text, …); names get a version in order."""
    def write(**files):
        for path in tmp_path.glob("*.sql"):
            path.unlink()
        for number, (name, text) in enumerate(files.items(), 1):
            (tmp_path / f"{number}_{name}.sql").write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(tmp_path)
    return write


def start(database, *arguments):
    return subprocess.Popen([str(PROGRAM), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={"PATH": os.environ["PATH"], "DATABASE_URL": database.url})


def history(database):
    session = database.session()
    if session.value("SELECT to_regclass('tradewire_migrations')") is None:
        return []
    return session.rows("SELECT * FROM tradewire_migrations ORDER BY version")


def test_the_programs_own_files_are_those_of_the_folder(empty):
    shown = json.loads(empty.migrate("status", "--json").stdout)
    assert [f"{m['version']}_{m['name']}.sql" for m in shown["migrations"]] == sorted(p.name for p in MIGRATIONS.glob("*.sql"))
    assert {m["state"] for m in shown["migrations"]} == {"pending"}
    assert empty.migrate("status", "--json", "--dir", str(MIGRATIONS)).stdout == empty.migrate("status", "--json").stdout


def test_up_then_nothing_to_do(empty):
    assert empty.migrate("status").returncode == 0
    assert empty.migrate("status", "--exit-code").returncode == 7
    done = empty.migrate("up")
    assert done.returncode == 0 and done.stderr == ""
    assert len(re.findall(r"^applied \d+_\w+\.sql \(\d+ ms\)$", done.stdout, re.M)) == len(list(MIGRATIONS.glob("*.sql")))
    again = json.loads(empty.migrate("up", "--json").stdout)
    assert again == {"command": "up", "already_applied": len(history(empty)), "applied": [], "error": None}
    assert empty.migrate("status", "--exit-code").returncode == 0
    assert history(empty)[0]["applied_by"] == empty.session().value("SELECT session_user")


def test_twenty_at_once_apply_each_file_once(empty):
    running = [start(empty, "up", "--json") for _ in range(20)]
    outputs = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0] * 20, outputs
    applied = [step["version"] for out, _ in outputs for step in json.loads(out)["applied"]]
    assert sorted(applied) == sorted(p.name.split("_")[0] for p in MIGRATIONS.glob("*.sql"))


def test_databases_of_one_cluster_at_once(empty):
    """Roles are the cluster's: making them races."""
    others = [Database(os.environ["TEST_ADMIN_DATABASE_URL"]).create() for _ in range(4)]
    try:
        running = [start(database, "up") for database in (empty, *others)]
        assert [(process.communicate(timeout=120)[1], process.returncode) for process in running] == [("", 0)] * 5
    finally:
        for database in others:
            database.drop()


def test_a_failing_file_leaves_nothing_and_says_where(empty, folder):
    path = folder(good="CREATE TABLE a (id int);", bad="CREATE TABLE b (id int);\n\n-- ä;\nSELECT 'ö', nonsense;\n")
    done = empty.migrate("up", "--dir", path)
    assert done.returncode == 1
    assert "migrate: 2_bad.sql:4:13: sql_error: column \"nonsense\" does not exist\n  SQLSTATE: 42703\n" in done.stderr
    assert [row["version"] for row in history(empty)] == [1]
    assert empty.session().value("SELECT to_regclass('b')") is None
    folder(good="CREATE TABLE a (id int);", bad="CREATE TABLE b (id int);")
    assert empty.migrate("up", "--dir", path).returncode == 0


def test_an_error_at_run_time_names_its_statement(empty, folder):
    path = folder(bad="CREATE TABLE a (id int PRIMARY KEY); -- ;\nDO $x$ BEGIN PERFORM ';'; END $x$;\n\n"
                      "INSERT INTO a\n  VALUES (1), (1);\n")
    error = json.loads(empty.migrate("up", "--json", "--dir", path).stdout)["error"]
    assert (error["file"], error["line"], error["column"], error["sqlstate"]) == ("1_bad.sql", 4, 1, "23505")
    assert error["detail"] == "Key (id)=(1) already exists." and error["hint"] is None
    path = folder(bad="DO $$ BEGIN RAISE 'no' USING HINT = 'try this'; END $$;")
    error = json.loads(empty.migrate("up", "--json", "--dir", path).stdout)["error"]
    assert (error["message"], error["hint"], error["line"]) == ("no", "try this", 1) and "PL/pgSQL" in error["context"]


@pytest.mark.parametrize("ending", ["COMMIT;", "ROLLBACK;", "COMMIT; BEGIN;"])
def test_a_file_that_ends_its_transaction_is_refused(empty, folder, ending):
    done = empty.migrate("up", "--dir", folder(bad=f"CREATE TABLE a (id int); {ending}"))
    assert done.returncode == 1 and "transaction_ended" in done.stderr
    assert history(empty) == []


@pytest.mark.parametrize("copy", ["COPY (SELECT 1) TO STDOUT;", "CREATE TABLE a (id int); COPY a FROM STDIN;"])
def test_copy_with_the_client_is_refused(empty, folder, copy):
    done = empty.migrate("up", "--dir", folder(bad=copy))
    assert done.returncode == 1 and "copy_not_supported" in done.stderr
    assert history(empty) == []


def test_a_role_or_search_path_left_behind_is_not_the_next_files(empty, folder):
    role = "tw_test_" + secrets.token_hex(4)
    path = folder(one=f"CREATE ROLE {role}; SET ROLE {role};", two="SET search_path = nowhere;",
                  three="CREATE TABLE three (id int);")
    try:
        assert empty.migrate("up", "--dir", path).returncode == 0
        assert empty.session().value("SELECT to_regclass('public.three')") == "three"
    finally:
        empty.session().rows(f"DROP ROLE {role}")


def integrity(empty, path, state, *named):
    for command in ("up", "status"):
        done = empty.migrate(command, "--dir", path)
        assert done.returncode == 3 and f": {state}: " in done.stderr, done.stderr
        for text in named:
            assert text in done.stderr
    shown = json.loads(empty.migrate("status", "--json", "--dir", path).stdout)
    assert state in {m["state"] for m in shown["migrations"]} and shown["faults"] >= 1
    assert shown["error"]["code"] == "integrity"


def test_a_changed_file(empty, folder):
    path = folder(one="SELECT 1;", two="SELECT 2;")
    assert empty.migrate("up", "--dir", path).returncode == 0
    applied = history(empty)[0]["checksum"]
    folder(one="SELECT 1 ;", two="SELECT 2;", three="CREATE TABLE never (id int);")
    integrity(empty, path, "changed", "1_one", applied)
    assert empty.session().value("SELECT to_regclass('never')") is None


def test_other_line_ends_are_no_change(empty, folder):
    path = folder(one="SELECT 1;\nSELECT 2;\n")
    assert empty.migrate("up", "--dir", path).returncode == 0
    folder(one=b"SELECT 1;\r\nSELECT 2;\r\n")
    assert empty.migrate("up", "--dir", path).returncode == 0


def test_a_renamed_a_missing_a_newer_and_an_inserted_file(empty, folder):
    path = folder(one="SELECT 1;", two="SELECT 2;", three="SELECT 3;")
    assert empty.migrate("up", "--dir", path).returncode == 0
    Path(path, "2_two.sql").rename(Path(path, "2_zwei.sql"))
    integrity(empty, path, "renamed", "2_zwei", "two")
    Path(path, "2_zwei.sql").unlink()
    integrity(empty, path, "missing", "2_two")
    folder(one="SELECT 1;", two="SELECT 2;")
    integrity(empty, path, "newer", "3_three")
    folder(one="SELECT 1;", two="SELECT 2;", three="SELECT 3;", four="SELECT 4;", five="SELECT 5;")
    Path(path, "4_four.sql").unlink()
    assert empty.migrate("up", "--dir", path).returncode == 0
    Path(path, "4_four.sql").write_text("SELECT 4;")
    integrity(empty, path, "inserted", "4_four")


@pytest.mark.parametrize("name, code", [("x.sql", "bad_file_name"), ("1_Big.sql", "bad_file_name"), ("1.sql", "bad_file_name"),
                                        ("01_x.sql", "bad_file_name"), ("1_y.sql", "duplicate_version")])
def test_names_that_are_refused(empty, folder, name, code):
    path = folder(x="SELECT 1;")
    Path(path, name).write_text("SELECT 2;")
    done = empty.migrate("up", "--dir", path)
    assert done.returncode == 3 and code in done.stderr and history(empty) == []


def test_text_that_is_refused_and_files_that_are_ignored(empty, folder):
    done = empty.migrate("up", "--dir", folder(x=b"SELECT '\xff';"))
    assert done.returncode == 3 and "bad_encoding" in done.stderr
    path = folder(x="SELECT 1;")
    Path(path, "README.md").write_text("not a migration")
    Path(path, "down").mkdir()
    Path(path, "down", "1_x.sql").write_text("nonsense")
    assert empty.migrate("up", "--dir", path).returncode == 0


def test_the_lock_is_waited_for_and_its_holder_named(empty):
    holder = empty.session()
    holder.rows("SET application_name = 'somebody else'")
    running = start(empty, "up")
    running.communicate(timeout=60)
    key = re.search(r'LOCK_KEY "(\d+)"', (MIGRATIONS.parent / "services/migrate/lock.c").read_text())[1]
    assert holder.value(f"SELECT pg_try_advisory_lock({key})")
    begun = time.monotonic()
    done = empty.migrate("up", "--lock-wait", "500ms")
    assert done.returncode == 4 and 0.5 <= time.monotonic() - begun < 3
    assert "application somebody else" in done.stderr and "pid " in done.stderr
    waiting = start(empty, "up", "--lock-wait=30s")
    time.sleep(0.3)
    assert waiting.poll() is None
    holder.rows(f"SELECT pg_advisory_unlock({key})")
    waiting.communicate(timeout=5)
    assert waiting.returncode == 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_migrate_leaves_nothing_half_done(empty, folder, how):
    path = folder(one="CREATE TABLE one (id int);", two="CREATE TABLE two (id int); SELECT pg_sleep(30);")
    running = start(empty, "up", "--dir", path)
    watcher = empty.session()
    while not watcher.rows("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%two%' "
                           "AND wait_event = 'PgSleep'"):
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(how)
    running.communicate(timeout=10)
    folder(one="CREATE TABLE one (id int);", two="CREATE TABLE two (id int);")
    begun = time.monotonic()
    done = empty.migrate("up", "--dir", path)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - begun < 10, "the dead one's server process noticed and let go of the lock"
    assert [row["name"] for row in history(empty)] == ["one", "two"]


@pytest.mark.parametrize("arguments", [(), ("sideways",), ("up", "--what"), ("up", "--dir"), ("up", "--lock-wait", "soon"),
                                       ("up", "--exit-code"), ("status", "--lock-wait", "1s"), ("up", "--dir", "/nonexistent")])
def test_usage(empty, arguments):
    done = subprocess.run([str(PROGRAM), *arguments], capture_output=True, text=True,
                          env={"DATABASE_URL": empty.url})
    assert done.returncode == 2 and done.stderr.startswith("migrate: ")


def run(**environment):
    return subprocess.run([str(PROGRAM), "up"], capture_output=True, text=True, env=environment, timeout=30)


def test_where_the_url_comes_from(empty, tmp_path):
    wrong = "postgresql://nobody:hunter2@127.0.0.1:1/none"
    assert run().returncode == 2
    assert run(DATABASE_URL=wrong, MIGRATE_DATABASE_URL=empty.url).returncode == 0
    Path(tmp_path, "url").write_text(empty.url + "\n")
    assert run(DATABASE_URL=wrong, MIGRATE_DATABASE_URL_FILE=str(tmp_path / "url")).returncode == 0
    done = run(DATABASE_URL=empty.url, MIGRATE_DATABASE_URL=wrong)
    assert done.returncode == 5 and "hunter2" not in done.stderr + done.stdout


def test_a_role_that_may_not_is_a_permission_fault(empty):
    admin, role = empty.session(), "tw_test_" + secrets.token_hex(4)
    admin.rows(f"CREATE ROLE {role} LOGIN PASSWORD 'weak'")
    try:
        address = re.sub(r"//[^@]*@", f"//{role}:weak@", empty.url)
        done = run(DATABASE_URL=address)
        assert done.returncode == 5 and "42501" in done.stderr
    finally:
        admin.rows(f"DROP ROLE {role}")
