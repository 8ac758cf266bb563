"""The way of one signal: what goes in over HTTP comes out of a terminal, once, and every table agrees.

Method: post alerts as TradingView does, wait for the row's end, compare with the simulator's ledger.
"""


def test_a_buy_is_filled_at_the_terminals_price(scenario):
    strategy = scenario.stack.strategies[0]
    answer = scenario.alert(strategy)
    assert answer.status == 202 and answer.json["status"] == "accepted"
    row = scenario.ended(answer.json["signal_id"])
    assert row["status"] == "executed" and row["error"] is None
    order = next(o for o in scenario.orders(strategy.account) if str(o["ticket"]) == row["ticket"])
    assert float(order["price"]) == float(row["price"])
    assert (order["symbol"], order["side"]) == ("EURUSD", "buy")


def test_a_close_closes_what_its_strategy_opened_and_nothing_else(scenario):
    # Strategies of their own: what others left open must not be closed with it.
    mine = scenario.stack.add_strategy(scenario.stack.accounts[0], "closes")
    other = scenario.stack.add_strategy(scenario.stack.accounts[0], "is left alone")
    for strategy in (mine, other):
        opened = scenario.alert(strategy, symbol="GBPUSD", volume="0.03")
        assert scenario.ended(opened.json["signal_id"])["status"] == "executed"
    before = len(scenario.orders(mine.account))
    closed = scenario.ended(scenario.alert(mine, symbol="GBPUSD", action="close", volume=None).json["signal_id"])
    assert closed["status"] == "executed"
    order = next(o for o in scenario.orders(mine.account) if str(o["ticket"]) == closed["ticket"])
    assert order["side"] == "sell" and float(order["volume"]) == 0.03
    assert len(scenario.orders(mine.account)) == before + 1, "the other strategy's position is left open"


def test_a_close_with_nothing_open_says_so_and_sends_nothing(scenario):
    strategy = scenario.stack.add_strategy(scenario.stack.accounts[2], "opened nothing")
    row = scenario.ended(scenario.alert(strategy, symbol="XAUUSD", action="close").json["signal_id"])
    assert row["status"] == "discarded" and row["error"].startswith("nothing_to_do: ")


def test_the_same_alert_again_is_the_same_signal_and_one_order(scenario):
    strategy = scenario.stack.strategies[0]
    before = len(scenario.orders(strategy.account))
    answers = [scenario.alert(strategy, alert_id="the same", symbol="USDJPY") for _ in range(4)]
    assert {a.status for a in answers} == {202}
    assert len({a.json["signal_id"] for a in answers}) == 1
    row = scenario.ended(answers[0].json["signal_id"])
    assert row["status"] == "executed"
    assert len(scenario.orders(strategy.account)) == before + 1


def test_the_same_body_without_key_or_time_is_a_duplicate_for_a_while(scenario):
    strategy = scenario.stack.strategies[1]
    body = {"symbol": "XAUUSD", "action": "sell", "volume": 0.02}
    first, second = scenario.alert(strategy, body), scenario.alert(strategy, body)
    assert scenario.ended(first.json["signal_id"])["status"] == "executed"
    row = scenario.ended(second.json["signal_id"])
    assert row["status"] == "discarded"
    assert row["error"] == f"duplicate: of {first.json['signal_id']}"


def test_tradewirectl_shows_the_whole_timeline_in_order(scenario):
    answer = scenario.alert(scenario.stack.strategies[0])
    scenario.ended(answer.json["signal_id"])
    shown = scenario.stack.ctl("signal", "show", answer.json["signal_id"])
    assert shown["status"] == "executed" and shown["fill_price"] and shown["broker_order_id"]
    legs = ["received", "durable", "stored", "claimed", "sent", "at_agent", "order_sent", "filled", "reported", "resolved"]
    assert set(legs) <= set(shown["timeline"]), shown["timeline"]
    # The agent's times are on its own clock, corrected by what it knows of the gateway's; the broker's are whole ms.
    for clock in (["received", "stored", "claimed", "sent", "resolved"], ["at_agent", "order_sent", "filled", "reported"]):
        times = [shown["timeline"][leg] for leg in clock]
        assert times == sorted(times), shown["timeline"]


def test_a_stop_needs_its_unit_and_then_reaches_the_terminal(scenario):
    account = scenario.stack.accounts[2]
    vague = scenario.ended(scenario.alert(scenario.stack.strategies[2], sl=1.0, tp="1.5").json["signal_id"])
    assert vague["status"] == "discarded" and vague["error"].startswith("ambiguous_unit: ")
    strategy = scenario.stack.add_strategy(account, "with stops", stop_kind="price")
    row = scenario.ended(scenario.alert(strategy, sl=0.5, tp="2.50").json["signal_id"])
    assert row["status"] == "executed"
    job = scenario.sql("SELECT input_data FROM jobs WHERE broker_order_id = %s AND target_agent_id = %s", row["ticket"],
                       account.agent_id)[0][0]
    assert (job["sl"], job["tp"]) == ("0.5", "2.5")
