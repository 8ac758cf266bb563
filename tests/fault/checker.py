#!/usr/bin/env python3
"""The one checker: load ledger, Postgres and the terminals' ledgers, against the invariants of the design.

    checker.py --database URL --load FILE… --terminal AGENT_ID=FILE… [--json]

Prints every violation by its invariant's name and exits 1 if there is one. `check()` takes plain data, so that
test_checker.py can seed each violation and see it found: a checker that cannot fail proves nothing.

I1   every signal_id that an answer named is exactly one row
I2   everything is settled: no signal pending (but for jobs whose outcome is unknown)
I3   one step of a job caused at most one order, and no order came from nowhere
I4   an order was placed by the job's own agent, and none was thrown away
I5   no order started after its limit; a close closed what the earlier planned entries of its strategy had opened, all of
     it, and nothing of a later planned one; of what no entry of its strategy opened, only what is older than its alert
I11  what was answered 202 and what a terminal executed is what Postgres says; an order counts for one job. A close may
     name another job's order, if that one closed the position that its own step was to close: then without volume and
     profit, so that nothing is counted twice
"""

import argparse
import hashlib
import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal

CLOCK_TOLERANCE = timedelta(milliseconds=250)  # design.md section 4, I5
RECORDED_ANSWERS = (202, 413, 422)
STEPS_MAX = 64
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass
class Answer:
    """One alert as the load generator saw it."""

    status: int
    signal_id: str


@dataclass
class Signal:
    signal_id: str
    status: str
    error: str = ""
    fill_price: Decimal = None
    broker_order_id: str = None


@dataclass
class ClosedByOther:
    """A step of output_data that found its position closed: the order that did it, and what the step claims of it."""

    ticket: int
    position: int
    profit: str = None


@dataclass
class Job:
    job_id: str
    status: str
    agent_id: str
    signal_id: str = None
    magic_tag: int = 0
    expires_at: datetime = None
    opened_before: datetime = None
    seq: int = 0  # the order in which jobs were planned
    strategy_id: str = None
    scope: str = "strategy"  # of a close
    symbol: str = None
    tickets: list = field(default_factory=list)  # of output_data's steps that filled something
    error: str = ""
    closed_by_other: list = field(default_factory=list)


@dataclass
class Order:
    """One line of a terminal's ledger."""

    agent_id: str
    ticket: int
    magic: int
    time: datetime
    price: Decimal
    token: str         # first word of the comment
    position: int = 0  # that it closes; 0: it opens
    symbol: str = ""

    @property
    def identity(self):
        return self.magic, self.token


def identity(job_id, step, tag):
    """Magic and token by domain-trading.md section 7, written a second time on purpose: it must not be the programs'
    own code. Of 5,000 jobs and all their possible steps some share a magic; none shares both."""
    digest = hashlib.sha256(f"{job_id.lower()}:{step}".encode()).digest()
    bits = int.from_bytes(digest[:8], "big") << 1
    token = "".join(CROCKFORD[bits >> 60 - 5 * i & 31] for i in range(13))
    return tag << 32 | int.from_bytes(digest[8:12], "big"), token


def job_by_identity(jobs):
    return {identity(job.job_id, step, job.magic_tag): job for job in jobs for step in range(1, STEPS_MAX + 1)}


def check_answers(answers, signals):
    rows = Counter(signal.signal_id for signal in signals)
    for answer in answers:
        if answer.status in RECORDED_ANSWERS and rows[answer.signal_id] != 1:
            yield "I1", f"signal {answer.signal_id} was answered {answer.status} and is {rows[answer.signal_id]} rows"


def check_settled(signals, jobs):
    unknown = {job.signal_id for job in jobs if job.status == "unknown"}
    for signal in signals:
        if signal.status == "pending" and signal.signal_id not in unknown:
            yield "I2", f"signal {signal.signal_id} is still pending: {signal.error}"


def check_orders(orders, owner):
    for key, count in Counter(order.identity for order in orders).items():
        if count > 1:
            yield "I3", f"magic {key[0]} ({owner[key].job_id if key in owner else 'no job'}) is on {count} orders"
    for order in orders:
        job = owner.get(order.identity)
        if job is None:
            yield "I3", f"order {order.ticket} of agent {order.agent_id} belongs to no job (magic {order.magic})"
        elif order.agent_id != job.agent_id:
            yield "I4", f"order {order.ticket} of job {job.job_id} is at agent {order.agent_id}, not {job.agent_id}"


