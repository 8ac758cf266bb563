"""Older installations brought forward, and back: every old value is kept, every new rule holds, no old trade is executed.

The shapes are in `installations/`. The folder of migrations is walked: a later file is covered by itself.
"""

import json
import os
import shutil
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

ADA, BEN = ("00000000-0000-4000-8000-00000000000" + n for n in "12")
AGENT = "20000000-0000-4000-8000-000000000001"


def make(kind, shape):
    database = {"plain": Database, "supabase": Supabase}[kind](os.environ["TEST_ADMIN_DATABASE_URL"]).create()
    # Where a session's zone leaks into a conversion, values move by hours.
    owner = database.session()
    owner.rows(f'ALTER DATABASE "{database.name}" SET timezone = \'America/New_York\'')
    owner.close()
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
                     ("supabase", "supabase_app"))
full_queue = installation(("plain", "half_there"), ("supabase", "half_there"))
first = installation(("plain", "first_backend"))
somebodys = installation(("supabase", "supabase_app"))


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
    """A time that had no zone is UTC; JSON text is told by what it says."""
    if isinstance(value, str) and value[4:5] == "-" and value[10:11] == "T" and not value.endswith("+00:00"):
        return value + "+00:00"
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
        table = TABLES[old_table] if is_renamed else old_table
        for key, old in old_rows.items():
            new = after[table].get(key)
            if new is None:
                lost.append((table, key))
                continue
            for column, value in old.items():
                name = COLUMNS.get((table, column), column)
                if name in new and (new[name] == value or new[name] == as_now(value)):
                    continue
                changed += 1
                written = kept.get((table, key), {}).get(name, "not written down")
                if written != value and written != as_now(value):
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
