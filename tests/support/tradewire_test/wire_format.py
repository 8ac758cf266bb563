"""Records of a topic, decoded with nothing but proto/tradewire/v1/*.proto and the protobuf wire format.

A reader of its own, so that a test compares two implementations. Covers what the proto files use: proto2, optional and
repeated scalars, messages, enums and oneof.
"""

import re
import struct
import subprocess
from pathlib import Path

PROTO = Path(__file__).resolve().parents[3] / "proto" / "tradewire" / "v1"
SIGNED = {"int64", "int32"}


def _fields():
    """{message: {number: (name, type, repeated)}}"""
    messages = {}
    for path in sorted(PROTO.glob("*.proto")):
        text = re.sub(r"//.*", "", path.read_text())
        for name, body in re.findall(r"^message (\w+) \{(.*?)^\}", text, re.S | re.M):
            found = re.findall(r"(optional|repeated)?\s*\b([\w.]+)\s+(\w+)\s*=\s*(\d+)\s*;", body)
            messages[name] = {int(number): (field, kind.rsplit(".", 1)[-1], label == "repeated")
                              for label, kind, field, number in found}
    return messages


FIELDS = _fields()


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _value(kind, wire_type, data, at):
    if wire_type == 0:
        value, at = _varint(data, at)
        if kind in SIGNED and value >= 1 << 63:
            value -= 1 << 64
        return bool(value) if kind == "bool" else value, at
    assert wire_type == 2, f"wire type {wire_type}"
    length, at = _varint(data, at)
    part = data[at:at + length]
    assert len(part) == length, "cut short"
    if kind in FIELDS:
        return decode(kind, part), at + length
    # Of bytes, what is no UTF-8 is escaped and comes back with .encode(errors="surrogateescape").
    return part.decode(errors="surrogateescape" if kind == "bytes" else "strict"), at + length


def decode(message, data):
    """{field: value}; absent fields are absent, repeated ones are lists. A field that the file lacks is a fault."""
    found, at = {}, 0
    while at < len(data):
        tag, at = _varint(data, at)
        name, kind, repeated = FIELDS[message][tag >> 3]
        value, at = _value(kind, tag & 7, data, at)
        if repeated:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


def records(stack, topic):
    """(key, headers, payload) of every record of a topic, partition by partition, in order."""
    data = subprocess.run(["kcat", "-b", stack.kafka_brokers, "-C", "-q", "-e", "-o", "beginning", "-t",
                           stack.topic_prefix + topic, "-f", "%k\n%h\n%R%s"], capture_output=True, check=True, timeout=60).stdout
    at = 0
    while at < len(data):
        key, headers, rest = data[at:].split(b"\n", 2)
        at += len(key) + len(headers) + 2
        (length,) = struct.unpack(">i", rest[:4])
        at += 4 + length
        yield (key.decode(errors="replace"), dict(h.split("=", 1) for h in headers.decode(errors="replace").split(",") if "=" in h),
               rest[4:4 + length])
