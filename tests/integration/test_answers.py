"""Every answer of the ingester's table, for usable and hostile bodies alike; a refusal is a row with its code.

Method: post each body, compare status and code, and look up the row that the answer names.
"""

import json
import secrets
from urllib.parse import quote

import pytest

KIB_64 = 64 * 1024


def nested(depth):
    return '{"symbol":"EURUSD","action":"buy","volume":1,"x":' + "[" * depth + "]" * depth + "}"


USABLE = '{"symbol":"EURUSD","action":"buy","volume":0.01'
REFUSED = {
    "broken": ("{", "bad_json"),
    "empty": ("", "bad_json"),
    "text": ("buy EURUSD now", "bad_json"),
    "trailing bytes": (USABLE + "} x", "bad_json"),
    "array": ("[" + USABLE + "}]", "array_not_supported"),
    "depth 10,000": (nested(10000), "bad_json"),
    "duplicate keys": (USABLE + ',"volume":2}', "bad_json"),
    "duplicate keys by escape": (USABLE + ',"volum\\u0065":2}', "bad_json"),
    "invalid UTF-8": (USABLE.encode() + b',"c":"\xff\xfe"}', "bad_encoding"),
    "NUL byte": (USABLE.encode() + b',"c":"a\x00b"}', "bad_encoding"),
    "escaped NUL": (USABLE + ',"c":"a\\u0000b"}', "bad_json"),
    "lone surrogate": (USABLE + ',"c":"\\ud800"}', "bad_json"),
    "huge exponent": ('{"symbol":"EURUSD","action":"buy","volume":1e400000}', "bad_number"),
    "number of 41 characters": ('{"symbol":"EURUSD","action":"buy","volume":1' + "0" * 40 + "}", "bad_number"),
    "volume is an object": ('{"symbol":"EURUSD","action":"buy","volume":{}}', "bad_number"),
    "volume is true": ('{"symbol":"EURUSD","action":"buy","volume":true}', "bad_number"),
    "volume is words": ('{"symbol":"EURUSD","action":"buy","volume":"one"}', "bad_number"),
    "no symbol": ('{"action":"buy","volume":1}', "missing_symbol"),
    "symbol is a number": ('{"symbol":1,"action":"buy","volume":1}', "missing_symbol"),
    "no action": ('{"symbol":"EURUSD","volume":1}', "bad_action"),
    "unknown action": ('{"symbol":"EURUSD","action":"hold","volume":1}', "bad_action"),
    "placeholder": ('{"symbol":"{{ticker}}","action":"buy","volume":1}', "unresolved_placeholder"),
}


@pytest.mark.parametrize("body, code", REFUSED.values(), ids=REFUSED.keys())
def test_an_unusable_alert_is_answered_422_and_recorded(scenario, body, code):
    answer = scenario.alert(scenario.stack.strategies[0], body)
    assert answer.status == 422, answer
    assert answer.json["status"] == "discarded"
    assert answer.json["error"].split(":")[0] == code
    row = scenario.ended(answer.json["signal_id"])
    assert row["status"] == "discarded" and row["error"] == answer.json["error"]
    assert row["raw"] is not None


def test_a_body_over_64_kib_is_answered_413_and_recorded_cut(scenario):
    answer = scenario.alert(scenario.stack.strategies[0], USABLE + ',"x":"' + "y" * KIB_64 + '"}')
    assert answer.status == 413, answer
    row = scenario.ended(answer.json["signal_id"])
    assert row["error"].startswith("body_too_large: ")
    assert len(json.dumps(row["raw"])) < 5000


def test_a_body_of_exactly_64_kib_is_read(scenario):
    body = USABLE + ',"pad":[' + ",".join('"' + "y" * 1000 + '"' for _ in range(60)) + "]}"
    body += " " * (KIB_64 - len(body))
    answer = scenario.alert(scenario.stack.strategies[0], body)
    assert answer.status == 202, answer


