"""apply_results: facts, answers and their epochs, and what becomes of job, leg and signal."""

import uuid

import pytest

from tradewire_test.trading import Trader


def snapshot(programs, plan):
    return programs.job(plan["job"]), programs.signal(plan["signal"]), programs.leg(plan["signal"]), programs.lease(plan["job"])


def test_done(trader, programs):
    (plan,) = trader.send("buy")
    trader.claim()
    verdict = trader.done(plan, price="1.084512345", output='{"ticket": "1001"}', timeline='{"sent": 5}')
    assert (verdict["verdict"], verdict["status"], str(verdict["signal_id"])) == ("applied", "completed", plan["signal"])
    assert (str(verdict["user_id"]), str(verdict["agent_id"])) == (str(trader.user), str(trader.agent))
    job, signal, leg, lease = snapshot(programs, plan)
    assert lease is None and job["output_data"] == {"ticket": "1001"} and job["completed_at"]
    assert (signal["status"], str(signal["fill_price"]), signal["broker_order_id"]) == ("executed", "1.08451", "1001")
    assert signal["resolved_at"] == job["completed_at"] and signal["error_message"] is None
    assert (leg["status"], str(leg["fill_price"]), str(leg["filled_volume"])) == ("executed", "1.084512345", "0.10")
    assert set(job["timeline"]) == {"received", "durable", "stored", "sent", "claimed", "resolved"}


def test_many_at_once_and_in_any_order(trader, programs):
    plans = trader.send("buy", "sell", "buy", "sell")
    trader.claim()
    verdicts = programs.apply(*[{"job": p["job"], "agent": trader.agent, "epoch": 1, "outcome": outcome, "error": error}
                                for p, outcome, error in zip(reversed(plans), ("done", "failed", "void", "unknown"),
                                                             (None, "retcode_10019: no money", "not sent", None))])
    assert [v["ord"] for v in verdicts] == [1, 2, 3, 4]
    assert [v["status"] for v in verdicts] == ["completed", "failed", "pending", "unknown"]
    assert {v["verdict"] for v in verdicts} == {"applied"}


@pytest.mark.parametrize("error, status", [
    ("retcode_10019: no money", "failed"), ("account_mismatch: other login", "failed"), ("stale: too late", "discarded"),
    ("nothing_to_do: no position", "discarded"), ("cancelled: by the user", "discarded")])
def test_failed(trader, programs, error, status):
    (plan,) = trader.send("buy")
    trader.claim()
    assert trader.report(plan, "failed", error=error)["verdict"] == "applied"
    job, signal, leg, lease = snapshot(programs, plan)
    assert (job["status"], job["error_message"], lease) == ("failed", error, None)
    assert (signal["status"], signal["error_message"], leg["status"]) == (status, error, status) and signal["resolved_at"]


def test_a_repeated_answer_changes_nothing(trader, programs):
    done, failed = trader.send("buy", "buy")
    trader.claim()
    trader.done(done)
    trader.report(failed, "failed", error="retcode_10006: rejected")
    before = snapshot(programs, done), snapshot(programs, failed)
    assert trader.done(done, price="1.0845")["verdict"] == "repeated", "trailing zeros say nothing"
    assert trader.report(failed, "failed", error="retcode_10006: rejected")["verdict"] == "repeated"
    assert (snapshot(programs, done), snapshot(programs, failed)) == before


@pytest.mark.parametrize("outcome", ["failed", "void", "unknown"])
@pytest.mark.parametrize("epoch", [0, 1, 3])
def test_an_answer_at_another_epoch_changes_nothing(trader, programs, outcome, epoch):
    (plan,) = trader.send("buy")
    trader.claim()
    trader.hello()
    trader.questions()
    before = snapshot(programs, plan)
    assert trader.report(plan, outcome, epoch=epoch, error="retcode_10006: rejected")["verdict"] == "stale"
    assert snapshot(programs, plan) == before


@pytest.mark.parametrize("epoch", [0, 1, 2, 99])
def test_a_fact_counts_at_any_epoch(trader, programs, epoch):
    (plan,) = trader.send("buy")
    trader.claim()
    trader.hello()
    trader.questions()
    assert trader.done(plan, epoch=epoch)["verdict"] == "applied"
    assert programs.signal(plan["signal"])["status"] == "executed"


