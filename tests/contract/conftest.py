"""One migrated database for all contract tests; each test makes traders of its own in it."""

import os

import psycopg2
import pytest

from tradewire_test.database import Database
from tradewire_test.installations import inhabited
from tradewire_test.migrations import databases
from tradewire_test.trading import Programs, Trader


@pytest.fixture(scope="session")
def database():
    made = Database(os.environ["TEST_ADMIN_DATABASE_URL"]).create()
    try:
        applied = made.migrate("up")
        assert applied.returncode == 0, applied.stderr
        yield made
    finally:
        made.drop()


@pytest.fixture(scope="session")
def programs(database):
    return Programs(database)


@pytest.fixture
def trader(programs):
    """Connected: its agent has said hello once."""
    made = Trader(programs)
    made.hello()
    yield made
    programs.check()


@pytest.fixture
def empty():
    """A database of the test's own, with nothing in it."""
    yield from databases()


@pytest.fixture(params=["plain", "supabase"])
def installed(request):
    """A database with users, where a test makes an older installation's tables as `session()` and looks as `super`."""
    made = inhabited(request.param, os.environ["TEST_ADMIN_DATABASE_URL"])
    try:
        yield made
    finally:
        made.drop()


@pytest.fixture
def older(empty, tmp_path):
    """The same, for an installation that stands at an older version: tmp_path holds the files up to there."""
    empty.tmp_path = tmp_path
    return empty


@pytest.fixture
def refused():
    """`with refused("code"):` expects the database to refuse with that code in front of its message."""

    class Refused:
        def __init__(self, code):
            self.code = code

        def __enter__(self):
            return self

        def __exit__(self, kind, error, _):
            assert error is not None, f"not refused; expected {self.code}"
            assert isinstance(error, psycopg2.Error)
            assert str(error).startswith(self.code), error
            return True

    return Refused
