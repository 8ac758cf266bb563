"""migrate up and status: once each, all or nothing, and every refusal with its exit code."""

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from tradewire_test.migrations import CHECKOUT, MIGRATIONS, history, migrate
from tradewire_test.scenario import until

PROGRAM = Path(os.environ["TRADEWIRE_BIN"]) / "migrate"


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


def test_the_programs_own_files_are_those_of_the_folder(empty):
    shown = migrate(empty, None, "status")
    assert [f"{m['version']}_{m['name']}.sql" for m in shown["migrations"]] == sorted(p.name for p in MIGRATIONS.glob("*.sql"))
    assert {m["state"] for m in shown["migrations"]} == {"pending"}
    assert migrate(empty, MIGRATIONS, "status")["migrations"] == shown["migrations"]


def test_down_and_verify_files_are_in_the_program_too(empty):
    """Taken back without a folder."""
    migrate(empty, None, "up")
    taken = migrate(empty, None, "down", "--to", "0", "--allow-data-loss")["taken_back"]
    assert [f"{step['version']}_{step['name']}.sql" for step in taken] == sorted((p.name for p in MIGRATIONS.glob("*.sql")), reverse=True)


def test_up_then_nothing_to_do(empty):
    assert empty.migrate("status").returncode == 0
    assert empty.migrate("status", "--exit-code").returncode == 7
    done = empty.migrate("up")
    assert done.returncode == 0 and done.stderr == ""
    assert len(re.findall(r"^applied \d+_\w+\.sql \(\d+ ms\): \w.+$", done.stdout, re.M)) == len(list(MIGRATIONS.glob("*.sql")))
    again = migrate(empty, None, "up")
    assert (again["already_applied"], again["applied"], again["error"]) == (len(history(empty)), [], None)
    assert empty.migrate("up").stdout == f"nothing to do: {len(history(empty))} migrations are applied\n"
    assert empty.migrate("status", "--exit-code").returncode == 0
    assert history(empty)[0]["applied_by"] == empty.session().value("SELECT session_user")


def test_a_failing_file_leaves_nothing_and_says_where(empty, folder):
    path = folder(good="CREATE TABLE a (id int);", bad="CREATE TABLE b (id int);\n\n-- ä;\nSELECT 'ö', nonsense;\n")
    done = empty.migrate("up", "--dir", path)
    assert done.returncode == 1
    assert ("migrate: 2_bad.sql:4:13: sql_error: column \"nonsense\" does not exist\n"
            "  SELECT 'ö', nonsense;\n              ^\n  SQLSTATE: 42703\n") in done.stderr
    assert [row["version"] for row in history(empty)] == [1]
    assert empty.session().value("SELECT to_regclass('b')") is None
    folder(good="CREATE TABLE a (id int);", bad="CREATE TABLE b (id int);")
    migrate(empty, path, "up")


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
        migrate(empty, path, "up")
        assert empty.session().value("SELECT to_regclass('public.three')") == "three"
    finally:
        empty.session().rows(f"DROP ROLE {role}")


# --- G7: what does not fit ---------------------------------------------------------------------------------------------


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def integrity(empty, path, state, title, applied=None, file=None):
    """Both commands refuse, naming file, both hashes, when and by whom; nothing is done."""
    row = next((row for row in history(empty) if row["checksum"] == applied), None)
    stamp = row and empty.session().value("SELECT to_char(%s::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')", row["applied_at"])
    before = history(empty)
    for command in ("up", "status"):
        done = migrate(empty, path, command, expect=3)
        assert done["error"]["code"] == "integrity"
        line = next(line for line in done["stderr"].splitlines() if f" {title}: {state}: " in line)
        found = next(entry for entry in done["integrity"] if entry["state"] == state)
        assert f"{found['version']}_{found['name']}" == title and found["explanation"] in line
        assert (found["applied_checksum"], found["file_checksum"]) == (applied, file)
        assert found["applied_at"] == stamp and found["applied_by"] == (row and row["applied_by"])
        assert all(text in line for text in (applied, file, stamp, row and row["applied_by"]) if text)
    assert history(empty) == before


def test_a_changed_byte(empty, folder):
    path = folder(one="SELECT 1;", two="SELECT 2;")
    migrate(empty, path, "up")
    folder(one="SELECT 1 ;", two="SELECT 2;", three="CREATE TABLE never (id int);")
    integrity(empty, path, "changed", "1_one", sha256("SELECT 1;"), sha256("SELECT 1 ;"))
    assert empty.session().value("SELECT to_regclass('never')") is None


def test_other_line_ends_are_no_change(empty, folder):
    path = folder(one="SELECT 1;\nSELECT 2;\n")
    migrate(empty, path, "up")
    assert history(empty)[0]["checksum"] == sha256("SELECT 1;\nSELECT 2;\n")
    folder(one=b"SELECT 1;\r\nSELECT 2;\r\n")
    migrate(empty, path, "up")


def test_a_renamed_a_missing_a_newer_and_an_inserted_file(empty, folder):
    path = folder(one="SELECT 1;", two="SELECT 2;", three="SELECT 3;")
    migrate(empty, path, "up")
    Path(path, "2_two.sql").rename(Path(path, "2_zwei.sql"))
    integrity(empty, path, "renamed", "2_zwei", sha256("SELECT 2;"), sha256("SELECT 2;"))
    Path(path, "2_zwei.sql").unlink()
    integrity(empty, path, "missing", "2_two", sha256("SELECT 2;"))
    folder(one="SELECT 1;", two="SELECT 2;")
    integrity(empty, path, "newer", "3_three", sha256("SELECT 3;"))
    folder(one="SELECT 1;", two="SELECT 2;", three="SELECT 3;", four="SELECT 4;", five="SELECT 5;")
    Path(path, "4_four.sql").unlink()
    migrate(empty, path, "up")
    Path(path, "4_four.sql").write_text("SELECT 4;")
    integrity(empty, path, "inserted", "4_four", None, sha256("SELECT 4;"))


