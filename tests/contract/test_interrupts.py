"""A closed session (SIGHUP) ends tests/run, tests/bench/run and the demo as an interrupt does: nothing is left running.

Method: the real scripts in a copy of the checkout whose servers and tools only write down what they are told.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tradewire_test.terminal import as_typed

CHECKOUT = Path(__file__).resolve().parents[2]
LOG = "#!/bin/sh\necho \"$(basename \"$0\") $*\" >>@STATE@/told\n"
# The shell that waits is the one to find again.
WAITS = LOG + "echo $$ >@STATE@/waits\nwhile :; do sleep 0.1; done\n"
STATE = LOG + "echo TRADEWIRE_STATE=$TRADEWIRE_STATE\necho KAFKA_BROKERS=x\necho ADMIN_DATABASE_URL=postgresql://u:p@h/postgres\n"


@pytest.fixture
def copy(tmp_path):
    """The scripts, with `tool(path, text)` to put something in another's place."""

    def tool(path, text=LOG):
        made = tmp_path / path
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(text.replace("@STATE@", str(tmp_path / "state")))
        made.chmod(0o755)

    for path in ("tests/run", "tests/bench/run"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / path, tmp_path / path)
    shutil.copytree(CHECKOUT / "deploy/local/tradewire_stack", tmp_path / "deploy/local/tradewire_stack")
    for name in ("kafka", "postgres"):
        tool(f"deploy/local/{name}")
    tool("deploy/local/state", STATE)
    tool.folder = tmp_path
    return tool


def until(condition, what):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def is_there(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except FileNotFoundError:
        return False


def hang_up(folder, *command, group=False):
    """Start it, hang up while it waits, with nobody to read what it says; its exit code and what was told to whom."""
    state = folder / "state"
    state.mkdir()
    waits = state / "waits"
    environment = {"PATH": os.environ["PATH"], "TRADEWIRE_STATE": str(state), "PYTHONPATH": str(folder / "deploy/local"),
                   "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True, preexec_fn=as_typed)
    try:
        until(lambda: waits.exists() and waits.read_text().strip(), "it waits")
        process.stdout.close()
        (os.killpg if group else os.kill)(process.pid, signal.SIGHUP)
        exit_code = process.wait(30)
        until(lambda: not is_there(int(waits.read_text())), "what it waited for has ended")
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        if waits.exists() and is_there(int(waits.read_text())):
            os.kill(int(waits.read_text()), signal.SIGKILL)
    return exit_code, (state / "told").read_text().splitlines()


def test_the_tests(copy):
    copy("deploy/local/install", WAITS)
    exit_code, told = hang_up(copy.folder, "tests/run")
    assert exit_code == 129 and told[-2:] == ["kafka stop", "postgres stop"]


def test_the_bench(copy):
    copy("deploy/local/install", WAITS)
    exit_code, told = hang_up(copy.folder, "tests/bench/run", group=True)
    assert exit_code in (129, 141) and told[-2:] == ["kafka stop", "postgres stop"]


def test_the_demo_while_it_makes_the_topics(copy):
    copy("bin/migrate")
    copy("bin/tradewirectl", WAITS)
    exit_code, told = hang_up(copy.folder, "/usr/bin/python3", "-m", "tradewire_stack.demo", "bin", group=True)
    assert "kafka start" in told and told[-2:] == ["kafka stop", "postgres stop"]
    assert exit_code != 0
