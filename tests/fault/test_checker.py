"""The checker finds every kind of violation it names: each is seeded once into a clean world."""

import sys
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from checker import Answer, Job, Order, Signal, check, identity  # noqa: E402

NOW = datetime(2026, 1, 30, 12, 0, tzinfo=timezone.utc)
JOB = "0b5c7a52-6f0e-4d0a-9a3f-2f6d1c0e9b11"
CLOSE = "5d7b2f64-0c1f-4a64-8a0c-6c1f3d9e2a77"
LATER = NOW + timedelta(seconds=10)


def order_of_step(step, ticket, job=JOB, time=NOW, position=0):
    magic, token = identity(job, step, 777)
    return Order("a1", ticket, magic, time, Decimal("1.08415"), token, position, "EURUSD")


def waited_together():
    """An entry and its close waited for a program that was away: the position is younger than the close's alert."""
    return {
        "answers": [],
        "signals": [],
        "jobs": [Job(JOB, "completed", "a1", None, 777, LATER + timedelta(seconds=30), None, 5, "strategy", tickets=[77]),
                 Job(CLOSE, "completed", "a1", None, 777, None, NOW, 6, "strategy", "strategy", "EURUSD", [78])],
        "orders": [order_of_step(1, 77, time=LATER), order_of_step(1, 78, CLOSE, LATER, 77)],
    }


def clean_world():
    return {
        "answers": [Answer(202, "s1"), Answer(422, "s2"), Answer(503, "never")],
        "signals": [Signal("s1", "executed", "", Decimal("1.08415"), "77"), Signal("s2", "discarded", "bad_json: x")],
        "jobs": [Job(JOB, "completed", "a1", "s1", 777, NOW + timedelta(seconds=30), NOW, tickets=[77])],
        "orders": [order_of_step(1, 77)],
    }


def test_the_identity_is_the_documented_one():
    assert identity(JOB.upper(), 1, 777) == (3338872724749, "HNE7QAJF70YQC")


@pytest.mark.parametrize("world", [clean_world, waited_together])
def test_a_clean_world_is_clean(world):
    assert check(**world()) == []


def drop_row(world):
    world["signals"].pop(1)


def leave_pending(world):
    world["signals"][1].status = "pending"


def second_order(world):
    world["orders"].append(deepcopy(world["orders"][0]))
    world["orders"][1].ticket = 78


def order_from_nowhere(world):
    world["orders"].append(Order("a1", 99, 12345, NOW, Decimal("1"), ""))


def order_of_another_agent(world):
    world["orders"][0].agent_id = "a2"


def late_order(world):
    world["orders"][0].time = NOW + timedelta(seconds=30, milliseconds=251)


def close_of_a_later_position(world):
    world["orders"][0].position = 50
    world["orders"].append(order_of_step(2, 50))
    world["orders"][1].time = NOW + timedelta(seconds=1)


def order_thrown_away(world):
    world["jobs"][0].status = "failed"


def fill_without_order(world):
    world["orders"].clear()


def another_price(world):
    world["signals"][0].fill_price = Decimal("1.08416")


def another_ticket(world):
    world["signals"][0].broker_order_id = "76"


def executed_but_not_completed(world):
    world["jobs"][0].status = "unknown"


@pytest.mark.parametrize("seed, invariant", [
    (drop_row, "I1"), (leave_pending, "I2"), (second_order, "I3"), (order_from_nowhere, "I3"),
    (order_of_another_agent, "I4"), (order_thrown_away, "I4"), (late_order, "I5"), (close_of_a_later_position, "I5"),
    (fill_without_order, "I11"), (another_price, "I11"), (another_ticket, "I11"), (executed_but_not_completed, "I11"),
])
def test_each_violation_is_found(seed, invariant):
    world = clean_world()
    seed(world)
    assert invariant in {name for name, _ in check(**world)}


def entry_planned_later(world):
    world["jobs"][0].seq = 7


def entry_planned_later_and_a_clock_behind(world):
    entry_planned_later(world)
    world["orders"][0].time = NOW - timedelta(seconds=5)


def another_strategys_entry(world):
    world["jobs"][0].strategy_id = "another"


def scope_of_the_symbol(world):
    world["jobs"][1].scope = "symbol"


def opened_by_nobodys_job(world):
    world["jobs"].pop(0)


def closed_by_nobody(world):
    world["orders"].pop(1)
    world["jobs"][1].status, world["jobs"][1].tickets, world["jobs"][1].error = "failed", [], "nothing_to_do: none"


@pytest.mark.parametrize("seed", [
    entry_planned_later, entry_planned_later_and_a_clock_behind, another_strategys_entry, scope_of_the_symbol,
    opened_by_nobodys_job, closed_by_nobody,
])
def test_what_a_close_may_hit_and_must(seed):
    world = waited_together()
    seed(world)
    assert "I5" in {name for name, _ in check(**world)}


def failed_close(world):
    closed_by_nobody(world)
    world["jobs"][1].error = "retcode_10017: trading is off"


def later_entry_left_alone(world):
    closed_by_nobody(world)
    entry_planned_later(world)


def another_symbol_left_alone(world):
    closed_by_nobody(world)
    world["orders"][0].symbol = "GBPUSD"


def another_strategys_left_alone(world):
    closed_by_nobody(world)
    another_strategys_entry(world)


@pytest.mark.parametrize("seed", [failed_close, later_entry_left_alone, another_symbol_left_alone,
                                  another_strategys_left_alone])
def test_what_a_close_may_leave_open(seed):
    world = waited_together()
    seed(world)
    assert check(**world) == []
