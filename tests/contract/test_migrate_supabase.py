"""supabase_migrations.schema_migrations and our history say the same, whichever of the two programs applied a file."""

import re
import secrets

import pytest

from tradewire_test.folder import until
from tradewire_test.installations import load, plain_auth, rows
from tradewire_test.migrations import MIGRATIONS, Folder, databases, history, kept_statements, migrate, run_by_hand

UP1 = "-- The first.\nCREATE TABLE one (id int); -- ;\n\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;\n"
DOWN1 = "DROP FUNCTION f(); DROP TABLE one;"
UP2 = "ALTER TABLE one ADD a int;\n/* done */\n"
DOWN2 = "ALTER TABLE one DROP a;"
STATEMENTS1 = ["CREATE TABLE one (id int)", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$"]


@pytest.fixture
def supabase(empty):
    """As the CLI makes it."""
    empty.session().rows("""
        CREATE SCHEMA supabase_migrations;
        CREATE TABLE supabase_migrations.schema_migrations (version text NOT NULL PRIMARY KEY);
        ALTER TABLE supabase_migrations.schema_migrations ADD COLUMN statements text[];
        ALTER TABLE supabase_migrations.schema_migrations ADD COLUMN name text;""")
    return empty


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path).add(1, UP1, DOWN1).add(2, UP2, DOWN2)


def theirs(database):
    return database.session().rows("SELECT version, name, statements FROM supabase_migrations.schema_migrations "
                                   "ORDER BY version::numeric")


def push(database, version, name, *statements, keep=True):
    """What `supabase db push` does with a file."""
    session = database.session()
    session.begin()
    for statement in statements:
        session.rows(statement)
    session.rows("INSERT INTO supabase_migrations.schema_migrations (version, name, statements) VALUES (%s, %s, %s)",
                 version, name, list(statements) if keep else None)
    session.commit()


def recorded(database):
    return [(row["version"], row["note"]) for row in history(database)]


# --- ours to theirs ------------------------------------------------------------------------------------------------------


def test_never_made_here(empty, folder):
    migrate(empty, folder, "up")
    migrate(empty, folder, "down", "--to", "0")
    assert empty.session().value("SELECT count(*) FROM pg_namespace WHERE nspname = 'supabase_migrations'") == 0


def test_up_and_down_keep_it_in_step(supabase, folder):
    migrate(supabase, folder, "up")
    assert theirs(supabase) == [{"version": "1", "name": "file1", "statements": STATEMENTS1},
                                {"version": "2", "name": "file2", "statements": ["ALTER TABLE one ADD a int"]}]
    migrate(supabase, folder, "down", "--steps", "1")
    assert [row["version"] for row in theirs(supabase)] == ["1"]
    migrate(supabase, folder, "down", "--to", "0")
    assert theirs(supabase) == []
    migrate(supabase, folder, "up")
    assert [row["version"] for row in theirs(supabase)] == ["1", "2"]


def test_a_failing_file_is_in_neither(supabase, folder):
    folder.add(2, "SELECT nonsense;")
    migrate(supabase, folder, "up", expect=1)
    assert [row["version"] for row in theirs(supabase)] == ["1"]


def test_a_file_without_a_transaction(supabase, folder):
    folder.add(3, "-- migrate:no-transaction\nCREATE INDEX CONCURRENTLY one_a ON one (a);",
               "-- migrate:no-transaction\nDROP INDEX CONCURRENTLY one_a;")
    migrate(supabase, folder, "up")
    assert theirs(supabase)[2]["statements"] == ["CREATE INDEX CONCURRENTLY one_a ON one (a)"]
    migrate(supabase, folder, "down", "--steps", "1")
    assert [row["version"] for row in theirs(supabase)] == ["1", "2"]


def test_plan_leaves_it_alone(supabase, folder):
    migrate(supabase, folder, "plan")
    assert theirs(supabase) == []


def test_the_table_of_the_first_cli(empty, folder):
    empty.session().rows("CREATE SCHEMA supabase_migrations;"
                         "CREATE TABLE supabase_migrations.schema_migrations (version text NOT NULL PRIMARY KEY)")
    migrate(empty, folder, "up")
    found = empty.session().rows("SELECT * FROM supabase_migrations.schema_migrations ORDER BY 1")
    assert found == [{"version": "1"}, {"version": "2"}]
    empty.session().rows("DELETE FROM tradewire_migrations WHERE version = 2")
    assert [row["note"] for row in migrate(empty, folder, "status")["migrations"]] == [None, "in supabase_migrations only"]


