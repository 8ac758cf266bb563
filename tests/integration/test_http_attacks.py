"""Requests that try to mean two things, and peers that never finish: refused, or closed at the deadline; the
neighbour's alert is answered all the while.

Method: bytes on a bare socket; the end of the connection is waited for, not timed.
"""

import pytest


def exchange(scenario, request):
    """Send bytes and read until the peer closes: everything it said."""
    with scenario.socket() as connection:
        connection.sendall(request)
        said = b""
        while chunk := connection.recv(65536):
            said += chunk
    return said


def head(scenario, *lines):
    path = f"/webhook/tradingview/{scenario.stack.strategies[0].secret}"
    return ("\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *lines]) + "\r\n\r\n").encode()


HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"

AMBIGUOUS = {
    "length and chunked": (["Content-Length: 5", "Transfer-Encoding: chunked"], b"0\r\n\r\n" + HIDDEN),
    "two lengths": (["Content-Length: 3", "Content-Length: 40"], b"abc" + HIDDEN),
    "space before the colon": (["Content-Length : 3"], b"abc" + HIDDEN),
    "unknown encoding": (["Transfer-Encoding: xchunked"], b"0\r\n\r\n" + HIDDEN),
    "chunked and identity": (["Transfer-Encoding: chunked, identity"], b"0\r\n\r\n" + HIDDEN),
    "two hosts": (["Host: y", "Content-Length: 0"], HIDDEN),
}


@pytest.mark.parametrize("lines, body", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_a_request_of_two_meanings_is_400_and_closed(scenario, lines, body):
    said = exchange(scenario, head(scenario, *lines) + body)
    assert said.startswith(b"HTTP/1.1 400"), said[:200]
    assert said.count(b"HTTP/1.1 ") == 1, "the hidden request was answered"


def test_slow_headers_are_closed(scenario):
    with scenario.socket() as connection:
        connection.settimeout(30)
        connection.sendall(b"POST /webhook/tradingview/x HTTP/1.1\r\n")
        assert scenario.alert(scenario.stack.strategies[0]).status == 202
        while connection.recv(4096):
            pass


def test_a_trickle_of_header_bytes_is_closed(scenario):
    """One byte now and then is activity: an inactivity timeout would never end it."""
    with scenario.socket() as connection:
        connection.settimeout(0.3)
        closed = False
        for _ in range(200):
            try:
                connection.sendall(b"X")
                closed = connection.recv(4096) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
            if closed:
                break
        assert closed


def test_a_body_that_never_comes_is_503_or_closed(scenario):
    with scenario.socket() as connection:
        connection.settimeout(30)
        connection.sendall(head(scenario, "Content-Type: application/json", "Content-Length: 100") + b'{"symbol"')
        assert scenario.alert(scenario.stack.strategies[0]).status == 202
        said = b""
        while chunk := connection.recv(4096):
            said += chunk
    assert said == b"" or said.startswith(b"HTTP/1.1 503"), said[:200]


def test_half_open_connections_do_no_harm(scenario):
    open_ones = [scenario.socket() for _ in range(200)]
    try:
        row = scenario.ended(scenario.alert(scenario.stack.strategies[1]).json["signal_id"])
        assert row["status"] == "executed"
        for connection in open_ones[:5]:
            connection.settimeout(60)
            while connection.recv(4096):
                pass
    finally:
        for connection in open_ones:
            connection.close()


def test_a_client_that_hangs_up_takes_nothing_back(scenario):
    strategy = scenario.stack.strategies[1]
    body = b'{"symbol":"EURUSD","action":"buy","volume":0.01,"alert_id":"hung up"}'
    with scenario.socket() as connection:
        request = head(scenario, f"Content-Length: {len(body)}").replace(
            scenario.stack.strategies[0].secret.encode(), strategy.secret.encode())
        connection.sendall(request + body)
    again = scenario.alert(strategy, body.decode())
    assert scenario.ended(again.json["signal_id"])["status"] == "executed"
