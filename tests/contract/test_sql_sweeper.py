"""What time ends: expiry and lapsed leases."""

import pytest

from tradewire_test.trading import Trader


def expire(programs, limit=1000):
    return {str(row["job_id"]): row for row in programs.dispatcher.rows("SELECT * FROM expire_jobs(%s)", limit)}


def lapsed(programs):
    return {str(row["job_id"]) for row in programs.dispatcher.rows("SELECT * FROM lapsed_leases()")}


def test_a_job_that_could_have_started_expires_stale(trader, programs):
    (plan,) = trader.send("buy", expires_s=-1)
    row = expire(programs)[plan["job"]]
    assert (row["code"], str(row["user_id"]), str(row["signal_id"])) == ("stale", str(trader.user), plan["signal"])
    job, signal = programs.job(plan["job"]), programs.signal(plan["signal"])
    assert job["status"] == "expired" and not programs.is_ready(plan["job"]) and "resolved" in job["timeline"]
    assert signal["status"] == "discarded" and signal["error_message"].startswith("stale: ") and signal["resolved_at"]
    assert plan["job"] not in expire(programs)


@pytest.mark.parametrize("away", ["never said hello", "session ended before", "gateway died before"])
def test_a_job_whose_agent_was_away_expires_agent_offline(programs, away):
    trader = Trader(programs)
    if away != "never said hello":
        trader.hello()
    if away == "session ended before":
        trader.end()
    if away == "gateway died before":
        programs.admin.rows("UPDATE gateways SET seen_at = now() - interval '1 min' WHERE id = %s", trader.gateway)
    (plan,) = trader.send("buy", expires_s=-1)
    assert expire(programs)[plan["job"]]["code"] == "agent_offline"
    assert programs.signal(plan["signal"])["error_message"].startswith("agent_offline: ")


def test_an_agent_that_left_after_the_job_was_made_is_no_excuse(trader, programs):
    (plan,) = trader.send("buy", expires_s=0.05)
    trader.end()
    programs.admin.rows("SELECT pg_sleep(0.06)")
    assert expire(programs)[plan["job"]]["code"] == "stale"


def test_only_pending_jobs_past_their_limit_expire(trader, programs):
    (claimed,) = trader.send("buy")
    trader.claim()
    (waiting,) = trader.send("buy")
    read = trader.insert("get_account")
    programs.admin.rows("UPDATE jobs SET expires_at = now() - interval '1 s' WHERE id = %s", claimed["job"])
    gone = expire(programs)
    assert not {claimed["job"], waiting["job"], str(read)} & set(gone)


def test_the_limit_is_kept(trader, programs):
    trader.send("buy", "buy", "buy", expires_s=-1)
    expire(programs, 0)
    assert [len(expire(programs, 2)), len(expire(programs, 2))] == [2, 1]


def test_expiry_leaves_a_job_that_is_being_claimed(trader, programs, database):
    (plan,) = trader.send("buy", expires_s=2)
    claimer = database.session("tradewire_gateway")
    claimer.begin()
    assert len(trader.claim(session=claimer)) == 1
    programs.admin.rows("SELECT pg_sleep_until(%s)", plan["expires"])
    assert plan["job"] not in expire(programs)
    claimer.commit()
    assert programs.job(plan["job"])["status"] == "claimed"


def test_a_live_lease_does_not_lapse(trader, programs):
    (plan,) = trader.send("buy")
    trader.claim()
    assert plan["job"] not in lapsed(programs)


@pytest.mark.parametrize("why", ["time", "session ended", "new session", "gateway silent", "gateway unknown"])
def test_why_a_lease_lapses(trader, programs, why):
    (plan,) = trader.send("buy")
    trader.claim()
    if why == "time":
        programs.admin.rows("UPDATE job_leases SET until_at = now() WHERE job_id = %s", plan["job"])
    elif why == "session ended":
        trader.end()
    elif why == "new session":
        trader.hello()
    elif why == "gateway silent":
        programs.admin.rows("UPDATE gateways SET seen_at = now() - interval '7 s' WHERE id = %s", trader.gateway)
    else:
        programs.admin.rows("DELETE FROM gateways WHERE id = %s", trader.gateway)
    assert plan["job"] in lapsed(programs)


