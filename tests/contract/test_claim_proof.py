"""claim_next_job proven: many claimers whose backends are killed, and every pair of calls stopped at every lock.

What a claim does alone, and the order of effects, is in test_sql_claim.py; everything at once is test_sql_storm.py.
"""

import os
import random
import threading
import time

import psycopg2
import pytest

from tradewire_test.database import Session
from tradewire_test.trading import Trader

LONG = os.environ.get("TRADEWIRE_LONG") == "1"
JOBS, CLAIMERS, AGENTS = (100_000, 64, 64) if LONG else (8_000, 64, 64)
KILL_EVERY_S = 0.02
PATIENCE_S = 60  # how long a condition is waited for before the test says that it never came

# A row as an old backend or a person at a console writes it: nothing but user, type, agent and what is to be done.
BY_HAND = """
    INSERT INTO jobs (user_id, job_type, target_agent_id, input_data, expires_at)
    SELECT a.user_id, (ARRAY['trade', 'close_position', 'get_positions', 'compile'])[1 + n %% 4], a.id,
           '{"symbol": "EURUSD", "side": "buy", "volume": "0.01"}', now() + interval '1 h'
    FROM generate_series(1, %s) n JOIN unnest(%s::uuid[]) WITH ORDINALITY AS a0 (id, place) ON place = 1 + n %% %s
    JOIN mt5_agents a ON a.id = a0.id"""


def seed():
    chosen = int(os.environ.get("TRADEWIRE_SEED", time.time_ns() % 1_000_000))
    print(f"TRADEWIRE_SEED={chosen}")
    return chosen


class Claimer(threading.Thread):
    """Claims for one agent after the other until nothing is left; a killed backend is a new connection."""

    def __init__(self, number, database, agents, left):
        super().__init__(daemon=True)
        self.random = random.Random(number)
        self.database, self.agents, self.left = database, agents, left
        self.taken, self.kills, self.failures = [], 0, []

    def run(self):
        session = self.reconnect()
        while not self.left.is_set() and not self.failures:
            try:
                agent = self.random.choice(self.agents)
                self.taken += [(job["id"], job["seq"]) for job in session.rows("SELECT id, seq FROM claim_next_job(%s)", agent)]
            except psycopg2.OperationalError:
                self.kills += 1
                session = self.reconnect()
            except psycopg2.Error as error:  # whatever else it is, the test shows it
                self.failures.append(repr(error))
        session.close()

    def reconnect(self):
        while True:
            try:
                return Session(self.database.url, "tradewire_gateway")
            except psycopg2.OperationalError:
                self.kills += 1  # killed again before SET ROLE was answered


def test_64_claimers_with_killed_backends(database, programs):
    chosen = seed()
    dice = random.Random(chosen)
    agents = []
    for _ in range(AGENTS):
        agents.append(Trader(programs).agent)
    programs.admin.rows(BY_HAND, JOBS, agents, AGENTS)
    left = threading.Event()
    claimers = [Claimer(chosen + n, database, agents, left) for n in range(CLAIMERS)]
    for claimer in claimers:
        claimer.start()
    pending = "SELECT count(*) FROM job_ready WHERE agent_id = ANY (%s::uuid[])"
    kills, give_up = 0, time.monotonic() + 600
    while programs.admin.value(pending, agents) > 0:
        assert time.monotonic() < give_up, "not all were claimed"
        victims = programs.admin.rows("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' "
                                      "AND query LIKE 'SELECT id, seq FROM claim_next_job%%'")
        if victims:
            kills += programs.admin.value("SELECT pg_terminate_backend(%s)::int", dice.choice(victims)["pid"])
        time.sleep(KILL_EVERY_S)  # the pace of the killing, not a wait
    left.set()
    for claimer in claimers:
        claimer.join(PATIENCE_S)
    assert [failure for claimer in claimers for failure in claimer.failures] == []
    taken = [job for claimer in claimers for job in claimer.taken]
    lost = JOBS - len(taken)
    print(f"{JOBS} jobs, {CLAIMERS} claimers, {kills} backends killed, {lost} claims committed whose answer died with them")
    assert kills >= 10
    assert len({job_id for job_id, _ in taken}) == len(taken), "a job was handed out twice"
    assert 0 <= lost <= kills
    wrong = programs.admin.rows("""
        SELECT j.id, j.status, j.attempt, j.lease_epoch FROM jobs j LEFT JOIN job_leases l ON l.job_id = j.id
        WHERE j.target_agent_id = ANY (%s::uuid[])
          AND (j.status <> 'claimed' OR j.attempt <> 1 OR j.lease_epoch <> 1 OR j.agent_id <> j.target_agent_id
               OR l.agent_id IS DISTINCT FROM j.agent_id)""", agents)
    assert wrong == []
    disorder = programs.admin.rows("""
        SELECT * FROM (SELECT seq, lead(seq) OVER (PARTITION BY agent_id ORDER BY claimed_at, seq) AS next FROM jobs
                       WHERE target_agent_id = ANY (%s::uuid[]) AND lane = 1) o WHERE next < seq""", agents)
    assert disorder == [], "effects of one account were claimed out of order"
    programs.check()


