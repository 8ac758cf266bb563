"""An installation whose indexes, constraints, policies and views have our names and are something else: `IF NOT EXISTS` does not
take them for ours, and the way back gives them back, comments included. Nothing here lists names: they are those of a new
installation."""

import json

import pytest

from test_sql_upgrade import catalog, differences, make, migrate
from tradewire_test.installations import Supabase, rows

INDEXES = """SELECT t.relname AS relation, c.relname AS name, pg_get_indexdef(c.oid) AS definition
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
      AND NOT EXISTS (SELECT FROM pg_constraint n WHERE n.conindid = c.oid)"""
RULES = """SELECT n.conrelid::regclass::text AS relation, n.conname AS name, a.attname AS column, pg_get_constraintdef(n.oid) AS definition,
        nullif(n.confrelid, 0)::regclass::text AS target
    FROM pg_constraint n JOIN pg_attribute a ON a.attrelid = n.conrelid AND n.conkey = ARRAY[a.attnum]
    WHERE n.connamespace = 'public'::regnamespace AND n.contype IN ('c', 'f')"""
POLICIES = """SELECT polrelid::regclass::text AS relation, polname AS name, concat_ws(' ', polcmd, pg_get_expr(polqual, polrelid),
        pg_get_expr(polwithcheck, polrelid)) AS definition FROM pg_policy"""
VIEWS = """SELECT c.relname AS relation, c.relname AS name, pg_get_viewdef(c.oid) AS definition
    FROM pg_class c WHERE c.relname IN ('recent_sync_failures', 'account_sync_health', 'job_queue')"""


def columns_of(session):
    """{table: [columns]} of what the installation has."""
    return {row["name"]: row["columns"] for row in session.rows("""
        SELECT c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' GROUP BY c.relname""")}


def other_indexes(session, ours, tables):
    for index in ours:
        if index["relation"] in tables:
            column = tables[index["relation"]][0]
            session.rows(f"DROP INDEX IF EXISTS {index['name']}")
            session.rows(f"CREATE INDEX {index['name']} ON {index['relation']} ({column}) WHERE {column} IS NULL")
            session.rows(f"COMMENT ON INDEX {index['name']} IS 'theirs'")
            yield index["name"]


def same_indexes(session, ours, tables):
    for index in ours:
        words = set(index["definition"].replace("(", " ").replace(")", " ").replace(",", " ").split())
        missing = {"seq", "expires_at", "revoked_at", "signal_id", "target_agent_id", "strategy_id"} & words
        if index["relation"] in tables and index["relation"] != "job_queue_log" and not missing - set(tables[index["relation"]]):
            if "broker_connection_id" in words and "broker_connection_id" not in tables[index["relation"]]:
                continue
            session.rows(f"DROP INDEX IF EXISTS {index['name']}")
            session.rows(index["definition"])
            session.rows(f"COMMENT ON INDEX {index['name']} IS 'theirs'")
            yield index["name"]


def other_rules(session, ours, tables):
    """Under the names that the server gives by itself."""
    for rule in ours:
        if (rule["name"] == f"{rule['relation']}_{rule['column']}_{'fkey' if rule['target'] else 'check'}"
                and rule["column"] in tables.get(rule["relation"], ())
                and (rule["target"] is None or rule["target"] in (*tables, "auth.users"))):
            definition = (f"FOREIGN KEY ({rule['column']}) REFERENCES {rule['target']} ON DELETE RESTRICT" if rule["target"]
                          else f"CHECK ({rule['column']} IS NULL OR {rule['column']} IS NOT NULL)")
            session.rows(f"ALTER TABLE {rule['relation']} DROP CONSTRAINT IF EXISTS {rule['name']}, "
                         f"ADD CONSTRAINT {rule['name']} {definition}")
            session.rows(f"COMMENT ON CONSTRAINT {rule['name']} ON {rule['relation']} IS 'theirs'")
            yield rule["name"]


def other_policies(session, ours, tables):
    for policy in ours:
        if policy["relation"] in tables:
            session.rows(f"CREATE POLICY {policy['name']} ON {policy['relation']} USING (true)")
            session.rows(f"COMMENT ON POLICY {policy['name']} ON {policy['relation']} IS 'theirs'")
            yield policy["name"]


def other_views(session, ours, _):
    for view in ours:
        session.rows(f"DROP VIEW IF EXISTS {view['name']}")
        session.rows(f"CREATE VIEW {view['name']} WITH (security_barrier = true) AS SELECT * FROM jobs JOIN (SELECT 1 AS one) o ON true")
        session.rows(f"COMMENT ON VIEW {view['name']} IS 'theirs'")
        session.rows(f"COMMENT ON COLUMN {view['name']}.one IS 'theirs'")
        session.rows(f"GRANT UPDATE (status), SELECT ON {view['name']} TO PUBLIC")
        session.rows(f"CREATE FUNCTION instead_{view['name']}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
        session.rows(f"CREATE TRIGGER instead INSTEAD OF UPDATE ON {view['name']} FOR EACH ROW "
                     f"EXECUTE FUNCTION instead_{view['name']}()")
        yield view["name"]


@pytest.fixture
def taken(request):
    made = make(request.param, "documents")
    made.super = made.platform() if isinstance(made, Supabase) else made.session()
    try:
        yield made
    finally:
        made.drop()


@pytest.mark.parametrize("taken, disturb, query, least", [
    ("plain", other_indexes, INDEXES, 35), ("plain", same_indexes, INDEXES, 20), ("plain", other_policies, POLICIES, 60),
    ("plain", other_rules, RULES, 50), ("supabase", other_rules, RULES, 50), ("supabase", other_views, VIEWS, 3)],
    indirect=["taken"])
def test_a_name_that_is_taken(taken, programs, disturb, query, least):
    ours = programs.admin.rows(query)
    names = list(disturb(taken.session(), ours, columns_of(taken.super)))
    assert len(names) >= least
    before_catalog, before_rows = catalog(taken.super), rows(taken.super)
    migrate(taken, "up")
    found = {(row["relation"], row["name"]): row["definition"] for row in taken.super.rows(query)}
    wanted = {(row["relation"], row["name"]): row["definition"] for row in ours}
    assert {name: found.get(name) for name in wanted} == wanted, "as on a new installation"
    done = taken.migrate("verify", "--json")
    assert [check for check in json.loads(done.stdout)["checks"] if check["state"] == "wrong"] == [] and done.returncode == 0
    if disturb is same_indexes:
        # What would be the same is not built a second time; one that a file makes without looking is.
        assert {name for _, name in found if name.removeprefix("older_") in names and name.startswith("older_")} <= {
            "older_tv_strategies_updated_idx"}
    migrate(taken, "down", "--to", "0", "--allow-data-loss")
    assert differences(before_catalog, catalog(taken.super)) == {}
    assert rows(taken.super) == before_rows
