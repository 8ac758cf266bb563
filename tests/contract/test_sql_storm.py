"""Everything at once on few accounts: no deadlock, and every job, lease, leg and signal fits at the end.

Eight workers write, claim, report, greet, leave, sweep and resolve at random; the seed is printed. What each of them
does alone is tested elsewhere: here it is the locks.
"""

import os
import random
import threading
import time

import psycopg2

from tradewire_test.trading import Trader

SECONDS = 20 if os.environ.get("TRADEWIRE_LONG") == "1" else 5
SYMBOLS = ("EURUSD", "GBPUSD")
# A user's signals come through one partition, so through one writer: among two, the later seq may commit first.
WRITER = threading.Lock()


class Worker(threading.Thread):
    def __init__(self, seed, database, programs, traders, end):
        super().__init__()
        self.random = random.Random(seed)
        self.programs, self.traders, self.end_at = programs, traders, end
        self.dispatcher = database.session("tradewire_dispatcher")
        self.gateway = database.session("tradewire_gateway")
        self.operator = database.session("tradewire_operator")
        self.held, self.failures, self.counts = [], [], {}

    def run(self):
        steps = [(self.write, 4), (self.claim, 8), (self.report, 12), (self.hello, 1), (self.leave, 1), (self.lapse, 2),
                 (self.expire, 1), (self.ask, 2), (self.resolve, 1)]
        names, weights = zip(*steps)
        while time.monotonic() < self.end_at:
            step = self.random.choices(names, weights)[0]
            try:
                step()
                self.count(step.__name__)
            except psycopg2.errors.SerializationFailure:
                self.count("again")  # claim_in_progress: the caller's batch is repeated
            except Exception as error:  # noqa: BLE001: whatever it is, the test shows it
                self.failures.append(f"{step.__name__}: {error!r}")

    def count(self, name, more=1):
        self.counts[name] = self.counts.get(name, 0) + more

    def trader(self):
        return self.random.choice(self.traders)

    def plan(self, trader):
        """Without asking the database for the time: that is a shared session's."""
        plan = dict(self.random.choice(trader.templates))
        plan.update(signal=self.uuid(), job=self.uuid())
        return plan

    def uuid(self):
        return f"{self.random.getrandbits(128):032x}"

    def write(self):
        plans = [self.plan(self.trader()) for _ in range(self.random.randint(1, 8))]
        with WRITER:
            self.programs.write(plans, session=self.dispatcher)
        self.dispatcher.rows("SELECT count_duplicates(%s::uuid[])", [plans[0]["signal"]] * 2)

    def claim(self):
        some = self.random.sample(self.traders, 2)
        if self.random.random() < 0.3:
            rows = self.gateway.rows("SELECT * FROM claim_next_job(%s)", some[0].agent)
        else:
            sessions = [row["session_no"] for trader in some for row in
                        self.gateway.rows("SELECT session_no FROM mt5_agents WHERE id = %s", trader.agent)]
            rows = self.gateway.rows("SELECT * FROM claim_jobs(%s::uuid[], %s::bigint[], ARRAY[4, 4], ARRAY[2, 2], ARRAY[1, 1])",
                                     [trader.agent for trader in some], sessions)
        self.held += rows
        self.count("claimed", len(rows))

    def report(self):
        self.random.shuffle(self.held)
        batch, self.held = self.held[:6], self.held[6:]
        if not batch:
            return
        results = {}
        for job in batch:
            outcome = self.random.choices(("done", "failed", "void", "unknown"), (6, 1, 2, 2))[0]
            results[job["id"]] = {
                "job": str(job["id"]), "agent": str(job["agent_id"]), "outcome": outcome,
                "epoch": job["lease_epoch"] - (self.random.random() < 0.1), "order_id": str(job["seq"]) if outcome == "done" else None,
                "error": None if outcome == "done" else "retcode_10006: rejected"}
        for row in self.programs.apply(*results.values(), session=self.dispatcher):
            self.count(row["verdict"])
        if self.random.random() < 0.2:
            self.held += batch  # the same reports once more

    def hello(self):
        trader = self.trader()
        self.gateway.rows("SELECT gateway_beat(%s, 'storm')", trader.gateway)
        self.gateway.rows("SELECT * FROM agent_hello(%s, %s, %s, %s, 1, %s, 'Sim', '1', 'USD', 'hedging', false)",
                          trader.agent, trader.key_hash, trader.curve_key, trader.journal, trader.gateway)

    def leave(self):
        trader = self.trader()
        self.gateway.rows("SELECT session_end(ARRAY[id], ARRAY[session_no]) FROM mt5_agents WHERE id = %s", trader.agent)

    def ask(self):
        agents = [trader.agent for trader in self.random.sample(self.traders, len(self.traders))]
        rows = self.gateway.rows("SELECT q.* FROM (SELECT array_agg(id) AS a, array_agg(session_no) AS s FROM mt5_agents "
                                 "WHERE id = ANY (%s::uuid[])) u CROSS JOIN LATERAL question_jobs(u.a, u.s) q", agents)
        self.held += rows
        self.gateway.rows("SELECT sessions_seen(%s::uuid[], %s::bigint[])", agents, [1] * len(agents))

    def lapse(self):
        rows = self.dispatcher.rows("SELECT * FROM lapsed_leases()")
        self.dispatcher.rows("SELECT * FROM lapse_jobs(%s::uuid[], %s::bigint[])",
                             [row["job_id"] for row in rows], [row["lease_epoch"] for row in rows])

    def expire(self):
        self.count("expired", len(self.dispatcher.rows("SELECT * FROM expire_jobs(50)")))

    def resolve(self):
        found = self.operator.rows("SELECT id FROM jobs WHERE status = 'unknown' ORDER BY random() LIMIT 1")
        try:
            for row in found:
                self.operator.rows("SELECT job_resolve(%s, 'not_executed', NULL, NULL, NULL, 'storm', 'test')", row["id"])
        except psycopg2.errors.CheckViolation:
            self.count("resolved elsewhere")


