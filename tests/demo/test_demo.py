"""deploy/local/demo, as a newcomer runs it: its table, its judgement, what --keep prints, and that it leaves nothing.

Method: the script itself, with a state folder of its own. Whether something was left is read from /proc: whatever the demo
starts has that folder in its arguments, its environment or its open files.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tradewire_test.scenario import until
from tradewire_test.terminal import as_typed

CHECKOUT = Path(__file__).resolve().parents[2]
DEMO = CHECKOUT / "deploy/local/demo"
BIN = CHECKOUT / "build/release/bin"
# "trend      EURUSD  buy  …  1.08412  100003  agrees": strategy, symbol, action, legs and total, fill, ticket, judgement
ROW = re.compile(r"^(\w+) +([A-Z]{6}) +(buy|sell|close)(?: +[\d.-]+){8} +([\d.]+) +(\d+)  (.+)$", re.M)
SECONDS = 1800  # the first one on a machine installs and builds


@pytest.fixture
def state():
    folder = Path(os.environ["TRADEWIRE_STATE"] + "-demo")
    yield folder
    subprocess.run([DEMO, "--stop"], env=environment(folder), stdout=subprocess.DEVNULL, timeout=120)
    shutil.rmtree(folder, ignore_errors=True)


def environment(state):
    return {**os.environ, "TRADEWIRE_STATE": str(state)}


def left_running(state):
    """The processes that belong to this state folder: [(pid, arguments)]."""
    mark, found = f"{state}/".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes()
            known = arguments + (folder / "environ").read_bytes()
            files = [os.readlink(file) for file in (folder / "fd").iterdir()]
        except OSError:
            continue  # it ended meanwhile, or is somebody else's
        if mark in known or any(file.startswith(f"{state}/") for file in files):
            found.append((int(folder.name), arguments.replace(b"\0", b" ").decode(errors="replace")))
    return found


def run(state, *arguments):
    done = subprocess.run([DEMO, *arguments], env=environment(state), text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=SECONDS)
    print(done.stdout)
    return done


def test_it_ends_well_with_every_signal_in_its_table(state):
    done = run(state)
    assert done.returncode == 0
    rows = ROW.findall(done.stdout)
    assert len(rows) >= 20 and {row[0] for row in rows} == {"trend", "revert"} and {row[5] for row in rows} == {"agrees"}
    assert len({(row[0], row[4]) for row in rows}) == len(rows), "a ticket of its own for each"
    assert "every program drained and exited 0" in done.stdout
    assert len(list((state / "demo/accounts").iterdir())) == 2, "two agents"
    assert left_running(state) == []


ALTERED = """
import sys
from tradewire_stack import demo
from tradewire_stack.stack import Stack

ctl, changes = Stack.ctl, [lambda step: step.update(price=float(step["price"]) + 0.5),
                           lambda step: step.update(ticket=int(step["ticket"]) + 1000000)]

def altered(stack, *words):
    answer = ctl(stack, *words)
    if words[:2] == ("job", "show") and changes:
        changes.pop(0)(answer["output_data"]["steps"][0])
    return answer

Stack.ctl = altered
sys.exit(demo.main())
"""


def test_a_row_that_differs_from_the_ledger_is_told_and_ends_it_with_1(state):
    """Postgres says something else than the terminal: of the table's first two rows what it says is altered on its way."""
    done = subprocess.run([sys.executable, "-c", ALTERED, BIN], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=SECONDS, env={**environment(state), "PYTHONPATH": str(DEMO.parent)})
    print(done.stdout)
    assert done.returncode == 1
    judgements = [row[5] for row in ROW.findall(done.stdout)]
    assert all("the ledger has" in judgement for judgement in judgements[:2]) and set(judgements[2:]) == {"agrees"}
    assert "NOT all in agreement" in done.stdout
    assert left_running(state) == []


@pytest.mark.parametrize("number, moment, code", [
    (signal.SIGINT, "starting Postgres and Kafka", 130),
    (signal.SIGHUP, "making the topics", 129),
    (signal.SIGTERM, "== signals", 143),
], ids=["INT", "HUP", "TERM"])
def test_interrupted_it_leaves_nothing_running(state, number, moment, code):
    """INT and HUP reach every process of the terminal's session, TERM the demo alone."""
    demo = subprocess.Popen([DEMO], env=environment(state), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            start_new_session=True, preexec_fn=as_typed)
    try:
        for line in demo.stdout:
            print(line, end="")
            if moment in line:
                break
        else:
            pytest.fail(f"it never said {moment!r}")
        if number == signal.SIGTERM:
            demo.send_signal(number)
        else:
            os.killpg(demo.pid, number)
        print(demo.stdout.read())
        assert demo.wait(120) == code
    finally:
        demo.stdout.close()
        demo.kill()
        demo.wait()
    until(lambda: left_running(state) == [], 60, f"nothing is left: {left_running(state)}")


def test_what_keep_prints_works_and_stop_ends_it(state):
    done = run(state, "--keep")
    assert done.returncode == 0
    commands = done.stdout[done.stdout.index("left running"):]
    send = re.search(r"curl(?:.*\\\n)*.*", commands)[0]
    show = re.search(r"DATABASE_URL_FILE=(?:.*\\\n)*.*", commands)[0]
    password = (state / "role_password").read_text()
    assert password not in done.stdout
    assert password in Path(show.split("=", 1)[1].split()[0]).read_text()

    def shown(command):
        return subprocess.run(["bash", "-c", command], cwd=CHECKOUT, env={"PATH": os.environ["PATH"]}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60).stdout

    assert "executed" in shown(show), "the demo's last signal"
    answer = shown(send)
    assert "202 Accepted" in answer
    own = re.sub(r"\S+$", re.search(r'"signal_id": ?"([^"]+)"', answer)[1], show)
    until(lambda: "executed" in shown(own), 30, "the alert that was sent by hand")

    assert run(state, "--stop").returncode == 0
    until(lambda: left_running(state) == [], 60, f"nothing is left: {left_running(state)}")