# --- two connections, one of them stopped at each lock ------------------------------------------------------

# What the claim needs, in its own order: whoever holds it stops the claim right there.
STOPS = {
    "agent": "SELECT FROM mt5_agents WHERE id = %(agent)s FOR UPDATE",
    "ready": "SELECT FROM job_ready WHERE job_id = %(job)s FOR UPDATE",
    "job": "SELECT FROM jobs WHERE id = %(job)s FOR UPDATE",
    "open": None,  # the claim is through, its transaction is not committed
}
CLAIMS = {
    "claim_next_job": "SELECT id FROM claim_next_job(%(agent)s)",
    "claim_jobs": "SELECT id FROM claim_jobs(ARRAY[%(agent)s]::uuid[], ARRAY[%(session)s]::bigint[], ARRAY[8], ARRAY[4], ARRAY[1])",
}
OTHERS = {
    **{name: ("tradewire_gateway", statement) for name, statement in CLAIMS.items()},
    "agent_hello": ("tradewire_gateway", "SELECT NULL::uuid AS id FROM agent_hello(%(agent)s, %(key)s, %(curve)s, %(journal)s, 1, "
                                         "%(gateway)s, NULL, NULL, NULL, NULL, NULL)"),
    "session_end": ("tradewire_gateway", "SELECT NULL::uuid AS id FROM (SELECT session_end(ARRAY[%(agent)s]::uuid[], "
                                         "ARRAY[%(session)s]::bigint[])) done"),
    "question_jobs": ("tradewire_gateway", "SELECT NULL::uuid AS id FROM question_jobs(ARRAY[%(agent)s]::uuid[], ARRAY[%(session)s]::bigint[])"),
    "expire_jobs": ("tradewire_dispatcher", "SELECT NULL::uuid AS id FROM expire_jobs(50)"),
    "lapse_jobs": ("tradewire_dispatcher", "SELECT NULL::uuid AS id FROM lapse_jobs(ARRAY[%(job)s]::uuid[], ARRAY[1]::bigint[])"),
    "insert": ("tradewire_dispatcher", "INSERT INTO jobs (user_id, job_type, target_agent_id, input_data) "
                                       "VALUES (%(user)s, 'get_account', %(agent)s, '{}') RETURNING NULL::uuid AS id"),
}


class Step(threading.Thread):
    """One statement on a connection of its own, in a thread: it may have to wait."""

    def __init__(self, session, statement, values):
        super().__init__(daemon=True)
        self.session, self.statement, self.values = session, statement, values
        self.pid = session.value("SELECT pg_backend_pid()")
        self.ids, self.error = [], None
        self.start()

    def run(self):
        try:
            with self.session.connection.cursor() as cursor:
                cursor.execute(self.statement, self.values)
                self.ids = [row["id"] for row in cursor.fetchall() if row["id"]]
        except psycopg2.Error as error:
            self.error = error

    def settle(self, admin):
        """Until it is over or waits for a lock; True when it waits."""
        waits = "SELECT wait_event_type = 'Lock' AND state = 'active' FROM pg_stat_activity WHERE pid = %s"
        give_up = time.monotonic() + PATIENCE_S
        while self.is_alive():
            assert time.monotonic() < give_up, self.statement
            if admin.value(waits, self.pid):
                return True
            self.join(0.002)
        return False

    def finish(self):
        self.join(PATIENCE_S)
        assert not self.is_alive(), self.statement


