"""Garbage on every topic and socket: dead-lettered or dropped with a counter, and the next signal passes.

Method: seeded random bytes through kcat, ZeroMQ and TCP.
"""

import os
import random
import socket
import subprocess

import pytest
import zmq

from test_refusals import dead_letters
from tradewire_test.scenario import until

SEED = int(os.environ.get("TEST_SEED", "20261121"))
COUNT = 200


def noise(randomness):
    return bytes(randomness.randrange(256) for _ in range(randomness.randrange(1, 200)))


def produce(stack, topic, payloads, folder):
    """Each payload a record of its own; spread over the partitions by its key."""
    for n, payload in enumerate(payloads):
        (folder / f"{n}").write_bytes(payload)
    for n in range(len(payloads)):
        subprocess.run(["kcat", "-b", stack.kafka_brokers, "-P", "-t", stack.topic_prefix + topic, "-k", f"key{n}",
                        str(folder / f"{n}")], check=True, timeout=60)


@pytest.mark.parametrize("topic", ["signals.v1", "results.v1"])
def test_garbage_records_go_to_the_dead_letters_and_the_partition_moves_on(scenario, tmp_path, topic):
    print("seed", SEED)
    randomness = random.Random(SEED)
    payloads = [noise(randomness) for _ in range(20)]
    payloads += [b"\x0a\x05short", b"\x08" * 50, b"\x0a\xff\xff\xff\xff\x0f"]  # wrong types, lengths beyond the end
    before = len(dead_letters(scenario.stack, topic))
    produce(scenario.stack, topic, payloads, tmp_path)
    until(lambda: len(dead_letters(scenario.stack, topic)) == before + len(payloads), 60, "all in the dead letters")
    assert {reason for reason, _ in dead_letters(scenario.stack, topic)} <= {"undecodable", "bad_message", "user_deleted"}
    assert scenario.ended(scenario.alert(scenario.stack.strategies[0]).json["signal_id"])["status"] == "executed"


@pytest.mark.parametrize("topic", ["jobs.ready.v1", "jobs.finished.v1", "jobs.requested.v1", "agents.events.v1",
                                   "sync.requested.v1"])
def test_garbage_hints_change_nothing(scenario, tmp_path, topic):
    randomness = random.Random(SEED)
    produce(scenario.stack, topic, [noise(randomness) for _ in range(5)], tmp_path)
    assert scenario.ended(scenario.alert(scenario.stack.strategies[0]).json["signal_id"])["status"] == "executed"


def test_garbage_on_the_gateways_socket(scenario):
    """A peer with a valid key of its own, which anybody can make, says nonsense."""
    print("seed", SEED)
    randomness = random.Random(SEED)
    context = zmq.Context()
    peers = []
    for n in range(4):
        peer = context.socket(zmq.DEALER)
        public, secret = zmq.curve_keypair()
        peer.curve_serverkey = scenario.stack.curve["public"].encode()
        peer.curve_publickey, peer.curve_secretkey = public, secret
        peer.linger = 2000
        if n == 1:  # another agent's name as routing id: it buys nothing
            peer.routing_id = scenario.stack.accounts[0].agent_id.encode()
        peer.connect(scenario.stack.gateway_address)
        peers.append(peer)
    for _ in range(COUNT):
        peer = randomness.choice(peers)
        peer.send_multipart([noise(randomness) for _ in range(randomness.randrange(1, 4))])
    peers[0].send(b"")
    peers[0].send(b"x" * 100_000)
    with socket.create_connection(("127.0.0.1", int(scenario.stack.gateway_address.rsplit(":", 1)[1]))) as bare:
        bare.sendall(noise(randomness) * 20)
    row = scenario.ended(scenario.alert(scenario.stack.strategies[0]).json["signal_id"])
    assert row["status"] == "executed"
    for peer in peers:
        peer.close()
    context.term()
    assert scenario.stack.gateway.is_running()


def test_garbage_on_the_terminals_socket(scenario):
    """Anybody on the machine may connect to the agent's port; without the token it is nobody."""
    account = scenario.stack.accounts[0]
    host, port = account.agent.environment["TERMINAL_LISTEN"].rsplit(":", 1)
    randomness = random.Random(SEED)
    for opening in (noise(randomness), b'{"type":"hello","token":"wrong"}\n', b"{" * 70_000, b"\n" * 1000, b""):
        with socket.create_connection((host, int(port)), timeout=30) as terminal:
            terminal.sendall(opening + b"\n")
            try:
                while terminal.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    row = scenario.ended(scenario.alert(scenario.stack.strategies[0]).json["signal_id"])
    assert row["status"] == "executed"
