"""tv_strategies: the server's secret and tag, settings that are checked, own rows only."""

import json
import re

import psycopg2
import pytest

from tradewire_test.trading import Trader


@pytest.fixture
def user(database, trader):
    """A session as the trader's user, as Supabase's API opens it."""
    session = database.session("authenticated")
    session.rows("SELECT set_config('request.jwt.claims', %s, false)", json.dumps({"sub": str(trader.user)}))
    yield session
    session.close()


def add(session, trader, **columns):
    columns = {"user_id": trader.user, "name": "own", **columns}
    names = ", ".join(columns)
    marks = ", ".join(["%s"] * len(columns))
    return session.row(f"INSERT INTO tv_strategies ({names}) VALUES ({marks}) RETURNING *", *columns.values())


def test_the_server_makes_secret_and_tag(user, trader):
    first, second = add(user, trader), add(user, trader)
    for made in (first, second):
        assert re.fullmatch("[0-9a-f]{64}", made["webhook_secret"]) and 1 <= made["magic_tag"] < 2 ** 20
    assert first["webhook_secret"] != second["webhook_secret"] and first["magic_tag"] != second["magic_tag"]


def test_nobody_else_sets_the_secret(database, user, trader, programs):
    for session in (user, database.session("service_role")):
        try:
            made = add(session, trader, webhook_secret="a" * 64)
        except psycopg2.errors.InsufficientPrivilege:
            assert session is user
            continue
        assert made["webhook_secret"] != "a" * 64
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            session.rows("UPDATE tv_strategies SET webhook_secret = %s WHERE id = %s", "a" * 64, made["id"])
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        user.rows("UPDATE tv_strategies SET webhook_secret = %s WHERE id = %s", "a" * 64, trader.strategy)
    made = add(programs.admin, trader, webhook_secret="b" * 64)
    assert made["webhook_secret"] == "b" * 64, "the owner's hand"


def test_tag_and_user_never_change(programs, trader):
    before = programs.admin.row("SELECT user_id, magic_tag FROM tv_strategies WHERE id = %s", trader.strategy)
    other = Trader(programs)
    programs.admin.rows("UPDATE tv_strategies SET magic_tag = 5, user_id = %s WHERE id = %s", other.user, trader.strategy)
    assert programs.admin.row("SELECT user_id, magic_tag FROM tv_strategies WHERE id = %s", trader.strategy) == before


def test_updated_at_follows_every_change(programs, trader):
    read = "SELECT updated_at FROM tv_strategies WHERE id = %s"
    before = programs.admin.value(read, trader.strategy)
    programs.admin.rows("UPDATE tv_strategies SET is_enabled = false, updated_at = 'epoch' WHERE id = %s", trader.strategy)
    assert programs.admin.value(read, trader.strategy) > before


@pytest.mark.parametrize("settings", [
    {}, {"max_age_s": 1}, {"max_age_s": 86400}, {"close_max_age_s": 604800}, {"stop_kind": "price"}, {"max_volume": 1},
    {"rate_per_min": 10}, {"rate_per_min": 10000, "burst": 1}, {"rate_per_min": 1, "burst": 10000},
    {"max_volume": "0.01"}, {"max_age_s": 30, "close_max_age_s": 60, "stop_kind": "price", "max_volume": 2.5}])
def test_good_settings(user, trader, settings):
    assert add(user, trader, settings=json.dumps(settings))["settings"] == settings


@pytest.mark.parametrize("settings, named", [
    ({"max_age": 30}, "max_age"), ({"max_age_s": 0}, "max_age_s"), ({"max_age_s": 86401}, "max_age_s"),
    ({"max_age_s": "30"}, "max_age_s"), ({"max_age_s": 1.5}, "max_age_s"), ({"max_age_s": None}, "max_age_s"),
    ({"close_max_age_s": 604801}, "close_max_age_s"), ({"stop_kind": "pips"}, "stop_kind"), ({"max_volume": 0}, "max_volume"), ({"rate_per_min": 0}, "rate_per_min"), ({"rate_per_min": "5"}, "rate_per_min"),
    ({"burst": 5}, "rate_per_min"), ({"rate_per_min": 5, "burst": 0}, "burst"), ({"rate_per_min": 5, "burst": 10001}, "burst"),
    ({"rate_per_min": 5, "burst": "5"}, "burst"), ({"rate_per_min": 10001}, "rate_per_min"),
    ({"max_volume": "-1"}, "max_volume"), ({"max_volume": "1e9"}, "max_volume"), ({"max_volume": True}, "max_volume"),
    ({"max_volume": "NaN"}, "max_volume"), ([], "object"), ("x", "object"), (None, "object")])
