"""The runner's tables: who sees what, what is refused; and strategies that become runs and strategies again, rows
included."""

import uuid

import psycopg2
import pytest

from tradewire_test.folder import apply, until
from tradewire_test.people import Person, as_role

BEFORE, RUNNER = 20251113000000, 20260129160000  # the newest files before the runner, and before runs take over
TABLES = ("strategy_runs", "strategy_events", "strategies", "strategy_tick_runs", "strategy_risk_state", "strategy_run_risk")
TIMEFRAMES = ("M1 M2 M3 M4 M5 M6 M10 M12 M15 M20 M30 H1 H2 H3 H4 H6 H8 H12 D1 W1 MN1 1m 5m 15m 1h").split()


def insert(session, table, **columns):
    marks = ", ".join(["%s"] * len(columns))
    return session.rows(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) RETURNING *", *columns.values())[0]


def run_of(session, user, **columns):
    return insert(session, "strategy_runs", **{"user_id": user, "exchange": "mt5", "market_type": "forex",
                                               "symbol": "EURUSD", "timeframe": "M5", "strategy_template": "ma_cross",
                                               **columns})["id"]


def tick_of(session, user, run, key="strategy_run_id", **columns):
    return insert(session, "strategy_tick_runs", **{"user_id": user, key: run, "scheduled_at": "2026-01-30 10:05+00",
                                                    "started_at": "2026-01-30 10:05+00", "status": "ok", **columns})["id"]


@pytest.fixture
def people(database, programs):
    """Two users with one row in each table."""
    made = []
    for _ in range(2):
        person = Person(database, programs.admin)
        person.run = run_of(programs.admin, person.user)
        insert(programs.admin, "strategy_events", strategy_run_id=person.run, user_id=person.user, event_type="signal")
        insert(programs.admin, "strategies", user_id=person.user, name="old", exchange="bybit", symbol="BTCUSDT")
        tick_of(programs.admin, person.user, person.run)
        insert(programs.admin, "strategy_locks", strategy_run_id=person.run, locked_until="now", lock_owner="a")
        insert(programs.admin, "strategy_risk_state", user_id=person.user, day="2026-01-30")
        insert(programs.admin, "strategy_run_risk", strategy_run_id=person.run, user_id=person.user, day="2026-01-30")
        made.append(person)
    return made


# --- rights ---------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("table", TABLES)
def test_a_user_sees_own_rows_and_an_admin_all(database, programs, people, table):
    for person in people:
        assert {row["user_id"] for row in person.rows(f"SELECT user_id FROM {table}")} == {person.user}
    admin = Person(database, programs.admin, role="admin")
    assert {row["user_id"] for row in admin.rows(f"SELECT user_id FROM {table}")} >= {person.user for person in people}
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        as_role(database, "anon").rows(f"SELECT * FROM {table}")


def test_locks_are_for_admins(database, programs, people):
    assert people[0].count("strategy_locks") == 0
    assert Person(database, programs.admin, role="admin").count("strategy_locks") >= 2


@pytest.mark.parametrize("table", (*TABLES, "strategy_locks"))
def test_nobody_but_the_dispatcher_writes(database, programs, people, table):
    for session in (people[0], as_role(database, "service_role"), as_role(database, "tradewire_operator"),
                    as_role(database, "tradewire_gateway"), as_role(database, "tradewire_sync")):
        for statement in (f"UPDATE {table} SET user_id = user_id" if table != "strategy_locks" else f"UPDATE {table} SET fence = 1",
                          f"DELETE FROM {table}", f"INSERT INTO {table} DEFAULT VALUES"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                session.rows(statement)


def test_the_dispatcher_runs_a_tick(programs, people):
    """What a tick writes, with the dispatcher's own rights; the lock is taken in one statement, its fence rises."""
    user, run = people[0].user, people[0].run
    take = """INSERT INTO strategy_locks AS l (strategy_run_id, locked_until, lock_owner, fence, updated_at)
        VALUES (%s, now() + %s * interval '1 s', %s, 1, now())
        ON CONFLICT (strategy_run_id) DO UPDATE SET locked_until = excluded.locked_until, lock_owner = excluded.lock_owner,
            fence = l.fence + 1, updated_at = now() WHERE l.locked_until < now() RETURNING fence"""
    programs.admin.rows("UPDATE strategy_locks SET locked_until = now() - interval '1 s' WHERE strategy_run_id = %s", run)
    assert [row["fence"] for row in programs.dispatcher.rows(take, run, 60, "one")] == [1]
    assert programs.dispatcher.rows(take, run, 60, "two") == []
    tick = tick_of(programs.dispatcher, user, run, scheduled_at="2026-01-30 10:10+00", signal="buy")
    programs.dispatcher.rows("UPDATE strategy_tick_runs SET finished_at = now(), latency_ms = 3 WHERE id = %s", tick)
    programs.dispatcher.rows("UPDATE strategy_runs SET last_run_at = now(), last_signal_at = now() WHERE id = %s", run)
    insert(programs.dispatcher, "strategy_events", strategy_run_id=run, user_id=user, event_type="order_submit")
    events = programs.dispatcher.rows("SELECT event_type FROM strategy_events WHERE strategy_run_id = %s ORDER BY seq", run)
    assert [event["event_type"] for event in events] == ["signal", "order_submit"]


# --- rules ----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("column, good, bad", [
    ("exchange", ["binance", "bybit", "mt5"], ["MT5", "kraken", ""]),
    ("market_type", ["spot", "futures", "forex"], ["cfd", ""]),
    ("timeframe", TIMEFRAMES, ["2m", "45", "m1", "S1", "H5", "MN2", ""]),
    ("direction", ["long", "short", "both"], ["up"]),
    ("status", ["draft", "active", "paused", "stopped"], ["running"]),
    ("leverage", [1, 500], [0, -1])])
