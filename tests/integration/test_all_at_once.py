"""kill -9 of everything at the same moment, under load: all programs, Kafka and Postgres. What was answered 202 and what
a terminal executed is in Postgres afterwards, once."""

import signal

from test_outages import RATE, assert_settled_and_consistent, load, statuses  # noqa: F401  load is a fixture
from tradewire_stack import servers
from tradewire_test.scenario import until


def test_everything_killed_at_once(scenario, load):  # noqa: F811
    process, ledger = load
    until(lambda: statuses(ledger).count(202) > RATE, 30, "load is running")
    until(lambda: scenario.sql("SELECT count(*) FROM jobs WHERE status = 'claimed'")[0][0] > 0, 30, "an order is under way")
    for program in scenario.stack.programs:
        program.process.send_signal(signal.SIGKILL)
    servers.KAFKA.kill()
    servers.POSTGRES.kill()
    for program in scenario.stack.programs:
        program.kill()
    scenario.bring_up()
    assert_settled_and_consistent(scenario, process, ledger)