def test_bad_settings_are_refused_by_name(user, trader, refused, settings, named):
    with refused("bad_settings: ") as refusal:
        add(user, trader, settings=json.dumps(settings))
    with pytest.raises(psycopg2.errors.CheckViolation, match=named):
        user.rows("UPDATE tv_strategies SET settings = %s WHERE id = %s", json.dumps(settings), trader.strategy)
    assert refusal.code


@pytest.mark.parametrize("column, good, bad", [
    ("risk_override_pct", (0, "0.01", 100, None), (-5, "-0.01", "100.01", 999, "NaN")),
    ("name", ("x", " x", "é" * 100), ("", "  \t\n", "x" * 101))])
def test_a_strategys_numbers_and_names_have_a_range(user, trader, column, good, bad):
    strategy = add(user, trader)["id"]
    for value in good:
        user.rows(f"UPDATE tv_strategies SET {column} = %s WHERE id = %s", value, strategy)
        add(user, trader, **{column: value})
    for value in bad:
        with pytest.raises(psycopg2.errors.CheckViolation):
            user.rows(f"UPDATE tv_strategies SET {column} = %s WHERE id = %s", value, strategy)
        with pytest.raises(psycopg2.errors.CheckViolation):
            add(user, trader, **{column: value})


@pytest.mark.parametrize("column", ["risk_percent", "risk_max_percent"])
def test_a_users_risk_is_a_percentage(programs, trader, column):
    programs.admin.rows("INSERT INTO user_profiles (id) VALUES (%s)", trader.user)
    for value in (0, "0.5", 100, None):
        programs.admin.rows(f"UPDATE user_profiles SET {column} = %s WHERE id = %s", value, trader.user)
    for value in (-1, "100.001", "NaN"):
        with pytest.raises(psycopg2.errors.CheckViolation):
            programs.admin.rows(f"UPDATE user_profiles SET {column} = %s WHERE id = %s", value, trader.user)


def test_another_users_account_cannot_be_named(user, programs, trader):
    other = Trader(programs)
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        add(user, trader, broker_connection_id=other.connection)
    assert add(user, trader, broker_connection_id=trader.connection)["broker_connection_id"] == trader.connection


def test_users_see_and_change_their_own_rows_only(user, programs, trader):
    other = Trader(programs)
    other.hello()
    other.send("buy")
    trader.send("buy")
    for table, column in (("tv_strategies", "user_id"), ("tv_signals", "user_id"), ("jobs", "user_id"), ("signal_legs", "user_id")):
        assert {row[column] for row in user.rows(f"SELECT {column} FROM {table}")} == {trader.user}, table
    assert {row["id"] for row in user.rows("SELECT id FROM mt5_agents")} == {trader.agent}
    assert {row["id"] for row in user.rows("SELECT id FROM broker_connections")} == {trader.connection}
    user.rows("UPDATE tv_strategies SET name = 'mine now'")
    user.rows("DELETE FROM tv_strategies WHERE id = %s", other.strategy)
    assert programs.admin.value("SELECT name FROM tv_strategies WHERE id = %s", other.strategy) == "strategy"
    assert programs.admin.value("SELECT name FROM tv_strategies WHERE id = %s", trader.strategy) == "mine now"
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        add(user, other)


def test_nobody_without_a_token_sees_anything(database, trader):
    session = database.session("authenticated")
    assert session.rows("SELECT id FROM tv_strategies") == []
    anon = database.session("anon")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        anon.rows("SELECT id FROM tv_strategies")


def test_both_forms_of_claims_are_understood(database, trader):
    session = database.session("authenticated")
    session.rows("SELECT set_config('request.jwt.claim.sub', %s, false)", str(trader.user))
    assert session.value("SELECT auth.uid()") == trader.user
    session.rows("SELECT set_config('request.jwt.claims', %s, false)", '{"sub": "00000000-0000-0000-0000-000000000001"}')
    assert str(session.value("SELECT auth.uid()")) == "00000000-0000-0000-0000-000000000001"
