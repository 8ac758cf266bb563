"""G1: twenty `up` at once on an empty database, with concurrent index builds in the chain."""

import time

from chain import chain
from place import invalid, look
from tools import UP_S, finish

PROCESSES = 20


def race(tool, place, expected):
    """One round: what came of it."""
    files = chain()
    with place.database() as database:
        running = [tool.start(place.folder, database) for _ in range(PROCESSES)]
        end = time.monotonic() + UP_S
        done = [finish(process, end - time.monotonic()) for process in running]
        place.alone(database)
        deadlocks = place.admin.value("SELECT deadlocks FROM pg_stat_database WHERE datname = %s", database.name)
        found, recorded = look(database, tool)
        is_whole = (found, recorded) == (expected, tool.expected(files))
        again = tool.up(place.folder, database)
        place.alone(database)
        is_mended = again.code == 0 and look(database, tool) == (expected, tool.expected(files))
    failed = [one for one in done if one.code != 0]
    return {"failed": len(failed), "deadlocks": deadlocks, "invalid": bool(invalid(found)), "whole": is_whole, "mended": is_mended,
            "clean": not failed and not deadlocks and is_whole, "said": sorted({one.said() for one in failed}), "then": again.said()}


def run(tool, place, rounds, _):
    expected, _ = place.undisturbed(tool, chain())
    results = []
    for number in range(rounds):
        results.append(race(tool, place, expected))
        place.say(f"G1 {tool.title} round {number + 1}: {results[-1]}")

    def count(what):
        return sum(result[what] for result in results)
    return [
        (f"G1: {rounds} rounds of {PROCESSES} `up`: clean rounds", f"{count('clean')} of {rounds}"),
        ("G1: processes that failed", f"{count('failed')} of {rounds * PROCESSES}"),
        ("G1: deadlocks", str(count("deadlocks"))),
        ("G1: rounds that left an invalid index", str(count("invalid"))),
        ("G1: rounds with everything applied once afterwards", f"{count('whole')} of {rounds}"),
        ("G1: … after one more `up`", f"{count('mended')} of {rounds}"),
    ]
