"""Older installations brought forward, and back: every old value is kept, every new rule holds, no old trade is executed.

The shapes are in `installations/`. The folder of migrations is walked: a later file is covered by itself.
"""

import json
import os
import re
import shutil
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import psycopg2
import pytest

from tradewire_test.database import Database
from tradewire_test.installations import Supabase, load, plain_auth, rows
from tradewire_test.trading import Programs

CHECKOUT = Path(__file__).resolve().parents[2]
MIGRATIONS = sorted((CHECKOUT / "migrations").glob("*.sql"))
CATALOG = (CHECKOUT / "services/migrate/sql/catalog.sql").read_text()

# Names that the base changes.
TABLES = {"profiles": "user_profiles"}
COLUMNS = {("ea_versions", "project_id"): "ea_project_id"}
# Kept beside ours, which are of another shape.
ASIDE = ("job_queue_state", "job_queue_log")

NOTHING = "nothing"  # instead of a shape: a new installation

ADA, BEN = ("00000000-0000-4000-8000-00000000000" + n for n in "12")
AGENT = "20000000-0000-4000-8000-000000000001"


def make(kind, shape):
    database = {"plain": Database, "supabase": Supabase}[kind](os.environ["TEST_ADMIN_DATABASE_URL"]).create()
    # Where a session's zone leaks into a conversion, values move by hours.
    owner = database.session()
    owner.rows(f'ALTER DATABASE "{database.name}" SET timezone = \'America/New_York\'')
    owner.close()
    if shape != NOTHING:
        if kind == "plain" and "auth.users" in (CHECKOUT / f"tests/contract/installations/{shape}.sql").read_text():
            plain_auth(database)
        load(database, shape)
    return database


def installation(*shapes):
    """A fixture of databases of these shapes; `.super` is a session that sees everything."""

    @pytest.fixture(params=shapes, ids=lambda shape: "-".join(shape))
    def fixture(request):
        made = make(*request.param)
        made.super = made.platform() if isinstance(made, Supabase) else made.session()
        try:
            yield made
        finally:
            made.drop()

    return fixture


every = installation(("plain", "first_backend"), ("plain", "half_there"), ("supabase", "half_there"),
                     ("supabase", "supabase_app"), ("plain", "documents"), ("supabase", "documents"))
documents = installation(("plain", "documents"), ("supabase", "documents"))
full_queue = installation(("plain", "half_there"), ("supabase", "half_there"))
first = installation(("plain", "first_backend"))
somebodys = installation(("supabase", "supabase_app"))
used = installation(("plain", NOTHING), ("supabase", NOTHING), ("plain", "first_backend"), ("supabase", "documents"))


def migrate(database, *arguments):
    done = database.migrate(*arguments)
    assert done.returncode == 0, done.stderr + done.stdout[-3000:]
    return done


def catalog(session):
    session.begin()
    session.rows("SET LOCAL search_path = pg_catalog")
    found = {(row["kind"], row["identity"]): row["digest"] for row in session.rows(CATALOG.replace("%", "%%"), None)}
    session.rollback()
    return found


def differences(before, after):
    return {key: (before.get(key), after.get(key)) for key in {*before, *after} if before.get(key) != after.get(key)}


def as_now(value):
    """A time that had no zone is UTC; one with a zone is the same in any other. JSON text is told by what it says."""
    if isinstance(value, str) and value[4:5] == "-" and value[10:11] == "T":
        at = datetime.fromisoformat(value)
        return at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    return value


