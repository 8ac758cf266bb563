"""Coordination's columns, tables, indexes and view: what is refused, what no claim returns, and that claims and completions
stay as cheap as they were."""

import json
import uuid
from datetime import timedelta

import psycopg2
import pytest

from tradewire_test.folder import apply, until
from tradewire_test.people import Person, as_role
from tradewire_test.trading import Trader

BEFORE = 20260129170000  # the newest file before coordination
INDEXES = """SELECT c.relname AS name, t.relname AS on_table, obj_description(c.oid, 'pg_class') AS purpose, i.indisvalid,
        pg_get_indexdef(i.indexrelid) AS definition
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
      AND c.relname ~ '^idx_(jobs|job_queue|workflow)_' ORDER BY 1"""


def models(*names):
    return json.dumps(list(names))


def waiting(trader, needs, queued_at, by=None, position=None):
    """A job of the trader that waits for a holder; its id and the holder's."""
    job, by = trader.insert("compile", required_models=models(*needs)), by or str(uuid.uuid4())
    trader.programs.admin.rows("UPDATE jobs SET blocked_by_job_id = %s, queued_at = %s, queue_position = %s, "
                               "conflict_reason = 'model_busy: in use' WHERE id = %s", by, queued_at, position, job)
    return job, by


@pytest.fixture
def trader(trader):
    """Programs.check wants a ready row of every pending job; one that waits has none: waiters go before it looks."""
    yield trader
    trader.programs.admin.rows("DELETE FROM jobs WHERE blocked_by_job_id IS NOT NULL")


# --- indexes --------------------------------------------------------------------------------------------------------------

def test_eight_indexes_that_say_what_for(programs):
    found = programs.admin.rows(INDEXES)
    assert len(found) == 8
    assert all(index["purpose"] and index["indisvalid"] for index in found)
    assert {index["on_table"] for index in found} == {"jobs", "job_queue_log", "workflow_executions"}


def test_no_index_on_jobs_mentions_what_a_claim_or_completion_changes(programs):
    """Not as a column and not in a WHERE: either takes the updates off their page, for every row of the table."""
    changed = {"status", "agent_id", "claimed_at", "started_at", "completed_at", "updated_at", "lease_epoch", "lease_session",
               "attempt", "output_data", "error_message", "timeline", "fill_price", "filled_volume", "broker_order_id"}
    mentioned = programs.admin.rows("""SELECT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_depend d ON d.objid = i.indexrelid AND d.refobjid = i.indrelid AND d.classid = 'pg_class'::regclass
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
        WHERE i.indrelid = 'jobs'::regclass""")
    assert len(mentioned) > 8
    assert [row for row in mentioned if row["attname"] in changed] == []


def test_claims_and_completions_stay_on_their_page(programs, trader):
    jobs = [trader.insert("compile") for _ in range(20)]
    admin = programs.admin
    admin.begin()
    claimed = trader.claim(builds=20, session=admin)
    assert len(claimed) == 20
    trader.programs.apply(*[{"job": str(job["id"]), "agent": trader.agent, "epoch": job["lease_epoch"], "outcome": "done"}
                            for job in claimed], session=admin)
    moved = admin.row("SELECT pg_stat_get_xact_tuples_updated('jobs'::regclass) AS updated, "
                      "pg_stat_get_xact_tuples_hot_updated('jobs'::regclass) AS hot")
    admin.commit()
    # A page may be full; but with an index on what changes it would be none at all.
    assert moved["updated"] == 40 and moved["hot"] >= 20
    assert {programs.job(job)["status"] for job in jobs} == {"completed"}