def test_a_table_that_came_later_is_filled(empty, folder):
    migrate(empty, folder, "up")
    empty.session().rows("CREATE SCHEMA supabase_migrations; CREATE TABLE supabase_migrations.schema_migrations "
                         "(version text NOT NULL PRIMARY KEY, statements text[], name text)")
    found = migrate(empty, folder, "repair")["findings"]
    assert [(f["fault"], f["subject"], f["next"]) for f in found] == [
        ("not_in_supabase", "1_file1.sql", "migrate up"), ("not_in_supabase", "2_file2.sql", "migrate up")]
    assert migrate(empty, folder, "up")["applied"] == []
    assert [row["version"] for row in theirs(empty)] == ["1", "2"]
    assert migrate(empty, folder, "repair")["findings"] == []


# --- theirs to ours ------------------------------------------------------------------------------------------------------


def test_what_the_cli_applied_counts_as_applied(supabase, folder):
    push(supabase, "1", "file1", *STATEMENTS1)
    shown = migrate(supabase, folder, "status")
    assert [(m["state"], m["applied_by"]) for m in shown["migrations"]] == [("applied", "the Supabase CLI"), ("pending", None)]
    assert history(supabase) == [], "status changes nothing"
    assert [m["version"] for m in migrate(supabase, folder, "plan")["migrations"]] == ["2"] and history(supabase) == []
    done = migrate(supabase, folder, "up")
    assert [m["version"] for m in done["applied"]] == ["2"] and "adopted 1_file1.sql" in done["stderr"]
    assert recorded(supabase) == [(1, "adopted from supabase_migrations"), (2, None)]
    assert [row["version"] for row in theirs(supabase)] == ["1", "2"]
    rows = history(supabase)
    assert set(rows[0]["changes"]) >= {"table public.one", "function public.f()"} and rows[0]["statements"] == 2
    migrate(supabase, folder, "down", "--to", "0")
    assert history(supabase) == [] and theirs(supabase) == []


def test_adopted_is_as_if_we_had_applied_it(folder):
    for one, other in databases(2):
        for database in (one, other):
            database.session().rows("CREATE SCHEMA supabase_migrations; CREATE TABLE supabase_migrations.schema_migrations "
                                    "(version text NOT NULL PRIMARY KEY, statements text[], name text)")
        push(one, "1", "file1", *STATEMENTS1)
        migrate(one, folder, "up")
        migrate(other, folder, "up")
        facts = [[(r["version"], r["checksum"], r["chain"], r["changes"]) for r in history(d)] for d in (one, other)]
        assert facts[0] == facts[1] and theirs(one) == theirs(other)


def test_the_cli_after_us(supabase, folder):
    migrate(supabase, folder, "up")
    folder.add(3, "CREATE TABLE three (id int);", "DROP TABLE three;")
    push(supabase, "3", "file3", "CREATE TABLE three (id int)")
    assert migrate(supabase, folder, "up")["applied"] == []
    assert recorded(supabase)[2] == (3, "adopted from supabase_migrations")
    assert set(history(supabase)[2]["changes"]) == {"table public.three", "column public.three.id"}
    supabase.session().rows("ALTER TABLE three ADD b int")
    assert "public.three.b" in str(migrate(supabase, folder, "verify", expect=6)["checks"])


def test_statements_that_were_not_kept(supabase, folder):
    """`supabase migration repair --status applied` of older versions keeps none."""
    push(supabase, "1", "file1", *STATEMENTS1, keep=False)
    migrate(supabase, folder, "up")
    assert [version for version, _ in recorded(supabase)] == [1, 2]


