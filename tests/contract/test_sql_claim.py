"""claim_next_job and claim_jobs: who gets which job, in which order, and who gets none."""

import threading
import uuid

import psycopg2
import pytest

from tradewire_test.trading import Trader


def test_effects_come_in_seq_order(trader):
    plans = trader.send("buy", "sell", "buy", "close")
    assert trader.claim_ids(effects=3) == [p["job"] for p in plans[:3]]
    assert trader.claim_ids() == [plans[3]["job"]]
    assert trader.claim_ids() == []


def test_a_claim_writes_job_lease_and_epoch(trader, programs):
    (plan,) = trader.send("buy")
    (job,) = trader.claim()
    assert (job["status"], job["lease_epoch"], job["attempt"], job["lease_session"]) == ("claimed", 1, 1, trader.session)
    assert job["agent_id"] == trader.agent and abs((job["claimed_at"] - job["started_at"]).total_seconds()) < 0.1
    lease = programs.lease(plan["job"])
    assert (lease["until_at"] - job["claimed_at"]).total_seconds() == 60
    assert (lease["lane"], lease["symbol"], str(lease["strategy_id"])) == (1, "EURUSD", str(trader.strategy))
    assert not programs.is_ready(plan["job"])


def test_lanes_have_their_own_limits(trader):
    for _ in range(3):
        trader.insert("get_candles", agent="none")
        trader.insert("get_account")
        trader.insert("compile", agent="none")
        trader.insert("trade", input_data='{"symbol": "EURUSD"}')
    taken = trader.claim(effects=2, reads=5, builds=1)
    by_lane = {lane: sum(1 for job in taken if job["lane"] == lane) for lane in (1, 2, 3)}
    assert by_lane == {1: 2, 2: 5, 3: 1}
    assert [job["seq"] for job in taken] == sorted(job["seq"] for job in taken)


def test_claim_next_job_takes_effects_first(trader, programs):
    read = trader.insert("get_candles", agent="none")
    build = trader.insert("compile", agent="none")
    trade = trader.insert("trade", input_data='{"symbol": "EURUSD"}')
    order = [programs.gateway.value("SELECT id FROM claim_next_job(%s)", trader.agent) for _ in range(3)]
    assert order == [trade, read, build]
    assert programs.gateway.rows("SELECT * FROM claim_next_job(%s)", trader.agent) == []


def test_claim_next_job_needs_no_hello(programs):
    trader = Trader(programs)
    trader.send("buy")
    job = programs.gateway.row("SELECT * FROM claim_next_job(%s)", trader.agent)
    assert job["lease_session"] == 0
    assert programs.dispatcher.rows("SELECT * FROM lapsed_leases() WHERE job_id = %s", job["id"]) == []


@pytest.mark.parametrize("agent", [None, str(uuid.uuid4())])
def test_an_unknown_agent_gets_nothing(programs, agent):
    assert programs.gateway.rows("SELECT * FROM claim_next_job(%s)", agent) == []
    assert programs.gateway.rows("SELECT * FROM claim_jobs(ARRAY[%s]::uuid[], ARRAY[1]::bigint[], ARRAY[8], ARRAY[4], ARRAY[1])",
                                 agent) == []


def test_a_revoked_agent_gets_nothing(trader, programs):
    trader.send("buy")
    programs.admin.rows("UPDATE mt5_agents SET revoked_at = now() WHERE id = %s", trader.agent)
    assert trader.claim() == []
    assert programs.gateway.rows("SELECT * FROM claim_next_job(%s)", trader.agent) == []


def test_another_users_jobs_are_not_seen(trader, programs):
    other = Trader(programs)
    other.hello()
    other.send("buy")
    other.insert("compile", agent="none")
    assert trader.claim() == []
    assert programs.gateway.rows("SELECT * FROM claim_next_job(%s)", trader.agent) == []


def test_another_agents_jobs_are_not_seen(trader, programs):
    other = Trader(programs, user=trader.user)
    other.hello()
    plan = other.send("buy")[0]
    assert trader.claim() == []
    assert other.claim_ids() == [plan["job"]]


@pytest.mark.parametrize("session_no", [0, 2, None])
def test_only_the_current_session_claims(trader, session_no):
    trader.send("buy")
    assert trader.session == 1
    assert trader.programs.gateway.rows(
        "SELECT * FROM claim_jobs(ARRAY[%s]::uuid[], ARRAY[%s]::bigint[], ARRAY[8], ARRAY[4], ARRAY[1])", trader.agent,
        session_no) == []


def test_an_ended_session_claims_nothing(trader):
    trader.send("buy")
    trader.end()
    assert trader.claim() == []


