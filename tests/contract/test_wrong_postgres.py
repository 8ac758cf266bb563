"""What each service's page says about a Postgres that answers, and is not right: a statement that no longer fits ends the
program; a refused login ends the dispatcher, the others go on asking. (An empty database: tests/integration.)

Method: no Kafka; the services log in as the superuser, so that only what is tested is wrong.
"""

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from tradewire_stack.stack import free_port
from tradewire_test.scenario import until

BIN = Path(os.environ["TRADEWIRE_BIN"])
SERVICES = ("webhook-ingester", "job-dispatcher", "mt5-agent-gateway")


@pytest.fixture
def service(tmp_path):
    """`service(name, url)` starts one; its process and log."""
    started = []

    def start(name, url):
        ports = [f"127.0.0.1:{free_port()}" for _ in range(3)]
        log = tmp_path / f"{name}.log"
        with open(log, "wb") as file:
            started.append(subprocess.Popen([str(BIN / name)], stdout=file, stderr=file, stdin=subprocess.DEVNULL, env={
                "DATABASE_URL": url, "KAFKA_BROKERS": "127.0.0.1:1", "ADMIN_LISTEN": ports[0], "INGESTER_LISTEN": ports[1],
                "GATEWAY_ZMQ": f"tcp://{ports[2]}", "GATEWAY_CURVE_SECRET": "a" * 40}))
        return started[-1], log

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


# one that each of them reads
COLUMNS = {"webhook-ingester": "tv_strategies RENAME COLUMN user_id", "job-dispatcher": "tv_strategies RENAME COLUMN user_id",
           "mt5-agent-gateway": "jobs RENAME COLUMN claimed_at"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_statement_that_does_not_fit_ends_it(service, empty, name):
    assert empty.migrate("up").returncode == 0
    empty.session().rows(f"ALTER TABLE {COLUMNS[name]} TO renamed")
    process, log = service(name, empty.url)
    until(lambda: process.poll() is not None, 30, "it has ended by itself")
    assert process.returncode == 70 and "schema_mismatch" in log.read_text(), log.read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_a_refused_login(service, database, name):
    parts = urlsplit(database.url)
    process, log = service(name, urlunsplit(parts._replace(netloc=f"{parts.username}:wrong@{parts.netloc.rpartition('@')[2]}")))
    if name == "job-dispatcher":
        until(lambda: process.poll() is not None, 30, "it has ended by itself")
        assert process.returncode == 70
    else:
        until(lambda: "event=postgres_unreachable" in log.read_text(), 30, "it says that Postgres refuses it")
        assert process.poll() is None
        process.terminate()
        assert process.wait(30) == 0, "it went on, and ends when it is asked to"
    assert "code=28P01" in log.read_text() and "wrong" not in log.read_text()
