"""Programs on a schema that is not theirs: they wait, say why, and begin when it fits."""

import json
import os
import secrets
import time
import urllib.error
import urllib.request

import pytest

from tradewire_stack import servers
from tradewire_stack.stack import Stack

PATIENCE_S = 30


@pytest.fixture(scope="module")
def young():
    """A stack of its own whose database holds nothing but the roles' logins (they belong to the cluster)."""
    made = Stack(os.environ["TRADEWIRE_BIN"], name="sr" + secrets.token_hex(3), say=print)
    made.start_servers()
    made.prepare()
    made.admin_url = made.admin_url + "_young"
    made.young = made.name + "_young"
    servers.psql("postgres", f'CREATE DATABASE "{made.young}"')
    made.add_services()
    for program in made.services:
        program.start()
    yield made
    assert set(made.stop().values()) == {0}
    servers.psql("postgres", f'DROP DATABASE "{made.young}" WITH (FORCE)')


def schema_check(program):
    """The check `schema` of /readyz, or None while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://{program.admin}/readyz", timeout=2) as answer:
            page = json.load(answer)
    except urllib.error.HTTPError as answer:
        page = json.load(answer)
    except OSError:
        return None
    return next(check for check in page["checks"] if check["name"] == "schema")


def wait_for(program, words, good):
    give_up = time.monotonic() + PATIENCE_S
    while True:
        check = schema_check(program)
        if check and check["good"] is good and words in check["detail"]:
            return check["detail"]
        assert program.is_running(), program.log_tail()
        assert time.monotonic() < give_up, check
        time.sleep(0.05)


def restart(stack):
    for program in stack.services:
        assert program.terminate() == 0
        program.start()


def test_an_empty_database_is_waited_for_then_a_newer_one_taken_a_narrowed_one_not(young):
    for program in young.services:
        wait_for(program, "run migrate up", good=False)
        assert not program.is_ready()
    young.run("migrate", "up", DATABASE_URL=young.admin_url)
    newest = servers.psql(young.young, "SELECT max(version) FROM tradewire_migrations").strip()
    for program in young.services:
        program.wait_ready(PATIENCE_S)
        wait_for(program, "; accepted: ", good=True)  # perhaps of a moment before the last file

    add = ("INSERT INTO tradewire_migrations (version, name, checksum, chain, statements_done, statements, duration_ms, run_id, "
           "is_contract) VALUES (%d, 'of_a_newer_release', 'x', 'x', 0, 0, 0, gen_random_uuid(), %s)")
    servers.psql(young.young, add % (int(newest) + 1, "false"))
    restart(young)
    for program in young.services:
        wait_for(program, f"schema {int(newest) + 1}; ", good=True)
        program.wait_ready(PATIENCE_S)

    servers.psql(young.young, add % (int(newest) + 2, "true"))
    restart(young)
    for program in young.services:
        assert f"knows up to {newest}" in wait_for(program, f"narrowed by {int(newest) + 2}", good=False)
        assert not program.is_ready()
    servers.psql(young.young, f"DELETE FROM tradewire_migrations WHERE version > {newest}")
    for program in young.services:
        program.wait_ready(PATIENCE_S)


def test_a_schema_that_is_too_old_says_what_is_needed(young):
    old = servers.psql(young.young, "SELECT min(version) FROM tradewire_migrations").strip()
    servers.psql(young.young, f"UPDATE tradewire_migrations SET state = 'running' WHERE version > {old}")
    restart(young)
    for program in young.services:
        wait_for(program, f"schema {old}, but at least ", good=False)
    servers.psql(young.young, "UPDATE tradewire_migrations SET state = 'applied'")
    for program in young.services:
        program.wait_ready(PATIENCE_S)
