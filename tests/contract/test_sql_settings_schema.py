"""Settings, switches, further accounts, aliases, agents' last reports and idempotency keys: who sees and writes them, and
what is refused."""

import secrets

import psycopg2
import pytest

from tradewire_test.people import Person, as_role
from tradewire_test.trading import Trader

OTHERS = ("anon", "tradewire_gateway", "tradewire_sync", "tradewire_ingester")
TABLES = ("user_settings", "kill_switches", "strategy_targets", "symbol_aliases", "agent_state", "idempotency_keys")


@pytest.fixture
def people(database, programs):
    """Two traders who can ask by themselves, with a row each, written by the dispatcher."""
    made = []
    for _ in range(2):
        trader = Trader(programs)
        person = Person(database, programs.admin, user=trader.user)
        person.trader = trader
        write = programs.dispatcher.rows
        write("INSERT INTO user_settings (user_id, settings) VALUES (%s, '{\"max_age_s\": 30}')", trader.user)
        write("INSERT INTO kill_switches (scope, user_id, set_by) VALUES ('user', %s, 'user')", trader.user)
        write("INSERT INTO strategy_targets (strategy_id, broker_connection_id, user_id, volume_factor) VALUES (%s, %s, %s, 0.5)",
              trader.strategy, trader.connection, trader.user)
        write("INSERT INTO agent_state (agent_id, kind, user_id, data, as_of) VALUES (%s, 'account', %s, '{}', now())",
              trader.agent, trader.user)
        write("INSERT INTO idempotency_keys (user_id, key, request_hash) VALUES (%s, 'k', %s)", trader.user, secrets.token_bytes(32))
        made.append(person)
    return made


# --- rights ---------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("table", ["user_settings", "strategy_targets", "agent_state"])
def test_a_user_sees_own_rows(people, table):
    for person in people:
        assert [row["user_id"] for row in person.rows(f"SELECT user_id FROM {table}")] == [person.user]


def test_a_user_sees_own_switches_and_those_for_everybody(programs, people):
    switch = programs.dispatcher.value("INSERT INTO kill_switches (scope, set_by) VALUES ('global', 'operator:x') RETURNING id")
    try:
        for person in people:
            assert {row["user_id"] for row in person.rows("SELECT user_id FROM kill_switches")} == {person.user, None}
    finally:
        programs.admin.rows("DELETE FROM kill_switches WHERE id = %s", switch)


def test_answers_kept_are_nobodys_to_read(database, people):
    for session in (people[0], as_role(database, "service_role"), as_role(database, "tradewire_operator")):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            session.rows("SELECT * FROM idempotency_keys")