def test_a_row_without_statements_before_which_something_is_missing(supabase, folder):
    """Our file needs those before it, so the row tells of something else: ours is applied, in its turn."""
    folder.add(2, "CREATE TABLE IF NOT EXISTS two (id int); ALTER TABLE two ADD COLUMN IF NOT EXISTS b int;", "DROP TABLE two;")
    push(supabase, "2", "an_older_name", "CREATE TABLE two (id int)", "INSERT INTO two VALUES (7)", keep=False)
    assert [entry["state"] for entry in migrate(supabase, folder, "status")["migrations"]] == ["pending", "pending"]
    migrate(supabase, folder, "up")
    assert recorded(supabase) == [(1, None), (2, None)]
    assert supabase.session().rows("SELECT * FROM two") == [{"id": 7, "b": None}]
    assert [(row["version"], row["name"], len(row["statements"])) for row in theirs(supabase)] == [("1", "file1", 2), ("2", "file2", 2)]
    assert migrate(supabase, folder, "repair")["findings"] == []


@pytest.mark.parametrize("there, state", [("b", "applied"), ("c", "pending")])
def test_a_row_without_statements_is_asked_for_what_its_file_promises(supabase, folder, there, state):
    folder.add(2, "CREATE TABLE IF NOT EXISTS two (id int); ALTER TABLE two ADD COLUMN IF NOT EXISTS b int;", "DROP TABLE two;",
               verify="SELECT 'column b' AS object, 'is there' AS expected, (SELECT 'is there' FROM pg_attribute WHERE attrelid = "
                      "to_regclass('two') AND attname = 'b') AS found")
    push(supabase, "2", "file2", f"CREATE TABLE two (id int, {there} int)", keep=False)
    migrate(supabase, Folder(folder.path / "first").add(1, UP1, DOWN1), "up")
    assert migrate(supabase, folder, "status")["migrations"][1]["state"] == state
    migrate(supabase, folder, "up")
    assert recorded(supabase) == [(1, None), (2, "adopted from supabase_migrations" if state == "applied" else None)]
    assert supabase.session().rows("SELECT b FROM two") == []


def test_statements_with_comments_and_other_line_ends(supabase, folder):
    folder.add(1, "CREATE TABLE one (\n  id int -- ;\n);\nSELECT ';';\n", "DROP TABLE one;")
    push(supabase, "1", "file1", "CREATE TABLE one (\r\n  id int -- ;\r\n)", "-- said by the CLI\r\nSELECT ';' -- end")
    migrate(supabase, folder, "up")
    assert [version for version, _ in recorded(supabase)] == [1, 2]


def test_other_statements_are_an_older_shape(supabase, folder):
    """The documents' version, applied by the CLI in another form: ours runs and brings it forward, then both know ours."""
    folder.add(1, "CREATE TABLE IF NOT EXISTS one (id int); ALTER TABLE one ADD COLUMN IF NOT EXISTS b int;", "ALTER TABLE one DROP b;")
    push(supabase, "1", "an_older_name", "CREATE TABLE one (id int)", "INSERT INTO one VALUES (7)")
    assert [entry["state"] for entry in migrate(supabase, folder, "status")["migrations"]] == ["pending", "pending"]
    migrate(supabase, folder, "up")
    assert recorded(supabase) == [(1, None), (2, None)]
    assert supabase.session().rows("SELECT * FROM one") == [{"id": 7, "b": None, "a": None}]
    assert [(row["version"], row["name"], len(row["statements"])) for row in theirs(supabase)] == [("1", "file1", 2), ("2", "file2", 1)]
    assert migrate(supabase, folder, "repair")["findings"] == []


def test_every_version_of_ours_in_another_form(supabase):
    """An installation whose CLI recorded our versions with statements of its own: all of ours are run."""
    files = sorted(MIGRATIONS.glob("*.sql"))
    for path in files:
        version, name = path.stem.split("_", 1)
        push(supabase, version, name, "SELECT 1")
    assert len(migrate(supabase, None, "up")["applied"]) == len(files)
    migrate(supabase, None, "verify")
    assert all(len(row["statements"]) > 1 for row in theirs(supabase))


def test_another_name_is_a_renamed_file(supabase, folder):
    push(supabase, "1", "first", *STATEMENTS1)
    assert "renamed" in migrate(supabase, folder, "status", expect=3)["stderr"]


def test_versions_of_somebody_else(supabase, folder):
    push(supabase, "20240101000000", "theirs", "CREATE TABLE theirs (id int)")
    push(supabase, "0007", "old", "SELECT 1")
    push(supabase, "abc", "odd", "SELECT 1")
    migrate(supabase, folder, "up")
    assert [version for version, _ in recorded(supabase)] == [1, 2]
    assert len(theirs_raw(supabase)) == 5
    migrate(supabase, folder, "down", "--to", "0")
    assert sorted(theirs_raw(supabase)) == ["0007", "20240101000000", "abc"]


