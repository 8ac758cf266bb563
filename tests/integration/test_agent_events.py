"""What agents say about themselves: account, symbols and the end of a session, on agents.events.v1.

Method: read the topic with kcat, decode it from the proto files alone, and compare with what the simulated terminals'
market is made of. Terminals that say nonsense are played by FakeTerminal.
"""

import contextlib
import re
import secrets

import pytest

from tradewire_stack import servers
from tradewire_test.fake_terminal import FakeTerminal
from tradewire_test.scenario import until
from tradewire_test.wire_format import decode, records

TOPIC = "agents.events.v1"
TRACE = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
PAIR, CFD = 0, 4  # ENUM_SYMBOL_CALC_MODE
# What agents/mt5-sim trades before its first order: digits, units per lot, USD per tick and lot, base, profit, how.
# A yen tick: 100,000 units * 0.001 = 100 JPY, at the bid of 149.995.
MARKET = {
    "AUDUSD": (5, "100000", "1.00000000", "AUD", "USD", PAIR), "BTCUSD": (2, "1", "0.01000000", "BTC", "USD", CFD),
    "EURUSD": (5, "100000", "1.00000000", "EUR", "USD", PAIR), "GBPUSD": (5, "100000", "1.00000000", "GBP", "USD", PAIR),
    "NZDUSD": (5, "100000", "1.00000000", "NZD", "USD", PAIR), "US500": (2, "1", "0.01000000", "USD", "USD", CFD),
    "USDCAD": (5, "100000", "0.73533197", "USD", "CAD", PAIR), "USDCHF": (5, "100000", "1.13644112", "USD", "CHF", PAIR),
    "USDJPY": (3, "100000", "0.66668889", "USD", "JPY", PAIR), "XAGUSD": (3, "5000", "5.00000000", "XAG", "USD", CFD),
    "XAUUSD": (2, "100", "1.00000000", "XAU", "USD", CFD),
}


def events(scenario, account):
    """The account's events, in order, decoded."""
    found = []
    for key, headers, payload in records(scenario.stack, TOPIC):
        if headers.get("schema") != "tradewire.v1.AgentEvent":
            continue  # other tests' garbage
        event = decode("AgentEvent", payload)
        if event["agent_id"] == account.agent_id:
            assert key == event["user_id"] == account.user_id
            assert TRACE.fullmatch(headers["traceparent"])
            found.append(event)
    return found


def reports(scenario, account):
    """{(session, report): [page, …]} of the account, in order."""
    found = {}
    for event in events(scenario, account):
        if "symbols" in event:
            found.setdefault((event["session_no"], event["symbols"]["report"]), []).append(event["symbols"])
    return found


def complete(scenario, account, after=(0, 0)):
    """(its name, its symbols) of the newest complete report behind `after`, or None. A page that was said twice, because
    nobody could know that it was durable, counts once."""
    for name, pages in sorted(reports(scenario, account).items(), reverse=True):
        by_number = {page["page"]: page for page in pages}
        if name > after and pages[-1]["last"]:
            assert sorted(by_number) == list(range(1, len(by_number) + 1)), "pages without gaps"
            assert [n for n, page in sorted(by_number.items()) if page["last"]] == [len(by_number)]
            return name, [spec for _, page in sorted(by_number.items()) for spec in page.get("symbols", [])]
    return None


@pytest.fixture
def spare(scenario):
    """Accounts of their own, whose programs a scenario may stop and change: spare(sim settings) -> account, strategy."""
    stack, made = scenario.stack, []

    def add(**sim):
        account = stack.add_account(stack.add_user(f"{secrets.token_hex(4)}@{stack.name}"), "spare", seed=9100 + len(made))
        strategy = stack.add_strategy(account, "spare", max_age_s=120)
        stack.add_terminal(account, sim=sim)
        made.append(account)
        return account, strategy

    yield add
    for account in made:
        for program in (account.agent, account.sim):
            program.kill()
            stack.programs.remove(program)
        stack.accounts.remove(account)


def test_account_and_symbols_are_what_the_terminal_has(scenario, spare):
    account, _ = spare()
    account.agent.start()
    account.sim.start()
    (session, report), symbols = until(lambda: complete(scenario, account), 30, "a complete report")
    assert (session, report) == (1, 1)
    assert len(reports(scenario, account)[session, report]) == 1
    said = next(e["account"] for e in events(scenario, account) if "account" in e)
    assert said == {"server": "Sim-Demo", "login": str(account.login), "currency": "USD", "margin_mode": "hedging",
                    "is_real": False, "balance": "1000000.00", "leverage": 100}
    assert [s["name"] for s in symbols] == sorted(MARKET), "each exactly once, in order"
    for symbol in symbols:
        digits, contract, tick_value, base, profit, how = MARKET[symbol["name"]]
        point = f"{10 ** -digits:.{digits}f}"
        assert symbol == {"name": symbol["name"], "digits": digits, "point": point, "tick_size": point,
                          "tick_value": tick_value, "contract_size": contract, "volume_min": "0.01", "volume_max": "500.00",
                          "volume_step": "0.01", "volume_limit": "0", "stops_level": 0, "freeze_level": 0, "trade_mode": 4,
                          "filling_mode": 3, "calc_mode": how, "currency_base": base, "currency_profit": profit,
                          "currency_margin": base if how == PAIR else profit}


