"""Hello, sessions, questions: who an agent is, and what it is asked about."""

import secrets
import uuid

import pytest

from tradewire_test.trading import Trader


@pytest.fixture
def stranger(programs):
    """Never said hello."""
    return Trader(programs)


def test_the_first_hello_binds_key_journal_and_account(stranger, programs):
    answer = stranger.hello(server="Sim-Demo", journal_seq=5)
    assert (str(answer["user_id"]), answer["session_no"], answer["message"]) == (str(stranger.user), 1, None)
    agent = programs.admin.row("SELECT * FROM mt5_agents WHERE id = %s", stranger.agent)
    assert bytes(agent["curve_public_key"]) == stranger.curve_key
    assert (str(agent["journal_id"]), agent["journal_seq"]) == (stranger.journal, 5) and agent["journal_bound_at"]
    assert agent["is_connected"] and agent["session_ended_at"] is None and str(agent["gateway_id"]) == stranger.gateway
    account = programs.admin.row("SELECT * FROM broker_connections WHERE id = %s", stranger.connection)
    assert (account["server"], account["login"], account["currency"], account["margin_mode"], account["is_real"]) == \
        ("Sim-Demo", "7", "USD", "hedging", False)


def test_a_bound_account_stays(stranger, programs):
    stranger.hello(server="Sim-Demo")
    stranger.hello(server="Other-Live")
    assert programs.admin.value("SELECT server FROM broker_connections WHERE id = %s", stranger.connection) == "Sim-Demo"


def test_an_account_may_follow_its_hello(stranger, programs):
    stranger.hello()
    bind = "SELECT agent_bind_account(%s, %s, 'Late-Demo', '8', 'EUR', 'netting', true)"
    programs.gateway.rows(bind, stranger.agent, 99)
    assert programs.admin.value("SELECT server FROM broker_connections WHERE id = %s", stranger.connection) is None
    programs.gateway.rows(bind, stranger.agent, stranger.session)
    assert programs.admin.value("SELECT server FROM broker_connections WHERE id = %s", stranger.connection) == "Late-Demo"


def test_each_hello_raises_the_session(stranger):
    assert [stranger.hello()["session_no"] for _ in range(3)] == [1, 2, 3]


def test_not_paired(stranger, programs):
    stranger.hello("not_paired", agent=str(uuid.uuid4()))
    stranger.hello("not_paired", key_hash=secrets.token_hex(32))
    programs.admin.rows("UPDATE mt5_agents SET pairing_key_hash = NULL WHERE id = %s", stranger.agent)
    stranger.hello("not_paired")
    assert programs.admin.value("SELECT session_no FROM mt5_agents WHERE id = %s", stranger.agent) == 0


def test_agent_revoked(stranger, programs):
    programs.admin.rows("UPDATE mt5_agents SET revoked_at = now() WHERE id = %s", stranger.agent)
    stranger.hello("not_paired", key_hash=secrets.token_hex(32))
    stranger.hello("agent_revoked")


def test_key_mismatch_until_rotated(stranger, programs):
    stranger.hello()
    other = secrets.token_bytes(32)
    stranger.hello("key_mismatch", curve_key=other)
    stranger.end()
    stranger.key_hash = secrets.token_hex(32)
    programs.operator.rows("SELECT agent_rotate(%s, %s, 'new')", stranger.agent, stranger.key_hash)
    stranger.hello(curve_key=other)


def test_journal_changed(stranger, programs):
    stranger.hello(journal_seq=10)
    live = stranger.hello("journal_changed", journal=str(uuid.uuid4()), journal_seq=99)
    assert "live session" in live["message"]
    assert "older" in stranger.hello("journal_changed", journal_seq=9)["message"]
    stranger.end()
    assert "rotate" in stranger.hello("journal_changed", journal=str(uuid.uuid4()))["message"]
    stranger.hello(journal_seq=10)
    stranger.hello(journal_seq=11)
    assert programs.admin.value("SELECT journal_seq FROM mt5_agents WHERE id = %s", stranger.agent) == 11


