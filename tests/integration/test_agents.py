"""Agents that are away, on the wrong account, or not who they were: nothing is sent, and the code says why."""

import random
import secrets
import sys
import uuid
from pathlib import Path

import pytest
import zmq  # Debian's python3-zmq

from tradewire_stack.program import Program
from tradewire_stack.stack import free_port
from tradewire_test.scenario import until

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fault"))
from checker import check_files  # noqa: E402


@pytest.fixture
def spare(scenario):
    """An account of its own whose programs a scenario may stop and change."""
    stack = scenario.stack
    account = stack.add_account(stack.add_user(f"{secrets.token_hex(4)}@{stack.name}"), "spare", seed=9000)
    strategy = stack.add_strategy(account, "spare", max_age_s=3)
    stack.add_terminal(account)
    yield account, strategy
    for program in (account.agent, account.sim):
        program.kill()
        stack.programs.remove(program)
    stack.accounts.remove(account)


def start(scenario, account):
    for program in (account.agent, account.sim):
        if not program.is_running():
            program.start()
    until(lambda: scenario.sql("SELECT is_connected FROM mt5_agents WHERE id = %s", account.agent_id) == [(True,)], 30,
          "the agent is connected")


def test_an_agent_that_was_away_all_the_time(scenario, spare):
    account, strategy = spare
    row = scenario.ended(scenario.alert(strategy).json["signal_id"])
    assert row["status"] == "discarded" and row["error"].startswith("agent_offline: ")
    start(scenario, account)
    row = scenario.ended(scenario.alert(strategy).json["signal_id"])
    assert row["status"] == "executed"
    assert len(scenario.orders(account)) == 1, "the expired one was not sent afterwards"


def test_a_terminal_on_another_account_is_sent_nothing(scenario, spare):
    account, strategy = spare
    start(scenario, account)
    assert scenario.ended(scenario.alert(strategy).json["signal_id"])["status"] == "executed"
    account.sim.kill()
    other = account.folder / "other_ledger.jsonl"  # another account has a ledger of its own
    account.sim.environment.update(SIM_LOGIN="555555", SIM_LEDGER=str(other))
    account.sim.start()
    row = until(lambda: refused(scenario, strategy), 60, "account_mismatch")
    assert row["status"] == "failed"
    assert len(scenario.orders(account)) == 1
    assert not other.exists() or other.read_text() == ""


def refused(scenario, strategy):
    row = scenario.ended(scenario.alert(strategy).json["signal_id"])
    return row if (row["error"] or "").startswith("account_mismatch: ") else None


def test_a_lost_journal_needs_a_person(scenario, spare):
    account, strategy = spare
    start(scenario, account)
    assert scenario.ended(scenario.alert(strategy).json["signal_id"])["status"] == "executed"
    account.agent.terminate()
    (account.folder / "journal").unlink()
    account.agent.start()
    until(lambda: "journal_changed" in account.agent.log_tail(50), 60, "the agent is told why")
    account.agent.kill()
    until(lambda: scenario.sql("SELECT is_connected FROM mt5_agents WHERE id = %s", account.agent_id) == [(False,)], 60,
          "its session is over")
    rotated = scenario.stack.ctl("agent", "rotate", account.agent_id)
    (account.folder / "agent_key").write_text(rotated["pairing_key"])
    start(scenario, account)
    assert scenario.ended(scenario.alert(strategy).json["signal_id"])["status"] == "executed"


def test_a_wrong_pairing_key_is_refused(scenario, spare):
    account, strategy = spare
    (account.folder / "agent_key").write_text("A" * 43)
    account.agent.start()
    account.sim.start()
    until(lambda: "not_paired" in account.agent.log_tail(50), 60, "the agent is told why")
    assert scenario.sql("SELECT session_no FROM mt5_agents WHERE id = %s", account.agent_id) == [(0,)]


@pytest.mark.parametrize("fault", ["no_reply", "drop_after"])
def test_an_order_whose_answer_is_lost_is_found_and_not_sent_again(scenario, spare, tmp_path, fault):
    account, strategy = spare
    script = tmp_path / "script.jsonl"
    script.write_text('{"fault": "%s", "times": 1}\n' % fault)
    account.sim.environment["SIM_SCRIPT"] = str(script)
    start(scenario, account)
    row = scenario.ended(scenario.alert(strategy).json["signal_id"], 120)
    assert row["status"] == "executed" and row["price"] is not None
    assert len(scenario.orders(account)) == 1


def test_an_order_counts_for_one_of_two_closes(scenario, spare, tmp_path):
    """The first close's order is lost before the broker has it; the second's closes the position for both of them."""
    account, strategy = spare
    script = tmp_path / "script.jsonl"
    script.write_text('{"fault": "drop_before", "on": "close", "times": 1}\n')
    account.sim.environment["SIM_SCRIPT"] = str(script)
    start(scenario, account)
    assert scenario.ended(scenario.alert(strategy).json["signal_id"])["status"] == "executed"
    first = scenario.alert(strategy, action="close", volume=None).json["signal_id"]
    until(lambda: account.agent.log_tail(100).count("event=order_sent") == 2, 30, "the first close's order has left")
    second = scenario.alert(strategy, action="close", volume=None).json["signal_id"]
    rows = [scenario.ended(signal, 120) for signal in (first, second)]
    opened, closing = scenario.orders(account)
    assert closing["closes"] == opened["ticket"]
    assert [(row["status"], row["ticket"]) for row in rows] == [("executed", closing["ticket"])] * 2
    outputs = [scenario.stack.ctl("job", "show", scenario.stack.ctl("signal", "show", signal)["job_id"])["output_data"]
               for signal in (first, second)]
    assert outputs[0]["message"] == "1 of 1 positions had been closed by another order"
    assert "filled_volume" not in outputs[0] and rows[0]["price"] is None
    assert ["profit" in step for output in outputs for step in output["steps"]] == [False, True]
    assert [step["volume"] for output in outputs for step in output["steps"]] == ["0", closing["volume"]]
    violations, seen = check_files(scenario.stack.admin_url, [], scenario.stack.ledgers())
    assert violations == [] and seen["orders"] >= 2