def test_the_words_of_a_run(programs, people, column, good, bad):
    for value in good:
        run_of(programs.admin, people[0].user, **{column: value})
    for value in bad:
        with pytest.raises(psycopg2.errors.CheckViolation):
            run_of(programs.admin, people[0].user, **{column: value})


@pytest.mark.parametrize("column, bad", [("status", "running"), ("signal", "close")])
def test_the_words_of_a_tick(programs, people, column, bad):
    with pytest.raises(psycopg2.errors.CheckViolation):
        tick_of(programs.admin, people[0].user, people[0].run, **{"scheduled_at": "now", column: bad})


def test_a_scheduled_tick_is_recorded_once(programs, people):
    with pytest.raises(psycopg2.errors.UniqueViolation):
        tick_of(programs.admin, people[0].user, people[0].run)


def test_ticks_and_events_are_their_runs_users(programs, people):
    one, other = people
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        tick_of(programs.dispatcher, other.user, one.run, scheduled_at="2026-01-30 10:10+00")
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        insert(programs.dispatcher, "strategy_events", strategy_run_id=one.run, user_id=other.user, event_type="signal")
    tick = tick_of(programs.dispatcher, one.user, one.run, scheduled_at="2026-01-30 10:10+00")
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        programs.dispatcher.rows("UPDATE strategy_tick_runs SET user_id = %s WHERE id = %s", other.user, tick)


def test_a_tick_names_its_run(programs, people):
    one = people[0]
    with pytest.raises(psycopg2.errors.NotNullViolation, match="^broken_invariant: a tick belongs to a run"):
        tick_of(programs.dispatcher, one.user, None)
    with pytest.raises(psycopg2.errors.NotNullViolation):
        programs.dispatcher.rows("UPDATE strategy_tick_runs SET strategy_run_id = NULL WHERE user_id = %s", one.user)


def test_a_run_trades_through_its_users_own_connection(programs, people, trader):
    connections = [insert(programs.admin, "user_exchange_connections", user_id=person.user, exchange="mt5")["id"]
                   for person in people]
    run = run_of(programs.admin, people[0].user, exchange_connection_id=connections[0])
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        run_of(programs.admin, people[0].user, exchange_connection_id=connections[1])
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        programs.admin.rows("UPDATE user_exchange_connections SET broker_connection_id = %s WHERE id = %s",
                            trader.connection, connections[0])
    programs.admin.rows("DELETE FROM user_exchange_connections WHERE id = %s", connections[0])
    row = programs.admin.row("SELECT * FROM strategy_runs WHERE id = %s", run)
    assert row["exchange_connection_id"] is None and row["user_id"] == people[0].user


def test_risk_of_a_run_is_its_users(programs, people):
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        insert(programs.admin, "strategy_run_risk", strategy_run_id=people[0].run, user_id=people[1].user, day="2026-02-01")
    with pytest.raises(psycopg2.errors.UniqueViolation):
        insert(programs.admin, "strategy_run_risk", strategy_run_id=people[0].run, user_id=people[0].user, day="2026-01-30")


# --- an installation between the second and the third file -----------------------------------------------------------------

