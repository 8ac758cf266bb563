"""take_signal_keys, write_signals, count_duplicates: an alert happens once."""

import secrets
import uuid

import psycopg2
import pytest

KEY_COLUMNS = "key bytea, signal uuid, received timestamptz, window interval"


@pytest.fixture
def take(programs):
    """Take keys and write their signals in one transaction, as the dispatcher does; (is_new, holder) per key."""
    def take(trader, *keys):
        plans = [trader.plan(signal=signal) for _, signal, _, _ in keys]
        session = programs.dispatcher
        session.begin()
        try:
            arrays = [list(column) for column in zip(*keys)]
            rows = session.rows("SELECT * FROM take_signal_keys(%s::bytea[], %s::uuid[], %s::timestamptz[], %s::interval[])",
                                *arrays)
            programs.write([p for p, row in zip(plans, sorted(rows, key=lambda row: row["ord"])) if row["is_new"]])
            session.commit()
        except BaseException:
            session.rollback()
            raise
        assert sorted(row["ord"] for row in rows) == list(range(1, len(keys) + 1))
        return [(row["is_new"], str(row["holder"])) for row in sorted(rows, key=lambda row: row["ord"])]
    return take


def new():
    return str(uuid.uuid4())


def test_a_key_is_taken_once_inside_its_window(trader, programs, take):
    key, first, second, third = secrets.token_bytes(32), new(), new(), new()
    start = programs.now()
    at = lambda seconds: programs.admin.value("SELECT %s + make_interval(secs => %s)", start, seconds)
    assert take(trader, (key, first, start, "40 s")) == [(True, first)]
    assert take(trader, (key, second, at(40), "40 s")) == [(False, first)]
    assert take(trader, (key, third, at(40.001), "40 s")) == [(True, third)]
    assert take(trader, (key, new(), at(80), "40 s")) == [(False, third)]


def test_a_key_without_window_is_taken_for_ever(trader, programs, take):
    key, first = secrets.token_bytes(32), new()
    assert take(trader, (key, first, programs.now(), None)) == [(True, first)]
    assert take(trader, (key, new(), programs.now(10 ** 9), None)) == [(False, first)]


def test_keys_repeated_in_one_call_are_taken_in_order(trader, programs, take):
    a, b = secrets.token_bytes(32), secrets.token_bytes(32)
    one, two, three, four, five = (new() for _ in range(5))
    now, later = programs.now(), programs.now(100)
    assert take(trader, (a, one, now, "40 s"), (b, two, now, None), (a, three, now, "40 s"), (a, four, later, "40 s"),
                (b, five, later, None)) == [(True, one), (True, two), (False, one), (True, four), (False, two)]


def test_a_record_processed_again_is_new_again_and_makes_nothing(trader, programs, take):
    key, signal, now = secrets.token_bytes(32), new(), programs.now()
    assert take(trader, (key, signal, now, "40 s")) == [(True, signal)]
    assert take(trader, (key, signal, now, "40 s"), (key, signal, now, "40 s")) == [(True, signal)] * 2
    assert programs.admin.value("SELECT count(*) FROM jobs WHERE signal_id = %s", signal) == 1


def test_a_key_needs_its_signal(trader, programs):
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        programs.dispatcher.rows("SELECT * FROM take_signal_keys(ARRAY['\\x01'::bytea], ARRAY[%s]::uuid[], ARRAY[now()], "
                                 "ARRAY[NULL::interval])", new())


def test_a_signal_is_written_with_job_and_leg(trader, programs):
    plan = trader.plan("sell", symbol="XAUUSD", input='{"symbol": "XAUUSD", "side": "sell", "volume": "0.123456"}',
                       volume="0.123456")
    assert programs.write([plan]) == 1
    signal, job, leg = programs.signal(plan["signal"]), programs.job(plan["job"]), programs.leg(plan["signal"])
    assert (signal["status"], signal["symbol"], signal["action"], str(signal["volume"])) == \
        ("pending", "XAUUSD", "sell", "0.12")
    assert signal["received_at"] == plan["received"] and signal["resolved_at"] is None
    assert (job["entity_type"], str(job["entity_id"]), str(job["signal_id"])) == ("tv_signal", plan["signal"], plan["signal"])
    assert (job["lane"], job["is_entry"], job["expires_at"]) == (1, True, plan["expires"])
    assert set(job["timeline"]) == {"received", "durable", "stored"}
    assert job["timeline"]["received"] == round(plan["received"].timestamp() * 1e6)
    assert (str(leg["volume"]), leg["status"], str(leg["broker_connection_id"])) == \
        ("0.123456", "pending", str(trader.connection))


def test_a_discarded_signal_makes_no_job(trader, programs):
    plan = trader.plan(status="discarded", error="stale: 31 s old", job=None, job_type=None, agent=None)
    assert programs.write([plan]) == 0
    signal = programs.signal(plan["signal"])
    assert (signal["status"], signal["error_message"]) == ("discarded", "stale: 31 s old") and signal["resolved_at"]


def test_a_leg_that_was_refused_has_no_job(trader, programs):
    (plan,) = trader.send("buy")
    insert = "INSERT INTO signal_legs (signal_id, leg, user_id, job_id, status) VALUES (%s, 2, %s, NULL, %s)"
    for status in ("pending", "executed"):  # nothing would ever settle it
        with pytest.raises(psycopg2.errors.CheckViolation):
            programs.admin.rows(insert, plan["signal"], trader.user, status)
    programs.admin.rows(insert, plan["signal"], trader.user, "failed")
    trader.claim()
    trader.done(plan)
    legs = programs.admin.rows("SELECT leg, status FROM signal_legs WHERE signal_id = %s ORDER BY leg", plan["signal"])
    assert [(leg["leg"], leg["status"]) for leg in legs] == [(1, "executed"), (2, "failed")]
    assert programs.signal(plan["signal"])["status"] == "executed"


