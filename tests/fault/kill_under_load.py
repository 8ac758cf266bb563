#!/usr/bin/env python3
"""kill -9 of every program, of Kafka and of Postgres, at random, under load; then the checker.

    kill_under_load.py --bin build/ci/bin [--kills N] [--agents N] [--rate N] [--closes PERCENT] [--seed N]

A stack of its own; loadgen keeps sending, entries and closes, and sends again on 5xx as TradingView does. A kill counts only if a signal
was between its 202 and its end at that moment, and if the program had handled one since its last start; others are
repeated. What was killed is started again at once, as a supervisor would. When every target has its counted kills,
the load ends, everything must settle by itself, and the checker looks at every ledger.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "deploy/local"), str(Path(__file__).resolve().parent)]
import psycopg2  # noqa: E402  Debian's python3-psycopg2
from checker import check_files, read_orders  # noqa: E402
from tradewire_stack import servers  # noqa: E402
from tradewire_stack.program import die_with_parent, end_on_signals  # noqa: E402
from tradewire_stack.stack import Stack  # noqa: E402

COUNTED_WAIT_S = 60  # for the moment in which a kill counts
SETTLE_S = 240       # 72 h closes aside, all ends within expiry + lease + the agents' barrier
MARKS_OF_A_SANITIZER = ("AddressSanitizer", "ThreadSanitizer", "LeakSanitizer", "runtime error:", "UndefinedBehaviorSanitizer")


class Load:
    """loadgen in the background; its ledger is read while it grows."""

    def __init__(self, stack, rate, closes, seed):
        self.ledger = stack.state / "load.jsonl"
        self.ledger.unlink(missing_ok=True)
        secrets = stack.state / "secrets"
        secrets.write_text("".join(strategy.secret + "\n" for strategy in stack.strategies))
        secrets.chmod(0o600)
        self.log = open(stack.state / "log" / "loadgen.log", "wb")
        self.process = subprocess.Popen(
            [str(stack.bin / "loadgen"), "--url", stack.public_url(), "--secrets", str(secrets), "--rate", str(rate),
             "--seconds", "7200", "--closes", str(closes), "--seed", str(seed), "--ledger", str(self.ledger)],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        self.offset, self.accepted = 0, []  # (answer time µs, signal id)

    def poll(self):
        if not self.ledger.exists():
            return
        with open(self.ledger) as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith("\n"):
                    break
                self.offset += len(line.encode())
                entry = json.loads(line)
                if entry["http_status"] == 202:
                    self.accepted.append((entry["t_answer_us"], entry["signal_id"]))

    def accepted_since(self, unix_s):
        self.poll()
        return any(at > unix_s * 1e6 for at, _ in self.accepted[-2000:])

    def stop(self):
        """SIGINT ends the sending; loadgen finishes the alerts it has begun, resends included."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.poll()


class World:
    """What Postgres says, asked anew whenever it can be asked."""

    def __init__(self, url):
        self.url, self.connection = url, None

    def ask(self, sql, *values):
        try:
            if self.connection is None:
                self.connection = psycopg2.connect(self.url, connect_timeout=3)
                self.connection.autocommit = True
            with self.connection.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchone()[0]
        except psycopg2.Error:
            self.connection = None
            return None

    def is_signal_open(self, accepted_ids):
        """Is one of the newest accepted signals not at its end?"""
        ended = self.ask("SELECT count(*) FROM tv_signals WHERE id = ANY(%s::uuid[]) AND status <> 'pending'", accepted_ids)
        return ended is not None and ended < len(accepted_ids)


class Target:
    """Something that is killed: how, how it comes back, and whether it had handled a signal."""

    def __init__(self, name, kill, restart, handled):
        self.name, self.kill, self.restart, self.handled = name, kill, restart, handled
        self.started = time.time()
        self.counted = self.tried = 0


def program_target(program, handled):
    return Target(program.name, program.kill, program.start, handled)


def make_targets(stack, world, load, randomness):
    def since(column, table, where="true"):
        return lambda start: bool(world.ask(
            f"SELECT EXISTS (SELECT 1 FROM {table} WHERE {column} > %s AND {where})",
            datetime.fromtimestamp(start, timezone.utc)))

    def ordered(account):
        return lambda start: account.ledger.exists() and any(
            order.time.timestamp() > start for order in list(read_orders(account.agent_id, account.ledger))[-20:])

    accounts = randomness.sample(stack.accounts, 2)
    targets = [
        program_target(stack.ingester, load.accepted_since),
        program_target(stack.dispatcher, since("created_at", "tv_signals")),
        program_target(stack.gateway, since("claimed_at", "jobs", "status = 'completed'")),
        program_target(accounts[0].agent, ordered(accounts[0])),
        program_target(accounts[1].sim, ordered(accounts[1])),
        Target("kafka", servers.KAFKA.kill, servers.KAFKA.start, load.accepted_since),
        Target("postgres", servers.POSTGRES.kill, servers.POSTGRES.start, since("resolved_at", "tv_signals")),
    ]
    return targets


def wait_countable(target, load, world, is_broken):
    """Until a kill of the target would count; False when that moment does not come."""
    end = time.monotonic() + COUNTED_WAIT_S
    while time.monotonic() < end:
        is_broken()
        load.poll()
        newest = [signal_id for _, signal_id in load.accepted[-20:]]
        if newest and target.handled(target.started) and world.is_signal_open(newest):
            return True
        time.sleep(0.002)
    return False


