"""A migration that was released is never edited: migrations/frozen.sha256 has what each was at its release.

A release adds its new files to the list (migrations/README.md says how). Verify files are not frozen: they are only asked, and
a later migration may make them ask differently.
"""

import hashlib
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "migrations"
LINES = (FOLDER / "frozen.sha256").read_text().splitlines()
FROZEN = {name: checksum for checksum, name in (line.split("  ") for line in LINES)}


def checksum(path):
    """As migrate counts: CR LF is LF."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def version(name):
    return int(re.match(r"(?:down/)?(\d+)_", name).group(1))


def test_no_frozen_file_was_edited_renamed_or_removed():
    assert FROZEN
    now = {name: checksum(FOLDER / name) if (FOLDER / name).exists() else "gone" for name in FROZEN}
    assert {name for name in FROZEN if now[name] != FROZEN[name]} == set()


def test_nothing_was_slipped_in_before_the_newest_frozen_file():
    newest = max(map(version, FROZEN))
    there = {str(path.relative_to(FOLDER)) for pattern in ("*.sql", "down/*.sql") for path in FOLDER.glob(pattern)}
    assert {name for name in there - set(FROZEN) if version(name) <= newest} == set()
