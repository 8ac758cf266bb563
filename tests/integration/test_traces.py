"""One trace from the alert to its end: the same id in the records' headers and in the job's row.

Method: post alerts with and without a W3C `traceparent`; read the headers of all topics with kcat.
"""

import json
import re
import secrets
import subprocess

import pytest

from tradewire_test.scenario import until

FORM = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
SCHEMAS = {"signals.v1": "Signal", "jobs.ready.v1": "JobReady", "results.v1": "JobResult",
           "jobs.finished.v1": "JobFinished"}


def headers(stack, topic):
    """The headers of all records of a topic."""
    done = subprocess.run(["kcat", "-b", stack.kafka_brokers, "-C", "-q", "-e", "-o", "beginning", "-J", "-t",
                           stack.topic_prefix + topic], capture_output=True, check=True, timeout=60)
    for line in done.stdout.splitlines():
        listed = json.loads(line.decode(errors="replace"), strict=False).get("headers", [])
        yield dict(zip(listed[::2], listed[1::2]))


def post(scenario, **sent):
    body = {"symbol": "EURUSD", "action": "buy", "volume": 0.01, "alert_id": secrets.token_hex(8)}
    # A strategy on an account where nothing else happens: its hints are this alert's alone.
    return scenario.post(f"/webhook/tradingview/{scenario.stack.strategies[1].secret}", body, headers=sent)


def job_trace(scenario, signal_id):
    return scenario.sql("SELECT traceparent FROM jobs WHERE signal_id = %s", signal_id)[0][0]


def assert_on_every_topic(scenario, trace):
    for topic, schema in SCHEMAS.items():
        found = until(lambda: [h for h in headers(scenario.stack, topic) if h.get("traceparent") == trace], 30,
                      f"{trace} on {topic}")
        assert {h["schema"] for h in found} == {f"tradewire.v1.{schema}"}


def test_the_senders_trace_is_carried_to_the_end(scenario):
    trace = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
    signal = post(scenario, traceparent=trace).json["signal_id"]
    assert scenario.ended(signal)["status"] == "executed"
    assert job_trace(scenario, signal) == trace
    assert_on_every_topic(scenario, trace)
    assert trace.split("-")[1] in scenario.stack.gateway.log_tail(200)


@pytest.mark.parametrize("sent", [{}, {"traceparent": "00-" + "0" * 32 + "-" + "1" * 16 + "-01"},
                                  {"traceparent": "nonsense"}])
def test_an_alert_without_a_usable_trace_begins_one(scenario, sent):
    signal = post(scenario, **sent).json["signal_id"]
    assert scenario.ended(signal)["status"] == "executed"
    trace = job_trace(scenario, signal)
    assert FORM.fullmatch(trace) and trace != sent.get("traceparent")
    assert_on_every_topic(scenario, trace)


def test_a_record_with_a_broken_trace_gets_a_new_one(scenario, tmp_path):
    """As if another program had written the topic."""
    stack = scenario.stack
    signal = post(scenario).json["signal_id"]
    scenario.ended(signal)
    trace = job_trace(scenario, signal)
    copy = subprocess.run(["kcat", "-b", stack.kafka_brokers, "-C", "-q", "-e", "-o", "beginning", "-t",
                           stack.topic_prefix + "signals.v1", "-f", "%h %R%s"], capture_output=True, check=True).stdout
    payload = next(record for record in records(copy) if signal.encode() in record)
    other = signal[:-4] + format((int(signal[-4:], 16) + 1) % 65536, "04x")  # the same alert with another id and key
    (tmp_path / "record").write_bytes(renamed(payload, signal, other))
    subprocess.run(["kcat", "-b", stack.kafka_brokers, "-P", "-t", stack.topic_prefix + "signals.v1", "-k", "any", "-H",
                    "traceparent=00-bad", str(tmp_path / "record")], check=True, timeout=60)
    row = scenario.ended(other)
    assert row["status"] == "executed", row
    assert FORM.fullmatch(job_trace(scenario, other)) and job_trace(scenario, other) != trace


def records(copy):
    """Payloads of kcat's "%h %R%s" (%R: length, 4 bytes, big-endian)."""
    while copy:
        at = copy.index(b" ") + 1
        length = int.from_bytes(copy[at:at + 4], "big")
        yield copy[at + 4:at + 4 + length]
        copy = copy[at + 4 + length:]


def renamed(payload, signal, other):
    """Another signal: its id, and the 32 bytes of its dedup_key (field 4, length 32)."""
    payload = payload.replace(signal.encode(), other.encode())
    at = payload.index(b"\x22\x20") + 2
    return payload[:at] + secrets.token_bytes(32) + payload[at + 32:]


def test_a_dead_letter_keeps_the_headers_that_it_came_with(scenario, tmp_path):
    stack = scenario.stack
    trace = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    (tmp_path / "record").write_bytes(b"no message")
    subprocess.run(["kcat", "-b", stack.kafka_brokers, "-P", "-t", stack.topic_prefix + "signals.v1", "-k", "any", "-H",
                    f"traceparent={trace}", "-H", "schema=of.another", str(tmp_path / "record")], check=True, timeout=60)
    found = until(lambda: [h for h in headers(stack, "signals.v1.dlq") if h.get("traceparent") == trace], 30, "the letter")
    assert found[0]["schema"] == "of.another" and found[0]["dlq.reason"] == "undecodable"
