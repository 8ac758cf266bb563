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


def order_of_step(step, ticket):
    magic, token = identity(JOB, step, 777)
    return Order("a1", ticket, magic, NOW, Decimal("1.08415"), token)


def clean_world():
    return {
        "answers": [Answer(202, "s1"), Answer(422, "s2"), Answer(503, "never")],
        "signals": [Signal("s1", "executed", "", Decimal("1.08415"), "77"), Signal("s2", "discarded", "bad_json: x")],
        "jobs": [Job(JOB, "completed", "a1", "s1", 777, NOW + timedelta(seconds=30), NOW, [77])],
        "orders": [order_of_step(1, 77)],
    }


def test_the_identity_is_the_documented_one():
    assert identity(JOB.upper(), 1, 777) == (3338872724749, "HNE7QAJF70YQC")


def test_a_clean_world_is_clean():
    assert check(**clean_world()) == []


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
