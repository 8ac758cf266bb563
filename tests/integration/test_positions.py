"""A position that Kafka does not have: the dispatcher says so and ends, rather than skip records or take them twice."""

import pytest

from tradewire_test.scenario import until

GROUP, TOPIC = "job-dispatcher.signals", "signals.v1"


@pytest.fixture
def position(scenario):
    """`position(offset)` sets where the signals' first partition goes on; the true one comes back whatever happens."""
    stack = scenario.stack
    assert stack.dispatcher.terminate() == 0
    where = (stack.topic_prefix + GROUP, stack.topic_prefix + TOPIC)
    ((true,),) = scenario.sql("SELECT next_offset FROM consumer_offsets WHERE group_id = %s AND topic = %s AND partition = 0",
                              *where)

    def put(offset=true):
        scenario.sql("UPDATE consumer_offsets SET next_offset = %s WHERE group_id = %s AND topic = %s AND partition = 0",
                     offset, *where)

    yield put
    if not stack.dispatcher.is_running():
        put()
        stack.dispatcher.start()
    stack.dispatcher.wait_ready(60)


def test_a_position_out_of_range_ends_the_dispatcher_and_loses_nothing(scenario, position):
    dispatcher = scenario.stack.dispatcher
    waiting = [scenario.alert(strategy).json["signal_id"] for strategy in scenario.stack.strategies[:3]]
    position(10**9)
    dispatcher.start()
    until(lambda: not dispatcher.is_running(), 60, "the dispatcher has ended by itself")
    assert dispatcher.process.returncode == 70
    said = dispatcher.log_tail(50)
    assert "event=position_out_of_range" in said and "set consumer_offsets.next_offset by hand" in said

    position()
    dispatcher.start()
    assert {scenario.ended(signal)["status"] for signal in waiting} == {"executed"}
