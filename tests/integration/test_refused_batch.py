"""A first batch that is refused, cut off or late: what was answered 202 is in Kafka, once and in order.

Method: a new ingester reaches Kafka through a proxy. Its producer id is new too, and of such a one the broker takes any
first sequence number: only there the numbers do not keep a later batch from overtaking the first. The second alert is
posted while the first one's fate is open; then the topic is read, past the proxy.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tradewire_test import kafka_proxy
from tradewire_test.kafka_proxy import KafkaProxy
from tradewire_test.scenario import until
from tradewire_test.wire_format import records

SIGNALS = "signals.v1"


@pytest.fixture
def proxy(scenario):
    """Between Kafka and the stack's ingester, which begins anew for it and again without it."""
    ingester = scenario.stack.ingester
    without = dict(ingester.environment)

    def begin(**changes):
        ingester.environment = {**without, **changes}
        assert ingester.terminate() == 0
        ingester.start()
        ingester.wait_ready(60)

    with KafkaProxy(scenario.stack.kafka_brokers) as made:
        try:
            begin(KAFKA_BROKERS=made.address, INGESTER_DEADLINE_MS="2500")  # a busy machine: the most it may be
            yield made
        finally:
            begin()


def post_three(scenario, proxy, fate):
    """The first alert's request has this fate, and the second is posted once it is there; their signals."""
    strategy = scenario.stack.strategies[0]
    proxy.once(scenario.stack.topic_prefix + SIGNALS, fate)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(scenario.alert, strategy)
        until(lambda: proxy.produced, 10, "the first alert on its way to Kafka")
        second = pool.submit(scenario.alert, strategy)
    third = scenario.alert(strategy)
    print(*proxy.produced, sep="\n")
    assert proxy.produced[0].fate == fate and proxy.produced[0].sequence == 0
    answers = [first.result(), second.result(), third]
    assert [answer.status for answer in answers] == [202, 202, 202], "what was wrong passed within their deadline"
    return [answer.json["signal_id"] for answer in answers]


def in_kafka(scenario, signals):
    """Those of the signals that are in the topic, as often and in the order in which they are. Looked for as bytes: other
    tests leave garbage there."""
    return [signal for _, _, payload in records(scenario.stack, SIGNALS) for signal in signals if signal.encode() in payload]


def test_a_refused_batch_is_not_overtaken(scenario, proxy):
    """The broker refuses the first request and would take the second; librdkafka would then report both delivered."""
    signals = post_three(scenario, proxy, kafka_proxy.REFUSE)
    assert in_kafka(scenario, signals) == signals


@pytest.mark.parametrize("fate", [kafka_proxy.CUT_BEFORE, kafka_proxy.CUT_AFTER])
def test_a_batch_whose_connection_is_lost(scenario, proxy, fate):
    """Written or not, the producer cannot know: it sends the batch again, which the broker knows by its number."""
    signals = post_three(scenario, proxy, fate)
    assert in_kafka(scenario, signals) == signals


@pytest.mark.parametrize("more", [0, 5])
def test_a_batch_that_comes_late_over_a_connection_left_before(scenario, proxy, more):
    """It was sent again over a new connection, and later ones followed, up to more than the five that a broker
    remembers: then it reads the old one."""
    signals = post_three(scenario, proxy, kafka_proxy.LATE)
    for _ in range(more):
        answer = scenario.alert(scenario.stack.strategies[0])
        assert answer.status == 202
        signals.append(answer.json["signal_id"])
    late = proxy.produced[0]
    proxy.deliver(late)
    until(lambda: late.error is not None, 10, "the broker's answer to the late request")
    print("late:", late)
    assert in_kafka(scenario, signals) == signals
