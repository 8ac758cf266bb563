"""The way to the database: poolers, refused logins and what to do about them, and that no password shows anywhere."""

import json
import os
import re
import secrets
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg2
import pytest

from tradewire_test.migrations import Folder, history, migrate
from tradewire_test.pooler import Pooler
from tradewire_test.postgres_proxy import Proxy
from tradewire_test.scenario import until

PROGRAM = Path(os.environ["TRADEWIRE_BIN"]) / "migrate"
ADMIN_URL = os.environ["TEST_ADMIN_DATABASE_URL"]


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "migrations")


def run(*arguments, **environment):
    return subprocess.run([str(PROGRAM), *arguments], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.environ["PATH"], **environment})


def advisory_locks(database):
    return database.session().value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
                                    " (SELECT oid FROM pg_database WHERE datname = current_database())")


# --- G13: poolers ------------------------------------------------------------------------------------------------------


@pytest.fixture
def pooler(request):
    made = Pooler(ADMIN_URL, request.param)
    yield made
    made.stop()


@pytest.mark.parametrize("pooler", ["transaction", "statement"], indirect=True)
@pytest.mark.parametrize("command", ["up", "status"])
def test_a_pooler_in_transaction_mode_is_refused(empty, pooler, command):
    run("status", DATABASE_URL=pooler.url(empty))  # the pooler's own first connections take a while
    begun = time.monotonic()
    done = run(command, "--json", DATABASE_URL=pooler.url(empty))
    assert time.monotonic() - begun < 1
    error = json.loads(done.stdout)["error"]
    assert done.returncode == 5 and error["code"] == "pooler", done.stderr
    assert "MIGRATE_DATABASE_URL" in error["hint"] and "MIGRATE_DATABASE_URL" in done.stderr
    assert advisory_locks(empty) == 0 and history(empty) == []


@pytest.mark.parametrize("pooler", ["transaction"], indirect=True)
def test_a_busy_pooler_in_transaction_mode_is_refused_too(empty, pooler):
    """Other clients take the backends in between: the test may not rely on getting the same one again."""
    stop = threading.Event()

    def work():
        connection = psycopg2.connect(pooler.url(empty))
        connection.autocommit = True
        while not stop.is_set():
            connection.cursor().execute("SELECT 1")
    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(20):
            assert run("up", DATABASE_URL=pooler.url(empty)).returncode == 5
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert advisory_locks(empty) == 0


@pytest.mark.parametrize("pooler", ["session"], indirect=True)
def test_a_pooler_in_session_mode_works(empty, folder, pooler):
    folder.add(1, "CREATE TABLE a (id int); SET search_path = nowhere;")
    folder.add(2, "-- migrate:no-transaction\nCREATE INDEX CONCURRENTLY a_id ON public.a (id);")
    done = run("up", "--dir", str(folder), DATABASE_URL=pooler.url(empty))
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert [row["version"] for row in history(empty)] == [1, 2]
    until(lambda: advisory_locks(empty) == 0, what="the pooler has reset the session")


@pytest.mark.parametrize("pooler", ["session"], indirect=True)
def test_progress_through_a_pooler_in_session_mode(empty, folder, pooler):
    """The pid that libpq knows is the pooler's invention: the build's own must be asked for."""
    folder.add(1, "CREATE TABLE a (id int);").add(2, "-- migrate:no-transaction\nCREATE INDEX CONCURRENTLY a_id ON a (id);")
    writer = empty.session()
    folder.add(3, "SELECT 1;")
    assert run("up", "--dir", str(folder), DATABASE_URL=pooler.url(empty)).returncode == 0
    writer.begin()
    writer.rows("INSERT INTO a VALUES (1)")
    folder.add(4, "-- migrate:no-transaction\nCREATE INDEX CONCURRENTLY a_id_2 ON a (id);")
    running = subprocess.Popen([str(PROGRAM), "up", "--dir", str(folder)], stdout=subprocess.PIPE, text=True,
                               env={"PATH": os.environ["PATH"], "DATABASE_URL": pooler.url(empty)})
    line = running.stdout.readline()
    writer.rollback()
    running.communicate(timeout=20)
    assert running.returncode == 0 and "waiting for writers before build" in line