def test_a_tick_is_worth_what_the_present_quote_says(scenario, spare):
    """An order moves the simulator's price; the next report has the new value."""
    account, strategy = spare()
    account.agent.start()
    account.sim.start()
    before, _ = until(lambda: complete(scenario, account), 30, "a complete report")
    for _ in range(3):
        row = scenario.ended(scenario.alert(strategy, symbol="USDJPY", action="sell").json["signal_id"])
        assert row["status"] == "executed"
    account.sim.kill()
    account.sim.start()
    _, symbols = until(lambda: complete(scenario, account, before), 30, "a report of the new terminal session")
    yen = next(s for s in symbols if s["name"] == "USDJPY")
    # what a sell is filled at now is the bid that the value was computed from
    row = scenario.ended(scenario.alert(strategy, symbol="USDJPY", action="sell").json["signal_id"])
    assert yen["tick_value"] != MARKET["USDJPY"][2]
    assert yen["tick_value"] == f"{100 / float(row['price']):.8f}"


def test_many_symbols_come_in_pages(scenario, spare):
    names = [f"EURUSD.{n:03}" for n in range(250)]
    account, strategy = spare(SIM_SYMBOLS=",".join(reversed(names)))
    account.agent.start()
    account.sim.start()
    name, symbols = until(lambda: complete(scenario, account), 30, "a complete report")
    assert [s["name"] for s in symbols] == names
    assert [len(page["symbols"]) for page in reports(scenario, account)[name]] == [100, 100, 50]


def test_sessions_begin_reports_and_end_in_an_event(scenario, spare):
    account, _ = spare()
    account.agent.start()
    account.sim.start()
    first, _ = until(lambda: complete(scenario, account), 30, "a complete report")
    account.sim.kill()
    account.sim.start()
    second, _ = until(lambda: complete(scenario, account, first), 30, "a report of the new terminal session")
    assert second == (first[0], first[1] + 1)
    account.agent.kill()
    until(lambda: [e for e in events(scenario, account) if e.get("session_ended") and e["session_no"] == first[0]], 60,
          "the end of the killed agent's session")
    account.agent.start()
    third, symbols = until(lambda: complete(scenario, account, second), 30, "a report of the new session")
    assert third[0] > second[0] and len(symbols) == len(MARKET)
    ends = [e for e in events(scenario, account) if e.get("session_ended")]
    assert [e["session_no"] for e in ends] == [first[0]], "each end is said once"


def test_an_agent_that_comes_back_at_once_ends_its_session_too(scenario, spare):
    account, _ = spare()
    account.agent.start()
    account.sim.start()
    (session, _), _ = until(lambda: complete(scenario, account), 30, "a complete report")
    account.agent.terminate()
    account.agent.start()
    until(lambda: complete(scenario, account, (session + 1, 0)), 30, "a report of the new session")
    said = [(e["session_no"], "ended" if "session_ended" in e else "account") for e in events(scenario, account)
            if "symbols" not in e]
    assert (session, "ended") in said and (session + 1, "ended") not in said


def test_pages_arrive_after_kafka_was_away(scenario, spare):
    account, strategy = spare()
    name = 'tradewire_agent_symbol_pages_total{result="not_durable"}'
    servers.KAFKA.kill()
    account.agent.start()
    account.sim.start()
    until(lambda: scenario.stack.gateway.metric(name), 60, "a page that Kafka did not take")
    assert "symbols_reported" not in account.agent.log_tail(50), "not acknowledged before it is durable"
    servers.KAFKA.start()
    _, symbols = until(lambda: complete(scenario, account), 60, "a complete report")
    assert sorted(s["name"] for s in symbols) == sorted(MARKET)
    until(lambda: "symbols_reported" in account.agent.log_tail(50), 30, "the agent knows that it is durable")
    taken = until(lambda: (answer := scenario.alert(strategy)).status == 202 and answer, 60, "alerts are taken again")
    scenario.ended(taken.json["signal_id"])  # nothing stays open when this account's programs go


# --- terminals that say nonsense --------------------------------------------------------------------------------

GOOD = {"name": "EURUSD", "digits": 5, "point": "0.00001", "tick_size": "0.00001", "tick_value": "1", "contract_size": "100000",
        "volume_min": "0.01", "volume_max": "500", "volume_step": "0.01", "volume_limit": "0", "stops_level": 0,
        "freeze_level": 0, "trade_mode": 4, "filling_mode": 3, "calc_mode": 0, "currency_base": "EUR",
        "currency_profit": "USD", "currency_margin": "EUR"}


