"""Account sync's tables and views: who sees what, what is refused, and the views' figures on rows whose figures are known."""

import uuid

import psycopg2
import pytest

from tradewire_test.folder import apply, until
from tradewire_test.installations import rows as all_rows
from tradewire_test.people import Person, as_role

BEFORE = 20251109000000  # the newest file before account sync
NEW_COLUMNS = {"mt5_service_account_id", "last_connection_error", "last_successful_sync_at", "sync_failure_count",
               "broker_server_time_offset", "broker_connection_id"}


@pytest.fixture
def people(database, programs):
    """Two users with an account each, and a log of each account."""
    made = []
    for _ in range(2):
        person = Person(database, programs.admin)
        person.account = account(programs, person.user)
        log(programs, person.account, "failed")
        made.append(person)
    return made


def account(programs, user, **columns):
    columns = {"user_id": user, "platform": "MT5", **columns}
    return programs.admin.value(f"INSERT INTO trading_accounts ({', '.join(columns)}) VALUES "
                                f"({', '.join(['%s'] * len(columns))}) RETURNING id", *columns.values())


def log(programs, of, status, hours_ago=1, duration_ms=None, sync_type="scheduled", session=None):
    (session or programs.admin).rows(
        "INSERT INTO sync_logs (account_id, sync_type, status, started_at, duration_ms) "
        "VALUES (%s, %s, %s, now() - %s * interval '1 hour', %s)", of, sync_type, status, hours_ago, duration_ms)


def test_a_user_sees_logs_and_health_of_own_accounts(people):
    one, other = people
    for relation in ("sync_logs", "recent_sync_failures", "account_sync_health"):
        for person in people:
            assert [row["account_id"] for row in person.rows(f"SELECT account_id FROM {relation}")] == [person.account]
    assert one.count("trading_accounts") == other.count("trading_accounts") == 1


