"""What the dispatcher refuses: a 202 at the door, then a row with a code, and no order.

Method: one alert per reason; also strategies and users that go away between the 202 and the dispatcher's look.
"""

import re
import subprocess
import time
from datetime import datetime, timedelta, timezone

import pytest

from tradewire_stack.stack import ToolFailed
from tradewire_test.scenario import until


@pytest.mark.parametrize("members, code", [
    ({"volume": 0}, "volume_below_min"),
    ({"volume": "-1"}, "volume_below_min"),
    ({"volume": 100000000}, "volume_above_max"),
    ({"volume": "1e30"}, "volume_above_max"),
    ({"volume": None}, "bad_number"),
    ({"timenow": "2026-01-30T12:00:00Z"}, "stale"),
])
def test_a_usable_alert_that_may_not_be_carried_out(scenario, members, code):
    strategy = scenario.stack.strategies[0]
    before = len(scenario.orders(strategy.account))
    answer = scenario.alert(strategy, **members)
    assert answer.status == 202, answer
    row = scenario.ended(answer.json["signal_id"])
    assert row["status"] == "discarded" and row["error"].startswith(code + ": "), row
    assert len(scenario.orders(strategy.account)) == before


def test_symbols_outside_the_strategys_list(scenario):
    account = scenario.stack.accounts[0]
    made = scenario.stack.ctl("strategy", "add", "--user", account.user_id, "--name", "listed", "--pairs", "EURUSD",
                              "--broker", account.broker_connection_id)
    path = f"/webhook/tradingview/{made['webhook_secret']}"
    allowed = scenario.post(path, {"symbol": "OANDA:EUR/USD", "action": "buy", "volume": 0.01})
    refused = scenario.post(path, {"symbol": "USDJPY", "action": "buy", "volume": 0.01})
    assert scenario.ended(allowed.json["signal_id"])["status"] == "executed"
    assert scenario.ended(refused.json["signal_id"])["error"].startswith("symbol_not_allowed: ")


def test_entries_over_the_strategys_rate_and_its_closes(scenario):
    strategy = scenario.stack.add_strategy(scenario.stack.accounts[0], "limited", rate_per_min=2)
    answers = [scenario.alert(strategy) for _ in range(4)] + [scenario.alert(strategy, action="close")]
    assert {answer.status for answer in answers} == {202}
    rows = [scenario.ended(answer.json["signal_id"]) for answer in answers]
    assert sorted(row["status"] for row in rows[:4]) == ["discarded", "discarded", "executed", "executed"]
    assert {row["error"].split(":")[0] for row in rows[:4] if row["error"]} == {"rate_limited"}
    assert not (rows[4]["error"] or "").startswith("rate_limited")


def test_a_burst_of_its_own(scenario):
    strategy = scenario.stack.add_strategy(scenario.stack.accounts[0], "in bursts", rate_per_min=1, burst=3)
    answers = [scenario.alert(strategy) for _ in range(5)]
    rows = [scenario.ended(answer.json["signal_id"]) for answer in answers]
    assert [row["status"] for row in rows] == ["executed"] * 3 + ["discarded"] * 2
    assert {row["error"].split(":")[0] for row in rows[3:]} == {"rate_limited"}
    with pytest.raises(ToolFailed, match="bad_settings: burst"):
        scenario.stack.add_strategy(scenario.stack.accounts[0], "no rate", burst=3)


def test_a_backlog_is_judged_by_when_it_was_received(scenario, paused_dispatcher):
    """What waited while the dispatcher was away came in at its rate, and is not a burst."""
    strategy = scenario.stack.add_strategy(scenario.stack.accounts[0], "backlog", rate_per_min=60, burst=1, max_age_s=120)
    signals = []
    for _ in range(4):
        answer = scenario.alert(strategy)
        received = time.monotonic()
        signals.append(answer.json["signal_id"])
        until(lambda: time.monotonic() > received + 1, what="a second has passed: the rate is told by the clock")
    paused_dispatcher.start()
    assert {scenario.ended(signal)["status"] for signal in signals} == {"executed"}


def test_a_disabled_strategy(scenario):
    strategy = scenario.stack.add_strategy(scenario.stack.accounts[0], "switched off")
    scenario.sql("UPDATE tv_strategies SET is_enabled = false WHERE id = %s", strategy.strategy_id)
    row = scenario.ended(scenario.alert(strategy).json["signal_id"])
    assert row["status"] == "discarded" and row["error"].startswith("strategy_disabled: ")


@pytest.fixture
def paused_dispatcher(scenario):
    """Between the 202 and the dispatcher there is time for a person to change things."""
    scenario.stack.dispatcher.terminate()
    yield scenario.stack.dispatcher
    if not scenario.stack.dispatcher.is_running():
        scenario.stack.dispatcher.start()
    scenario.stack.dispatcher.wait_ready(60)


def test_a_strategy_deleted_after_the_202_leaves_a_row(scenario, paused_dispatcher):
    strategy = scenario.stack.add_strategy(scenario.stack.accounts[0], "short-lived")
    answer = scenario.alert(strategy)
    assert answer.status == 202
    scenario.sql("DELETE FROM tv_strategies WHERE id = %s", strategy.strategy_id)
    paused_dispatcher.start()
    row = scenario.ended(answer.json["signal_id"])
    assert row["status"] == "discarded" and row["error"].startswith("strategy_deleted: ")


def test_a_user_deleted_after_the_202_goes_to_the_dead_letters(scenario, paused_dispatcher):
    stack = scenario.stack
    user = stack.add_user(f"gone@{stack.name}")
    made = stack.ctl("strategy", "add", "--user", user, "--name", "gone")
    answer = scenario.post(f"/webhook/tradingview/{made['webhook_secret']}",
                           {"symbol": "EURUSD", "action": "buy", "volume": 0.01})
    assert answer.status == 202
    scenario.sql("DELETE FROM auth.users WHERE id = %s", user)
    neighbour = scenario.alert(stack.strategies[1])
    paused_dispatcher.start()
    assert scenario.ended(neighbour.json["signal_id"])["status"] == "executed"
    assert until(lambda: ("user_deleted", user) in dead_letters(stack, "signals.v1"), 30, "the dead letter")


def dead_letters(stack, topic):
    """(reason, key) of every dead letter of the topic."""
    lines = subprocess.run(
        ["kcat", "-b", stack.kafka_brokers, "-C", "-t", f"{stack.topic_prefix}{topic}.dlq", "-o", "beginning", "-e",
         "-q", "-f", "%k\t%h\n"], capture_output=True, text=True, errors="replace", timeout=60).stdout.splitlines()
    letters = [line.split("\t", 1) for line in lines]
    return [(re.search(r"dlq\.reason=(\w+)", headers)[1], key) for key, headers in letters]


def test_an_alerts_age_is_counted_from_its_own_time(scenario):
    strategy = scenario.stack.strategies[0]  # max_age_s = 120
    fresh = (datetime.now(timezone.utc) - timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
    old = (datetime.now(timezone.utc) - timedelta(seconds=180)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert scenario.ended(scenario.alert(strategy, timenow=fresh).json["signal_id"])["status"] == "executed"
    assert scenario.ended(scenario.alert(strategy, timenow=old).json["signal_id"])["error"].startswith("stale: ")
