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


def defines(path, function):
    """Its definition: from the first column, with a body. A call or a declaration is not where the reader wants to be."""
    return bool(re.search(rf"^\w[\w *]*\b{function}\([^;{{}}]*\)\s*\{{", path.read_text(), re.M))


def test_every_stop_is_there():
    found = list(stops())
    assert len(found) > 15
    gone = [f"{path.name}:{function}" for path, function in found if not path.exists() or not defines(path, function)]
    assert gone == []


def test_a_call_or_a_declaration_is_no_stop():
    ingester, agent = CHECKOUT / "services/webhook-ingester", CHECKOUT / "agents/mt5-agent"
    assert defines(ingester / "verify.c", "verify_signal")
    assert "verify_signal(" in (ingester / "http.c").read_text() and not defines(ingester / "http.c", "verify_signal")
    assert "book_fail(" in (agent / "book_internal.h").read_text() and not defines(agent / "book_internal.h", "book_fail")


def test_every_link_and_migration_is_there():
    named = re.findall(r"\]\(([\w./-]+)\)", README) + re.findall(r"`(migrations/[\w.]+)`", README)
    assert named and [name for name in named if not (CHECKOUT / name).exists()] == []
