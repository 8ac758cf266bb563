"""What a finished file says it did: counted from the catalog, whatever its comments say."""

import json
import re
from pathlib import Path

import pytest


@pytest.fixture
def summaries(empty, tmp_path):
    """summaries(text, …): what `up` prints for each file, in order."""
    def run(*texts):
        for number, text in enumerate(texts, 1):
            (tmp_path / f"{number}_file.sql").write_text(text)
        done = empty.migrate("up", "--dir", str(tmp_path))
        assert done.returncode == 0, done.stderr
        return re.findall(r"^applied \d+_file\.sql \(\d+ ms\): (.*)$", done.stdout, re.M)
    return run


LIE = """-- added 5 columns to jobs, 3 to workflow_executions; created 2 tables, 8 indexes
DO $$ BEGIN RAISE WARNING 'added 9 columns to jobs'; END $$;
ALTER TABLE jobs ADD one int; -- ALTER TABLE jobs ADD two int;
/* CREATE TABLE never (id int); */
DO $$ BEGIN EXECUTE 'CREATE TABLE hidden (id int PRIMARY KEY, other int)'; EXECUTE 'CREATE INDEX ON hidden (other)'; END $$;
SELECT 'CREATE TABLE quoted (id int);';
ALTER TABLE IF EXISTS nowhere ADD three int;
CREATE TABLE IF NOT EXISTS jobs (id int);
COMMENT ON COLUMN jobs.one IS 'added 5 columns';
"""


def test_a_comment_that_lies(summaries):
    assert summaries("CREATE TABLE jobs (id int)", LIE) == [
        "created 1 table", "added 1 column to jobs; created 1 table, 1 index"]


def test_the_figures_of_the_issue(summaries):
    assert summaries("CREATE TABLE jobs (id int); CREATE TABLE workflow_executions (id int);", """
        CREATE TABLE job_queue_state (id int PRIMARY KEY, active_job_id text CHECK (active_job_id <> ''));
        CREATE TABLE job_queue_log (id int PRIMARY KEY, job_id text, event_type text, created_at timestamptz);
        ALTER TABLE jobs ADD required_models jsonb, ADD queue_position int, ADD blocked_by_job_id text, ADD conflict_reason text,
                         ADD queued_at timestamptz;
        ALTER TABLE workflow_executions ADD required_models jsonb, ADD current_step_model text, ADD blocked_by_job_id text;
        CREATE INDEX i1 ON jobs (queue_position); CREATE INDEX i2 ON jobs (blocked_by_job_id);
        CREATE INDEX i3 ON jobs USING gin (required_models); CREATE INDEX i4 ON job_queue_log (job_id);
        CREATE INDEX i5 ON job_queue_log (created_at); CREATE INDEX i6 ON job_queue_log (event_type);
        CREATE INDEX i7 ON workflow_executions (blocked_by_job_id); CREATE INDEX i8 ON workflow_executions (current_step_model);
        """)[1] == "added 5 columns to jobs, 3 to workflow_executions; created 2 tables, 8 indexes"


def test_nothing_grants_comments_and_what_is_undone_within_the_file(summaries):
    assert summaries("CREATE TABLE t (id int)", "SELECT 1", "CREATE TABLE u (id int); DROP TABLE u;", "INSERT INTO t VALUES (1)",
                     "COMMENT ON TABLE t IS 't'", "GRANT SELECT ON t TO PUBLIC; COMMENT ON TABLE t IS NULL",
                     "ALTER TABLE t RENAME TO v") == [
        "created 1 table", "changed nothing", "changed nothing", "changed nothing", "changed comments",
        "changed grants, comments", "created 1 table; dropped 1 table"]


def test_json_says_the_same(empty, tmp_path):
    (tmp_path / "1_one.sql").write_text("CREATE TABLE t (id int)")
    document = json.loads(empty.migrate("up", "--json", "--dir", str(tmp_path)).stdout)
    assert [step["summary"] for step in document["applied"]] == ["created 1 table"]


def test_the_programs_own_files_add_up(empty):
    """Whatever the folder holds: what was created less what was dropped is what is there."""
    done = empty.migrate("up")
    assert done.returncode == 0, done.stderr
    lines = re.findall(r"^applied \d+_\w+\.sql \(\d+ ms\): (.*)$", done.stdout, re.M)
    assert len(lines) == len(list((Path(__file__).resolve().parents[2] / "migrations").glob("*.sql")))

    def total(verb, kind):
        clauses = [clause for line in lines for clause in line.split("; ") if clause.startswith(verb + " ")]
        return sum(int(n) for clause in clauses for n in re.findall(rf"(\d+) {kind}(?:s|es)?(?=,|$)", clause))
    session = empty.session()
    there = {
        "table": """SELECT count(*) FROM pg_class c WHERE relkind IN ('r', 'p') AND NOT relispartition
                      AND relname <> 'tradewire_migrations' AND relnamespace IN ('public'::regnamespace, 'auth'::regnamespace)""",
        "view": "SELECT count(*) FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace",
        "function": "SELECT count(*) FROM pg_proc WHERE pronamespace IN ('public'::regnamespace, 'auth'::regnamespace)",
    }
    for kind, query in there.items():
        assert total("created", kind) - total("dropped", kind) == session.value(query), (kind, lines)