def user_of(session, exchanges=()):
    """A user and one connection per exchange named."""
    user = session.value("INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), %s) RETURNING id",
                         f"{uuid.uuid4()}@test.example")
    session.rows("INSERT INTO user_profiles (id) VALUES (%s)", user)
    return user, [insert(session, "user_exchange_connections", user_id=user, exchange=name)["id"] for name in exchanges]


def strategy_of(session, user, **columns):
    return insert(session, "strategies", **{"user_id": user, "name": "old one", "exchange": "bybit", "market_type": "spot",
                                            "symbol": "BTCUSDT", "timeframe": "15m", "status": "active", "side_mode": "long",
                                            "leverage": 3, "order_size_pct": 12.5, "take_profit_pct": 2,
                                            "last_run_at": "2026-01-29 18:00+00", **columns})["id"]


def content(session):
    """All rows of all tables of the older shape, whatever the columns' order."""
    return {table: session.rows(f"SELECT to_jsonb(t) - 'updated_at' AS row FROM {table} t ORDER BY to_jsonb(t)::text")
            for table in ("strategies", "strategy_runs", "strategy_events", "strategy_tick_runs", "strategy_locks",
                          "strategy_risk_state")}


def test_strategies_become_runs_and_go_back(older):
    apply(older, "up", "--dir", until(RUNNER, older.tmp_path))
    session = older.session()
    one, (connection,) = user_of(session, ["bybit"])
    none, _ = user_of(session, ["binance"])
    several, _ = user_of(session, ["bybit", "bybit"])
    strategies = [strategy_of(session, user, status=status) for user, status in (
        (one, "active"), (one, "paused"), (none, "active"), (several, "active"))]
    for strategy, user in zip(strategies, (one, one, none, several)):
        tick_of(session, user, strategy, "strategy_id", signal="hold", latency_ms=4, meta='{"a": 1}')
        insert(session, "strategy_locks", strategy_id=strategy, locked_until="2026-01-30 11:00+00", lock_owner="old")
    # The same tick twice, as a race of older runners left it.
    twin = tick_of(session, one, strategies[0], "strategy_id", started_at="2026-01-30 10:05:01+00", status="error")
    insert(session, "strategy_risk_state", user_id=one, day="2026-01-29", realized_pnl_usdt=-3, trades_count=2)
    run = run_of(session, one, exchange_connection_id=connection)
    insert(session, "strategy_events", strategy_run_id=run, user_id=one, event_type="error", payload='{"code": 7}')
    was = content(session)

    for _ in range(2):
        apply(older, "up")
        runs = {row["id"]: row for row in session.rows("SELECT * FROM strategy_runs")}
        assert set(runs) == {*strategies, run}
        assert [(runs[s]["status"], runs[s]["exchange_connection_id"]) for s in strategies] == [
            ("active", connection), ("paused", connection), ("draft", None), ("draft", None)]
        first = runs[strategies[0]]
        assert {name: first[name] for name in ("strategy_template", "name", "exchange", "market_type", "symbol", "timeframe",
                                               "direction", "leverage", "user_id")} == {
            "strategy_template": "legacy", "name": "old one", "exchange": "bybit", "market_type": "spot", "symbol": "BTCUSDT",
            "timeframe": "15m", "direction": "long", "leverage": 3, "user_id": one}
        assert (float(first["order_size_pct"]), float(first["take_profit_pct"]), first["stop_loss_pct"]) == (12.5, 2.0, None)
        assert first["last_run_at"].isoformat() == "2026-01-29T18:00:00+00:00"
        assert runs[run]["strategy_template"] == "ma_cross"
        ticks = session.rows("SELECT * FROM strategy_tick_runs ORDER BY started_at")
        assert len(ticks) == 5 and {tick["strategy_run_id"] for tick in ticks} == set(strategies)
        assert all("strategy_id" not in tick for tick in ticks)
        assert ticks[-1]["id"] == twin and ticks[-1]["scheduled_at"].microsecond == 1
        assert {row["strategy_run_id"] for row in session.rows("SELECT * FROM strategy_locks")} == set(strategies)
        assert session.value("SELECT count(*) FROM strategies") == 4

        apply(older, "down", "--to", str(RUNNER), "--allow-data-loss")
        assert content(session) == was