def test_writing_again_changes_nothing(trader, programs):
    plans = [trader.plan() for _ in range(3)]
    assert programs.write(plans) == 3
    trader.claim()
    trader.done(plans[0])
    before = programs.admin.rows("SELECT * FROM jobs WHERE user_id = %s ORDER BY seq", trader.user)
    assert programs.write([plans[2], trader.plan(signal=plans[0]["signal"]), plans[1]]) == 0
    assert programs.admin.rows("SELECT * FROM jobs WHERE user_id = %s ORDER BY seq", trader.user) == before
    assert programs.signal(plans[0]["signal"])["status"] == "executed"


def test_one_signal_twice_in_a_call_is_one(trader, programs):
    plan = trader.plan()
    assert programs.write([plan, dict(plan), trader.plan()]) == 2


def test_seq_follows_the_calls_order(trader, programs):
    plans = [trader.plan() for _ in range(50)]
    programs.write(plans)
    written = programs.admin.rows("SELECT id FROM jobs WHERE user_id = %s ORDER BY seq", trader.user)
    assert [str(row["id"]) for row in written] == [p["job"] for p in plans]


@pytest.mark.parametrize("volume", ["100000000", "1e30", "99999999.999"])
def test_a_volume_too_large_to_show_does_no_harm(trader, programs, volume):
    plan = trader.plan(status="discarded", error="volume_above_max: too much", job=None, job_type=None, volume=volume)
    programs.write([plan])
    assert programs.signal(plan["signal"])["volume"] is None


def test_a_strategy_deleted_meanwhile_leaves_the_signal(trader, programs):
    programs.admin.rows("DELETE FROM tv_strategies WHERE id = %s", trader.strategy)
    plan = trader.plan(status="discarded", error="strategy_deleted: gone", job=None, job_type=None)
    programs.write([plan])
    assert programs.signal(plan["signal"])["strategy_id"] is None


def test_a_strategy_that_is_being_deleted_is_waited_for(trader, programs, database):
    import threading
    deleter, writer = database.session(), database.session("tradewire_dispatcher")
    deleter.begin()
    deleter.rows("DELETE FROM tv_strategies WHERE id = %s", trader.strategy)
    plan, failures = trader.plan(status="discarded", error="x: y", job=None, job_type=None), []

    def write():
        try:
            programs.write([plan], session=writer)
        except psycopg2.Error as error:
            failures.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    deleter.commit()
    thread.join(10)
    assert failures == [] and programs.signal(plan["signal"])["strategy_id"] is None


def test_a_plan_that_contradicts_itself_is_refused(trader, programs, refused):
    with refused("broken_invariant: "):
        programs.write([trader.plan(is_entry=False)])
    with refused("broken_invariant: "):
        programs.write([trader.plan(job=None, job_type=None)])
    with refused("broken_invariant: "):
        programs.write([trader.plan(status="discarded")])


def test_a_deleted_users_signal_is_refused_and_nothing_remains(trader, programs):
    gone = trader.plan(user=str(uuid.uuid4()), status="discarded", error="x: y", job=None, job_type=None)
    fine = trader.plan()
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        programs.write([fine, gone])
    assert programs.admin.rows("SELECT id FROM tv_signals WHERE id = %s", fine["signal"]) == []


def test_duplicates_are_counted(trader, programs):
    one, two = trader.send("buy", "buy")
    programs.dispatcher.rows("SELECT count_duplicates(%s::uuid[])", [one["signal"], two["signal"], one["signal"]])
    assert [programs.signal(p["signal"])["duplicates"] for p in (one, two)] == [2, 1]


def test_deleting_a_user_looks_everything_up(programs):
    """Every key that a deletion follows begins an index, but jobs.agent_id: no index may mention what a claim changes, and
    agents are revoked."""
    scanned = programs.admin.rows("""SELECT k.conname FROM pg_constraint k
        WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND k.conparentid = 0
          AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indkey[0] = ANY (k.conkey)
                          AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) ~ '^\\(\\w+ IS NOT NULL\\)$'))
        ORDER BY 1""")
    assert [row["conname"] for row in scanned] == ["jobs_agent_id_fkey"]


def test_deleting_a_user_deletes_everything_of_theirs(programs):
    from tradewire_test.trading import Trader
    trader = Trader(programs)
    trader.hello()
    done, unknown, _ = trader.send("buy", "buy", "buy")
    trader.claim(effects=2)
    trader.done(done)
    trader.report(unknown, "unknown")
    programs.admin.rows("INSERT INTO signal_keys (dedup_key, signal_id, received_at) VALUES (%s, %s, now())",
                        secrets.token_bytes(32), done["signal"])
    programs.admin.rows("DELETE FROM auth.users WHERE id = %s", trader.user)
    for table in ("mt5_agents", "broker_connections", "tv_strategies", "tv_signals", "signal_legs", "jobs", "job_ready"):
        assert programs.admin.value(f"SELECT count(*) FROM {table} WHERE user_id = %s", trader.user) == 0, table
    assert programs.lease(unknown["job"]) is None
    programs.check()
