"""The migrations up to a version, as a folder of its own: an installation that stands there."""

import shutil
from pathlib import Path

MIGRATIONS = Path(__file__).resolve().parents[3] / "migrations"


def until(version, folder):
    """Copies every up, down and verify file up to and with this version; the folder's name, for --dir."""
    for part in ("", "down", "verify"):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for path in (MIGRATIONS / part).glob("*.sql"):
            if int(path.name.split("_")[0]) <= version:
                shutil.copy(path, folder / part)
    return str(folder)


def apply(database, *arguments):
    """`migrate` with these arguments, which must succeed; the finished process."""
    done = database.migrate(*arguments)
    assert done.returncode == 0, done.stderr
    return done