def test_every_old_value_is_there_or_written_down(every):
    before = rows(every.super)
    migrate(every, "up")
    after = rows(every.super)
    kept = {}
    for row in every.super.rows("SELECT relation, row_id::text, before FROM installation_rows ORDER BY version DESC"):
        kept.setdefault((row["relation"], row["row_id"]), {}).update(row["before"])
    lost, changed = [], 0
    for old_table, old_rows in before.items():
        is_renamed = old_table in TABLES and TABLES[old_table] not in before and "mt5_agents" in before
        table = TABLES[old_table] if is_renamed else f"older_{old_table}" if old_table in ASIDE else old_table
        for key, old in old_rows.items():
            new = after[table].get(key)
            if "id" not in old:  # the whole row is the key, and it may have more columns now
                new = next((row for row in after[table].values() if old.items() <= row.items()), None)
            if new is None:
                lost.append((table, key))
                continue
            for column, value in old.items():
                name = COLUMNS.get((table, column), column)
                if name in new and as_now(new[name]) == as_now(value):
                    continue
                changed += 1
                written = kept.get((table.removeprefix("older_"), key), {}).get(name, "not written down")
                if as_now(written) != as_now(value):
                    lost.append((table, key, name, value, new.get(name), written))
    assert lost == []
    assert (changed > 0) == (len(kept) > 0)


def test_every_new_rule_holds(every):
    migrate(every, "up")
    done = every.migrate("verify", "--json")
    report = json.loads(done.stdout)
    assert [check for check in report["checks"] if check["state"] == "wrong"] == []
    assert done.returncode == 0 and report["error"] is None, done.stderr
    assert every.super.rows("""SELECT conrelid::regclass, conname FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND NOT convalidated""") == []
    assert migrate(every, "up", "--json") and json.loads(every.migrate("up", "--json").stdout)["applied"] == []


def test_there_and_back_and_there(every):
    """`down` itself compares after each file what it left with what that file found; here the whole way is compared."""
    before_catalog, before_rows = catalog(every.super), rows(every.super)
    migrate(every, "up")
    upgraded = catalog(every.super)
    migrate(every, "down", "--to", "0", "--allow-data-loss")
    assert differences(before_catalog, catalog(every.super)) == {}
    assert rows(every.super) == before_rows
    migrate(every, "up")
    assert differences(upgraded, catalog(every.super)) == {}


def use(session):
    """Rows of every kind in every table, and what no older rule knows."""
    session.rows("CREATE SCHEMA rights_test")
    session.rows((CHECKOUT / "tests/contract/rights/seed.sql").read_text())
    session.rows("DROP SCHEMA rights_test CASCADE")
    session.rows((CHECKOUT / "tests/contract/installations/made_since.sql").read_text())
    session.rows("UPDATE tv_signals SET received_at = created_at WHERE status = 'pending'")  # as the ingester's are


def counts(session, tables):
    """How many rows there are; of a table that was there, under whatever name it is now."""
    found = {row["name"] for row in session.rows(
        "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")}
    names = {table: next(name for name in (f"older_{table}", table, TABLES.get(table)) if name in found) for table in tables}
    both = "(SELECT id FROM strategy_runs UNION SELECT id FROM strategies) r"  # a run that was a strategy is one again
    return {table: session.value(f"SELECT count(*) FROM {both if table == 'strategy_runs' else name}")
            for table, name in names.items()}


def checks(database):
    done = database.migrate("verify", "--json")
    return done.returncode, {check["object"]: check for check in json.loads(done.stdout)["checks"] if check["state"] == "wrong"}


def test_what_was_made_since_does_not_stop_a_rollback(used):
    """All of it in one go, and up again: the same schema, and no row of a table that was there before is gone."""
    session, tables = used.super, sorted(rows(used.super))
    before = catalog(session)
    migrate(used, "up")
    upgraded = catalog(session)
    use(session)
    had = counts(session, tables)
    refused = used.migrate("down", "--to", "0", "--json")
    assert refused.returncode == 3, refused.stderr
    done = json.loads(migrate(used, "down", "--to", "0", "--allow-data-loss", "--json").stdout)
    assert done["not_as_it_was"] == json.loads(refused.stdout)["not_as_it_was"]
    assert len(done["taken_back"]) == len(MIGRATIONS)
    differing = {key[1].split(".")[-1].strip('"') for key in differences(before, catalog(session))}
    names = [(told["table"], told["name"]) for told in done["not_as_it_was"]]
    assert len(set(names)) == len(names) and differing == {name for _, name in names}, "each once, and what is so in the end"
    assert all(f"not as it was: {told['message']}\n" in refused.stderr for told in done["not_as_it_was"])
    assert all(re.search(r": [1-9][0-9]* rows made since do not fit$", told["message"]) and told["hint"]
               for told in done["not_as_it_was"])
    assert counts(session, tables) == had
    migrate(used, "up")
    assert differences(upgraded, catalog(session)) == {}
    assert checks(used) == (0, {}), sorted(checks(used)[1])
    assert counts(session, tables) == had


