"""Who follows a dispatcher, and when: Kafka's own list of the group's members tells, not the clock.

With CONSUMER_INSTANCE a successor takes the place of its predecessor while that one still is a member in good standing:
it cannot have waited for the end of its session. Without a name it is given nothing as long as the dead one is a member.
"""

import re
import socket
import struct

import pytest

from tradewire_stack.program import Program
from tradewire_stack.stack import free_port
from tradewire_test.scenario import until

GROUPS = {"signals.v1": "job-dispatcher.signals", "results.v1": "job-dispatcher.results"}
DESCRIBE_GROUPS = 15


def members(stack, topic):
    """{member id: has it partitions?} of the group that reads the topic: Kafka's DescribeGroups, version 0."""
    group = (stack.topic_prefix + GROUPS[topic]).encode()
    client = b"test"
    request = struct.pack(">hhih", DESCRIBE_GROUPS, 0, 1, len(client)) + client
    request += struct.pack(">ih", 1, len(group)) + group
    host, port = stack.kafka_brokers.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as broker, broker.makefile("rwb") as stream:
        stream.write(struct.pack(">i", len(request)) + request)
        stream.flush()
        (length,) = struct.unpack(">i", stream.read(4))
        answer = stream.read(length)
    at = 4 + 4 + 2  # correlation, count of groups, error

    def read(form):
        nonlocal at
        (length,) = struct.unpack_from(form, answer, at)
        at += struct.calcsize(form) + max(length, 0)
        return answer[at - max(length, 0):at]

    for _ in range(4):  # group, state, protocol type, protocol
        read(">h")
    (count,) = struct.unpack_from(">i", answer, at)
    at += 4
    found = {}
    for _ in range(count):
        member = read(">h").decode()
        read(">h"), read(">h"), read(">i")  # client id, host, subscription
        assignment = read(">i")
        # version, count of topics: none for a member that has no partitions, or no answer yet
        found[member] = len(assignment) >= 6 and struct.unpack_from(">hi", assignment)[1] > 0
    return found


def is_assigned(program, since, topic):
    """Did it say so, after the first `since` bytes of its log?"""
    return bool(re.search(rf"event=consumer_assigned topic=\S+{re.escape(topic)} ", program.log.read_text()[since:]))


@pytest.fixture
def dispatcher(scenario):
    """`dispatcher(named=…)` begins the stack's dispatcher anew, under its name or without one; the usual one comes back."""
    program = scenario.stack.dispatcher
    without = dict(program.environment)
    assert without["CONSUMER_INSTANCE"]

    def begin(named):
        assert program.terminate() == 0
        program.environment = without if named else {**without, "CONSUMER_INSTANCE": ""}
        program.start()
        program.wait_ready(60)
        return program

    yield begin
    program.environment = without
    program.terminate()
    program.start()
    program.wait_ready(60)


def test_a_successor_of_the_same_name_does_not_wait_for_the_session_to_end(scenario, dispatcher):
    """Two at a time: the older one lives and keeps its session alive, so its end cannot be what the younger waits for."""
    stack = scenario.stack
    older = dispatcher(named=True)
    before = {topic: members(stack, topic) for topic in GROUPS}
    assert all(list(found.values()) == [True] for found in before.values()), before
    admin = f"127.0.0.1:{free_port()}"
    younger = Program("job-dispatcher-younger", older.binary, {**older.environment, "ADMIN_LISTEN": admin},
                      older.log.with_name("job-dispatcher-younger.log"), admin)
    younger.start()
    try:
        until(lambda: all(is_assigned(younger, 0, topic) for topic in GROUPS), 60, "the younger one has the partitions")
        until(lambda: not older.is_running(), 60, "the older one has ended by itself")
        assert older.process.returncode == 70 and "event=instance_fenced" in older.log_tail(50)
        after = {topic: members(stack, topic) for topic in GROUPS}
        assert all(list(found.values()) == [True] for found in after.values()), after
        assert all(before[topic].keys().isdisjoint(after[topic]) for topic in GROUPS)
        assert scenario.ended(scenario.alert(stack.strategies[0]).json["signal_id"])["status"] == "executed"
    finally:
        assert younger.terminate() == 0


@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
def test_a_killed_one_is_followed(scenario, dispatcher, named):
    stack = scenario.stack
    program = dispatcher(named)
    dead = {topic: set(members(stack, topic)) for topic in GROUPS}
    program.kill()
    waiting = [scenario.alert(strategy).json["signal_id"] for strategy in stack.strategies[:3]]
    since = len(program.log.read_text())
    program.start()

    def followed():
        for topic in GROUPS:
            assigned = is_assigned(program, since, topic)  # before the members are asked for: who is out stays out
            found = members(stack, topic)
            assert not (assigned and dead[topic] & found.keys()), f"{topic}: the dead one is a member, and was followed: {found}"
        return all(is_assigned(program, since, topic) for topic in GROUPS)

    until(followed, 60, "it has the partitions")
    assert {scenario.ended(signal)["status"] for signal in waiting} == {"executed"}