def test_who_may_not(database, programs, people):
    one = people[0]
    for statement in ("INSERT INTO sync_logs (account_id, sync_type, status, started_at) "
                      f"VALUES ('{one.account}', 'manual', 'success', now())",
                      "DELETE FROM sync_logs", "UPDATE sync_logs SET status = 'success'",
                      "UPDATE trading_accounts SET sync_failure_count = 0", "SELECT * FROM sync_leases"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            one.rows(statement)
    for role in ("anon", "tradewire_gateway", "tradewire_ingester"):
        for relation in ("sync_logs", "sync_leases", "recent_sync_failures", "account_sync_health"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                as_role(database, role).rows(f"SELECT * FROM {relation}")


def test_who_may(database, programs, people):
    service, sync = as_role(database, "service_role"), as_role(database, "tradewire_sync")
    log(programs, people[0].account, "success", session=service)
    log(programs, people[0].account, "success", session=sync)
    for role in ("service_role", "tradewire_sync", "tradewire_operator", "tradewire_dispatcher"):
        session = as_role(database, role)
        assert session.value("SELECT count(*) FROM sync_logs WHERE account_id = %s", people[0].account) == 3
        assert session.value("SELECT total_syncs_24h FROM account_sync_health WHERE account_id = %s", people[0].account) == 3
    for session in (service, sync):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            session.rows("DELETE FROM sync_logs")
    sync.rows("UPDATE trading_accounts SET sync_failure_count = sync_failure_count + 1 WHERE id = %s", people[0].account)
    assert programs.admin.value("SELECT sync_failure_count FROM trading_accounts WHERE id = %s", people[0].account) == 1
    sync.rows("INSERT INTO trades (account_id, user_id, ticket, position_id) VALUES (%s, %s, %s, 7)",
              people[0].account, people[0].user, uuid.uuid4().int % 10**15)


def test_a_lease_is_taken_once_and_its_fence_rises(database, people):
    take = """INSERT INTO sync_leases AS l (account_id, owner, fence, until_at)
        VALUES (%s, %s, 1, now() + %s * interval '1 s')
        ON CONFLICT (account_id) DO UPDATE SET owner = excluded.owner, fence = l.fence + 1, until_at = excluded.until_at
            WHERE l.until_at < now() RETURNING fence"""
    sync = as_role(database, "tradewire_sync")
    assert [row["fence"] for row in sync.rows(take, people[0].account, "a", -1)] == [1]
    assert [row["fence"] for row in sync.rows(take, people[0].account, "b", 60)] == [2]
    assert sync.rows(take, people[0].account, "c", 60) == []


@pytest.mark.parametrize("column, value", [("sync_type", "hourly"), ("status", "running"), ("status", "")])
def test_only_the_words_of_the_document_in_a_log(programs, people, column, value):
    with pytest.raises(psycopg2.errors.CheckViolation):
        log(programs, people[0].account, **{"status": "success", column: value})


def test_an_account_may_be_active_and_starts_at_zero(programs, people):
    account(programs, people[0].user, connection_status="active")
    row = programs.admin.row("SELECT * FROM trading_accounts WHERE id = %s", people[0].account)
    assert (row["sync_failure_count"], row["broker_server_time_offset"], row["connection_status"]) == (0, 0, "disconnected")
    with pytest.raises(psycopg2.errors.CheckViolation):
        account(programs, people[0].user, connection_status="asleep")


def test_a_trade_is_made_on_its_users_own_account(programs, people):
    one, other = people
    insert = "INSERT INTO trades (account_id, user_id, ticket) VALUES (%s, %s, 1) RETURNING id"
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        programs.admin.value(insert, other.account, one.user)
    trade = programs.admin.value(insert, one.account, one.user)
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        programs.admin.rows("UPDATE trades SET user_id = %s WHERE id = %s", other.user, trade)
    programs.admin.rows("DELETE FROM trading_accounts WHERE id = %s", one.account)
    assert programs.admin.rows("SELECT id FROM trades WHERE id = %s", trade) == []


def test_an_accounts_connection_is_its_users_own_and_only_its(programs, trader, people):
    mine = account(programs, trader.user, broker_connection_id=trader.connection)
    with pytest.raises(psycopg2.errors.UniqueViolation):
        account(programs, trader.user, broker_connection_id=trader.connection)
    programs.admin.rows("UPDATE trading_accounts SET broker_connection_id = NULL WHERE id = %s", mine)
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        account(programs, people[0].user, broker_connection_id=trader.connection)
    programs.admin.rows("UPDATE trading_accounts SET broker_connection_id = %s WHERE id = %s", trader.connection, mine)
    spare = programs.admin.value("INSERT INTO broker_connections (user_id, broker_type, name) "
                                 "VALUES (%s, 'OANDA', 'spare') RETURNING id", trader.user)
    programs.admin.rows("UPDATE trading_accounts SET broker_connection_id = %s WHERE id = %s", spare, mine)
    programs.admin.rows("DELETE FROM broker_connections WHERE id = %s", spare)
    row = programs.admin.row("SELECT * FROM trading_accounts WHERE id = %s", mine)
    assert row["broker_connection_id"] is None and row["user_id"] == trader.user


def test_the_views_figures(programs, people):
    of = account(programs, people[0].user, account_name="figures", sync_failure_count=2, last_connection_error="timeout: x")
    for status, hours_ago, duration_ms in (("success", 1, 100), ("success", 2, 200), ("success", 23.9, None), ("failed", 3, 601),
                                           ("failed", 24.1, 9999), ("partial", 4, 100), ("success", 48, 9999)):
        log(programs, of, status, hours_ago, duration_ms)
    health = programs.admin.row("SELECT * FROM account_sync_health WHERE account_id = %s", of)
    assert (health["total_syncs_24h"], health["successful_syncs_24h"], health["failed_syncs_24h"],
            health["partial_syncs_24h"]) == (5, 3, 1, 1)
    assert (float(health["success_rate_pct_24h"]), int(health["avg_duration_ms_24h"])) == (60.0, 250)
    assert (health["sync_failure_count"], health["last_connection_error"], health["account_name"]) == (
        2, "timeout: x", "figures")
    failures = programs.admin.rows("SELECT * FROM recent_sync_failures WHERE account_id = %s ORDER BY started_at", of)
    assert [(row["status"], row["duration_ms"], row["sync_failure_count"]) for row in failures] == [
        ("partial", 100, 2), ("failed", 601, 2)]


def test_an_account_without_syncs_has_no_rate(programs, people):
    of = account(programs, people[0].user)
    health = programs.admin.row("SELECT * FROM account_sync_health WHERE account_id = %s", of)
    assert health["total_syncs_24h"] == health["failed_syncs_24h"] == 0
    assert health["success_rate_pct_24h"] is None and health["avg_duration_ms_24h"] is None


def test_health_reads_only_an_accounts_last_day(programs, people):
    programs.admin.rows("SET enable_seqscan = off")
    plan = "\n".join(row["QUERY PLAN"] for row in programs.admin.rows(
        "EXPLAIN SELECT * FROM account_sync_health WHERE account_id = %s", people[0].account))
    programs.admin.rows("RESET enable_seqscan")
    assert "idx_sync_logs_account" in plan and "started_at >" in plan


# --- an installation that has accounts, and perhaps some of this already ---------------------------------------------

def columns(session, table):
    return {row["attname"] for row in session.rows(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped", table)}


def test_accounts_before_the_columns(older):
    apply(older, "up", "--dir", until(BEFORE, older.tmp_path))
    session = older.session()
    user = session.value("INSERT INTO auth.users (email) VALUES ('old@test.example') RETURNING id")
    session.rows("INSERT INTO trading_accounts (user_id, platform, connection_status, balance) "
                 "SELECT %s, 'MT5', s, 12.5 FROM unnest(ARRAY['connected', 'disconnected', 'error']) s", user)
    was = session.rows("SELECT id, connection_status, balance, updated_at FROM trading_accounts ORDER BY id")
    before = columns(session, "trading_accounts")

    for _ in range(2):
        apply(older, "up")
        assert columns(session, "trading_accounts") == before | NEW_COLUMNS
        assert session.rows("SELECT id, connection_status, balance, updated_at FROM trading_accounts ORDER BY id") == was
        assert session.rows("SELECT DISTINCT sync_failure_count, broker_server_time_offset FROM trading_accounts") == [
            {"sync_failure_count": 0, "broker_server_time_offset": 0}]
        session.rows("UPDATE trading_accounts SET connection_status = 'active' WHERE connection_status = 'connected'")
        apply(older, "down", "--to", str(BEFORE), "--allow-data-loss")
        assert columns(session, "trading_accounts") == before
        assert session.rows("SELECT id, connection_status, balance, updated_at FROM trading_accounts ORDER BY id") == was
        assert session.value("SELECT to_regclass('sync_logs')") is None
        with pytest.raises(psycopg2.errors.CheckViolation):
            session.rows("UPDATE trading_accounts SET connection_status = 'active'")


def test_an_installation_that_synchronised_already(installed):
    """Columns with NULLs, times without a zone, a log with rows, rules and policies of its own."""
    session = installed.super
    installed.session().rows("""
        CREATE TABLE trading_accounts (
            id UUID PRIMARY KEY DEFAULT gen_random_uuid(), user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE,
            platform TEXT, is_active BOOLEAN, connection_status VARCHAR(50) CHECK (connection_status <> ''),
            last_sync_at TIMESTAMP, sync_failure_count INTEGER, broker_server_time_offset INTEGER DEFAULT 7,
            last_successful_sync_at TIMESTAMP);
        CREATE TABLE sync_logs (
            id UUID PRIMARY KEY DEFAULT gen_random_uuid(), account_id UUID NOT NULL REFERENCES trading_accounts ON DELETE CASCADE,
            sync_type VARCHAR(50) CHECK (sync_type IN ('scheduled', 'manual', 'realtime')), started_at TIMESTAMP NOT NULL,
            completed_at TIMESTAMP, status VARCHAR(50) CHECK (status IN ('success', 'failed', 'partial')),
            trades_synced INTEGER DEFAULT 0, error_message TEXT, duration_ms INTEGER, created_at TIMESTAMP DEFAULT now());
        ALTER TABLE sync_logs ENABLE ROW LEVEL SECURITY;
        CREATE POLICY anybody ON sync_logs FOR INSERT WITH CHECK (true);
        GRANT ALL ON sync_logs TO PUBLIC;
        CREATE VIEW account_sync_health AS SELECT id, last_sync_at FROM trading_accounts;""")
    user = session.value("INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'old@test.example') RETURNING id")
    rows = session.rows("""INSERT INTO trading_accounts (user_id, platform, connection_status, sync_failure_count,
            last_successful_sync_at)
        VALUES (%s, 'MT5', 'pending', NULL, '2025-01-02 03:04:05'), (%s, 'MT5', 'active', 4, NULL) RETURNING id""", user, user)
    session.rows("INSERT INTO sync_logs (account_id, sync_type, started_at, status, created_at) "
                 "VALUES (%s, 'manual', '2025-01-02 03:04:05', 'partial', NULL)", rows[1]["id"])
    was = all_rows(session)

    for _ in range(2):
        apply(installed, "up")
        found = {row["id"]: row for row in session.rows("SELECT * FROM trading_accounts")}
        waiting, active = found[rows[0]["id"]], found[rows[1]["id"]]
        assert (waiting["connection_status"], active["connection_status"]) == ("disconnected", "active")
        assert (waiting["sync_failure_count"], active["sync_failure_count"]) == (0, 4)
        assert waiting["last_successful_sync_at"].isoformat() == "2025-01-02T03:04:05+00:00"
        logged = session.row("SELECT * FROM sync_logs")
        assert logged["started_at"].isoformat() == "2025-01-02T03:04:05+00:00" and logged["created_at"] is not None
        person = Person(installed, session, user=user)
        assert person.count("sync_logs") == 1
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            person.rows("INSERT INTO sync_logs (account_id, sync_type, started_at, status) "
                        "VALUES (%s, 'manual', now(), 'success')", rows[0]["id"])

        apply(installed, "down", "--to", str(BEFORE), "--allow-data-loss")
        found = {row["id"]: row for row in session.rows("SELECT * FROM trading_accounts")}
        assert [(found[row["id"]]["connection_status"], found[row["id"]]["sync_failure_count"]) for row in rows] == [
            ("pending", None), ("active", 4)]
        assert "mt5_service_account_id" not in columns(session, "trading_accounts")
        assert session.value("SELECT count(*) FROM sync_logs") == 1
        assert session.value("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attname = 'started_at' "
                             "AND attrelid = 'sync_logs'::regclass") == "timestamp without time zone"
        assert session.value("SELECT string_agg(polname, ' ') FROM pg_policy WHERE polrelid = 'sync_logs'::regclass") == "anybody"
        assert session.value("SELECT has_table_privilege('anon', 'sync_logs', 'DELETE')")
    apply(installed, "down", "--to", "0", "--allow-data-loss")
    assert {table: rows for table, rows in all_rows(session).items() if table in was} == was
    assert "last_sync_at" in session.row("SELECT * FROM account_sync_health LIMIT 1")
