"""What tradewirectl does: users, agents, accounts, strategies, and jobs resolved by hand."""

import uuid

import pytest

HASH = "0123456789abcdef" * 4


def test_a_user_is_made_once(programs):
    operator = programs.operator
    first = operator.value("SELECT user_add('Someone@Test.example')")
    assert operator.value("SELECT user_add('someone@test.example')") == first


@pytest.mark.parametrize("email", [None, "", "nobody", "a b@c", "@", "x@" + "y" * 320])
def test_an_address_must_be_one(programs, refused, email):
    with refused("bad_argument: "):
        programs.operator.rows("SELECT user_add(%s)", email)


def test_pairing_refusals(programs, trader, refused):
    pair = "SELECT agent_pair(%s, %s, %s, 'p')"
    with refused("unknown_user: "):
        programs.operator.rows(pair, str(uuid.uuid4()), "agent", HASH)
    for bad in (None, "", HASH[:-1], HASH.upper()):
        with refused("bad_argument: "):
            programs.operator.rows(pair, trader.user, "agent", bad)
    for name in (None, "", "   ", "x" * 101):
        with refused("bad_argument: "):
            programs.operator.rows(pair, trader.user, name, HASH)


def test_rotate_refusals(programs, trader, refused):
    rotate = "SELECT agent_rotate(%s, %s, 'p')"
    with refused("session_live: "):
        programs.operator.rows(rotate, trader.agent, HASH)
    with refused("unknown_agent: "):
        programs.operator.rows(rotate, str(uuid.uuid4()), HASH)
    trader.end()
    programs.operator.rows(rotate, trader.agent, HASH)
    agent = programs.admin.row("SELECT * FROM mt5_agents WHERE id = %s", trader.agent)
    assert agent["pairing_key_hash"] == HASH
    assert {agent[name] for name in ("curve_public_key", "journal_id", "journal_seq", "journal_bound_at")} == {None}
    programs.admin.rows("UPDATE mt5_agents SET revoked_at = now() WHERE id = %s", trader.agent)
    with refused("agent_revoked: "):
        programs.operator.rows(rotate, trader.agent, HASH)


def test_an_agent_whose_gateway_died_can_be_rotated(programs, trader):
    programs.admin.rows("UPDATE gateways SET seen_at = now() - interval '7 s' WHERE id = %s", trader.gateway)
    programs.operator.rows("SELECT agent_rotate(%s, %s, 'p')", trader.agent, HASH)


def test_an_agent_serves_one_connection_of_its_own_user(programs, trader, refused):
    add = "SELECT broker_add(%s, %s, 'second')"
    with refused("agent_bound: "):
        programs.operator.rows(add, trader.user, trader.agent)
    other = programs.operator.value("SELECT user_add(%s)", f"{uuid.uuid4()}@test.example")
    with refused("unknown_agent: "):
        programs.operator.rows(add, other, trader.agent)


def test_strategy_refusals(programs, trader, refused):
    add = "SELECT * FROM strategy_add(%s, 'name', %s, ARRAY['EURUSD'], %s, %s)"
    with refused("unknown_broker: "):
        programs.operator.rows(add, trader.user, str(uuid.uuid4()), 1, "{}")
    with refused("bad_argument: "):
        programs.operator.rows(add, trader.user, trader.connection, 101, "{}")
    with refused("bad_settings: "):
        programs.operator.rows(add, trader.user, trader.connection, 1, '{"typo": 1}')
    made = programs.operator.row(add, trader.user, None, None, None)
    stored = programs.admin.row("SELECT * FROM tv_strategies WHERE id = %s", made["strategy_id"])
    assert stored["webhook_secret"] == made["webhook_secret"] and stored["allowed_pairs"] == ["EURUSD"]
    assert stored["settings"] == {} and stored["broker_connection_id"] is None


RESOLVE = "SELECT job_resolve(%s, %s, %s, %s, %s, 'ann', 'seen in the terminal')"


@pytest.fixture
def unknown(trader):
    (plan,) = trader.send("buy")
    trader.claim()
    trader.report(plan, "unknown")
    return plan


def test_resolved_as_executed(programs, trader, unknown):
    assert programs.operator.value(RESOLVE, unknown["job"], "executed", "1.0845", "1001", "0.10") == "applied"
    job, signal = programs.job(unknown["job"]), programs.signal(unknown["signal"])
    assert (job["status"], job["error_message"]) == ("completed", None) and programs.lease(unknown["job"]) is None
    assert (signal["status"], str(signal["fill_price"]), signal["broker_order_id"]) == ("executed", "1.08450", "1001")
    audit = programs.operator.row("SELECT * FROM audit_log WHERE object = %s", f"job:{unknown['job']}")
    assert (audit["action"], audit["actor"], audit["after"]["reason"]) == ("job_resolve", "operator:ann", "seen in the terminal")
    assert trader.done(unknown)["verdict"] == "repeated", "the agent says the same later"


def test_resolved_as_not_executed(programs, trader, unknown):
    programs.operator.rows(RESOLVE, unknown["job"], "not_executed", None, None, None)
    signal = programs.signal(unknown["signal"])
    assert signal["status"] == "failed" and signal["error_message"].startswith("not_executed: ")
    assert trader.done(unknown)["verdict"] == "conflict", "the agent knows better: somebody must look"


def test_resolving_lets_held_entries_go(programs, trader, unknown):
    (held,) = trader.send("buy")
    assert trader.claim() == []
    programs.operator.rows(RESOLVE, unknown["job"], "not_executed", None, None, None)
    assert trader.claim_ids() == [held["job"]]


def test_only_an_unknown_job_is_resolved(programs, trader, unknown, refused):
    (plan,) = trader.send("close")
    with refused("not_unknown: "):
        programs.operator.rows(RESOLVE, plan["job"], "executed", None, None, None)
    with refused("unknown_job: "):
        programs.operator.rows(RESOLVE, str(uuid.uuid4()), "executed", None, None, None)
    for outcome in (None, "", "done"):
        with refused("bad_argument: "):
            programs.operator.rows(RESOLVE, unknown["job"], outcome, None, None, None)
    programs.operator.rows(RESOLVE, unknown["job"], "executed", None, None, None)
    with refused("not_unknown: "):
        programs.operator.rows(RESOLVE, unknown["job"], "executed", None, None, None)


def test_the_audit_log_is_append_only(programs, unknown, refused):
    programs.operator.rows(RESOLVE, unknown["job"], "executed", None, None, None)
    for change in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"):
        with refused("forbidden: "):
            programs.admin.rows(change + " WHERE object = %s", f"job:{unknown['job']}")