ID = "00000000-0000-4000-8000-000000000007"
SERVED = [
    ("idx_jobs_blocked_by", f"SELECT id FROM jobs WHERE blocked_by_job_id = '{ID}' ORDER BY queued_at, seq"),
    ("idx_jobs_user_queue", "SELECT id FROM jobs WHERE user_id = '{user}' AND blocked_by_job_id IS NOT NULL "
                            "AND required_models ? 'often' ORDER BY queued_at, seq LIMIT 20"),
    ("idx_jobs_required_models", "SELECT id FROM jobs WHERE blocked_by_job_id IS NOT NULL AND required_models ?| ARRAY['m1', 'm2']"),
    ("job_queue_log_%_job_id_seq_idx", f"SELECT * FROM job_queue_log WHERE job_id = '{ID}' ORDER BY seq"),
    ("job_queue_log_%_created_at_seq_idx", "SELECT * FROM job_queue_log WHERE created_at BETWEEN now() AND now() + interval '1 min' "
                                           "ORDER BY created_at, seq"),
    ("job_queue_log_%_seq_idx", "SELECT max(seq) FROM job_queue_log WHERE event_type = 'snapshot'"),
    ("jobs_blocked_expires_idx", "SELECT id FROM jobs WHERE blocked_by_job_id IS NOT NULL AND expires_at <= now() "
                                 "ORDER BY expires_at LIMIT 1000"),
    ("idx_workflow_executions_blocked_by", f"SELECT id FROM workflow_executions WHERE blocked_by_job_id = '{ID}'"),
    ("idx_workflow_executions_user", "SELECT id FROM workflow_executions WHERE user_id = '{user}' ORDER BY created_at DESC LIMIT 20")]


def test_each_index_serves_its_query(empty):
    """In a database of its own: the planner judges by all rows, other tests' too."""
    apply(empty, "up")
    session = empty.session()
    user = session.value("INSERT INTO auth.users (email) VALUES ('waits@test.example') RETURNING id")
    session.rows("""INSERT INTO jobs (user_id, job_type, required_models)
        SELECT %s, 'compile', jsonb_build_array('often', 'm' || n) FROM generate_series(1, 3000) n""", user)
    session.rows("UPDATE jobs SET blocked_by_job_id = gen_random_uuid(), queued_at = now() + seq * interval '1 s' WHERE user_id = %s", user)
    session.rows("""INSERT INTO job_queue_log (job_id, job_type, user_id, event_type, created_at)
        SELECT gen_random_uuid(), 'normal', %s, 'queued', now() + n * interval '5 min'
        FROM generate_series(1, 5000) n""", user)
    session.rows("INSERT INTO workflow_executions (user_id, name, blocked_by_job_id) "
                 "SELECT %s, 'w', gen_random_uuid() FROM generate_series(1, 3000)", user)
    for table in ("jobs", "job_queue_log", "workflow_executions"):
        session.rows(f"ANALYZE {table}")
    wrong = {}
    for index, query in SERVED:
        plan = "\n".join(row["QUERY PLAN"] for row in session.rows("EXPLAIN " + query.replace("{user}", str(user))))
        if not all(part in plan for part in index.split("%")):
            wrong[index] = plan
    assert wrong == {}


# --- rules ----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("job_type", ["trade", "close_position"])
def test_effects_name_no_model(trader, job_type):
    with pytest.raises(psycopg2.errors.CheckViolation):
        trader.insert(job_type, required_models=models("terminal"))
    trader.insert(job_type)


@pytest.mark.parametrize("bad", ['"compiler"', '{"a": 1}', "[1]", "[null]", '[""]', '[" a"]', '["a", ["b"]]', "[true]", "1",
                                 json.dumps(["x" * 101]), json.dumps(["a\nb"]), json.dumps([str(n) for n in range(17)])])
def test_models_are_a_list_of_names(programs, trader, bad):
    with pytest.raises(psycopg2.errors.CheckViolation):
        trader.insert("compile", required_models=bad)
    with pytest.raises(psycopg2.errors.CheckViolation):
        programs.admin.rows("INSERT INTO workflow_executions (user_id, name, required_models) VALUES (%s, 'w', %s)", trader.user, bad)


@pytest.mark.parametrize("good", ["[]", '["compiler"]', '["shared:gpu", "compiler 2"]', json.dumps(["é" * 100] * 16)])
def test_names_that_are_models(trader, good):
    trader.insert("compile", required_models=good)


def test_a_new_job_waits_for_nobody(programs, trader):
    job = programs.job(trader.insert("compile", required_models=models("c"), blocked_by_job_id=str(uuid.uuid4()),
                                     queue_position=3, conflict_reason="x", queued_at="now"))
    assert {job[name] for name in ("blocked_by_job_id", "queue_position", "conflict_reason", "queued_at")} == {None}
    assert job["required_models"] == ["c"] and trader.claim_ids() == [str(job["id"])]


