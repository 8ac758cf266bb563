"""A trader in the database: user, agent, account, strategy; and the calls that the programs make for them.

Every call goes through the role of the program that makes it, so rights are tested all along.
"""

import json
import secrets
import uuid

SIGNAL_COLUMNS = ("signal uuid, user uuid, strategy uuid, status text, symbol text, action text, volume numeric, "
                  "error text, raw text, received timestamptz, durable timestamptz, job uuid, job_type text, agent uuid, "
                  "connection uuid, expires timestamptz, input text, is_entry boolean, trace text, "
                  "rate_full timestamptz")
RESULT_COLUMNS = ("job uuid, agent uuid, epoch bigint, outcome text, error text, output text, fill_price text, "
                  "filled_volume text, order_id text, ready_at timestamptz, timeline text, raw bytea")


def call(session, function, columns, items):
    """Call a function that takes one array per column with one item per element."""
    names = [column.strip().split(" ") for column in columns.split(",")]
    arrays = ", ".join(f"%s::{kind}[]" for _, kind in names)
    return session.rows(f"SELECT * FROM {function}({arrays})", *[[item.get(name) for item in items] for name, _ in names])


class Programs:
    """One session per program role of one database."""

    def __init__(self, database):
        self.admin = database.session()
        self.dispatcher = database.session("tradewire_dispatcher")
        self.gateway = database.session("tradewire_gateway")
        self.operator = database.session("tradewire_operator")

    def now(self, seconds=0):
        return self.admin.value("SELECT clock_timestamp() + make_interval(secs => %s)", seconds)

    def job(self, job_id):
        return self.admin.row("SELECT * FROM jobs WHERE id = %s", job_id)

    def signal(self, signal_id):
        return self.admin.row("SELECT * FROM tv_signals WHERE id = %s", signal_id)

    def leg(self, signal_id):
        return self.admin.row("SELECT * FROM signal_legs WHERE signal_id = %s", signal_id)

    def is_ready(self, job_id):
        return self.admin.value("SELECT count(*) FROM job_ready WHERE job_id = %s", job_id) == 1

    def lease(self, job_id):
        found = self.admin.rows("SELECT * FROM job_leases WHERE job_id = %s", job_id)
        return found[0] if found else None

    def write(self, signals, session=None):
        return call(session or self.dispatcher, "write_signals", SIGNAL_COLUMNS, signals)[0]["write_signals"]

    def apply(self, *results, session=None):
        """The verdicts, in order."""
        return call(session or self.dispatcher, "apply_results", RESULT_COLUMNS,
                    [{"output": "{}", "timeline": "{}", "raw": b"record", **r} for r in results])

    def beat(self, gateway):
        self.gateway.rows("SELECT gateway_beat(%s, 'test')", gateway)

    def check(self):
        """What holds at any time: an open job is in exactly one of the two tables, and they agree with jobs."""
        wrong = self.admin.rows("""
            SELECT j.id, j.status, r.job_id IS NOT NULL AS ready, l.job_id IS NOT NULL AS leased, l.is_unknown
            FROM jobs j LEFT JOIN job_ready r ON r.job_id = j.id LEFT JOIN job_leases l ON l.job_id = j.id
            WHERE (j.status = 'pending') <> (r.job_id IS NOT NULL)
               OR (j.status IN ('claimed', 'unknown')) <> (l.job_id IS NOT NULL)
               OR (j.status = 'unknown') <> coalesce(l.is_unknown, false)
               OR l.lease_epoch <> j.lease_epoch OR l.session_no <> j.lease_session""")
        assert wrong == []


