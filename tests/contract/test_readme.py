"""README's "Follow one signal": every `file:function` is there; a moved function fails here, not at the reader's."""

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
README = (CHECKOUT / "README.md").read_text()


def stops():
    """(file, function); a bare file name is in the folder of the stop before it."""
    folder = None
    for path, function in re.findall(r"`([\w./-]+\.c):(\w+)`", README):
        folder = Path(path).parent if "/" in path else folder
        yield (CHECKOUT / path if "/" in path else CHECKOUT / folder / path), function


def test_every_stop_is_there():
    found = list(stops())
    assert len(found) > 15
    gone = [f"{path.name}:{function}" for path, function in found
            if not path.exists() or not re.search(rf"^[\w *]*\b{function}\(", path.read_text(), re.M)]
    assert gone == []


def test_every_link_and_migration_is_there():
    named = re.findall(r"\]\(([\w./-]+)\)", README) + re.findall(r"`(migrations/[\w.]+)`", README)
    assert named and [name for name in named if not (CHECKOUT / name).exists()] == []