def test_ready_at_is_waited_for(trader, programs):
    later = trader.insert("get_candles", ready_at=programs.now(60))
    now = trader.insert("get_candles", ready_at=programs.now(-1))
    assert trader.claim_ids() == [str(now)]
    assert programs.is_ready(later)


def test_an_expired_job_is_not_claimed(trader):
    trader.send("buy", expires_s=-1)
    (plan,) = trader.send("buy")
    assert trader.claim_ids() == [plan["job"]]


def test_a_job_waits_for_the_one_it_comes_after(trader):
    (close,) = trader.send("close")
    entry = trader.insert("trade", after_job_id=close["job"], input_data='{"symbol": "EURUSD"}')
    assert trader.claim_ids() == [close["job"]]
    assert trader.claim_ids() == []
    trader.done(close)
    assert trader.claim_ids() == [str(entry)]


def test_entries_wait_for_an_unknown_job_of_their_strategy_and_symbol(trader, programs):
    (first,) = trader.send("buy")
    trader.claim()
    trader.lapse()
    trader.hello()
    (held,) = trader.send("buy")
    (other_symbol,) = trader.send("buy", symbol="GBPUSD")
    (close,) = trader.send("close", symbol="GBPUSD")
    assert trader.claim_ids() == [other_symbol["job"], close["job"]]
    assert programs.is_ready(held["job"])
    trader.report(first, "failed", error="retcode_10006: rejected")
    assert trader.claim_ids() == [held["job"]]


def test_a_close_passes_a_held_entry_which_is_then_superseded(trader, programs):
    trader.send("buy")
    trader.claim()
    trader.lapse()
    trader.hello()
    (held,) = trader.send("buy")
    (close,) = trader.send("close")
    job, signal = programs.job(held["job"]), programs.signal(held["signal"])
    assert job["status"] == "cancelled" and job["error_message"].startswith("superseded: ")
    assert signal["status"] == "discarded" and signal["error_message"].startswith("superseded: ") and signal["resolved_at"]
    assert trader.claim_ids() == [close["job"]]


def test_an_entry_that_becomes_held_after_its_close_was_planned_is_superseded(trader, programs):
    """The other side of the race: unknown comes after the close."""
    trader.send("buy")
    trader.claim()
    (entry,) = trader.send("buy")
    trader.send("close")
    trader.lapse()
    assert programs.job(entry["job"])["status"] == "cancelled"
    assert programs.signal(entry["signal"])["error_message"].startswith("superseded: ")


def test_an_entry_that_may_start_is_not_superseded(trader):
    entry, close = trader.send("buy", "close")
    assert trader.claim_ids() == [entry["job"], close["job"]]


def test_a_later_entry_is_not_superseded(trader, programs):
    trader.send("buy")
    trader.claim()
    trader.lapse()
    trader.send("close")
    (later,) = trader.send("buy")
    trader.send("close", symbol="GBPUSD")
    assert programs.job(later["job"])["status"] == "pending"


def test_a_reverse_is_superseded_by_a_later_close(trader, programs):
    """Its entry waits for its close; the later close passes it and must not find it opened afterwards."""
    (close,) = trader.send("close")
    entry = trader.insert("trade", after_job_id=close["job"], strategy_id=trader.strategy, input_data='{"symbol": "EURUSD"}')
    trader.send("close")
    assert programs.job(entry)["status"] == "cancelled"


def test_anybodys_job_goes_to_one_of_the_users_agents(trader, programs):
    other = Trader(programs, user=trader.user)
    other.hello()
    job = trader.insert("get_candles", agent="none")
    taken = programs.gateway.rows(
        "SELECT * FROM claim_jobs(ARRAY[%s, %s]::uuid[], ARRAY[%s, %s]::bigint[], ARRAY[8, 8], ARRAY[4, 4], ARRAY[1, 1])",
        trader.agent, other.agent, trader.session, other.session)
    assert [row["id"] for row in taken] == [job]
    assert taken[0]["agent_id"] in (trader.agent, other.agent)


def test_repeatable_read_is_refused(trader, programs, refused):
    programs.gateway.begin("REPEATABLE READ")
    try:
        with refused("broken_invariant: "):
            trader.claim()
    finally:
        programs.gateway.rollback()


def test_a_row_that_somebody_claims_is_not_waited_for_by_other_accounts(trader, programs, database):
    """An account's lock keeps the account's effects back and nobody else."""
    other = Trader(programs)
    other.hello()
    mine, theirs = trader.send("buy")[0], other.send("buy")[0]
    holder = database.session("tradewire_gateway")
    holder.begin()
    assert [str(j["id"]) for j in trader.claim(effects=0, session=holder)] == []
    assert trader.claim() == [], "the account is locked"
    assert other.claim_ids() == [theirs["job"]]
    holder.rollback()
    assert trader.claim_ids() == [mine["job"]]