def test_a_lapsed_effect_is_unknown_and_never_pending(trader, programs):
    (plan,) = trader.send("buy")
    trader.claim()
    (row,) = trader.lapse()
    assert (str(row["job_id"]), row["status"], str(row["signal_id"])) == (plan["job"], "unknown", plan["signal"])
    signal = programs.signal(plan["signal"])
    assert signal["status"] == "pending" and signal["error_message"].startswith("unknown_outcome: ")
    assert not programs.is_ready(plan["job"]) and plan["job"] not in lapsed(programs)
    trader.hello()
    assert trader.claim() == []
    assert [str(job["id"]) for job in trader.questions()] == [plan["job"]]


def test_an_answer_after_the_lapse_still_counts_at_its_epoch(trader, programs):
    (plan,) = trader.send("buy")
    trader.claim()
    trader.lapse()
    assert trader.report(plan, "failed", epoch=1, error="retcode_10006: rejected")["verdict"] == "applied"
    assert programs.signal(plan["signal"])["status"] == "failed"


def test_a_lapsed_read_is_pending_again_and_fails_after_three(trader, programs):
    read = trader.insert("get_account")
    for number, status in enumerate(("pending", "pending", "failed"), 1):
        (job,) = trader.claim()
        assert (job["id"], job["attempt"]) == (read, number)
        programs.admin.rows("UPDATE job_leases SET until_at = now() WHERE job_id = %s", read)
        (row,) = trader.sweep()
        assert (row["job_id"], row["status"]) == (read, status)
    assert programs.job(read)["error_message"].startswith("timeout: ")


def test_both_kinds_lapse_in_one_call(trader, programs):
    (plan,) = trader.send("buy")
    read, build = trader.insert("get_account"), trader.insert("compile", agent="none")
    trader.claim()
    assert {str(row["job_id"]): row["status"] for row in trader.lapse()} == {
        plan["job"]: "unknown", str(read): "pending", str(build): "pending"}
    assert programs.admin.value("SELECT agent_id FROM job_ready WHERE job_id = %s", build) is None


def test_a_lease_that_is_not_lapsed_any_more_is_left(trader, programs):
    """Between the sweeper's looks the agent came back and was asked."""
    (plan,) = trader.send("buy")
    trader.claim()
    trader.end()
    seen = programs.dispatcher.row("SELECT * FROM lapsed_leases() WHERE job_id = %s", plan["job"])
    trader.hello()
    trader.questions()
    lapse = "SELECT * FROM lapse_jobs(ARRAY[%s]::uuid[], ARRAY[%s]::bigint[])"
    assert programs.dispatcher.rows(lapse, plan["job"], seen["lease_epoch"]) == []
    assert programs.dispatcher.rows(lapse, plan["job"], seen["lease_epoch"] + 1) == []
    assert programs.job(plan["job"])["status"] == "claimed"


def test_a_result_without_a_job_is_forgotten_after_7_days(trader, programs):
    def keep(age, count=1):
        programs.admin.rows("INSERT INTO unmatched_results (job_id, agent_id, payload, received_at) "
                            "SELECT gen_random_uuid(), %s, 'kept', now() - %s::interval FROM generate_series(1, %s)",
                            trader.agent, age, count)

    def forget(limit):
        return programs.dispatcher.value("SELECT unmatched_forget(%s)", limit)

    programs.admin.rows("DELETE FROM unmatched_results")
    keep("7 days 1 minute", 3)
    keep("6 days 23:59")
    keep("8 days")
    assert [forget(2), forget(2), forget(2)] == [2, 1, 1], "in portions; one that is young does not stop the older"
    left = programs.admin.rows("SELECT received_at < now() - interval '6 days' AS old FROM unmatched_results")
    assert (forget(2), left) == (0, [{"old": True}])
