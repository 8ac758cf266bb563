"""DATABASE_POOLED=on: ingester, dispatcher and gateway behind a PgBouncer in transaction mode.

Method: the stack's three services begin anew with their DATABASE_URL through a pooler that has two backends for each of
them: what a transaction leaves on one (a prepared statement, a setting) is not there for the next transaction.
"""

from urllib.parse import urlsplit, urlunsplit

import pytest

from tradewire_test.pooler import Pooler
from tradewire_test.scenario import until

BACKENDS = 2  # the dispatcher alone has three connections
SERVICES = ("ingester", "dispatcher", "gateway")


def begin_anew(scenario, environments):
    programs = [getattr(scenario.stack, name) for name in SERVICES]
    for program, environment in zip(programs, environments):
        program.environment = environment
    for program in programs:
        assert program.terminate() == 0, program.log_tail()
        program.start()
    for program in programs:
        program.wait_ready(60)
    scenario.wait_connected()


@pytest.fixture
def pooled(scenario):
    stack = scenario.stack
    pooler = Pooler(stack.admin_url, "transaction", {f"tradewire_{name}": stack.password for name in SERVICES}, BACKENDS)
    direct = [dict(getattr(stack, name).environment) for name in SERVICES]

    def through_pooler(given):
        parts = urlsplit(given["DATABASE_URL"])
        url = urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{pooler.port}"))
        return {**given, "DATABASE_URL": url, "DATABASE_POOLED": "on"}

    try:
        begin_anew(scenario, [through_pooler(given) for given in direct])
        yield scenario
    finally:
        try:
            begin_anew(scenario, direct)
        finally:
            pooler.stop()


def backends(scenario):
    rows = scenario.sql("SELECT usename, count(*) FROM pg_stat_activity WHERE datname = %s AND usename = ANY(%s) GROUP BY 1",
                        scenario.stack.name, [f"tradewire_{name}" for name in SERVICES])
    return dict(rows)


def test_signals_pass_behind_a_pooler(pooled):
    stack = pooled.stack
    known = [pooled.alert(strategy) for strategy in stack.strategies[:3] for _ in range(10)]
    assert {answer.status for answer in known} == {202}
    assert {pooled.ended(answer.json["signal_id"])["status"] for answer in known} == {"executed"}

    added = stack.add_strategy(stack.accounts[0], "behind a pooler", max_age_s=120)  # looked up, not in the cache
    row = pooled.ended(pooled.alert(added, action="close").json["signal_id"])
    assert row["error"].startswith("nothing_to_do: "), row
    assert pooled.post("/webhook/tradingview/" + "2" * 64, "{}").status == 401

    found = backends(pooled)
    assert found["tradewire_dispatcher"] <= BACKENDS, f"its three roles share what the pooler has: {found}"


def test_the_sweeper_and_a_returning_agent_behind_a_pooler(pooled):
    """A job that expires while its agent is away; an agent that is killed with an order under way and asked about it."""
    stack = pooled.stack
    account = stack.add_account(stack.add_user(f"pooled@{stack.name}"), "pooled", seed=9100)
    strategy = stack.add_strategy(account, "pooled", max_age_s=2)
    stack.add_terminal(account, sim={"SIM_LATENCY_MS": "400"})
    try:
        row = pooled.ended(pooled.alert(strategy).json["signal_id"])
        assert row["error"].startswith("agent_offline: "), row
        for program in (account.agent, account.sim):
            program.start()
        pooled.wait_connected()
        signal = pooled.alert(strategy).json["signal_id"]
        until(lambda: pooled.sql("SELECT count(*) FROM job_leases WHERE agent_id = %s", account.agent_id) == [(1,)], 30,
              "the agent has it")
        account.agent.kill()
        account.agent.start()
        row = pooled.ended(signal, 150)
        assert len(pooled.orders(account)) == (1 if row["status"] == "executed" else 0), row
    finally:
        for program in (account.agent, account.sim):
            program.kill()
            stack.programs.remove(program)
        stack.accounts.remove(account)
