"""What tradewirectl says when it fails: one line "code: text" on stderr, and docs/codes.md has the code."""

import json
import os
import re
import subprocess
import uuid
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

BIN = Path(os.environ["TRADEWIRE_BIN"])
KNOWN = set(re.findall(r"^\| `([a-z_]+)`", (Path(__file__).resolve().parents[2] / "docs/codes.md").read_text(), re.M))
NOBODY = str(uuid.uuid4())
DEAD = "127.0.0.1:1"  # nobody listens there


def ctl(*arguments, **environment):
    return subprocess.run([str(BIN / "tradewirectl"), *arguments], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.environ["PATH"], **environment})


def refused(done, exit_code, code, usage=False):
    lines = done.stderr.splitlines()
    assert (done.returncode, done.stdout, len(lines)) == (exit_code, "", 2 if usage else 1), done
    assert re.fullmatch(rf"{code}: .+", lines[0]) and code in KNOWN, done.stderr
    return lines[0]


@pytest.mark.parametrize("arguments, code", [
    (("signal", "show", NOBODY), "unknown_signal"),
    (("job", "show", NOBODY), "unknown_job"),
    (("job", "resolve", NOBODY, "--outcome", "not_executed", "--reason", "test"), "unknown_job"),
    (("signal", "show", "no-uuid"), "bad_argument"),
    (("job", "show", "no-uuid"), "bad_argument"),
    (("job", "resolve", NOBODY, "--outcome", "not_executed", "--reason", "test", "--price", "dear"), "bad_argument"),
    (("user", "add", "--email", "no address"), "bad_argument"),
    (("agent", "pair", "--user", NOBODY, "--name", "n"), "unknown_user"),
    (("agent", "rotate", NOBODY), "unknown_agent"),
    (("broker", "add", "--user", NOBODY, "--agent", NOBODY, "--name", "n"), "unknown_user"),
    (("strategy", "add", "--user", NOBODY, "--name", "n"), "unknown_user"),
    (("strategy", "add", "--user", NOBODY, "--name", "n", "--risk", "much"), "bad_argument"),
    (("strategy", "add", "--user", NOBODY, "--name", "n", "--set", "nothing"), "bad_argument"),
    (("signal", "list", "--limit", "0"), "bad_argument"),
    (("user", "token", "--user", "no-uuid"), "bad_argument"),
    (("user", "token", "--user", NOBODY, "--ttl", "0"), "bad_argument"),
])
def test_what_is_refused(database, arguments, code):
    refused(ctl(*arguments, DATABASE_URL=database.url), 1, code)


def test_a_setting_of_a_strategy(database, programs):
    user = programs.operator.value("SELECT user_add(%s)", f"{uuid.uuid4()}@test.example")
    done = ctl("strategy", "add", "--user", str(user), "--name", "n", "--set", "max_age_s=0", DATABASE_URL=database.url)
    assert "max_age_s" in refused(done, 1, "bad_settings")


@pytest.mark.parametrize("arguments", [("signal", "explain"), ("signal", "show"), ("status", "--loud"), ("signal", "show", "a", "b")])
def test_usage(arguments):
    done = ctl(*arguments)
    refused(done, 64, "bad_argument", usage="usage:" in done.stderr)


def test_configuration():
    refused(ctl("status"), 78, "bad_config")
    refused(ctl("status", DATABASE_URL="nonsense://"), 78, "bad_config")
    refused(ctl("topics", "apply"), 78, "bad_config")
    refused(ctl("topics", "apply", KAFKA_BROKERS=DEAD, KAFKA_OPTIONS="no.such.option=1"), 78, "bad_config")
    refused(ctl("user", "token", "--user", NOBODY, JWT_SECRET="short"), 78, "bad_config")


def test_postgres_is_away_or_refuses(database, empty):
    refused(ctl("status", DATABASE_URL=f"postgresql://u@{DEAD}/none"), 69, "database_unreachable")
    url = urlsplit(database.url)
    refused(ctl("status", DATABASE_URL=urlunsplit(url._replace(path="/no_such_database"))), 1, "database_refused")
    host = url.netloc.rsplit("@", 1)[1]
    line = refused(ctl("status", DATABASE_URL=urlunsplit(url._replace(netloc=f"nobody:hunter2@{host}"))), 1, "database_refused")
    assert "hunter2" not in line
    refused(ctl("status", DATABASE_URL=empty.url), 1, "schema_mismatch")


def test_kafka_is_away():
    refused(ctl("topics", "apply", KAFKA_BROKERS=DEAD), 69, "kafka_unreachable")


def test_a_good_answer_is_on_stdout_alone(database):
    done = ctl("status", "--json", DATABASE_URL=database.url)
    assert (done.returncode, done.stderr) == (0, "") and "jobs_pending" in json.loads(done.stdout)
