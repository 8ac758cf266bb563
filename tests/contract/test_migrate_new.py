"""`migrate new`: three files that the other commands take."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tradewire_test.migrations import Folder, check_document

PROGRAM = Path(os.environ["TRADEWIRE_BIN"]) / "migrate"


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "migrations").add(1, "SELECT 1;")


def run(*arguments, cwd=None):
    return subprocess.run([str(PROGRAM), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, cwd=cwd, env={"PATH": os.environ["PATH"], "TZ": "Asia/Tokyo"}, timeout=60)


def new(*arguments, expect=0):
    done = run("new", "--json", *arguments)
    assert done.returncode == expect, (done.returncode, done.stdout, done.stderr)
    document = json.loads(done.stdout)
    check_document(document)
    return document


def test_the_files_have_the_time_in_utc(folder):
    begin = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    paths = [Path(path) for path in new("add_limits", "--dir", folder)["files"]]
    end = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    assert [path.parent for path in paths] == [folder.path, folder.path / "down", folder.path / "verify"]
    assert len({path.name for path in paths}) == 1 and begin <= paths[0].name[:14] <= end
    assert paths[0].name[14:] == "_add_limits.sql" and all(path.is_file() for path in paths)
    assert not any(re.search("TODO|FIXME|XXX", path.read_text()) for path in paths)


def test_each_is_later_than_the_newest(folder):
    folder.add(29991231235959, "SELECT 1;")
    names = [Path(new(name, "--dir", folder)["files"][0]).name for name in ("one", "two")]
    assert names == ["30000101000000_one.sql", "30000101000001_two.sql"]


def test_the_default_folder(folder):
    done = run("new", "two", cwd=folder.path.parent)
    assert done.returncode == 0, done.stderr
    printed = done.stdout.split("\n")
    assert [re.sub(r"\d{14}", "N", line) for line in printed] == \
        ["migrations/N_two.sql", "migrations/down/N_two.sql", "migrations/verify/N_two.sql", ""]
    assert all((folder.path.parent / path).is_file() for path in printed[:3])


@pytest.mark.parametrize("option", [[], ["--no-transaction"]])
def test_what_is_made_is_taken_by_the_others(folder, option):
    """Applied, taken back and linted: only the verify file still lacks its question, and lint says so."""
    path = Path(new("empty", "--dir", folder, *option)["files"][0])
    assert ("\n-- migrate:no-transaction\n" in path.read_text()) == bool(option)
    found = json.loads(run("lint", "--json", path, folder.path / "down" / path.name, folder.path / "verify" / path.name).stdout)
    assert [finding["rule"] for finding in found["findings"]] == ["verify-shape"]


@pytest.mark.parametrize("name, code", [("Limits", "bad_name"), ("a-b", "bad_name"), ("1a", "bad_name"), ("", "bad_name"),
                                        ("x" * 200, "bad_name"), ("../a", "bad_name"), ("file1", "name_taken")])
def test_refused(folder, name, code):
    before = sorted(folder.path.glob("**/*"))
    assert new(name, "--dir", folder, expect=2)["error"]["code"] == code
    assert sorted(folder.path.glob("**/*")) == before


def test_a_folder_that_is_not_there(tmp_path):
    assert new("a", "--dir", tmp_path / "gone", expect=2)["error"]["code"] == "unreadable"
