"""The local Kafka and Postgres, through the scripts beside this package."""

import os
import subprocess
from pathlib import Path

LOCAL = Path(__file__).resolve().parent.parent
CHECKOUT = LOCAL.parent.parent


def _script(name, *arguments, timeout=600):
    return subprocess.run(
        [str(LOCAL / name), *arguments], check=True, text=True, stdout=subprocess.PIPE, timeout=timeout
    ).stdout


def settings():
    """TRADEWIRE_STATE, KAFKA_BROKERS and ADMIN_DATABASE_URL as `deploy/local/state` prints them."""
    lines = _script("state").splitlines()
    return dict(line.split("=", 1) for line in lines)


class Server:
    """One of the two servers; every action is a script's, so it touches nothing but our own."""

    def __init__(self, name):
        self.name = name

    def start(self):
        return _script(self.name, "start").strip()

    def stop(self):
        _script(self.name, "stop")

    def kill(self):
        """kill -9 of exactly our own processes."""
        _script(self.name, "kill")

    def is_running(self):
        return subprocess.run([str(LOCAL / self.name), "status"], stdout=subprocess.DEVNULL).returncode == 0


KAFKA = Server("kafka")
POSTGRES = Server("postgres")


def psql(database, sql):
    """Run SQL as the cluster's superuser; for setting up, never for what the programs do themselves."""
    return subprocess.run(
        [str(LOCAL / "postgres"), "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql],
        check=True, text=True, stdout=subprocess.PIPE, env=dict(os.environ, PGOPTIONS="--client-min-messages=warning"),
    ).stdout.strip()