# --- what keeps migrate out, and what to do ----------------------------------------------------------------------------


def with_login(url, user=None, password=None, database=None, port=None):
    parts = urlsplit(url)
    user = user or parts.username
    login = user if password is None else f"{user}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.hostname}:{port or parts.port}", path=f"/{database}" if database else parts.path))


@pytest.fixture
def stranger(empty):
    """A role that may log in and nothing else."""
    admin, name = empty.session(), "tw_test_" + secrets.token_hex(4)
    admin.rows(f"CREATE ROLE {name} LOGIN PASSWORD 'weak'")
    yield name
    admin.rows(f"DROP OWNED BY {name}")
    admin.rows(f"DROP ROLE {name}")


@pytest.mark.parametrize("wrong, code, sqlstate, advice", [
    ({"password": "hunter2"}, "login_refused", "28P01", "PGPASSWORD"),
    ({"user": "nobody_of_that_name", "password": "hunter2"}, "login_refused", "28P01", "check user"),
    ({"database": "no_such_database"}, "no_database", "3D000", "CREATE DATABASE"),
    ({"port": 1}, "unreachable", None, "--wait"),
])
@pytest.mark.parametrize("command", ["up", "status"])
def test_what_keeps_it_out_is_said(empty, wrong, code, sqlstate, advice, command):
    password = unquote(urlsplit(empty.url).password)
    url = with_login(empty.url, **{"password": password, **wrong})
    done = run(command, "--json", DATABASE_URL=url)
    error = json.loads(done.stdout)["error"]
    assert done.returncode == 5 and (error["code"], error["sqlstate"]) == (code, sqlstate)
    assert advice in error["hint"]
    assert "hunter2" not in done.stdout + done.stderr and password not in done.stdout + done.stderr


def test_a_role_that_may_not(empty, stranger, folder):
    url = with_login(empty.url, user=stranger, password="weak")
    done = run("up", "--json", DATABASE_URL=url)
    error = json.loads(done.stdout)["error"]
    assert done.returncode == 5 and (error["code"], error["sqlstate"]) == ("no_permission", "42501")
    assert "MIGRATE_DATABASE_URL" in error["hint"]
    folder.add(1, "CREATE TABLE a (id int);")
    migrate(empty, folder, "up")
    empty.session().rows(f"GRANT ALL ON tradewire_migrations TO {stranger}; GRANT USAGE, CREATE ON SCHEMA public TO {stranger};"
                         f"CREATE POLICY p ON tradewire_migrations TO {stranger} USING (true) WITH CHECK (true)")
    folder.add(2, "SELECT 1;\nALTER TABLE a ADD b int;")
    error = json.loads(run("up", "--json", "--dir", str(folder), DATABASE_URL=url).stdout)["error"]
    assert (error["code"], error["sqlstate"], error["file"], error["line"]) == ("no_permission", "42501", "2_file2.sql", 2)


def test_a_database_that_is_read_only(empty, folder):
    folder.add(1, "CREATE TABLE a (id int);")
    admin = empty.session()
    admin.rows(f'ALTER DATABASE "{empty.name}" SET default_transaction_read_only = on')
    error = migrate(empty, folder, "up", expect=5)["error"]
    assert error["code"] == "read_only" and "primary" in error["hint"]


def test_a_newer_history_than_the_files(empty, folder):
    folder.add(1, "SELECT 1;").add(2, "SELECT 2;")
    migrate(empty, folder, "up")
    folder.remove(2)
    done = migrate(empty, folder, "up", expect=3)
    assert "2_file2: newer" in done["stderr"] and "use the newer program" in done["stderr"]


@pytest.mark.parametrize("url", ["postgresql://u:hunter2/3@127.0.0.1:5432/x", "postgresql://u:hunter2@[127/x", "postgresql://u:p@host:hunter2/x",
                                 "host=127.0.0.1 password='hunter2", "postgresql://u:hunter2@127.0.0.1/x?nonsense=1"])
def test_a_url_that_cannot_be_read_is_not_repeated(url):
    done = run("up", DATABASE_URL=url)
    assert done.returncode == 2 and "bad_url" in done.stderr and "%XX" in done.stderr
    assert "hunter" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", [["up"], ["plan"], ["status"], ["verify"], ["down", "--to", "0"], ["baseline", "--to", "1"], ["repair"]])