def kill_once(target, load, world, is_broken, say):
    target.tried += 1
    countable = wait_countable(target, load, world, is_broken)
    target.kill()
    target.counted += countable
    target.restart()
    target.started = time.time()
    say(f"killed {target.name}: {target.counted} counted of {target.tried}")


def settle(stack, load, world, say):
    """Wait until every accepted signal has ended; what is left is for the checker to name."""
    end, said = time.monotonic() + SETTLE_S, None
    while time.monotonic() < end:
        rows = world.ask("SELECT count(*) FROM tv_signals WHERE id = ANY(%s::uuid[])", [s for _, s in load.accepted])
        left = world.ask("SELECT count(*) FROM tv_signals WHERE status = 'pending'")
        unacknowledged = world.ask("SELECT count(*) FROM job_leases")
        if rows == len(load.accepted) and left == 0 and unacknowledged == 0:
            return
        state = f"settling: {len(load.accepted)} accepted, {rows} rows, {left} pending, {unacknowledged} with an agent"
        if state != said:
            say(state)
            said = state
        time.sleep(1)


def ends(world):
    """How the jobs ended, as {"close_position failed nothing_to_do": 12, …}."""
    return dict(world.ask("""
        SELECT json_object_agg(what, n) FROM (
            SELECT concat_ws(' ', job_type, status, nullif(split_part(error_message, ':', 1), '')) AS what, count(*) AS n
            FROM jobs GROUP BY 1
            UNION ALL
            SELECT 'positions of a close that another order had closed', count(*)
            FROM jobs, jsonb_array_elements(output_data -> 'steps') step
            WHERE status = 'completed' AND (step ->> 'volume')::numeric = 0) counted"""))


def check_sanitized(stack, exit_codes):
    """What the sanitizers wrote, and how each program ended."""
    for program in stack.programs:
        text = Path(program.log).read_text(errors="replace")
        for mark in MARKS_OF_A_SANITIZER:
            if mark in text:
                yield "sanitizer", f"{program.name}: {mark}, see {program.log}"
    for name, code in exit_codes.items():
        if code != 0:
            yield "exit", f"{name} ended with {code} after SIGTERM"


def build_stack(given, name, say):
    stack = Stack(given.bin, name=name, say=say)
    stack.start_servers()
    stack.prepare()
    stack.add_services()
    users = [stack.add_user(f"user{n}@{name}") for n in range(max(1, given.agents // 2))]
    for n in range(given.agents):
        account = stack.add_account(users[n % len(users)], f"account {n}", seed=given.seed + n)
        stack.add_strategy(account, f"strategy {n}", max_age_s=60)
        stack.add_terminal(account)
    stack.start()
    return stack


def run(given, say):
    randomness = random.Random(given.seed)
    stack = build_stack(given, f"kill{given.seed}", say)
    world = World(stack.admin_url)
    load = Load(stack, given.rate, given.closes, given.seed)
    try:
        targets = make_targets(stack, world, load, randomness)

        def is_broken():
            for program in stack.programs:
                if not program.is_running():
                    raise RuntimeError(f"{program.name} ended by itself with {program.process.poll()}:\n{program.log_tail()}")
            if load.process.poll() is not None:
                raise RuntimeError(f"loadgen ended with {load.process.returncode}")

        while any(target.counted < given.kills for target in targets):
            waiting = [target for target in targets if target.counted < given.kills]
            target = randomness.choice(waiting)
            if target.tried > 3 * given.kills + 5:
                raise RuntimeError(f"{target.name} has {target.counted} counted kills of {target.tried}")
            kill_once(target, load, world, is_broken, say)
        load.stop()
        settle(stack, load, world, say)
        ended = ends(world)
        say("ended: " + ", ".join(f"{what} {count}" for what, count in sorted(ended.items())))
        exit_codes = stack.stop()
        violations, seen = check_files(stack.admin_url, [load.ledger], stack.ledgers())
        violations += check_sanitized(stack, exit_codes)
        if given.closes and not ended.get("close_position completed"):
            violations.append(("load", "no close closed a position: nothing was tried with closes"))
        return targets, violations, seen
    finally:
        if load.process.poll() is None:
            load.process.kill()
        stack.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=Path)
    parser.add_argument("--kills", type=int, default=2, help="counted kills of each target")
    parser.add_argument("--agents", type=int, default=6)
    parser.add_argument("--rate", type=int, default=40, help="alerts per second")
    parser.add_argument("--closes", type=int, default=20, help="percent of the alerts that are closes")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100000)
    given = parser.parse_args()
    begin = time.monotonic()

    def say(text):
        print(f"[{time.monotonic() - begin:6.1f} s] {text}", flush=True)

    end_on_signals()
    say(f"seed {given.seed}, {given.kills} kills of each, {given.agents} agents, {given.rate} alerts/s, "
        f"{given.closes} % closes")
    targets, violations, seen = run(given, say)
    for target in targets:
        say(f"{target.name}: {target.counted} counted kills of {target.tried}")
    for invariant, text in violations[:50]:
        say(f"VIOLATION {invariant}: {text}")
    say(f"looked at {', '.join(f'{count} {name}' for name, count in seen.items())}; {len(violations)} violations")
    return 1 if violations or not seen["orders"] else 0


if __name__ == "__main__":
    sys.exit(main())
