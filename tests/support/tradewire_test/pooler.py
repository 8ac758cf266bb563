"""A PgBouncer in front of the test's Postgres."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from tradewire_test.scenario import until


class Pooler:
    """pool_mode: session, transaction or statement. `url(database)` goes through it. `logins`: {user: password} besides
    the administrator's; `pool_size`: backends for each user of a database."""

    def __init__(self, admin_url, pool_mode, logins=None, pool_size=20):
        parts = urlsplit(admin_url)
        self.user, password = unquote(parts.username), unquote(parts.password)
        self.folder = Path(tempfile.mkdtemp(prefix="tw-pooler-", dir="/var/tmp"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        users = {self.user: password, **(logins or {})}
        (self.folder / "users").write_text("".join(f'"{name}" "{secret}"\n' for name, secret in users.items()))
        (self.folder / "ini").write_text(
            f"[databases]\n* = host={parts.hostname} port={parts.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\n"
            f"unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {self.folder}/users\npool_mode = {pool_mode}\n"
            f"default_pool_size = {pool_size}\n")
        command = ["/usr/sbin/pgbouncer", "-q", str(self.folder / "ini")]
        if os.getuid() == 0:  # it refuses to run as root
            command[1:1] = ["-u", "postgres"]
            shutil.chown(self.folder, "postgres")
            shutil.chown(self.folder / "users", "postgres")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until(self._listens, what="the pooler")

    def _listens(self):
        assert self.process.poll() is None, self.process.stderr.read()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def url(self, database):
        parts = urlsplit(database.url)
        return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{self.port}"))

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)
        self.process.stderr.close()
        shutil.rmtree(self.folder)