def test_a_fact_about_a_job_that_is_pending_again(trader, programs):
    (plan,) = trader.send("buy")
    trader.claim()
    trader.report(plan, "void")
    assert programs.is_ready(plan["job"])
    assert trader.done(plan, epoch=1)["verdict"] == "applied"
    assert not programs.is_ready(plan["job"]) and trader.claim() == []
    assert str(programs.job(plan["job"])["agent_id"]) == str(trader.agent)


def test_a_fact_while_the_job_is_being_claimed_again_is_tried_again(trader, programs, database):
    """Neither a deadlock nor a lost fact: the caller gets 40001 and repeats its batch."""
    (plan,) = trader.send("buy")
    trader.claim()
    trader.report(plan, "void")
    holder = database.session()
    holder.begin()
    holder.rows("SELECT FROM job_ready WHERE job_id = %s FOR UPDATE", plan["job"])
    with pytest.raises(Exception) as refusal:
        trader.done(plan, epoch=1)
    assert refusal.value.pgcode == "40001"
    holder.rollback()
    assert trader.done(plan, epoch=1)["verdict"] == "applied"


@pytest.mark.parametrize("difference", [{"order": "1002"}, {"price": "1.2"}, {"volume": "0.2"}])
def test_a_fact_that_differs_is_a_conflict(trader, programs, difference):
    (plan,) = trader.send("buy")
    trader.claim()
    trader.done(plan)
    before = snapshot(programs, plan)
    assert trader.done(plan, **difference)["verdict"] == "conflict"
    assert snapshot(programs, plan) == before
    audit = programs.admin.row("SELECT * FROM audit_log WHERE object = %s", f"job:{plan['job']}")
    assert (audit["action"], audit["actor"]) == ("result_conflict", f"agent:{trader.agent}")
    assert audit["before"]["broker_order_id"] == "1001" and audit["before"] != audit["after"]


def test_a_fact_about_a_job_that_ended_otherwise_is_a_conflict(trader, programs):
    (plan,) = trader.send("buy")
    trader.claim()
    trader.report(plan, "failed", error="retcode_10006: rejected")
    assert trader.done(plan)["verdict"] == "conflict"
    assert programs.signal(plan["signal"])["status"] == "failed"


def test_a_late_refusal_after_a_fact_changes_nothing(trader, programs):
    (plan,) = trader.send("buy")
    trader.claim()
    trader.done(plan)
    assert trader.report(plan, "failed", error="retcode_10006: rejected")["verdict"] == "stale"
    assert programs.signal(plan["signal"])["status"] == "executed"


def test_another_agents_report_changes_nothing(trader, programs):
    other = Trader(programs)
    (plan,) = trader.send("buy")
    for state in ("pending", "claimed"):
        before = snapshot(programs, plan)
        assert before[0]["status"] == state
        assert trader.done(plan, agent=other.agent)["verdict"] == "foreign"
        assert trader.report(plan, "failed", agent=other.agent, error="x: y")["verdict"] == "foreign"
        assert snapshot(programs, plan) == before
        trader.claim()


def test_a_result_for_an_unknown_job_is_kept_until_the_job_is_there(trader, programs):
    plan = trader.plan()
    assert trader.report(plan, "done", epoch=1, raw=b"\x00the record")["verdict"] == "unmatched"
    kept = programs.admin.value("SELECT id FROM unmatched_results WHERE job_id = %s", plan["job"])
    look = "SELECT * FROM unmatched_ready(%s, 1)"
    assert programs.dispatcher.row(look, kept - 1) == {"id": kept, "payload": None}, "not yet"
    programs.write([plan])
    found = programs.dispatcher.row(look, kept - 1)
    assert (found["id"], bytes(found["payload"])) == (kept, b"\x00the record")
    programs.dispatcher.rows("SELECT unmatched_done(ARRAY[%s])", kept)
    assert kept not in [row["id"] for row in programs.dispatcher.rows("SELECT * FROM unmatched_ready(%s, 1)", kept - 1)]


