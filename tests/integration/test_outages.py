"""Kafka or Postgres away under load, programs killed: everything drains by itself, nothing is lost or doubled.

Method: loadgen in the background; the outage lasts 20 s of real time because sessions, leases and time-outs do.
Then the one checker over the load ledger, Postgres and the terminals' ledgers.
"""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tradewire_stack import servers
from tradewire_stack.program import die_with_parent
from tradewire_test.scenario import until

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fault"))
from checker import check_files  # noqa: E402

OUTAGE_S = 20
RATE, SECONDS_MAX = 50, 600  # the load goes on until the test ends it
CLOSES_PERCENT = 20


@pytest.fixture
def load(scenario, tmp_path):
    """loadgen at a steady rate over all strategies, entries and closes; yields its process and ledger."""
    stack = scenario.stack
    seed = random.randrange(1, 10**9)
    print("seed of the load", seed)
    secrets = tmp_path / "secrets"
    secrets.write_text("".join(s.secret + "\n" for s in stack.strategies[:3]))
    ledger = tmp_path / "load.jsonl"
    process = subprocess.Popen(
        [str(stack.bin / "loadgen"), "--url", stack.public_url(), "--secrets", str(secrets), "--rate", str(RATE),
         "--seconds", str(SECONDS_MAX), "--closes", str(CLOSES_PERCENT), "--seed", str(seed), "--ledger", str(ledger)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
    yield process, ledger
    if process.poll() is None:
        process.kill()
        process.wait()


def statuses(ledger):
    return [json.loads(line)["http_status"] for line in open(ledger) if line.endswith("\n")] if ledger.exists() else []


def assert_settled_and_consistent(scenario, process, ledger):
    """Called when everything is back: the load goes on for two seconds' worth of answers, then all must settle."""
    enough = statuses(ledger).count(202) + 2 * RATE
    until(lambda: statuses(ledger).count(202) >= enough, 120, "the load gets answers again")
    process.terminate()  # what is in flight has no line in its ledger, and is a signal like any other
    process.wait(30)
    until(lambda: scenario.sql("SELECT count(*) FROM tv_signals WHERE status = 'pending'") == [(0,)], 200, "all settled")
    violations, seen = check_files(scenario.stack.admin_url, [ledger], scenario.stack.ledgers())
    assert not violations
    assert seen["answers"] >= enough
    assert scenario.sql("SELECT count(*) > 0 FROM jobs WHERE job_type = 'close_position' AND status = 'completed' "
                        "AND created_at > now() - interval '10 minutes'") == [(True,)], "closes had something to close"


def test_twenty_seconds_without_kafka(scenario, load):
    process, ledger = load
    until(lambda: statuses(ledger).count(202) > RATE, 30, "load is running")
    servers.KAFKA.kill()
    until(lambda: scenario.alert(scenario.stack.strategies[0]).status == 503, 30, "503 while nothing is durable")
    time.sleep(OUTAGE_S)
    servers.KAFKA.start()
    until(lambda: scenario.alert(scenario.stack.strategies[0]).status == 202, 60, "202 again")
    assert_settled_and_consistent(scenario, process, ledger)


def test_twenty_seconds_without_postgres(scenario, load):
    process, ledger = load
    # One that is known, and whose entry no close of the load may overtake.
    unloaded = scenario.stack.add_strategy(scenario.stack.accounts[0], "unloaded", max_age_s=120)
    assert scenario.alert(unloaded).status == 202
    until(lambda: statuses(ledger).count(202) > RATE, 30, "load is running")
    servers.POSTGRES.kill()
    away = time.monotonic() + OUTAGE_S
    while time.monotonic() < away:
        assert scenario.alert(scenario.stack.strategies[0]).status == 202, "known secrets are taken without Postgres"
        time.sleep(0.5)
    assert scenario.post("/webhook/tradingview/" + "1" * 64, "{}").status == 503, "an unknown secret can't be judged"
    servers.POSTGRES.start()
    row = scenario.ended(scenario.alert(unloaded).json["signal_id"])
    assert row["status"] == "executed"
    assert_settled_and_consistent(scenario, process, ledger)


@pytest.mark.parametrize("name", ["ingester", "dispatcher", "gateway"])
def test_a_program_killed_under_load(scenario, load, name):
    process, ledger = load
    program = getattr(scenario.stack, name)
    until(lambda: statuses(ledger).count(202) > RATE, 30, "load is running")
    program.kill()
    program.start()
    program.wait_ready(60)
    assert_settled_and_consistent(scenario, process, ledger)


@pytest.mark.parametrize("name", ["ingester", "dispatcher", "gateway"])
def test_sigterm_under_load_drains_and_exits_0(scenario, load, name):
    process, ledger = load
    program = getattr(scenario.stack, name)
    until(lambda: statuses(ledger).count(202) > RATE, 30, "load is running")
    assert program.terminate(10) == 0, program.log_tail()
    program.start()
    program.wait_ready(60)
    assert_settled_and_consistent(scenario, process, ledger)
