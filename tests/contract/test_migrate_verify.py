"""migrate verify: expected against found; whatever somebody breaks by hand has exit code 6 and its name in the output."""

import json
import os
import secrets
import subprocess
from pathlib import Path

import pytest

from tradewire_test.database import Database

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


@pytest.fixture(scope="module")
def applied():
    """The program's own migrations, applied. A test that breaks something mends it again."""
    made = Database(os.environ["TEST_ADMIN_DATABASE_URL"]).create()
    done = made.migrate("up")
    assert done.returncode == 0, done.stderr
    yield made
    made.drop()


@pytest.fixture
def role(applied):
    name = "tw_test_" + secrets.token_hex(4)
    applied.session().rows(f"CREATE ROLE {name}")
    yield name
    applied.session().rows(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.fixture
def folder(tmp_path):
    """folder(up, verify, …): files 1_file.sql, 2_file.sql, … with their verify files (None: none)."""
    def write(*pairs):
        (tmp_path / "verify").mkdir(exist_ok=True)
        for number, (up, verify) in enumerate(pairs, 1):
            (tmp_path / f"{number}_file.sql").write_text(up)
            if verify is not None:
                (tmp_path / "verify" / f"{number}_file.sql").write_text(verify)
        return str(tmp_path)
    return write


def verify(database, *arguments, code=0):
    """The JSON document, with `wrong`: {object: row}."""
    done = database.migrate("verify", "--json", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    document = json.loads(done.stdout)
    rows = [row for row in document["checks"] if row["state"] == "wrong"]
    assert len(rows) == document["wrong"]
    return {**document, "wrong_rows": rows, "wrong": {row["object"]: row for row in rows}}


def test_the_programs_own_schema(applied):
    document = verify(applied)
    assert document["error"] is None and document["wrong"] == {}
    sources = {row["source"] for row in document["checks"]}
    assert {"rules", "drift", "claim"} | {path.stem for path in MIGRATIONS.glob("*.sql")} == sources
    claim = [row for row in document["checks"] if row["source"] == "claim"]
    assert [row["state"] for row in claim] == ["right"], claim  # not skipped: all that it needs is there
    assert document["checked"] + document["skipped"] == len(document["checks"])


def test_it_leaves_nothing(applied):
    def state():
        return applied.session().rows("""SELECT (SELECT count(*) FROM auth.users) AS users, (SELECT count(*) FROM jobs) AS jobs,
            (SELECT count(*) FROM mt5_agents) AS agents, (SELECT count(*) FROM gateways) AS gateways,
            (SELECT md5(string_agg(m::text, ',' ORDER BY m::text)) FROM pg_auth_members m) AS members,
            (SELECT md5(string_agg(h::text, ',' ORDER BY version)) FROM tradewire_migrations h) AS history""")
    before = state()
    verify(applied)
    assert state() == before


def test_the_table_marks_what_differs(applied):
    right = applied.migrate("verify")
    assert right.returncode == 0 and "WRONG" not in right.stdout and right.stderr == ""
    assert right.stdout.splitlines()[0].split("|")[0].strip() == "object"
    assert right.stdout.splitlines()[-1].startswith("all ")
    session = applied.session()
    comment = session.value("SELECT obj_description('jobs'::regclass)")
    session.rows("COMMENT ON TABLE jobs IS 'x'")
    try:
        done = applied.migrate("verify")
        marked = [line for line in done.stdout.splitlines() if line.startswith("WRONG")]
        assert done.returncode == 6 and len(marked) == 1
        assert [cell.strip() for cell in marked[0].removeprefix("WRONG").split("|")] == [
            "comment table public.jobs", "as it was made", "changed since"]
        assert done.stdout.splitlines()[-1].startswith("1 of ")
    finally:
        session.rows("COMMENT ON TABLE jobs IS %s", comment)


# What is done by hand, how it is mended, and the objects that are named. Without a way to mend: the definition is read first.
BROKEN = {
    "a column added": ("ALTER TABLE jobs ADD by_hand int", "ALTER TABLE jobs DROP by_hand", ["column public.jobs.by_hand"]),
    "a column changed": ("ALTER TABLE tv_signals ALTER symbol SET DEFAULT 'x'", "ALTER TABLE tv_signals ALTER symbol DROP DEFAULT",
                         ["column public.tv_signals.symbol"]),
    "a constraint added": ("ALTER TABLE jobs ADD CONSTRAINT by_hand CHECK (seq > -1) NOT VALID", "ALTER TABLE jobs DROP CONSTRAINT by_hand",
                           ["constraint public.jobs.by_hand", "constraint by_hand of jobs"]),
    "an index added": ("CREATE INDEX by_hand ON trades (symbol)", "DROP INDEX by_hand", ["index public.by_hand"]),
    "row level security off": ("ALTER TABLE jobs DISABLE ROW LEVEL SECURITY", "ALTER TABLE jobs ENABLE ROW LEVEL SECURITY",
                               ["table public.jobs", "table jobs"]),
    "a partition's row level security off": ("ALTER TABLE audit_log_default DISABLE ROW LEVEL SECURITY",
                                             "ALTER TABLE audit_log_default ENABLE ROW LEVEL SECURITY", ["table audit_log_default"]),
    "row level security forced": ("ALTER TABLE jobs FORCE ROW LEVEL SECURITY", "ALTER TABLE jobs NO FORCE ROW LEVEL SECURITY",
                                  ["table public.jobs", "table jobs"]),
    "another owner": ("ALTER TABLE trades OWNER TO CURRENT_USER", "ALTER TABLE trades OWNER TO tradewire_owner",
                      ["table public.trades", "table trades"]),
    "a right given": ("GRANT SELECT ON job_ready TO anon", "REVOKE SELECT ON job_ready FROM anon", ["grant table public.job_ready"]),
    "a right to a column given": ("GRANT SELECT (webhook_secret) ON tv_strategies TO authenticated",
                                  "REVOKE SELECT (webhook_secret) ON tv_strategies FROM authenticated",
                                  ["grant table public.tv_strategies"]),
    "a function for everybody": ("GRANT EXECUTE ON FUNCTION user_add(text) TO PUBLIC", "REVOKE EXECUTE ON FUNCTION user_add(text) FROM PUBLIC",
                                 ["grant function public.user_add(text)", "function user_add(text)"]),
    "a function without its search path": ("ALTER FUNCTION user_add(text) RESET search_path",
                                           "ALTER FUNCTION user_add(text) SET search_path = pg_catalog, public, pg_temp",
                                           ["function public.user_add(text)", "function user_add(text)"]),
    "a function's search path without pg_temp": ("ALTER FUNCTION user_add(text) SET search_path = pg_catalog, public",
                                                 "ALTER FUNCTION user_add(text) SET search_path = pg_catalog, public, pg_temp",
                                                 ["function public.user_add(text)", "function user_add(text)"]),
    "a trigger off": ("ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only", "ALTER TABLE audit_log ENABLE TRIGGER audit_log_append_only",
                      ["trigger public.audit_log.audit_log_append_only"]),
    "a policy added": ("CREATE POLICY by_hand ON jobs FOR SELECT TO anon USING (true)", "DROP POLICY by_hand ON jobs",
                       ["policy public.jobs.by_hand"]),
    "a rule added": ("CREATE RULE by_hand AS ON DELETE TO trades DO INSTEAD NOTHING", "DROP RULE by_hand ON trades",
                     ["rule public.trades.by_hand"]),
    "a comment added": ("COMMENT ON CONSTRAINT jobs_pkey ON jobs IS 'x'", "COMMENT ON CONSTRAINT jobs_pkey ON jobs IS NULL",
                        ["comment constraint public.jobs.jobs_pkey"]),
    "a sequence changed": ("ALTER SEQUENCE job_seq INCREMENT 2", "ALTER SEQUENCE job_seq INCREMENT 1", ["sequence public.job_seq"]),
    "who may make functions": ("ALTER DEFAULT PRIVILEGES FOR ROLE tradewire_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
                               "ALTER DEFAULT PRIVILEGES FOR ROLE tradewire_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
                               ["default_privilege tradewire_owner functions"]),
    "a schema open to all": ("GRANT CREATE ON SCHEMA public TO PUBLIC", "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
                             ["schema public"]),
    "the gateway may not claim": ("REVOKE EXECUTE ON FUNCTION claim_next_job(uuid) FROM tradewire_gateway",
                                  "GRANT EXECUTE ON FUNCTION claim_next_job(uuid) TO tradewire_gateway",
                                  ["grant function public.claim_next_job(uuid)", "claim by tradewire_gateway"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_by_hand_is_named(applied, name):
    breaking, mending, named = BROKEN[name]
    session = applied.session()
    session.rows(breaking)
    try:
        found = verify(applied, code=6)["wrong"]
    finally:
        session.rows(mending)
    assert set(named) <= set(found), found
    # Nothing else is blamed: what follows from it is about the same object, or is the claim.
    assert {row["source"] for row in found.values()} <= {"drift", "rules", "claim"} | {path.stem for path in MIGRATIONS.glob("*.sql")}
    assert {key for key, row in found.items() if row["source"] == "drift"} == {key for key in named if "." in key or "privilege" in key}
    assert verify(applied)["wrong"] == {}


@pytest.mark.parametrize("what", ["index", "function", "view", "policy"])
def test_what_is_redefined_by_hand_is_named(applied, what):
    session = applied.session()
    if what == "index":
        row = session.row("""SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index i
                             WHERE indrelid = 'jobs'::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
                             ORDER BY 1 LIMIT 1""")
        breaking, mending, named = f"DROP INDEX {row['name']}", row["definition"], f"index public.{row['name']}"
        comment = session.value("SELECT obj_description(%s::regclass)", row["name"])
        if comment:
            mending += f"; COMMENT ON INDEX {row['name']} IS '{comment.replace(chr(39), 2 * chr(39))}'"
    elif what == "function":
        mending = session.value("SELECT pg_get_functiondef('claim_next_job(uuid)'::regprocedure)")
        breaking, named = mending.replace("BEGIN\n", "BEGIN\n    RETURN;\n", 1), "function public.claim_next_job(uuid)"
        assert breaking != mending
    elif what == "view":
        options = session.value("SELECT coalesce('WITH (' || array_to_string(reloptions, ',') || ') ', '') FROM pg_class WHERE relname = 'live_sessions'")
        mending = f"CREATE OR REPLACE VIEW live_sessions {options}AS " + session.value("SELECT pg_get_viewdef('live_sessions'::regclass)")
        breaking, named = mending.replace("00:00:06", "00:01:00"), "view public.live_sessions"
        assert breaking != mending
    else:
        breaking, mending = ("ALTER POLICY own ON trades TO anon, authenticated", "ALTER POLICY own ON trades TO authenticated")
        named = "policy public.trades.own"
    session.rows(breaking)
    try:
        found = verify(applied, code=6)["wrong"]
    finally:
        session.rows(mending)
    assert named in found, found
    if what == "function":
        assert found["claim by tradewire_gateway"]["found"] == "nothing"
    assert verify(applied)["wrong"] == {}


def test_an_invalid_index_is_named(empty, folder):
    path = folder(("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1);", "SELECT 't' AS object, 't' AS expected, 't' AS found"))
    assert empty.migrate("up", "--dir", path).returncode == 0
    session = empty.session()
    with pytest.raises(Exception, match="could not create unique index"):
        session.rows("CREATE UNIQUE INDEX CONCURRENTLY broken ON t (a)")
    found = verify(empty, "--dir", path, code=6)["wrong"]
    assert found["index broken"]["found"].startswith("invalid") and "index public.broken" in found


def test_a_view_that_shows_others_rows_and_a_reference_to_others_rows(applied):
    session = applied.session()
    invoker = session.value("SELECT reloptions::text LIKE '%security_invoker=true%' FROM pg_class WHERE relname = 'lapsed'")
    session.rows("GRANT SELECT ON lapsed TO authenticated; ALTER VIEW lapsed SET (security_invoker = false);"
                 "GRANT INSERT (user_id, agent_id) ON jobs TO authenticated")
    try:
        found = verify(applied, code=6)["wrong"]
    finally:
        session.rows("REVOKE SELECT ON lapsed FROM authenticated; REVOKE INSERT (user_id, agent_id) ON jobs FROM authenticated;"
                     "ALTER VIEW lapsed " + ("SET (security_invoker = true)" if invoker else "RESET (security_invoker)"))
    assert found["view lapsed"]["found"] == "others may read it with the owner's rights"
    assert "another user's" in found["constraint jobs_agent_id_fkey of jobs"]["found"]
    assert verify(applied)["wrong"] == {}


def test_somebody_elses_objects_never_count(applied, role):
    session = applied.session()
    session.rows(f"""
        CREATE TABLE somebody_elses (id int PRIMARY KEY, user_id uuid); CREATE INDEX ON somebody_elses (user_id);
        CREATE FUNCTION somebody_elses() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
        CREATE VIEW somebody_elses_view AS SELECT * FROM somebody_elses; GRANT SELECT ON somebody_elses_view TO {role};
        GRANT USAGE ON SCHEMA public TO {role};
        ALTER TABLE somebody_elses ADD CONSTRAINT x CHECK (id > 0) NOT VALID;""")
    session.rows("CREATE TABLE audit_log_209001 PARTITION OF audit_log FOR VALUES FROM ('2090-01-01') TO ('2090-02-01');"
                 "ALTER TABLE audit_log_209001 OWNER TO tradewire_owner; ALTER TABLE audit_log_209001 ENABLE ROW LEVEL SECURITY")
    try:
        assert verify(applied)["wrong"] == {}
    finally:
        session.rows("DROP TABLE somebody_elses CASCADE; DROP FUNCTION somebody_elses(); DROP TABLE audit_log_209001")


def test_what_was_dropped_by_hand_is_missing(empty, folder):
    path = folder(("CREATE TABLE t (a int); CREATE TABLE u (a int)", "SELECT 't', 't', 't'"))
    assert empty.migrate("up", "--dir", path).returncode == 0
    empty.session().rows("DROP TABLE t")
    found = verify(empty, "--dir", path, code=6)["wrong"]
    assert found["table public.t"]["found"] == found["column public.t.a"]["found"] == "missing"
    assert not any("public.u" in key for key in found)


def test_what_a_file_dropped_may_not_come_back(empty, folder):
    path = folder(("CREATE TABLE t (a int, b int)", None), ("ALTER TABLE t DROP b", None))
    assert empty.migrate("up", "--dir", path).returncode == 0
    assert verify(empty, "--dir", path)["wrong"] == {}
    empty.session().rows("ALTER TABLE t ADD b int")
    assert verify(empty, "--dir", path, code=6)["wrong"]["column public.t.b"]["found"] == "there again"


def test_a_table_that_was_found_is_ours_with_all_its_parts(empty, folder):
    """An existing installation: from the file on that changes the table itself."""
    empty.session().rows("CREATE TABLE t (old int, older int)")
    path = folder(("CREATE TABLE IF NOT EXISTS t (old int)", None), ("ALTER TABLE t ADD c int", None),
                  ("ALTER TABLE t ENABLE ROW LEVEL SECURITY", None))
    assert empty.migrate("up", "--dir", path).returncode == 0
    assert verify(empty, "--dir", path)["wrong"] == {}
    empty.session().rows("ALTER TABLE t ALTER old TYPE bigint, ADD extra int")
    assert set(verify(empty, "--dir", path, code=6)["wrong"]) == {"column public.t.old", "column public.t.extra"}


def test_another_major_version_of_the_server_prints_otherwise(empty, folder):
    path = folder(("CREATE TABLE t (a int); CREATE TABLE u (a int)", None), ("ALTER TABLE t ENABLE ROW LEVEL SECURITY", None))
    assert empty.migrate("up", "--dir", path).returncode == 0
    session = empty.session()
    session.rows(r"""UPDATE tradewire_migrations SET changes = regexp_replace(changes::text, '"(=?)\d+\.', '"\19.', 'g')::jsonb""")
    skipped = [row for row in verify(empty, "--dir", path)["checks"] if row["object"] == "definitions"]
    assert skipped[0]["found"].startswith("4 objects were recorded on another major version")
    session.rows("DROP TABLE u; ALTER TABLE t ALTER a TYPE bigint")
    assert set(verify(empty, "--dir", path, code=6)["wrong"]) == {"table public.u", "column public.u.a"}


def test_changes_that_are_not_known_are_not_compared(empty, folder):
    path = folder(("CREATE TABLE t (a int)", None), ("CREATE TABLE u (a int)", None))
    assert empty.migrate("up", "--dir", path).returncode == 0
    session = empty.session()
    session.rows("UPDATE tradewire_migrations SET changes = NULL WHERE version = 2; DROP TABLE t")
    drift = [row for row in verify(empty, "--dir", path)["checks"] if row["source"] == "drift"]
    assert [row["state"] for row in drift] == ["skipped"] and "not in the history" in drift[0]["found"]


VERIFY_FILES = {
    "right": ("SELECT 'a' AS object, 'x' AS expected, 'x' AS found UNION ALL SELECT 'b', NULL, NULL", {}),
    "wrong": ("SELECT 'a' AS object, 'x' AS expected, 'y' AS found", {"a": ("x", "y")}),
    "null is not a value": ("SELECT 'a' AS object, 'x' AS expected, NULL AS found", {"a": ("x", None)}),
    "several statements": ("SELECT 'a' AS object, '1' AS expected, '2' AS found; -- ;\n"
                           "SELECT 'b' AS object, '1' AS expected, '3' AS found;", {"a": ("1", "2"), "b": ("1", "3")}),
    "no rows": ("SELECT 'a' AS object, 'x' AS expected, 'x' AS found WHERE false", {"verify/1_file.sql": "no rows"}),
    "nothing": ("-- nothing", {"verify/1_file.sql": "no rows"}),
    "other columns": ("SELECT 1 AS object, 2 AS found", {"verify/1_file.sql": "a statement with other columns"}),
    "no select": ("SET LOCAL work_mem = '1MB'", {"verify/1_file.sql": "a statement that is no SELECT"}),
    "an error": ("SELECT 'a' AS object, 'x' AS expected, 'x' AS found;\n\nSELECT 'b' AS object,\n  nowhere AS expected, 'x' AS found",
                 {"verify/1_file.sql": 'error 42703: column "nowhere" does not exist (verify/1_file.sql:4:3)'}),
    "a missing table": ("SELECT 'a' AS object, 'x' AS expected, (SELECT a::text FROM gone) AS found",
                        {"verify/1_file.sql": 'error 42P01: relation "gone" does not exist (verify/1_file.sql:1:61)'}),
    "writing": ("INSERT INTO t VALUES (1)", {"verify/1_file.sql": "error 25006: cannot execute INSERT in a read-only transaction (verify/1_file.sql:1:1)"}),
    "writing after a commit": ("COMMIT; INSERT INTO t VALUES (1)",
                               {"verify/1_file.sql": "error 25006: cannot execute INSERT in a read-only transaction (verify/1_file.sql:1:9)"}),
}


@pytest.mark.parametrize("name", VERIFY_FILES)
def test_verify_files(empty, folder, name):
    text, expected = VERIFY_FILES[name]
    path = folder(("CREATE TABLE t (a int)", text), ("SELECT 1", "SELECT 'after' AS object, 'x' AS expected, 'x' AS found"))
    assert empty.migrate("up", "--dir", path).returncode == 0
    document = verify(empty, "--dir", path, code=6 if expected else 0)
    for key, value in expected.items():
        found = [row for row in document["wrong_rows"] if row["object"] == key][-1]
        assert ((found["expected"], found["found"]) if isinstance(value, tuple) else found["found"]) == value
        assert found["source"] == "1_file"
    assert set(document["wrong"]) == set(expected)
    assert [row["object"] for row in document["checks"] if row["source"] == "2_file"] == ["after"]  # the next one is asked all the same
    assert empty.session().value("SELECT count(*) FROM t") == 0


def test_copy_in_a_verify_file_is_a_fault(empty, folder):
    path = folder(("CREATE TABLE t (a int)", "COPY (SELECT 1) TO STDOUT"))
    assert empty.migrate("up", "--dir", path).returncode == 0
    done = empty.migrate("verify", "--dir", path)
    assert done.returncode == 1 and "copy_not_supported" in done.stderr


def test_a_statement_that_takes_too_long_is_wrong(empty, folder):
    path = folder(("SELECT 1", "SET statement_timeout = '50ms'; SELECT 'a' AS object, 'x' AS expected, pg_sleep(20)::text AS found"))
    assert empty.migrate("up", "--dir", path).returncode == 0
    assert verify(empty, "--dir", path, code=6)["wrong_rows"][-1]["found"].startswith("error 57014")


def test_without_a_history_there_is_nothing_to_verify(empty):
    done = empty.migrate("verify")
    assert done.returncode == 0 and "nothing is applied" in done.stdout
    assert verify(empty)["checks"] == []


def test_pending_files_are_no_difference(empty, folder):
    path = folder(("CREATE TABLE t (a int)", None))
    assert empty.migrate("up", "--dir", path).returncode == 0
    folder(("CREATE TABLE t (a int)", None), ("CREATE TABLE u (a int)", None))
    done = empty.migrate("verify", "--dir", path)
    assert done.returncode == 0 and "1 migrations are pending" in done.stdout


def test_a_constraint_may_wait_for_the_file_that_validates_it(empty, folder):
    late = "ALTER TABLE t ADD CONSTRAINT late CHECK (a > 0) NOT VALID"
    files = [("CREATE TABLE t (a int)", None), (late, None), ("ALTER TABLE t VALIDATE CONSTRAINT late", None)]
    path = folder(*files[:2])
    assert empty.migrate("up", "--dir", path).returncode == 0
    assert set(verify(empty, "--dir", path, code=6)["wrong"]) == {"constraint late of t"}
    folder(*files)
    assert verify(empty, "--dir", path)["wrong"] == {}
    empty.session().rows("ALTER TABLE t ADD CONSTRAINT by_hand CHECK (a > 1) NOT VALID")
    assert set(verify(empty, "--dir", path, code=6)["wrong"]) == {"constraint public.t.by_hand"}
    empty.session().rows("ALTER TABLE t DROP CONSTRAINT by_hand")
    assert empty.migrate("up", "--dir", path).returncode == 0
    assert verify(empty, "--dir", path)["wrong"] == {}


def test_a_changed_file_is_a_matter_of_integrity(empty, folder):
    path = folder(("CREATE TABLE t (a int)", None))
    assert empty.migrate("up", "--dir", path).returncode == 0
    folder(("CREATE TABLE t (a bigint)", None))
    done = empty.migrate("verify", "--dir", path)
    assert done.returncode == 3 and ": changed: " in done.stderr


def test_only_whether_a_version_is_applied(applied):
    newest = max(path.name.split("_")[0] for path in MIGRATIONS.glob("*.sql"))
    session = applied.session()
    session.rows("ALTER TABLE jobs ADD by_hand int")
    try:
        document = verify(applied, "--min-version", newest)  # and nothing else is looked at
        assert [(row["source"], row["found"]) for row in document["checks"]] == [("history", "applied")]
        assert verify(applied, "--min-version", "20991231235959", code=6)["wrong_rows"][0]["found"] == "not applied"
    finally:
        session.rows("ALTER TABLE jobs DROP by_hand")


def test_a_version_that_was_interrupted_is_not_applied(empty, folder):
    path = folder(("-- migrate:no-transaction\nCREATE INDEX CONCURRENTLY i ON t (a);\nCREATE INDEX CONCURRENTLY j ON t (nowhere);", None))
    empty.session().rows("CREATE TABLE t (a int)")
    assert empty.migrate("up", "--dir", path).returncode == 1
    for arguments in (["--min-version", "1"], []):
        rows = verify(empty, "--dir", path, *arguments, code=6)["wrong_rows"]
        assert "interrupted after 1 of 2" in rows[0]["found"]


@pytest.fixture
def reader(applied):
    """reader(…): the claim's row of `verify` by a role that may read the history and has these attributes and roles."""
    session, name = applied.session(), "tw_test_" + secrets.token_hex(4)

    def run(attributes="", member_of=()):
        session.rows(f"CREATE ROLE {name} LOGIN {attributes} PASSWORD 'reader'; GRANT SELECT ON tradewire_migrations TO {name};"
                     f"CREATE POLICY reader ON tradewire_migrations TO {name} USING (true)")
        for role in member_of:
            session.rows(f"GRANT {role} TO {name}")
        address = applied.url.replace(applied.url.split("//")[1].split("@")[0], f"{name}:reader")
        done = subprocess.run([str(Path(os.environ["TRADEWIRE_BIN"]) / "migrate"), "verify", "--json"], capture_output=True,
                              text=True, env={"DATABASE_URL": address}, timeout=60)
        assert session.value("SELECT count(*) FROM pg_auth_members WHERE member = %s::regrole", name) == len(member_of)
        rows = [row for row in json.loads(done.stdout)["checks"] if row["source"] == "claim"]
        assert len(rows) == 1, done.stdout + done.stderr
        return rows[0]
    yield run
    session.rows(f"DROP POLICY IF EXISTS reader ON tradewire_migrations; DROP OWNED BY {name}; DROP ROLE {name}")


def test_a_role_that_may_not_act_as_the_gateway_is_told_so(reader):
    claim = reader()
    assert claim["state"] == "skipped" and "may not act as tradewire_gateway" in claim["found"]


def test_a_role_that_may_make_roles_acts_as_the_gateway_for_a_moment(reader):
    """As on Supabase, where who migrates is no superuser and no member of the programs' roles."""
    claim = reader("CREATEROLE", ["tradewire_owner"])
    assert (claim["state"], claim["found"]) == ("right", "the seeded job")
