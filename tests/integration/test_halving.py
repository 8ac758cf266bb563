"""A batch in which every second record is refused by the database: halved until each bad one is alone, and no good one is
lost, doubled or overtaken.

Method: with the dispatcher away six alerts are taken, and behind each a copy whose user does not exist, so that the row
for it breaks a foreign key. Then the dispatcher finds all twelve in one partition.
"""

import re
import subprocess
import uuid

import pytest

from tradewire_test.scenario import until
from tradewire_test.wire_format import decode, records

SIGNALS = "signals.v1"
PAIRS = 6


@pytest.fixture
def dispatcher(scenario):
    """Away; at debug it tells of each refused transaction."""
    program = scenario.stack.dispatcher
    without = dict(program.environment)
    assert program.terminate() == 0
    program.environment = {**without, "LOG_LEVEL": "debug"}
    yield program
    program.environment = without
    if program.is_running():
        assert program.terminate() == 0
    program.start()
    program.wait_ready(60)


def put_bad_copy(scenario, signal_id, folder):
    """The signal's record once more, of nobody, behind it in its partition (same key): the copy's user."""
    stack = scenario.stack
    (key, payload), = [(key, payload) for key, _, payload in records(stack, SIGNALS)
                       if signal_id.encode() in payload]
    user = str(uuid.uuid4())
    for own, other in ((signal_id, str(uuid.uuid4())), (decode("Signal", payload)["user_id"], user)):
        payload = payload.replace(own.encode(), other.encode())
    (folder / user).write_bytes(payload)
    # murmur2: as the programs choose partitions, so that it is the same one
    subprocess.run(["kcat", "-b", stack.kafka_brokers, "-P", "-t", stack.topic_prefix + SIGNALS, "-k", key,
                    "-X", "topic.partitioner=murmur2_random", str(folder / user)], check=True, timeout=60)
    return user


def buried(scenario, users):
    """(reason, user) of each dead letter with a signal of one of them."""
    for _, headers, payload in records(scenario.stack, SIGNALS + ".dlq"):
        try:
            user = decode("Signal", payload)["user_id"]
        except (AssertionError, KeyError, IndexError, UnicodeDecodeError):
            continue  # the garbage of another scenario
        if user in users:
            yield headers["dlq.reason"], user


def test_six_bad_between_six_good(scenario, dispatcher, tmp_path):
    stack = scenario.stack
    strategy = stack.strategies[0]
    before = len(scenario.orders(strategy.account))
    good, bad = [], []
    for _ in range(PAIRS):
        good.append(scenario.alert(strategy).json["signal_id"])
        bad.append(put_bad_copy(scenario, good[-1], tmp_path))
    log = len(dispatcher.log.read_text())
    dispatcher.start()
    assert [scenario.ended(signal)["status"] for signal in good] == ["executed"] * PAIRS
    until(lambda: len(list(buried(scenario, bad))) >= PAIRS, 60, "the bad ones in the dead letters")
    assert list(buried(scenario, bad)) == [("user_deleted", user) for user in bad], "each once, in their order"
    assert len(scenario.orders(strategy.account)) == before + PAIRS
    rows = scenario.sql("SELECT signal_id::text FROM jobs WHERE signal_id = ANY(%s::uuid[]) ORDER BY seq", good)
    assert [row[0] for row in rows] == good, "planned in the order in which they came"
    refused = [int(n) for n in re.findall(r"event=batch_refused.* records=(\d+)", dispatcher.log.read_text()[log:])]
    print("refused together:", refused)
    assert max(refused) > 2 and refused.count(1) == PAIRS, "halved, down to each bad one"
