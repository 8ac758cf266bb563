"""Databases to try in, and what is in them afterwards."""

import contextlib
import os
import time
from pathlib import Path

from tradewire_test.database import Database, Session

SHAPE = """
SELECT c.relname AS name, i.indisvalid AS valid,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns
FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relname ~ '^(items|parts|open_items)'
ORDER BY c.relname
"""


class Place:
    def __init__(self, say):
        self.folder = Path(os.environ["TRADEWIRE_STATE"]) / "chain"
        self.admin = Session(os.environ["TEST_ADMIN_DATABASE_URL"])  # in a database of its own: builds wait for nobody there
        self.say = say
        self.shape = None  # what an undisturbed run makes: the same for each tool, or they did not run the same chain

    @contextlib.contextmanager
    def database(self):
        made = Database(os.environ["TEST_ADMIN_DATABASE_URL"]).create()
        try:
            yield made
        finally:
            made.drop()

    def alone(self, database):
        """Waits until no other session is in the database: what is there then is there to stay."""
        end = time.monotonic() + 60
        sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
        while self.admin.value(sessions, database.name):
            if time.monotonic() > end:
                raise SystemExit(f"{database.name}: a session does not end")
            time.sleep(0.01)

    def undisturbed(self, tool, files):
        """(shape, seconds) of an `up` that nobody disturbs; the end of everything when even that fails."""
        tool.write(self.folder, files)
        with self.database() as database:
            begun = time.monotonic()
            done = tool.up(self.folder, database)
            took = time.monotonic() - begun
            found, recorded = look(database, tool)
            if done.code != 0 or recorded != tool.expected(files) or not all(row["valid"] is not False for row in found["relations"]):
                raise SystemExit(f"{tool.title}: the chain does not even run undisturbed:\n{done.output}")
            self.shape = self.shape or found
            if found != self.shape:
                raise SystemExit(f"{tool.title}: made something else than the others: {found}")
            return found, took


def look(database, tool):
    """(what the chain made, which versions are recorded)."""
    session = Session(database.url)
    try:
        relations = session.rows(SHAPE)
        names = {row["name"] for row in relations}
        counts = {name: session.value(f"SELECT count(*) FROM {name}") for name in ("items", "parts") if name in names}
        table = tool.recorded.split(" FROM ")[1].split()[0]
        known = session.value("SELECT to_regclass(%s)", table) is not None
        recorded = [row["version"] for row in session.rows(tool.recorded)] if known else []
    finally:
        session.close()
    return {"relations": relations, "counts": counts}, recorded


def invalid(found):
    return [row["name"] for row in found["relations"] if row["valid"] is False]