def test_only_a_pending_job_with_models_waits_and_for_an_id(programs, trader):
    block = "UPDATE jobs SET blocked_by_job_id = %s WHERE id = %s"
    plain = trader.insert("compile")
    with pytest.raises(psycopg2.errors.CheckViolation):
        programs.admin.rows(block, str(uuid.uuid4()), plain)
    assert trader.claim_ids() == [str(plain)]
    named = trader.insert("compile", required_models=models("c"))
    with pytest.raises(psycopg2.errors.CheckViolation):
        programs.admin.rows(block, "somebody", named)
    claimed = trader.insert("get_candles", required_models=models("c"))
    assert str(claimed) in trader.claim_ids()
    with pytest.raises(psycopg2.errors.CheckViolation):
        programs.admin.rows(block, str(uuid.uuid4()), claimed)


def test_no_claim_returns_a_job_that_waits(programs, trader):
    held, _ = waiting(trader, ["c"], "now")
    other = trader.insert("compile")
    assert programs.gateway.value("SELECT id FROM claim_next_job(%s)", trader.agent) == other
    assert trader.claim(builds=5) == [] and programs.gateway.rows("SELECT id FROM claim_next_job(%s)", trader.agent) == []
    assert programs.job(held)["status"] == "pending"

    programs.admin.rows("UPDATE jobs SET blocked_by_job_id = NULL, queue_position = NULL WHERE id = %s", held)
    assert trader.claim_ids(builds=5) == [str(held)]
    programs.check()


def test_a_claimed_job_cannot_be_made_to_wait_behind_the_claims_back(programs, trader):
    """The guarantee of last resort: a ready row whose job waits makes the claim fail rather than hand it out."""
    held, _ = waiting(trader, ["c"], "now")
    programs.admin.rows("INSERT INTO job_ready (job_id, agent_id, user_id, lane, seq) SELECT id, target_agent_id, user_id, lane, seq "
                        "FROM jobs WHERE id = %s", held)
    with pytest.raises(psycopg2.errors.CheckViolation):
        trader.claim(builds=5)
    programs.admin.rows("DELETE FROM job_ready WHERE job_id = %s", held)


def test_one_state_row(programs):
    state = programs.admin.row("SELECT * FROM job_queue_state")
    assert (state["id"], state["active_job_id"], state["active_job_type"], state["active_models"]) == (1, None, None, [])
    for statement in ("INSERT INTO job_queue_state (id) VALUES (2)", "UPDATE job_queue_state SET id = 2",
                      "UPDATE job_queue_state SET active_job_id = 'x'",
                      "UPDATE job_queue_state SET active_job_id = 'x', active_job_type = 'other'"):
        with pytest.raises(psycopg2.errors.CheckViolation):
            programs.admin.rows(statement)


def month(admin, number=0):
    """This month's first moment (UTC) or a later one's, and what a partition of it is called."""
    return tuple(admin.row("""SELECT m AT TIME ZONE 'UTC' AS at, to_char(m, 'YYYYMM') AS name
        FROM (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + %s * interval '1 month' AS m) t""", number).values())


def test_the_log_has_a_partition_for_every_time(programs, trader):
    insert = """INSERT INTO job_queue_log (job_id, job_type, user_id, event_type, created_at) VALUES ('j', 'normal', %s, %s, %s)
        RETURNING tableoid::regclass::text AS partition, seq"""
    (first, name), (later, later_name), (last, last_name), (beyond, _) = (month(programs.admin, n) for n in (0, 1, 12, 13))
    second = timedelta(seconds=1)
    rows = [programs.admin.row(insert, trader.user, event, at) for event, at in (
        ("queued", first), ("queued", programs.now()), ("blocked", later - second), ("started", later), ("completed", last),
        ("completed", beyond - second), ("completed", "2090-01-01 00:00+00"), ("queued", first - second))]
    assert [row["partition"].removeprefix("job_queue_log_") for row in rows] == [
        name, name, name, later_name, last_name, last_name, "default", "default"]
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)
    for event, of in (("Queued", trader.user), ("", trader.user), ("started", None)):
        with pytest.raises(psycopg2.errors.CheckViolation):
            programs.admin.row(insert, of, event, "now")
    programs.admin.rows("INSERT INTO job_queue_log (event_type, metadata) VALUES ('snapshot', '{}')")