def test_rows_in_another_order(empty, folder):
    """Two rows that swapped their texts, and so did the files: each fits its file, and only the chain tells."""
    path = folder(one="SELECT 1;", two="SELECT 2;", three="SELECT 3;")
    migrate(empty, path, "up")
    folder(one="SELECT 1;", two="SELECT 3;", three="SELECT 2;")
    empty.session().rows("UPDATE tradewire_migrations a SET checksum = b.checksum FROM tradewire_migrations b"
                         " WHERE a.version IN (2, 3) AND b.version = 5 - a.version")
    integrity(empty, path, "reordered", "2_two", sha256("SELECT 3;"), sha256("SELECT 3;"))


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
    migrate(empty, path, "up")


@pytest.mark.parametrize("arguments", [
    (), ("sideways",), ("up", "--what"), ("up", "--dir"), ("up", "--lock-wait", "soon"), ("up", "--exit-code"), ("up", "extra"),
    ("status", "--lock-wait", "1s"), ("up", "--dir", "/nonexistent"), ("up", "--lock-timeout", "0"), ("up", "--wait"),
    ("down",), ("down", "--to", "1", "--steps", "1"), ("down", "--steps", "0"), ("down", "--to", "x"), ("baseline",), ("baseline", "--to", "0"),
    ("baseline", "--to", "1", "--force-mismatch"), ("baseline", "--to", "1", "--reason", ""), ("new",), ("new", "a", "b"),
    ("verify", "--min-version", "0"), ("plan", "--apply"), ("repair", "--steps", "1")])
def test_usage(empty, arguments):
    done = subprocess.run([str(PROGRAM), *arguments], capture_output=True, text=True, env={"DATABASE_URL": empty.url})
    assert done.returncode == 2 and done.stderr.startswith("migrate: ")


@pytest.mark.parametrize("command", ["up", "down", "status", "verify", "plan", "baseline", "repair"])
def test_without_a_database(command):
    arguments = {"down": ["--steps", "1"], "baseline": ["--to", "1"]}.get(command, [])
    done = subprocess.run([str(PROGRAM), command, *arguments], capture_output=True, text=True, env={})
    assert done.returncode == 2 and "MIGRATE_DATABASE_URL or DATABASE_URL is required" in done.stderr


def test_dry_run_is_plan(empty, folder):
    path = folder(one="CREATE TABLE a (id int);")
    assert migrate(empty, path, "up", "--dry-run")["command"] == migrate(empty, path, "plan")["command"] == "plan"
    assert history(empty) == []


def test_help_names_every_command_and_option():
    shown = subprocess.run([str(PROGRAM), "--help"], capture_output=True, text=True, env={}).stdout
    for text in ("up", "down", "status", "verify", "plan", "baseline", "repair", "lint", "new", "--lock-wait", "--allow-data-loss", "MIGRATE_DATABASE_URL"):
        assert text in shown


def test_the_page_knows_every_command_option_setting_and_code():
    page = (CHECKOUT / "docs/migrate.md").read_text()
    shown = subprocess.run([str(PROGRAM), "--help"], capture_output=True, text=True, env={}).stdout
    named = set(re.findall(r"^  ([a-z]+) ", shown, re.M)) | set(re.findall(r"^  (--[a-z-]+)", shown, re.M)) | set(re.findall(r"[A-Z_]{4,}_URL", shown))
    source = "".join(path.read_text() for path in (CHECKOUT / "services/migrate").glob("*.c"))
    codes = set(re.findall(r'(?:fault_set|svc_fail)\([^"]*?,\s*MIGRATE_\w+,\s*"([a-z_]+)"|svc_fail\(\w+,\s*SVC_\w+,\s*"([a-z_]+)"|fault->code = "([a-z_]+)"', source))
    codes = {code for found in codes for code in found if code} - {"no_transaction"}  # our own caller's mistake
    assert len(named) > 20 and len(codes) > 25
    assert {name for name in named - {"--check-config"} if name not in page} == set()
    assert {code for code in codes if f"`{code}`" not in page} == set()


def test_a_small_container_is_enough(empty, tmp_path):
    """No root, no home, nowhere to write, under 20 MB. A sanitized program takes many times that. Its last write does not
    fit into the pipe, so that it is still there to be looked at."""
    program = tmp_path / "migrate"
    shutil.copy(PROGRAM, program)
    tmp_path.chmod(0o555)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.getuid() and len(parent.parts) > 2:
            parent.chmod(parent.stat().st_mode | 0o055)
    command = [str(program), "up", "--json"]
    if os.getuid() == 0:
        command[:0] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]
    running = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={"DATABASE_URL": empty.url, "PATH": os.environ["PATH"], "TMPDIR": "/nonexistent"})
    size = fcntl.fcntl(running.stdout, fcntl.F_SETPIPE_SZ, 4096)
    until(lambda: running.poll() is not None or waiting_bytes(running.stdout) >= size, what="the end")
    most = int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{running.pid}/status").read_text())[1]) if running.poll() is None else None
    out, err = running.communicate(timeout=30)
    assert running.returncode == 0, err
    assert len(out) > size, "else it was not looked at"
    print(f"{most / 1024:.1f} MB")
    if b"__asan_init" not in PROGRAM.read_bytes():
        assert most < 20 * 1024


def waiting_bytes(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]