def theirs_raw(database):
    return [row["version"] for row in database.session().rows("SELECT version FROM supabase_migrations.schema_migrations")]


def test_a_gap_is_told(supabase, folder):
    """The CLI applied the second file, nobody the first."""
    supabase.session().rows("CREATE TABLE one (id int)")
    push(supabase, "2", "file2", "ALTER TABLE one ADD a int")
    assert "1_file1: inserted" in migrate(supabase, folder, "up", expect=3)["stderr"]
    assert history(supabase) == []


def test_a_database_that_is_otherwise_than_the_files(supabase, folder):
    """What the versions changed is then not known, and the warning names what differs; until repair takes it as it is."""
    push(supabase, "1", "file1", *STATEMENTS1)
    supabase.session().rows("ALTER TABLE one ADD CONSTRAINT more CHECK (id > 0); DROP FUNCTION f()")
    done = migrate(supabase, folder, "up")
    assert "drift is not seen: function public.f() is missing" in done["stderr"]
    assert history(supabase)[0]["changes"] is None
    skipped = [c for c in migrate(supabase, folder, "verify")["checks"] if c["state"] == "skipped"]
    assert "drift" in [c["source"] for c in skipped], skipped
    found = migrate(supabase, folder, "repair")["findings"]
    assert [(f["fault"], f["subject"]) for f in found] == [("unknown_changes", "1_file1")]
    assert history(supabase)[0]["changes"] is None
    supabase.session().rows("ALTER TABLE one ALTER a SET DEFAULT 1")  # what our up made: that is known, so it stays drift
    assert migrate(supabase, folder, "repair", "--apply")["repaired"] == 1
    row = history(supabase)[0]
    assert row["changes"]["function public.f()"] is None and row["changes"]["table public.one"]
    assert "changes taken from the files, 3 objects as they were found" in row["note"], \
        "the function, who may call it, the constraint"
    assert migrate(supabase, folder, "repair")["findings"] == []
    wrong = [c["object"] for c in migrate(supabase, folder, "verify", expect=6)["checks"] if c["state"] == "wrong"]
    assert wrong == ["column public.one.a"]
    supabase.session().rows("ALTER TABLE one ALTER a DROP DEFAULT")
    migrate(supabase, folder, "verify")
    supabase.session().rows("ALTER TABLE one DROP CONSTRAINT more")
    migrate(supabase, folder, "verify", expect=6)


def test_a_role_that_may_not_find_out(supabase, folder):
    """Without CREATEDB the versions are adopted all the same, and repair says what is missing."""
    admin, role = supabase.session(), "tw_test_" + secrets.token_hex(4)
    push(supabase, "1", "file1", *STATEMENTS1)
    admin.rows(f"CREATE ROLE {role} LOGIN PASSWORD 'weak'; ALTER DATABASE {supabase.name} OWNER TO {role}; "
               f"ALTER TABLE one OWNER TO {role}; ALTER FUNCTION f() OWNER TO {role}; "
               f"GRANT ALL ON SCHEMA supabase_migrations TO {role}; GRANT ALL ON supabase_migrations.schema_migrations TO {role}")
    url = re.sub(r"//[^@]*@", f"//{role}:weak@", supabase.url)
    try:
        done = migrate(supabase, folder, "up", DATABASE_URL=url)
        assert "may not create one" in done["stderr"] and [v for v, _ in recorded(supabase)] == [1, 2]
        assert history(supabase)[0]["changes"] is None
        done = migrate(supabase, folder, "repair", "--apply", DATABASE_URL=url)
        assert done["repaired"] == 0 and "MIGRATE_SCRATCH_URL" in done["stderr"]
    finally:
        admin.rows(f"REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; "
                   f"ALTER DATABASE {supabase.name} OWNER TO CURRENT_USER; DROP ROLE {role}")


def test_repair_names_what_up_will_adopt(supabase, folder):
    push(supabase, "1", "file1", *STATEMENTS1)
    found = migrate(supabase, folder, "repair")["findings"]
    assert [(f["fault"], f["subject"], f["next"]) for f in found] == [("unrecorded", "1_file1", "migrate up")]