class Trader:
    """A user with one agent, its account and one strategy."""

    def __init__(self, programs, user=None):
        self.programs = programs
        operator = programs.operator
        self.user = user or operator.value("SELECT user_add(%s)", f"{secrets.token_hex(6)}@test.example")
        self.key_hash = secrets.token_hex(32)
        self.agent = operator.value("SELECT agent_pair(%s, 'agent', %s, 'prefix')", self.user, self.key_hash)
        self.connection = operator.value("SELECT broker_add(%s, %s, 'account')", self.user, self.agent)
        added = operator.row("SELECT * FROM strategy_add(%s, 'strategy', %s, NULL, 1.0, '{}')", self.user, self.connection)
        self.strategy, self.secret = added["strategy_id"], added["webhook_secret"]
        self.gateway = str(uuid.uuid4())
        self.curve_key = secrets.token_bytes(32)
        self.journal = str(uuid.uuid4())
        self.session = 0

    def hello(self, expect=None, agent=None, key_hash=None, curve_key=None, journal=None, journal_seq=1, server=None):
        """The answer's row; on a welcome the session is taken over."""
        self.programs.beat(self.gateway)
        answer = self.programs.gateway.row(
            "SELECT * FROM agent_hello(%s, %s, %s, %s, %s, %s, %s, '7', 'USD', 'hedging', false)",
            agent or self.agent, key_hash or self.key_hash, curve_key or self.curve_key, journal or self.journal,
            journal_seq, self.gateway, server)
        assert answer["code"] == expect, answer
        if expect is None:
            self.session = answer["session_no"]
        return answer

    def plan(self, action="buy", symbol="EURUSD", expires_s=None, strategy="own", **more):
        """One signal with its job, as a dict for Programs.write."""
        is_close = action == "close"
        limit = expires_s if expires_s is not None else (259200 if is_close else 30)
        now = self.programs.now()
        job_input = {"symbol": symbol} if is_close else {"symbol": symbol, "side": action, "volume": "0.10"}
        return {"signal": str(uuid.uuid4()), "user": self.user, "strategy": self.strategy if strategy == "own" else strategy,
                "status": "pending", "symbol": symbol, "action": action, "volume": None if is_close else "0.10",
                "raw": "{}", "received": now, "durable": now, "job": str(uuid.uuid4()),
                "job_type": "close_position" if is_close else "trade", "agent": self.agent, "connection": self.connection,
                "expires": self.programs.now(limit), "input": json.dumps(job_input), "is_entry": not is_close, **more}

    def send(self, *actions, **more):
        """Write one signal per action; the plans, in order."""
        plans = [self.plan(action, **more) for action in actions]
        assert self.programs.write(plans) == len(plans)
        return plans

    def insert(self, job_type, agent="own", **columns):
        """A job written straight into the table, as another backend does; its id."""
        columns = {"user_id": self.user, "job_type": job_type, **columns}
        if agent != "none":
            columns["target_agent_id"] = self.agent if agent == "own" else agent
        names = ", ".join(columns)
        marks = ", ".join(["%s"] * len(columns))
        return self.programs.admin.value(f"INSERT INTO jobs ({names}) VALUES ({marks}) RETURNING id", *columns.values())

    def claim(self, effects=8, reads=4, builds=1, session_no=None, session=None):
        return (session or self.programs.gateway).rows(
            "SELECT * FROM claim_jobs(ARRAY[%s]::uuid[], ARRAY[%s]::bigint[], ARRAY[%s], ARRAY[%s], ARRAY[%s])", self.agent,
            self.session if session_no is None else session_no, effects, reads, builds)

    def claim_ids(self, **limits):
        return [str(job["id"]) for job in self.claim(**limits)]

    def questions(self, session_no=None):
        return self.programs.gateway.rows("SELECT * FROM question_jobs(ARRAY[%s]::uuid[], ARRAY[%s]::bigint[])", self.agent,
                                          self.session if session_no is None else session_no)

    def end(self):
        self.programs.gateway.rows("SELECT session_end(ARRAY[%s]::uuid[], ARRAY[%s]::bigint[])", self.agent, self.session)

    def lapse(self):
        """The session ends and the sweeper acts on what that leaves; the rows of lapse_jobs."""
        self.end()
        return self.sweep()

    def sweep(self):
        lapsed = self.programs.dispatcher.rows(
            "SELECT l.* FROM lapsed_leases() l JOIN job_leases o USING (job_id) WHERE o.agent_id = %s", self.agent)
        return self.programs.dispatcher.rows("SELECT * FROM lapse_jobs(%s::uuid[], %s::bigint[])",
                                             [row["job_id"] for row in lapsed], [row["lease_epoch"] for row in lapsed])

    def report(self, plan, outcome, epoch=None, agent=None, **more):
        """One result for one job; its verdict's row."""
        job = plan["job"] if isinstance(plan, dict) else plan
        epoch = self.programs.job(job)["lease_epoch"] if epoch is None else epoch
        return self.programs.apply({"job": str(job), "agent": agent or self.agent, "epoch": epoch, "outcome": outcome,
                                    **more})[0]

    def done(self, plan, epoch=None, order="1001", price="1.08450", volume="0.10", **more):
        return self.report(plan, "done", epoch, order_id=order, fill_price=price, filled_volume=volume, **more)