def test_a_claim_waits_for_a_hello_and_is_its_session_s(trader, programs, database):
    trader.send("buy")
    greeter, claimer, taken = database.session("tradewire_gateway"), database.session("tradewire_gateway"), []
    greeter.begin()
    greeter.rows("SELECT * FROM agent_hello(%s, %s, %s, %s, 1, %s, NULL, NULL, NULL, NULL, NULL)", trader.agent,
                 trader.key_hash, trader.curve_key, trader.journal, trader.gateway)
    thread = threading.Thread(target=lambda: taken.extend(claimer.rows("SELECT * FROM claim_next_job(%s)", trader.agent)))
    thread.start()
    thread.join(0.3)
    assert thread.is_alive() and taken == []
    greeter.commit()
    thread.join(10)
    assert [job["lease_session"] for job in taken] == [2]


def test_an_inconsistent_row_stops_the_claim_and_nothing_is_half_done(trader, programs, refused):
    (plan,) = trader.send("buy")
    programs.admin.rows("UPDATE jobs SET status = 'cancelled' WHERE id = %s", plan["job"])
    with refused("broken_invariant: "):
        trader.claim()
    assert programs.is_ready(plan["job"]) and programs.lease(plan["job"]) is None
    programs.admin.rows("DELETE FROM jobs WHERE id = %s", plan["job"])


@pytest.mark.parametrize("by_next", [True, False], ids=["claim_next_job", "claim_jobs"])
def test_eight_claimers_never_share_a_job(programs, database, by_next):
    """2,000 effects of 4 accounts: each claimed once, an account's in seq order, whoever claims them."""
    traders = [Trader(programs) for _ in range(4)]
    for trader in traders:
        trader.hello()
        for _ in range(5):
            programs.write([trader.plan(expires_s=600) for _ in range(100)])
    taken, lock, failures = [], threading.Lock(), []

    def claimer(number):
        session = database.session("tradewire_gateway")
        idle = 0
        try:
            while idle < 20:
                if by_next:
                    rows = session.rows("SELECT * FROM claim_next_job(%s)", traders[number % 4].agent)
                else:
                    rows = session.rows("SELECT * FROM claim_jobs(%s::uuid[], %s::bigint[], %s, %s, %s)",
                                        [t.agent for t in traders], [t.session for t in traders], [3] * 4, [0] * 4, [0] * 4)
                idle = 0 if rows else idle + 1
                with lock:
                    taken.extend(rows)
        except psycopg2.Error as error:
            failures.append(error)

    threads = [threading.Thread(target=claimer, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    assert len(taken) == 2000 and len({job["id"] for job in taken}) == 2000
    for trader in traders:
        claimed = programs.admin.rows("SELECT seq FROM jobs WHERE agent_id = %s ORDER BY claimed_at, seq", trader.agent)
        assert [job["seq"] for job in claimed] == sorted(job["seq"] for job in claimed)
        assert len(claimed) == 500
    programs.check()


def test_claims_and_completions_are_hot(programs):
    """No index entry is written: the updates stay on their pages."""
    before = programs.admin.row("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'jobs'")
    trader = Trader(programs)
    trader.hello()
    plans = [trader.plan(expires_s=600) for _ in range(400)]
    programs.write(plans)
    for _ in range(4):
        claimed = trader.claim(effects=100)
        assert len(claimed) == 100
        verdicts = programs.apply(*[{"job": str(job["id"]), "agent": trader.agent, "epoch": 1, "outcome": "done",
                                     "order_id": "1", "fill_price": "1.1"} for job in claimed])
        assert {row["verdict"] for row in verdicts} == {"applied"}
    for session in (programs.admin, programs.dispatcher, programs.gateway):
        session.rows("SELECT pg_stat_force_next_flush()")
        session.rows("SELECT 1")
    after = programs.admin.row("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'jobs'")
    updates = after["n_tup_upd"] - before["n_tup_upd"]
    hot = after["n_tup_hot_upd"] - before["n_tup_hot_upd"]
    assert updates >= 800
    assert hot >= 0.98 * updates, f"{hot} of {updates} updates were HOT"


def test_no_index_on_jobs_covers_what_a_claim_or_a_completion_changes(programs):
    changing = {"status", "agent_id", "claimed_at", "started_at", "lease_epoch", "lease_session", "attempt", "completed_at",
                "output_data", "error_message", "timeline", "updated_at", "ready_at", "fill_price", "filled_volume",
                "broker_order_id"}
    indexes = programs.admin.rows("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'jobs'")
    assert indexes
    for index in indexes:
        words = set(index["indexdef"].replace("(", " ").replace(")", " ").replace(",", " ").split())
        assert words & changing == set(), index["indexdef"]
