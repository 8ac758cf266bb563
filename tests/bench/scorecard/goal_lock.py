"""G5: somebody reads a table in a long transaction, and the next file alters that table. How long do others wait who only
want to read, and how does it end?"""

import subprocess
import threading
import time

from chain import MORE, chain
from tools import finish

HOLD_S = 3
AFTER_S = 30
READERS = 3
OPTION = "-c%20lock_timeout%3D1s"


class Reader(threading.Thread):
    def __init__(self, database):
        super().__init__(daemon=True)
        self.session, self.waits, self.running = database.session(), [], True

    def run(self):
        while self.running:
            begun = time.monotonic()
            self.session.rows("SELECT count(*) FROM items WHERE id < 10")
            self.waits.append((time.monotonic() - begun) * 1000)
            time.sleep(0.005)


def ending(tool, place, database, running, holder, options):
    """Waits until the holder leaves and the tool has ended: how that went, in words."""
    begun = time.monotonic()
    try:
        running.wait(timeout=HOLD_S)
    except subprocess.TimeoutExpired:
        pass
    gave_up = time.monotonic() - begun
    is_over = running.poll() is not None
    time.sleep(max(0, begun + HOLD_S - time.monotonic()))
    holder.rollback()
    released = time.monotonic()
    done = finish(running, AFTER_S)
    if is_over:
        text = f"gave up after {gave_up:.1f} s, exit {done.code}"
    elif done.code == 0:
        return f"done {(time.monotonic() - released) * 1000:,.0f} ms after the holder left"
    else:
        text = f"exit {done.code}: {done.said()}"
    again = tool.up(place.folder, database, options)
    return f"{text}; the next `up`: " + ("done" if again.code == 0 else again.said())


def one(tool, place, options):
    """(worst wait of a reader in ms, how it ended)."""
    tool.write(place.folder, chain())
    with place.database() as database:
        done = tool.up(place.folder, database)
        if done.code != 0:
            raise SystemExit(f"{tool.title}: {done.output}")
        tool.write(place.folder, [*chain(), MORE])
        holder = database.session()
        holder.begin()
        holder.rows("SELECT id FROM items LIMIT 1")
        readers = [Reader(database) for _ in range(READERS)]
        for reader in readers:
            reader.start()
        how = ending(tool, place, database, tool.start(place.folder, database, options), holder, options)
        for reader in readers:
            reader.running = False
        for reader in readers:
            reader.join()
        return max(max(reader.waits) for reader in readers), how


def run(tool, place, rounds, _):
    rows = []
    for name, options in (("nothing set", ""), ("`lock_timeout=1s` in the URL", OPTION)):
        results = []
        for _ in range(rounds):
            results.append(one(tool, place, options))
            place.say(f"G5 {tool.title} {name}: {results[-1]}")
        rows.append((f"G5, {name}: worst wait of a reader", f"{max(wait for wait, _ in results):,.0f} ms"))
        rows.append((f"G5, {name}: the end of the last round", results[-1][1]))
    return rows
