"""Installations that were there before: older shapes with their rows, and a database with Supabase's rights.

`Supabase` is a Database whose `url` logs in as what Supabase calls postgres: no superuser, may create roles, owns the
database and its schema public, has no BYPASSRLS to give, and may read and reference auth.users, which is another's,
without passing that on. What only the platform could do is done by the cluster's superuser.
"""

import secrets
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from .database import Database, Session

SHAPES = Path(__file__).resolve().parents[2] / "contract" / "installations"

API_ROLES = ("anon", "authenticated", "service_role")

# What the platform's auth service made: a few of its columns, its function, its rights.
AUTH = """
CREATE SCHEMA auth AUTHORIZATION {admin};
SET ROLE {admin};
CREATE TABLE auth.users (
    instance_id uuid, id uuid PRIMARY KEY, aud varchar(255), role varchar(255), email varchar(255),
    encrypted_password varchar(255), raw_user_meta_data jsonb, created_at timestamptz, updated_at timestamptz
);
ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
                    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid
$$;
GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role, {owner};
GRANT SELECT, REFERENCES, TRIGGER ON auth.users TO {owner};
RESET ROLE;
"""
# Every new table, function and sequence of the owner is given to the API roles.
DEFAULTS = """
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
"""


class Supabase(Database):
    """Roles are the cluster's: this one's own are dropped with it, the three API roles stay."""

    def __init__(self, admin_url, name=None):
        super().__init__(admin_url, name)
        self.owner, self.auth_admin = f"{self.name}_postgres", f"{self.name}_auth_admin"
        self.super_url, self.password = self.url, secrets.token_hex(16)
        parts = urlsplit(self.url)
        self.url = urlunsplit(parts._replace(netloc=f"{self.owner}:{self.password}@{parts.netloc.rpartition('@')[2]}"))

    def create(self):
        super().create()
        platform = self.platform()
        for role in API_ROLES:
            # Another test's migration may make the same role at this moment.
            platform.rows(f"""DO $$ BEGIN
                IF to_regrole('{role}') IS NULL THEN CREATE ROLE {role} NOLOGIN; END IF;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$""")
        if not platform.value("SELECT rolbypassrls FROM pg_roles WHERE rolname = 'service_role'"):
            platform.rows("ALTER ROLE service_role BYPASSRLS")
        platform.rows(f"CREATE ROLE {self.auth_admin} NOLOGIN")
        platform.rows(f"CREATE ROLE {self.owner} LOGIN CREATEROLE PASSWORD '{self.password}'")
        platform.rows(f'ALTER DATABASE "{self.name}" OWNER TO {self.owner}')
        names = {"owner": self.owner, "admin": self.auth_admin}
        platform.rows(AUTH.format(**names))
        platform.rows(DEFAULTS.format(**names))
        return self

    def session(self, role=None):
        """Roles are taken on by the superuser: the owner is no member of the platform's."""
        if role is None:
            return super().session()
        made = Session(self.super_url, role)
        self.sessions.append(made)
        return made

    def platform(self):
        """A session of the superuser, whom the owner of a Supabase project never is."""
        made = Session(self.super_url)
        self.sessions.append(made)
        return made

    def add_user(self, email):
        return self.platform().value("INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), %s) RETURNING id", email)

    def drop(self):
        super().drop()
        session = Session(self.admin_url)
        try:
            for role in (self.owner, self.auth_admin):
                # Grants on roles of the cluster that it made in passing.
                session.rows(f"DROP OWNED BY {role}")
                session.rows(f"DROP ROLE {role}")
        finally:
            session.close()


def inhabited(kind, admin_url):
    """A database that has users and nothing else yet: plain or supabase. `super` is a session that sees everything."""
    made = {"plain": Database, "supabase": Supabase}[kind](admin_url).create()
    if kind == "plain":
        plain_auth(made)
    made.super = made.session() if kind == "plain" else made.platform()
    return made


def load(database, shape):
    """Make an older installation in an empty database, as whoever owns it. Supabase keeps users for itself."""
    text = (SHAPES / f"{shape}.sql").read_text()
    if isinstance(database, Supabase):
        before, _, users = text.partition("INSERT INTO auth.users")
        if users:
            database.platform().rows("INSERT INTO auth.users" + users.partition(";")[0])
            text = before + users.partition(";")[2]
    session = database.session()
    session.rows(text)


def plain_auth(database):
    """Schema auth as Supabase has it, owned by whoever owns the database."""
    database.session().rows("""
        CREATE SCHEMA auth;
        CREATE TABLE auth.users (id uuid PRIMARY KEY, email text, created_at timestamptz DEFAULT now());
        CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
            SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
                            (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid
        $$""")


def rows(session):
    """{table: {key: {column: value}}} of every table in schema public but migrate's own and partitions; times in UTC."""
    session.rows("SET timezone = 'UTC'")
    tables = session.rows("""
        SELECT c.relname AS name FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND c.relname NOT IN ('tradewire_migrations', 'installation_before', 'installation_rows')""")
    return {table["name"]: {row["key"]: row["row"] for row in session.rows(
        'SELECT coalesce(to_jsonb(t) ->> \'id\', to_jsonb(t)::text) AS key, to_jsonb(t) AS row '
        f'FROM public."{table["name"]}" t')} for table in tables}