@pytest.mark.parametrize("table, key, columns", [
    ("audit_log", "at", "actor, action, object"), ("job_queue_log", "created_at", "job_id, job_type, event_type")])
def test_whoever_keeps_the_logs_adds_their_months(database, table, key, columns):
    """The same for both logs; what is there stays, and a month whose rows are in the default partition is left there."""
    session = database.session()
    session.begin()
    values = "'a', 'normal', 'queued'" if table == "job_queue_log" else "'a', 'b', 'c'"
    user = session.value("INSERT INTO auth.users DEFAULT VALUES RETURNING id")
    insert = f"INSERT INTO {table} (user_id, {columns}, {key}) VALUES (%s, {values}, %s) RETURNING tableoid::regclass::text"
    assert session.value("SELECT add_month_partitions(%s, 12)", table) == 0, "the migration made them"
    (lost, lost_name), (free, free_name) = month(session, 14), month(session, 15)
    assert session.value(insert, user, lost) == f"{table}_default"
    assert session.value("SELECT add_month_partitions(%s, 15)", table) == 2
    assert session.value("SELECT to_regclass(%s)", f"{table}_{lost_name}") is None
    assert session.value(insert, user, lost) == f"{table}_default"
    assert session.value(insert, user, free) == f"{table}_{free_name}"
    assert session.row("SELECT relrowsecurity, obj_description(oid, 'pg_class') AS comment FROM pg_class WHERE oid = %s::regclass",
                       f"{table}_{free_name}") == {"relrowsecurity": True, "comment": f"One month (UTC) of {table}."}
    session.rollback()
    session.close()


# --- what waits and something else ------------------------------------------------------------------------------------------

def test_a_job_after_one_that_waits_waits_too(programs, trader):
    compile_, _ = waiting(trader, ["c"], "now")
    deploy = trader.insert("deploy", after_job_id=compile_)
    anybodys = trader.insert("deploy", agent="none", after_job_id=compile_)
    for _ in range(2):
        assert trader.claim_ids(builds=5) == []
        assert programs.gateway.rows("SELECT id FROM claim_next_job(%s)", trader.agent) == []
    programs.admin.rows("UPDATE jobs SET blocked_by_job_id = NULL, queue_position = NULL WHERE id = %s", compile_)
    assert trader.claim_ids(builds=5) == [str(compile_)] and trader.claim_ids(builds=5) == []
    trader.programs.apply({"job": str(compile_), "agent": trader.agent, "epoch": 1, "outcome": "done"})
    assert trader.claim_ids(builds=5) == [str(deploy), str(anybodys)]


def test_a_job_that_waits_expires(programs, trader):
    held, by = waiting(trader, ["c"], "now", position=1)
    later, _ = waiting(trader, ["c"], "now", by=by, position=2)
    after = trader.insert("deploy", after_job_id=held)
    programs.admin.rows("UPDATE jobs SET expires_at = now() + CASE id WHEN %s THEN -1 ELSE 60 END * interval '1 s' "
                        "WHERE id IN (%s, %s)", held, held, later)
    assert programs.dispatcher.rows("SELECT job_id FROM expire_jobs(0)") == []
    gone = programs.dispatcher.rows("SELECT job_id, code FROM expire_jobs(1000)")
    assert [row["code"] for row in gone if row["job_id"] == held] == ["stale"] and later not in [row["job_id"] for row in gone]
    job = programs.job(held)
    assert (job["status"], job["blocked_by_job_id"], job["queue_position"], job["conflict_reason"]) == ("expired", None, None, None)
    assert job["completed_at"] and not programs.is_ready(held)
    assert programs.job(later)["blocked_by_job_id"] == by
    (event,) = programs.admin.rows("SELECT * FROM job_queue_log WHERE job_id = %s", str(held))
    assert (event["event_type"], event["job_type"], event["user_id"], event["models"], event["blocked_by_job_id"]) == (
        "expired", "normal", trader.user, ["c"], by)
    assert trader.claim_ids(builds=5) == [str(after)], "what it comes after has ended"


# --- rights and the view ----------------------------------------------------------------------------------------------------