def test_what_was_made_since_step_by_step(used):
    """After each file that could not give all back the schema is brought forward again from there."""
    session = used.super
    migrate(used, "up")
    upgraded = catalog(session)
    use(session)
    had = counts(session, ("jobs", "trades", "mt5_agents", "broker_connections", "trading_accounts"))
    told = []
    for left in reversed(range(len(MIGRATIONS))):
        done = json.loads(migrate(used, "down", "--steps", "1", "--allow-data-loss", "--json").stdout)
        if done["not_as_it_was"] and left:
            told += done["not_as_it_was"]
            # The history knows, so that nobody takes it for somebody's hands.
            assert [name for name in checks(used)[1] if name == "catalog"] == []
            assert counts(session, had) == had
            migrate(used, "up")
            assert differences(upgraded, catalog(session)) == {}
            assert checks(used) == (0, {}), sorted(checks(used)[1])
            migrate(used, "down", "--to", MIGRATIONS[left - 1].name.split("_")[0], "--allow-data-loss")
    assert told
    migrate(used, "up")
    assert differences(upgraded, catalog(session)) == {}
    assert checks(used) == (0, {}), sorted(checks(used)[1])


def test_a_queue_full_of_old_trades_sends_no_order(full_queue):
    session = full_queue.super
    effects = "job_type IN ('trade', 'close_position')"
    waiting = session.value(f"SELECT count(*) FROM jobs WHERE {effects} AND status = 'pending'")
    assert waiting > 1000
    running = session.value(f"SELECT count(*) FROM jobs WHERE {effects} AND status = 'running'")
    other = session.value(f"SELECT count(*) FROM jobs WHERE NOT {effects} AND status IN ('pending', 'running')")
    assert running > 0 and other > 0
    migrate(full_queue, "up")
    ended = session.rows(f"""SELECT status, error_message, completed_at IS NOT NULL AS has_end, count(*) AS count
        FROM jobs WHERE {effects} AND error_message IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1""")
    assert [tuple(row.values()) for row in ended] == [
        ("expired", "stale: was pending (migrated)", True, waiting),
        ("failed", "unknown_outcome: was running (migrated)", True, running)]
    assert session.value(f"SELECT count(*) FROM jobs WHERE {effects} AND status NOT IN ('expired', 'failed', 'completed')") == 0
    assert session.value("SELECT count(*) FROM job_ready WHERE lane = 1") == 0
    claimed = []
    for agent in session.rows("SELECT id FROM mt5_agents"):
        while found := session.rows("SELECT * FROM claim_next_job(%s)", agent["id"]):
            claimed += found
    assert len(claimed) == other
    assert {job["job_type"] for job in claimed} == {"compile", "get_candles"}
    order = [job["created_at"] for job in claimed if job["job_type"] == "compile"]
    assert order == sorted(order)
    assert session.value("SELECT count(*) FROM tv_signals WHERE status = 'pending'") == 0


def test_an_upgraded_installation_works(full_queue):
    migrate(full_queue, "up")
    session = full_queue.super
    session.rows("SET ROLE service_role")
    session.rows("INSERT INTO jobs (user_id, job_type, input_data) VALUES (%s, 'trade', '{\"symbol\": \"GBPUSD\"}')", ADA)
    session.rows("SET ROLE tradewire_gateway")
    job = session.row("SELECT * FROM claim_next_job(%s)", AGENT)
    assert (job["job_type"], job["symbol"], job["status"], job["seq"] > 0) == ("trade", "GBPUSD", "claimed", True)
    # Their policy let everybody read and write everything.
    session.rows("SET ROLE authenticated")
    session.rows("SELECT set_config('request.jwt.claim.sub', %s, false)", BEN)
    assert session.rows("SELECT user_id FROM jobs WHERE user_id <> %s", BEN) == []
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        session.rows("UPDATE jobs SET status = 'pending'")
    session.rows("RESET ROLE")
    Programs(full_queue).check() if not isinstance(full_queue, Supabase) else None


