"""Folders of migrations for tests of `migrate`, and what a database's catalog looks like to it."""

import json
import os
from pathlib import Path

import jsonschema

from tradewire_test.database import Database

CHECKOUT = Path(__file__).resolve().parents[3]
MIGRATIONS = CHECKOUT / "migrations"
SCHEMA = jsonschema.Draft202012Validator(json.loads((CHECKOUT / "docs/migrate.schema.json").read_text()))
CATALOG = (CHECKOUT / "services/migrate/sql/catalog.sql").read_text()
SCHEMA = jsonschema.Draft202012Validator(json.loads((CHECKOUT / "docs/migrate.schema.json").read_text()))


class Folder:
    """A folder of migrations, written file by file. Versions are given, names are made where not."""

    def __init__(self, path):
        self.path = Path(path)
        for part in ("down", "verify"):
            (self.path / part).mkdir(parents=True, exist_ok=True)

    def add(self, version, up, down="", name=None, verify=None):
        name = f"{version}_{name or f'file{version}'}.sql"
        (self.path / name).write_text(up)
        if down is not None:
            (self.path / "down" / name).write_text(down)
        if verify is not None:
            (self.path / "verify" / name).write_text(verify)
        return self

    def remove(self, version):
        for path in self.path.glob(f"**/{version}_*.sql"):
            path.unlink()

    def __str__(self):
        return str(self.path)


def databases(count=1):
    """Made and dropped: for fixtures."""
    made = [Database(os.environ["TEST_ADMIN_DATABASE_URL"]).create() for _ in range(count)]
    try:
        yield made[0] if count == 1 else made
    finally:
        for database in made:
            database.drop()


def check_document(document):
    """The branch of the document's own command says more than "none of nine fits"."""
    command = SCHEMA.evolve(schema={"$ref": f"#/$defs/command_{document['command']}", "$defs": SCHEMA.schema["$defs"]})
    faults = [f"{error.json_path}: {error.message}" for error in command.iter_errors(document)]
    assert not faults, faults
    SCHEMA.validate(document)


def migrate(database, folder, *arguments, expect=0, **environment):
    """Run with --json; the document, which must be as docs/migrate.schema.json says. The exit code must be the expected one."""
    done = database.migrate(*arguments, "--json", *(["--dir", str(folder)] if folder else []), **environment)
    assert done.returncode == expect, (done.returncode, done.stdout, done.stderr)
    document = json.loads(done.stdout)
    SCHEMA.validate(document)
    check_document(document)
    document["stderr"] = done.stderr
    return document


def catalog(database):
    """{"<kind> <identity>": digest} of everything in schema public, as `migrate` reads it."""
    session = database.session()
    session.rows("SET search_path = pg_catalog")
    found = {f"{row['kind']} {row['identity']}": row["digest"] for row in session.rows(CATALOG)}
    session.close()
    return found


def history(database):
    session = database.session()
    if session.value("SELECT to_regclass('public.tradewire_migrations')") is None:
        return []
    return session.rows("SELECT * FROM tradewire_migrations ORDER BY version")


def kept_statements():
    """The program's own files as `supabase db push` would keep them: [(version, name, is alone, statements)]."""
    for database in databases():
        session = database.session()
        session.rows("CREATE SCHEMA supabase_migrations; CREATE TABLE supabase_migrations.schema_migrations "
                     "(version text NOT NULL PRIMARY KEY, statements text[], name text)")
        migrate(database, None, "up")
        rows = session.rows("SELECT * FROM supabase_migrations.schema_migrations ORDER BY version::bigint")
        status = {m["version"]: m["no_transaction"] for m in migrate(database, None, "status")["migrations"]}
        return [(row["version"], row["name"], status[row["version"]], row["statements"]) for row in rows]


def run_by_hand(session, is_alone, statements):
    """As somebody with psql would: in one transaction, or one by one."""
    if is_alone:
        for statement in statements:
            session.rows(statement)
    else:
        session.begin()
        for statement in statements:
            session.rows(statement)
        session.rows("RESET ROLE; RESET ALL")
        session.commit()