def test_at_most_1000_results_of_an_agent_wait(trader, programs):
    other = Trader(programs)
    programs.admin.rows("INSERT INTO unmatched_results (job_id, agent_id, payload) "
                        "SELECT gen_random_uuid(), %s, 'kept' FROM generate_series(1, 999)", trader.agent)

    def report(agent):
        plan = trader.plan()
        kept = "SELECT count(*) FROM unmatched_results WHERE job_id = %s"
        return trader.report(plan, "done", epoch=1, agent=agent)["verdict"], programs.admin.value(kept, plan["job"])

    try:
        assert report(trader.agent) == ("unmatched", 1), "the thousandth"
        assert report(trader.agent) == ("dropped", 0)
        assert report(other.agent) == ("unmatched", 1), "another agent's are not counted"
    finally:
        programs.admin.rows("DELETE FROM unmatched_results WHERE agent_id IN (%s, %s)", trader.agent, other.agent)


def test_a_look_at_the_kept_results_costs_as_much_as_it_asks_for(trader, programs):
    """100,000 wait; a look touches the rows that it returns, and not all of them."""
    programs.admin.rows("INSERT INTO unmatched_results (job_id, agent_id, payload) "
                        "SELECT gen_random_uuid(), %s, 'kept' FROM generate_series(1, 100000)", trader.agent)
    touched = ("SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables "
               "WHERE relname IN ('unmatched_results', 'jobs')")
    try:
        for look in ("SELECT * FROM unmatched_ready(0, 100)", "SELECT unmatched_forget(100)"):
            programs.admin.begin()
            before = programs.admin.value(touched)
            programs.admin.rows(look)
            assert 100 <= programs.admin.value(touched) - before <= 300, look
            programs.admin.commit()
    finally:
        programs.admin.rollback()
        programs.admin.rows("DELETE FROM unmatched_results WHERE agent_id = %s", trader.agent)


def test_void_makes_it_pending_again_for_the_same_agent(trader, programs):
    (plan,) = trader.send("buy")
    trader.claim()
    assert trader.report(plan, "void", error="retcode_10004: requote")["status"] == "pending"
    job, signal, leg, lease = snapshot(programs, plan)
    assert (job["status"], job["agent_id"], job["error_message"], lease) == ("pending", None, "retcode_10004: requote", None)
    assert (signal["status"], signal["error_message"], leg["status"]) == ("pending", None, "pending")
    assert trader.report(plan, "void", epoch=1)["verdict"] == "repeated"
    (again,) = trader.claim()
    assert (str(again["id"]), again["lease_epoch"], again["attempt"]) == (plan["job"], 2, 2)


def test_void_of_an_expired_job_ends_it(trader, programs):
    (plan,) = trader.send("buy")
    trader.claim()
    programs.admin.rows("UPDATE jobs SET expires_at = now() WHERE id = %s", plan["job"])
    assert trader.report(plan, "void")["status"] == "failed"
    signal = programs.signal(plan["signal"])
    assert signal["status"] == "failed" and signal["error_message"].startswith("not_executed: ")
    assert trader.report(plan, "void", epoch=1)["verdict"] == "repeated"


@pytest.mark.parametrize("symbol, ends", [("EURUSD", True), ("GBPUSD", False)])
def test_void_of_an_entry_with_a_later_close_ends_it(trader, programs, symbol, ends):
    (plan,) = trader.send("buy")
    trader.claim()
    trader.send("close", symbol=symbol)
    assert trader.report(plan, "void")["status"] == ("failed" if ends else "pending")


def test_a_voided_entry_is_superseded_by_a_later_close(trader, programs):
    (plan,) = trader.send("buy")
    trader.claim()
    trader.report(plan, "void")
    (close,) = trader.send("close")
    assert programs.job(plan["job"])["status"] == "cancelled"
    assert trader.claim_ids() == [close["job"]]


@pytest.mark.parametrize("later, ends", [('{"symbol": "EURUSD"}', True), ('{"symbol": "EURUSD", "pct": "50"}', False),
                                         ('{"symbol": "EURUSD", "ticket": "9"}', False)])
def test_a_voided_close_is_only_replaced_by_one_that_closes_as_much(trader, later, ends):
    (close,) = trader.send("close")
    trader.claim()
    trader.send("close", input=later)
    assert trader.report(close, "void")["status"] == ("failed" if ends else "pending")