def templates(trader, programs):
    made = []
    for symbol in SYMBOLS:
        made += [trader.plan("buy", symbol=symbol, expires_s=seconds) for seconds in (0.5, 2, 60)]
        made += [trader.plan("close", symbol=symbol)]
    return made


def test_a_storm(database, programs):
    seed = int(os.environ.get("TRADEWIRE_SEED", time.time_ns() % 1_000_000))
    print(f"TRADEWIRE_SEED={seed}")
    traders = [Trader(programs) for _ in range(3)]
    for trader in traders:
        trader.hello()
        trader.templates = templates(trader, programs)
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = programs.admin.value(deadlocks)
    end = time.monotonic() + SECONDS
    workers = [Worker(seed * 100 + n, database, programs, traders, end) for n in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(SECONDS + 60)
    assert [failure for worker in workers for failure in worker.failures] == []
    counts = {}
    for worker in workers:
        for name, number in worker.counts.items():
            counts[name] = counts.get(name, 0) + number
    print(counts)
    assert counts["claimed"] > 50 and counts["applied"] > 50 and counts.get("stale", 0) > 0
    assert programs.admin.value(deadlocks) == before
    programs.check()
    wrong = programs.admin.rows("""
        SELECT j.id, j.status, s.status AS signal, l.status AS leg FROM jobs j
        JOIN tv_signals s ON s.id = j.signal_id JOIN signal_legs l ON l.job_id = j.id
        WHERE l.status <> s.status OR (s.status = 'pending') <> (j.status IN ('pending', 'claimed', 'unknown'))
           OR (s.status = 'executed') <> (j.status = 'completed') OR (s.status = 'pending') <> (s.resolved_at IS NULL)
           OR (j.completed_at IS NULL) <> (j.status IN ('pending', 'claimed', 'unknown'))""")
    assert wrong == []
    late = programs.admin.rows("""
        SELECT e.id, e.seq, e.claimed_at, c.seq AS close_seq, c.started_at FROM jobs e JOIN jobs c ON c.strategy_id = e.strategy_id AND c.symbol = e.symbol AND c.seq > e.seq
        WHERE e.is_entry AND c.job_type = 'close_position' AND e.claimed_at > c.started_at""")
    assert late == [], "no entry is claimed after a later close of its strategy and symbol was claimed"
