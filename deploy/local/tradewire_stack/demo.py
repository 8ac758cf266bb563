"""The demo: signals of two strategies to two terminals, each followed to its fill.

Every line of the table at the end is checked against the simulator's ledger by magic and ticket: a difference ends
the demo with exit code 1.
"""

import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from . import servers
from .program import NotReady, end_on_signals
from .stack import Stack, ToolFailed

SYMBOLS = ("EURUSD", "GBPUSD", "USDJPY", "XAUUSD")
LEGS = (("received", "durable"), ("durable", "stored"), ("stored", "claimed"), ("claimed", "at_agent"),
        ("at_agent", "order_sent"), ("order_sent", "filled"), ("filled", "resolved"))
DEADLINE_S = 60
STEPS_MAX = 64  # orders of one job
NAME = "demo"  # of database and topics
PROGRAMS = "demo_programs.json"


def say(text):
    try:
        print(text, flush=True)
    except OSError:
        pass  # whoever listened is gone; what runs must be stopped all the same


def post(strategy, **members):
    """One alert as TradingView would send it: the answer's signal id."""
    body = json.dumps({**members, "alert_id": secrets.token_hex(8)}).encode()
    request = urllib.request.Request(strategy.url, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)["signal_id"]


def wait_for(condition, what):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {DEADLINE_S} s: {what}")
        time.sleep(0.05)


def show_when_ended(stack, signal_id):
    shown = {}

    def ended():
        try:
            shown.update(stack.ctl("signal", "show", signal_id))
        except ToolFailed as failed:
            if "unknown_signal" not in str(failed):
                raise
        return shown.get("status", "pending") != "pending"  # no row yet: it is in Kafka, on its way

    wait_for(ended, f"the end of signal {signal_id}")
    return shown


def send_signals(stack):
    """Entries on every symbol both ways, then a close per symbol: 12 signals for each strategy."""
    sent = []
    for strategy in stack.strategies:
        for symbol in SYMBOLS:
            for action, volume in (("buy", "0.10"), ("sell", "0.05")):
                sent.append((strategy, symbol, action, post(strategy, symbol=symbol, action=action, volume=volume)))
    shown = [(*line[:3], show_when_ended(stack, line[3])) for line in sent]
    # The entries are shown first; their closes could as well be sent right behind them.
    closes = [(strategy, symbol, "close", post(strategy, symbol=symbol, action="close"))
              for strategy in stack.strategies for symbol in SYMBOLS]
    return shown + [(*line[:3], show_when_ended(stack, line[3])) for line in closes]


def magic(job_id, step, tag):
    """The order's identity as domain experts compute it: from the job and the step, by SHA-256."""
    digest = hashlib.sha256(f"{job_id}:{step}".encode()).digest()
    return tag << 32 | int.from_bytes(digest[8:12], "big")


def was_closed_by_other(fill, own, lines):
    """A step that filled nothing says that another job's order closed its position: did that order do so?"""
    return "profit" not in fill and any(
        int(line["ticket"]) == int(fill["ticket"]) and int(line.get("closes", 0)) == int(fill.get("position_id", 0)) > 0
        for identity, line in lines.items() if identity not in own)


def differences(stack, strategy, shown):
    """What the row says that the terminal's ledger does not."""
    if shown["status"] != "executed":
        return [f"{shown['status']}: {shown['error_message']}"]
    job = stack.ctl("job", "show", shown["job_id"])
    lines = {}
    for line in open(strategy.account.ledger):
        entry = json.loads(line)
        if "ticket" in entry:
            lines[int(entry["magic"])] = entry
    found = []
    steps = job["output_data"]["steps"]
    own = {magic(shown["job_id"], step, job["input_data"]["magic_tag"]) for step in range(1, STEPS_MAX + 1)}
    for fill in steps:
        entry = lines.get(magic(shown["job_id"], fill["step"], job["input_data"]["magic_tag"]))
        if float(fill["volume"]) == 0:
            if not was_closed_by_other(fill, own, lines):
                found.append(f"step {fill['step']}: order {fill['ticket']} of another job did not close its position")
        elif entry is None:
            found.append(f"step {fill['step']}: no order of this magic in the ledger")
        elif int(entry["ticket"]) != int(fill["ticket"]) or float(entry["price"]) != float(fill["price"]):
            found.append(f"step {fill['step']}: ticket {fill['ticket']} at {fill['price']}, the ledger has "
                         f"{entry['ticket']} at {entry['price']}")
    if shown["broker_order_id"] not in {str(fill["ticket"]) for fill in steps}:
        found.append(f"signal names order {shown['broker_order_id']}")
    return found


def leg_times(timeline):
    return [f"{(timeline[b] - timeline[a]) / 1000:8.1f}" if a in timeline and b in timeline else "       -"
            for a, b in LEGS]