def test_hello_gives_back_reads_and_builds_but_no_effect(trader, programs):
    read, build = trader.insert("get_account"), trader.insert("compile", agent="none")
    (plan,) = trader.send("buy")
    trader.claim()
    trader.hello()
    assert [programs.job(job)["status"] for job in (read, build, plan["job"])] == ["pending", "pending", "claimed"]
    assert programs.job(read)["agent_id"] is None
    assert set(trader.claim_ids()) == {str(read), str(build)}


def test_reads_are_not_done_again_for_ever(trader, programs):
    read = trader.insert("get_account")
    for _ in range(3):
        assert trader.claim_ids() == [str(read)]
        trader.hello()
    job = programs.job(read)
    assert job["status"] == "failed" and job["error_message"].startswith("timeout: ") and job["completed_at"]


def test_open_effects_are_asked_about_once_per_session(trader, programs):
    first, second = trader.send("buy", "sell")
    trader.claim()
    assert trader.questions() == [], "the session that claimed them works on them"
    trader.hello()
    asked = trader.questions()
    assert [str(job["id"]) for job in asked] == [first["job"], second["job"]]
    assert {(job["status"], job["lease_epoch"], job["lease_session"]) for job in asked} == {("claimed", 2, 2)}
    assert trader.questions() == []
    lease = programs.lease(first["job"])
    assert (lease["session_no"], lease["asked_session"], lease["lease_epoch"]) == (2, 2, 2)
    trader.hello()
    assert {job["lease_epoch"] for job in trader.questions()} == {3}


def test_what_became_unknown_is_asked_about_in_the_same_session(trader, programs):
    (plan,) = trader.send("buy")
    trader.claim()
    trader.report(plan, "unknown", error="unknown_outcome: no answer")
    (asked,) = trader.questions()
    assert (asked["status"], asked["lease_epoch"]) == ("unknown", 2)
    assert trader.questions() == []


def test_a_question_needs_the_current_session(trader):
    trader.send("buy")
    trader.claim()
    trader.hello()
    assert trader.questions(session_no=1) == []
    assert len(trader.questions()) == 1


def test_only_the_current_session_is_ended(trader, programs):
    trader.hello()
    programs.gateway.rows("SELECT session_end(ARRAY[%s]::uuid[], ARRAY[1]::bigint[])", trader.agent)
    assert programs.admin.value("SELECT is_connected FROM mt5_agents WHERE id = %s", trader.agent)
    trader.end()
    assert not programs.admin.value("SELECT is_connected FROM mt5_agents WHERE id = %s", trader.agent)


def test_presence_is_written_for_current_sessions(trader, programs):
    programs.admin.rows("UPDATE mt5_agents SET last_heartbeat = 'epoch' WHERE id = %s", trader.agent)
    seen = "SELECT sessions_seen(ARRAY[%s]::uuid[], ARRAY[%s]::bigint[])"
    programs.gateway.rows(seen, trader.agent, 99)
    assert programs.admin.value("SELECT last_heartbeat = 'epoch' FROM mt5_agents WHERE id = %s", trader.agent)
    programs.gateway.rows(seen, trader.agent, trader.session)
    assert programs.admin.value("SELECT last_heartbeat > now() - interval '5 s' FROM mt5_agents WHERE id = %s", trader.agent)


def ready_agents(programs, seconds=5):
    return {row["ready_agents"] for row in programs.gateway.rows("SELECT ready_agents(%s)", seconds)}


def test_ready_agents(trader, programs):
    assert trader.agent not in ready_agents(programs)
    other = Trader(programs, user=trader.user)
    trader.insert("get_account")
    assert trader.agent in ready_agents(programs) and other.agent not in ready_agents(programs)
    trader.insert("get_candles", agent="none")
    assert {trader.agent, other.agent} <= ready_agents(programs)
    programs.admin.rows("UPDATE job_ready SET added_at = now() - interval '1 h' WHERE user_id = %s", trader.user)
    assert not {trader.agent, other.agent} & ready_agents(programs)
    programs.admin.rows("UPDATE job_ready SET ready_at = now() WHERE agent_id = %s", trader.agent)
    assert trader.agent in ready_agents(programs)