def test_a_close_waits_for_the_market(trader, programs):
    (plan,) = trader.send("close")
    trader.claim()
    opens = programs.now(3600)
    trader.report(plan, "void", error="waiting_market: opens on Sunday", ready_at=opens)
    job, signal, leg, _ = snapshot(programs, plan)
    assert (job["status"], job["ready_at"]) == ("pending", opens)
    assert (signal["status"], signal["error_message"]) == ("pending", "waiting_market: opens on Sunday")
    assert leg["error_message"] == "waiting_market: opens on Sunday"
    assert trader.claim() == []
    programs.admin.rows("UPDATE job_ready SET ready_at = now() WHERE job_id = %s", plan["job"])
    assert trader.claim_ids() == [plan["job"]]
    trader.done(plan)
    assert programs.signal(plan["signal"])["error_message"] is None


def test_unknown_keeps_the_signal_pending_and_says_so(trader, programs):
    (plan,) = trader.send("buy")
    trader.claim()
    assert trader.report(plan, "unknown", error="terminal gone")["status"] == "unknown"
    job, signal, leg, lease = snapshot(programs, plan)
    assert (job["status"], signal["status"], lease["is_unknown"]) == ("unknown", "pending", True)
    assert job["error_message"] == signal["error_message"] == leg["error_message"] == "unknown_outcome: terminal gone"
    assert trader.report(plan, "unknown", error="terminal gone")["verdict"] == "repeated"
    trader.questions()
    assert trader.done(plan)["verdict"] == "applied"


def test_reads_need_the_current_epoch_also_for_done(trader, programs):
    read = trader.insert("get_account")
    trader.claim()
    trader.hello()
    assert trader.report(read, "done", epoch=1)["verdict"] == "stale"
    trader.claim()
    assert trader.report(read, "done", epoch=1)["verdict"] == "stale"
    assert trader.report(read, "done", output='{"balance": "1"}')["verdict"] == "applied"
    assert trader.report(read, "done")["verdict"] == "repeated"
    assert programs.job(read)["output_data"] == {"balance": "1"}


def test_a_read_given_back_is_pending_again(trader, programs):
    read = trader.insert("get_account")
    for status in ("pending", "pending", "failed"):
        trader.claim()
        assert trader.report(read, "void", error="timeout: terminal busy")["status"] == status
    assert programs.job(read)["error_message"] == "timeout: terminal busy"


def test_a_job_twice_or_an_unknown_outcome_is_refused(trader, programs, refused):
    job = str(uuid.uuid4())
    with refused("broken_invariant: "):
        programs.apply({"job": job, "agent": trader.agent, "epoch": 1, "outcome": "done"},
                       {"job": job, "agent": trader.agent, "epoch": 1, "outcome": "done"})
    with refused("broken_invariant: "):
        programs.apply({"job": job, "agent": trader.agent, "epoch": 1, "outcome": "perhaps"})


def test_a_close_being_planned_and_a_void_do_not_pass_each_other(trader, programs, database):
    """The close is written but not committed when the void comes: the void waits for it and sees it."""
    import threading
    (plan,) = trader.send("buy")
    trader.claim()
    writer = database.session("tradewire_dispatcher")
    writer.begin()
    programs.write([trader.plan("close")], session=writer)
    applied = []
    reporter = database.session("tradewire_dispatcher")
    thread = threading.Thread(target=lambda: applied.extend(programs.apply(
        {"job": plan["job"], "agent": trader.agent, "epoch": 1, "outcome": "void"}, session=reporter)))
    thread.start()
    thread.join(0.3)
    assert thread.is_alive(), "the void waits for the close's planner"
    writer.commit()
    thread.join(10)
    assert applied[0]["status"] == "failed"


def test_results_do_not_lock_accounts(trader, programs, database):
    """Else every batch of results would keep the claims of its accounts away until its commit."""
    first, second = trader.send("buy", "buy")
    trader.claim(effects=1)
    applier = database.session("tradewire_dispatcher")
    applier.begin()
    programs.apply({"job": first["job"], "agent": trader.agent, "epoch": 1, "outcome": "done"}, session=applier)
    assert trader.claim_ids() == [second["job"]]
    applier.commit()
