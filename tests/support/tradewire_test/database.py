"""A database of its own for a test run: made by the real `migrate up`, dropped at the end."""

import os
import secrets
import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import psycopg2.extras


class Session:
    """One connection, one statement per transaction unless `begin` is called. Rows come as dicts."""

    def __init__(self, url, role=None):
        self.connection = psycopg2.connect(url, cursor_factory=psycopg2.extras.RealDictCursor, connect_timeout=10,
                                           options="-c statement_timeout=60s")
        self.connection.autocommit = True
        if role:
            self.rows(f'SET ROLE "{role}"')

    def rows(self, statement, *values):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def row(self, statement, *values):
        found = self.rows(statement, *values)
        assert len(found) == 1, f"{len(found)} rows: {statement}"
        return found[0]

    def value(self, statement, *values):
        return next(iter(self.row(statement, *values).values()))

    def begin(self, isolation="READ COMMITTED"):
        self.rows(f"BEGIN ISOLATION LEVEL {isolation}")

    def commit(self):
        self.rows("COMMIT")

    def rollback(self):
        self.rows("ROLLBACK")

    def close(self):
        self.connection.close()


class Database:
    def __init__(self, admin_url, name=None):
        self.admin_url = admin_url
        self.name = name or "tw_test_" + secrets.token_hex(4)
        self.url = urlunsplit(urlsplit(admin_url)._replace(path="/" + self.name))
        self.sessions = []

    def create(self):
        self._administer(f'CREATE DATABASE "{self.name}"')
        return self

    def drop(self):
        for session in self.sessions:
            session.close()
        self._administer(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def migrate(self, *arguments, **environment):
        """Run the program; the finished process, whatever its exit code."""
        program = Path(os.environ["TRADEWIRE_BIN"]) / "migrate"
        return subprocess.run([str(program), *(arguments or ["up"])], capture_output=True, text=True, timeout=120,
                              env={"PATH": os.environ["PATH"], "DATABASE_URL": self.url, **environment})

    def session(self, role=None):
        """Closed with the database. A role is taken on with SET ROLE, so that its rights and policies count."""
        made = Session(self.url, role)
        self.sessions.append(made)
        return made

    def _administer(self, statement):
        session = Session(self.admin_url)
        try:
            session.rows(statement)
        finally:
            session.close()