def test_secrets_stay_and_tags_differ(full_queue):
    session = full_queue.super
    before = session.rows("SELECT id, webhook_secret FROM tv_strategies ORDER BY id")
    migrate(full_queue, "up")
    assert session.rows("SELECT id, webhook_secret FROM tv_strategies ORDER BY id") == before
    tags = [row["magic_tag"] for row in session.rows("SELECT magic_tag FROM tv_strategies")]
    assert len(set(tags)) == len(tags) and all(tags)
    # The one on another user's account has none now.
    assert session.rows("SELECT name FROM tv_strategies WHERE broker_connection_id IS NULL") == [{"name": "on ben's account"}]


def test_a_run_of_no_size_takes_the_default_and_gets_its_own_back(documents):
    session = documents.super
    session.rows("UPDATE strategy_runs SET order_size_pct = CASE symbol WHEN 'BTCUSDT' THEN 'NaN'::numeric ELSE 250 END")
    before = session.rows("SELECT id, symbol, order_size_pct::text AS size, status FROM strategy_runs ORDER BY symbol")
    migrate(documents, "up")
    migrate(documents, "verify")
    assert {(row["size"], row["status"]) for row in session.rows(
        "SELECT order_size_pct AS size, status FROM strategy_runs WHERE strategy_template <> 'legacy'")} == {(None, "draft")}
    for size in (0, -1, 100.01):
        with pytest.raises(psycopg2.errors.CheckViolation, match="strategy_runs_order_size_pct_check"):
            session.rows("UPDATE strategy_runs SET order_size_pct = %s", size)
    migrate(documents, "down", "--to", "0", "--allow-data-loss")
    assert session.rows("SELECT id, symbol, order_size_pct::text AS size, status FROM strategy_runs ORDER BY symbol") == before


def test_strategies_out_of_range_are_brought_into_it_and_back(full_queue):
    session = full_queue.super
    on_bens = "50000000-0000-4000-8000-000000000002"
    session.rows("UPDATE tv_strategies SET risk_override_pct = 999, name = %s WHERE id = %s", "  " + "é" * 120, on_bens)
    session.rows("INSERT INTO tv_strategies (user_id, name, webhook_secret, risk_override_pct) VALUES (%s, ' ', 'three', -5), "
                 "(%s, 'fine', 'four', 100.01)", ADA, ADA)
    before = rows(session)
    migrate(full_queue, "up")
    migrate(full_queue, "verify")
    found = session.rows("SELECT id, name, risk_override_pct AS risk, broker_connection_id AS account FROM tv_strategies ORDER BY name")
    three = next(row["id"] for row in found if row["risk"] == 0)
    assert [(row["name"], row["risk"]) for row in found] == [
        ("fine", 100), ("s1", Decimal("1.25")), (f"strategy {str(three)[:8]}", 0), ("é" * 100, 100)]
    assert found[3]["account"] is None
    # What somebody sets meanwhile stays.
    session.rows("UPDATE tv_strategies SET risk_override_pct = 2 WHERE name = 'fine'")
    migrate(full_queue, "down", "--to", "0", "--allow-data-loss")
    after = rows(session)
    fine = next(key for key, row in before["tv_strategies"].items() if row["name"] == "fine")
    assert after["tv_strategies"][fine]["risk_override_pct"] == 2
    after["tv_strategies"][fine]["risk_override_pct"] = before["tv_strategies"][fine]["risk_override_pct"]
    assert after == before


