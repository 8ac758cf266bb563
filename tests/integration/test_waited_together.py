"""Entry and close that waited together: a close closes what its strategy opened before it, whatever the clocks say.

Method: the dispatcher is stopped (SIGSTOP) or away while alerts are posted, so that all are planned at once, later than
the last of them came. The simulator's ledger tells the order in which they were carried out.
"""

import os
import signal
from datetime import datetime

import pytest


@pytest.fixture(params=["stopped", "away"])
def waiting(scenario, request):
    """While it lasts alerts wait; call it to let them go."""
    dispatcher = scenario.stack.dispatcher

    def go_on():
        if request.param == "stopped":
            os.kill(dispatcher.pid, signal.SIGCONT)
        elif not dispatcher.is_running():
            dispatcher.start()

    if request.param == "stopped":
        os.kill(dispatcher.pid, signal.SIGSTOP)
    else:
        assert dispatcher.terminate() == 0
    yield go_on
    go_on()
    dispatcher.wait_ready(60)


@pytest.fixture
def strategy(scenario):
    """One that has opened nothing yet."""
    return scenario.stack.add_strategy(scenario.stack.accounts[1], "waits", max_age_s=120)


def send(scenario, strategy, action):
    volume = None if action == "close" else "0.02"
    answer = scenario.alert(strategy, symbol="GBPUSD", action=action, volume=volume)
    assert answer.status == 202
    return answer.json["signal_id"]


def order_of(scenario, strategy, row):
    """The ledger's line of a signal's order, with its place in the ledger."""
    return next((place, order) for place, order in enumerate(scenario.orders(strategy.account))
                if str(order["ticket"]) == row["ticket"])


def closing(scenario, strategy, ticket):
    return [order for order in scenario.orders(strategy.account) if order.get("closes") == ticket]


def test_an_entry_and_its_close(scenario, strategy, waiting):
    entry, close = send(scenario, strategy, "buy"), send(scenario, strategy, "close")
    waiting()
    rows = [scenario.ended(entry), scenario.ended(close)]
    assert [row["status"] for row in rows] == ["executed", "executed"], rows
    (opened_at, opened), (closed_at, closed) = (order_of(scenario, strategy, row) for row in rows)
    assert opened_at < closed_at and closed["closes"] == opened["ticket"]
    # What the test is about: by the clock alone this position was none of the close's.
    alert = scenario.sql("SELECT received_at FROM tv_signals WHERE id = %s", close)[0][0]
    assert datetime.fromisoformat(opened["time"].replace("Z", "+00:00")) > alert


def test_a_close_and_the_next_entry(scenario, strategy, waiting):
    close, entry = send(scenario, strategy, "close"), send(scenario, strategy, "sell")
    waiting()
    assert scenario.ended(close)["error"].startswith("nothing_to_do: ")
    row = scenario.ended(entry)
    assert row["status"] == "executed"
    _, opened = order_of(scenario, strategy, row)
    assert closing(scenario, strategy, opened["ticket"]) == [], "it stays open"


def test_what_was_open_is_closed_and_what_comes_after_stays(scenario, strategy):
    """A close takes what came before it, waiting with it or not, and nothing else."""
    before = order_of(scenario, strategy, scenario.ended(send(scenario, strategy, "buy")))[1]
    os.kill(scenario.stack.dispatcher.pid, signal.SIGSTOP)
    try:
        second, close, third = (send(scenario, strategy, action) for action in ("buy", "close", "buy"))
    finally:
        os.kill(scenario.stack.dispatcher.pid, signal.SIGCONT)
    rows = [scenario.ended(one) for one in (second, close, third)]
    assert {row["status"] for row in rows} == {"executed"}
    second, third = (order_of(scenario, strategy, row)[1] for row in (rows[0], rows[2]))
    assert len(closing(scenario, strategy, before["ticket"])) == 1
    assert len(closing(scenario, strategy, second["ticket"])) == 1
    assert closing(scenario, strategy, third["ticket"]) == []
