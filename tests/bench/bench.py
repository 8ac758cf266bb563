#!/usr/bin/env python3
"""One table from one run: webhooks/s beside the bare ceiling, latency beside fdatasync, memory, start-up, takeover."""

import json
import os
import secrets
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from tradewire_stack import servers
from tradewire_stack.program import Program, end_on_signals
from tradewire_stack.stack import Stack, free_port

HERE = Path(__file__).resolve().parent
CONNECTIONS = (1, 64, 256)
RATES = (200, 1000)
AGENTS = 20


class Flushes(threading.Thread):
    """fdatasync of 128 bytes every 20 ms, on the file system that Postgres and the journals use."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.path, self.times, self.running = folder / "flush", [], True

    def run(self):
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        while self.running:
            os.write(file, b"x" * 128)
            begin = time.perf_counter()
            os.fdatasync(file)
            self.times.append((time.perf_counter() - begin) * 1000)
            time.sleep(0.02)
        os.close(file)

    def end(self):
        """(p50, p99) in ms."""
        self.running = False
        self.join()
        return percentiles(self.times)


def percentiles(values):
    cut = statistics.quantiles(values, n=100)
    return cut[49], cut[98]


def measured_flushes(folder, work):
    flushes = Flushes(folder)
    flushes.start()
    result = work()
    return result, flushes.end()


def wrk(url, connections, seconds):
    done = subprocess.run(
        ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "-s", str(HERE / "alert.lua"), url, "--",
         secrets.token_hex(4)], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    result["per_s"] = result["requests"] / (result["us"] / 1e6)
    return result


def bench_webhooks(stack, rounds, seconds, row):
    """The ingester alone, so that nothing else competes; A B A B with the ceiling."""
    strategy = stack.strategies[0]
    stack.ingester.start()
    stack.ingester.wait_ready()
    listen = f"127.0.0.1:{free_port()}"
    admin = f"127.0.0.1:{free_port()}"
    # The same program, with an answer in place of Kafka.
    ceiling = Program("ceiling", stack.bin / "ingester-ceiling",
                      {**stack.ingester.environment, "INGESTER_LISTEN": listen, "ADMIN_LISTEN": admin},
                      stack.state / "log" / "ceiling.log", admin)
    ceiling.start()
    path = strategy.url.split("/webhook", 1)[1]
    try:
        ceiling.wait_ready()
        for connections in CONNECTIONS:
            pairs = []
            for _ in range(rounds):
                durable = wrk(strategy.url, connections, seconds)
                bare = wrk(f"http://{listen}/webhook{path}", connections, seconds)
                pairs.append((durable, bare))
            mine = statistics.median(p[0]["per_s"] for p in pairs)
            ratio = statistics.median(p[0]["per_s"] / p[1]["per_s"] for p in pairs)
            bad = sum(p[0]["non_2xx"] + p[0]["socket_errors"] for p in pairs)
            row(f"webhooks/s, durable 202, {connections} connections", f"{mine:,.0f}",
                f"{ratio:.2f} of the bare ceiling; p99 {pairs[0][0]['p99_us'] / 1000:.1f} ms; {bad} not 202")
    finally:
        ceiling.kill()
        stack.ingester.terminate()


def loadgen(stack, rate, seconds, ledger="load"):
    keys = stack.state / "secrets"
    keys.write_text("".join(s.secret + "\n" for s in stack.strategies))
    done = subprocess.run(
        [str(stack.bin / "loadgen"), "--url", stack.public_url(), "--secrets", str(keys), "--rate", str(rate),
         "--seconds", str(seconds), "--ledger", str(stack.state / f"{ledger}-{rate}.jsonl"), "--database", stack.admin_url,
         "--json"], capture_output=True, text=True)
    return json.loads(done.stdout)


def bench_latency(stack, seconds, row):
    """After a warm-up: in its first second a new Kafka needs hundreds of ms for what takes it one later (its VM compiles)."""
    loadgen(stack, RATES[0], min(seconds, 10), ledger="warm-up")
    for rate in RATES:
        result, (f50, f99) = measured_flushes(stack.state, lambda: loadgen(stack, rate, seconds))
        order = result["webhook_to_order_ms"]
        row(f"webhook→order p50 / p99, {rate}/s over {AGENTS} agents", f"{order['p50']:.1f} / {order['p99']:.1f} ms",
            f"fdatasync {f50:.1f} / {f99:.1f} ms; {result['executed']} of {result['sent']} executed, "
            f"{result['missing']} missing, {result['doubled']} doubled")


def resident_mib(program):
    for line in open(f"/proc/{program.pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def wait_logged(program, offset, event, seconds=30):
    """Until the program has logged the event behind this place of its log."""
    end = time.monotonic() + seconds
    while f"event={event}" not in program.log.read_text(errors="replace")[offset:]:
        if time.monotonic() > end:
            raise RuntimeError(f"{program.name}: no {event} within {seconds} s")
        time.sleep(0.002)


def bench_start(stack, row):
    """Start to ready, and the memory of the idle program. The terminal is ready when it has its agent."""
    account = stack.accounts[0]
    for program in [*stack.services, account.agent, account.sim]:
        program.terminate()
        offset = len(program.log.read_text(errors="replace"))
        begin = time.perf_counter()
        program.start()
        if program is account.sim:
            wait_logged(program, offset, "agent_connected")
        else:
            program.wait_ready()
        ready = (time.perf_counter() - begin) * 1000
        time.sleep(3)  # idle: what start-up borrowed is given back
        kind = program.name if program in stack.services else "-".join(program.name.split("-")[:2])
        row(kind, f"{resident_mib(program):.1f} MiB",
            f"{'agent connected' if program is account.sim else 'ready'} after {ready:.0f} ms")


def one_fill(stack):
    """Post one alert and wait for its end: seconds."""
    import urllib.request
    body = json.dumps({"symbol": "EURUSD", "action": "buy", "volume": 0.01, "alert_id": secrets.token_hex(8)}).encode()
    begin = time.perf_counter()
    request = urllib.request.Request(stack.strategies[0].url, data=body)
    signal_id = json.load(urllib.request.urlopen(request))["signal_id"]
    while servers.psql(stack.name, f"SELECT status FROM tv_signals WHERE id = '{signal_id}'") in ("", "pending"):
        time.sleep(0.02)
    return time.perf_counter() - begin


def bench_takeover(stack, rounds, row):
    for name in ("local-1", ""):
        stack.dispatcher.terminate()
        stack.dispatcher.environment["CONSUMER_INSTANCE"] = name
        stack.dispatcher.start()
        stack.dispatcher.wait_ready(60)
        one_fill(stack)
        times = []
        for _ in range(rounds):
            stack.dispatcher.kill()
            stack.dispatcher.start()
            times.append(one_fill(stack))
        row("dispatcher killed → next signal filled, " + ("stable name" if name else "no name"),
            f"{max(times):.1f} s", f"worst of {rounds}; median {statistics.median(times):.1f} s")


def main():
    end_on_signals()
    short = "--short" in sys.argv
    stack = Stack(sys.argv[1], name="bench" + secrets.token_hex(3), say=lambda text: print(text, file=sys.stderr))
    rows = []

    def row(what, value, note):
        rows.append((what, value, note))
        print(f"{what:64} {value:>20}  {note}", flush=True)

    stack.start_servers()
    stack.prepare()
    stack.add_services()
    users = [stack.add_user(f"user{n}@{stack.name}") for n in range(10)]
    for n in range(AGENTS):
        account = stack.add_account(users[n % 10], f"account {n}", seed=n + 1)
        stack.add_strategy(account, f"strategy {n}", max_age_s=120)
        # One that can be asked whether it is ready: bench_start waits for it.
        stack.add_terminal(account, agent={"ADMIN_LISTEN": f"127.0.0.1:{free_port()}"} if n == 0 else None)
    try:
        _, (f50, f99) = measured_flushes(stack.state, lambda: time.sleep(2))
        row("fdatasync of 128 bytes, p50 / p99, idle", f"{f50:.1f} / {f99:.1f} ms", "this machine, this minute")
        stack.start()
        bench_latency(stack, 3 if short else 30, row)
        bench_start(stack, row)
        bench_takeover(stack, 1 if short else 5, row)
        stack.stop()
        bench_webhooks(stack, 1 if short else 3, 1 if short else 10, row)
    finally:
        stack.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