@pytest.fixture(scope="module")
def pool(database):
    return {"holder": database.session(), "first": database.session("tradewire_gateway"),
            "tradewire_gateway": database.session("tradewire_gateway"),
            "tradewire_dispatcher": database.session("tradewire_dispatcher")}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("ends", ["COMMIT", "ROLLBACK"])
def test_a_claim_stopped_at_each_lock(trader, programs, pool, stop, claim, other, ends):
    (plan,) = trader.send("buy", expires_s=600)
    values = {"agent": trader.agent, "job": plan["job"], "session": trader.session, "user": trader.user, "key": trader.key_hash,
              "curve": trader.curve_key, "journal": trader.journal, "gateway": trader.gateway}
    holder, first = pool["holder"], pool["first"]
    if STOPS[stop]:
        holder.begin()
        holder.connection.cursor().execute(STOPS[stop], values)
    first.begin()
    claiming = Step(first, CLAIMS[claim], values)
    claiming.settle(programs.admin)
    role, statement = OTHERS[other]
    second = Step(pool[role], statement, values)
    second.settle(programs.admin)
    if STOPS[stop]:
        holder.rollback()
    claiming.finish()
    assert claiming.error is None, claiming.error
    first.rows(ends)
    second.finish()
    assert second.error is None or second.error.pgcode == "40001", second.error  # claim_in_progress: the caller repeats its batch
    claimed = list(second.ids) + (list(claiming.ids) if ends == "COMMIT" else [])
    assert claimed.count(plan["job"]) <= 1, "handed to both"
    job = programs.job(plan["job"])
    assert job["attempt"] == claimed.count(plan["job"])
    assert job["status"] in (("claimed", "unknown") if claimed.count(plan["job"]) else ("pending",))
    # Whatever happened, the job is either held or can be claimed now; it is never lost between the two.
    if job["status"] == "pending":
        session_no = programs.admin.value("SELECT session_no FROM mt5_agents WHERE id = %s", trader.agent)
        programs.admin.rows("UPDATE mt5_agents SET session_ended_at = NULL WHERE id = %s", trader.agent)
        assert plan["job"] in trader.claim_ids(session_no=session_no)


def test_a_row_inserted_by_hand_is_claimable_and_safe(trader, programs):
    """Nothing but user, type and agent: the rest is filled or forced."""
    job_id = programs.admin.value(
        "INSERT INTO jobs (user_id, job_type, target_agent_id, input_data, status, lease_epoch, attempt, seq, claimed_at) "
        "VALUES (%s, 'trade', %s, '{\"symbol\": \"EURUSD\", \"side\": \"sell\", \"volume\": \"0.01\"}', 'claimed', 7, 3, 1, now()) "
        "RETURNING id", trader.user, trader.agent)
    job = programs.job(job_id)
    assert (job["status"], job["lease_epoch"], job["attempt"], job["claimed_at"]) == ("pending", 0, 0, None)
    assert job["seq"] > 1 and job["lane"] == 1 and job["is_entry"]
    limit = programs.admin.value("SELECT extract(epoch FROM expires_at - created_at) FROM jobs WHERE id = %s", job_id)
    assert 29 < limit <= 31
    claimed = programs.gateway.row("SELECT * FROM claim_next_job(%s)", trader.agent)
    assert claimed["id"] == job_id and claimed["lease_epoch"] == 1
    assert programs.gateway.rows("SELECT * FROM claim_next_job(%s)", trader.agent) == []
