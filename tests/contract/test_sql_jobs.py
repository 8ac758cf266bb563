"""Rows that somebody else inserts into jobs: filled, forced to a start, refused where they would be dangerous."""

import uuid

import psycopg2
import pytest

from tradewire_test.trading import Trader


def test_start_values_are_forced(trader, programs):
    job = programs.job(trader.insert(
        "trade", input_data='{"symbol": "EURUSD"}', status="completed", lease_epoch=7, attempt=3, lane=3, seq=1,
        agent_id=trader.agent, claimed_at="now", started_at="now", completed_at="now", lease_session=9, is_entry=False,
        output_data="{}", error_message="x: y", broker_order_id="1", fill_price=1, filled_volume=1))
    assert (job["status"], job["lease_epoch"], job["attempt"], job["lane"], job["is_entry"]) == ("pending", 0, 0, 1, True)
    assert job["seq"] > 1 and job["symbol"] == "EURUSD"
    empty = ("agent_id", "claimed_at", "started_at", "completed_at", "lease_session", "output_data", "error_message",
             "broker_order_id", "fill_price", "filled_volume")
    assert {job[name] for name in empty} == {None}
    assert trader.claim_ids() == [str(job["id"])]


@pytest.mark.parametrize("job_type, job_input, lane, is_entry, seconds", [
    ("trade", '{"symbol": "EURUSD"}', 1, True, 30), ("trade", '{"op": "open"}', 1, True, 30),
    ("trade", '{"op": "modify"}', 1, False, 30), ("close_position", '{"symbol": "EURUSD"}', 1, False, 72 * 3600),
    ("get_positions", None, 2, False, None), ("get_account", None, 2, False, None), ("get_candles", None, 2, False, None),
    ("compile", None, 3, False, None), ("deploy", None, 3, False, None), ("run", None, 3, False, None),
    ("stop", None, 3, False, None)])
def test_what_is_missing_is_filled(trader, programs, job_type, job_input, lane, is_entry, seconds):
    job = programs.job(trader.insert(job_type, agent="none", input_data=job_input))
    assert (job["lane"], job["is_entry"]) == (lane, is_entry)
    if seconds is None:
        assert job["expires_at"] is None
    else:
        assert abs((job["expires_at"] - job["created_at"]).total_seconds() - seconds) < 1
    has_target = lane == 1 or job_type in ("get_account", "get_positions")
    assert job["target_agent_id"] == (trader.agent if has_target else None)
    ready = programs.admin.row("SELECT * FROM job_ready WHERE job_id = %s", job["id"])
    assert (ready["agent_id"], ready["lane"], ready["seq"]) == (job["target_agent_id"], lane, job["seq"])
    assert ready["symbol"] == (job["symbol"] if is_entry else None)


@pytest.mark.parametrize("job_type", ["trade", "close_position", "get_account", "get_positions"])
def test_no_account_and_ambiguous_account(trader, programs, refused, job_type):
    Trader(programs, user=trader.user)
    with refused("ambiguous_account: "):
        trader.insert(job_type, agent="none")
    job = trader.insert(job_type, agent="none", strategy_id=trader.strategy)
    assert programs.job(job)["target_agent_id"] == trader.agent, "the strategy's own account"
    programs.admin.rows("UPDATE broker_connections SET is_active = false WHERE user_id = %s", trader.user)
    with refused("no_account: "):
        trader.insert(job_type, agent="none")


def test_another_users_agent_is_refused(trader, programs, refused):
    other = Trader(programs)
    with refused("unknown_agent: "):
        trader.insert("trade", agent=other.agent)
    with refused("unknown_agent: "):
        trader.insert("compile", agent=str(uuid.uuid4()))


@pytest.mark.parametrize("job_type", ["test", "", "Trade"])
def test_only_the_nine_types(trader, job_type):
    with pytest.raises(psycopg2.errors.CheckViolation):
        trader.insert(job_type)


def test_an_open_effect_always_has_limit_and_target(trader, programs):
    job = trader.insert("trade")
    for change in ("expires_at = NULL", "target_agent_id = NULL"):
        with pytest.raises(psycopg2.errors.CheckViolation):
            programs.admin.rows(f"UPDATE jobs SET {change} WHERE id = %s", job)


def test_a_read_cannot_be_unknown(trader, programs):
    job = trader.insert("get_account")
    with pytest.raises(psycopg2.errors.CheckViolation):
        programs.admin.rows("UPDATE jobs SET status = 'unknown' WHERE id = %s", job)


def test_many_rows_in_one_statement(trader, programs):
    programs.admin.rows("INSERT INTO jobs (user_id, job_type) SELECT %s, 'compile' FROM generate_series(1, 100)", trader.user)
    assert programs.admin.value("SELECT count(*) FROM job_ready WHERE user_id = %s", trader.user) == 100
    assert len(trader.claim(builds=200)) == 100


@pytest.mark.parametrize("job_type, seconds", [
    ("trade", 60), ("close_position", 60), ("get_positions", 10), ("get_account", 10), ("get_candles", 20),
    ("compile", 300), ("deploy", 120), ("run", 60), ("stop", 60)])
def test_longest_run(programs, job_type, seconds):
    assert programs.gateway.value("SELECT job_longest_run(%s)", job_type).total_seconds() == seconds