def test_who_sees_state_and_log(database, programs, trader):
    person = Person(database, programs.admin, user=trader.user)
    for relation in ("job_queue_state", "job_queue_log", "job_queue_log_default"):
        for session in (person, *(as_role(database, role) for role in ("anon", "tradewire_gateway", "tradewire_sync"))):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                session.rows(f"SELECT * FROM {relation}")
    for role in ("tradewire_dispatcher", "tradewire_operator", "service_role"):
        session = as_role(database, role)
        assert session.value("SELECT count(*) FROM job_queue_state") == 1
        session.rows("SELECT * FROM job_queue_log")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            session.rows("UPDATE job_queue_state SET last_updated = now()")


def test_the_true_position_of_every_waiter(database, programs, trader):
    other = Trader(programs)
    holder = trader.insert("compile")
    foreign = str(uuid.uuid4())
    # (whose, models, when, the position stored)
    third, _ = waiting(trader, ["c"], "2026-02-03", by=str(holder))
    first, _ = waiting(trader, ["c"], "2026-02-01", by=str(holder), position=1)
    both, _ = waiting(trader, ["c", "t", "c"], "2026-02-02", by=str(holder))
    theirs, _ = waiting(other, ["c"], "2026-01-01", by=foreign)
    shared_first, _ = waiting(other, ["shared:gpu"], "2026-02-01", by=foreign)
    shared_second, _ = waiting(trader, ["shared:gpu", "x"], "2026-02-02", by=foreign, position=2)
    workflow, theirs_too = (str(programs.admin.value(
        "INSERT INTO workflow_executions (user_id, name) VALUES (%s, 'w') RETURNING id", whose.user)) for whose in (trader, other))
    behind_own, _ = waiting(trader, ["shared:gpu"], "2026-02-03", by=workflow, position=3)
    behind_theirs, _ = waiting(trader, ["shared:gpu"], "2026-02-04", by=theirs_too, position=4)

    everything = {row["job_id"]: row for row in programs.dispatcher.rows("SELECT * FROM job_queue")}
    assert {job: everything[job]["position"] for job in (first, both, third, theirs, shared_first, shared_second)} == {
        first: 1, both: 2, third: 3, theirs: 1, shared_first: 1, shared_second: 2}
    assert everything[shared_second]["blocked_by"] == foreign

    person = Person(database, programs.admin, user=trader.user)
    own = {row["job_id"]: row for row in person.rows("SELECT * FROM job_queue")}
    assert {job: row["position"] for job, row in own.items()} == {
        first: 1, both: 2, third: 3, shared_second: 2, behind_own: 3, behind_theirs: 4}
    assert own[first]["blocked_by"] == str(holder) and own[behind_own]["blocked_by"] == workflow
    assert own[shared_second]["blocked_by"] == own[behind_theirs]["blocked_by"] == "another user"
    assert own[first]["conflict_reason"] == "model_busy: in use" and own[both]["required_models"] == ["c", "t", "c"]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        as_role(database, "anon").rows("SELECT * FROM job_queue")


# --- there and back -----------------------------------------------------------------------------------------------------------

OBJECTS = """SELECT c.relname || coalesce('.' || a.attname, '') AS name FROM pg_class c
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"""


def test_the_rollback_drops_two_tables_and_eight_columns(older):
    apply(older, "up", "--dir", until(BEFORE, older.tmp_path / "before"))
    session = older.session()
    before = {row["name"] for row in session.rows(OBJECTS)}
    user = session.value("INSERT INTO auth.users (email) VALUES ('old@test.example') RETURNING id")
    agent = session.value("INSERT INTO mt5_agents (user_id, agent_name) VALUES (%s, 'old') RETURNING id", user)
    job = session.value("INSERT INTO jobs (user_id, job_type) VALUES (%s, 'compile') RETURNING id", user)
    was = session.rows("SELECT * FROM jobs")
    coordination = until(20260201999999, older.tmp_path / "coordination")
    for _ in range(2):
        apply(older, "up", "--dir", coordination)
        new = {row["name"] for row in session.rows(OBJECTS)} - before
        assert {name for name in new if not name.startswith("job_queue_")} == {
            "jobs.required_models", "jobs.queue_position", "jobs.blocked_by_job_id", "jobs.conflict_reason", "jobs.queued_at",
            "workflow_executions.required_models", "workflow_executions.current_step_model",
            "workflow_executions.blocked_by_job_id"}
        assert {name.split(".")[0] for name in new if name.startswith("job_queue_")} == {"job_queue_state", "job_queue_log"}
        assert len(session.rows(INDEXES)) == 8
        session.rows("UPDATE jobs SET required_models = '[\"c\"]', blocked_by_job_id = gen_random_uuid()")
        assert session.value("SELECT count(*) FROM job_ready") == 0

        apply(older, "down", "--to", str(BEFORE), "--allow-data-loss", "--dir", coordination)
        assert {row["name"] for row in session.rows(OBJECTS)} == before
        assert session.rows("SELECT * FROM jobs") == was and session.rows(INDEXES) == []
        assert session.value("SELECT job_id FROM job_ready") == job
    assert session.value("SELECT id FROM claim_next_job(%s)", agent) == job


