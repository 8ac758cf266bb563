"""A proxy in front of a Kafka that decides the fate of chosen Produce requests, and keeps what was answered to each.

It knows as much of Kafka's protocol as that takes: frames with a length, answers in the order of their requests, and
Produce as librdkafka 2.0 speaks it. In answers to Metadata it puts its own port in place of the broker's, so that
clients stay.
"""

import collections
import socket
import struct
import threading

PRODUCE, METADATA = 0, 3
PRODUCE_VERSIONS = range(5, 8)  # one layout
NOT_LEADER_OR_FOLLOWER = 6
HOLD_S = 0.3

# The fates of a request:
PASS = "pass"
REFUSE = "refuse"  # not forwarded; the refusal is held back until a later one was answered, or HOLD_S when none comes
CUT_BEFORE = "cut before"  # the connection ends, and the broker has not seen it
CUT_AFTER = "cut after"  # the connection ends when the broker has answered
LATE = "late"  # the client's connection ends; the broker gets it with `deliver`


class KafkaProxy:
    def __init__(self, broker):
        """broker: host:port as it is advertised, an IPv4 address or a name."""
        self.host, port = broker.rsplit(":", 1)
        self.port = int(port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.own_port = self.listener.getsockname()[1]
        self.address = f"{self.host}:{self.own_port}"
        self.produced = []  # of all connections, in the order in which they came
        self.fates = {}
        self.lock = threading.Lock()
        self.connections = []
        self.thread = threading.Thread(target=self._accept, daemon=True)

    def once(self, topic, fate):
        """The next Produce request to this topic has this fate; all others pass."""
        self.fates[topic] = fate

    def deliver(self, produce):
        """Hand a LATE request to the broker; its answer is `produce.error`."""
        produce.connection.to_broker(produce.frame)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.listener.close()
        for connection in self.connections:
            connection.end()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection((self.host, self.port), timeout=10)
            except OSError:  # no Kafka: as the client would find
                client.close()
                continue
            broker.settimeout(None)
            self.connections.append(_Connection(self, client, broker))

    def judge(self, produce):
        with self.lock:
            produce.fate = self.fates.pop(produce.topic, PASS)
            self.produced.append(produce)

    def with_own_port(self, metadata):
        """A host and its port follow each other in every version, whichever form its strings have."""
        host = self.host.encode()
        return metadata.replace(host + struct.pack(">i", self.port), host + struct.pack(">i", self.own_port))


class _Connection:
    """One thread per direction."""

    def __init__(self, proxy, client, broker):
        self.proxy, self.client, self.broker = proxy, client, broker
        self.waiting = collections.deque()  # requests without an answer at the client, in their order
        self.lock = threading.Lock()
        self.timers = []
        for sock in (client, broker):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self._requests, self._answers)]
        for thread in self.threads:
            thread.start()

    def end(self):
        _close(self.client, self.broker)
        self.threads[0].join(10)  # then no timer comes any more
        for timer in self.timers:
            timer.cancel()
        for thread in (*self.threads, *self.timers):
            thread.join(10)
            assert not thread.is_alive()

    def to_broker(self, frame):
        self.broker.sendall(struct.pack(">i", len(frame)) + frame)

    def _requests(self):
        keeps_broker = False
        for frame in _frames(self.client):
            request = _Request(self, frame)
            if request.api_key == PRODUCE:
                request.read_produce()
                self.proxy.judge(request)
            if request.fate == REFUSE:
                self._refuse(request)
            with self.lock:
                self.waiting.append(request)
            if request.fate in (PASS, CUT_AFTER):
                try:
                    self.to_broker(frame)
                except OSError:
                    break
            elif request.fate != REFUSE:
                keeps_broker = request.fate == LATE
                break
        _close(self.client, *([] if keeps_broker else [self.broker]))

    def _refuse(self, request):
        request.refuse()
        self.timers.append(threading.Timer(HOLD_S, self._release))
        self.timers[-1].start()

    def _answers(self):
        for frame in _frames(self.broker):
            (correlation,) = struct.unpack_from(">i", frame)
            with self.lock:
                request = next(r for r in self.waiting if r.correlation == correlation)
            if request.api_key == METADATA:
                frame = self.proxy.with_own_port(frame)
            elif request.api_key == PRODUCE:
                request.read_answer(frame)
            if request.fate == CUT_AFTER:
                break
            request.answer = frame
            if request.api_key == PRODUCE:
                self._release()
            elif not self._pass_on():
                break
        _close(self.client, self.broker)

    def _release(self):
        with self.lock:
            for request in self.waiting:
                request.is_held = False
        self._pass_on()

    def _pass_on(self):
        """The answers that have their turn; False when the client is gone."""
        with self.lock:
            while self.waiting and self.waiting[0].answer is not None and not self.waiting[0].is_held:
                answer = self.waiting.popleft().answer
                try:
                    self.client.sendall(struct.pack(">i", len(answer)) + answer)
                except OSError:
                    return False
        return True