def check_times(orders, owner):
    opened = {(order.agent_id, order.ticket): order for order in orders}
    for order in orders:
        job = owner.get(order.identity)
        if job is None:
            continue
        if job.expires_at and order.time > job.expires_at + CLOCK_TOLERANCE:
            yield "I5", f"order {order.ticket} of job {job.job_id} started {order.time - job.expires_at} too late"
        opening = opened.get((order.agent_id, order.position))
        if job.opened_before and opening:
            yield from check_close(order, job, opening, owner.get(opening.identity))


def check_close(order, job, opening, entry):
    """`entry`: the job that opened the position, None: nobody's. The agent that closed need not have known it (its
    journal may be younger), so an earlier entry's position may be left open, or be judged by time alone."""
    known = entry and job.scope == "strategy" and entry.strategy_id and entry.strategy_id == job.strategy_id
    if known and entry.seq > job.seq:
        yield "I5", f"order {order.ticket} of job {job.job_id} closed what the later job {entry.job_id} opened"
    if not known and opening.time > job.opened_before + CLOCK_TOLERANCE:
        yield "I5", f"order {order.ticket} of job {job.job_id} closed a position opened later"


def check_left_open(jobs, orders, owner):
    """A close that is over has left nothing behind of what was planned before it. (One that the broker refused in part
    has; no test that uses this checker lets a broker do that.)"""
    closed = {(order.agent_id, order.position) for order in orders if order.position}
    closes = defaultdict(list)
    for job in jobs:
        steps = len(job.tickets) + len(job.closed_by_other)
        is_over = job.status == "completed" and steps < STEPS_MAX or job.error.startswith("nothing_to_do")
        if job.opened_before and job.scope == "strategy" and job.strategy_id and is_over:
            closes[job.agent_id, job.strategy_id].append(job)
    for order in orders:
        entry = owner.get(order.identity)
        if entry is None or order.position or (order.agent_id, order.ticket) in closed:
            continue
        for job in closes[order.agent_id, entry.strategy_id]:
            if job.seq > entry.seq and job.symbol in (None, order.symbol):
                yield "I5", f"close {job.job_id} left open position {order.ticket} of the earlier job {entry.job_id}"


def check_facts(signals, jobs, orders, owner):
    """Postgres says what the terminals' ledgers say."""
    placed = defaultdict(dict)
    ledger = {(order.agent_id, order.ticket): order for order in orders}
    for order in orders:
        if order.identity in owner:
            placed[owner[order.identity].job_id][order.ticket] = order
    signal_of = {signal.signal_id: signal for signal in signals}
    for job in jobs:
        done = placed.get(job.job_id, {})
        if done and job.status not in ("completed", "unknown"):
            yield "I4", f"job {job.job_id} has {len(done)} orders and is {job.status}: {job.error}"
        if job.status == "completed" and sorted(job.tickets) != sorted(done):
            yield "I11", f"job {job.job_id} reports tickets {sorted(job.tickets)}, its ledger {sorted(done)}"
        yield from check_closed_by_other(job, done, ledger, owner)
        signal = signal_of.get(job.signal_id)
        if signal and signal.status == "executed" and job.status != "completed":
            yield "I11", f"signal {signal.signal_id} is executed, its job {job.status}"
        if signal and signal.status == "executed":
            yield from check_fill(signal, job, done)


def check_closed_by_other(job, done, ledger, owner):
    """Each position that the job did not have to close any more was closed by an order of another job."""
    taken = [order.position for order in done.values()]
    for step in job.closed_by_other:
        order = ledger.get((job.agent_id, step.ticket))
        other = order and owner.get(order.identity)
        if not order or not step.position or order.position != step.position or not other or other is job:
            yield "I11", f"job {job.job_id} says that order {step.ticket} of another job closed {step.position}: it did not"
        if step.profit is not None:
            yield "I11", f"job {job.job_id} counts the profit of order {step.ticket}, another job's"
        if step.position in taken:
            yield "I11", f"job {job.job_id} has closed position {step.position} twice"
        taken.append(step.position)