def test_an_installation_with_these_columns_and_tables(installed):
    """Nobody holds a model after the upgrade, so nobody waits; what was there comes back with the rollback."""
    session = installed.super
    installed.session().rows("""
        CREATE TABLE jobs (
            id UUID PRIMARY KEY DEFAULT gen_random_uuid(), user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE,
            job_type VARCHAR(20) NOT NULL CHECK (job_type IN ('compile', 'deploy', 'run', 'stop', 'test')),
            status VARCHAR(20) NOT NULL DEFAULT 'pending'
                CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
            entity_type VARCHAR(20) NOT NULL, entity_id UUID NOT NULL, input_data JSONB, output_data JSONB, error_message TEXT,
            started_at TIMESTAMPTZ, completed_at TIMESTAMPTZ, created_at TIMESTAMPTZ DEFAULT now(), updated_at TIMESTAMPTZ DEFAULT now(),
            required_models JSONB DEFAULT '[]', blocked_by_job_id TEXT, queue_position INTEGER, conflict_reason TEXT, queued_at TIMESTAMPTZ);
        CREATE TABLE job_queue_state (id INTEGER PRIMARY KEY DEFAULT 1, active_job_id TEXT);
        INSERT INTO job_queue_state VALUES (1, 'gone');
        CREATE TABLE job_queue_log (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), job_id TEXT, event_type TEXT);
        INSERT INTO job_queue_log (job_id, event_type) VALUES ('gone', 'started');
        CREATE INDEX idx_job_queue_log_job ON job_queue_log (job_id);
        CREATE INDEX idx_jobs_blocked_by ON jobs (blocked_by_job_id);""")
    user = session.value("INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'old@test.example') RETURNING id")
    session.rows("""INSERT INTO jobs (user_id, job_type, entity_type, entity_id, required_models, blocked_by_job_id, queue_position,
            conflict_reason)
        VALUES (%s, 'compile', 'x', gen_random_uuid(), '["c"]', 'job-7', 1, 'busy'),
               (%s, 'compile', 'y', gen_random_uuid(), '"c"', NULL, NULL, NULL)""", user, user)
    columns = ("entity_type", "required_models", "blocked_by_job_id", "queue_position", "conflict_reason")
    was = session.rows(f"SELECT {', '.join(columns)} FROM jobs ORDER BY entity_type")

    for _ in range(2):
        apply(installed, "up")
        rows = session.rows(f"SELECT {', '.join(columns)} FROM jobs ORDER BY entity_type")
        assert [tuple(row.values()) for row in rows] == [("x", ["c"], None, None, None), ("y", None, None, None, None)]
        assert session.value("SELECT count(*) FROM job_ready") == 2
        assert session.value("SELECT active_job_id FROM job_queue_state") is None
        assert len(session.rows(INDEXES)) == 8
        apply(installed, "verify")
        apply(installed, "down", "--to", str(BEFORE), "--allow-data-loss")
        assert session.rows(f"SELECT {', '.join(columns)} FROM jobs ORDER BY entity_type") == was
        assert session.row("SELECT id, active_job_id FROM job_queue_state") == {"id": 1, "active_job_id": "gone"}
        assert session.value("SELECT event_type FROM job_queue_log") == "started"
        assert [row["name"] for row in session.rows(INDEXES)] == ["idx_job_queue_log_job"]
    apply(installed, "down", "--to", "0", "--allow-data-loss")
    assert [row["name"] for row in session.rows(INDEXES)] == ["idx_job_queue_log_job", "idx_jobs_blocked_by"]
