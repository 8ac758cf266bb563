"""jobs.traceparent: kept from the signal, handed to whoever announces the job or its end."""

import psycopg2
import pytest

from tradewire_test.trading import Trader

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_signals_trace_stays_with_its_job(trader, programs):
    with_trace, without = trader.plan(trace=TRACE), trader.plan()
    assert programs.write([with_trace, without]) == 2
    assert programs.job(with_trace["job"])["traceparent"] == TRACE
    assert programs.job(without["job"])["traceparent"] is None
    claimed = {str(job["id"]): job["traceparent"] for job in trader.claim()}
    assert claimed == {with_trace["job"]: TRACE, without["job"]: None}


def test_a_question_carries_it_and_so_does_the_verdict(trader, programs):
    (plan,) = trader.send("buy", trace=TRACE)
    trader.claim()
    (lapsed,) = trader.lapse()
    assert (lapsed["status"], lapsed["traceparent"]) == ("unknown", TRACE)
    trader.hello()
    assert [job["traceparent"] for job in trader.questions()] == [TRACE]
    verdict = trader.done(plan)
    assert (verdict["verdict"], verdict["traceparent"]) == ("applied", TRACE)
    assert trader.report("00000000-0000-4000-8000-000000000001", "done", epoch=1)["traceparent"] is None


def test_an_expired_job_says_it(programs):
    trader = Trader(programs)
    (plan,) = trader.send("buy", expires_s=-1, trace=TRACE)
    rows = programs.dispatcher.rows("SELECT * FROM expire_jobs(1000)")
    assert {str(row["job_id"]): row["traceparent"] for row in rows}[plan["job"]] == TRACE


def test_a_read_that_lapses_says_it(trader, programs):
    job = trader.insert("get_account", traceparent=TRACE)
    trader.claim()
    assert {str(row["job_id"]): row["traceparent"] for row in trader.lapse()} == {str(job): TRACE}


@pytest.mark.parametrize("trace", [
    "", "nonsense", TRACE + " ", TRACE + "\n", TRACE.upper(), TRACE[:-1], TRACE.replace("00-4", "01-4"),
    "00-" + "0" * 32 + TRACE[35:], TRACE[:36] + "0" * 16 + "-01"])
def test_what_is_no_trace_is_refused(trader, trace):
    with pytest.raises(psycopg2.errors.CheckViolation, match="jobs_traceparent_check"):
        trader.insert("get_account", traceparent=trace)
