"""The checker finds every kind of violation it names: each is seeded once into a clean world. So does the demo's own
comparison, where it accepts an order of another job."""

import json
import sys
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2] / "deploy/local")]
from tradewire_stack.demo import differences  # noqa: E402
from checker import Answer, ClosedByOther, Job, Order, Signal, check, identity  # noqa: E402

NOW = datetime(2026, 1, 30, 12, 0, tzinfo=timezone.utc)
JOB = "0b5c7a52-6f0e-4d0a-9a3f-2f6d1c0e9b11"
CLOSE = "5d7b2f64-0c1f-4a64-8a0c-6c1f3d9e2a77"
SECOND_CLOSE = "9a1e4c30-7d52-4b8f-8e6b-1f0a2c3d4e5f"
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


def closed_by_another():
    """The first close's order was lost before the broker had it; the second close's order closed the position."""
    world = waited_together()
    world["jobs"].append(Job(SECOND_CLOSE, "completed", "a1", None, 777, None, NOW, 7, "strategy", "strategy", "EURUSD",
                             [79]))
    world["orders"][1] = order_of_step(1, 79, SECOND_CLOSE, LATER, 77)
    world["jobs"][1].tickets, world["jobs"][1].closed_by_other = [], [ClosedByOther(79, 77)]
    world["jobs"][1].signal_id, world["signals"] = "s3", [Signal("s3", "executed", "", None, "79")]
    return world


def clean_world():
    return {
        "answers": [Answer(202, "s1"), Answer(422, "s2"), Answer(503, "never")],
        "signals": [Signal("s1", "executed", "", Decimal("1.08415"), "77"), Signal("s2", "discarded", "bad_json: x")],
        "jobs": [Job(JOB, "completed", "a1", "s1", 777, NOW + timedelta(seconds=30), NOW, tickets=[77])],
        "orders": [order_of_step(1, 77)],
    }


def test_the_identity_is_the_documented_one():
    assert identity(JOB.upper(), 1, 777) == (3338872724749, "HNE7QAJF70YQC")


@pytest.mark.parametrize("world", [clean_world, waited_together, closed_by_another])
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


def counted_twice(world):
    """What the agent did once: the other's order as its own fill."""
    world["jobs"][1].tickets, world["jobs"][1].closed_by_other = [79], []


def its_own_order_twice(world):
    world["jobs"][2].tickets.append(79)


def its_own_order_as_another_jobs(world):
    world["jobs"][2].closed_by_other = [ClosedByOther(79, 77)]


def its_own_order_only_as_another_jobs(world):
    its_own_order_as_another_jobs(world)
    world["jobs"][2].tickets = []


def the_others_profit(world):
    world["jobs"][1].closed_by_other[0].profit = "-3.10"


def the_same_position_in_two_steps(world):
    world["jobs"][1].closed_by_other.append(ClosedByOther(79, 77))


def another_position(world):
    world["jobs"][1].closed_by_other[0].position = 76


def an_order_that_opened(world):
    world["jobs"][1].closed_by_other[0] = ClosedByOther(77, 77)


def no_position_and_an_order_that_opened(world):
    world["jobs"][1].closed_by_other[0] = ClosedByOther(77, 0)
    world["signals"][0].broker_order_id = "77"


def an_order_that_is_nowhere(world):
    world["jobs"][1].closed_by_other[0].ticket = 80


def an_order_of_nobodys_job(world):
    world["jobs"].pop(2)


def an_order_of_another_agent(world):
    world["jobs"][1].agent_id = "a2"


def a_fill_price(world):
    world["signals"][0].fill_price = Decimal("1.08415")


def a_signal_with_another_ticket(world):
    world["signals"][0].broker_order_id = "77"


@pytest.mark.parametrize("seed", [
    counted_twice, its_own_order_twice, its_own_order_as_another_jobs, its_own_order_only_as_another_jobs,
    the_others_profit, the_same_position_in_two_steps, another_position, an_order_that_opened,
    no_position_and_an_order_that_opened, an_order_that_is_nowhere, an_order_of_nobodys_job, an_order_of_another_agent,
    a_fill_price, a_signal_with_another_ticket,
])
def test_an_order_counts_for_one_job(seed):
    world = closed_by_another()
    seed(world)
    assert "I11" in {name for name, _ in check(**world)}


def test_its_own_order_is_wrong_twice():
    """Neither did another job's order close the position, nor is it there to be closed a second time."""
    world = closed_by_another()
    its_own_order_as_another_jobs(world)
    texts = " ".join(text for _, text in check(**world))
    assert "it did not" in texts and "closed position 77 twice" in texts


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


class DemosStack:
    """What the demo's comparison asks: a job whose only step found its position closed by another order."""

    def __init__(self, folder, **fill):
        self.fill = {"step": 1, "ticket": "79", "position_id": "77", "price": "1.08415", "volume": "0", **fill}
        self.ledger = folder / "ledger.jsonl"

    def write(self, closing_job):
        lines = [{"ticket": "77", "magic": identity(JOB, 1, 777)[0], "price": "1.08"},
                 {"ticket": "79", "magic": identity(closing_job, 1, 777)[0], "closes": "77", "price": "1.08415"}]
        self.ledger.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def ctl(self, *_):
        return {"output_data": {"steps": [self.fill]}, "input_data": {"magic_tag": 777}}

    def compare(self, closing_job=SECOND_CLOSE):
        self.write(closing_job)
        strategy = SimpleNamespace(account=SimpleNamespace(ledger=self.ledger))
        return differences(self, strategy, {"status": "executed", "job_id": CLOSE, "broker_order_id": "79"})


def test_the_demo_accepts_what_another_job_closed(tmp_path):
    assert DemosStack(tmp_path).compare() == []


@pytest.mark.parametrize("fill, closing_job", [
    ({}, CLOSE), ({"volume": "0.1"}, SECOND_CLOSE), ({"profit": "1.00"}, SECOND_CLOSE), ({"position_id": "76"}, SECOND_CLOSE),
    ({"ticket": "77", "position_id": "77"}, SECOND_CLOSE), ({"ticket": "80"}, SECOND_CLOSE),
    ({"ticket": "77", "position_id": "0"}, SECOND_CLOSE),
])
def test_the_demo_accepts_nothing_looser(tmp_path, fill, closing_job):
    assert DemosStack(tmp_path, **fill).compare(closing_job) != []