def page(command, names, more, **changes):
    return {"type": "symbols", "id": command["id"], "more": more, "symbols": [{**GOOD, "name": n, **changes} for n in names]}


NONSENSE = {
    "wrong types": lambda c: page(c, ["EURUSD"], False, digits="five"),
    "a number without text": lambda c: page(c, ["EURUSD"], False, point=0.00001),
    "unsorted": lambda c: page(c, ["GBPUSD", "EURUSD"], False),
    "the same page for ever": lambda c: page(c, ["EURUSD", "GBPUSD"], True),
    "backwards": lambda c: page(c, ["AUDUSD"], True) if "after" in c else page(c, ["EURUSD"], True),
    "empty, and more": lambda c: page(c, [], True),
    "too many": lambda c: page(c, [f"S{n:03}" for n in range(101)], False),
    "not JSON": lambda c: b'{"type":"symbols",',
    "no answer": lambda c: None,
    "an error": lambda c: {"type": "symbols", "id": c["id"], "error": "unknown"},
    "somebody else's answer": lambda c: page({"id": c["id"] + 1000}, ["EURUSD"], False),
}


def test_nonsense_from_a_terminal_is_no_loop_and_costs_no_order(scenario, spare):
    """All kinds at once, each from a terminal of its own: what takes time here is waiting."""
    with contextlib.ExitStack() as stack:
        cases = []
        for what, answer in NONSENSE.items():
            account, strategy = spare()
            account.agent.start()
            answers = {"symbols": answer,
                       "order": lambda c: {"type": "result", "id": c["id"], "error": "no", "message": "this one is a fake"}}
            cases.append((what, account, strategy, stack.enter_context(FakeTerminal(account, answers))))
        for what, _, _, terminal in cases:
            until(lambda: terminal.seen("symbols"), 30, f"the agent asks: {what}")
        # The order reaches the terminal whatever it says about symbols.
        alerts = [scenario.alert(strategy).json["signal_id"] for _, _, strategy, _ in cases]
        for (what, *_), signal in zip(cases, alerts):
            row = scenario.ended(signal)
            assert row["error"].startswith("agent_unsupported: "), (what, row)
        # Eight pings are eight seconds: the first pause is 5 s, the second 10 s.
        pings = [len(terminal.seen("ping")) for *_, terminal in cases]
        for (what, account, _, terminal), before in zip(cases, pings):
            until(lambda: len(terminal.seen("ping")) >= before + 8, 60, f"connected again, and it stays so: {what}")
            assert len(terminal.seen("symbols")) <= 3, (what, "asked once, a page later, and after a pause")
            assert terminal.connections <= 4, what
            assert complete(scenario, account) is None, what
            assert account.agent.is_running(), what


def test_a_terminal_that_gives_short_pages_is_read_to_its_end(scenario, spare):
    account, _ = spare()
    account.agent.start()
    names = ["AUDUSD", "EURUSD", "GBPUSD"]

    def one(command):
        behind = [n for n in names if n > command.get("after", "")]
        return page(command, behind[:1], len(behind) > 1)

    with FakeTerminal(account, {"symbols": one}) as terminal:
        name, symbols = until(lambda: complete(scenario, account), 30, "a complete report")
        assert [s["name"] for s in symbols] == names
        assert [c.get("after") for c in terminal.seen("symbols")] == [None, "AUDUSD", "EURUSD"]


def test_no_symbols_are_asked_for_while_an_order_has_no_answer(scenario, spare):
    """The terminal restarts its answers page by page; an order comes in between and is not answered for a while."""
    account, strategy = spare()
    account.agent.start()
    names = [f"EURUSD.{n}" for n in range(9)]
    held = []

    def one(command):
        held.append(scenario.alert(strategy).json["signal_id"]) if len(held) == 0 else None
        behind = [n for n in names if n > command.get("after", "")]
        return page(command, behind[:1], len(behind) > 1)

    with FakeTerminal(account, {"symbols": one, "order": lambda c: None}) as terminal:
        until(lambda: terminal.seen("order"), 30, "the order is with the terminal")
        at = next(t for t, c in terminal.commands if c["type"] == "order")
        until(lambda: terminal.seen("find"), 30, "the order is asked about after 10 s without an answer")
        asked_about = next(t for t, c in terminal.commands if c["type"] == "find")
        assert asked_about - at > 9
        between = [c["type"] for t, c in terminal.commands if at < t < asked_about]
        assert set(between) <= {"ping"}, between
        until(lambda: complete(scenario, account), 30, "afterwards the report goes on")
    account.agent.kill()
    job = scenario.stack.ctl("signal", "show", held[0])["job_id"]
    until(lambda: scenario.stack.ctl("job", "show", job)["status"] == "unknown", 60, "nobody can tell")
    scenario.stack.ctl("job", "resolve", job, "--outcome", "not_executed", "--reason", "a fake terminal does not trade")