@pytest.mark.parametrize("table", TABLES)
def test_nobody_but_the_dispatcher_writes(database, people, table):
    sessions = [people[0], *(as_role(database, role) for role in (*OTHERS, "service_role", "tradewire_operator"))]
    for session in sessions:
        for statement in (f"INSERT INTO {table} DEFAULT VALUES", f"DELETE FROM {table}"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                session.rows(statement)
    for role in OTHERS:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            as_role(database, role).rows(f"SELECT * FROM {table}")


# --- rules ----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("settings", ['{"max_age": 30}', '{"max_age_s": 0}', "[]", '{"max_volume": "-1"}'])
def test_a_users_settings_are_checked_as_a_strategys(programs, people, refused, settings):
    with refused("bad_settings: "):
        programs.dispatcher.rows("UPDATE user_settings SET settings = %s WHERE user_id = %s", settings, people[0].user)


@pytest.mark.parametrize("scope, has_user, has_strategy", [
    ("global", True, False), ("global", False, True), ("user", False, False), ("user", True, True), ("strategy", True, False),
    ("strategy", False, True), ("account", True, False)])
def test_a_switch_names_exactly_what_it_is_about(programs, people, scope, has_user, has_strategy):
    trader = people[0].trader
    with pytest.raises(psycopg2.errors.CheckViolation):
        programs.dispatcher.rows("INSERT INTO kill_switches (scope, user_id, strategy_id, set_by) VALUES (%s, %s, %s, 'x')", scope,
                                 trader.user if has_user else None, trader.strategy if has_strategy else None)


def test_one_switch_per_scope_and_for_own_strategies(programs, people):
    one, other = (person.trader for person in people)
    insert = "INSERT INTO kill_switches (scope, user_id, strategy_id, set_by) VALUES (%s, %s, %s, 'x')"
    programs.dispatcher.rows(insert, "strategy", one.user, one.strategy)
    for scope, user, strategy in (("strategy", one.user, one.strategy), ("user", one.user, None)):
        with pytest.raises(psycopg2.errors.UniqueViolation):
            programs.dispatcher.rows(insert, scope, user, strategy)
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        programs.dispatcher.rows(insert, "strategy", one.user, other.strategy)
    programs.admin.rows("DELETE FROM tv_strategies WHERE id = %s", one.strategy)
    assert programs.dispatcher.value("SELECT count(*) FROM kill_switches WHERE user_id = %s", one.user) == 1


def test_a_target_is_the_same_users(programs, people):
    one, other = (person.trader for person in people)
    insert = "INSERT INTO strategy_targets (strategy_id, broker_connection_id, user_id) VALUES (%s, %s, %s)"
    programs.admin.rows("DELETE FROM strategy_targets WHERE user_id = %s", one.user)
    for strategy, connection, user in ((one.strategy, other.connection, one.user), (other.strategy, one.connection, one.user),
                                       (one.strategy, one.connection, other.user)):
        with pytest.raises(psycopg2.errors.ForeignKeyViolation):
            programs.dispatcher.rows(insert, strategy, connection, user)
    programs.dispatcher.rows(insert, one.strategy, one.connection, one.user)
    for column, value in (("risk_pct", 0), ("risk_pct", 100.01), ("volume_factor", 0), ("volume_factor", -1)):
        with pytest.raises(psycopg2.errors.CheckViolation):
            programs.dispatcher.rows(f"UPDATE strategy_targets SET {column} = %s WHERE user_id = %s", value, one.user)


def test_aliases(programs, people):
    assert people[0].rows("SELECT canonical FROM symbol_aliases WHERE alias = 'GOLD'") == [{"canonical": "XAUUSD"}]
    for alias, canonical in (("gold2", "XAUUSD"), ("GO LD", "XAUUSD"), ("X", "X"), ("", "XAUUSD"), ("SILVER", "xagusd")):
        with pytest.raises(psycopg2.errors.CheckViolation):
            programs.admin.rows("INSERT INTO symbol_aliases VALUES (%s, %s)", alias, canonical)


def test_an_agents_state_is_one_row_per_kind_and_its_users(programs, people):
    one, other = (person.trader for person in people)
    upsert = """INSERT INTO agent_state AS s (agent_id, kind, user_id, data, as_of) VALUES (%s, %s, %s, %s, now())
        ON CONFLICT (agent_id, kind) DO UPDATE SET data = excluded.data, as_of = excluded.as_of WHERE s.as_of < excluded.as_of"""
    programs.dispatcher.rows(upsert, one.agent, "account", one.user, '{"equity": "9.50"}')
    programs.dispatcher.rows(upsert, one.agent, "quotes", one.user, "{}")
    assert {row["kind"]: row["data"] for row in people[0].rows("SELECT * FROM agent_state")} == {
        "account": {"equity": "9.50"}, "quotes": {}}
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        programs.dispatcher.rows(upsert, one.agent, "symbols", other.user, "{}")
    with pytest.raises(psycopg2.errors.CheckViolation):
        programs.dispatcher.rows(upsert, one.agent, "orders", one.user, "{}")


def test_an_idempotency_key_is_a_users_own_and_lives_a_day(programs, people):
    one, other = (person.trader for person in people)
    insert = "INSERT INTO idempotency_keys (user_id, key, request_hash) VALUES (%s, %s, %s) RETURNING expires_at - created_at AS life"
    digest = secrets.token_bytes(32)
    assert programs.dispatcher.value(insert, one.user, "k2", digest).total_seconds() == 86400
    programs.dispatcher.rows(insert, other.user, "k2", digest)
    with pytest.raises(psycopg2.errors.UniqueViolation):
        programs.dispatcher.rows(insert, one.user, "k2", digest)
    for key, value in (("", digest), ("x" * 256, digest), ("k3", digest[1:])):
        with pytest.raises(psycopg2.errors.CheckViolation):
            programs.dispatcher.rows(insert, one.user, key, value)
    programs.dispatcher.rows("UPDATE idempotency_keys SET answer_status = 200, answer = '{}' WHERE user_id = %s", one.user)
    programs.dispatcher.rows("DELETE FROM idempotency_keys WHERE user_id = %s", one.user)


def test_everything_of_a_user_goes_with_the_user(programs, people):
    programs.admin.rows("DELETE FROM auth.users WHERE id = %s", people[0].user)
    for table in ("user_settings", "kill_switches", "strategy_targets", "agent_state", "idempotency_keys"):
        assert programs.admin.value(f"SELECT count(*) FROM {table} WHERE user_id = %s", people[0].user) == 0
        assert programs.admin.value(f"SELECT count(*) FROM {table} WHERE user_id = %s", people[1].user) > 0