def test_an_unknown_secret_is_401_with_nothing_in_it(scenario):
    answer = scenario.post("/webhook/tradingview/" + "0" * 64, USABLE + "}")
    assert (answer.status, answer.body) == (401, b"")
    answer = scenario.post("/webhook/tradingview", USABLE + ',"secret":"wrong"}')
    assert (answer.status, answer.body) == (401, b"")


@pytest.fixture
def renamed(scenario):
    """A strategy of an older installation: a function that gives it a secret of its owner's choice."""
    strategy = scenario.stack.strategies[0]

    def rename(secret):
        assert scenario.sql("UPDATE tv_strategies SET webhook_secret = %s WHERE id = %s RETURNING id", secret,
                            strategy.strategy_id)

    yield rename
    rename(strategy.secret)


@pytest.mark.parametrize("secret", ["Old_Secret-One42", "secret one", "a/b?c#d%41+e", "Schlüssel", "q" * 112])
def test_a_secret_of_an_older_installation_is_taken(scenario, renamed, secret):
    secret += "-" + secrets.token_hex(4)
    renamed(secret)
    spelled = quote(secret, safe="+")
    answer = scenario.post("/webhook/tradingview/" + spelled, USABLE + f',"alert_id":"by path {secret}"}}')
    assert answer.status == 202, answer
    assert secret not in json.dumps(scenario.ended(answer.json["signal_id"])["raw"], ensure_ascii=False)
    body = {"symbol": "EURUSD", "action": "buy", "volume": 0.01, "secret": secret, "alert_id": "by body"}
    assert scenario.post("/webhook/tradingview", body).status == 202
    assert scenario.post("/webhook/tradingview/" + spelled + "x", USABLE + "}").status == 401
    for program in scenario.stack.programs:
        text = open(program.log, errors="replace").read()
        assert secret not in text and spelled not in text, program.name


@pytest.mark.parametrize("segment", ["", "%00", "a%0Ab", "%ff", "%", "%4", "%zz", "q" * 129, "%71" * 129])
def test_what_cannot_be_a_secret_is_401(scenario, segment):
    answer = scenario.post("/webhook/tradingview/" + segment, USABLE + "}")
    assert (answer.status, answer.body) == (401, b"")


def test_the_secret_may_be_in_the_body_and_is_never_kept(scenario):
    strategy = scenario.stack.strategies[0]
    answer = scenario.post("/webhook/tradingview", USABLE + f',"secret":"{strategy.secret}","alert_id":"in body"}}')
    assert answer.status == 202, answer
    row = scenario.ended(answer.json["signal_id"])
    assert row["raw"]["secret"] == "***"


def test_a_secret_in_a_refused_body_is_overwritten(scenario):
    strategy = scenario.stack.strategies[0]
    answer = scenario.alert(strategy, "text with " + strategy.secret)
    row = scenario.ended(answer.json["signal_id"])
    assert strategy.secret not in json.dumps(row["raw"]) and "*" in row["raw"]["_text"]


def test_wrong_paths_and_methods(scenario):
    assert scenario.post("/webhook", "{}").status == 404
    assert scenario.post("/webhook/tradingview/a/b", "{}").status == 404
    with scenario.socket() as connection:
        secret = scenario.stack.strategies[0].secret
        connection.sendall(f"GET /webhook/tradingview/{secret} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = connection.recv(4096).decode()
    assert " 405 " in head.splitlines()[0] and "allow: post" in head.lower()


def test_no_secret_is_in_any_log(scenario):
    for strategy in scenario.stack.strategies:
        scenario.alert(strategy, "garbage " + strategy.secret)
    secrets = [s.secret for s in scenario.stack.strategies] + [a.pairing_key for a in scenario.stack.accounts]
    for program in scenario.stack.programs:
        text = open(program.log, errors="replace").read()
        assert not [s for s in secrets if s in text], program.name