def test_percentages_and_trades_of_somebody_else_are_brought_in_order_and_back(first):
    session = first.super
    session.rows("UPDATE profiles SET risk_percent = -3 WHERE id = %s", BEN)
    session.rows("UPDATE profiles SET risk_percent = 250, role = 'trader', created_at = NULL WHERE id = %s", ADA)
    account = "40000000-0000-4000-8000-000000000001"
    session.rows("INSERT INTO trades (account_id, user_id, ticket, position_id, symbol, type, volume, open_time) VALUES "
                 "(%s, %s, 200, NULL, 'EURUSD', 'buy', 1, now()), (%s, %s, 201, 100, 'EURUSD', 'buy', 1, now()), "
                 "(%s, %s, 202, 202, 'EURUSD', 'buy', 1, now())", account, BEN, account, BEN, account, BEN)
    before = rows(session)
    migrate(first, "up")
    migrate(first, "verify")
    assert session.rows("SELECT risk_percent AS risk FROM user_profiles WHERE id IN (%s, %s) ORDER BY id", ADA, BEN) == [
        {"risk": 100}, {"risk": 0}]
    trades = session.rows("SELECT ticket, position_id, user_id::text FROM trades WHERE ticket >= 200 ORDER BY ticket")
    assert [(t["ticket"], t["position_id"], t["user_id"]) for t in trades] == [(200, 200, ADA), (201, -201, ADA), (202, 202, ADA)]
    kept = session.rows("SELECT before FROM installation_rows WHERE relation = 'trades' AND before ->> 'user_id' = %s", BEN)
    assert sorted(json.dumps(row["before"], sort_keys=True) for row in kept) == sorted(
        json.dumps(row, sort_keys=True) for row in ({"position_id": None, "user_id": BEN}, {"position_id": 100, "user_id": BEN},
                                                    {"user_id": BEN}))
    session.rows("UPDATE user_profiles SET risk_percent = 4 WHERE id = %s", BEN)
    migrate(first, "down", "--to", "0", "--allow-data-loss")
    after = rows(session)
    assert after["profiles"][BEN]["risk_percent"] == 4
    after["profiles"][BEN]["risk_percent"] = -3
    assert after == before


def test_the_documents_shape(documents):
    """Views of their own with people's rights, indexes of the documents' names, the queue's tables: all of it is there again."""
    session = documents.super
    privileges = """SELECT has_table_privilege('authenticated', 'account_sync_health', 'SELECT WITH GRANT OPTION') AS option,
        has_table_privilege('service_role', 'recent_sync_failures', 'SELECT') AS service,
        has_column_privilege('anon', 'recent_sync_failures', 'status', 'SELECT') AS one,
        obj_description('account_sync_health'::regclass) AS comment, obj_description('idx_jobs_blocked_by'::regclass) AS index"""
    before = session.row(privileges)
    health = session.rows("SELECT * FROM account_sync_health ORDER BY id")
    migrate(documents, "up")
    assert "success_rate_pct_24h" in session.row("SELECT * FROM account_sync_health LIMIT 1")
    assert session.value("SELECT pg_get_indexdef('idx_jobs_blocked_by'::regclass)").endswith("WHERE (blocked_by_job_id IS NOT NULL)")
    assert session.value("SELECT pg_get_indexdef('older_idx_jobs_blocked_by'::regclass)").endswith("(blocked_by_job_id)")
    # What their rules did not let in.
    session.rows("UPDATE tv_signals SET status = 'discarded', resolved_at = now()")
    session.rows("UPDATE broker_connections SET broker_type = 'METAAPI'")
    session.rows("DELETE FROM ea_versions")
    assert session.value("SELECT count(*) FROM ea_projects WHERE current_version_id IS NULL") == 1
    # Claimed before, of a queue that is gone: an effect has ended, other work waits again.
    assert session.rows("SELECT DISTINCT status, error_message FROM jobs WHERE job_type = 'trade' AND error_message IS NOT NULL "
                        "ORDER BY 1") == [
        {"status": "expired", "error_message": "stale: was pending (migrated)"},
        {"status": "failed", "error_message": "unknown_outcome: was running (migrated)"}]
    session.rows("UPDATE broker_connections SET broker_type = 'OANDA'")
    session.rows("UPDATE tv_signals SET status = 'executed'")
    migrate(documents, "down", "--to", "0", "--allow-data-loss")
    assert session.row(privileges) == before
    assert session.rows("SELECT * FROM account_sync_health ORDER BY id") == health
    assert session.value("SELECT count(*) FROM jobs WHERE job_type = 'trade' AND status = 'claimed'") == 1
    assert session.value("SELECT active_job_id FROM job_queue_state") == "workflow-7"