def print_table(stack, signals):
    """The table; True when every line agrees with its ledger."""
    heads = [f"{a[:3]}>{b[:4]}" for a, b in LEGS]
    say("\nms per leg; fill and ticket as Postgres has them, checked against the terminal's ledger by magic")
    say("an agent corrects its clock to the gateway's: its legs (cla>at_a, fil>reso) may be off by half a round trip\n")
    say(f"{'strategy':10} {'symbol':7} {'action':6} " + " ".join(f"{h:>8}" for h in heads)
        + f" {'total':>8}  {'fill':>10} {'ticket':>10}  ledger")
    good = True
    for strategy, symbol, action, shown in signals:
        wrong = differences(stack, strategy, shown)
        good &= not wrong
        timeline = shown["timeline"]
        total = (timeline.get("resolved", 0) - timeline.get("received", 0)) / 1000
        say(f"{strategy.name:10} {symbol:7} {action:6} " + " ".join(leg_times(timeline))
            + f" {total:8.1f}  {shown['fill_price'] or '-':>10} {shown['broker_order_id'] or '-':>10}  "
            + ("; ".join(wrong) if wrong else "agrees"))
    return good


def begin_empty(state):
    """The demo's own Kafka and Postgres start empty: what an earlier run left could only mislead."""
    if (state / PROGRAMS).exists():
        raise SystemExit("demo: one is still running; end it with deploy/local/demo --stop")
    servers.KAFKA.stop()
    servers.POSTGRES.stop()
    for name in ("kafka", "postgres", NAME):
        shutil.rmtree(state / name, ignore_errors=True)


def build(stack):
    stack.start_servers()
    stack.prepare()
    stack.add_services()
    user = stack.add_user("trader@example.com")
    for n, name in enumerate(("trend", "revert"), start=1):
        account = stack.add_account(user, f"account {n}", seed=n)
        stack.add_strategy(account, name)
        stack.add_terminal(account)
    say(f"starting {len(stack.programs)} programs; logs in {stack.state / 'log'}")
    stack.start()
    wait_for(lambda: stack.connected_agents() == len(stack.accounts), "both agents connected")


def run(bin_dir, state, keep):
    say("== start")
    begin_empty(state)
    stack, kept = Stack(bin_dir, name=NAME, keep=keep, say=say), False
    try:
        build(stack)
        say("== signals")
        signals = send_signals(stack)
        good = print_table(stack, signals)
        say(f"\n{len(signals)} signals, {'all' if good else 'NOT all'} in agreement with the terminals' ledgers")
        if keep and good:
            leave_running(stack, state, signals[-1][3]["signal_id"])
            kept = True
        return 0 if good else 1
    finally:
        if not kept:
            stop(stack)


def stop(stack):
    say("== stop")
    # A second one must not leave half of it running.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    codes = stack.stop()
    servers.KAFKA.stop()
    servers.POSTGRES.stop()
    bad = {name: code for name, code in codes.items() if code != 0}
    say("stopped; every program drained and exited 0" if not bad else f"stopped; exit codes: {bad}")


def operators_login(stack):
    """A file with the operator's DATABASE_URL: a password is no argument, which everybody's `ps` would show."""
    path = stack.state / "operator_database_url"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(stack.database_url("operator"))
    return path


def leave_running(stack, state, signal_id):
    """Remember the processes for --stop, and say how to use them."""
    pids = [[program.pid, str(program.binary.resolve())] for program in stack.programs]
    (state / PROGRAMS).write_text(json.dumps(pids))
    say(f"""
left running; send an alert:

    curl -i -H 'Content-Type: application/json' \\
         -d '{{"symbol": "EURUSD", "action": "buy", "volume": 0.1}}' \\
         {stack.strategies[0].url}

see what became of one, here of the last above; the answer to yours has its id:

    DATABASE_URL_FILE={operators_login(stack)} \\
        {stack.bin / "tradewirectl"} signal show {signal_id}

and end it with deploy/local/demo --stop""")


def stop_kept(state):
    """End what --keep left running: by its pid, if that still is our program."""
    path = state / PROGRAMS
    for pid, binary in json.loads(path.read_text()) if path.exists() else []:
        try:
            if os.readlink(f"/proc/{pid}/exe") == binary:
                os.kill(pid, signal.SIGTERM)
        except OSError:
            pass  # it is gone
    servers.KAFKA.stop()
    servers.POSTGRES.stop()
    path.unlink(missing_ok=True)
    say("stopped")
    return 0


def main():
    """demo.py BIN [--keep | --stop], with TRADEWIRE_STATE set to the demo's own folder."""
    end_on_signals()
    state = Path(os.environ["TRADEWIRE_STATE"])
    if "--stop" in sys.argv:
        return stop_kept(state)
    try:
        return run(sys.argv[1], state, "--keep" in sys.argv)
    except KeyboardInterrupt:
        return 130
    except (subprocess.CalledProcessError, ToolFailed, NotReady) as failed:
        say(f"demo: {failed}")  # what failed has said why
        return 1


if __name__ == "__main__":
    sys.exit(main())
