"""strategy_rates: what a strategy has used of its rate moves with the entries that used it."""

from datetime import timedelta

import psycopg2
import pytest

from tradewire_test.trading import Trader


def full_at(programs, trader):
    rows = programs.dispatcher.rows("SELECT full_at FROM strategy_rates WHERE strategy_id = %s", trader.strategy)
    return rows[0]["full_at"] if rows else None


def test_it_moves_with_the_signals_and_the_last_of_a_batch_counts(trader, programs):
    now = programs.now()
    later = [now + timedelta(seconds=s) for s in (12, 24, 18)]
    trader.send("close")
    assert full_at(programs, trader) is None, "only entries under a rate take of it"
    programs.write([trader.plan(rate_full=at) for at in later] + [trader.plan("close")])
    assert full_at(programs, trader) == later[2]
    # One that is refused moves it, too, where the limits were changed.
    refused = trader.plan(rate_full=now, status="discarded", job=None, job_type=None, agent=None, connection=None,
                          expires=None, input=None, error="rate_limited: x")
    assert programs.write([refused]) == 0
    assert full_at(programs, trader) == now


def test_what_is_rolled_back_was_not_used(trader, programs):
    session = programs.dispatcher
    session.begin()
    programs.write([trader.plan(rate_full=programs.now(60))])
    session.rollback()
    assert full_at(programs, trader) is None


def test_strategies_of_one_batch_have_each_their_own(programs):
    traders = [Trader(programs) for _ in range(3)]
    at = [programs.now(60 + n) for n in range(3)]
    programs.write([t.plan(rate_full=at[n]) for n, t in enumerate(traders)])
    assert [full_at(programs, t) for t in traders] == at


def test_a_strategy_that_is_gone_takes_it_along(trader, programs):
    programs.write([trader.plan(rate_full=programs.now(60))])
    programs.admin.rows("DELETE FROM tv_strategies WHERE id = %s", trader.strategy)
    assert full_at(programs, trader) is None
    programs.write([trader.plan(rate_full=programs.now(60), status="discarded", job=None, job_type=None, agent=None,
                                connection=None, expires=None, input=None, error="strategy_deleted: x")])
    assert full_at(programs, trader) is None


def test_nobody_writes_it_by_hand(database, trader, programs):
    programs.write([trader.plan(rate_full=programs.now(60))])
    for role in ("tradewire_dispatcher", "tradewire_gateway", "tradewire_ingester", "authenticated", "anon", "service_role"):
        session = database.session(role)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            session.rows("UPDATE strategy_rates SET full_at = now()")
        if role != "tradewire_dispatcher":
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                session.rows("SELECT * FROM strategy_rates")
        session.close()
