"""Results whose job is not known wait for it: those of a job that is there are found among many, and old ones are deleted.

Method: rows put where a restored database would have them; one holds the record of a job that exists.
"""

import uuid

import pytest

from tradewire_test.scenario import until
from tradewire_test.wire_format import records

KEEP = ("INSERT INTO unmatched_results (job_id, agent_id, payload, received_at) "
        "SELECT gen_random_uuid(), %s, 'kept', now() - %s::interval FROM generate_series(1, %s)")


@pytest.fixture
def agent(scenario):
    """Nobody's id, for rows that the test may delete."""
    made = str(uuid.uuid4())
    yield made
    scenario.sql("DELETE FROM unmatched_results WHERE agent_id = %s", made)


def count(scenario, agent):
    return scenario.sql("SELECT count(*) FROM unmatched_results WHERE agent_id = %s", agent)[0][0]


def test_one_whose_job_is_there_is_found_behind_many_that_wait(scenario, agent):
    signal = scenario.alert(scenario.stack.strategies[0]).json["signal_id"]
    scenario.ended(signal)
    job = scenario.stack.ctl("signal", "show", signal)["job_id"]
    payload, *_ = [payload for _, _, payload in records(scenario.stack, "results.v1") if job.encode() in payload]
    repeated = scenario.stack.dispatcher.metric("tradewire_results_total")
    scenario.sql(KEEP, agent, "0", 2500)
    scenario.sql("INSERT INTO unmatched_results (job_id, agent_id, payload) VALUES (%s, %s, %s)", job, agent, payload)
    until(lambda: count(scenario, agent) == 2500, 30, "it was applied")
    until(lambda: scenario.stack.dispatcher.metric("tradewire_results_total") == repeated + 1, 5, "and counted, once")


def test_what_waited_7_days_is_deleted_and_counted(scenario, agent):
    before = scenario.stack.dispatcher.metric("tradewire_results_forgotten_total")
    scenario.sql(KEEP, agent, "7 days 1 minute", 1200)
    scenario.sql(KEEP, agent, "6 days 23 hours", 1)
    until(lambda: count(scenario, agent) == 1, 30, "the old ones are gone")
    until(lambda: scenario.stack.dispatcher.metric("tradewire_results_forgotten_total") == before + 1200, 5, "and counted")