def test_an_agent_killed_while_it_works_does_not_double(scenario, spare):
    account, strategy = spare
    account.sim.environment["SIM_LATENCY_MS"] = "400"
    start(scenario, account)
    signal = scenario.alert(strategy).json["signal_id"]
    until(lambda: scenario.sql("SELECT count(*) FROM job_leases WHERE agent_id = %s", account.agent_id) == [(1,)], 30,
          "the agent has it")
    account.agent.kill()
    account.agent.start()
    row = scenario.ended(signal, 150)
    assert len(scenario.orders(account)) == (1 if row["status"] == "executed" else 0), row


@pytest.mark.parametrize("name", ["agent", "gateway"])
def test_a_close_is_completed_after_a_kill_in_its_middle(scenario, spare, name):
    """One of three positions is closed when the agent or the gateway dies. A close that said "executed" then would leave
    the others open."""
    account, strategy = spare
    account.sim.environment["SIM_LATENCY_MS"] = "400"
    start(scenario, account)
    entries = [scenario.ended(scenario.alert(strategy).json["signal_id"]) for _ in range(3)]
    assert [row["status"] for row in entries] == ["executed"] * 3
    close = scenario.alert(strategy, action="close", volume=None).json["signal_id"]
    until(lambda: len(scenario.orders(account)) == 4, 30, "the first position is closed")
    program = account.agent if name == "agent" else scenario.stack.gateway
    program.kill()
    program.start()
    row = scenario.ended(close, 150)
    orders = scenario.orders(account)
    assert sorted(order["closes"] for order in orders[3:]) == sorted(order["ticket"] for order in orders[:3])
    output = scenario.stack.ctl("job", "show", scenario.stack.ctl("signal", "show", close)["job_id"])["output_data"]
    assert row["status"] == "executed" and "message" not in output
    assert sorted(step["ticket"] for step in output["steps"]) == sorted(order["ticket"] for order in orders[3:])


def test_a_job_whose_outcome_nobody_can_tell_is_settled_by_a_person(scenario, spare):
    account, strategy = spare
    account.sim.environment["SIM_LATENCY_MS"] = "5000"
    start(scenario, account)
    signal = scenario.alert(strategy).json["signal_id"]
    until(lambda: "order_sent" in account.agent.log_tail(5), 30, "the order is with the terminal")
    account.sim.kill()  # and never comes back: the outcome cannot be asked for
    until(lambda: scenario.signal(signal)["error"], 90, "the signal says that its outcome is unknown")
    row = scenario.signal(signal)
    assert row["status"] == "pending" and row["error"].startswith("unknown_outcome: ")
    job = scenario.stack.ctl("signal", "show", signal)["job_id"]
    assert scenario.stack.ctl("job", "show", job)["status"] == "unknown"
    scenario.stack.ctl("job", "resolve", job, "--outcome", "not_executed", "--reason", "looked into the account")
    row = scenario.ended(signal)
    assert row["status"] == "failed" and row["error"].startswith("not_executed: ")
    assert scenario.sql("SELECT count(*) FROM audit_log WHERE object = %s", f"job:{job}") == [(1,)]


def test_what_is_no_envelope_is_dropped_and_counted(scenario, tmp_path):
    """An agent and a gateway that is none: it says garbage to the agent's hello."""
    seed = secrets.randbits(32)
    print("seed", seed)
    garbage = [random.Random(seed).randbytes(n) for n in (1, 7, 300)]
    public, secret = zmq.curve_keypair()
    with zmq.Context() as context, context.socket(zmq.ROUTER) as gateway:
        gateway.linger, gateway.rcvtimeo = 0, 30000
        gateway.curve_server, gateway.curve_secretkey = True, secret
        port = gateway.bind_to_random_port("tcp://127.0.0.1")
        admin = f"127.0.0.1:{free_port()}"
        agent = Program("agent-alone", scenario.stack.bin / "mt5-agent", {
            "AGENT_ID": str(uuid.uuid4()), "AGENT_KEY": "A" * 43, "GATEWAY_ZMQ": f"tcp://127.0.0.1:{port}",
            "GATEWAY_CURVE_PUBLIC": public.decode(), "AGENT_JOURNAL": str(tmp_path / "journal"),
            "AGENT_KEYFILE": str(tmp_path / "curve_key"), "TERMINAL_LISTEN": f"127.0.0.1:{free_port()}",
            "TERMINAL_TOKEN": "t" * 32, "ADMIN_LISTEN": admin}, tmp_path / "agent.log", admin)
        agent.start()
        try:
            peer, _ = gateway.recv_multipart()
            for text in garbage:
                gateway.send_multipart([peer, text])
            until(lambda: agent.metric("tradewire_agent_envelopes_refused_total") == len(garbage), 30, "all are counted")
            assert agent.terminate() == 0
        finally:
            agent.kill()
