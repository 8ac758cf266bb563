"""Ten thousand alerts at 500/s over 10 users, 20 agents and 20 strategies (short form: 2,000 at 150/s over 6
accounts): all executed, none missing, exactly as many orders.

Method: a stack of its own; loadgen reads the outcomes from Postgres; then the checker.
"""

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

from tradewire_stack.stack import Stack

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fault"))
from checker import check_files  # noqa: E402

LONG = os.environ.get("TRADEWIRE_LONG") == "1"
COUNT, RATE, USERS, AGENTS = (10000, 500, 10, 20) if LONG else (2000, 150, 3, 6)
SEED = int(os.environ.get("TEST_SEED", "20261121"))


def test_every_alert_is_executed_once(tmp_path):
    print("seed", SEED, "count", COUNT)
    stack = Stack(os.environ["TRADEWIRE_BIN"], name="many" + secrets.token_hex(3))
    stack.start_servers()
    stack.prepare()
    stack.add_services()
    users = [stack.add_user(f"user{n}@{stack.name}") for n in range(USERS)]
    for n in range(AGENTS):
        account = stack.add_account(users[n % USERS], f"account {n}", seed=SEED % 100000 + n)
        stack.add_strategy(account, f"strategy {n}", max_age_s=120)
        stack.add_terminal(account)
    ledger = tmp_path / "load.jsonl"
    keys = tmp_path / "secrets"
    keys.write_text("".join(s.secret + "\n" for s in stack.strategies))
    try:
        stack.start()
        done = subprocess.run(
            [str(stack.bin / "loadgen"), "--url", stack.public_url(), "--secrets", str(keys), "--rate", str(RATE),
             "--count", str(COUNT), "--seed", str(SEED), "--ledger", str(ledger), "--database", stack.admin_url, "--json"],
            capture_output=True, text=True, timeout=600)
    finally:
        stack.stop()
    print(done.stdout, done.stderr[-500:])
    outcome = json.loads(done.stdout)
    assert done.returncode == 0
    assert (outcome["sent"], outcome["executed"], outcome["missing"], outcome["doubled"]) == (COUNT, COUNT, 0, 0)
    violations, seen = check_files(stack.admin_url, [ledger], stack.ledgers())
    assert not violations
    assert seen["orders"] == COUNT
