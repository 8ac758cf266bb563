"""One chain of migrations, and how each tool wants it written down."""

from dataclasses import dataclass

ROWS = 50_000


@dataclass(frozen=True)
class File:
    number: int
    name: str
    up: str  # one statement a line: goose splits at line ends
    down: str
    alone: bool = False  # its one statement cannot run in a transaction

    @property
    def version(self):
        return f"202601010000{self.number}"

    @property
    def stem(self):
        return f"{self.version}_{self.name}"


def chain(form=""):
    """Tables with rows, two concurrent builds among them. form: "" or "IF NOT EXISTS ", for the builds."""
    return [
        File(10, "items",
             "CREATE TABLE items (id bigint PRIMARY KEY, note text NOT NULL);\n"
             f"INSERT INTO items SELECT n, md5(n::text) FROM generate_series(1, {ROWS}) n;",
             "DROP TABLE items;"),
        File(20, "items_note", f"CREATE INDEX CONCURRENTLY {form}items_note ON items (note);",
             "DROP INDEX CONCURRENTLY items_note;", alone=True),
        File(30, "parts",
             "ALTER TABLE items ADD COLUMN state text NOT NULL DEFAULT 'open';\n"
             "CREATE TABLE parts (item_id bigint NOT NULL REFERENCES items (id), weight numeric);\n"
             f"INSERT INTO parts SELECT n, n / 1000.0 FROM generate_series(1, {ROWS}) n;",
             "DROP TABLE parts;\nALTER TABLE items DROP COLUMN state;"),
        File(40, "parts_item", f"CREATE UNIQUE INDEX CONCURRENTLY {form}parts_item ON parts (item_id);",
             "DROP INDEX CONCURRENTLY parts_item;", alone=True),
        File(50, "open_items", "CREATE VIEW open_items AS SELECT id, note FROM items WHERE state = 'open';",
             "DROP VIEW open_items;"),
    ]


# Needs a lock on a table that is in use.
MORE = File(55, "items_more", "ALTER TABLE items ADD COLUMN more integer;", "ALTER TABLE items DROP COLUMN more;")
# Comes too late: newer ones are applied.
OLDER = File(35, "older", "CREATE TABLE older (id bigint);", "DROP TABLE older;")


def write_tradewire(folder, file):
    head = "-- migrate:no-transaction\n" if file.alone else ""
    (folder / "down").mkdir(exist_ok=True)
    (folder / f"{file.stem}.sql").write_text(f"{head}{file.up}\n")
    (folder / "down" / f"{file.stem}.sql").write_text(f"{head}{file.down}\n")


def write_golang_migrate(folder, file):
    (folder / f"{file.stem}.up.sql").write_text(file.up + "\n")
    (folder / f"{file.stem}.down.sql").write_text(file.down + "\n")


def write_goose(folder, file):
    head = "-- +goose NO TRANSACTION\n" if file.alone else ""
    (folder / f"{file.stem}.sql").write_text(f"{head}-- +goose Up\n{file.up}\n\n-- +goose Down\n{file.down}\n")


def write_dbmate(folder, file):
    how = " transaction:false" if file.alone else ""
    (folder / f"{file.stem}.sql").write_text(f"-- migrate:up{how}\n{file.up}\n\n-- migrate:down{how}\n{file.down}\n")