def test_what_happened_to_runs_goes_back_with_them(older):
    """After the conversion life goes on: a legacy run is changed, and a run that never was a strategy is ticked."""
    apply(older, "up", "--dir", until(RUNNER, older.tmp_path))
    session = older.session()
    user, _ = user_of(session, ["bybit"])
    strategy = strategy_of(session, user)
    apply(older, "up")
    session.rows("UPDATE strategy_runs SET status = 'stopped', last_run_at = '2026-02-03 00:00+00', leverage = 200, "
                 "timeframe = 'H4' WHERE id = %s", strategy)
    run, quiet = run_of(session, user, status="active", order_size_pct=1), run_of(session, user)
    ticks = [tick_of(session, user, strategy, scheduled_at="2026-02-03 00:00+00"), tick_of(session, user, run)]
    insert(session, "strategy_locks", strategy_run_id=run, locked_until="now", lock_owner="a", fence=9)

    apply(older, "down", "--to", str(RUNNER), "--allow-data-loss")
    rows = {row["id"]: row for row in session.rows("SELECT * FROM strategies")}
    assert set(rows) == {strategy, run}
    assert (rows[strategy]["status"], rows[strategy]["leverage"], rows[strategy]["timeframe"]) == ("stopped", 200, "H4")
    assert rows[strategy]["last_run_at"].isoformat() == "2026-02-03T00:00:00+00:00"
    assert (rows[run]["name"], rows[run]["exchange"], rows[run]["status"]) == ("EURUSD M5", "mt5", "active")
    assert {row["id"]: row["strategy_id"] for row in session.rows("SELECT * FROM strategy_tick_runs")} == dict(
        zip(ticks, (strategy, run)))
    assert session.value("SELECT strategy_id FROM strategy_locks") == run
    assert {row["id"] for row in session.rows("SELECT id FROM strategy_runs")} == {run, quiet}

    apply(older, "up")
    assert {row["id"]: row["strategy_template"] for row in session.rows("SELECT * FROM strategy_runs")} == {
        strategy: "legacy", run: "ma_cross", quiet: "ma_cross"}
    assert session.value("SELECT count(*) FROM strategy_tick_runs WHERE strategy_run_id IN (%s, %s)", strategy, run) == 2


# --- an installation whose runner's tables are its own ------------------------------------------------------------------------

