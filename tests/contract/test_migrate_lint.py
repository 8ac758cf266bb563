"""`migrate lint` as people call it. What each rule finds: tests/unit/migrate/test_lint.c."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tradewire_test.migrations import MIGRATIONS, Folder, check_document

PROGRAM = Path(os.environ["TRADEWIRE_BIN"]) / "migrate"
VERIFY = "SELECT 'a' AS object, 'b' AS expected, 'b' AS found;\n"
DROP = "SELECT 'ä';\n\n  ALTER TABLE t DROP COLUMN a;\n"


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "files").add(1, "SELECT 1;\n", "", verify=VERIFY)


def lint(*arguments, cwd=None):
    """Without any setting: it connects to nothing."""
    return subprocess.run([str(PROGRAM), "lint", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, cwd=cwd, env={"PATH": os.environ["PATH"]}, timeout=60)


def findings(*arguments, expect=6):
    done = lint("--json", *arguments)
    assert done.returncode == expect, (done.returncode, done.stdout, done.stderr)
    document = json.loads(done.stdout)
    check_document(document)
    assert document["error"] is None
    return [(found["rule"], found["file"], found["line"], found["column"]) for found in document["findings"]]


def test_no_file_of_this_checkout_breaks_a_rule():
    """Whatever is meant all the same says so, with its reason, beside the statement."""
    done = lint("--dir", MIGRATIONS)
    assert done.returncode == 0, done.stdout
    assert done.stdout == "0 findings\n"


def test_the_programs_own_files_are_those_of_the_folder():
    assert lint("--json").stdout.split('"findings"')[1] == lint("--json", "--dir", MIGRATIONS).stdout.split('"findings"')[1]


def test_nothing_to_find(folder):
    done = lint("--dir", folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0 findings\n", "")
    assert findings("--dir", folder, expect=0) == []


def test_a_finding_has_its_place_and_the_safe_way(folder):
    folder.add(2, DROP, "", verify=VERIFY)
    done = lint("--dir", folder)
    assert done.returncode == 6 and done.stderr == ""
    first, second, count, _ = done.stdout.split("\n")
    assert first == "2_file2.sql:3:22: ban-drop-column: a of t is dropped"
    assert second.startswith("  ") and "migrate:contract" in second and count == "1 finding"
    assert findings("--dir", folder) == [("ban-drop-column", "2_file2.sql", 3, 22)]


def test_what_is_meant_is_said_with_a_reason(folder):
    folder.add(2, DROP.replace("  ALTER", "-- migrate:ignore ban-drop-column nobody has used it since 2019\n  ALTER"), "", verify=VERIFY)
    assert findings("--dir", folder, expect=0) == []
    folder.add(2, DROP.replace("  ALTER", "-- migrate:ignore ban-drop-column\n  ALTER"), "", verify=VERIFY)
    assert [rule for rule, *_ in findings("--dir", folder)] == ["bad-ignore", "ban-drop-column"]
    folder.add(2, "-- migrate:ignore ban-drop-column nobody has used it since 2019\nSELECT 1;", "", verify=VERIFY)
    assert [rule for rule, *_ in findings("--dir", folder)] == ["unused-ignore"]


def test_all_three_kinds_and_what_is_missing(folder):
    folder.add(2, "SELECT 1;", "COMMIT;", verify="SELECT 1;").add(3, "SELECT 1;", None)
    (folder.path / "down" / "4_gone.sql").write_text("SELECT 1;")
    assert findings("--dir", folder) == [
        ("transaction-nesting", "down/2_file2.sql", 1, 1), ("verify-shape", "verify/2_file2.sql", 1, 1),
        ("missing-down", "3_file3.sql", 1, 1), ("missing-verify", "3_file3.sql", 1, 1), ("orphan-file", "down/4_gone.sql", 1, 1)]


def test_named_files_alone_are_reported(folder):
    folder.add(2, DROP, "COMMIT;", verify=VERIFY).add(3, "TRUNCATE t CASCADE;", "", verify=VERIFY)
    assert [file for _, file, *_ in findings(folder.path / "3_file3.sql")] == ["3_file3.sql"]
    assert [file for _, file, *_ in findings(folder.path / "down" / "2_file2.sql", folder.path / "3_file3.sql")] == \
        ["down/2_file2.sql", "3_file3.sql"]
    assert findings(folder.path / "1_file1.sql", expect=0) == []
    done = lint("3_file3.sql", "down/2_file2.sql", cwd=folder.path)
    assert done.returncode == 6 and done.stdout.endswith("\n2 findings\n")


def test_named_files_know_the_files_before_them(folder):
    folder.add(2, "ALTER DEFAULT PRIVILEGES FOR ROLE o REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;", "", verify=VERIFY)
    folder.add(3, "SET ROLE o; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; COMMENT ON FUNCTION f() IS 'x';", "", verify=VERIFY)
    assert findings(folder.path / "3_file3.sql", expect=0) == []


@pytest.mark.parametrize("path, code", [("9_gone.sql", "no_such_file"), ("down/9_gone.sql", "no_such_file"), ("gone/1_a.sql", "unreadable")])
def test_a_file_that_is_not_there(folder, path, code):
    done = lint("--json", folder.path / path)
    assert done.returncode == 2
    document = json.loads(done.stdout)
    check_document(document)
    assert document["error"]["code"] == code


def test_a_bad_name_is_an_integrity_fault(folder):
    (folder.path / "x.sql").write_text("SELECT 1;")
    done = lint("--json", "--dir", folder)
    assert done.returncode == 3 and json.loads(done.stdout)["error"]["code"] == "bad_file_name"


def test_the_page_has_every_rule_that_the_folder_takes_back():
    page = (MIGRATIONS.parent / "docs/migrate-lint.md").read_text()
    for path in MIGRATIONS.glob("**/*.sql"):
        for line in path.read_text().split("\n"):
            if line.strip().startswith("-- migrate:ignore "):
                assert all(f"| `{rule}` |" in page for rule in line.split()[2].split(",")), (path.name, line)