class _Request:
    """A Produce request has besides: topic, partition, producer_id, sequence (of its first record), records, and, once
    the broker or the proxy has answered, error and offset."""

    fate, answer, is_held, error, offset = PASS, None, False, None, None

    def __init__(self, connection, frame):
        self.connection, self.frame = connection, frame
        self.api_key, self.version, self.correlation = struct.unpack_from(">hhi", frame)

    def read_produce(self):
        assert self.version in PRODUCE_VERSIONS, f"Produce version {self.version}"
        _, at = _string(self.frame, 8)  # client id
        _, at = _string(self.frame, at)  # transactional id
        topics, = struct.unpack_from(">i", self.frame, at + 6)  # behind acks and timeout
        self.topic, at = _string(self.frame, at + 10)
        partitions, self.partition = struct.unpack_from(">ii", self.frame, at)
        assert (topics, partitions) == (1, 1), "librdkafka asks for one partition at a time"
        batch = at + 12  # behind the records' size
        self.producer_id, _, self.sequence, self.records = struct.unpack_from(">qhii", self.frame, batch + 43)

    def read_answer(self, frame):
        _, at = _string(frame, 8)  # behind correlation id and number of topics
        self.offset = struct.unpack_from(">q", frame, at + 10)[0]
        self.error = struct.unpack_from(">h", frame, at + 8)[0]

    def refuse(self):
        """One topic, one partition; no offset, no time, no log start; not throttled."""
        topic = self.topic.encode()
        self.answer = (struct.pack(">iih", self.correlation, 1, len(topic)) + topic +
                       struct.pack(">iihqqqi", 1, self.partition, NOT_LEADER_OR_FOLLOWER, -1, -1, -1, 0))
        self.error, self.is_held = NOT_LEADER_OR_FOLLOWER, True

    def __repr__(self):
        return (f"<{self.fate}: producer {self.producer_id} partition {self.partition} sequence {self.sequence} "
                f"records {self.records}: error {self.error} offset {self.offset}>")


def _string(data, at):
    """A nullable string of the classic form, and where it ends."""
    (length,) = struct.unpack_from(">h", data, at)
    at += 2
    return (None, at) if length < 0 else (data[at:at + length].decode(), at + length)


def _frames(sock):
    """Until the connection ends, from whichever side."""
    while (head := _exactly(sock, 4)) is not None:
        frame = _exactly(sock, struct.unpack(">i", head)[0])
        if frame is None:
            return
        yield frame


def _exactly(sock, count):
    got = bytearray()
    while len(got) < count:
        try:
            part = sock.recv(count - len(got))
        except OSError:
            return None
        if not part:
            return None
        got += part
    return bytes(got)


def _close(*socks):
    for sock in socks:
        try:
            sock.shutdown(socket.SHUT_RDWR)  # wakes who waits for it
        except OSError:
            pass
        sock.close()