OWN_TABLES = """
    CREATE TABLE strategy_runs (
        id UUID PRIMARY KEY DEFAULT gen_random_uuid(), user_id UUID NOT NULL REFERENCES user_profiles (id) ON DELETE CASCADE,
        exchange_connection_id UUID NOT NULL REFERENCES user_exchange_connections (id) ON DELETE CASCADE,
        exchange TEXT NOT NULL CHECK (exchange IN ('binance', 'bybit')),
        market_type TEXT NOT NULL DEFAULT 'futures' CHECK (market_type IN ('futures')),
        symbol TEXT NOT NULL, timeframe TEXT NOT NULL, direction TEXT NOT NULL CHECK (direction IN ('long', 'short', 'both')),
        leverage INT NOT NULL, margin_mode TEXT NOT NULL DEFAULT 'isolated', position_mode TEXT NOT NULL DEFAULT 'one_way',
        order_size_pct NUMERIC NOT NULL, initial_capital_usdt NUMERIC NOT NULL, take_profit_pct NUMERIC NOT NULL,
        stop_loss_pct NUMERIC NOT NULL, strategy_template TEXT NOT NULL, strategy_params JSONB DEFAULT '{}',
        status TEXT NOT NULL DEFAULT 'draft', last_signal_at TIMESTAMPTZ, created_at TIMESTAMPTZ DEFAULT now(),
        updated_at TIMESTAMPTZ DEFAULT now());
    CREATE TABLE strategy_events (
        id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
        strategy_run_id UUID NOT NULL REFERENCES strategy_runs (id) ON DELETE CASCADE,
        user_id UUID NOT NULL REFERENCES user_profiles (id) ON DELETE CASCADE,
        event_type TEXT NOT NULL CHECK (event_type IN ('signal', 'error')), payload JSONB NOT NULL DEFAULT '{}',
        created_at TIMESTAMPTZ DEFAULT now());
    CREATE TABLE strategies (
        id UUID PRIMARY KEY DEFAULT gen_random_uuid(), user_id UUID NOT NULL REFERENCES user_profiles (id) ON DELETE CASCADE,
        name TEXT NOT NULL, exchange TEXT NOT NULL CHECK (exchange IN ('binance', 'bybit')),
        market_type TEXT NOT NULL DEFAULT 'futures' CHECK (market_type IN ('spot', 'futures')), symbol TEXT NOT NULL,
        timeframe TEXT NOT NULL DEFAULT '5m' CHECK (timeframe IN ('1m', '5m', '15m', '1h')),
        status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused', 'stopped')),
        side_mode TEXT NOT NULL DEFAULT 'both' CHECK (side_mode IN ('long', 'short', 'both')),
        leverage INTEGER NOT NULL DEFAULT 1 CHECK (leverage >= 1 AND leverage <= 125),
        order_size_pct NUMERIC NOT NULL DEFAULT 10 CHECK (order_size_pct > 0 AND order_size_pct <= 100), take_profit_pct NUMERIC,
        stop_loss_pct NUMERIC, last_run_at TIMESTAMPTZ, created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        updated_at TIMESTAMPTZ NOT NULL DEFAULT now());
    CREATE TABLE strategy_tick_runs (
        id UUID PRIMARY KEY DEFAULT gen_random_uuid(), %s
        user_id UUID NOT NULL REFERENCES user_profiles (id) ON DELETE CASCADE, scheduled_at TIMESTAMPTZ NOT NULL,
        started_at TIMESTAMPTZ NOT NULL DEFAULT now(), finished_at TIMESTAMPTZ,
        status TEXT NOT NULL CHECK (status IN ('ok', 'skipped', 'blocked', 'error')), reason TEXT,
        signal TEXT CHECK (signal IN ('buy', 'sell', 'hold')), latency_ms INTEGER, meta JSONB NOT NULL DEFAULT '{}');
    CREATE TABLE strategy_risk_state (
        user_id UUID NOT NULL REFERENCES user_profiles (id) ON DELETE CASCADE, day DATE NOT NULL,
        realized_pnl_usdt NUMERIC NOT NULL DEFAULT 0, trades_count INTEGER NOT NULL DEFAULT 0,
        consecutive_losses INTEGER NOT NULL DEFAULT 0, is_paused BOOLEAN NOT NULL DEFAULT false, paused_reason TEXT,
        paused_until TIMESTAMPTZ, last_trade_at TIMESTAMPTZ, updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        PRIMARY KEY (user_id, day));
    CREATE TABLE strategy_locks (
        %s locked_until TIMESTAMPTZ NOT NULL, lock_owner TEXT NOT NULL, updated_at TIMESTAMPTZ NOT NULL DEFAULT now());
    CREATE INDEX idx_strategy_tick_runs_scheduled_at ON strategy_tick_runs (scheduled_at DESC);
    ALTER TABLE strategy_tick_runs ENABLE ROW LEVEL SECURITY;
    CREATE POLICY strategy_tick_runs_insert ON strategy_tick_runs FOR INSERT WITH CHECK (auth.uid() = user_id);
    ALTER TABLE strategy_locks ENABLE ROW LEVEL SECURITY;
    CREATE POLICY strategy_locks_all_admin ON strategy_locks FOR ALL USING (
        EXISTS (SELECT 1 FROM user_profiles WHERE id = auth.uid() AND role = 'admin'));
    GRANT SELECT, INSERT ON strategy_tick_runs TO PUBLIC;
"""
BY_STRATEGY = ("strategy_id UUID NOT NULL REFERENCES strategies (id) ON DELETE CASCADE,",
               "strategy_id UUID PRIMARY KEY REFERENCES strategies (id) ON DELETE CASCADE,")
BY_RUN = ("strategy_run_id UUID REFERENCES strategy_runs (id) ON DELETE CASCADE,",
          "strategy_run_id UUID PRIMARY KEY REFERENCES strategy_runs (id) ON DELETE CASCADE,")
USERS = """
    CREATE TABLE user_profiles (id UUID PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE, role TEXT NOT NULL DEFAULT 'user');
    CREATE TABLE user_exchange_connections (
        id UUID PRIMARY KEY DEFAULT gen_random_uuid(), user_id UUID NOT NULL REFERENCES user_profiles ON DELETE CASCADE,
        exchange TEXT NOT NULL);
"""
SHAPE = """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid) AS value
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relname IN ({}) ORDER BY 1, 2"""
RULES = """SELECT conrelid::regclass::text, pg_get_constraintdef(oid) AS rule, convalidated FROM pg_constraint
    WHERE conrelid::regclass::text IN ({}) ORDER BY 1, 2"""
POLICIES = """SELECT polrelid::regclass::text, polname, polcmd::text FROM pg_policy
    WHERE polrelid::regclass::text IN ({}) ORDER BY 1, 2"""