def test_the_first_backends_shape(first):
    migrate(first, "up")
    session = first.super
    jobs = session.rows("SELECT job_type, status, error_message FROM jobs WHERE error_message LIKE '%%migrated)' ORDER BY 1, 2")
    assert {(job["job_type"], job["status"]) for job in jobs} == {("run", "cancelled")} and len(jobs) == 5
    # Two addresses that differ in case are two users.
    assert session.value("SELECT count(*) FROM auth.users") == session.value("SELECT count(*) FROM user_profiles") == 4
    versions = session.rows("SELECT version_number, source_code FROM ea_versions ORDER BY created_at")
    assert [row["version_number"] for row in versions] == [1, 2, 3]
    assert versions[0]["source_code"] == 'void OnTick() { Print("ü"); }\n'
    assert json.loads(versions[1]["source_code"]) == {"files": {"main.mq5": "int x = 1;", "n": 1.5}}
    # Spring forward in Europe: read in any other zone than UTC this hour would move.
    assert session.value("SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM user_profiles WHERE id = %s",
                         ADA) == "2024-03-31 01:30"
    trades = session.rows("SELECT ticket, position_id FROM trades ORDER BY ticket")
    assert [(t["ticket"], t["position_id"]) for t in trades] == [(100, 100), (101, -101), (102, 102), (103, -103), (104, 100)]
    assert session.rows("SELECT agent_name FROM mt5_agents WHERE broker_connection_id IS NOT NULL") == [{"agent_name": "home"}]
    # What still says `profiles` goes on.
    session.rows("INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'dora@test.example')")
    session.rows("INSERT INTO profiles (id, email) SELECT id, email FROM auth.users WHERE email = 'dora@test.example'")
    assert session.value("SELECT role FROM user_profiles WHERE email = 'dora@test.example'") == "user"


def test_somebody_elses_application_is_left_alone(somebodys):
    def theirs(found):
        return {key: digest for key, digest in found.items()
                if any(name in key[1] for name in ("profiles", "todos", "handle_new_user")) and "user_profiles" not in key[1]}

    before = theirs(catalog(somebodys.super))
    assert len(before) > 10
    migrate(somebodys, "up")
    assert differences(before, theirs(catalog(somebodys.super))) == {}
    user = somebodys.add_user("new@test.example")
    assert somebodys.super.value("SELECT email FROM public.profiles WHERE id = %s", user) == "new@test.example"


