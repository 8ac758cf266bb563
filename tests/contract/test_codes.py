"""Codes are written in one table: whatever SQL or C produces as "code: text" is in docs/codes.md."""

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
KNOWN = set(re.findall(r"^\| `([a-z_]+)`", (CHECKOUT / "docs/codes.md").read_text(), re.M))


def test_the_page_was_read():
    assert {"stale", "duplicate", "unknown_outcome"} <= KNOWN


def produced_by_sql():
    """'code: …' at the begin of a string literal, and codes that functions return alone."""
    for path in sorted((CHECKOUT / "migrations").glob("*.sql")):
        text = re.sub(r"--.*", "", path.read_text())
        text = re.sub(r"COMMENT ON.*?;", "", text, flags=re.S)
        for code in re.findall(r"'([a-z]+(?:_[a-z]+)*): ", text):
            yield path.name, code


def test_every_code_in_sql_is_in_the_table():
    found = list(produced_by_sql())
    assert found
    assert {(file, code) for file, code in found if code not in KNOWN} == set()


def test_every_code_in_c_comes_from_the_table():
    """C names codes by their constant; a literal "code: " in a program would escape the table."""
    literal = re.compile(r'"([a-z]+(?:_[a-z]+)*): ')
    for path in sorted(CHECKOUT.glob("services/job-dispatcher/*.c")) + sorted(CHECKOUT.glob("services/webhook-ingester/*.c")):
        for code in literal.findall(path.read_text()):
            assert code not in KNOWN, f"{path.name} writes {code!r} by hand"
