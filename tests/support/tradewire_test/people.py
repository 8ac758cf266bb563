"""People who ask the database themselves, as Supabase lets them: role authenticated, with their token's claims. And the
other roles: one session each, because a server has few."""

import json
import secrets


def as_role(database, name):
    """The database's one session of this role; closed with the database."""
    if not hasattr(database, "by_role"):
        database.by_role = {}
    if name not in database.by_role:
        database.by_role[name] = database.session(name)
    return database.by_role[name]


class Person:
    def __init__(self, database, admin, role="user", user=None):
        self.user = user or admin.value("INSERT INTO auth.users (email) VALUES (%s) RETURNING id",
                                        f"{secrets.token_hex(6)}@test.example")
        admin.rows("INSERT INTO user_profiles (id, role) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET role = excluded.role",
                   self.user, role)
        self.session = as_role(database, "authenticated")

    def rows(self, statement, *values):
        self.session.rows("SELECT set_config('request.jwt.claims', %s, false)", json.dumps({"sub": str(self.user)}))
        return self.session.rows(statement, *values)

    def count(self, relation, condition="true"):
        return self.rows(f"SELECT count(*) FROM {relation} WHERE {condition}")[0]["count"]
