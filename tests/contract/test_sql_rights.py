"""Each role can do exactly its part."""

import psycopg2
import pytest

FUNCTIONS = {
    "tradewire_ingester": set(),
    "tradewire_dispatcher": {"claim_next_job", "take_signal_keys", "write_signals", "count_duplicates", "apply_results",
                             "unmatched_ready", "unmatched_done", "expire_jobs", "lapsed_leases", "lapse_jobs",
                             "job_longest_run"},
    "tradewire_gateway": {"claim_next_job", "claim_jobs", "agent_hello", "question_jobs", "session_end", "sessions_seen",
                          "gateway_beat", "agent_bind_account", "ready_agents", "job_longest_run"},
    "tradewire_sync": set(),
    "tradewire_operator": {"user_add", "agent_pair", "agent_rotate", "broker_add", "strategy_add", "job_resolve"},
    "service_role": {"claim_next_job"},
    "authenticated": set(),
    "anon": set(),
}
FOR_ALL = {"strategy_setting_ok", "strategy_settings_ok", "job_lane"}  # what CHECKs call

# Table privileges beyond reading; reading by column is tested below.
WRITES = {
    "tradewire_dispatcher": {("consumer_offsets", "INSERT"), ("consumer_offsets", "UPDATE"), ("jobs", "INSERT")},
    "service_role": {("jobs", "INSERT"), ("tv_strategies", "INSERT"), ("tv_strategies", "UPDATE"), ("tv_strategies", "DELETE")},
    "authenticated": {("tv_strategies", "DELETE"), ("tv_strategies", "INSERT"), ("tv_strategies", "UPDATE")},
}
SECRETS = {("tv_strategies", "webhook_secret"), ("mt5_agents", "pairing_key_hash"), ("mt5_agents", "curve_public_key"),
           ("mt5_agents", "password_encrypted"), ("broker_connections", "credentials")}


@pytest.mark.parametrize("role", FUNCTIONS)
def test_functions(programs, role):
    allowed = programs.admin.rows("""SELECT DISTINCT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
        AND has_function_privilege(%s, p.oid, 'EXECUTE')""", role)
    assert {row["proname"] for row in allowed} - FOR_ALL == FUNCTIONS[role]


@pytest.mark.parametrize("role", FUNCTIONS)
def test_writes(programs, role):
    allowed = programs.admin.rows("""
        SELECT c.relname, p.privilege FROM pg_class c,
               (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) p (privilege)
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
          AND (has_table_privilege(%s, c.oid, p.privilege)
               OR p.privilege IN ('INSERT', 'UPDATE') AND has_any_column_privilege(%s, c.oid, p.privilege))""", role, role)
    assert {(row["relname"], row["privilege"]) for row in allowed} == WRITES.get(role, set())


@pytest.mark.parametrize("role", FUNCTIONS)
def test_secrets(programs, role):
    may = {(table, column) for table, column in SECRETS
           if programs.admin.value("SELECT has_column_privilege(%s, %s, %s, 'SELECT')", role, table, column)}
    expected = {"tradewire_ingester": {("tv_strategies", "webhook_secret")},
                "authenticated": {("tv_strategies", "webhook_secret")},
                "service_role": SECRETS}
    assert may == expected.get(role, set())


def test_the_ingester_reads_what_it_needs_and_no_more(database, trader, refused):
    ingester = database.session("tradewire_ingester")
    row = ingester.row("SELECT id, user_id, webhook_secret, is_enabled, updated_at FROM tv_strategies WHERE id = %s",
                       trader.strategy)
    assert row["webhook_secret"] == trader.secret
    for query in ("SELECT settings FROM tv_strategies", "SELECT id FROM tv_signals", "SELECT id FROM mt5_agents",
                  "SELECT id FROM jobs"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            ingester.rows(query)


def test_the_gateway_reads_accounts_and_agents(programs, trader):
    trader.send("buy")
    row = programs.gateway.row("""
        SELECT j.id, c.server, a.journal_bound_at > j.started_at AS is_younger
        FROM claim_jobs(ARRAY[%s]::uuid[], ARRAY[%s]::bigint[], ARRAY[8], ARRAY[4], ARRAY[1]) j
        LEFT JOIN mt5_agents a ON a.id = j.agent_id LEFT JOIN broker_connections c ON c.id = a.broker_connection_id""",
                               trader.agent, trader.session)
    assert row["is_younger"] is False
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        programs.gateway.rows("SELECT id FROM jobs")


def test_other_backends_plan_through_the_table(database, trader, programs):
    for role in ("service_role", "tradewire_dispatcher"):
        session = database.session(role)
        job = session.value("INSERT INTO jobs (user_id, job_type) VALUES (%s, 'trade') RETURNING id", trader.user)
        assert session.value("SELECT status FROM jobs WHERE id = %s", job) == "pending"
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            session.rows("UPDATE jobs SET status = 'completed' WHERE id = %s", job)
    for role in ("authenticated", "tradewire_gateway", "tradewire_operator"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            database.session(role).rows("INSERT INTO jobs (user_id, job_type) VALUES (%s, 'trade')", trader.user)


def test_offsets_move_only_from_where_they_are(programs):
    dispatcher = programs.dispatcher
    dispatcher.rows("INSERT INTO consumer_offsets (group_id, topic, partition, next_offset) VALUES ('g', 't', 0, 5)")
    move = "UPDATE consumer_offsets SET next_offset = 9 WHERE group_id = 'g' AND topic = 't' AND partition = 0 AND next_offset = %s RETURNING 1"
    assert dispatcher.rows(move, 4) == [] and len(dispatcher.rows(move, 5)) == 1


def test_every_table_has_row_level_security_and_the_owner(programs):
    wrong = programs.admin.rows("""SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind IN ('r', 'p') AND relname <> 'tradewire_migrations'
        AND (NOT relrowsecurity OR relforcerowsecurity OR relowner <> 'tradewire_owner'::regrole)""")
    assert wrong == []
    assert programs.admin.value("SELECT relrowsecurity FROM pg_class WHERE relname = 'tradewire_migrations'")


def test_every_definer_function_has_a_fixed_search_path(programs):
    rows = programs.admin.rows("""SELECT proname, coalesce(proconfig::text, '') AS config FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND prosecdef""")
    assert len(rows) > 20
    assert [row for row in rows if "search_path=pg_catalog, public, pg_temp" not in row["config"]] == []


def test_every_table_and_column_is_explained(programs):
    missing = programs.admin.rows("""
        SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace IN ('public'::regnamespace, 'auth'::regnamespace) AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
          AND (obj_description(c.oid, 'pg_class') IS NULL OR col_description(c.oid, a.attnum) IS NULL)""")
    assert missing == []


@pytest.mark.parametrize("role", ["ingester", "dispatcher", "gateway", "sync", "operator"])
def test_roles_have_timeouts_and_no_login_from_migrations(programs, role):
    row = programs.admin.row("""SELECT r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb AS is_mighty, s.setconfig
        FROM pg_roles r JOIN pg_db_role_setting s ON s.setrole = r.oid AND s.setdatabase = 0 WHERE r.rolname = %s""",
                             f"tradewire_{role}")
    assert not row["is_mighty"]
    assert {setting.split("=")[0] for setting in row["setconfig"]} >= {
        "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"}
    assert not programs.admin.value("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'tradewire_owner'")
