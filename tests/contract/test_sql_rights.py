"""What the rights matrix (test_rights_matrix.py) doesn't say: rights in use, and rules that hold for every object and role."""

import pytest

from tradewire_test.people import as_role

PROGRAMS = ("tradewire_ingester", "tradewire_dispatcher", "tradewire_gateway", "tradewire_sync", "tradewire_operator")
ROLES = ("anon", "authenticated", "service_role", *PROGRAMS)
# Everything in a schema of ours that somebody was given something of: (object, grantee, right, whether it can be passed on).
GRANTS = """
    WITH given (object, acl, owner) AS (
        SELECT nspname::text, nspacl, nspowner FROM pg_namespace WHERE nspname IN ('public', 'auth')
        UNION ALL SELECT oid::regclass::text, relacl, relowner FROM pg_class WHERE relnamespace IN ('public'::regnamespace, 'auth'::regnamespace)
        UNION ALL SELECT format('%s.%s', attrelid::regclass, attname), attacl, relowner FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
            WHERE relnamespace IN ('public'::regnamespace, 'auth'::regnamespace)
        UNION ALL SELECT oid::regprocedure::text, proacl, proowner FROM pg_proc WHERE pronamespace IN ('public'::regnamespace, 'auth'::regnamespace))
    SELECT object, CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(e.grantee) END AS grantee, e.privilege_type AS right, e.is_grantable
    FROM given CROSS JOIN LATERAL aclexplode(acl) e WHERE e.grantee <> owner"""


def test_nobody_but_the_known_roles_was_given_anything(programs):
    """The matrix tries these roles only; what is everybody's it sees as anon's."""
    grants = programs.admin.rows(GRANTS)
    assert len(grants) > 200
    assert [grant for grant in grants if grant["grantee"] not in (*ROLES, "PUBLIC", "tradewire_owner")] == []
    assert [grant for grant in grants if grant["is_grantable"]] == []
    assert {grant["object"] for grant in grants if grant["grantee"] == "tradewire_owner"} <= {"public", "auth", "auth.users"}


def test_no_role_becomes_another(programs):
    assert programs.admin.rows("""SELECT m.rolname AS member, r.rolname AS of FROM pg_auth_members x
        JOIN pg_roles m ON m.oid = x.member JOIN pg_roles r ON r.oid = x.roleid WHERE m.rolname = ANY (%s)""", list(ROLES)) == []


def test_the_gateway_reads_accounts_and_agents(programs, trader):
    trader.send("buy")
    row = programs.gateway.row("""
        SELECT j.id, c.server, a.journal_bound_at > j.started_at AS is_younger
        FROM claim_jobs(ARRAY[%s]::uuid[], ARRAY[%s]::bigint[], ARRAY[8], ARRAY[4], ARRAY[1]) j
        LEFT JOIN mt5_agents a ON a.id = j.agent_id LEFT JOIN broker_connections c ON c.id = a.broker_connection_id""",
                               trader.agent, trader.session)
    assert row["is_younger"] is False


def test_other_backends_plan_through_the_table(database, trader):
    for role in ("service_role", "tradewire_dispatcher"):
        session = as_role(database, role)
        job = session.value("INSERT INTO jobs (user_id, job_type) VALUES (%s, 'trade') RETURNING id", trader.user)
        assert session.value("SELECT status FROM jobs WHERE id = %s", job) == "pending"


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


@pytest.mark.parametrize("role", PROGRAMS)
def test_roles_have_timeouts_and_no_login_from_migrations(programs, role):
    row = programs.admin.row("""SELECT r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb AS is_mighty, s.setconfig
        FROM pg_roles r JOIN pg_db_role_setting s ON s.setrole = r.oid AND s.setdatabase = 0 WHERE r.rolname = %s""", role)
    assert not row["is_mighty"]
    assert {setting.split("=")[0] for setting in row["setconfig"]} >= {
        "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"}
    assert not programs.admin.value("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'tradewire_owner'")