OWNERS = "SELECT relname, relowner::regrole::text, relrowsecurity FROM pg_class WHERE relname IN ({}) ORDER BY 1"
SHAPE, RULES, POLICIES, OWNERS = (query.format(", ".join(f"'{name}'" for name in (
    "strategy_runs", "strategy_events", "strategies", "strategy_tick_runs", "strategy_risk_state", "strategy_locks")))
    for query in (SHAPE, RULES, POLICIES, OWNERS))


@pytest.mark.parametrize("keys", [BY_STRATEGY, BY_RUN], ids=["after its second file", "after its third file"])
def test_an_installations_own_tables(installed, programs, keys):
    session = installed.super
    installed.session().rows(USERS)
    installed.session().rows(OWN_TABLES % keys)
    key = keys[0].split(" ")[0]
    user, (connection,) = user_of(session, ["bybit"])
    other, (foreign,) = user_of(session, ["bybit"])
    run_columns = {"exchange": "bybit", "market_type": "futures", "direction": "both", "leverage": 5, "order_size_pct": 10,
                   "initial_capital_usdt": 100, "take_profit_pct": 1, "stop_loss_pct": 1, "status": "active"}
    runs = [run_of(session, user, exchange_connection_id=at, timeframe=timeframe, **run_columns)
            for at, timeframe in ((connection, "5m"), (connection, "4h"), (connection, "3d"), (foreign, "1d"), (connection, "1M"))]
    for number in range(3):
        insert(session, "strategy_events", strategy_run_id=runs[0], user_id=user, event_type="signal", payload=f'{{"n": {number}}}')
    strategy = strategy_of(session, user)
    subject = strategy if keys is BY_STRATEGY else runs[0]
    tick_of(session, user, subject, key)
    # Somebody else's, as the older rules let them be; the second also comes twice.
    others = [tick_of(session, other, subject, key, scheduled_at="2026-01-30 10:10+00"),
              tick_of(session, other, subject, key, started_at="2026-01-30 10:05:01+00")]
    insert(session, "strategy_events", strategy_run_id=runs[0], user_id=other, event_type="error", payload='{"n": 3}')
    insert(session, "strategy_locks", **{key: subject}, locked_until="now", lock_owner="old")
    insert(session, "strategy_risk_state", user_id=user, day="2026-01-29")
    if keys is BY_RUN:
        tick_of(session, user, None, key)  # whose it was it forgot at its own conversion
    was = {query: session.rows(query) for query in (SHAPE, RULES, POLICIES, OWNERS)}
    rows = content(session)

    for _ in range(2):
        apply(installed, "up")
        found = {row["id"]: row for row in session.rows("SELECT * FROM strategy_runs")}
        assert [(found[run]["timeframe"], found[run]["status"], found[run]["exchange_connection_id"]) for run in runs] == [
            ("5m", "active", connection), ("H4", "active", connection), ("D1", "draft", connection), ("D1", "draft", None),
            ("MN1", "active", connection)]
        assert (found[strategy]["strategy_template"], found[strategy]["status"]) == ("legacy", "active")
        assert [row["payload"]["n"] for row in session.rows("SELECT payload FROM strategy_events ORDER BY seq")] == [0, 1, 2, 3]
        assert session.value("SELECT count(*) FROM strategy_tick_runs WHERE strategy_run_id = %s", subject) == 3
        assert session.value("SELECT count(*) FROM strategy_tick_runs WHERE id = ANY (%s::uuid[]) AND user_id = %s", others, user) == 2
        assert session.value("SELECT count(*) FROM strategy_events WHERE user_id = %s", user) == 4
        assert session.value("SELECT count(*) FROM installation_rows WHERE before ->> 'user_id' = %s", str(other)) == 3
        verified = installed.migrate("verify")
        assert verified.returncode == 0, verified.stdout
        assert session.value("SELECT strategy_run_id FROM strategy_locks") == subject

        for query in (RULES, POLICIES, OWNERS):
            assert session.rows(query) == programs.admin.rows(query), "as on a new installation"
        person = Person(installed, session, user=user)
        assert person.count("strategy_tick_runs") == (4 if keys is BY_RUN else 3)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            tick_of(person, user, subject, scheduled_at="now")

        apply(installed, "down", "--to", str(BEFORE), "--allow-data-loss")
        for query, found in was.items():
            assert session.rows(query) == found
        for table, found in content(session).items():
            assert found == rows[table], table
        assert session.value("SELECT has_table_privilege('anon', 'strategy_tick_runs', 'INSERT')")
