"""Garbage on every topic and socket: dead-lettered or dropped with a counter, and the next signal passes.

Method: seeded random bytes through kcat, ZeroMQ and TCP.
"""

import os
import random
import re
import socket
import subprocess
import time
import uuid
from pathlib import Path

import pytest
import zmq

from test_refusals import dead_letters
from tradewire_stack.program import Program
from tradewire_stack.stack import free_port
from tradewire_test.scenario import until

SEED = int(os.environ.get("TEST_SEED", "20261121"))
COUNT = 200
READ = {"SIGNALS", "RESULTS", "JOBS_READY"}  # the topics below; the others have no reader in this version
SERVICES = Path(__file__).resolve().parents[2] / "services"


def noise(randomness):
    return bytes(randomness.randrange(256) for _ in range(randomness.randrange(1, 200)))


def produce(stack, topic, payloads, folder):
    """Each payload a record of its own; spread over the partitions by its key."""
    for n, payload in enumerate(payloads):
        (folder / f"{n}").write_bytes(payload)
    for n in range(len(payloads)):
        subprocess.run(["kcat", "-b", stack.kafka_brokers, "-P", "-t", stack.topic_prefix + topic, "-k", f"key{n}",
                        str(folder / f"{n}")], check=True, timeout=60)


def test_every_topic_with_a_reader_is_among_these():
    named = {name for path in SERVICES.glob("*/*.c")
             for name in re.findall(r"\.topic = TOPIC_([A-Z_]+)", path.read_text())}
    assert named == READ


@pytest.mark.parametrize("topic", ["signals.v1", "results.v1"])
def test_garbage_records_go_to_the_dead_letters_and_the_partition_moves_on(scenario, tmp_path, topic):
    print("seed", SEED)
    randomness = random.Random(SEED)
    payloads = [noise(randomness) for _ in range(20)]
    payloads += [b"\x0a\x05short", b"\x08" * 50, b"\x0a\xff\xff\xff\xff\x0f"]  # wrong types, lengths beyond the end
    before = len(dead_letters(scenario.stack, topic))
    counted = scenario.stack.dispatcher.metric("tradewire_dead_letters_total")
    produce(scenario.stack, topic, payloads, tmp_path)
    until(lambda: len(dead_letters(scenario.stack, topic)) == before + len(payloads), 60, "all in the dead letters")
    assert scenario.stack.dispatcher.metric("tradewire_dead_letters_total") == counted + len(payloads)
    assert {reason for reason, _ in dead_letters(scenario.stack, topic)} <= {"undecodable", "bad_message", "user_deleted"}
    assert scenario.ended(scenario.alert(scenario.stack.strategies[0]).json["signal_id"])["status"] == "executed"


def test_garbage_hints_are_counted_and_change_nothing(scenario, tmp_path):
    print("seed", SEED)
    randomness = random.Random(SEED)
    payloads = [noise(randomness) for _ in range(5)] + [b"\x0a\x05short", b"\x0a\xff\xff\xff\xff\x0f"]

    def dropped():
        return scenario.stack.gateway.metric("tradewire_hints_dropped_total") or 0

    def all_of_a_round():
        """A gateway reads hints from the moment it sees a partition: of the first round it may miss some."""
        before, end = dropped(), time.monotonic() + 10
        produce(scenario.stack, "jobs.ready.v1", payloads, tmp_path)
        while dropped() < before + len(payloads) and time.monotonic() < end:
            time.sleep(0.02)
        return dropped() == before + len(payloads)

    until(all_of_a_round, 60, "all hints dropped and counted")
    assert scenario.ended(scenario.alert(scenario.stack.strategies[0]).json["signal_id"])["status"] == "executed"


def test_garbage_on_the_gateways_socket(scenario):
    """A peer with a valid key of its own, which anybody can make, says nonsense."""
    print("seed", SEED)
    randomness = random.Random(SEED)
    names = ("tradewire_frames_dropped_total", "tradewire_auth_failures_total")
    before = [scenario.stack.gateway.metric(name) for name in names]
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
    until(lambda: all(scenario.stack.gateway.metric(name) > count for name, count in zip(names, before)), 30,
          "noise, and somebody else's name, were counted")


def test_garbage_on_the_terminals_socket(scenario):
    """Anybody on the machine may connect to the agent's port; without the token it is nobody."""
    account = scenario.stack.accounts[0]
    host, port = account.agent.environment["TERMINAL_LISTEN"].rsplit(":", 1)
    print("seed", SEED)
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


def test_agents_that_nobody_paired_are_refused_counted_and_logged_once(scenario, tmp_path):
    gateway = scenario.stack.gateway
    before, lines = gateway.metric("tradewire_auth_failures_total"), gateway.log_tail(10**6).count("event=agent_refused")
    strangers = [Program(f"stranger-{n}", scenario.stack.bin / "mt5-agent", {
        "AGENT_ID": str(uuid.uuid4()), "AGENT_KEY": "A" * 43, "GATEWAY_ZMQ": scenario.stack.gateway_address,
        "GATEWAY_CURVE_PUBLIC": scenario.stack.curve["public"], "AGENT_JOURNAL": str(tmp_path / f"journal-{n}"),
        "AGENT_KEYFILE": str(tmp_path / f"curve_key-{n}"), "TERMINAL_LISTEN": f"127.0.0.1:{free_port()}",
        "TERMINAL_TOKEN": "t" * 32}, tmp_path / f"stranger-{n}.log") for n in range(3)]
    try:
        for stranger in strangers:
            stranger.start()
        until(lambda: gateway.metric("tradewire_auth_failures_total") >= before + len(strangers), 30, "each was refused")
    finally:
        for stranger in strangers:
            stranger.kill()
    assert gateway.log_tail(10**6).count("event=agent_refused") - lines <= 1, "at most one line in 30 s"
