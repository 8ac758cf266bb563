"""One whole stack for all scenarios: real Kafka, real Postgres, real processes.

A scenario that stops or starves a program brings it back itself. Scenarios wait for conditions, never for time.
"""

import os
import secrets

import pytest

from tradewire_test.scenario import Scenario
from tradewire_stack.stack import Stack


@pytest.fixture(scope="session")
def stack():
    made = Stack(os.environ["TRADEWIRE_BIN"], name="it" + secrets.token_hex(3), say=print)
    made.start_servers()
    made.prepare()
    made.add_services()
    for n in range(3):
        account = made.add_account(made.add_user(f"user{n}@{made.name}"), f"account {n}", seed=4200 + n)
        made.add_strategy(account, f"strategy {n}", max_age_s=120)
        made.add_terminal(account)
    try:
        made.start()
        yield made
    finally:
        codes = made.stop()
    assert set(codes.values()) == {0}, f"every program drains and exits 0: {codes}"


@pytest.fixture
def scenario(stack):
    """The stack, with everything running and connected."""
    made = Scenario(stack)
    made.bring_up()
    return made