def test_a_role_that_is_no_superuser_can_do_it_all(somebodys):
    """Operators, users and agents on Supabase; users are made by its own service."""
    done = migrate(somebodys, "up")
    assert "42501" not in done.stderr + done.stdout
    user = somebodys.add_user("ada@test.example")
    operator = somebodys.platform()
    operator.rows("SET ROLE tradewire_operator")
    agent = operator.value("SELECT agent_pair(%s, 'home', repeat('0a', 32), '0a0a')", user)
    connection = operator.value("SELECT broker_add(%s, %s, 'account')", user, agent)
    strategy = operator.row("SELECT * FROM strategy_add(%s, 's', %s, NULL, 1.0, '{}')", user, connection)
    assert len(strategy["webhook_secret"]) == 64
    for call in ("agent_pair(gen_random_uuid(), 'x', repeat('0a', 32), '0a0a')",
                 "strategy_add(gen_random_uuid(), 'x', NULL, NULL, 1.0, '{}')"):
        with pytest.raises(psycopg2.errors.NoDataFound, match="^unknown_user: "):
            operator.rows(f"SELECT {call}")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="^forbidden: "):
        operator.rows("SELECT user_add('eve@test.example')")
    backend = somebodys.platform()
    backend.rows("SET ROLE service_role")
    backend.rows("INSERT INTO jobs (user_id, job_type) VALUES (%s, 'get_account')", user)
    assert backend.row("SELECT * FROM claim_next_job(%s)", agent)["job_type"] == "get_account"
    for role in ("anon", "authenticated"):
        api = somebodys.platform()
        api.rows(f"SET ROLE {role}")
        for table in ("installation_before", "installation_rows", "job_ready", "audit_log"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                api.rows(f"SELECT * FROM {table}")
    somebodys.super.rows("DELETE FROM auth.users WHERE id = %s", user)
    assert somebodys.super.value("SELECT count(*) FROM mt5_agents WHERE id = %s", agent) == 0


# What an older backend may be told while its installation is brought forward: a rule, a right, "not now".
CLEAN = {"23514", "42501", "55000", "P0002", "42703", "42P01"}


def test_the_older_backend_between_any_two_files(full_queue, tmp_path):
    """It plans, starts, ends and tries again at every point; whatever comes of it, no old trade becomes claimable and the
    queue is consistent at the end."""
    session, worked = full_queue.super, 0

    def tries(statement, *values):
        nonlocal worked
        try:
            session.rows(statement, *values)
            worked += 1
        except psycopg2.Error as error:
            assert error.pgcode in CLEAN, f"{error.pgcode} {error}"

    new = []
    for path in [None, *MIGRATIONS]:
        if path:
            shutil.copy(path, tmp_path)
            migrate(full_queue, "up", "--dir", str(tmp_path))
        for job_type in ("compile", "get_candles"):
            tries("INSERT INTO jobs (user_id, job_type, status, entity_type, entity_id, input_data) "
                  "VALUES (%s, %s, 'pending', 'x', gen_random_uuid(), '{}')", ADA, job_type)
        pick = "(SELECT id FROM jobs WHERE job_type = 'compile' AND status = '{}' ORDER BY created_at DESC LIMIT 1)"
        tries(f"UPDATE jobs SET status = 'running', started_at = now() WHERE id = {pick.format('pending')}")
        tries(f"UPDATE jobs SET status = 'completed', completed_at = now() WHERE id = {pick.format('running')}")
        tries(f"UPDATE jobs SET status = 'pending' WHERE id = {pick.format('completed')}")
        # The gateway there polls for whatever waits.
        tries("UPDATE jobs SET status = 'claimed', agent_id = %s WHERE id = "
              "(SELECT id FROM jobs WHERE status = 'pending' AND job_type = 'trade' ORDER BY created_at LIMIT 1)", AGENT)
        assert session.value("SELECT count(*) FROM jobs WHERE job_type = 'trade' AND status = 'claimed'") == 0
        new.append(session.value("SELECT count(*) FROM jobs"))
        if path is None:
            continue
        # As the installation's own programs: their rights end with the file that takes them.
        if session.value("SELECT has_table_privilege('service_role', 'jobs', 'UPDATE')") is False:
            break
    assert worked > 20 and new[-1] > new[0]
    migrate(full_queue, "up")
    assert session.rows("""
        SELECT j.id, j.job_type, j.status, j.seq FROM jobs j LEFT JOIN job_ready r ON r.job_id = j.id
        LEFT JOIN job_leases l ON l.job_id = j.id
        WHERE (j.status = 'pending') <> (r.job_id IS NOT NULL) OR (j.status = 'claimed') <> (l.job_id IS NOT NULL)
           OR j.status NOT IN ('pending', 'completed', 'failed', 'cancelled', 'expired')""") == []


def test_a_new_database_claims():
    made = Database(os.environ["TEST_ADMIN_DATABASE_URL"]).create()
    try:
        migrate(made, "up")
        session = made.session()
        user = session.value("INSERT INTO auth.users (email) VALUES ('new@test.example') RETURNING id")
        agent = session.value("INSERT INTO mt5_agents (user_id, agent_name) VALUES (%s, 'new') RETURNING id", user)
        session.rows("INSERT INTO jobs (user_id, job_type) VALUES (%s, 'compile')", user)
        assert session.row("SELECT * FROM claim_next_job(%s)", agent)["status"] == "claimed"
        kinds = session.rows("SELECT DISTINCT kind FROM installation_before")
        assert {row["kind"] for row in kinds} <= {"made", "acl"}
        assert session.value("SELECT count(*) FROM installation_rows") == 0
    finally:
        made.drop()