def test_a_server_that_is_too_old_is_refused(empty, folder, command):
    folder.add(1, "CREATE TABLE a (id int);")
    proxy = Proxy(empty.url)
    try:
        proxy.version = "14.11 (Debian 14.11-1)"
        done = migrate(empty, folder, *command, expect=5, DATABASE_URL=proxy.url)
        assert done["error"]["code"] == "old_server"
        assert "the server is Postgres 14; the migrations need 15 or newer" in done["stderr"]
        assert not any("CREATE" in text or "tradewire" in text for text in proxy.statements), "nothing was done"
        assert history(empty) == []
        proxy.version = "18.0"
        migrate(empty, folder, "status", DATABASE_URL=proxy.url)
    finally:
        proxy.close()


# --- G18: secrets ------------------------------------------------------------------------------------------------------


def test_the_password_may_come_from_elsewhere(empty, folder, tmp_path):
    folder.add(1, "SELECT 1;")
    where = ["--dir", str(folder)]
    parts = urlsplit(empty.url)
    bare, password = with_login(empty.url), unquote(parts.password)
    assert run("up", *where, DATABASE_URL=bare, HOME="/nonexistent").returncode == 5
    assert run("up", *where, DATABASE_URL=bare, PGPASSWORD=password).returncode == 0
    passfile = tmp_path / "pass"
    passfile.write_text(f"{parts.hostname}:{parts.port}:*:{parts.username}:{password}\n")
    passfile.chmod(0o600)
    assert run("up", *where, DATABASE_URL=bare, PGPASSFILE=str(passfile)).returncode == 0
    assert run("up", *where, DATABASE_URL=f"{bare}?passfile={quote(str(passfile), safe='')}").returncode == 0
    url = tmp_path / "url"
    url.write_text(empty.url + "\n")
    assert run("up", *where, DATABASE_URL_FILE=str(url)).returncode == 0
    assert run("up", *where, DATABASE_URL="postgresql://x@127.0.0.1:1/x", MIGRATE_DATABASE_URL_FILE=str(url)).returncode == 0
    assert run("up", *where, DATABASE_URL=empty.url, MIGRATE_DATABASE_URL="postgresql://x@127.0.0.1:1/x").returncode == 5


def test_the_password_shows_nowhere(empty, folder):
    """Neither in what is printed, good or bad, nor in the process list, nor on the server."""
    password = "p-" + secrets.token_hex(8)
    admin, name = empty.session(), "tw_test_" + secrets.token_hex(4)
    admin.rows(f"CREATE ROLE {name} SUPERUSER LOGIN PASSWORD '{password}'")
    url = with_login(empty.url, user=name, password=password)
    try:
        folder.add(1, "CREATE TABLE a (id int); SELECT pg_sleep(0.3);").add(2, "SELECT nonsense;")
        running = subprocess.Popen([str(PROGRAM), "up", "--json", "--dir", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env={"PATH": os.environ["PATH"], "DATABASE_URL": url})
        seen = until(lambda: admin.rows("SELECT to_jsonb(a)::text AS row, application_name, query FROM pg_stat_activity a WHERE usename = %s"
                                        " AND wait_event = 'PgSleep'", name), what="the file")
        arguments = Path(f"/proc/{running.pid}/cmdline").read_bytes().decode()
        out, err = running.communicate(timeout=30)
        assert running.returncode == 1
        run_id = json.loads(out)["run_id"]
        assert re.fullmatch(rf"migrate/[0-9.]+/{run_id}", seen[0]["application_name"])
        shown = [out, err, arguments, *(row["row"] for row in seen)]
        shown += [run(*command, DATABASE_URL=url).stdout for command in (["--help"], ["up", "--check-config"], ["status"], ["verify"])]
        shown += [run("status", DATABASE_URL=with_login(url, user=name, password=password, port=1)).stderr]
        assert not any(password in text for text in shown)
    finally:
        admin.rows(f"DROP OWNED BY {name} CASCADE")
        admin.rows(f"DROP ROLE {name}")