def check_fill(signal, job, done):
    """Without an order of its own a close names the one that had closed its position, and has no price."""
    if not done and job.closed_by_other:
        if signal.broker_order_id not in {str(step.ticket) for step in job.closed_by_other}:
            yield "I11", f"signal {signal.signal_id} names order {signal.broker_order_id}, which closed nothing for it"
        if signal.fill_price is not None:
            yield "I11", f"signal {signal.signal_id} was filled at {signal.fill_price} by nothing"
        return
    tickets = {str(ticket) for ticket in done}
    if signal.broker_order_id not in tickets:
        yield "I11", f"signal {signal.signal_id} names order {signal.broker_order_id}, its ledger {sorted(tickets)}"
    elif len(done) == 1:
        price = next(iter(done.values())).price
        if signal.fill_price is None or abs(signal.fill_price - price) > Decimal("0.000005"):
            yield "I11", f"signal {signal.signal_id} was filled at {price}, not {signal.fill_price}"


def check(answers, signals, jobs, orders, settled=True):
    """All violations as (invariant, text)."""
    owner = job_by_identity(jobs)
    found = list(check_answers(answers, signals))
    if settled:
        found += check_settled(signals, jobs)
    found += check_orders(orders, owner)
    found += check_times(orders, owner)
    found += check_left_open(jobs, orders, owner) if settled else []
    found += check_facts(signals, jobs, orders, owner)
    return found


# --- reading ----------------------------------------------------------------------------------------------------


def read_answers(paths):
    for path in paths:
        for line in open(path):
            entry = json.loads(line)
            if entry.get("signal_id"):
                yield Answer(entry["http_status"], entry["signal_id"])


def read_orders(agent_id, path):
    for line in open(path):
        if not line.endswith("\n"):
            break  # the terminal was killed while it wrote: it had not answered yet
        entry = json.loads(line)
        if "ticket" not in entry:
            continue
        yield Order(agent_id, int(entry["ticket"]), int(entry["magic"]), parse_time(entry["time"]),
                    Decimal(str(entry["price"])), entry["comment"].split(" ")[0], int(entry.get("closes", 0)),
                    entry["symbol"])


def parse_time(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def read_signals(cursor):
    cursor.execute("SELECT id, status, error_message, fill_price, broker_order_id FROM tv_signals")
    return [Signal(str(row[0]), row[1], row[2] or "", row[3], row[4]) for row in cursor.fetchall()]


def read_jobs(cursor):
    cursor.execute("""SELECT id, status, target_agent_id, signal_id, input_data, expires_at, output_data, error_message,
                             seq, strategy_id, symbol
                      FROM jobs WHERE lane = 1""")
    for job_id, status, agent, signal, given, expires, output, error, seq, strategy, symbol in cursor.fetchall():
        before = given.get("opened_before_unix_us")
        steps = (output or {}).get("steps", [])
        yield Job(str(job_id), status, str(agent), str(signal) if signal else None, int(given.get("magic_tag") or 0),
                  expires, datetime.fromtimestamp(before / 1e6, timezone.utc) if before else None,
                  seq, str(strategy) if strategy else None, given.get("scope", "strategy"), symbol,
                  [int(step["ticket"]) for step in steps if Decimal(step["volume"]) > 0], error or "",
                  [ClosedByOther(int(step["ticket"]), int(step.get("position_id", 0)), step.get("profit"))
                   for step in steps if Decimal(step["volume"]) == 0])


def check_files(database_url, load_paths, terminals, settled=True):
    """`terminals`: {agent id: ledger path}. The violations, and how much was looked at."""
    import psycopg2  # Debian's python3-psycopg2
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        signals, jobs = read_signals(cursor), list(read_jobs(cursor))
    orders = [order for agent, path in terminals.items() for order in read_orders(agent, path)]
    answers = list(read_answers(load_paths))
    seen = {"answers": len(answers), "signals": len(signals), "jobs": len(jobs), "orders": len(orders)}
    return check(answers, signals, jobs, orders, settled), seen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True)
    parser.add_argument("--load", action="append", default=[])
    parser.add_argument("--terminal", action="append", default=[], metavar="AGENT_ID=FILE")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    violations, seen = check_files(given.database, given.load, dict(t.split("=", 1) for t in given.terminal))
    if given.json:
        json.dump({"seen": seen, "violations": [{"invariant": i, "text": t} for i, t in violations]}, sys.stdout)
    else:
        for invariant, text in violations:
            print(invariant, text)
        print("looked at", ", ".join(f"{count} {name}" for name, count in seen.items()))
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
