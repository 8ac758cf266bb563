"""An older installation's rows brought forward: its trades are never executed, the rest goes on."""

import os
import shutil
from pathlib import Path

import pytest

from tradewire_test.database import Database

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


@pytest.fixture
def old(tmp_path):
    """The base alone, with a user and an agent."""
    made = Database(os.environ["TEST_ADMIN_DATABASE_URL"]).create()
    try:
        shutil.copy(MIGRATIONS / "20251101000000_base.sql", tmp_path)
        assert made.migrate("up", "--dir", str(tmp_path)).returncode == 0
        session = made.session()
        made.user = session.value("INSERT INTO auth.users (email) VALUES ('old@test.example') RETURNING id")
        made.agent = session.value("INSERT INTO mt5_agents (user_id, agent_name, password_encrypted) VALUES (%s, 'old', 'x') "
                                   "RETURNING id", made.user)
        yield made
    finally:
        made.drop()


def test_jobs_of_an_older_installation(old):
    session = old.session()
    session.rows("ALTER TABLE jobs DROP CONSTRAINT jobs_job_type_check")  # some installations had the nine types already
    rows = [("compile", "pending"), ("compile", "running"), ("test", "pending"), ("run", "completed"), ("trade", "pending"),
            ("trade", "running"), ("close_position", "completed")]
    for number, (job_type, status) in enumerate(rows):
        session.rows("INSERT INTO jobs (user_id, job_type, status, entity_type, entity_id, input_data, created_at) "
                     "VALUES (%s, %s, %s, 'x', %s, '{\"symbol\": \"EURUSD\"}', now() + %s * interval '1 s')",
                     old.user, job_type, status, old.agent, number)
    done = old.migrate("up")
    assert done.returncode == 0, done.stderr
    jobs = session.rows("SELECT * FROM jobs ORDER BY seq")
    assert [(job["job_type"], job["status"], (job["error_message"] or "").split(":")[0]) for job in jobs] == [
        ("compile", "pending", ""), ("compile", "pending", ""), ("run", "cancelled", "cancelled"), ("run", "completed", ""),
        ("trade", "expired", "stale"), ("trade", "failed", "unknown_outcome"), ("close_position", "completed", "")]
    claimed = [session.row("SELECT * FROM claim_next_job(%s)", old.agent) for _ in range(2)]
    assert [job["id"] for job in claimed] == [job["id"] for job in jobs[:2]]
    assert session.rows("SELECT * FROM claim_next_job(%s)", old.agent) == []
    assert session.value("SELECT password_encrypted FROM mt5_agents WHERE id = %s", old.agent) == "x"


def test_a_fresh_database_claims(old):
    assert old.migrate("up").returncode == 0
    session = old.session()
    session.rows("INSERT INTO jobs (user_id, job_type) VALUES (%s, 'compile')", old.user)
    assert session.row("SELECT * FROM claim_next_job(%s)", old.agent)["status"] == "claimed"