def test_baseline_takes_over_both(supabase, folder):
    session = supabase.session()
    session.rows(UP1)
    session.rows(UP2)
    push(supabase, "1", "file1", "SELECT 1", keep=False)
    migrate(supabase, folder, "baseline", "--to", "2")
    assert recorded(supabase) == [(1, "baseline"), (2, "baseline")]
    assert [row["version"] for row in theirs(supabase)] == ["1", "2"]


def test_the_programs_own_files_applied_by_the_cli(supabase):
    """Each statement by itself, as the CLI sends them; then our up has nothing to do, and knows what they changed."""
    session = supabase.session()
    files = kept_statements()
    assert [f"{version}_{name}.sql" for version, name, *_ in files] == sorted(path.name for path in MIGRATIONS.glob("*.sql"))
    for version, name, is_alone, statements in files:
        run_by_hand(session, is_alone, statements)
        session.rows("INSERT INTO supabase_migrations.schema_migrations (version, name, statements) VALUES (%s, %s, %s)",
                     version, name, statements)
    assert migrate(supabase, None, "up")["applied"] == []
    assert all(row["changes"] is not None for row in history(supabase))
    assert migrate(supabase, None, "repair")["findings"] == []


def test_the_programs_own_files_applied_by_a_cli_that_kept_nothing(empty):
    """The rows say no more than the versions: the files' own verify files say that they are ours."""
    session = empty.session()
    session.rows("CREATE SCHEMA supabase_migrations; "
                 "CREATE TABLE supabase_migrations.schema_migrations (version text NOT NULL PRIMARY KEY)")
    for version, _, is_alone, statements in kept_statements():
        run_by_hand(session, is_alone, statements)
        session.rows("INSERT INTO supabase_migrations.schema_migrations VALUES (%s)", version)
    assert {entry["state"] for entry in migrate(empty, None, "status")["migrations"]} == {"applied"}
    assert migrate(empty, None, "up")["applied"] == []
    assert all(row["changes"] is not None for row in history(empty))
    assert migrate(empty, None, "verify")["error"] is None


# --- an installation made from the documents, by a CLI that kept no statements ---------------------------------------------

DOCUMENTS = [20251113000000, 20260129150000, 20260129160000, 20260129170000, 20260201000000]


@pytest.fixture(params=["version", "version, statements, name"])
def documents(request, empty):
    plain_auth(empty)
    load(empty, "documents")
    session = empty.session()
    session.rows("CREATE SCHEMA supabase_migrations; "
                 "CREATE TABLE supabase_migrations.schema_migrations (version text NOT NULL PRIMARY KEY)")
    if request.param != "version":
        session.rows("ALTER TABLE supabase_migrations.schema_migrations ADD COLUMN statements text[], ADD COLUMN name text")
    for version in DOCUMENTS:
        session.rows("INSERT INTO supabase_migrations.schema_migrations (version) VALUES (%s)", str(version))
    return empty


def test_the_documents_installation_is_brought_forward(documents):
    session = documents.session()
    before = rows(session)
    assert {entry["state"] for entry in migrate(documents, None, "status")["migrations"]} == {"pending"}
    versions = sorted(path.name.split("_")[0] for path in MIGRATIONS.glob("*.sql"))
    assert [entry["version"] for entry in migrate(documents, None, "up")["applied"]] == versions
    assert sorted(theirs_raw(documents)) == versions
    migrate(documents, None, "verify")
    assert migrate(documents, None, "up")["applied"] == [] and migrate(documents, None, "repair")["findings"] == []
    migrate(documents, None, "down", "--to", "0", "--allow-data-loss")
    assert rows(session) == before


def test_the_documents_installation_and_an_up_that_was_interrupted(documents, tmp_path):
    """At each point our own history tells how far it is, and their row tells no more than before."""
    versions = sorted(int(path.name.split("_")[0]) for path in MIGRATIONS.glob("*.sql"))
    for version in DOCUMENTS:
        below = versions[versions.index(version) - 1]
        migrate(documents, until(below, tmp_path), "up")
        states = {int(entry["version"]): entry["state"] for entry in migrate(documents, None, "status")["migrations"]}
        assert states == {v: "applied" if v <= below else "pending" for v in versions}
    migrate(documents, None, "up")
    assert [row["note"] for row in history(documents)] == [None] * len(versions)
    migrate(documents, None, "verify")
